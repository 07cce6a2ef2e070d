// Package catalog holds the words that every room shares about an account's catalog: the account and its settings, the
// source in S3, the import at Stripe, and the two documents that Vitrine keeps beside the catalogs, the state and the
// report. It knows the layout of the state bucket and nothing about how bytes get there.
package catalog

import (
	"fmt"
	"regexp"

	"vitrine/internal/fault"
)

// accountPattern is what a connected account's id looks like. The id becomes a part of S3 keys, workflow ids and the
// Stripe-Account header, so nothing else may pass.
var accountPattern = regexp.MustCompile(`^acct_[A-Za-z0-9_]{1,64}$`)

// CheckAccount returns a permanent error if account is not the id of a connected account (acct_…).
func CheckAccount(account string) error {
	if !accountPattern.MatchString(account) {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("account %q is not a Stripe account id: expected acct_ and 1 to 64 letters or digits", shorten(account)))
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
