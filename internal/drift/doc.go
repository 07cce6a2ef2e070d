// Package drift tells what Stripe has of a product catalog apart from what Vitrine believes that it has: products that
// are missing there, foreign ones, and ones that differ. It is pure: a report of Stripe's, a manifest and a source in,
// findings and the rows to send again out.
package drift
