// Package currency says which currencies there are, how their amounts are written, and how Stripe counts them. It is
// pure.
package currency
