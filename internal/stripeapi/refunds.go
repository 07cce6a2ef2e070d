package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"vitrine/internal/order"
)

const (
	refundsPath = "/v1/refunds"
	// keyMetadata is where a refund remembers the idempotency key that it was made under.
	keyMetadata = "vitrine_key"
	// refundsPerPage are those that Stripe lists at once, and refundPages bounds how many pages of them are read.
	refundsPerPage, refundPages = 100, 10
)

type refund struct {
	ID       string          `json:"id"`
	Amount   count           `json:"amount"`
	Currency text            `json:"currency"`
	Status   text            `json:"status"`
	Reason   text            `json:"reason"`
	Created  count           `json:"created"`
	Metadata map[string]text `json:"metadata"`
}

// UnmarshalJSON refuses a refund that does not say how it stands, or how much it is.
func (r *refund) UnmarshalJSON(data []byte) error {
	type fields refund
	if err := decodeObject(data, (*fields)(r)); err != nil {
		return err
	}
	var said struct {
		Amount *uint64 `json:"amount"`
	}
	if err := json.Unmarshal(data, &said); err != nil || said.Amount == nil || r.Status == "" {
		return silence("a refund does not say how it stands, or how much it is")
	}
	return nil
}

func (r refund) order() order.Refund {
	return order.Refund{
		ID: r.ID, Amount: int64(r.Amount), Currency: string(r.Currency), Status: string(r.Status),
		Reason:  string(r.Reason),
		Created: unix(r.Created), Key: string(r.Metadata[keyMetadata]),
	}
}

// Refund gives money back that was captured: amount of it, 0 is all that is left. With feeBack the platform's fee goes
// back in proportion; a payment without a fee takes none back, and Stripe refuses to.
//
// The refund carries its key in its metadata, and one that is there already under the key is returned instead of
// another: Stripe forgets keys after a day, and a second refund would be real money. So is one that holds under a key
// that was given up (spent): it may have been made although its answer was lost. The status says whether the money is
// on its way (succeeded, pending) or not (failed, canceled); a failed one needs another key. One that holds and is of
// another amount is a fault.PaymentConflict: nothing is paid on a doubt. If everything is refunded already, by
// whomever, a refund of everything is a success.
func (o *Orders) Refund(
	ctx context.Context, account, paymentIntent string, amount int64, feeBack bool, key string, spent ...string,
) (order.Refund, error) {
	if err := checkWrite(account, amount, key, order.CheckPaymentIntent(paymentIntent)); err != nil {
		return order.Refund{}, err
	}
	made, err := o.listRefunds(ctx, account, paymentIntent)
	if err != nil {
		return order.Refund{}, err
	}
	ours := func(r order.Refund) bool { return r.Key == key || slices.Contains(spent, r.Key) && !r.Failed() }
	if i := slices.IndexFunc(made, ours); i >= 0 {
		return asAsked(made[i], amount)
	}
	one, err := o.createRefund(ctx, account, paymentIntent, amount, feeBack, key)
	if refusedAs(err, "charge_already_refunded") {
		return o.refundedAlready(ctx, account, paymentIntent, amount, err)
	}
	return one, err
}

// asAsked takes a refund that was found for the one that is asked for, unless its amount says otherwise.
func asAsked(found order.Refund, amount int64) (order.Refund, error) {
	if amount == 0 || found.Amount == amount || found.Failed() {
		return found, nil
	}
	return order.Refund{}, conflict("%s gave %s back for this, not %s: look at what is still owed", found.ID,
		order.Money(found.Amount, found.Currency), order.Money(amount, found.Currency))
}

