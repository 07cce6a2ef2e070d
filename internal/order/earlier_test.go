package order_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// The documents in testdata are those of the commit that their folder is called after, written by its own code. They
// have every field that it knew.
const earlier = "testdata/be52e40/"

var (
	earlierNoon = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	earlierID   = order.ID{Account: "acct_1", Session: "cs_test_1"}
)

// earlierShelf has the documents of an earlier release; edit changes their text.
func earlierShelf(t *testing.T, edit func(text string) string) shelf {
	t.Helper()
	s := newShelf(t)
	for name, key := range map[string]string{
		"settings.json": "accounts/acct_1/orders.json", "record.json": "state/acct_1/orders/cs_test_1/record.json",
		"sweep.json": "state/acct_1/orders/sweep.json",
	} {
		text, err := os.ReadFile(earlier + name)
		require.NoError(t, err)
		s.put(key, edit(string(text)))
	}
	return s
}

func asItIs(text string) string { return text }

func TestTheSettingsOfAnEarlierReleaseAreRead(t *testing.T) {
	t.Parallel()
	s, err := earlierShelf(t, asItIs).Settings(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, order.Settings{
		Account: "acct_1", Enabled: true, Which: order.AllOrders, Capture: order.OnShipment,
		Expiring: order.CancelExpiring, UnknownSKU: order.FulfilUnknown, Since: earlierNoon,
		AllSince: earlierNoon.Add(time.Hour), DecideWithin: account.Interval(24 * time.Hour),
		SettleWindow: account.Interval(48 * time.Hour),
		Checkout: order.Checkout{Fee: order.Fee{Percent: 2.5, Fixed: 30, Currency: "usd"},
			Merchant: order.CheckoutMerchant{
				Endpoint: order.Endpoint{URL: "https://shop.example/checkout", SecretFile: "shop-1"},
				Asked:    []order.CheckoutQuestion{order.AskApproval}, Within: account.Interval(time.Second)},
			NoRate: order.ApproveCheckout, OtherShipping: order.DeclineCheckout, Discount: order.DeclineCheckout},
		Fulfillment: order.Fulfillment{Kind: order.HTTPS, URL: "https://shop.example/orders",
			SecretEnv: "MERCHANT_SECRET_ONE"},
		Mail: order.Mail{From: "orders@shop.example", Name: "The shop", ReplyTo: "help@shop.example", Language: "de",
			OrderURL: "https://shop.example/o/{CHECKOUT_SESSION_ID}"},
	}, s)
}

func TestTheRecordOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	r, err := earlierShelf(t, asItIs).Record(t.Context(), earlierID)
	require.NoError(t, err)
	require.Equal(t, earlierRecord(), *r)
}

func earlierRecord() order.Record {
	at := earlierNoon
	took := []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}}
	return order.Record{
		Format: 1, Step: order.StepHeld, Resume: order.StepWatch, State: order.StateHeld, Reason: "goods were shipped",
		Summary: &order.Summary{ID: earlierID, PaymentIntent: "pi_1", Charge: "ch_1", Livemode: true, Mode: "payment",
			Created: at, Currency: "usd",
			Amounts: order.Amounts{Subtotal: 3000, Discount: 100, Shipping: 500, Tax: 300, Total: 3700},
			Lines: []order.Line{{ID: "li_1", SKU: "LAMP-1", Quantity: 3, UnitAmount: 1000, Subtotal: 3000,
				Discount: 100, Tax: 300, Total: 3200}},
			Agent: order.Agent{Name: "An agent", Profile: "profile_1"},
			Payment: order.Payment{State: order.Paid, Amount: 3700, Captured: 3200, Refunded: 550, Fee: 37, Charged: at,
				Disputed: true}},
		Policy: order.Policy{Capture: order.OnShipment, Expiring: order.CancelExpiring,
			UnknownSKU: order.FulfilUnknown, DecideWithin: 24 * time.Hour, SettleWindow: 48 * time.Hour, Mail: true},
		Decision: &order.Decision{Status: order.Accepted, Lines: took, Reference: "SO-1"},
		Shipments: []order.Shipment{{ID: "P-1", Carrier: "UPS", Tracking: "1Z999", ShippedAt: at,
			DeliveredAt: at.Add(time.Hour), Lines: took}},
		Refunds: []order.Refund{{ID: "re_1", Amount: 550, Currency: "usd", Status: "succeeded",
			Reason: "requested_by_customer", Created: at, Key: "k"}},
		Disputes: []order.Dispute{{ID: "du_1", Charge: "ch_1", PaymentIntent: "pi_1", Amount: 3700, Currency: "usd",
			Reason: "fraudulent", Status: "won", EvidenceDueBy: at, Submissions: 1, Created: at}},
		Submitted: true, DecideBy: at, PayBy: at, Unpaid: true, Ended: order.StateCanceled, Told: true,
		Unread: []string{"du_2"}, Warned: true, Keys: map[string]int{"capture": 1}, Noticed: []string{"refunded:re_1"},
		Undelivered: []order.Notice{{Version: 1, Type: "notice", ID: "stop_shipment-re_1",
			Kind: order.NoticeStopShipment, Order: "order/acct_1/cs_test_1", Account: "acct_1", Session: "cs_test_1",
			Livemode: true, At: at}},
		Unsent: []order.MailKind{order.ConfirmationMail}, HeldFor: []string{"shipped"}, Since: at, Lost: true,
		PassedOver: []string{"P-2: it is not of this order"}, LookAgain: at.Add(time.Hour),
		Events: 3, Seen: []string{"evt_1", "evt_2"}, LastNews: at,
	}
}

func TestTheCursorOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	c, _, err := earlierShelf(t, asItIs).Cursor(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Equal(t, order.Cursor{Format: 1, Until: earlierNoon, Delivered: []string{"evt_1", "evt_2"}}, c)
	present := order.Presence{Format: 1, Since: earlierNoon.Add(-time.Hour), At: earlierNoon}
	require.False(t, c.Rests(present, earlierNoon.Add(time.Minute)),
		"it does not say when an order was heard of, so the account is swept")
}

func TestDocumentsOfANewerFormatAreRefused(t *testing.T) {
	t.Parallel()
	s := earlierShelf(t, func(text string) string { return strings.Replace(text, `"format": 1`, `"format": 2`, 1) })
	r, err := s.Record(t.Context(), earlierID)
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
	require.ErrorContains(t, err, "s3://state/state/acct_1/orders/cs_test_1/record.json has the format 2: expected 1")
	require.Nil(t, r, "an order that is settled must not be fulfilled once more")
	_, etag, err := s.Cursor(t.Context(), "acct_1")
	require.True(t, fault.Is(err, fault.SettingsInvalid), "%v", err)
	require.ErrorContains(t, err, "s3://state/state/acct_1/orders/sweep.json is not readable")
	require.Empty(t, etag)
}

func TestAPresenceOfANewerFormatIsNone(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.put("state/serve.json", `{"format": 2, "since": "2026-11-29T09:00:00Z", "at": "2026-11-29T10:00:00Z"}`)
	p, etag, err := s.Presence(t.Context())
	require.NoError(t, err)
	require.Zero(t, p, "nobody knows then whether webhooks are received, so accounts are swept")
	require.NotEmpty(t, etag)
}
