package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

const (
	sessionsPath = "/v1/checkout/sessions"
	// expandedLines are the line items that Stripe expands within a session, if there are more.
	expandedLines = 10
	// linesPerPage are those that it lists at once, and linePages bounds how many pages of them are read.
	linesPerPage, linePages = 100, 10
)

// Orders is what Vitrine asks of Stripe about an order, and does to its payment. All calls are raw: what an agent's
// order has more than others exists in preview versions alone, for which stripe-go has no types, and one version for
// all of an order's calls keeps what they say comparable.
//
// Nothing here logs or returns a buyer's data but Session.
type Orders struct{ client *Client }

// Orders calls under the version of Options.OrdersVersion.
func (c *Client) Orders() *Orders { return &Orders{client: c} }

// Session loads a checkout session whole: all of its line items, the payment, the agent. The account is the connected
// one that took the payment (a direct charge).
func (o *Orders) Session(ctx context.Context, account, id string) (order.Session, error) {
	if err := errors.Join(checkAccount(account), order.CheckSession(id)); err != nil {
		return order.Session{}, err
	}
	session, err := o.readSession(ctx, account, id)
	if err != nil {
		return order.Session{}, err
	}
	if err := o.readMoreLines(ctx, account, &session); err != nil {
		return order.Session{}, err
	}
	return session.session(account), nil
}

// The agent's details are a private preview: Stripe refuses to expand them where there is none.
var (
	sessionExpand = []string{"line_items.data.price.product", "line_items.data.taxes", "payment_intent.latest_charge",
		"shipping_cost.shipping_rate"}
	agentExpand = "payment_intent.agent_details"
)

func (o *Orders) readSession(ctx context.Context, account, id string) (checkoutSession, error) {
	doing := "read checkout session " + id
	path := sessionsPath + "/" + id
	response, err := o.look(ctx, doing, account, path,
		url.Values{"expand[]": append([]string{agentExpand}, sessionExpand...)})
	if cannotExpand(err) {
		response, err = o.get(ctx, doing, account, path, url.Values{"expand[]": sessionExpand})
	}
	if err != nil {
		return checkoutSession{}, withoutMessage(err)
	}
	var session checkoutSession
	if err := decodeObject(response.RawJSON, &session); err != nil {
		return checkoutSession{}, unreadable(doing, response, err)
	}
	if session.ID != id {
		return checkoutSession{}, unreadable(doing, response, errors.New("the answer is about another object"))
	}
	return session, nil
}

func cannotExpand(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Status == http.StatusBadRequest &&
		(strings.HasPrefix(refused.Param, "expand") || strings.Contains(refused.Message, "expand"))
}

// readMoreLines reads what did not fit the session.
func (o *Orders) readMoreLines(ctx context.Context, account string, s *checkoutSession) error {
	doing := "read the line items of checkout session " + s.ID
	more, err := s.LineItems.goesOn(expandedLines)
	switch {
	case s.LineItems.Data == nil && s.Mode != order.PaymentMode:
		return nil // it sells nothing, which order.Summary.Check says
	case err != nil:
		return unavailable(&Error{Message: doing + ": " + err.Error()})
	}
	for page := 0; more; page++ {
		if page == linePages {
			return fault.NewPermanent(fault.StripeRejected,
				&Error{Message: fmt.Sprintf("%s: there are more than %d", doing, len(s.LineItems.Data))})
		}
		last := s.LineItems.Data[len(s.LineItems.Data)-1].ID
		if err := order.CheckLineItem(last); err != nil {
			return unavailable(&Error{Message: doing + ": the last one has no id to go on from"})
		}
		response, err := o.get(ctx, doing, account, sessionsPath+"/"+s.ID+"/line_items", url.Values{
			"limit": {strconv.Itoa(linesPerPage)}, "starting_after": {last},
			"expand[]": {"data.price.product", "data.taxes"},
		})
		if err != nil {
			return err
		}
		var lines list[lineItem]
		if err := decodeObject(response.RawJSON, &lines); err != nil {
			return unreadable(doing, response, err)
		}
		if more, err = lines.goesOn(linesPerPage); err != nil {
			return unreadable(doing, response, err)
		}
		s.LineItems.Data = append(s.LineItems.Data, lines.Data...)
	}
	return nil
}

// SessionOf finds the checkout session that a payment belongs to. Empty means that none does: the payment came about
// otherwise, and no event that comes later changes that, because a session exists before its payment.
func (o *Orders) SessionOf(ctx context.Context, account, paymentIntent string) (string, error) {
	if err := errors.Join(checkAccount(account), order.CheckPaymentIntent(paymentIntent)); err != nil {
		return "", err
	}
	doing := "find the checkout session of " + paymentIntent
	response, err := o.get(ctx, doing, account, sessionsPath,
		url.Values{"payment_intent": {paymentIntent}, "limit": {"1"}})
	if err != nil {
		return "", err
	}
	var sessions list[struct {
		ID string `json:"id"`
	}]
	if err := decodeObject(response.RawJSON, &sessions); err != nil {
		return "", unreadable(doing, response, err)
	}
	if _, err := sessions.goesOn(1); err != nil { // it would be news of nobody's, for good
		return "", unreadable(doing, response, err)
	}
	if len(sessions.Data) == 0 {
		return "", nil
	}
	if err := order.CheckSession(sessions.Data[0].ID); err != nil {
		return "", unreadable(doing, response, errors.New("the answer names no session"))
	}
	return sessions.Data[0].ID, nil
}

// get keeps Stripe's words out of its errors, as post does: they end up in history, and may repeat what is about the
// buyer. The code, the parameter and the number of the request stay.
func (o *Orders) get(ctx context.Context, doing, account, path string, query url.Values) (*stripe.APIResponse, error) {
	response, err := o.look(ctx, doing, account, path, query)
	return response, withoutMessage(err)
}

func (o *Orders) look(ctx context.Context, doing, account, path string, query url.Values) (*stripe.APIResponse, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return o.client.raw(ctx, doing, http.MethodGet, path, "", o.params(account))
}

func (o *Orders) post(
	ctx context.Context, doing, account, path string, form url.Values, key string,
) (*stripe.APIResponse, error) {
	params := o.params(account)
	params.IdempotencyKey = stripe.String(key)
	response, err := o.client.raw(ctx, doing, http.MethodPost, path, form.Encode(), params)
	return response, withoutMessage(err)
}

// params leaves Stripe-Account out for the platform itself, whose events the sweep reads too.
func (o *Orders) params(account string) stripe.Params {
	params := o.client.params(account, o.client.options.OrdersVersion)
	if account == "" {
		params.StripeAccount = nil
	}
	return params
}

// decodeObject leaves a field out that is of another type than expected: what is missing then, order.Summary.Check
// finds.
func decodeObject(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	switch silent := silence(""); {
	case errors.As(err, &silent):
		return silent
	case err != nil && !errors.As(err, new(*json.UnmarshalTypeError)):
		return errors.New("the answer is not JSON") // the decoder's own words could quote a buyer
	}
	return nil
}

// silence is what an answer does not say that money or goods hang on: what is absent is neither zero nor no.
type silence string

func (s silence) Error() string { return string(s) }