func (o *Orders) createRefund(
	ctx context.Context, account, paymentIntent string, amount int64, feeBack bool, key string,
) (order.Refund, error) {
	doing := "refund " + paymentIntent
	form := url.Values{"payment_intent": {paymentIntent}, "metadata[" + keyMetadata + "]": {key}}
	if amount > 0 {
		form.Set("amount", strconv.FormatInt(amount, 10))
	}
	if feeBack {
		form.Set("refund_application_fee", "true")
	}
	response, err := o.post(ctx, doing, account, refundsPath, form, key)
	if err != nil {
		return order.Refund{}, err
	}
	var one refund
	if err := decodeObject(response.RawJSON, &one); err != nil {
		return order.Refund{}, unreadable(doing, response, err)
	}
	if err := order.CheckRefund(one.ID); err != nil || response.StatusCode != http.StatusOK {
		return order.Refund{}, unreadable(doing, response, errors.New("the answer names no refund"))
	}
	return one.order(), nil
}

// refundedAlready is a success if everything was to be refunded and is.
func (o *Orders) refundedAlready(
	ctx context.Context, account, paymentIntent string, amount int64, refused error,
) (order.Refund, error) {
	is, err := o.readPayment(ctx, account, paymentIntent)
	if err != nil {
		return order.Refund{}, err
	}
	if everything := amount == 0 || amount == int64(is.Received); !everything || is.Charge.Refunded < is.Received {
		return order.Refund{}, conflict("%s is refunded otherwise: %s of %s went back before", is.ID,
			is.money(is.Charge.Refunded), is.money(is.Received))
	}
	made, err := o.listRefunds(ctx, account, paymentIntent)
	if err != nil {
		return order.Refund{}, err
	}
	if len(made) == 0 {
		return order.Refund{}, refused
	}
	return made[0], nil
}

// Refunds lists the refunds of a payment, the newest first: money that was captured and goes back. What an
// authorisation gave back without a capture, whole or in part, Stripe lists among them, and it is none.
func (o *Orders) Refunds(ctx context.Context, account, paymentIntent string) ([]order.Refund, error) {
	refunds, err := o.listRefunds(ctx, account, paymentIntent)
	if err != nil || len(refunds) == 0 {
		return nil, err
	}
	is, err := o.readPayment(ctx, account, paymentIntent)
	if err != nil {
		return nil, err
	}
	return withoutRelease(refunds, int64(is.Amount-is.Received)), nil
}

// withoutRelease leaves out what was released: it is the oldest, because nothing is refunded before it is captured, it
// is of just that amount, and nobody asked for it.
func withoutRelease(refunds []order.Refund, released int64) []order.Refund {
	oldest := len(refunds) - 1
	if released > 0 && refunds[oldest].Amount == released && refunds[oldest].Key == "" {
		return refunds[:oldest]
	}
	return refunds
}

func (o *Orders) listRefunds(ctx context.Context, account, paymentIntent string) ([]order.Refund, error) {
	if err := errors.Join(checkAccount(account), order.CheckPaymentIntent(paymentIntent)); err != nil {
		return nil, err
	}
	doing := "list the refunds of " + paymentIntent
	query := url.Values{"payment_intent": {paymentIntent}, "limit": {strconv.Itoa(refundsPerPage)}}
	var refunds []order.Refund
	for range refundPages {
		response, err := o.get(ctx, doing, account, refundsPath, query)
		if err != nil {
			return nil, err
		}
		var page list[refund]
		if err := decodeObject(response.RawJSON, &page); err != nil {
			return nil, unreadable(doing, response, err)
		}
		more, err := page.goesOn(refundsPerPage)
		if err != nil { // who took it for the end would pay once more
			return nil, unreadable(doing, response, err)
		}
		for _, one := range page.Data {
			if order.CheckRefund(one.ID) != nil {
				return nil, unreadable(doing, response, errors.New("the answer has a refund without an id"))
			}
			refunds = append(refunds, one.order())
		}
		if !more {
			return refunds, nil
		}
		query.Set("starting_after", refunds[len(refunds)-1].ID)
	}
	return nil, conflict("%s has more than %d refunds", paymentIntent, len(refunds))
}
