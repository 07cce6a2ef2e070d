// Package health answers whether a process is alive and ready, for the worker and for the webhook server.
package health
