// Package preflight looks, before a process takes work, whether what it was configured with can be right: a bucket that
// does not exist, a server without conditional writes or a key that Stripe does not know would otherwise pass for a
// fleet without settings, or end every run.
//
// What cannot be right refuses to start; what is merely away is waited for.
package preflight
