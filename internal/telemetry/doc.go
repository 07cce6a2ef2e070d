// Package telemetry makes the logger, the metrics and the traces of a process.
package telemetry
