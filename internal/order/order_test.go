package order_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func summary() order.Summary {
	return order.Summary{
		ID: order.ID{Account: "acct_1", Session: "cs_test_1"}, PaymentIntent: "pi_1", Charge: "ch_1", Created: at,
		Currency: "usd",
		Amounts:  order.Amounts{Subtotal: 3500, Discount: 500, Shipping: 400, Tax: 300, Total: 3700},
		Lines: []order.Line{
			{ID: "li_1", SKU: "LAMP-1", Quantity: 3, UnitAmount: 1000, Subtotal: 3000, Discount: 500, Tax: 250,
				Total: 2750},
			{ID: "li_2", SKU: "BULB-1", Quantity: 1, UnitAmount: 500, Subtotal: 500, Tax: 50, Total: 550},
		},
		Agent: order.Agent{Name: "Shopping Agent", Profile: "profile_1"},
		Payment: order.Payment{State: order.RequiresCapture, Amount: 3700, Capturable: 3700,
			AuthorizationExpires: at.Add(7 * 24 * time.Hour)},
	}
}

func session() order.Session {
	return order.Session{
		Summary: summary(),
		Texts: []order.LineText{{Name: "Lamp",
			Taxes: []order.Tax{{Amount: 250, Type: "sales_tax", Percentage: 8.25}}}, {Name: "Bulb"}},
		Buyer: order.Buyer{Name: "Jenny Rosen", Email: "jenny@example.com", Phone: "+15550100",
			Address: &order.Address{Line1: "1 Main St", Country: "US"}},
		ShipTo: &order.Recipient{Name: "Jenny Rosen",
			Address: order.Address{Line1: "1 Main St", City: "Springfield", PostalCode: "12345", Country: "US"}},
		Shipping: &order.ShippingChoice{Rate: "shr_1", Name: "Ground", Amount: 400},
		Card:     &order.Card{Brand: "visa", Last4: "4242"},
		Metadata: map[string]string{"cart": "7"},
	}
}

func TestIDsThatCouldLeaveTheirPathAreRefused(t *testing.T) {
	t.Parallel()
	checks := map[string]func(string) error{
		"cs_": order.CheckSession, "pi_": order.CheckPaymentIntent, "ch_": order.CheckCharge, "py_": order.CheckCharge,
		"re_": order.CheckRefund, "pyr_": order.CheckRefund, "du_": order.CheckDispute, "dp_": order.CheckDispute,
		"evt_": order.CheckEvent, "li_": order.CheckLineItem,
	}
	for prefix, check := range checks {
		for _, bad := range []string{"", prefix, prefix + "a/../b", prefix + "a?b", prefix + "a b", prefix + "a\n",
			" " + prefix + "a", "xx_1", prefix + strings.Repeat("a", 300)} {
			require.True(t, fault.Is(check(bad), fault.InputInvalid), "%q", bad)
		}
		require.NoError(t, check(prefix+"1AbC_2"))
	}
}

func TestOrderIDs(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "order/", "order/acct_1", "order/acct_1/cs_1/x", "catalog/acct_1/cs_1",
		"order/cs_1/acct_1"} {
		_, err := order.ParseID(bad)
		require.True(t, fault.Is(err, fault.InputInvalid), "%q", bad)
	}
	id, err := order.ParseID("order/acct_1/cs_test_1")
	require.NoError(t, err)
	require.Equal(t, order.ID{Account: "acct_1", Session: "cs_test_1"}, id)
	require.Equal(t, "order/acct_1/cs_test_1", id.String())
}

func TestAReasonDoesNotRepeatTheOrderBesideIt(t *testing.T) {
	t.Parallel()
	id := order.ID{Account: "acct_1", Session: "cs_test_1"}
	for _, text := range []string{
		"MerchantRejected: order/acct_1/cs_test_1: the endpoint answered with HTTP 404",
		"MerchantRejected: order order/acct_1/cs_test_1: the endpoint answered with HTTP 404",
		"MerchantRejected: the endpoint answered with HTTP 404",
	} {
		require.Equal(t, "MerchantRejected: the endpoint answered with HTTP 404", id.Beside(text))
	}
	require.Equal(t, "refunded-re_1: refused", id.Beside(id.String()+"/refunded-re_1: refused"), "of a notice")
	other := "order/acct_1/cs_test_12: refused"
	require.Equal(t, other, id.Beside(other))
}

func TestKeys(t *testing.T) {
	t.Parallel()
	id := summary().ID
	require.Equal(t, "vitrine/order/acct_1/cs_test_1/refund/500", id.Key("refund", "500"))
	long := id.Key("refund", strings.Repeat("x", 300))
	require.LessOrEqual(t, len(long), 255)
	require.NotEqual(t, long, id.Key("refund", strings.Repeat("x", 301)))
	require.NotContains(t, id.Key("retry", "a b"), " ")
}

func TestCheckFindsWhatDoesNotAddUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*order.Summary)
		want  order.ProblemCode
	}{
		"currency":      {func(s *order.Summary) { s.Currency = "USD" }, order.CurrencyInvalid},
		"no lines":      {func(s *order.Summary) { s.Lines = nil }, order.NoLines},
		"no payment":    {func(s *order.Summary) { s.PaymentIntent = "" }, order.PaymentMissing},
		"quantity":      {func(s *order.Summary) { s.Lines[1].Quantity = 0 }, order.QuantityInvalid},
		"negative line": {func(s *order.Summary) { s.Lines[1].Tax = -1 }, order.AmountInvalid},
		"huge total":    {func(s *order.Summary) { s.Amounts.Total = math.MaxInt64 }, order.AmountInvalid},
		"subtotal":      {func(s *order.Summary) { s.Lines[1].Subtotal = 499 }, order.SubtotalMismatch},
		"total too low": {func(s *order.Summary) { s.Amounts.Total, s.Payment.Amount = 3399, 3399 },
			order.TotalMismatch},
		"total too high": {func(s *order.Summary) { s.Amounts.Total, s.Payment.Amount = 3701, 3701 },
			order.TotalMismatch},
		"payment": {func(s *order.Summary) { s.Payment.Amount = 1 }, order.PaymentMismatch},
	} {
		s := summary()
		c.spoil(&s)
		problems := s.Check()
		require.Len(t, problems, 1, "%s: %v", name, problems)
		require.Equal(t, c.want, problems[0].Code, name)
	}
	require.Empty(t, summary().Check())

	inclusive := summary()
	inclusive.Amounts.Total, inclusive.Payment.Amount = 3400, 3400 // prices include the tax
	require.Empty(t, inclusive.Check())

	free := summary()
	free.PaymentIntent, free.Payment = "", order.Payment{State: order.NoPaymentRequired}
	free.Amounts.Discount, free.Amounts.Shipping, free.Amounts.Tax, free.Amounts.Total = 3500, 0, 0, 0
	require.Empty(t, free.Check())
	require.Empty(t, free.Contradictions())
	for _, mode := range []string{"subscription", "setup", "gift"} {
		free.Mode = mode
		require.Equal(t, order.ModeUnsupported, free.Contradictions()[0].Code)
	}
	free.Mode = "payment"
	require.Empty(t, free.Contradictions())
	free.Mode = order.Unstated
	require.Equal(t, order.ModeUnsupported, free.Contradictions()[0].Code)

	claimed := summary()
	claimed.PaymentIntent, claimed.Payment = "", order.Payment{State: order.NoPaymentRequired}
	require.Equal(t, []order.Problem{{Code: order.PaymentMismatch,
		Detail: "Stripe says that nothing is to pay, and the total is 37.00 USD"}}, claimed.Contradictions())
}

func TestAPaymentThatIsNotTheOneForTheSessionIsFound(t *testing.T) {
	t.Parallel()
	paid := func(change func(*order.Payment)) order.Summary {
		s := summary()
		s.Payment = order.Payment{State: order.Paid, Amount: 3700, Captured: 3700, Currency: "usd"}
		change(&s.Payment)
		return s
	}
	for says, s := range map[string]order.Summary{
		`the currency of the payment is "eur", that of the session "usd"`: paid(func(p *order.Payment) {
			p.Currency = "eur"
		}),
		`the currency of the payment is "unstated", that of the session "usd"`: paid(func(p *order.Payment) {
			p.Currency = order.Unstated
		}),
		"only 36.99 USD of 37.00 USD was captured, by somebody else": paid(func(p *order.Payment) {
			p.Captured = 3699
		}),
		"only 0.00 USD of 37.00 USD was captured, by somebody else": paid(func(p *order.Payment) {
			p.Captured = 0
		}),
	} {
		require.Equal(t, []order.Problem{{Code: order.PaymentMismatch, Detail: says}}, s.Contradictions())
	}
	for name, change := range map[string]func(*order.Payment){
		"captured":                       func(*order.Payment) {},
		"more than that, and given back": func(p *order.Payment) { p.Refunded = 500 },
		"read by an older worker":        func(p *order.Payment) { p.Currency = "" },
		"reserved": func(p *order.Payment) {
			p.State, p.Captured, p.Capturable = order.RequiresCapture, 0, 3700
		},
		"on its way": func(p *order.Payment) { p.State, p.Captured = order.Unpaid, 0 },
	} {
		require.Empty(t, paid(change).Contradictions(), name)
	}
}

func TestSKUsAreNamedOnce(t *testing.T) {
	t.Parallel()
	s := summary()
	s.Lines = append(s.Lines, s.Lines[0], order.Line{})
	require.Equal(t, []string{"LAMP-1", "BULB-1"}, s.SKUs())
	require.Equal(t, []order.Problem{{Code: order.ReferenceMissing, Detail: "line 4 has no external reference"}},
		s.Unreferenced())
}

