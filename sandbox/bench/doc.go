// Package bench measures what takes time and memory, each in a process of its own, against the sandbox's servers.
//
// An upload of the size that Stripe takes at most is compared with what else could do it: curl, and stripe-go's own
// files service; the time includes starting the process. The first load of an assortment is what the first hook of an
// account waits for.
package bench
