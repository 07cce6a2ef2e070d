package stripeapi

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

func TestDisputes(t *testing.T) {
	t.Parallel()
	const read, write = "GET /v1/disputes/du_1", "POST /v1/disputes/du_1"
	open := ok(
		`{"id":"du_1","charge":"ch_1","payment_intent":{"id":"pi_1"},"amount":2660,"currency":"usd","status":"needs_response","reason":"product_not_received","evidence_details":{"due_by":1772900000,"submission_count":0}}`)
	orders, stripe := ordersFor(t, map[string][]answer{
		read: {open, open, open, ok(`{"id":"du_1","status":"lost"}`)},
		write: {
			ok(`{"id":"du_1","status":"under_review","evidence_details":{"submission_count":1}}`),
			refused(400, "parameter_invalid", "Invalid email: jenny@example.com"),
		},
	})
	d, err := orders.Dispute(t.Context(), testAccount, "du_1")
	require.NoError(t, err)
	require.Equal(t, "pi_1", d.PaymentIntent)
	require.Equal(t, "ch_1", d.Charge)
	require.False(t, d.Closed())

	evidence := order.Evidence{CustomerEmailAddress: "jenny@example.com", ShippingCarrier: "UPS"}
	d, err = orders.SubmitEvidence(t.Context(), testAccount, "du_1", evidence, true, "key-1")
	require.NoError(t, err)
	require.EqualValues(t, 1, d.Submissions)
	require.Equal(t, url.Values{"evidence[customer_email_address]": {"jenny@example.com"},
		"evidence[shipping_carrier]": {"UPS"}, "submit": {"true"}}, stripe.named(write)[0].form)

	_, err = orders.SubmitEvidence(t.Context(), testAccount, "du_1", evidence, true, "key-1")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
	require.NotContains(t, err.Error(), "jenny")
	_, err = orders.SubmitEvidence(t.Context(), testAccount, "du_1", evidence, true, "key-1")
	requireFault(t, err, fault.Permanent, fault.PaymentConflict)
	_, err = orders.SubmitEvidence(t.Context(), testAccount, "du_1", order.Evidence{}, true, "key-1")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
}
