package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/fault"
)

const (
	agreementsPath = "/v2/orchestrated_commerce/agreements"
	// agreementsPerPage and agreementPages bound what is read of an account: there are far fewer agents.
	agreementsPerPage = "100"
	agreementPages    = 10
)

var (
	agreementID = regexp.MustCompile(`^orca_[A-Za-z0-9_]{1,250}$`)
	profileID   = regexp.MustCompile(`^profile_[A-Za-z0-9_]{1,250}$`)
)

// AgreementStatus is how far an agreement is; Stripe may come to have other ones.
type AgreementStatus string

// The statuses that Stripe documents.
const (
	AgreementInitiated       AgreementStatus = "initiated"
	AgreementPartlyConfirmed AgreementStatus = "partially_confirmed"
	AgreementConfirmed       AgreementStatus = "confirmed"
	AgreementTerminated      AgreementStatus = "terminated"
)

// Agreement is what lets an agent, which Stripe calls the orchestrator, sell for an account, the seller
// (https://docs.stripe.com/api/v2/orchestrated-commerce/agreements/object). Each of the two confirms it and may end it.
type Agreement struct {
	ID     string          `json:"id"`
	Status AgreementStatus `json:"status"`
	// Agent is the agent's name, and Profile its Network ID, profile_…; Seller is that of the account.
	Agent   string `json:"agent,omitempty"`
	Profile string `json:"profile"`
	Seller  string `json:"seller,omitempty"`
	// InitiatedBy and TerminatedBy are seller or orchestrator.
	InitiatedBy     string    `json:"initiated_by,omitempty"`
	TerminatedBy    string    `json:"terminated_by,omitempty"`
	Created         time.Time `json:"created,omitzero"`
	SellerConfirmed time.Time `json:"seller_confirmed_at,omitzero"`
	AgentConfirmed  time.Time `json:"agent_confirmed_at,omitzero"`
	Terminated      time.Time `json:"terminated_at,omitzero"`
}

// Since is when the agreement came to be as it is; zero: Stripe does not say.
func (a Agreement) Since() time.Time {
	latest := a.Created
	for _, at := range []time.Time{a.SellerConfirmed, a.AgentConfirmed, a.Terminated} {
		if at.After(latest) {
			latest = at
		}
	}
	return latest
}

// CheckAgreement says whether this is the id of an agreement.
func CheckAgreement(id string) error {
	if !agreementID.MatchString(id) {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("%.60q is not the id of an agreement (orca_…)", id))
	}
	return nil
}

// CheckProfile says whether this is a Network ID.
func CheckProfile(id string) error {
	if !profileID.MatchString(id) {
		return fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("%.60q is not the Network ID of an agent (profile_…)", id))
	}
	return nil
}

// Agreements lists the agreements of an account with agents, those that are over too.
func (c *Client) Agreements(ctx context.Context, account string) ([]Agreement, error) {
	const doing = "list agreements"
	all := []Agreement{}
	query := url.Values{"limit": {agreementsPerPage}}
	for range agreementPages {
		response, err := c.agreementCall(ctx, doing, http.MethodGet, account, agreementsPath+"?"+query.Encode(), nil,
			"")
		if err != nil {
			return nil, err
		}
		var list struct {
			Data []json.RawMessage `json:"data"`
			Next text              `json:"next_page_url"`
		}
		if err := decodeObject(response.RawJSON, &list); err != nil {
			return nil, unreadable(doing, response, err)
		}
		if list.Data == nil {
			return nil, unreadable(doing, response, errNoList)
		}
		for _, raw := range list.Data {
			one, err := decodeAgreement(raw, c.redactor)
			if err != nil {
				return nil, unreadable(doing, response, err)
			}
			all = append(all, one)
		}
		next, err := nextPage(string(list.Next))
		if err != nil {
			return nil, unreadable(doing, response, err)
		}
		if next == nil {
			return all, nil
		}
		query = next
	}
	return nil, fault.NewPermanent(fault.StripeRejected, &Error{Message: doing + ": there are more than 1000"})
}

