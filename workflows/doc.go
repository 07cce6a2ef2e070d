// Package workflows says what happens in which order. It does no I/O: the steps are activities.
//
// This file is the contract with everybody who starts, watches or schedules the workflows: the starter, the temporal
// CLI, tctl and the Web UI. Nothing in it is renamed once released, and structs grow only by addition.
package workflows
