// Package fault says what an error means for a retry, at the place where that is known.
//
// An adapter that talks to Stripe or S3 knows whether a failure is final, whether the other side asked for a pause,
// or whether the answer is merely not there yet. It says so by wrapping the error here. Nobody else guesses: the
// activities translate the behaviour for Temporal once (activities/errors.go), the starter turns it into an exit code.
package fault
