package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// counter is where one order is dealt with.
type counter struct {
	*OrderFulfillment
	t       *testing.T
	store   *objectstoretest.Memory
	env     *testsuite.TestActivityEnvironment
	outside *outside
}

// outside is Stripe, the merchant and the mail, who answer as the test says.
type outside struct {
	t        *testing.T
	calls    []string // with what they were given
	errors   map[string]error
	session  order.Session
	decision order.Decision
	sent     bool
}

var lamps = order.ID{Account: "acct_1", Session: "cs_1"}

func newCounter(t *testing.T) *counter {
	t.Helper()
	o := &outside{t: t, errors: map[string]error{}, session: sale(), decision: order.Decision{Status: order.Accepted}}
	c := &counter{t: t, store: objectstoretest.NewMemory("s"), outside: o}
	layout := statestore.Layout{StateBucket: "s", StatePrefix: "state/"}
	c.OrderFulfillment = &OrderFulfillment{
		Stripe: o, Merchant: o, Mailer: o,
		Documents:   order.Documents{Store: statestore.Store{Objects: c.store, Layout: layout}},
		Catalog:     catalog.Documents{Store: statestore.Store{Objects: c.store, Layout: layout}},
		Assortments: assortment.NewStore(c.assortments().Assortments(1<<20), 1<<20, time.Now, nil),
	}
	c.settings(true)
	c.env = quietly(c.OrderFulfillment)
	return c
}

// quietly is a worker of these steps.
func quietly(steps any) *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(likeTheWorker())
	env.RegisterActivity(steps)
	return env
}

func (c *counter) assortments() assortment.Documents {
	return assortment.Documents{
		Store: statestore.Store{Objects: c.store, Layout: statestore.Layout{StateBucket: "s", StatePrefix: "state/"}},
	}
}

func (c *counter) settings(enabled bool) {
	c.t.Helper()
	require.NoError(c.t, c.Documents.SaveSettings(c.t.Context(), order.Settings{
		Account: "acct_1", Enabled: enabled, Fulfillment: order.Fulfillment{Kind: order.S3},
		Mail: order.Mail{From: "shop@example.com"},
	}))
}

func (c *counter) put(key, body string) {
	c.t.Helper()
	_, err := c.store.Put(c.t.Context(), "s", key, "application/json", []byte(body), "")
	require.NoError(c.t, err)
}

// call notes a call and fails it if the test wants that.
func (o *outside) call(name string, with ...any) error {
	o.calls = append(o.calls, strings.TrimSpace(name+" "+strings.Trim(fmt.Sprint(with...), "[]")))
	return o.errors[name]
}

func (o *outside) Session(_ context.Context, account, id string) (order.Session, error) {
	return o.session, o.call("session", account, " ", id)
}

func (o *outside) Payment(_ context.Context, account, intent string) (order.Payment, error) {
	return order.Payment{State: order.Paid, Captured: 3000}, o.call("payment", account, " ", intent)
}

func (o *outside) Capture(
	_ context.Context, account, intent string, amount int64, fee *int64, key string,
) (order.Payment, error) {
	if fee == nil {
		fee = new(int64)
	}
	return order.Payment{State: order.Paid}, o.call("capture", account, " ", intent, " ", amount, " ", *fee, " ", key)
}

func (o *outside) Cancel(_ context.Context, account, intent, key string) (order.Payment, error) {
	return order.Payment{State: order.Canceled}, o.call("cancel", account, " ", intent, " ", key)
}

func (o *outside) Refund(
	_ context.Context, account, intent string, amount int64, feeBack bool, key string, _ ...string,
) (order.Refund, error) {
	return order.Refund{ID: "re_1"}, o.call("refund", account, " ", intent, " ", amount, " ", feeBack, " ", key)
}

func (o *outside) Refunds(_ context.Context, account, intent string) ([]order.Refund, error) {
	return []order.Refund{{ID: "re_1"}}, o.call("refunds", account, " ", intent)
}

func (o *outside) Dispute(_ context.Context, account, id string) (order.Dispute, error) {
	return order.Dispute{ID: id, Status: "needs_response"}, o.call("dispute", account, " ", id)
}

func (o *outside) SubmitEvidence(
	_ context.Context, account, id string, e order.Evidence, submit bool, key string,
) (order.Dispute, error) {
	require.Equal(o.t, "1Z999", e.ShippingTrackingNumber)
	require.Equal(o.t, "jenny@example.com", e.CustomerEmailAddress)
	return order.Dispute{ID: id, Submissions: 1}, o.call("evidence", account, " ", id, " ", submit, " ", key)
}

