// Package checkout answers what Stripe asks while an agent's buyer checks out: may this be sold (approve.go), how can
// it be shipped (customize.go), what does it cost and is it there (availability.go). It decides by what the account's
// assortment says and invents nothing: what it does not know it leaves to the caller's fallback, or to Stripe's own
// reading of the feed. The merchant may be asked as well: what (question.go), and what may be an answer (merchant.go).
//
// The shapes are those of https://docs.stripe.com/agentic-commerce, sections on order approval and customization. They
// are previews: fields that this code does not know pass, and both spellings that have been seen are read.
package checkout
