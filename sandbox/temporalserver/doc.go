// Package temporalserver runs a whole Temporal server in this process, on SQLite: what `temporal server start-dev`
// does, without a second binary to install. For measurements it can use a PostgreSQL that somebody else runs.
package temporalserver
