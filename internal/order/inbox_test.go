package order_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
)

// asked is what somebody asks of an order, or reports of it.
type asked struct {
	name  string
	admit func(*order.Lifecycle) error
}

func questions() []asked {
	decide := func(d order.Decision) func(*order.Lifecycle) error {
		return func(l *order.Lifecycle) error { return l.AdmitDecision(d) }
	}
	part := []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}
	parcel := order.Shipment{ID: "P-1", Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 3}}}
	return []asked{
		{"cancel", (*order.Lifecycle).AdmitCancel},
		{"retry", (*order.Lifecycle).AdmitRetry},
		{"evidence", (*order.Lifecycle).AdmitEvidence},
		{"refund", func(l *order.Lifecycle) error { return l.AdmitRefund(order.RefundRequest{Why: "broken"}) }},
		{"refund too much", func(l *order.Lifecycle) error {
			return l.AdmitRefund(order.RefundRequest{Amount: 3701, Why: "broken"})
		}},
		{"decide: accepted", decide(order.Decision{Status: order.Accepted})},
		{"decide: in part", decide(order.Decision{Status: order.Accepted, Lines: part})},
		{"decide: rejected", decide(order.Decision{Status: order.Rejected, Reason: order.OutOfStock})},
		{"decide: pending", decide(order.Decision{Status: order.Pending})},
		{"ship", func(l *order.Lifecycle) error {
			return errors.Join(l.AdmitShipment(parcel), l.AdmitContents(parcel, later))
		}},
	}
}

// refusals are the words that the table has for them.
var refusals = map[string]string{
	"the order has come to its end":                       "over",
	"the order could not be read from Stripe yet":         "unread",
	"the merchant does not have the order yet":            "early",
	"the order is not held":                               "free",
	"the order is canceled already, and held: retry it":   "retry",
	"the order is canceled already":                       "off",
	"the order is canceled: it cannot be accepted":        "off",
	"the order is accepted already, otherwise":            "else",
	"there is no open dispute":                            "none",
	"there is no captured money left":                     "none",
	"37.01 USD cannot be refunded: 37.00 USD are left":    "more",
	"status pending: expected accepted or rejected":       "word",
	"the goods are shipped: refund the order":             "gone",
	"the evidence is with the bank already, which takes ": "once",
}

// The table says what an order takes at every step: the word for a refusal, or yes.
const admitted = `
                      load    pay     check   submit  decide  accept  watch   w.paid  w.ship  w.off   held    h.acc   h.off   return  end     e.new   newer
cancel                unread  yes     yes     yes     yes     yes     yes     yes     gone    off     yes     yes     retry   off     over    over    yes
retry                 free    free    free    free    free    free    free    free    free    free    yes     yes     yes     free    over    over    free
evidence              none    none    none    none    none    none    none    none    once    none    none    none    none    none    over    over    none
refund                unread  none    none    none    none    none    none    yes     yes     none    none    none    none    none    over    over    none
refund too much       unread  none    none    none    none    none    none    more    more    none    none    none    none    none    over    over    none
decide: accepted      unread  early   early   yes     yes     yes     yes     yes     yes     off     early   yes     off     off     over    over    yes
decide: in part       unread  early   early   yes     yes     else    else    else    else    off     early   else    off     off     over    over    else
decide: rejected      unread  early   early   yes     yes     yes     yes     yes     yes     yes     early   yes     yes     yes     over    over    yes
decide: pending       unread  early   early   word    word    word    word    word    word    word    early   word    word    word    over    over    word
ship                  unread  early   early   yes     yes     yes     yes     yes     yes     yes     early   yes     yes     yes     over    over    yes
`

func TestWhatAnOrderTakesAtEveryStep(t *testing.T) {
	t.Parallel()
	cell := func(s standing, a asked) string {
		l := live(s)
		before := remembered(t, live(s))
		err := errors.Join(l.AdmitNews(), a.admit(l))
		require.Equal(t, before, remembered(t, l), "whoever asks changes nothing")
		if err == nil {
			return "yes"
		}
		longest := ""
		for text := range refusals {
			if strings.HasPrefix(err.Error(), text) && len(text) > len(longest) {
				longest = text
			}
		}
		require.NotEmpty(t, longest, "%s at %s: %s", a.name, s.name, err)
		return refusals[longest]
	}
	requireTable(t, admitted, rows(questions(), func(a asked) string { return a.name }, cell))
}

