package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/checkout"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// hookServer is where a merchant answers questions about checkouts.
type hookServer struct {
	url    string
	closed chan struct{}

	mu       sync.Mutex
	asked    []checkout.Question
	answers  map[string]string // by the question's type; %s is the id of the first line
	late     bool
	problems []string
}

const (
	questionApproval      = "checkout_approval"
	questionCustomization = "checkout_customization"
)

func openHookServer(t *testing.T) *hookServer {
	t.Helper()
	d := &hookServer{closed: make(chan struct{}),
		answers: map[string]string{questionApproval: `{"status":"approved"}`, questionCustomization: `{}`}}
	served := httptest.NewServer(d)
	t.Cleanup(func() {
		close(d.closed)
		served.CloseClientConnections()
		served.Close()
		require.Empty(t, d.problems, "the merchant got something else than questions")
	})
	d.url = served.URL + "/checkout"
	return d
}

func (d *hookServer) says(question, answer string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[question] = answer
}

func (d *hookServer) isLate(late bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.late = late
}

func (d *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	answer, late := d.take(r.Header, body, err)
	if late {
		select {
		case <-r.Context().Done():
		case <-d.closed:
		}
		return
	}
	_, _ = io.WriteString(w, answer)
}

func (d *hookServer) take(h http.Header, body []byte, err error) (answer string, late bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	problem := verify(h, body)
	var q checkout.Question
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	switch {
	case problem != "":
	case err != nil || q.ID != h.Get("Webhook-Id"):
		problem = fmt.Sprintf("what is no question: %v", err)
	case strings.Contains(string(body), buyer.Name) || strings.Contains(string(body), buyer.Address.Line1):
		problem = "who buys, and where they live"
	}
	if problem != "" {
		d.problems = append(d.problems, problem)
	}
	d.asked = append(d.asked, q)
	answer = d.answers[q.Type]
	if len(q.Lines) > 0 {
		answer = strings.ReplaceAll(answer, "%s", q.Lines[0].ID)
	}
	return answer, d.late
}

func (d *hookServer) questions() []checkout.Question {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asked)
}

// shipped are products that are counted and shipped to Germany in two ways; the dearer one comes first, which tells the
// answer of a hook from Stripe's own reading of the feed.
func shipped(stock int, ids ...string) string {
	rows := []string{strings.TrimSuffix(header, "\n") + ",inventory_quantity,shipping"}
	for _, id := range ids {
		price := "9.99 USD"
		if strings.HasPrefix(id, "bad") {
			price = "cheap"
		}
		rows = append(rows, fmt.Sprintf(`%s,%d,"DE:ALL:Express:1-2:9.90 USD,DE:ALL:Paket:2-4:4.90 USD"`,
			strings.TrimSuffix(product(id, price), "\n"), stock))
	}
	return strings.Join(rows, "\n") + "\n"
}

// asks has Stripe ask the webhook server about all checkouts.
func (s *shop) asks() {
	s.t.Helper()
	require.NoError(s.t, s.emulator.SetHook(s.t.Context(), simcontrol.Hook{URL: s.hooks(), Secret: hookSecret}))
}

func (s *shop) hooks() string { return "http://" + s.address + "/hooks/stripe" }

// declined fails unless a purchase is refused by a hook, for a reason that says so.
func (s *shop) declined(p simcontrol.Purchase, says string) {
	s.t.Helper()
	p.Account, p.Buyer, p.Hooks = s.account, buyer, true
	_, err := s.emulator.Purchase(within(s.t), p)
	var refused *simcontrol.Error
	require.ErrorAs(s.t, err, &refused)
	require.Equal(s.t, "declined", refused.Code, err)
	require.Contains(s.t, refused.Message, says)
}

func wanted(sku string, quantity int64) simcontrol.Purchase {
	return simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: sku, Quantity: quantity}}, Hooks: true}
}

// unlisted is a product at a price that the agent remembers.
func unlisted(sku string) simcontrol.Purchase {
	return simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: sku, Quantity: 1, Price: "9.99 USD"}}, Hooks: true}
}

