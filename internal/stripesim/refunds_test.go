package stripesim

import (
	"strings"
	"testing"
	"time"

	"vitrine/internal/simcontrol"

	"github.com/stretchr/testify/require"
)

func TestRefunds(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{})
	b, other := d.buy(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "P1"}}}), d.buy(simcontrol.Purchase{})
	for name, c := range map[string]struct {
		status int
		code   string
		form   []string
	}{
		"of nothing":     {400, "parameter_missing", nil},
		"of both":        {400, "", []string{"payment_intent", b.PaymentIntent, "charge", b.Charge}},
		"of none":        {404, "resource_missing", []string{"payment_intent", "pi_none"}},
		"of no charge":   {404, "resource_missing", []string{"charge", "ch_none"}},
		"too much":       {400, "", []string{"payment_intent", b.PaymentIntent, "amount", "1501"}},
		"zero":           {400, "", []string{"payment_intent", b.PaymentIntent, "amount", "0"}},
		"unknown reason": {400, "", []string{"payment_intent", b.PaymentIntent, "reason", "boredom"}},
		"a transfer": {400, "parameter_unknown",
			[]string{"payment_intent", b.PaymentIntent, "reverse_transfer", "true"}},
		"long metadata": {400, "",
			[]string{"payment_intent", b.PaymentIntent, "metadata[a]", strings.Repeat("x", 501)}},
	} {
		r := d.post("/v1/refunds", nil, c.form...)
		require.Equal(t, c.status, r.status, "%s: %s", name, r.body)
		require.Equal(t, c.code, r.failure.Code, name)
	}
	keyed := map[string]string{"Idempotency-Key": "refund-1"}
	part := d.post("/v1/refunds", keyed, "payment_intent", b.PaymentIntent, "amount", "400", "reason",
		"requested_by_customer")
	require.Equal(t, part.id(t),
		d.post("/v1/refunds", keyed, "payment_intent", b.PaymentIntent, "amount", "400", "reason",
			"requested_by_customer").id(t))
	require.EqualValues(t, 400, d.order(b.Session).Refunded, "the key kept it from being refunded twice")
	require.Equal(t, false, d.object("/v1/charges/"+b.Charge, clover)["refunded"])
	require.Equal(t, 400, d.post("/v1/refunds", nil, "payment_intent", b.PaymentIntent, "amount", "1101").status)
	rest := d.post("/v1/refunds", nil, "charge", b.Charge)
	require.EqualValues(t, 1100, rest.field(t, "amount"))
	require.Equal(t, true, d.object("/v1/charges/"+b.Charge, clover)["refunded"])
	require.Equal(t, "charge_already_refunded",
		d.post("/v1/refunds", nil, "payment_intent", b.PaymentIntent).failure.Code)
	d.post("/v1/refunds", nil, "payment_intent", other.PaymentIntent).id(t)

	list := d.object("/v1/refunds?payment_intent="+b.PaymentIntent, clover)
	require.Equal(t, rest.id(t), dig(list, "data", 0, "id"), "the newest first")
	require.Equal(t, part.id(t), dig(list, "data", 1, "id"))
	require.Len(t, list["data"], 2)
	require.Equal(t, "requested_by_customer", d.object("/v1/refunds/"+part.id(t), clover)["reason"])

	require.NoError(t, d.control.EndRefund(t.Context(), rest.id(t), false), "a refund may fail after it succeeded")
	require.EqualValues(t, 400, d.order(b.Session).Refunded)
	require.Error(t, d.control.EndRefund(t.Context(), rest.id(t), false))
	staff, err := d.control.RefundByStaff(t.Context(), b.Session, 0)
	require.NoError(t, err)
	require.EqualValues(t, 1100, staff.Amount)
	_, err = d.control.RefundByStaff(t.Context(), b.Session, 1)
	require.Error(t, err)
}

