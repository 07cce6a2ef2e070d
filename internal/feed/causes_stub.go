// Package feed is the engine for Stripe's product feed.
package feed

const (
	UnknownColumn Cause = "unknown_column"
	TooManyFields Cause = "too_many_fields"
	TooFewFields  Cause = "too_few_fields"
	EmptyID       Cause = "empty_id"
	NotUTF8       Cause = "not_utf8"
)
