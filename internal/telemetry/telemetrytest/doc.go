// Package telemetrytest compares what a process shows of itself with what is defined, and so documented.
package telemetrytest
