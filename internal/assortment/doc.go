// Package assortment knows what an account sells as Stripe has it: price, stock and shipping of every row that Stripe
// accepted. It is one file per account, made when imports are settled and read when Stripe asks during a checkout,
// where an answer that takes longer than four seconds is a lost sale.
//
// It is pure but for the port statestore.Objects: Merge makes the file (merge.go), Index looks things up in its bytes
// (index.go), Store keeps the files of many accounts within bounded memory (store.go), and Reservations remember
// for a while what was promised to checkouts that are not paid yet (reservations.go).
package assortment
