package simcontrol

import (
	"context"
	"net/http"
	"net/url"
)

// Standing is how an account stands with Stripe. Accounts that nobody set one for may take charges.
type Standing struct {
	Name           string `json:"name,omitempty"`    // of the business
	Country        string `json:"country,omitempty"` // of two letters; empty: US
	ChargesEnabled bool   `json:"charges_enabled"`
	// DisabledReason and CurrentlyDue are what Stripe's object has under requirements.
	DisabledReason string   `json:"disabled_reason,omitempty"`
	CurrentlyDue   []string `json:"currently_due,omitempty"`
	// Disconnected accounts are refused to the platform's keys; the event account.application.deauthorized says so
	// once.
	Disconnected bool `json:"disconnected,omitempty"`
}

// SetStanding says how an account stands with Stripe from now on, and lets account.updated say so.
func (c Client) SetStanding(ctx context.Context, account string, s Standing) error {
	return c.call(ctx, http.MethodPost, "/_sim/accounts/"+url.PathEscape(account), s, nil)
}
