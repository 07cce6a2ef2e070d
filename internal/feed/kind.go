package feed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is one of the feeds that an account can have
// (https://docs.stripe.com/agentic-commerce/product-feed).
type Kind string

// The feeds.
const (
	// Product is the catalog itself: one row is one product or one variant of one.
	Product Kind = "product"
	// Inventory updates availability and quantity of products that the catalog has.
	Inventory Kind = "inventory"
	// Pricing updates prices of products that the catalog has.
	Pricing Kind = "pricing"
	// Promotion lists discounts on products that the catalog has.
	Promotion Kind = "promotion"
)

// Kinds lists the feeds that Vitrine can sync, the product feed first.
func Kinds() []Kind { return []Kind{Product, Inventory, Pricing, Promotion} }

// ParseKind reads a feed's name; the empty name means Product.
func ParseKind(name string) (Kind, error) {
	if name == "" {
		return Product, nil
	}
	if k := Kind(name); slices.Contains(Kinds(), k) {
		return k, nil
	}
	return "", fmt.Errorf("feed %q is not known: expected product, inventory, pricing or promotion", name)
}

// IDColumn is the column that names a row, and by which Stripe updates instead of adding.
func (k Kind) IDColumn() string {
	if k == Promotion {
		return "promotion_id"
	}
	return "id"
}

// Deletes reports whether Stripe removes a row of this feed when told to (delete=true). Inventory and prices cannot be
// removed: they go with their product.
func (k Kind) Deletes() bool { return k == Product || k == Promotion }

// Format is how the rows of a feed are written.
type Format string

// The two formats that Stripe takes.
const (
	CSV Format = "csv"
	TSV Format = "tsv"
)

// ErrFormat is returned for a name that says nothing about a feed's format.
var ErrFormat = errors.New("expected a name that ends in .csv, .tsv, .csv.gz or .tsv.gz")

// FormatOf tells from a file name or S3 key how a feed is written, and whether it is compressed with gzip.
func FormatOf(name string) (format Format, gzipped bool, err error) {
	lower := strings.ToLower(name)
	lower, gzipped = strings.CutSuffix(lower, ".gz")
	switch {
	case strings.HasSuffix(lower, ".csv"):
		return CSV, gzipped, nil
	case strings.HasSuffix(lower, ".tsv"):
		return TSV, gzipped, nil
	}
	return "", false, fmt.Errorf("format of %q: %w", name, ErrFormat)
}

// Comma is the character between two fields.
func (f Format) Comma() byte {
	if f == TSV {
		return '\t'
	}
	return ','
}

// separators is what people call the character between two fields.
func (f Format) separators() string {
	if f == TSV {
		return "tabs"
	}
	return "commas"
}

// ContentType is the MIME type of an upload in this format; Stripe requires the two to match.
func (f Format) ContentType() string {
	if f == TSV {
		return "text/tab-separated-values"
	}
	return "text/csv"
}
