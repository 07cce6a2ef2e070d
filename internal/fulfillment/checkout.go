package fulfillment

import (
	"context"
	"fmt"
	"net/http"

	"vitrine/internal/checkout"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// ApproveCheckout asks the merchant whether a cart may be sold. The caller's context is the merchant's time: nobody
// asks twice while Stripe waits.
func (e *Endpoint) ApproveCheckout(
	ctx context.Context, at order.Endpoint, q checkout.Question,
) (checkout.Approval, error) {
	return answered(ctx, e, at, q, checkout.ParseApproval)
}

// CustomizeCheckout asks the merchant how a cart is shipped and taxed.
func (e *Endpoint) CustomizeCheckout(
	ctx context.Context, at order.Endpoint, q checkout.Question,
) (checkout.Customization, error) {
	return answered(ctx, e, at, q,
		func(body []byte) (checkout.Customization, error) { return checkout.ParseCustomization(body, q) })
}

// answered takes a 2xx alone for an answer: there is no earlier try that a 409 could speak of.
func answered[T any](
	ctx context.Context, e *Endpoint, at order.Endpoint, q checkout.Question, parse func([]byte) (T, error),
) (none T, err error) {
	status, body, err := e.post(ctx, at, questionPosted, q.ID, q)
	if err != nil {
		return none, err
	}
	if status == http.StatusConflict {
		return none, fault.NewPermanent(fault.MerchantRejected,
			fmt.Errorf("%s: the merchant's endpoint answered with HTTP %d", q.ID, status))
	}
	answer, err := parse(body)
	if err != nil {
		return none, fault.NewPermanent(fault.MerchantAnswerInvalid,
			fmt.Errorf("%s: the merchant's answer cannot be used: %w", q.ID, err))
	}
	return answer, nil
}