func TestFeesGoWithWhatIsCaptured(t *testing.T) {
	t.Parallel()
	p := order.Payment{Amount: 3700, Fee: 370}
	for amount, want := range map[int64]int64{3700: 370, 3150: 315, 1: 0, 0: 0, 3699: 369} {
		require.Equal(t, want, p.FeeOf(amount), amount)
	}
	require.Zero(t, order.Payment{Amount: 3700}.FeeOf(3150))
	require.Nil(t, order.Summary{Currency: "usd", Payment: order.Payment{Amount: 3700}}.FeeOf(3150))
	small := order.Summary{Currency: "usd", Payment: order.Payment{Amount: 4000, Fee: 30}}
	require.Equal(t, new(int64(0)), small.FeeOf(100))
	for code, want := range map[string]int64{"usd": 315, "kwd": 310, "isk": 300} {
		s := order.Summary{Currency: code, Payment: order.Payment{Amount: 3700, Fee: 370}}
		require.Equal(t, &want, s.FeeOf(3150), code)
		fee, known := order.Fee{Percent: 10}.Of(new(int64(3150)), code)
		require.True(t, known)
		require.Equal(t, want, fee, code)
		require.NoError(t, order.CheckAmount(want, code))
	}
	require.EqualError(t, order.CheckAmount(1234, "kwd"),
		"Stripe moves no amount such as 1.234 KWD: the nearest below it is 1.230 KWD")
}

func TestEventsThatBeginNoOrder(t *testing.T) {
	t.Parallel()
	var begin []string
	for _, kind := range order.EventTypes() {
		if (order.Event{Type: kind}).Begins() {
			begin = append(begin, kind)
		}
	}
	require.NotContains(t, begin, "checkout.session.expired")
	for _, kind := range []string{"checkout.session.completed", "checkout.session.async_payment_succeeded",
		"payment_intent.succeeded",
		"payment_intent.amount_capturable_updated", "charge.refunded", "charge.dispute.created",
		"charge.dispute.closed"} {
		require.Contains(t, begin, kind)
	}
}

func TestDecisionsMustFitTheOrder(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]order.Decision{
		"verdict": {Status: "maybe"},
		"sku":     {Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "OTHER", Quantity: 1}}},
		"no sku":  {Status: order.Accepted, Lines: []order.AcceptedLine{{Quantity: 0}}},
		"twice": {Status: order.Accepted,
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}, {SKU: "LAMP-1", Quantity: 1}}},
		"too many": {Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 4}}},
		"nothing":  {Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1"}}},
	} {
		require.True(t, fault.Is(d.Check(summary()), fault.MerchantAnswerInvalid), name)
	}
	require.NoError(t, order.Decision{Status: order.Rejected, Reason: order.OutOfStock}.Check(summary()))
}

func TestAcceptedAmountRoundsInTheBuyersFavour(t *testing.T) {
	t.Parallel()
	lines := func(lamps, bulbs int64) order.Decision {
		return order.Decision{Status: order.Accepted,
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: lamps}, {SKU: "BULB-1", Quantity: bulbs}}}
	}
	s := summary()
	require.EqualValues(t, 3700, s.AcceptedAmount(order.Decision{Status: order.Accepted}))
	require.EqualValues(t, 3700, s.AcceptedAmount(lines(3, 1)))
	require.EqualValues(t, 3700-550, s.AcceptedAmount(lines(3, 0)))
	require.EqualValues(t, 3700-917, s.AcceptedAmount(lines(2, 1)), "a third of 2750 is 916.67")
	s.Currency = "kwd"
	require.EqualValues(t, 2780, s.AcceptedAmount(lines(2, 1)), "the third decimal of 2.783 is not charged")
	s.Currency = "isk"
	require.EqualValues(t, 2700, s.AcceptedAmount(lines(2, 1)), "and neither are parts of a króna")
	require.EqualValues(t, 3700, s.AcceptedAmount(lines(3, 1)))
	s.Currency = "usd"
	require.EqualValues(t, 0, s.AcceptedAmount(order.Decision{Status: order.Rejected}))
	require.EqualValues(t, 0, s.AcceptedAmount(order.Decision{Status: order.Pending}))
}

func TestWhatMerchantsWriteFreelyStaysOut(t *testing.T) {
	t.Parallel()
	require.Equal(t, order.OtherReason, order.ReasonOf("Jenny Rosen does not answer the phone"))
	require.Equal(t, order.OtherReason, order.ReasonOf("not_decided_in_time"),
		"Vitrine's own reasons are not the merchant's to give")
	require.Equal(t, order.OutOfStock, order.ReasonOf("out_of_stock"))
	require.Empty(t, order.ReferenceOf("jenny@example.com"))
	require.Empty(t, order.ReferenceOf("Jenny Rosen"))
	require.Equal(t, "SO-2026/0815", order.ReferenceOf("SO-2026/0815"))
}

func TestShipmentsAndNoticesAreChecked(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]order.Shipment{
		"no id":     {},
		"carrier":   {ID: "1", Carrier: "jenny@example.com"},
		"tracking":  {ID: "1", Tracking: "1 Main St"},
		"delivered": {ID: "1", ShippedAt: at, DeliveredAt: at.Add(-time.Hour)},
		"lines":     {ID: "1", Lines: []order.AcceptedLine{{SKU: "LAMP-1"}}},
	} {
		require.True(t, fault.Is(p.Check(), fault.InputInvalid), name)
	}
	require.NoError(t, order.Shipment{ID: "p-1", Carrier: "UPS", Tracking: "1Z999", ShippedAt: at}.Check())

	notice := order.NewNotice(summary(), order.NoticeRefunded, "re_1", at)
	require.NoError(t, notice.Check())
	require.Equal(t, "refunded-re_1", notice.ID)
	notice.ID = "../x"
	require.True(t, fault.Is(notice.Check(), fault.InputInvalid))
}

