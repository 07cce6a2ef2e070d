package simcontrol

import (
	"context"
	"net/http"
	"net/url"
)

// The two parties of an agreement, as Stripe names them, and what each can do to it.
const (
	Seller       = "seller"
	Orchestrator = "orchestrator"

	ConfirmAgreement   = "confirm"
	TerminateAgreement = "terminate"
)

// Agreement is one of an account with an agent.
type Agreement struct {
	ID      string `json:"id,omitempty"`
	Agent   string `json:"agent,omitempty"`   // its name; empty: Test Agent
	Profile string `json:"profile,omitempty"` // its Network ID; empty: one that nobody else has
	Status  string `json:"status,omitempty"`  // confirmed makes one that both have confirmed; empty: initiated
}

// MakeAgreement makes an agreement of an account, as an agent's first payment does.
func (c Client) MakeAgreement(ctx context.Context, account string, a Agreement) (Agreement, error) {
	var made Agreement
	err := c.call(ctx, http.MethodPost, "/_sim/accounts/"+url.PathEscape(account)+"/agreements", a, &made)
	return made, err
}

// ChangeAgreement lets one of the two parties confirm or terminate an agreement.
func (c Client) ChangeAgreement(ctx context.Context, id, party, what string) (Agreement, error) {
	var changed Agreement
	err := c.call(ctx, http.MethodPost, "/_sim/agreements/"+url.PathEscape(id),
		map[string]string{"by": party, "do": what}, &changed)
	return changed, err
}