func (o *outside) Submit(_ context.Context, f order.Fulfillment, doc order.Document) (order.Decision, error) {
	require.Equal(o.t, "Jenny Rosen", doc.Buyer.Name, "the merchant has to know where to ship")
	return o.decision, o.call("submit", f.Kind, " ", doc.ID)
}

func (o *outside) Notify(_ context.Context, f order.Fulfillment, n order.Notice) error {
	return o.call("notify", f.Kind, " ", n.ID)
}

func (o *outside) Send(
	_ context.Context, kind order.MailKind, m order.Mail, s order.Session, d order.Decision,
) (bool, error) {
	require.Equal(o.t, "jenny@example.com", s.Buyer.Email)
	return o.sent, o.call("mail", kind, " ", m.From, " ", d.Status)
}

func sale() order.Session {
	return order.Session{
		Summary: order.Summary{
			ID: lamps, PaymentIntent: "pi_1", Currency: "usd", Amounts: order.Amounts{Subtotal: 3000, Total: 3000},
			Lines: []order.Line{{ID: "li_1", SKU: "LAMP-1", Quantity: 3, UnitAmount: 1000, Subtotal: 3000,
				Total: 3000}},
			Agent:   order.Agent{Name: "Shopping Agent", Profile: "profile_1"},
			Payment: order.Payment{State: order.Paid, Amount: 3000, Captured: 3000},
		},
		Texts: []order.LineText{{Name: "Lamp"}},
		Buyer: order.Buyer{Name: "Jenny Rosen", Email: "jenny@example.com"},
	}
}

// step is a step of the workflow with a usual input.
type step struct {
	name string
	run  any
	in   func(order.ID) any
}

func (c *counter) steps() []step {
	payment := func(id order.ID) any { return PaymentInput{ID: id, PaymentIntent: "pi_1", Key: "k"} }
	dispute := func(id order.ID) any {
		return DisputeInput{ID: id, Dispute: "du_1", Key: "k",
			Shipments: []order.Shipment{{ID: "P-1", Carrier: "UPS", Tracking: "1Z999"}}}
	}
	notice := func(id order.ID) any {
		s := sale().Summary
		s.ID = id
		return order.NewNotice(s, order.NoticeRefunded, "re_1", time.Unix(1_800_000_000, 0))
	}
	return []step{
		{"load", c.LoadOrder, func(id order.ID) any { return id }},
		{"submit", c.SubmitOrder, func(id order.ID) any { return id }},
		{"notify", c.NotifyMerchant, notice},
		{"mail", c.SendMail, func(id order.ID) any { return SendMailInput{ID: id, Kind: order.ConfirmationMail} }},
		{"write evidence", c.WriteEvidence, dispute},
		{"submit evidence", c.SubmitEvidence, dispute},
		{"read dispute", c.ReadDispute, dispute},
		{"capture", c.CapturePayment, payment},
		{"cancel", c.CancelPayment, payment},
		{"refund", c.RefundPayment, payment},
		{"read payment", c.ReadPayment, payment},
		{"read refunds", c.ReadRefunds, payment},
	}
}

// does runs a step as a worker does.
func (c *counter) does(run, in any, result any) error {
	c.t.Helper()
	value, err := c.env.ExecuteActivity(run, in)
	if err == nil && result != nil {
		require.NoError(c.t, value.Get(result))
	}
	return err
}

// requireFailure fails unless Temporal is told this of an error.
func requireFailure(t *testing.T, err error, code fault.Code, final bool) *temporal.ApplicationError {
	t.Helper()
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, string(code), application.Type(), err)
	require.Equal(t, final, application.NonRetryable(), err)
	return application
}

func TestNoStepTakesWhatIsNoOrder(t *testing.T) {
	t.Parallel()
	for _, id := range []order.ID{{}, {Account: "acct_1", Session: "pi_1"},
		{Account: "acct_1/../acct_2", Session: "cs_1"}, {Account: "acct_1", Session: "cs_1/../cs_2"}} {
		c := newCounter(t)
		for _, s := range c.steps()[:6] { // the others hand ids to Stripe's adapter, which checks them
			requireFailure(t, c.does(s.run, s.in(id), nil), fault.InputInvalid, true)
		}
		requireFailure(t, c.does(c.SaveRecord, SaveRecordInput{ID: id}, nil), fault.InputInvalid, true)
		require.Empty(t, c.outside.calls)
	}
}