// Agreement reads one agreement of an account.
func (c *Client) Agreement(ctx context.Context, account, id string) (Agreement, error) {
	if err := CheckAgreement(id); err != nil {
		return Agreement{}, err
	}
	return c.oneAgreement(ctx, "read agreement "+id, http.MethodGet, account, agreementsPath+"/"+id, nil, "")
}

// ProposeAgreement begins an agreement of an account with the agent of a Network ID. Stripe replays one that was begun
// under the same key within 30 days.
func (c *Client) ProposeAgreement(ctx context.Context, account, profile, key string) (Agreement, error) {
	if err := errors.Join(CheckProfile(profile), checkIdempotencyKey(key)); err != nil {
		return Agreement{}, err
	}
	body := map[string]string{"orchestrator": profile}
	return c.oneAgreement(ctx, "propose an agreement", http.MethodPost, account, agreementsPath, body, key)
}

// TerminateAgreement ends an agreement: the agent sells no more for the account.
func (c *Client) TerminateAgreement(ctx context.Context, account, id, key string) (Agreement, error) {
	if err := errors.Join(CheckAgreement(id), checkIdempotencyKey(key)); err != nil {
		return Agreement{}, err
	}
	path := agreementsPath + "/" + id + "/terminate"
	return c.oneAgreement(ctx, "terminate agreement "+id, http.MethodPost, account, path, map[string]string{}, key)
}

func (c *Client) oneAgreement(
	ctx context.Context, doing, method, account, path string, body map[string]string, key string,
) (Agreement, error) {
	response, err := c.agreementCall(ctx, doing, method, account, path, body, key)
	if err != nil {
		return Agreement{}, err
	}
	found, err := decodeAgreement(response.RawJSON, c.redactor)
	if err != nil {
		return Agreement{}, unreadable(doing, response, err)
	}
	return found, nil
}

// agreementCall acts for an account: without one it would act for the platform, which sells nothing itself.
func (c *Client) agreementCall(
	ctx context.Context, doing, method, account, path string, body map[string]string, key string,
) (*stripe.APIResponse, error) {
	if err := checkAccount(account); err != nil {
		return nil, err
	}
	params := c.params(account, c.options.AgreementsVersion)
	content := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, fault.NewPermanent(fault.InputInvalid, fmt.Errorf("%s: %w", doing, err))
		}
		content, params.IdempotencyKey = string(encoded), stripe.String(key)
	}
	return c.raw(ctx, doing, method, path, content, params)
}

func decodeAgreement(body []byte, redact redactor) (Agreement, error) {
	var raw struct {
		ID           string `json:"id"`
		Status       text   `json:"status"`
		InitiatedBy  text   `json:"initiated_by"`
		TerminatedBy text   `json:"terminated_by"`
		Orchestrator struct {
			Name    text   `json:"name"`
			Profile string `json:"network_business_profile"`
		} `json:"orchestrator_details"`
		Seller struct {
			Profile string `json:"network_business_profile"`
		} `json:"seller_details"`
		Created     timestamp `json:"created"`
		Transitions struct {
			Seller       timestamp `json:"seller_confirmed_at"`
			Orchestrator timestamp `json:"orchestrator_confirmed_at"`
			Terminated   timestamp `json:"terminated_at"`
		} `json:"status_transitions"`
	}
	if err := decodeObject(body, &raw); err != nil {
		return Agreement{}, err
	}
	if CheckAgreement(raw.ID) != nil {
		return Agreement{}, errors.New("the answer is no agreement")
	}
	return Agreement{
		ID: raw.ID, Status: AgreementStatus(redact.clean(string(raw.Status))),
		Agent:   redact.clean(string(raw.Orchestrator.Name)),
		Profile: redact.clean(raw.Orchestrator.Profile), Seller: redact.clean(raw.Seller.Profile),
		InitiatedBy: redact.clean(string(raw.InitiatedBy)), TerminatedBy: redact.clean(string(raw.TerminatedBy)),
		Created: time.Time(raw.Created), SellerConfirmed: time.Time(raw.Transitions.Seller),
		AgentConfirmed: time.Time(raw.Transitions.Orchestrator), Terminated: time.Time(raw.Transitions.Terminated),
	}, nil
}
