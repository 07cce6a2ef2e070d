package contract_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v83"
	"github.com/stripe/stripe-go/v83/webhook"

	"vitrine/internal/simcontrol"
)

func (s shop) client() *stripe.Client {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(s.base), MaxNetworkRetries: stripe.Int64(0),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	return stripe.NewClient("sk_test_contract0123456789",
		stripe.WithBackends(&stripe.Backends{API: backend, Connect: backend, Uploads: backend, MeterEvents: backend}))
}

// Stripe's own library reads what the emulator answers, and writes what it reads.
func TestStripesLibraryGetsAlong(t *testing.T) {
	ctx, s := t.Context(), open(t)
	api := s.client()
	on := stripe.String(account)
	held := s.buy(simcontrol.Purchase{Capture: "manual"})

	session, err := api.V1CheckoutSessions.Retrieve(ctx, held.Session, &stripe.CheckoutSessionRetrieveParams{
		Params: stripe.Params{StripeAccount: on, Headers: http.Header{"Stripe-Version": {"2026-08-26.preview"}}},
		Expand: []*string{stripe.String("line_items.data.taxes"), stripe.String("payment_intent.latest_charge")},
	})
	require.NoError(t, err)
	require.Equal(t, stripe.CheckoutSessionPaymentStatusUnpaid, session.PaymentStatus)
	require.Equal(t, stripe.PaymentIntentStatusRequiresCapture, session.PaymentIntent.Status)
	require.False(t, session.PaymentIntent.LatestCharge.Captured)
	require.Equal(t, held.Total, session.AmountTotal)
	require.Len(t, session.LineItems.Data[0].Taxes, 1)
	require.Contains(t, string(session.LastResponse.RawJSON), `"external_reference": "SKU00"`)

	capture := &stripe.PaymentIntentCaptureParams{
		Params: stripe.Params{StripeAccount: on, IdempotencyKey: stripe.String("capture")},
	}
	captured, err := api.V1PaymentIntents.Capture(ctx, held.PaymentIntent, capture)
	require.NoError(t, err)
	require.Equal(t, held.Total, captured.AmountReceived)
	again, err := api.V1PaymentIntents.Capture(ctx, held.PaymentIntent, capture)
	require.NoError(t, err)
	require.Equal(t, "true", again.LastResponse.Header.Get("Idempotent-Replayed"))
	_, err = api.V1PaymentIntents.Capture(ctx, held.PaymentIntent,
		&stripe.PaymentIntentCaptureParams{Params: stripe.Params{StripeAccount: on}})
	var refused *stripe.Error
	require.True(t, errors.As(err, &refused))
	require.Equal(t, stripe.ErrorCodePaymentIntentUnexpectedState, refused.Code)
	require.Equal(t, stripe.PaymentIntentStatusSucceeded, refused.PaymentIntent.Status)

	refund, err := api.V1Refunds.Create(ctx, &stripe.RefundCreateParams{
		Params: stripe.Params{StripeAccount: on}, Metadata: map[string]string{"order": "1"},
		PaymentIntent: &held.PaymentIntent, Amount: stripe.Int64(100),
	})
	require.NoError(t, err)
	require.Equal(t, "1", refund.Metadata["order"])

	opened, err := s.control.Dispute(ctx, s.buy(simcontrol.Purchase{}).Session, 0, "fraudulent")
	require.NoError(t, err)
	dispute, err := api.V1Disputes.Update(ctx, opened.ID, &stripe.DisputeUpdateParams{
		Params:   stripe.Params{StripeAccount: on},
		Evidence: &stripe.DisputeUpdateEvidenceParams{ShippingCarrier: stripe.String("Post")},
		Submit:   stripe.Bool(true),
	})
	require.NoError(t, err)
	require.Equal(t, stripe.DisputeStatusUnderReview, dispute.Status)

	seen := map[string]int{}
	list := &stripe.EventListParams{ListParams: stripe.ListParams{StripeAccount: on, Limit: stripe.Int64(3)}}
	list.Types = []*string{stripe.String("checkout.session.completed"), stripe.String("refund.created"),
		stripe.String("charge.captured"), stripe.String("charge.dispute.updated")}
	for event, err := range api.V1Events.List(ctx, list) {
		require.NoError(t, err)
		seen[string(event.Type)]++
	}
	require.Equal(t, map[string]int{"checkout.session.completed": 2, "refund.created": 1, "charge.captured": 1,
		"charge.dispute.updated": 1}, seen)
}

func TestStripesLibraryAcceptsTheWebhooks(t *testing.T) {
	s := open(t)
	const secret = "whsec_contract"
	type delivery struct {
		event stripe.Event
		err   error
	}
	came := make(chan delivery, 1)
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			came <- delivery{err: err}
			return
		}
		event, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), secret)
		came <- delivery{event, err}
	}))
	t.Cleanup(endpoint.Close)
	_, err := s.control.AddEndpoint(t.Context(), simcontrol.Endpoint{
		URL: endpoint.URL, Secrets: []string{"whsec_new", secret}, Connect: true,
		EnabledEvents: []string{"checkout.session.completed"},
	})
	require.NoError(t, err)
	bought := s.buy(simcontrol.Purchase{})
	select {
	case d := <-came:
		require.NoError(t, d.err)
		require.Equal(t, account, d.event.Account)
		require.Equal(t, bought.Session, d.event.Data.Object["id"])
	case <-time.After(time.Minute):
		t.Fatal("no webhook came")
	}
}