func TestSessionsDoNotLeaveAnActivity(t *testing.T) {
	t.Parallel()
	s := session()
	_, err := json.Marshal(s)
	require.ErrorContains(t, err, "must not leave the activity")
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v", s, s), fmt.Sprint(s.Document()),
		fmt.Sprintf("%+v %#v", s.Document(), s.Document()), fmt.Sprintf("%v %#v", s.Evidence(nil), s.Evidence(nil))} {
		require.NotContains(t, text, "Jenny")
		require.NotContains(t, text, "Main St")
	}
	remembered, err := json.Marshal(s.Summary)
	require.NoError(t, err)
	for _, personal := range []string{"Jenny", "jenny", "Main St", "5550100", "4242"} {
		require.NotContains(t, string(remembered), personal)
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	require.True(t, fault.Is(order.Evidence{}.Check(), fault.InputInvalid))
	e := session().Evidence([]order.Shipment{
		{ID: "1", Carrier: "UPS", Tracking: "1Z1", ShippedAt: at, DeliveredAt: at.Add(48 * time.Hour)},
		{ID: "2", Carrier: "UPS", Tracking: "1Z2", ShippedAt: at.Add(time.Hour)},
	})
	require.NoError(t, e.Check())
	require.Equal(t, "UPS", e.ShippingCarrier)
	require.Equal(t, "1Z1, 1Z2", e.ShippingTrackingNumber)
	require.Equal(t, "2026-03-01", e.ShippingDate)
	require.Contains(t, e.UncategorizedText, "AI agent (Shopping Agent)")
	require.Contains(t, e.UncategorizedText, "1Z1 was delivered on 2026-03-03")
	require.Equal(t, "1 Main St, Springfield, 12345, US", e.ShippingAddress)
	require.Contains(t, e.ProductDescription, "3 × Lamp (LAMP-1)")
}

func settings() order.Settings {
	return order.Settings{Account: "acct_1", Enabled: true,
		Fulfillment: order.Fulfillment{Kind: order.HTTPS, URL: "https://shop.example/orders?shop=1",
			SecretEnv: "MERCHANT_SECRET_SHOP"}}
}

func TestSettingsCheckNamesEveryProblem(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*order.Settings){
		"acct_":                    func(s *order.Settings) { s.Account = "me" },
		"which \"some\"":           func(s *order.Settings) { s.Which = "some" },
		"capture \"never\"":        func(s *order.Settings) { s.Capture = "never" },
		"unknown_sku":              func(s *order.Settings) { s.UnknownSKU = "ignore" },
		"settle_window":            func(s *order.Settings) { s.SettleWindow = account.Interval(time.Second) },
		"fulfillment.kind is not":  func(s *order.Settings) { s.Fulfillment.Kind = "" },
		"fulfillment.kind \"fax\"": func(s *order.Settings) { s.Fulfillment.Kind = "fax" },
		"fulfillment.url":          func(s *order.Settings) { s.Fulfillment.URL = "https://me:hunter2@shop.example/" },
		"one of secret_env":        func(s *order.Settings) { s.Fulfillment.SecretEnv = "" },
		"begins with MERCHANT":     func(s *order.Settings) { s.Fulfillment.SecretEnv = "STRIPE_API_KEY" },
		"secret_file": func(s *order.Settings) {
			s.Fulfillment.SecretEnv, s.Fulfillment.SecretFile = "", "../shadow"
		},
		"fulfillment.prefix": func(s *order.Settings) {
			s.Fulfillment = order.Fulfillment{Kind: order.S3, Prefix: "../"}
		},
		"fulfillment.bucket": func(s *order.Settings) {
			s.Fulfillment = order.Fulfillment{Kind: order.S3, Bucket: "a/b"}
		},
		"mail.from":      func(s *order.Settings) { s.Mail.From = "Shop <shop@example.com>" },
		"mail.name":      func(s *order.Settings) { s.Mail.Name = "Shop\r\nBcc: x@example.com" },
		"mail.language":  func(s *order.Settings) { s.Mail.Language = "../x" },
		"mail.order_url": func(s *order.Settings) { s.Mail.OrderURL = "javascript:alert(1)" },
	} {
		s := settings()
		change(&s)
		require.ErrorContains(t, s.Check(), want)
		require.NotContains(t, s.Check().Error(), "hunter2")
	}
	require.NoError(t, settings().Check())
	require.NoError(t, order.Settings{Account: "acct_1"}.Check(), "switched off, nothing is needed")
}

func TestWhichOrdersAreWanted(t *testing.T) {
	t.Parallel()
	s, agent := settings().WithDefaults(), summary()
	plain := summary()
	plain.Agent = order.Agent{Name: "no profile, no agent"}
	for i := range plain.Lines {
		plain.Lines[i].SKU = ""
	}
	require.True(t, s.Wants(agent))
	require.False(t, s.Wants(plain))
	s.Which = order.AllOrders
	require.True(t, s.Wants(plain))
	s.Enabled = false
	require.False(t, s.Wants(agent))
}

