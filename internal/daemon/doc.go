// Package daemon is what Vitrine's processes that stay share, the worker and 'starter serve': they are measured, reach
// Temporal and Stripe, say whether they live and are ready, wait for what is away, give up, and have a version.
//
// What a process does besides is wired by itself.
package daemon