func TestWithoutUsableSettingsNobodyIsAsked(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"no JSON": `{`,
		"a mistyped field":  `{"account":"acct_1","captures":"on_shipment"}`,
		"another account's": `{"account":"acct_2"}`} {
		c := newCounter(t)
		c.put("accounts/acct_1/orders.json", body)
		for _, s := range c.steps()[:6] {
			requireFailure(t, c.does(s.run, s.in(lamps), nil), fault.SettingsInvalid, true)
		}
		require.Empty(t, c.outside.calls, name)
	}
	c := newCounter(t)
	c.store.Before = func(string, string, string) error {
		return fault.NewPlain(fault.StorageFailed, errors.New("connection reset"))
	}
	for _, s := range c.steps()[:6] {
		requireFailure(t, c.does(s.run, s.in(lamps), nil), fault.StorageFailed, false)
	}
	require.Empty(t, c.outside.calls)
}

// What the adapters know of an error reaches Temporal from every step.
func TestEveryStepTellsTemporalWhatAnErrorMeans(t *testing.T) {
	t.Parallel()
	fails := map[string]string{ // the call of each step that fails
		"load": "session", "submit": "submit", "notify": "notify", "mail": "mail", "write evidence": "dispute",
		"submit evidence": "evidence",
		"read dispute":    "dispute", "capture": "capture", "cancel": "cancel", "refund": "refund",
		"read payment": "payment", "read refunds": "payment",
	}
	cause := errors.New("what happened")
	for _, s := range newCounter(t).steps() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			c := newCounter(t)
			run := c.steps()[slices.IndexFunc(c.steps(), func(other step) bool { return other.name == s.name })].run
			c.outside.errors[fails[s.name]] = fmt.Errorf("%s: %w", s.name,
				fault.NewPermanent(fault.StripeForbidden, cause))
			require.Contains(t, requireFailure(t, c.does(run, s.in(lamps), nil), fault.StripeForbidden, true).Message(),
				"what happened")
			c.outside.errors[fails[s.name]] = fault.NewThrottled(fault.StripeThrottled, 7*time.Second, cause)
			require.Equal(t, 7*time.Second,
				requireFailure(t, c.does(run, s.in(lamps), nil), fault.StripeThrottled, false).NextRetryDelay())
			c.outside.errors[fails[s.name]] = fault.NewPlain(fault.StripeUnavailable, cause)
			requireFailure(t, c.does(run, s.in(lamps), nil), fault.StripeUnavailable, false)
			delete(c.outside.errors, fails[s.name])
			require.NoError(t, c.does(run, s.in(lamps), nil))
		})
	}
}

func TestAnOrderThatNobodyWantsIsNotLookedAt(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.settings(false)
	var loaded LoadOrderResult
	require.NoError(t, c.does(c.LoadOrder, lamps, &loaded))
	require.False(t, loaded.Wanted)
	require.Equal(t, lamps, loaded.Summary.ID)
	require.Empty(t, c.outside.calls, "whose session it is, is no concern of ours")
}

// A run that goes on from the record of an order that had not begun would load it, and go on from it, without an end.
func TestARecordOfWhatHasNotBegunIsNone(t *testing.T) {
	t.Parallel()
	for step, goesOn := range map[order.Step]bool{order.StepLoad: false, order.StepHeld: true, order.StepWatch: true} {
		c := newCounter(t)
		summary := c.outside.session.Summary
		record := order.Record{Format: order.RecordFormat, Step: step, Summary: &summary}
		require.NoError(t, c.Documents.SaveRecord(t.Context(), lamps, record))
		var loaded LoadOrderResult
		require.NoError(t, c.does(c.LoadOrder, lamps, &loaded))
		require.Equal(t, goesOn, loaded.Record != nil, "at the step %q", step)
		require.Equal(t, !goesOn, loaded.Wanted, "at the step %q", step)
	}
}

func TestGoodsDoNotLeaveForTestMoney(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{true, false} {
		c := newCounter(t)
		c.Livemode, c.outside.session.Summary.Livemode = live, !live
		require.ErrorContains(t, requireFailure(t, c.does(c.LoadOrder, lamps, nil), fault.InputInvalid, true),
			"unlike the key")
		c.outside.session.Summary.Livemode = live
		require.NoError(t, c.does(c.LoadOrder, lamps, nil))
	}
}

