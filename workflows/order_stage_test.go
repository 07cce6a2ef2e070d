package workflows_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	accounts "vitrine/internal/account"

	"vitrine/activities"
	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

const day = 24 * time.Hour

var (
	bought  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	theSale = order.ID{Account: account, Session: "cs_test_1"}
	// personal is what must be nowhere but at Stripe, at the merchant, in the mail and in the evidence.
	personal = []string{"Jenny", "Rosen", "jenny@", "Main St", "Springfield", "5550100", "4242"}
)

// sale is an agent's order of three lamps and a bulb.
func sale(state order.PaymentState) order.Session {
	payment := order.Payment{State: state, Amount: 3700}
	switch state {
	case order.Paid:
		payment.Captured = 3700
	case order.RequiresCapture:
		payment.Capturable, payment.AuthorizationExpires = 3700, bought.Add(7*day)
	}
	return order.Session{
		Summary: order.Summary{
			ID: theSale, PaymentIntent: "pi_1", Charge: "ch_1", Created: bought, Currency: "usd",
			Amounts: order.Amounts{Subtotal: 3500, Discount: 500, Shipping: 400, Tax: 300, Total: 3700},
			Lines: []order.Line{
				{ID: "li_1", SKU: "LAMP-1", Quantity: 3, UnitAmount: 1000, Subtotal: 3000, Discount: 500, Tax: 250,
					Total: 2750},
				{ID: "li_2", SKU: "BULB-1", Quantity: 1, UnitAmount: 500, Subtotal: 500, Tax: 50, Total: 550},
			},
			Agent: order.Agent{Name: "Shopping Agent", Profile: "profile_1"}, Payment: payment,
		},
		Texts: []order.LineText{{Name: "Lamp"}, {Name: "Bulb"}},
		Buyer: order.Buyer{Name: "Jenny Rosen", Email: "jenny@example.com", Phone: "+15550100",
			Address: &order.Address{Line1: "1 Main St"}},
		ShipTo: &order.Recipient{Name: "Jenny Rosen",
			Address: order.Address{Line1: "1 Main St", City: "Springfield", Country: "US"}},
		Card: &order.Card{Brand: "visa", Last4: "4242"},
	}
}

// recorder notes everything that becomes part of a history.
type recorder struct {
	converter.DataConverter
	mu       sync.Mutex
	payloads []string
}

func (r *recorder) ToPayload(value any) (*commonpb.Payload, error) {
	p, err := r.DataConverter.ToPayload(value)
	r.note(string(p.GetData()))
	return p, err
}

func (r *recorder) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	p, err := r.DataConverter.ToPayloads(values...)
	for _, each := range p.GetPayloads() {
		r.note(string(each.GetData()))
	}
	return p, err
}

func (r *recorder) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.payloads = append(r.payloads, text)
}

// orderStage is everything that an order touches.
type orderStage struct {
	t      *testing.T
	store  *objectstoretest.Memory
	stripe *till
	shop   *shop
	steps  *activities.OrderFulfillment
	news   *platform
	past   *recorder
	states []string // as search attributes, in order
	env    *testsuite.TestWorkflowEnvironment

	metrics client.MetricsHandler // nil: nobody counts
}

// newOrderStage has an account that wants agents' orders, and a catalog with both products.
func newOrderStage(t *testing.T, state order.PaymentState) *orderStage {
	t.Helper()
	s := &orderStage{
		t: t, store: objectstoretest.NewMemory("catalogs"),
		stripe: &till{session: sale(state), disputes: map[string]order.Dispute{}, errors: map[string][]error{}},
		shop: &shop{answers: []order.Decision{{Status: order.Accepted, Reference: "SO-1"}},
			errors: map[string][]error{}},
		past: &recorder{DataConverter: converter.GetDefaultDataConverter()}, news: &platform{},
	}
	layout := statestore.Layout{SourceBucket: "catalogs", SourceKey: "{account}/{feed}.csv", StateBucket: "catalogs",
		StatePrefix: "state/"}
	s.steps = &activities.OrderFulfillment{
		Stripe: s.stripe, Merchant: s.shop, Mailer: s.shop,
		Documents: order.Documents{Store: statestore.Store{Objects: s.store, Layout: layout}},
		Catalog:   catalog.Documents{Store: statestore.Store{Objects: s.store, Layout: layout}},
		Assortments: assortment.NewStore(
			assortment.Documents{Store: statestore.Store{Objects: s.store, Layout: layout}}.Assortments(1<<20), 1<<20,
			time.Now, nil),
	}
	s.settings(func(*order.Settings) {})
	manifest := feed.NewManifest(feed.Product)
	for _, sku := range []string{"LAMP-1", "BULB-1"} {
		require.NoError(t, manifest.Rows.Add(feed.Entry{ID: []byte(sku)}))
	}
	require.NoError(t, s.steps.Catalog.SaveManifest(t.Context(), account, manifest, ""))
	return s
}

func (s *orderStage) settings(change func(*order.Settings)) {
	s.t.Helper()
	settings := order.Settings{
		Account: account, Enabled: true, Mail: order.Mail{From: "shop@example.com"},
		Fulfillment: order.Fulfillment{Kind: order.HTTPS, URL: "https://shop.example/orders",
			SecretEnv: "MERCHANT_SECRET_SHOP"},
	}
	change(&settings)
	require.NoError(s.t, s.steps.Documents.SaveSettings(s.t.Context(), settings))
}