func TestOrdersOfBeforeAreSomebodyElses(t *testing.T) {
	t.Parallel()
	took, later := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	next := settings().Inherit(order.Settings{}, took)
	require.Equal(t, took, next.Since)
	require.Zero(t, next.AllSince)

	agent, plain := summary(), summary()
	plain.Agent, plain.Lines = order.Agent{}, []order.Line{{}}
	for placed, wanted := range map[time.Time]bool{took.Add(-time.Second): false, took: true, later: true} {
		agent.Payment.Charged = placed // the cart may be older
		require.Equal(t, wanted, next.Wants(agent), placed)
	}

	all := settings()
	all.Which = order.AllOrders
	all = all.Inherit(next, later)
	require.Equal(t, [2]time.Time{took, later}, [2]time.Time{all.Since, all.AllSince},
		"agents' orders go on, all others begin")
	agent.Created, plain.Created = took, took
	agent.Payment.Charged = time.Time{}
	require.True(t, all.Wants(agent))
	require.False(t, all.Wants(plain))

	off := settings()
	off.Enabled = false
	off = off.Inherit(all, later)
	require.Zero(t, off.Since)
	require.Equal(t, later.Add(time.Hour), settings().Inherit(off, later.Add(time.Hour)).Since,
		"what was placed in between is somebody else's")

	named := settings()
	named.Since = took
	require.Equal(t, took, named.Inherit(order.Settings{}, later).Since)
}

func TestSettingsAreADocumentOfTheirOwn(t *testing.T) {
	t.Parallel()
	store := objectstoretest.NewMemory("state")
	layout := statestore.Layout{StateBucket: "state", StatePrefix: "state/"}
	d, ctx := order.Documents{Store: statestore.Store{Objects: store, Layout: layout}}, t.Context()

	missing, err := d.Settings(ctx, "acct_1")
	require.NoError(t, err)
	require.False(t, missing.Enabled)
	require.Equal(t, order.OnAcceptance, missing.Capture)

	require.NoError(t, d.SaveSettings(ctx, settings()))
	got, err := d.Settings(ctx, "acct_1")
	require.NoError(t, err)
	require.Equal(t, settings().WithDefaults(), got)
	accounts, err := account.Documents{Store: d.Store}.Accounts(ctx)
	require.NoError(t, err)
	require.Empty(t, accounts, "the catalog's list of accounts does not take it for an account")

	for name, body := range map[string]string{
		"no JSON":       `{`,
		"another":       `{"account":"acct_2"}`,
		"mistyped name": `{"account":"acct_1","captures":"on_shipment"}`,
		"bad value":     `{"account":"acct_1","capture":"never"}`,
		"a name twice":  `{"account":"acct_1","capture":"on_shipment","capture":"on_acceptance"}`,
		"another case":  `{"account":"acct_1","Capture":"on_shipment"}`,
		"two documents": `{"account":"acct_1"}{"account":"acct_1","enabled":true}`,
	} {
		_, err := store.Put(ctx, "state", "accounts/acct_1/orders.json", "application/json", []byte(body), "")
		require.NoError(t, err)
		_, err = d.Settings(ctx, "acct_1")
		require.True(t, fault.Is(err, fault.SettingsInvalid), "%s: %v", name, err)
	}
	require.True(t, fault.Is(d.SaveSettings(ctx, order.Settings{}), fault.SettingsInvalid))
}

