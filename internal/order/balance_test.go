package order_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
)

// TestWhatIsOwed: the order is over 37.00, of which 27.50 are for its lamps.
func TestWhatIsOwed(t *testing.T) {
	t.Parallel()
	all := &order.Decision{Status: order.Accepted}
	part := &order.Decision{Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "BULB-1", Quantity: 1}}}
	refund := func(amount int64, status string) []order.Refund {
		return []order.Refund{{ID: "re_1", Amount: amount, Currency: "usd", Status: status}}
	}
	dispute := func(amount int64, status string) []order.Dispute {
		return []order.Dispute{{ID: "du_1", Amount: amount, Currency: "usd", Status: status}}
	}
	reserved := summary().Payment
	captured := paid()
	type owed struct {
		kept, refused   int64
		capture, giveIt bool
	}
	for name, test := range map[string]struct {
		record order.Record
		want   owed
	}{
		"nothing is known":           {order.Record{}, owed{}},
		"reserved, and not accepted": {order.Record{Summary: with(reserved)}, owed{}},
		"reserved, and accepted":     {order.Record{Summary: with(reserved), Decision: all}, owed{capture: true}},
		"reserved, and off": {order.Record{Summary: with(reserved), Decision: all, Ended: "canceled"},
			owed{giveIt: true}},
		"captured, and accepted": {order.Record{Summary: with(captured), Decision: all}, owed{kept: 3700}},
		"captured, and off": {order.Record{Summary: with(captured), Ended: "rejected"},
			owed{kept: 3700, giveIt: true}},
		"captured, and taken in part": {order.Record{Summary: with(captured), Decision: part},
			owed{kept: 3700, refused: 2750}},
		"off, in part, and captured": {order.Record{Summary: with(captured), Decision: part, Ended: "canceled"},
			owed{kept: 3700, giveIt: true}},
		"in part, and given back": {order.Record{Summary: with(captured), Decision: part,
			Refunds: refund(2750, "succeeded")}, owed{kept: 950}},
		"in part, and more given back": {order.Record{Summary: with(captured), Decision: part,
			Refunds: refund(3000, "pending")}, owed{kept: 700}},
		"in part, and it failed": {order.Record{Summary: with(captured), Decision: part,
			Refunds: refund(2750, "failed")}, owed{kept: 3700, refused: 2750}},
		"in part, and disputed": {order.Record{Summary: with(captured), Decision: part,
			Disputes: dispute(3700, "needs_response")}, owed{kept: 3700}},
		"off, and given back": {order.Record{Summary: with(captured), Ended: "canceled",
			Refunds: refund(3700, "succeeded")}, owed{}},
		"off, and given back in part": {order.Record{Summary: with(captured), Ended: "canceled",
			Refunds: refund(700, "succeeded")}, owed{kept: 3000, giveIt: true}},
		"off, and the refund failed": {order.Record{Summary: with(captured), Ended: "canceled",
			Refunds: refund(3700, "canceled")}, owed{kept: 3700, giveIt: true}},
		"off, and disputed": {order.Record{Summary: with(captured), Ended: "canceled",
			Disputes: dispute(3700, "under_review")}, owed{kept: 3700}},
		"off, and won": {order.Record{Summary: with(captured), Ended: "canceled",
			Disputes: dispute(3700, "won")}, owed{kept: 3700, giveIt: true}},
		"off, and lost": {order.Record{Summary: with(captured), Ended: "canceled",
			Disputes: dispute(3700, "lost")}, owed{}},
		"given back, and lost as well": {order.Record{Summary: with(captured), Decision: all,
			Refunds: refund(700, "succeeded"), Disputes: dispute(3700, "lost")}, owed{}},
		"accepted, and nothing was due": {order.Record{Summary: with(order.Payment{State: order.NoPaymentRequired}),
			Decision: all}, owed{}},
	} {
		l := order.NewLifecycle(summary().ID, &test.record)
		require.Equal(t, test.want, owed{l.Kept(), l.RefusedAmount(), l.CaptureOwed(), l.ReturnOwed()}, name)
		require.Equal(t, test.record.Summary != nil && test.record.Summary.Payment.Captured > 0 && l.Refunded() >= 3700,
			l.RefundedInFull(), name)
	}
}

func with(p order.Payment) *order.Summary {
	sum := summary()
	sum.Payment = p
	return &sum
}

// TestAnAuthorisationsDates: warned a day before it ends, and acted six hours before; of a short one the same shares.
func TestAnAuthorisationsDates(t *testing.T) {
	t.Parallel()
	short, silent := summary().Payment, summary().Payment
	short.AuthorizationExpires = at.Add(8 * time.Hour)
	silent.AuthorizationExpires = time.Time{}
	for name, test := range map[string]struct {
		record    order.Record
		warn, act time.Time
	}{
		"a week": {order.Record{Summary: with(summary().Payment)}, at.Add(6 * day), at.Add(7*day - 6*time.Hour)},
		"warned": {order.Record{Summary: with(summary().Payment), Warned: true}, time.Time{},
			at.Add(7*day - 6*time.Hour)},
		"eight hours": {order.Record{Summary: with(short)}, at.Add(6 * time.Hour), at.Add(7 * time.Hour)},
		"silent":      {order.Record{Summary: with(silent)}, at.Add(6 * day), at.Add(7*day - 6*time.Hour)},
		"captured":    {order.Record{Summary: with(paid())}, time.Time{}, time.Time{}},
		"not read":    {order.Record{}, time.Time{}, time.Time{}},
	} {
		l := order.NewLifecycle(summary().ID, &test.record)
		require.Equal(t, test.warn, l.WarnAt(), name)
		require.Equal(t, test.act, l.ActAt(), name)
	}
}