// at does something a while after the purchase.
func (s *orderStage) at(
	after time.Duration, do func(env *testsuite.TestWorkflowEnvironment),
) func(*testsuite.TestWorkflowEnvironment) {
	return func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { do(env) }, after)
	}
}

// hears brings an event of Stripe's.
func (s *orderStage) hears(after time.Duration, id, kind, object string) func(*testsuite.TestWorkflowEnvironment) {
	return s.at(after, func(env *testsuite.TestWorkflowEnvironment) {
		env.SignalWorkflow(workflows.SignalEvent,
			order.Event{ID: id, Type: kind, Account: account, Created: bought, Object: object})
	})
}

// reply is what an update of an order brought.
type reply struct {
	refused, failed error
	view            workflows.OrderView
}

func (a *reply) Accept()          {}
func (a *reply) Reject(err error) { a.refused = err }
func (a *reply) Complete(result any, err error) {
	a.failed = err
	if view, ok := result.(workflows.OrderView); ok {
		a.view = view
	}
}

var ada = workflows.OrderCommand{By: "ada", Why: "the warehouse burnt down"}

func (s *orderStage) asks(
	after time.Duration, update string, in any, into *reply,
) func(*testsuite.TestWorkflowEnvironment) {
	return s.at(after, func(env *testsuite.TestWorkflowEnvironment) {
		env.UpdateWorkflow(update, update+"-"+after.String(), into, in)
	})
}

// expects looks at the order in the middle of its life.
func (s *orderStage) expects(
	after time.Duration, want order.State, check ...func(),
) func(*testsuite.TestWorkflowEnvironment) {
	return s.at(after, func(env *testsuite.TestWorkflowEnvironment) {
		require.Equal(s.t, want, s.look(env).State, "%+v", s.look(env))
		for _, c := range check {
			c()
		}
	})
}

func (s *orderStage) look(env *testsuite.TestWorkflowEnvironment) (view workflows.OrderView) {
	s.t.Helper()
	value, err := env.QueryWorkflow(workflows.QueryOrder)
	require.NoError(s.t, err)
	require.NoError(s.t, value.Get(&view))
	return view
}

func (s *orderStage) run(prepare ...func(*testsuite.TestWorkflowEnvironment)) (workflows.OrderView, error) {
	s.t.Helper()
	return s.runFrom(workflows.OrderInput{Account: account, Session: theSale.Session}, prepare...)
}

func (s *orderStage) runFrom(
	in workflows.OrderInput, prepare ...func(*testsuite.TestWorkflowEnvironment),
) (workflows.OrderView, error) {
	s.t.Helper()
	env := newEnvironment(s.metrics)
	s.env = env
	env.SetStartTime(bought)
	env.SetDataConverter(s.past)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: in.ID().String(), TaskQueue: workflows.TaskQueue})
	env.RegisterActivity(s.steps)
	env.RegisterActivity(&activities.AccountNews{
		Accounts: accounts.Documents{Store: s.steps.Documents.Store}, Queue: s.news, Mail: s.news,
		Endpoint: accounts.Endpoint{URL: "https://platform.example"},
	})
	env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(called mock.Arguments) {
		if state, ok := called.Get(0).(temporal.SearchAttributes).GetKeyword(workflows.SearchOrderState); ok {
			s.states = append(s.states, state)
		}
	}).Return(nil).Maybe()
	env.SetOnActivityCompletedListener(func(_ *activity.Info, _ converter.EncodedValue, err error) {
		if err != nil {
			s.past.note(err.Error())
		}
	})
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(workflows.OrderFulfillmentType, in)
	require.True(s.t, env.IsWorkflowCompleted())
	s.requireNothingPersonal()
	var view workflows.OrderView
	err := env.GetWorkflowError()
	if err == nil {
		require.NoError(s.t, env.GetWorkflowResult(&view))
	}
	return view, err
}

// ends runs the order from its session's completion to its end.
func (s *orderStage) ends(want order.State, prepare ...func(*testsuite.TestWorkflowEnvironment)) workflows.OrderView {
	s.t.Helper()
	prepare = append([]func(*testsuite.TestWorkflowEnvironment){s.hears(0, "evt_1", "checkout.session.completed",
		theSale.Session)}, prepare...)
	view, err := s.run(prepare...)
	require.NoError(s.t, err)
	require.Equal(s.t, want, view.State, "%+v", view)
	return view
}

func (s *orderStage) requireNothingPersonal() {
	s.t.Helper()
	s.past.mu.Lock()
	defer s.past.mu.Unlock()
	for _, payload := range s.past.payloads {
		for _, word := range personal {
			require.NotContains(s.t, payload, word)
		}
	}
}

// requireMoney is how the books stand in the end.
func (s *orderStage) requireMoney(captured, refunded int64) {
	s.t.Helper()
	p := s.stripe.session.Summary.Payment
	require.Equal(s.t, [2]int64{captured, refunded}, [2]int64{p.Captured, p.Refunded}, "%v", s.stripe.calls)
	require.NotEqual(s.t, order.RequiresCapture, p.State, "nothing stays reserved")
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}
