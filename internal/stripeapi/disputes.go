package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

const disputesPath = "/v1/disputes/"

type dispute struct {
	ID            string `json:"id"`
	Charge        object `json:"charge"`
	PaymentIntent object `json:"payment_intent"`
	Amount        count  `json:"amount"`
	Currency      text   `json:"currency"`
	Reason        text   `json:"reason"`
	Status        text   `json:"status"`
	Created       count  `json:"created"`
	Evidence      struct {
		DueBy       count `json:"due_by"`
		Submissions count `json:"submission_count"`
	} `json:"evidence_details"`
}

// Dispute reads a dispute.
func (o *Orders) Dispute(ctx context.Context, account, id string) (order.Dispute, error) {
	if err := errors.Join(checkAccount(account), order.CheckDispute(id)); err != nil {
		return order.Dispute{}, err
	}
	doing := "read dispute " + id
	response, err := o.get(ctx, doing, account, disputesPath+id, nil)
	if err != nil {
		return order.Dispute{}, err
	}
	return decodeDispute(doing, id, response)
}

// SubmitEvidence puts evidence at a dispute, and hands it to the bank if submit; it takes it once. A dispute that the
// bank has decided is a fault.PaymentConflict.
func (o *Orders) SubmitEvidence(
	ctx context.Context, account, id string, e order.Evidence, submit bool, key string,
) (order.Dispute, error) {
	if err := checkWrite(account, 0, key, errors.Join(order.CheckDispute(id), e.Check())); err != nil {
		return order.Dispute{}, err
	}
	is, err := o.Dispute(ctx, account, id)
	if err != nil {
		return order.Dispute{}, err
	}
	if submit && is.Submissions > 0 { // an earlier try got through, and nobody heard of it
		return is, nil
	}
	if is.Closed() {
		return is, conflict("dispute %s is %s: the bank has decided, and takes no evidence", id, is.Status)
	}
	form, err := evidenceForm(e)
	if err != nil {
		return order.Dispute{}, err
	}
	form.Set("submit", strconv.FormatBool(submit))
	doing := "submit evidence to dispute " + id
	response, err := o.post(ctx, doing, account, disputesPath+id, form, key)
	if err != nil {
		return order.Dispute{}, err
	}
	return decodeDispute(doing, id, response)
}

// evidenceForm goes by the JSON names of the evidence, which are Stripe's.
func evidenceForm(e order.Evidence) (url.Values, error) {
	encoded, err := json.Marshal(e)
	if err != nil {
		return nil, fault.NewPermanent(fault.InputInvalid, errors.New("encode the evidence"))
	}
	var fields map[string]string
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return nil, fault.NewPermanent(fault.InputInvalid, errors.New("encode the evidence"))
	}
	form := url.Values{}
	for name, value := range fields {
		form.Set("evidence["+name+"]", value)
	}
	return form, nil
}

// withoutMessage takes Stripe's words out of a refusal: they may repeat what was sent, which is about the buyer. The
// code and the parameter stay.
func withoutMessage(err error) error {
	f, known := fault.Of(err)
	var refused *Error
	if !known || !errors.As(err, &refused) || refused.Status == 0 {
		return err
	}
	silent := *refused
	silent.Message = ""
	return &fault.Error{Kind: f.Kind, Code: f.Code, After: f.After, Err: &silent}
}

func decodeDispute(doing, id string, response *stripe.APIResponse) (order.Dispute, error) {
	var d dispute
	if err := decodeObject(response.RawJSON, &d); err != nil {
		return order.Dispute{}, unreadable(doing, response, err)
	}
	if d.ID != id {
		return order.Dispute{}, unreadable(doing, response, errors.New("the answer is about another object"))
	}
	return order.Dispute{
		ID: d.ID, Charge: string(d.Charge), PaymentIntent: string(d.PaymentIntent), Amount: int64(d.Amount),
		Currency: string(d.Currency),
		Reason:   string(d.Reason), Status: string(d.Status), EvidenceDueBy: unix(d.Evidence.DueBy),
		Submissions: int64(d.Evidence.Submissions),
		Created:     unix(d.Created),
	}, nil
}
