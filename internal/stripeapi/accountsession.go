package stripeapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// AccountSession lets a page act for an account, in the embedded components that the session is for
// (https://docs.stripe.com/api/account_sessions).
type AccountSession struct {
	Secret  ClientSecret
	Expires time.Time // zero: Stripe does not say
}

// ClientSecret opens an account's settings to whoever has it, once. It is handed on, and otherwise never shown.
type ClientSecret string

// Reveal is the secret itself.
func (s ClientSecret) Reveal() string { return string(s) }

// String keeps the secret out of whatever prints it.
func (ClientSecret) String() string { return "[client secret]" }

// GoString is String.
func (s ClientSecret) GoString() string { return s.String() }

// LogValue is String.
func (s ClientSecret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String: who sends it on says so.
func (s ClientSecret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// CheckAccount says whether this is the id of an account.
func CheckAccount(id string) error { return checkAccount(id) }

// BeginAccountSession makes a session for the settings of agentic commerce of a connected account. The platform makes
// it, and names the account. Each call makes another one: a secret is good once.
func (c *Client) BeginAccountSession(ctx context.Context, account string) (AccountSession, error) {
	if err := checkAccount(account); err != nil {
		return AccountSession{}, err
	}
	const doing = "begin an account session"
	params := c.params("", c.options.EmbeddedVersion)
	params.StripeAccount = nil
	form := url.Values{"account": {account}, "components[agentic_commerce_settings][enabled]": {"true"}}
	response, err := c.raw(ctx, doing, http.MethodPost, "/v1/account_sessions", form.Encode(), params)
	if err != nil {
		return AccountSession{}, err
	}
	var raw struct {
		Account text  `json:"account"`
		Secret  text  `json:"client_secret"`
		Expires count `json:"expires_at"`
	}
	if err := decodeObject(response.RawJSON, &raw); err != nil {
		return AccountSession{}, unreadable(doing, response, err)
	}
	switch {
	case string(raw.Account) != account:
		return AccountSession{}, unreadable(doing, response, errors.New("the answer is about another account"))
	case raw.Secret == "":
		return AccountSession{}, unreadable(doing, response, errors.New("the answer has no client secret"))
	}
	return AccountSession{Secret: ClientSecret(raw.Secret), Expires: unix(raw.Expires)}, nil
}
