// Package order holds the words that every room shares about an order: what may be remembered of it (ids, amounts,
// counts, SKUs and states, which Temporal keeps for as long as a history lives) and what may not (Session, Document and
// Evidence, the only types that know the buyer, which exist within one activity and refuse to become an activity's
// result).
//
// Whoever adds a field to a type that goes into history asks first: could a buyer be found by it?
package order
