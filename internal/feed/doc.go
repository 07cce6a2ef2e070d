// Package feed is the engine for Stripe's product feed: its columns, checking, comparing with what Stripe has, and
// finding rows again. It is pure: readers in, writers and findings out; it knows nothing of S3, Stripe's API or
// Temporal. How a file becomes rows is known to lines, below it.
//
// A source goes through it like this:
//
//	bytes ─▶ lines.Cutter: batches of rows
//	      ─▶ examiner (examine.go), on all cores: dialect, rules, fingerprint
//	      ─▶ comparison (compare.go, decide.go), in the order of the file: against the Manifest of what Stripe has
//	      ─▶ parts (parts.go): the rows that Stripe does not have, and tombstones
//
// The specification is https://docs.stripe.com/agentic-commerce/product-feed.
package feed