func TestHooksAnswerFromWhatStripeAccepted(t *testing.T) {
	s := open(t, shipped(3, "sku1", "bad1"), nil)
	s.startWorker()
	s.subscribe()
	s.syncs(catalog.SucceededWithErrors)
	s.startServe(false)
	s.asks()

	b := s.buys(wanted("sku1", 2))
	require.EqualValues(t, 2*999+990, b.Total, "shipping is the feed's, by the hook")
	b.becomes(order.StateAccepted)
	require.Equal(t, "Express", s.merchant.has(b.id()).document.Shipping.Name)
	told, err := s.emulator.AskAvailability(t.Context(), s.account, "sku1")
	require.NoError(t, err)
	require.EqualValues(t, 1, *told.Availability.Quantity, "the other two are held")
	s.declined(wanted("sku1", 2), "only 1 of sku1")
	s.buys(wanted("sku1", 1))
	told, err = s.emulator.AskAvailability(t.Context(), s.account, "sku1")
	require.NoError(t, err)
	require.Equal(t, "out_of_stock", told.Availability.Status)

	// Nothing is refused by what may be old, so the sync's news count as soon as somebody is about to be refused.
	s.exportText(shipped(9, "sku1", "bad1"))
	s.syncs(catalog.SucceededWithErrors)
	s.await("the new stock being sold", func() bool {
		again := wanted("sku1", 6)
		again.Account, again.Buyer = s.account, buyer
		_, err := s.emulator.Purchase(within(t), again)
		return err == nil
	})

	s.declined(unlisted("ghost"), "ghost is not sold here")
	held := s.buys(unlisted("bad1"))
	require.EqualValues(t, 999, held.Items[0].UnitAmount, "it was kept back: Stripe may have an older row of it")
	_, err = s.emulator.AskAvailability(t.Context(), s.account, "bad1")
	require.Error(t, err, "nobody guesses")
	require.Equal(t, 1, s.counts("vitrine_hooks_total", `hook="finalize"`, `outcome="approved_undecided"`))
}

// What is sold stays sold, also for a server that knows of no reservation, until the merchant's own export tells.
func TestWhatIsSoldIsNotSoldAgain(t *testing.T) {
	s := open(t, shipped(3, "sku1", "sku2"), nil)
	s.races()
	s.startWorker()
	s.subscribe()
	s.stocked()
	s.startServe(false)
	s.asks()
	left := func() int64 {
		told, err := s.emulator.AskAvailability(within(t), s.account, "sku1")
		require.NoError(t, err)
		return *told.Availability.Quantity
	}
	s.buys(wanted("sku1", 2)).becomes(order.StateAccepted)
	s.await("the sale being noted", func() bool {
		sold, _, err := assortment.Documents{Store: s.documents.Store}.Sold(t.Context(), s.account)
		return err == nil && len(sold.Sales) == 1
	})
	s.serve.Kill()
	s.startServe(false) // and with it every reservation
	require.EqualValues(t, 1, left())
	s.declined(wanted("sku1", 2), "only 1 of sku1")
	s.buys(wanted("sku2", 3))

	s.exportText(shipped(1, "sku1", "sku2")) // the merchant's export knows of the two
	s.stocked()
	s.await("the export being known", func() bool {
		// Whoever would be refused gets the news: one is left, and not one less two.
		again := wanted("sku1", 1)
		again.Account, again.Buyer = s.account, buyer
		_, err := s.emulator.Purchase(within(t), again)
		return err == nil
	})
	s.declined(wanted("sku1", 1), "out of stock")
}

// What is left of what was sold, agents see at Stripe before the merchant exports anything. Their export has the last
// word, even if it says what it said before.
func TestStripeIsToldHowMuchIsLeft(t *testing.T) {
	s := open(t, shipped(3, "sku1", "sku2"), func(o *order.Settings) { o.InventoryAfterOrder = true })
	s.startWorker()
	s.subscribe()
	s.stocked()
	s.startServe(false)
	s.asks()
	shows := func(sku, availability, quantity string) {
		t.Helper()
		s.await("Stripe showing what is left", func() bool {
			p := s.product(sku)
			return p.Availability == availability && p.InventoryQuantity == quantity
		})
	}
	s.buys(wanted("sku1", 2)).becomes(order.StateAccepted)
	shows("sku1", "in_stock", "1")
	s.buys(wanted("sku1", 1)).becomes(order.StateAccepted)
	shows("sku1", "out_of_stock", "0")
	require.Equal(t, "3", s.product("sku2").InventoryQuantity)

	s.exportText(shipped(3, "sku1", "sku2", "sku3"))
	s.stocked()
	shows("sku1", "in_stock", "3")
}