func TestEvidenceIsKept(t *testing.T) {
	t.Parallel()
	store := objectstoretest.NewMemory("state")
	d := order.Documents{
		Store: statestore.Store{Objects: store, Layout: statestore.Layout{StateBucket: "state", StatePrefix: "state/"}},
	}
	_, err := d.SaveEvidence(t.Context(), summary().ID, order.Dispute{ID: "../du"}, order.Evidence{}, nil)
	require.True(t, fault.Is(err, fault.InputInvalid))
	key, err := d.SaveEvidence(t.Context(), summary().ID, order.Dispute{ID: "du_1", Status: "needs_response"},
		session().Evidence(nil), nil)
	require.NoError(t, err)
	require.Equal(t, "state/personal/acct_1/orders/cs_test_1/evidence-du_1.json", key)
	body, _, err := store.Get(t.Context(), "state", key)
	require.NoError(t, err)
	require.Contains(t, string(body), "jenny@example.com")
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	answers := schema(t, "order.schema.json#/$defs/answer")
	accepts := func(lines string) string { return `{"status":"accepted","lines":` + lines + `}` }
	for name, body := range map[string]string{
		"nothing": "", "a page": "OK", "a page of HTML": "<html>", "null": "null", "an empty object": "{}",
		"a list":         `[]`,
		"another status": `{"status":"ok"}`, "a mail": `{"status":"jenny@example.com"}`, "a number": `{"status":7}`,
		"a null status": `{"status":null}`,
		"another case":  `{"status":"Accepted"}`, "a status with a capital": `{"Status":"accepted"}`,
		"cut off":     `{"status":"accepted"`,
		"two answers": `{"status":"accepted"}{"status":"rejected"}`, "something behind": `{"status":"accepted"} jenny`,
		"two statuses":                  `{"status":"rejected","status":"accepted"}`,
		"two cases of a status":         `{"status":"accepted","STATUS":"rejected"}`,
		"an escaped status":             `{"status":"accepted","\u0073tatus":"rejected"}`,
		"yes, and a no's reason":        `{"status":"accepted","reason":"out_of_stock"}`,
		"yes, and an error":             `{"status":"accepted","error":"sold out"}`,
		"yes, and an error's code":      `{"status":"accepted","error":{"code":7},"lines":[{"sku":"LAMP-1","quantity":1}]}`,
		"yes, and errors":               `{"status":"accepted","errors":["sold out"]}`,
		"yes, and no success":           `{"status":"accepted","success":false,"lines":[{"sku":"LAMP-1","quantity":1}]}`,
		"yes, and not OK":               `{"status":"accepted","OK":"false"}`,
		"yes, and a failure":            `{"status":"accepted","failed":true}`,
		"yes, and not accepted":         `{"status":"accepted","accepted":false}`,
		"yes, and declined":             `{"status":"accepted","declined":1}`,
		"no, and approved":              `{"status":"rejected","approved":true}`,
		"no, and not rejected":          `{"status":"rejected","Rejected":"false"}`,
		"lines by another name":         `{"status":"accepted","items":[{"sku":"LAMP-1","quantity":1}]}`,
		"lines by a third name":         `{"status":"accepted","line_items":["x",{"Qty":"1"}]}`,
		"lines that are counted":        `{"status":"accepted","positions":[{"id":1,"count":1}]}`,
		"a no by its noun":              `{"status":"accepted","accepted":"no"}`,
		"a list of what is taken":       `{"status":"accepted","accepted_skus":["LAMP-1"]}`,
		"an empty one":                  `{"status":"accepted","accepted":[]}`,
		"a list of what is not":         `{"status":"accepted","rejectedLines":["LAMP-1"]}`,
		"an object of what is not":      `{"status":"accepted","UNAVAILABLE":{"LAMP-1":1}}`,
		"a number of it":                `{"status":"accepted","backordered":1}`,
		"a date of a no":                `{"status":"accepted","cancelled-at":"2026-11-29"}`,
		"a part":                        `{"status":"accepted","partial":true}`,
		"a part in a word":              `{"status":"accepted","state":"partially_accepted"}`,
		"another status that is no":     `{"status":"accepted","state":"rejected"}`,
		"another one in capitals":       `{"status":"accepted","decision":"DECLINED"}`,
		"a result that is none":         `{"status":"accepted","result":"failed"}`,
		"a reason by another name":      `{"status":"accepted","error_code":"out_of_stock"}`,
		"a reason in words":             `{"status":"accepted","message":"Out of stock"}`,
		"a reason for a name":           `{"status":"accepted","out_of_stock":["LAMP-1"]}`,
		"a no further down":             `{"status":"accepted","data":{"order":[{"status":"canceled"}]}}`,
		"a no beside lines":             `{"status":"accepted","state":"rejected","lines":[{"sku":"LAMP-1","quantity":1}]}`,
		"a line that is refused":        accepts(`[{"sku":"LAMP-1","quantity":1,"status":"rejected"}]`),
		"a line that is not accepted":   accepts(`[{"sku":"LAMP-1","quantity":1,"accepted":false}]`),
		"a line with another quantity":  accepts(`[{"sku":"LAMP-1","quantity":2,"accepted_quantity":1}]`),
		"a line that waits":             accepts(`[{"sku":"LAMP-1","quantity":1,"state":"backordered"}]`),
		"no, and another status is yes": `{"status":"rejected","state":"accepted"}`,
		"no, and not declined":          `{"status":"rejected","declined":"no"}`,
		"no, and lines":                 `{"status":"rejected","lines":[{"sku":"LAMP-1","quantity":1}]}`,
		"no, and empty lines":           `{"status":"rejected","lines":[]}`,
		"later, and lines":              `{"status":"pending","lines":[{"sku":"LAMP-1","quantity":1}]}`,
		"a number of a reference":       `{"status":"accepted","reference":1001}`,
		"lines of a text":               accepts(`"all"`), "an object of lines": accepts(`{"LAMP-1":1}`),
		"empty lines": accepts(`[]`), "null lines": accepts(`null`), "a null line": accepts(`[null]`),
		"no quantity":          accepts(`[{"sku":"LAMP-1"}]`),
		"no quantity of one":   accepts(`[{"sku":"LAMP-1","quantity":3},{"sku":"BULB-1"}]`),
		"a null quantity":      accepts(`[{"sku":"LAMP-1","quantity":null}]`),
		"quantity 0":           accepts(`[{"sku":"LAMP-1","quantity":0}]`),
		"a negative quantity":  accepts(`[{"sku":"LAMP-1","quantity":-1}]`),
		"half a lamp":          accepts(`[{"sku":"LAMP-1","quantity":1.5}]`),
		"a text of a quantity": accepts(`[{"sku":"LAMP-1","quantity":"2"}]`),
		"a huge quantity":      accepts(`[{"sku":"LAMP-1","quantity":9223372036854775808}]`),
		"more than that":       accepts(`[{"sku":"LAMP-1","quantity":1e99}]`),
		"no SKU":               accepts(`[{"quantity":1}]`), "an empty SKU": accepts(`[{"sku":"","quantity":1}]`),
		"a SKU twice":            accepts(`[{"sku":"LAMP-1","quantity":1},{"sku":"LAMP-1","quantity":1}]`),
		"two quantities":         accepts(`[{"sku":"LAMP-1","quantity":1,"quantity":3}]`),
		"two cases of one":       accepts(`[{"sku":"LAMP-1","quantity":1,"Quantity":3}]`),
		"a list in another case": `{"status":"accepted","Lines":[{"sku":"LAMP-1","quantity":1}]}`,
		"two lists":              `{"status":"accepted","lines":[{"sku":"LAMP-1","quantity":1}],"lines":[{"sku":"BULB-1","quantity":1}]}`,
		"a name twice somewhere": `{"status":"accepted","Jenny Rosen":{"jenny":1,"jenny":2}}`,
	} {
		_, err := order.ParseDecision([]byte(body))
		require.True(t, fault.Is(err, fault.MerchantAnswerInvalid), "%s: %v", name, err)
		require.NotContains(t, strings.ToLower(err.Error()), "jenny")
		if value, err := jsonschema.UnmarshalJSON(strings.NewReader(body)); err == nil && !beyondSchema[name] {
			require.Error(t, answers.Validate(value), name)
		}
	}
}

