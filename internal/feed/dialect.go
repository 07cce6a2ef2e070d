package feed

// Dialect is a way of writing a feed.
type Dialect string

const (
	// StripeDialect is the specification's own: nothing is changed.
	StripeDialect Dialect = "stripe"
	// GoogleDialect is that of Google Merchant Center.
	GoogleDialect Dialect = "google"
)
