package stripeapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

const paymentsPath = "/v1/payment_intents/"

// Payment reads how far the money is.
func (o *Orders) Payment(ctx context.Context, account, paymentIntent string) (order.Payment, error) {
	if err := errors.Join(checkAccount(account), order.CheckPaymentIntent(paymentIntent)); err != nil {
		return order.Payment{}, err
	}
	intent, err := o.readPayment(ctx, account, paymentIntent)
	return intent.payment(), err
}

// Capture takes the money that was reserved: amount of it, the rest goes back to the buyer for good; 0 is all of it.
// The fee is the platform's share of a part, and may be nothing; nil leaves it as it was agreed.
//
// A payment that is captured already, over the same amount, is a success, whenever and whoever did it: Stripe forgets
// idempotency keys after a day, the payment remembers. Over another amount it is a fault.PaymentConflict. If the
// reservation is gone, the error is fault.AuthorizationExpired. After a fault.StripeKeySpent, which says that nothing
// is captured, another key is safe.
func (o *Orders) Capture(
	ctx context.Context, account, paymentIntent string, amount int64, fee *int64, key string,
) (order.Payment, error) {
	if err := checkWrite(account, amount, key, order.CheckPaymentIntent(paymentIntent)); err != nil {
		return order.Payment{}, err
	}
	form := url.Values{"expand[]": {"latest_charge"}}
	if amount > 0 {
		form.Set("amount_to_capture", strconv.FormatInt(amount, 10))
	}
	if fee != nil {
		form.Set("application_fee_amount", strconv.FormatInt(*fee, 10))
	}
	intent, err := o.writePayment(ctx, "capture "+paymentIntent, account, paymentIntent, "/capture", form, key)
	if err == nil && intent.state() == order.Paid || err != nil && !final(err) {
		return intent.payment(), err
	}
	is, readErr := o.readPayment(ctx, account, paymentIntent)
	if readErr != nil {
		return order.Payment{}, readErr
	}
	return is.payment(), captured(is, amount, cmp.Or(err, unfinished(is, "captured")))
}

// unfinished is the error of a call that Stripe took, and that has not had its effect: the payment tells when it has.
func unfinished(is paymentIntent, what string) error {
	return fault.NewPlain(fault.StripeUnclear,
		&Error{Message: fmt.Sprintf("%s is not %s: its status is %q", is.ID, what, is.Status)})
}

// captured says what a capture that was refused, or had no effect, means, given what the payment is.
func captured(is paymentIntent, amount int64, refused error) error {
	state := is.state()
	switch {
	case state == order.Paid && (amount == 0 || int64(is.Received) == amount):
		return nil
	case state == order.Paid:
		return conflict("%s is captured over %s, not over %s", is.ID, is.money(is.Received), is.money(count(amount)))
	case is.expired(), state != order.Paid && refusedAs(refused, "charge_expired_for_capture"):
		return fault.NewPermanent(fault.AuthorizationExpired,
			&Error{Message: is.ID + " cannot be captured any more: its authorisation has expired"})
	case state == order.Canceled:
		return conflict("%s is cancelled, so nothing can be captured", is.ID)
	}
	return refused
}

// Cancel gives the money back that was reserved. A payment that is cancelled already is a success; one that is captured
// is a fault.PaymentConflict, and its way back is Refund.
func (o *Orders) Cancel(ctx context.Context, account, paymentIntent, key string) (order.Payment, error) {
	if err := checkWrite(account, 0, key, order.CheckPaymentIntent(paymentIntent)); err != nil {
		return order.Payment{}, err
	}
	intent, err := o.writePayment(ctx, "cancel "+paymentIntent, account, paymentIntent, "/cancel",
		url.Values{"expand[]": {"latest_charge"}}, key)
	if err == nil && intent.state() == order.Canceled || err != nil && !final(err) {
		return intent.payment(), err
	}
	is, readErr := o.readPayment(ctx, account, paymentIntent)
	err = cmp.Or(err, unfinished(is, "cancelled"))
	switch {
	case readErr != nil:
		return order.Payment{}, readErr
	case is.state() == order.Canceled:
		err = nil
	case is.state() == order.Paid:
		err = conflict("%s is captured, so it cannot be cancelled: refund it", is.ID)
	}
	return is.payment(), err
}

// final reports whether the same call cannot succeed any more, so that only the object's state can tell what became of
// it.
func final(err error) bool {
	return fault.Is(err, fault.StripeRejected) || fault.Is(err, fault.StripeKeySpent)
}

func refusedAs(err error, code string) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Code == code
}

func conflict(format string, args ...any) error {
	return fault.NewPermanent(fault.PaymentConflict, &Error{Message: fmt.Sprintf(format, args...)})
}

func checkWrite(account string, amount int64, key string, id error) error {
	var err error
	if amount < 0 {
		err = fault.NewPermanent(fault.InputInvalid, errors.New("the amount is negative"))
	}
	return errors.Join(checkAccount(account), id, checkIdempotencyKey(key), err)
}

func (o *Orders) readPayment(ctx context.Context, account, id string) (paymentIntent, error) {
	doing := "read " + id
	response, err := o.get(ctx, doing, account, paymentsPath+id, url.Values{"expand[]": {"latest_charge"}})
	if err != nil {
		return paymentIntent{}, err
	}
	return decodePayment(doing, id, response)
}

func (o *Orders) writePayment(
	ctx context.Context, doing, account, id, step string, form url.Values, key string,
) (paymentIntent, error) {
	response, err := o.post(ctx, doing, account, paymentsPath+id+step, form, key)
	if err != nil {
		return paymentIntent{}, err
	}
	return decodePayment(doing, id, response)
}

func decodePayment(doing, id string, response *stripe.APIResponse) (paymentIntent, error) {
	var intent paymentIntent
	if err := decodeObject(response.RawJSON, &intent); err != nil {
		return paymentIntent{}, unreadable(doing, response, err)
	}
	if intent.ID != id || response.StatusCode != http.StatusOK {
		return paymentIntent{}, unreadable(doing, response, errors.New("the answer is about another object"))
	}
	if err := intent.check(response.RawJSON); err != nil {
		return paymentIntent{}, unreadable(doing, response, err)
	}
	return intent, nil
}