func TestWhatAnEventHasReadAnew(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ kind, object, reads string }{
		{"checkout.session.completed", "cs_1", "payment"},
		{"checkout.session.async_payment_succeeded", "cs_1", "payment"},
		{"checkout.session.async_payment_failed", "cs_1", "payment unpaid"},
		{"checkout.session.expired", "cs_1", "payment unpaid"},
		{"payment_intent.succeeded", "pi_1", "payment"},
		{"charge.captured", "ch_1", "payment"},
		{"charge.refunded", "ch_1", "refunds"},
		{"refund.failed", "re_1", "refunds"},
		{"charge.dispute.created", "du_1", "du_1"},
		{"charge.dispute.closed", "du_1", "du_1"},
		{"charge.dispute.created", "ch_1", ""}, // no dispute's id: nothing could be read
	} {
		l := order.NewLifecycle(summary().ID, nil)
		for _, id := range []string{"evt_1", "evt_1", "evt_2", "none of Stripe's"} { // once more, another one, and none
			l.NoteEvent(order.Event{ID: id, Type: test.kind, Object: test.object}, later)
		}
		require.Equal(t, 2, l.Record().Events)
		require.Equal(t, later, l.Record().LastNews)
		var reads []string
		payment, refunds := l.Reading()
		for what, is := range map[string]bool{"payment": payment, "refunds": refunds} {
			if is {
				reads = append(reads, what)
			}
		}
		if l.Record().Unpaid {
			reads = append(reads, "unpaid")
		}
		for id := l.ReadingDispute(); id != ""; id = l.ReadingDispute() {
			reads = append(reads, id)
		}
		require.Equal(t, test.reads, strings.Join(reads, " "), test.kind)
		payment, refunds = l.Reading()
		require.False(t, payment || refunds, "what is being read is not read again")
	}
}

func TestAFloodOfNewsStaysSmall(t *testing.T) {
	t.Parallel()
	l := order.NewLifecycle(summary().ID, nil)
	for n := range 1000 {
		l.NoteEvent(order.Event{ID: fmt.Sprintf("evt_%d", n), Type: "charge.dispute.created",
			Object: fmt.Sprintf("du_%d", n)}, later)
		l.PassOver("shipment", errors.New("shipment: it does not fit\nat all"), later)
	}
	r := l.Record()
	require.Equal(t, 1000, r.Events)
	require.Len(t, r.Seen, 200)
	require.Equal(t, "evt_999", r.Seen[199])
	require.Len(t, r.PassedOver, 20)
	require.Equal(t, "2026-03-02 12:00:00 UTC: shipment: it does not fit; at all", r.PassedOver[0])
	disputes := 0
	for l.ReadingDispute() != "" {
		disputes++
	}
	require.Equal(t, 20, disputes)
}

func lifeAt(t *testing.T, name string) *order.Lifecycle {
	t.Helper()
	i := slices.IndexFunc(standings(), func(s standing) bool { return s.name == name })
	require.GreaterOrEqual(t, i, 0)
	return live(standings()[i])
}

func TestAParcelsNewsLeavesWhatItDoesNotSay(t *testing.T) {
	t.Parallel()
	l := lifeAt(t, "watch")
	l.NoteShipment(order.Shipment{ID: "P-1", Carrier: "UPS", Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}},
		later)
	l.NoteShipment(order.Shipment{ID: "P-1", Tracking: "1Z", DeliveredAt: due}, due)
	l.NoteShipment(order.Shipment{ID: "P-2"}, due)
	require.Equal(t, []order.Shipment{
		{ID: "P-1", Carrier: "UPS", Tracking: "1Z", ShippedAt: later, DeliveredAt: due,
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}}},
		{ID: "P-2", ShippedAt: due},
	}, l.Record().Shipments)
}

func TestTheMerchantsNumberStaysWhateverBecomesOfTheOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, at string
		do       func(*order.Lifecycle) (order.Step, error)
		want     string
	}{
		{"the money is gone", "watch", (*order.Lifecycle).Lose, "SO-1"},
		{"it expires", "watch",
			func(l *order.Lifecycle) (order.Step, error) { return l.Reject(order.AuthorizationEnded) }, "SO-1"},
		{"nobody decides", "decide", func(l *order.Lifecycle) (order.Step, error) { return l.Lapse(later) }, "SO-1"},
		{"decided without one", "decide", decided(order.Decision{Status: order.Accepted}), "SO-1"},
		{"decided with another", "decide", decided(order.Decision{Status: order.Accepted, Reference: "SO-2"}), "SO-2"},
	} {
		l := lifeAt(t, test.at)
		_, err := test.do(l)
		require.NoError(t, err, test.name)
		require.Equal(t, test.want, l.Record().Decision.Reference, test.name)
	}
}