// beyondSchema is what is wrong with an answer and a schema cannot say.
var beyondSchema = map[string]bool{
	"two statuses": true, "two cases of a status": true, "an escaped status": true, "a SKU twice": true,
	"two quantities":   true,
	"two cases of one": true, "a list in another case": true, "two lists": true, "a name twice somewhere": true,
	"a huge quantity": true, "more than that": true, "lines by another name": true, "lines by a third name": true,
	"yes, and no success": true, "yes, and not OK": true, "yes, and a failure": true, "yes, and not accepted": true,
	"yes, and declined": true,
	"no, and approved":  true, "no, and not rejected": true,
	"lines that are counted": true, "a no by its noun": true, "a list of what is taken": true, "an empty one": true,
	"a list of what is not": true, "an object of what is not": true, "a number of it": true, "a date of a no": true,
	"a part": true, "a part in a word": true, "another status that is no": true, "another one in capitals": true,
	"a result that is none": true, "a reason by another name": true, "a reason in words": true,
	"a reason for a name": true, "a no further down": true, "a no beside lines": true, "a line that is refused": true,
	"a line that is not accepted": true, "a line with another quantity": true, "a line that waits": true,
	"no, and another status is yes": true, "no, and not declined": true,
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	answers := schema(t, "order.schema.json#/$defs/answer")
	for body, want := range map[string]order.Decision{
		`{"status":"accepted","reference":"SO-1","lines":[{"sku":"LAMP-1","quantity":2}],"note":"x"}`: {
			Status: order.Accepted, Reference: "SO-1", Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}},
		},
		`{"status":"accepted","reason":"out_of_stock","lines":[{"sku":"LAMP-1","quantity":2}]}`: {
			Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}},
		},
		`{"status":"accepted","error":"","items":["LAMP-1",{"sku":"BULB-1"}],"order":{"items":[{"quantity":1}]}}`: {
			Status: order.Accepted,
		},
		`{"status":"accepted","reason":null,"reference":null,"error":null}`: {
			Status: order.Accepted,
		},
		`{"status":"accepted","error":[],"errors":{},"success":true,"accepted":true,"canceled":false}`: {
			Status: order.Accepted,
		},
		`{"status":"accepted","declined":null,"rejected_lines":[],"canceled_at":"","other":{"x":1},"note":"not before noon",` +
			`"confirmed":"2026-11-29","failed_tries":0,"payment":{"status":"pending","refused":"no"}}`: {
			Status: order.Accepted,
		},
		`{"status":"accepted","lines":[{"sku":"LAMP-1","quantity":1,"ordered_quantity":3,"rejected_quantity":2,` +
			`"accepted_quantity":1,"reason":"out_of_stock"}],"rejected":[{"sku":"BULB-1","status":"rejected"}],` +
			`"accepted":["LAMP-1"],"state":"partially_accepted"}`: {
			Status: order.Accepted, Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 1}},
			Refused: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}},
		},
		`{"status":"pending","state":"rejected"}`: {Status: order.Pending},
		`{"status":"rejected","success":true,"accepted":false,"declined":"true"}`: {Status: order.Rejected,
			Reason: order.OtherReason},
		`{"status":"pending","reason":"x","reference":"call Jenny"}`: {Status: order.Pending},
		`{"status":"rejected","reason":"out_of_stock","error":"sold_out"}`: {Status: order.Rejected,
			Reason: order.OutOfStock},
		`{"status":"rejected","reason":"Jenny is strange"}`: {Status: order.Rejected, Reason: order.OtherReason},
	} {
		got, err := order.ParseDecision([]byte(body))
		require.NoError(t, err, body)
		require.Equal(t, want, got)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, answers.Validate(value), body)
	}
}

