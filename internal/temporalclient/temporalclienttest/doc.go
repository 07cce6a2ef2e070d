// Package temporalclienttest has a stand-in for the front of a Temporal server: enough of it for clients to connect and
// for workers to wait for work that never comes. It runs no workflow; the sandbox has a real server for that.
package temporalclienttest