func TestGoodsDoNotLeaveForMoneyThatIsGone(t *testing.T) {
	t.Parallel()
	for name, payment := range map[string]order.Payment{
		"unpaid": {State: order.Unpaid, Amount: 3000}, "canceled": {State: order.Canceled, Amount: 3000},
		"refunded": {State: order.Paid, Amount: 3000, Captured: 3000, Refunded: 3000},
	} {
		c := newCounter(t)
		c.outside.session.Summary.Payment = payment
		requireFailure(t, c.does(c.SubmitOrder, lamps, nil), fault.PaymentConflict, true)
		require.Equal(t, []string{"session acct_1 cs_1"}, c.outside.calls, name)
	}
}

func TestAnOrderIsLoadedWithoutItsBuyer(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	var loaded LoadOrderResult
	require.NoError(t, c.does(c.LoadOrder, lamps, &loaded))
	require.True(t, loaded.Wanted)
	require.Equal(t, sale().Summary, loaded.Summary)
	require.Equal(t, order.OnAcceptance, loaded.Policy.Capture)
	require.True(t, loaded.Policy.Mail)
	require.Nil(t, loaded.Record)
	kept, err := json.Marshal(loaded)
	require.NoError(t, err)
	require.NotContains(t, string(kept), "enny")
}

func TestAnOrderGoesOnFromItsRecord(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	summary := sale().Summary
	record := order.Record{Format: order.RecordFormat, Step: "watch", State: "shipped", Summary: &summary,
		Submitted: true}
	require.NoError(t, c.does(c.SaveRecord, SaveRecordInput{ID: lamps, Record: record}, nil))
	for _, enabled := range []bool{true, false} { // it was begun, whatever the settings say today
		c.settings(enabled)
		var loaded LoadOrderResult
		require.NoError(t, c.does(c.LoadOrder, lamps, &loaded))
		require.Equal(t, LoadOrderResult{Record: &record}, loaded)
	}
	require.Empty(t, c.outside.calls, "the merchant has it: it does not begin anew")

	c.put("state/acct_1/orders/"+lamps.Session+"/record.json", `{"format":2}`)
	requireFailure(t, c.does(c.LoadOrder, lamps, nil), fault.SettingsInvalid, true)
}

func TestSKUsThatTheCatalogDoesNotHave(t *testing.T) {
	t.Parallel()
	c, in := newCounter(t), CheckOrderInput{ID: lamps, SKUs: []string{"LAMP-1", "BULB-1"}}
	var checked CheckOrderResult
	require.NoError(t, c.does(c.CheckOrder, in, &checked))
	require.Len(t, checked.Problems, 2, "without a catalog none is known")
	require.Equal(t, order.Problem{Code: order.UnknownSKU, SKU: "LAMP-1", Detail: "it is not known what Stripe has"},
		checked.Problems[0])

	manifest := feed.NewManifest(feed.Product)
	require.NoError(t, manifest.Rows.Add(feed.Entry{ID: []byte("LAMP-1")}))
	require.NoError(t, c.Catalog.SaveManifest(t.Context(), "acct_1", manifest, ""))
	checked = CheckOrderResult{}
	require.NoError(t, c.does(c.CheckOrder, in, &checked))
	require.Equal(t,
		[]order.Problem{{Code: order.UnknownSKU, SKU: "BULB-1", Detail: `the catalog has no product "BULB-1"`}},
		checked.Problems)

	checked = CheckOrderResult{}
	require.NoError(t, c.does(c.CheckOrder, CheckOrderInput{ID: lamps, SKUs: []string{"LAMP-1"}}, &checked))
	require.Empty(t, checked.Problems)
	requireFailure(t, c.does(c.CheckOrder, CheckOrderInput{ID: order.ID{Account: "me"}, SKUs: []string{"LAMP-1"}}, nil),
		fault.InputInvalid, true)
}

// The assortment says yes from memory. Whatever it does not know, the manifest is asked.
func TestSKUsOfTheAssortmentAreKnownWithoutTheManifest(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	const rows = "id,title,availability,price,delete\nLAMP-1,Lamp,in_stock,10.00 USD,\nGONE-1,,,,true\n"
	part := assortment.Part{Kind: feed.Product, Format: lines.CSV, Refused: func([]byte) bool { return false },
		Full: true, Number: 1, Parts: 1, At: time.Now()}
	require.NoError(t, c.assortments().Settle(t.Context(), "acct_1", part,
		func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(rows)), nil }))
	manifestRead := 0
	c.store.Before = func(_, _, key string) error {
		if strings.HasSuffix(key, "/manifest") {
			manifestRead++
		}
		return nil
	}
	check := func(skus ...string) (checked CheckOrderResult) {
		require.NoError(t, c.does(c.CheckOrder, CheckOrderInput{ID: lamps, SKUs: skus}, &checked))
		return checked
	}
	require.Empty(t, check("LAMP-1").Problems)
	require.Zero(t, manifestRead)
	require.Len(t, check("LAMP-1", "GONE-1", "OTHER-1").Problems, 2)
	require.NotZero(t, manifestRead)
}