func TestARefundTakesItsTime(t *testing.T) {
	t.Parallel()
	d := stocked(t, Options{Orders: simcontrol.OrderSettings{RefundDelay: simcontrol.Duration(time.Millisecond)}})
	b := d.buy(simcontrol.Purchase{})
	require.Equal(t, "pending", d.post("/v1/refunds", nil, "payment_intent", b.PaymentIntent).field(t, "status"))
	require.Eventually(t, func() bool { return d.order(b.Session).Refunds[0].Status == "succeeded" }, time.Minute,
		time.Millisecond)
	require.Equal(t, []string{"refund.created", "charge.refunded", "refund.updated"}, d.types(shop)[4:])
}

func TestDisputes(t *testing.T) {
	t.Parallel()
	clock := newClock()
	d := stocked(t, Options{Now: clock.now})
	b, held := d.buy(simcontrol.Purchase{}), d.held()
	_, err := d.control.Dispute(t.Context(), held.Session, 0, "")
	require.Error(t, err, "nothing was captured")
	_, err = d.control.Dispute(t.Context(), b.Session, b.Total+1, "")
	require.Error(t, err)
	made, err := d.control.Dispute(t.Context(), b.Session, 0, "fraudulent")
	require.NoError(t, err)
	require.Equal(t, b.Total, d.order(b.Session).Disputed)
	_, err = d.control.Dispute(t.Context(), b.Session, 0, "")
	require.Error(t, err, "once is enough")
	require.Equal(t, "charge_disputed", d.post("/v1/refunds", nil, "payment_intent", b.PaymentIntent).failure.Code)

	path := "/v1/disputes/" + made.ID
	require.Equal(t, "parameter_unknown", d.post(path, nil, "evidence[hearsay]", "x").failure.Code)
	require.Equal(t, 400, d.post(path, nil, "submit", "perhaps").status)
	require.Equal(t, 400, d.post(path, nil, "evidence[uncategorized_text]", strings.Repeat("x", maxFormBytes)).status)
	staged := d.post(path, nil, "evidence[shipping_carrier]", "Post", "submit", "false")
	require.Equal(t, "needs_response", staged.field(t, "status"))
	require.Equal(t, true, dig(staged.field(t, "evidence_details"), "has_evidence"))
	sent := d.post(path, nil, "evidence[shipping_tracking_number]", "1Z")
	require.Equal(t, "under_review", sent.field(t, "status"))
	require.Equal(t, "Post", dig(sent.field(t, "evidence"), "shipping_carrier"))
	require.EqualValues(t, 1, dig(sent.field(t, "evidence_details"), "submission_count"))
	require.Equal(t, 400, d.post(path, nil, "evidence[shipping_tracking_number]", "2Z").status,
		"what was submitted is final")

	_, err = d.control.MoveDispute(t.Context(), made.ID, "forgotten")
	require.Error(t, err)
	_, err = d.control.MoveDispute(t.Context(), made.ID, "won")
	require.NoError(t, err)
	_, err = d.control.MoveDispute(t.Context(), made.ID, "lost")
	require.Error(t, err)
	require.Equal(t,
		[]string{"charge.dispute.created", "charge.dispute.updated", "charge.dispute.updated", "charge.dispute.closed"},
		d.types(shop)[8:])
	require.Equal(t, 200, d.post("/v1/refunds", nil, "payment_intent", b.PaymentIntent, "amount", "1").status,
		"won money can be given back")

	slow := d.buy(simcontrol.Purchase{})
	late, err := d.control.Dispute(t.Context(), slow.PaymentIntent, 5, "")
	require.NoError(t, err)
	clock.advance(disputeWindow)
	require.Equal(t, 400, d.post("/v1/disputes/"+late.ID, nil, "evidence[receipt]", "file_1").status, "too late")
	require.Equal(t,
		true, dig(d.object("/v1/disputes?payment_intent="+slow.PaymentIntent, clover), "data", 0, "evidence_details",
			"past_due"))
}
