package feed

import (
	"fmt"
	"slices"
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
