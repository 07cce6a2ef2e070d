// Package webui serves Temporal's Web UI from this process.
package webui