func TestHooksOfAnAccountThatNobodyKnowsFallBack(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.startServe(false)
	s.asks()
	purchase := unlisted("sku1")
	purchase.Account, purchase.Buyer = "acct_nobodyKnowsThis", buyer
	bought, err := s.emulator.Purchase(within(t), purchase)
	require.NoError(t, err)
	require.Zero(t, bought.ApplicationFee)
	_, err = s.emulator.AskAvailability(t.Context(), "acct_nobodyKnowsThis", "sku1")
	require.Error(t, err)
	calls, err := s.emulator.HookCalls(t.Context(), "acct_nobodyKnowsThis")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, calls[len(calls)-1].Status)
}

func TestTheMerchantIsAskedInACheckout(t *testing.T) {
	d := openHookServer(t)
	s := open(t, shipped(3, "sku1", "sku2"), func(o *order.Settings) {
		o.Checkout = order.Checkout{
			Fee: order.Fee{Percent: 10},
			Merchant: order.CheckoutMerchant{Endpoint: order.Endpoint{URL: d.url, SecretEnv: "MERCHANT_SECRET_E2E"},
				Within: account.Interval(500 * time.Millisecond)},
		}
	})
	s.startWorker()
	s.subscribe()
	s.stocked()
	s.startServe(false)
	s.asks()

	// They offer a bike, and the feed's parcel beside it. The buyer takes what is offered first.
	d.says(questionCustomization, `{"shipping_options":[
		{"shipping_rate_data":{"display_name":"Bike","fixed_amount":{"amount":700,"currency":"usd"}}},
		{"shipping_rate_data":{"display_name":"Paket","fixed_amount":{"amount":490,"currency":"usd"}}}]}`)
	b := s.buys(wanted("sku1", 1))
	require.EqualValues(t, 999+700, b.Total)
	require.EqualValues(t, 170, b.ApplicationFee)
	asked := d.questions()
	require.Len(t, asked, 2)
	require.NotEmpty(t, asked[0].ShippingOptions)
	require.Equal(t, []string{questionCustomization, questionApproval}, []string{asked[0].Type, asked[1].Type})
	require.Equal(t, &checkout.Address{Country: "DE", PostalCode: "10999"}, asked[0].ShipTo)
	require.Equal(t, "Express", asked[0].ShippingOptions[0].Rate.DisplayName, "they know what the feed offers")
	require.Equal(t, b.Session, asked[1].Session)
	require.EqualValues(t, b.Total, asked[1].Amounts.Total)

	// They decline what the assortment would sell; the piece is free again.
	d.says(questionApproval, `{"status":"declined","reason":"cannot_ship"}`)
	s.declined(wanted("sku1", 2), "cannot ship this to the address")
	d.says(questionApproval, `{"status":"approved"}`)
	s.buys(wanted("sku1", 2))
	before := len(d.questions())
	s.declined(wanted("sku1", 1), "out of stock")
	require.Len(t, d.questions(), before+1, "they are not asked to approve what cannot be sold")

	// They say nothing that can be understood, and then nothing at all: the feed and the stock count.
	d.says(questionCustomization, `{"shipping_options":[{"shipping_rate":"shr_1"}]}`)
	d.says(questionApproval, `It works!`)
	require.EqualValues(t, 999+990, s.buys(wanted("sku2", 1)).Total)
	d.isLate(true)
	began := time.Now()
	require.EqualValues(t, 999+990, s.buys(wanted("sku2", 1)).Total)
	require.GreaterOrEqual(t, time.Since(began), time.Second,
		"they were waited for, for their share of the time, twice")
	for _, question := range []string{"approval", "customization"} {
		for outcome, times := range map[string]int{"unusable": 1, "late": 1} {
			require.Equal(t, times,
				s.counts("vitrine_hook_merchant_duration_seconds_count", `question="`+question+`"`,
					`outcome="`+outcome+`"`), "%s %s", question, outcome)
		}
	}
	require.NotContains(t, s.serve.output.String(), d.url, "it may carry a token")
	s.requireNobody()
}

