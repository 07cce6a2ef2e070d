package catalog

import (
	"fmt"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// ID names a catalog: one feed of one account.
type ID struct {
	Account string    `json:"account"`
	Feed    feed.Kind `json:"feed"`
}

// Name is what people call the catalog: acct_123/product.
func (id ID) Name() string { return id.Account + "/" + string(id.Feed) }

// Check returns a permanent error if the id could not stand in a key or an address.
func (id ID) Check() error {
	if err := account.Check(id.Account); err != nil {
		return err
	}
	if _, err := feed.ParseKind(string(id.Feed)); err != nil || id.Feed == "" {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("feed %q is not known", id.Feed))
	}
	return nil
}