func TestAnAnswerThatDoesNotFitTheOrderIsNone(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]order.Decision{
		"nothing said":   {},
		"another SKU":    {Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "BULB-1", Quantity: 1}}},
		"more than sold": {Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 4}}},
	} {
		c := newCounter(t)
		c.outside.decision = d
		requireFailure(t, c.does(c.SubmitOrder, lamps, nil), fault.MerchantAnswerInvalid, true)
		require.Equal(t, "submit s3 order/acct_1/cs_1", c.outside.calls[1], name)
	}
}

func TestAMerchantsOwnWordsDoNotLeaveTheStep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ says, want order.Decision }{
		{order.Decision{Status: order.Accepted, Reference: "for Jenny Rosen", Reason: "Jenny"},
			order.Decision{Status: order.Accepted}},
		{order.Decision{Status: order.Rejected, Reason: "Jenny never pays"},
			order.Decision{Status: order.Rejected, Reason: order.OtherReason}},
		{order.Decision{Status: order.Pending, Reference: "SO-1"},
			order.Decision{Status: order.Pending, Reference: "SO-1"}},
	} {
		c := newCounter(t)
		c.outside.decision = test.says
		var got order.Decision
		require.NoError(t, c.does(c.SubmitOrder, lamps, &got))
		require.Equal(t, test.want, got)
	}
}

func TestStepsHandOnWhatTheyWereGiven(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	in := PaymentInput{ID: lamps, PaymentIntent: "pi_1", Amount: 700, Fee: new(int64(70)), FeeBack: true, Key: "k"}
	for _, s := range []struct {
		run  any
		want []string
	}{
		{c.CapturePayment, []string{"capture acct_1 pi_1 700 70 k"}},
		{c.CancelPayment, []string{"cancel acct_1 pi_1 k"}},
		{c.RefundPayment, []string{"refund acct_1 pi_1 700 true k"}},
		{c.ReadPayment, []string{"payment acct_1 pi_1"}},
		{c.ReadRefunds, []string{"refunds acct_1 pi_1", "payment acct_1 pi_1"}},
	} {
		c.outside.calls = nil
		require.NoError(t, c.does(s.run, in, nil))
		require.Equal(t, s.want, c.outside.calls)
	}
}

func TestABuyerWithoutAnAddressGetsNoMail(t *testing.T) {
	t.Parallel()
	for _, sent := range []bool{false, true} {
		c := newCounter(t)
		c.outside.sent = sent
		var result SendMailResult
		in := SendMailInput{ID: lamps, Kind: order.RejectionMail, Decision: order.Decision{Status: order.Rejected}}
		require.NoError(t, c.does(c.SendMail, in, &result))
		require.Equal(t, sent, result.Sent)
		require.Equal(t, []string{"session acct_1 cs_1", "mail rejection shop@example.com rejected"}, c.outside.calls)
	}
}

func TestEvidenceIsWrittenForPeopleAndSubmittedOnce(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	in := DisputeInput{ID: lamps, Dispute: "du_1", Key: "k",
		Shipments: []order.Shipment{{ID: "P-1", Carrier: "UPS", Tracking: "1Z999"}}}
	var written WriteEvidenceResult
	require.NoError(t, c.does(c.WriteEvidence, in, &written))
	require.Equal(t, "state/personal/acct_1/orders/"+lamps.Session+"/evidence-du_1.json", written.Key)
	body, _, err := c.store.Get(t.Context(), "s", written.Key)
	require.NoError(t, err)
	require.Contains(t, string(body), "1Z999")

	var submitted order.Dispute
	require.NoError(t, c.does(c.SubmitEvidence, in, &submitted))
	require.EqualValues(t, 1, submitted.Submissions)
	require.Equal(t, "evidence acct_1 du_1 true k", c.outside.calls[len(c.outside.calls)-1])

	in.Dispute = "../du_1"
	requireFailure(t, c.does(c.WriteEvidence, in, nil), fault.InputInvalid, true)
}