// Taxes by the merchant are what the buyer pays.
func TestTheMerchantTaxesACheckout(t *testing.T) {
	d := openHookServer(t)
	s := open(t, shipped(3, "sku1"), func(o *order.Settings) {
		o.Checkout.Merchant = order.CheckoutMerchant{
			Endpoint: order.Endpoint{URL: d.url, SecretEnv: "MERCHANT_SECRET_E2E"},
			Asked:    []order.CheckoutQuestion{order.AskCustomization},
		}
	})
	s.startServe(false)
	s.asks()
	// Nothing was synced: the merchant alone knows. The id of the line is Stripe's, so they have to have been asked.
	d.says(questionCustomization,
		`{"line_items":[{"id":"li_unknown","tax_rates":[{"rate_data":{"display_name":"MwSt","percentage":19}}]}]}`)
	require.EqualValues(t, 999, s.buys(unlisted("sku1")).Total, "taxes of no line are none")
	d.says(questionCustomization,
		`{"line_items":[{"id":"%s","tax_rates":[{"rate_data":{"display_name":"MwSt","inclusive":false,"percentage":19}}]}]}`)
	require.EqualValues(t, 999+190, s.buys(unlisted("sku1")).Total)
	for _, q := range d.questions() {
		require.Equal(t, questionCustomization, q.Type, "they want to be asked nothing else")
	}
}

// hook is a question as Stripe sends it, signed so long ago.
func hook(body, secret string, ago time.Duration) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Stripe-Signature", signed(body, secret, ago))
	return request
}

// sends delivers a hook and returns the answer.
func (s *shop) sends(given *http.Request) (status int, answer string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(within(s.t), http.MethodPost, s.hooks(), given.Body)
	require.NoError(s.t, err)
	request.Header = given.Header
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	return response.StatusCode, string(body)
}

func TestHooksOfStrangersAreRefused(t *testing.T) {
	s := open(t, shipped(1, "sku1"), nil)
	s.startWorker()
	s.stocked()
	s.startServe(false)
	asked := func(event, session string) string {
		return fmt.Sprintf(`{"id":%q,"type":"v1.delegated_checkout.finalize_checkout","livemode":false,"context":%q,`+
			`"data":{"checkout_session":%q,"currency":"usd","amount_total":999,"line_items_details":[{"id":"sku1","unit_amount":999,"quantity":1}]}}`, event, s.account, session)
	}
	body := asked("evt_1", "cs_test_1")
	for name, c := range map[string]struct {
		request *http.Request
		status  int
	}{
		"forged":    {hook(body, "whsec_ofSomebodyElse123", 0), http.StatusBadRequest},
		"expired":   {hook(body, hookSecret, 6*time.Minute), http.StatusBadRequest},
		"oversized": {hook(body+strings.Repeat(" ", 256<<10), hookSecret, 0), http.StatusRequestEntityTooLarge},
		"no JSON":   {hook("<xml/>", hookSecret, 0), http.StatusBadRequest},
	} {
		status, answer := s.sends(c.request)
		require.Equal(t, c.status, status, name)
		require.Empty(t, answer, "whoever forges is told nothing")
	}

	// What was overheard and is sent again within the signature's five minutes is answered as before, and takes
	// nothing.
	const approved = `{"manual_approval_details":{"type":"approved"}}`
	replayed := hook(body, hookSecret, 0)
	for range 3 {
		again := hook(body, hookSecret, 0)
		again.Header = replayed.Header
		status, answer := s.sends(again)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, approved, answer)
	}
	_, answer := s.sends(hook(asked("evt_2", "cs_test_2"), hookSecret, 0))
	require.Contains(t, answer, "out of stock", "the only piece is held for the other cart")
	_, answer = s.sends(hook(asked("evt_3", "cs_test_1"), hookSecret, 0))
	require.JSONEq(t, approved, answer, "it is that cart's")
	require.Equal(t, 2, s.counts("vitrine_hooks_total", `outcome="again"`))
	require.Equal(t, 1, s.counts("vitrine_hooks_total", `outcome="signature_mismatch"`))
}