// A refused request says that the merchant has the order, unless its body says something of a decision that cannot be
// used.
func TestBodiesThatDecide(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		"": false, " \r\n": false, "{}": false, `{"error":"duplicate"}`: false,
		`{"reason":"it is there","reference":"SO-1"}`: false,
		"conflict": true, "<html>": true, "[]": true, "null": true, `[{"status":"rejected"}]`: true, `"rejected"`: true,
		"\ufeff" + `{"status":"rejected"}`: true, "\ufeff{}": true, `{"reason":"out_of_stock"}`: true,
		`{"sta_tus":"rejected"}`: true,
		`{"error":"x"} {}`:       true, `{"status":null}`: true, `{"error":"out_of_stock"}`: true,
		`{"error":"other"}`:  true,
		`{"accepted":false}`: true, `{"Declined":true}`: true, `{"success":false}`: false,
		`{"status":"accepted"}`: true, `{"Status":"rejected"}`: true, `{"lines":[]}`: true, ` {"status":"rej`: true,
		`{"error":"x","error`: true, `{"state":"rejected"}`: true, `{"order":{"status":"canceled"}}`: true,
		`{"result":"failed","failed":true}`: false, `{"message":"out_of_stock"}`: true, `{"accepted":null}`: true,
	} {
		require.Equal(t, want, order.Decides([]byte(body)), body)
	}
}

func TestParcelsThatAreNone(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		`{"carrier":"UPS"}`:                                 "is not the id of a shipment",
		`{"id":"P-1","traking":"1Z"}`:                       "traking: the name is not known",
		`{"ID":"P-1"}`:                                      "the name is not known",
		`{"id":"P-1","id":"P-2"}`:                           "id: the name is there twice",
		`{"id":"P-1"}{"id":"P-2"}`:                          "not one whole JSON value",
		`{"id":"P-1","lines":[]}`:                           "lines: there are 0",
		`{"id":"P-1","lines":null}`:                         "lines: there are 0",
		`{"id":"P-1","lines":[{"sku":"A"}]}`:                "lines.0: expected a sku and a quantity",
		`{"id":"P-1","lines":[{"sku":"A","quantity":0}]}`:   "lines.0.quantity: expected at least 1",
		`{"id":"P-1","lines":[{"sku":"A","quantity":1.5}]}`: "lines.0.quantity: this number cannot be read",
		`{"id":"P-1","lines":[{"sku":"A","quantity":1},{"sku":"A","quantity":1}]}`: "lines.1.sku: " +
			"this SKU is there twice",
		`{"id":"P-1","shipped_at":"yesterday"}`:                                                  "shipped_at: this string cannot be read: expected a time",
		`{"id":"P-1","shipped_at":"2026-11-24T12:00:00Z","delivered_at":"2026-11-23T12:00:00Z"}`: "delivered_at is before shipped_at",
	} {
		_, err := order.ParseShipment([]byte(body))
		require.True(t, fault.Is(err, fault.InputInvalid), body)
		require.ErrorContains(t, err, says, body)
	}
	got, err := order.ParseShipment([]byte(`{"id":"P-1","carrier":"UPS","lines":[{"sku":"A","quantity":2}]}`))
	require.NoError(t, err)
	require.Equal(t, order.Shipment{ID: "P-1", Carrier: "UPS", Lines: []order.AcceptedLine{{SKU: "A", Quantity: 2}}},
		got)
}

func FuzzParseDecision(f *testing.F) {
	f.Add([]byte(`{"status":"accepted","lines":[{"sku":"LAMP-1","quantity":2}]}`))
	f.Add([]byte(`{"status":"rejected","reason":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := summary()
		d, err := order.ParseDecision(body)
		if err != nil || d.Check(s) != nil {
			return
		}
		amount := s.AcceptedAmount(d)
		require.True(t, amount >= 0 && amount <= s.Amounts.Total)
	})
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount         int64
		currency, want string
	}{
		{2660, "usd", "26.60 USD"}, {2660, "USD", "26.60 USD"}, {0, "eur", "0.00 EUR"}, {5, "eur", "0.05 EUR"},
		{-5, "eur", "-0.05 EUR"},
		{123456789, "usd", "1,234,567.89 USD"}, {-123456, "usd", "-1,234.56 USD"}, {100000, "usd", "1,000.00 USD"},
		{99999, "usd", "999.99 USD"},
		{2660, "jpy", "2,660 JPY"}, {0, "jpy", "0 JPY"}, {2660, "kwd", "2.660 KWD"}, {5, "kwd", "0.005 KWD"},
		{500, "isk", "5.00 ISK"}, {500, "ugx", "5.00 UGX"},
		{math.MinInt64, "jpy", "-9,223,372,036,854,775,808 JPY"},
		{math.MaxInt64, "usd", "92,233,720,368,547,758.07 USD"},
		{2660, "", "2660 (smallest units of a currency that is not known)"},
		{2660, "\x1b[31", "2660 (smallest units of a currency that is not known)"},
	} {
		require.Equal(t, c.want, order.Money(c.amount, c.currency))
	}
}
