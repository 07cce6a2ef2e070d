// Package e2e runs the built binaries as they run in production: worker and starter as processes, against the sandbox's
// Temporal server, S3 endpoint and Stripe emulator, which are a process of their own too. Nothing of the product is
// called, only watched: through S3, through Temporal, and through the emulator's control API.
//
// All tests share one sandbox and run in parallel. Each has a room in it (room_test.go): an account, a Temporal
// namespace and a Stripe key of its own, and its own workers, which it may kill as it likes.
package e2e
