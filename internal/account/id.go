package account

import (
	"fmt"
	"regexp"

	"vitrine/internal/fault"
)

// pattern is what a connected account's id looks like. The id becomes a part of S3 keys, workflow ids and the
// Stripe-Account header, so nothing else may pass.
var pattern = regexp.MustCompile(`^acct_[A-Za-z0-9_]{1,64}$`)

// Check returns a permanent error if id is not that of a connected account (acct_…).
func Check(id string) error {
	if !pattern.MatchString(id) {
		return fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("account %q is not a Stripe account id: expected acct_ and 1 to 64 letters or digits",
				shorten(id)))
	}
	return nil
}

// shorten keeps a mistaken paste (a key, a whole file) from filling an error message.
func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
