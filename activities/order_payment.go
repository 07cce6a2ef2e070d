package activities

import (
	"context"

	"vitrine/internal/order"
)

// PaymentInput is the input of the steps that read or move an order's money.
type PaymentInput struct {
	order.ID
	PaymentIntent string `json:"payment_intent"`
	Amount        int64  `json:"amount,omitempty"`   // 0: all
	Fee           *int64 `json:"fee,omitempty"`      // of a capture in part: the platform's share; nil: as agreed
	FeeBack       bool   `json:"fee_back,omitempty"` // of a refund: the platform's fee goes back in proportion
	Key           string `json:"key,omitempty"`      // the idempotency key of a write
	// Spent are the keys of a refund that were given up; one that was made under them after all is the refund.
	Spent []string `json:"spent,omitempty"`
}

// CapturePayment takes the money that was reserved.
func (s *OrderFulfillment) CapturePayment(ctx context.Context, in PaymentInput) (order.Payment, error) {
	return s.Stripe.Capture(ctx, in.Account, in.PaymentIntent, in.Amount, in.Fee, in.Key)
}

// CancelPayment gives the money back that was reserved.
func (s *OrderFulfillment) CancelPayment(ctx context.Context, in PaymentInput) (order.Payment, error) {
	return s.Stripe.Cancel(ctx, in.Account, in.PaymentIntent, in.Key)
}

// RefundPayment gives money back that was captured.
func (s *OrderFulfillment) RefundPayment(ctx context.Context, in PaymentInput) (order.Refund, error) {
	return s.Stripe.Refund(ctx, in.Account, in.PaymentIntent, in.Amount, in.FeeBack, in.Key, in.Spent...)
}

// ReadPayment reads how far the money is.
func (s *OrderFulfillment) ReadPayment(ctx context.Context, in PaymentInput) (order.Payment, error) {
	return s.Stripe.Payment(ctx, in.Account, in.PaymentIntent)
}

// ReadRefundsResult is what went back of a payment.
type ReadRefundsResult struct {
	Payment order.Payment  `json:"payment"`
	Refunds []order.Refund `json:"refunds,omitempty"` // the newest first
}

// ReadRefunds reads what went back to the buyer, whoever sent it.
func (s *OrderFulfillment) ReadRefunds(ctx context.Context, in PaymentInput) (ReadRefundsResult, error) {
	refunds, err := s.Stripe.Refunds(ctx, in.Account, in.PaymentIntent)
	if err != nil {
		return ReadRefundsResult{}, err
	}
	payment, err := s.Stripe.Payment(ctx, in.Account, in.PaymentIntent)
	return ReadRefundsResult{Payment: payment, Refunds: refunds}, err
}
