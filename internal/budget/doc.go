// Package budget spends what there is of Stripe: calls a second, which Rates slow down where Stripe asks for it; and
// attempts while something fails for everybody, which a Breaker keeps to a few. What a buyer waits for is paid from
// both and waits for neither.
//
// It does no I/O, and is of one process: Stripe tells every worker by itself when it is too much.
package budget
