package stripeapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/account"
)

// Account is how an account stands with Stripe, as far as that decides whether agents may buy from it. Nothing of the
// people behind it is read.
type Account struct {
	ID      string
	Name    string // of the business; empty: Stripe does not say
	Country string
	// ChargesEnabled says whether it can be paid; nil: Stripe does not say.
	ChargesEnabled *bool
	DisabledReason string    // why not, in Stripe's word
	Due            []string  // what Stripe wants to know of it, past due first
	Answered       time.Time // Stripe's clock when it answered; zero: it did not say
}

// Account reads a connected account, or the platform's own if id is empty.
func (c *Client) Account(ctx context.Context, id string) (Account, error) {
	if id != "" {
		if err := checkAccount(id); err != nil {
			return Account{}, err
		}
	}
	const doing = "read the account"
	response, err := c.Orders().get(ctx, doing, id, "/v1/account", nil)
	if err != nil {
		return Account{}, err
	}
	found, err := decodeAccount(response, c.redactor)
	if err == nil && id != "" && found.ID != id {
		err = errors.New("the answer is about another account")
	}
	if err != nil {
		return Account{}, unreadable(doing, response, err)
	}
	return found, nil
}

func decodeAccount(response *stripe.APIResponse, redact redactor) (Account, error) {
	var raw struct {
		ID              string  `json:"id"`
		Country         text    `json:"country"`
		ChargesEnabled  saidYes `json:"charges_enabled"`
		BusinessProfile struct {
			Name text `json:"name"`
		} `json:"business_profile"`
		Requirements struct {
			DisabledReason text     `json:"disabled_reason"`
			PastDue        []string `json:"past_due"`
			CurrentlyDue   []string `json:"currently_due"`
		} `json:"requirements"`
	}
	if err := decodeObject(response.RawJSON, &raw); err != nil {
		return Account{}, err
	}
	if account.Check(raw.ID) != nil {
		return Account{}, errors.New("the answer names no account")
	}
	a := Account{
		ID: raw.ID, Country: redact.clean(string(raw.Country)), Name: redact.clean(string(raw.BusinessProfile.Name)),
		ChargesEnabled: raw.ChargesEnabled.said, DisabledReason: redact.clean(string(raw.Requirements.DisabledReason)),
		Answered: date(response.Header),
	}
	for _, due := range slices.Concat(raw.Requirements.PastDue, raw.Requirements.CurrentlyDue) {
		if due = redact.clean(due); !slices.Contains(a.Due, due) {
			a.Due = append(a.Due, due)
		}
	}
	return a, nil
}

// saidYes is yes or no where the JSON says so; whatever else it holds is neither.
type saidYes struct{ said *bool }

// UnmarshalJSON never fails.
func (a *saidYes) UnmarshalJSON(data []byte) error {
	if yes := string(data) == "true"; yes || string(data) == "false" {
		a.said = &yes
	}
	return nil
}

// date is the server's clock; zero if it does not tell.
func date(h http.Header) time.Time {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return at
}
