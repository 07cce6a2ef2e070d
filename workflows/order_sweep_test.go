package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"vitrine/activities"
	"vitrine/internal/fault"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// log is Stripe's list of events, and the orders that get them.
type log struct {
	mu     sync.Mutex
	events map[string][]order.Event // by account, the oldest first
	pages  int                      // events on one
	errors map[string][]error       // by step
	got    []string                 // ids, as orders got them
	since  []time.Time
	orders map[string]bool // ids of events that orders had; the same again changes nothing
}

func (l *log) fail(step string) error {
	if scripted := l.errors[step]; len(scripted) > 0 {
		l.errors[step] = scripted[1:]
		return scripted[0]
	}
	return nil
}

func (l *log) Events(
	_ context.Context, account string, since time.Time, types []string, after string,
) (order.EventsPage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fail("events " + account); err != nil {
		return order.EventsPage{}, err
	}
	if !slices.Contains(types, "charge.dispute.created") {
		return order.EventsPage{}, errors.New("of which types?")
	}
	l.since = append(l.since, since)
	var page order.EventsPage
	reached := after == ""
	for _, event := range slices.Backward(l.events[account]) {
		if reached && !event.Created.Before(since) {
			if len(page.Events) == l.pages {
				page.Next = page.Events[l.pages-1].ID
				break
			}
			page.Events = append(page.Events, event)
		}
		reached = reached || event.ID == after
	}
	return page, nil
}

func (l *log) Deliver(_ context.Context, e order.Event) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fail("deliver " + e.ID); err != nil {
		return false, err
	}
	l.got = append(l.got, e.ID)
	l.orders[e.ID] = true
	return e.Session != "", nil
}

type sweepStage struct {
	t     *testing.T
	log   *log
	steps *activities.OrderSweep
}

func newSweepStage(t *testing.T, accounts ...string) *sweepStage {
	t.Helper()
	s := &sweepStage{t: t,
		log: &log{events: map[string][]order.Event{}, pages: 3, errors: map[string][]error{},
			orders: map[string]bool{}}}
	layout := statestore.Layout{StateBucket: "state", StatePrefix: "state/"}
	s.steps = &activities.OrderSweep{
		Stripe: s.log, Intake: s.log,
		Documents: order.Documents{
			Store: statestore.Store{Objects: objectstoretest.NewMemory("state"), Layout: layout},
		},
	}
	for _, account := range accounts {
		s.settings(account, true)
	}
	return s
}

func (s *sweepStage) settings(account string, enabled bool) {
	s.t.Helper()
	require.NoError(s.t, s.steps.Documents.SaveSettings(s.t.Context(), order.Settings{
		Account: account, Enabled: enabled, Fulfillment: order.Fulfillment{Kind: order.S3},
	}))
}

func (s *sweepStage) happens(account string, ago time.Duration, ids ...string) {
	for _, id := range ids {
		s.log.events[account] = append(s.log.events[account],
			order.Event{ID: id, Account: account, Created: time.Now().Add(-ago), Session: "cs_1"})
	}
}

// swept is how far the account was swept, for the test to move.
func (s *sweepStage) swept(account string, ago time.Duration) {
	s.t.Helper()
	_, err := s.steps.Documents.SaveCursor(s.t.Context(), account, order.Cursor{Until: time.Now().Add(-ago)}, "")
	require.NoError(s.t, err)
}

func (s *sweepStage) sweep(in workflows.OrderSweepInput) (result workflows.OrderSweepResult, err error) {
	s.t.Helper()
	env := newEnvironment(nil)
	env.RegisterActivity(s.steps)
	env.ExecuteWorkflow(workflows.OrderSweepType, in)
	require.True(s.t, env.IsWorkflowCompleted())
	if err = env.GetWorkflowError(); err == nil {
		require.NoError(s.t, env.GetWorkflowResult(&result))
	}
	return result, err
}

// sweepAll sweeps batch by batch to the end.
func (s *sweepStage) sweepAll(in workflows.OrderSweepInput) (result workflows.OrderSweepResult, runs int) {
	s.t.Helper()
	for runs = 1; ; runs++ {
		result, err := s.sweep(in)
		var next *workflow.ContinueAsNewError
		if !errors.As(err, &next) {
			require.NoError(s.t, err)
			return result, runs
		}
		in = workflows.OrderSweepInput{}
		require.NoError(s.t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	}
}

func TestTheSweepDeliversWhatWebhooksMissed(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, "acct_1", "acct_2", "acct_3")
	s.settings("acct_3", false)
	s.happens("acct_1", 50*time.Hour, "evt_0")
	s.happens("acct_1", 30*time.Minute, "evt_1", "evt_2", "evt_3", "evt_4", "evt_5", "evt_6", "evt_7")
	result, err := s.sweep(workflows.OrderSweepInput{})
	require.NoError(t, err)
	require.Equal(t, workflows.OrderSweepResult{Accounts: 3, Events: 7, Delivered: 7}, result)
	require.Equal(t, []string{"evt_1", "evt_2", "evt_3", "evt_4", "evt_5", "evt_6", "evt_7"}, s.log.got,
		"the oldest first; nothing of before")

	s.log.got = nil
	s.happens("acct_1", 5*time.Minute, "evt_9") // Stripe listed it late
	for range 2 {
		_, err = s.sweep(workflows.OrderSweepInput{})
		require.NoError(t, err)
		require.Equal(t, []string{"evt_9"}, s.log.got, "the overlap has it, and it is delivered once")
	}
}

func TestOrdersOfAnAccountThatWasSwitchedOffAreSwept(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, "acct_1")
	s.settings("acct_1", false)
	s.happens("acct_1", 30*time.Minute, "evt_1")
	result, err := s.sweep(workflows.OrderSweepInput{Accounts: []string{"acct_1", "acct_without"}})
	require.NoError(t, err)
	require.Equal(t, workflows.OrderSweepResult{Accounts: 2, Events: 1, Delivered: 1}, result,
		"an order under way needs its news")
}

func TestAnEventThatCannotBeDeliveredKeepsNoOtherBack(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, "acct_1")
	s.swept("acct_1", time.Hour)
	s.happens("acct_1", 30*time.Minute, "evt_bad")
	s.happens("acct_1", 20*time.Minute, "evt_good")
	bad := fault.NewPermanent(fault.StripeRejected, errors.New("no such payment_intent"))
	s.log.errors["deliver evt_bad"] = []error{bad, bad}
	for range 2 {
		_, err := s.sweep(workflows.OrderSweepInput{})
		require.ErrorContains(t, err, "1 account failed")
	}
	require.Equal(t, []string{"evt_good"}, s.log.got, "once")
	_, err := s.sweep(workflows.OrderSweepInput{})
	require.NoError(t, err)
	require.Equal(t, []string{"evt_good", "evt_bad"}, s.log.got, "the cursor stayed before it")
}

func TestASweepThatIsInterruptedReadsAgain(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, "acct_1", "acct_2")
	for _, account := range []string{"acct_1", "acct_2"} {
		s.swept(account, 3*time.Hour)
	}
	s.happens("acct_1", 2*time.Hour, "evt_1", "evt_2", "evt_3")
	s.happens("acct_2", 2*time.Hour, "evt_4")
	s.log.errors["deliver evt_2"] = permanently(fault.StripeForbidden)
	_, err := s.sweep(workflows.OrderSweepInput{})
	require.ErrorContains(t, err, "1 account failed, the first is acct_1")
	require.True(t, s.log.orders["evt_4"], "one account keeps no other from its events")

	_, err = s.sweep(workflows.OrderSweepInput{})
	require.NoError(t, err)
	for _, id := range []string{"evt_1", "evt_2", "evt_3"} {
		require.True(t, s.log.orders[id], id)
	}
}

func TestTheSweepWaitsForStripe(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, "acct_1")
	s.swept("acct_1", time.Hour)
	s.happens("acct_1", 30*time.Minute, "evt_1")
	s.log.errors["events acct_1"] = []error{fault.NewThrottled(fault.StripeThrottled, time.Minute,
		errors.New("slow down"))}
	s.log.errors["deliver evt_1"] = []error{fault.NewPlain(fault.StripeUnavailable, errors.New("bad gateway"))}
	result, err := s.sweep(workflows.OrderSweepInput{Accounts: []string{"acct_1"}})
	require.NoError(t, err)
	require.Equal(t, 1, result.Delivered)
}

// Of thousands of calls some always fail: if each failure began the sweep anew, it would never end.
func TestACallThatFailsDoesNotBeginTheSweepAnew(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, "acct_1")
	s.swept("acct_1", time.Hour)
	var ids []string
	for i := range 8 {
		ids = append(ids, fmt.Sprintf("evt_%d", i))
		s.log.errors["deliver "+ids[i]] = []error{fault.NewPlain(fault.StripeUnavailable, errors.New("bad gateway"))}
	}
	s.happens("acct_1", 30*time.Minute, ids...)
	result, err := s.sweep(workflows.OrderSweepInput{Accounts: []string{"acct_1"}})
	require.NoError(t, err)
	require.Equal(t, len(ids), result.Delivered)
	require.Equal(t, ids, s.log.got, "each is delivered once")
}

func TestASweepThatComesTooLateSaysSo(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, "acct_1")
	s.swept("acct_1", 40*24*time.Hour)
	result, err := s.sweep(workflows.OrderSweepInput{})
	require.NoError(t, err)
	require.Equal(t, 1, result.Gaps)
	require.WithinDuration(t, time.Now().Add(-30*24*time.Hour), s.log.since[0], time.Minute)
	require.Contains(t, result.String(), "look at their payments by hand")
}

// manyAccounts are n ids, in order.
func manyAccounts(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("acct_%03d", i))
	}
	return ids
}

func TestManyAccountsAreSweptInBatches(t *testing.T) {
	t.Parallel()
	s := newSweepStage(t, manyAccounts(450)...)
	since := time.Now().Add(-72 * time.Hour).UTC().Truncate(time.Second)
	result, runs := s.sweepAll(workflows.OrderSweepInput{Since: since})
	require.Equal(t, 450, result.Accounts)
	require.Equal(t, 3, runs)
	require.Len(t, s.log.since, 450, "each once")
	for _, at := range s.log.since {
		require.Equal(t, since.Add(-10*time.Minute), at.UTC(), "whichever batch an account is in")
	}
}

func TestAccountsThatRestTakeNoTurnAtStripe(t *testing.T) {
	t.Parallel()
	accounts := manyAccounts(201)
	s := newSweepStage(t, accounts...)
	documents := s.steps.Documents
	_, err := statestore.Write(t.Context(), documents.Store, documents.Layout.PresenceKey(),
		order.Presence{Format: 1, Since: time.Now().Add(-24 * time.Hour), At: time.Now()}, "")
	require.NoError(t, err)
	for _, account := range accounts[:200] {
		_, err := documents.SaveCursor(t.Context(), account,
			order.Cursor{Until: time.Now().Add(-time.Hour), Lively: time.Now().Add(-8 * 24 * time.Hour)}, "")
		require.NoError(t, err)
	}
	result, runs := s.sweepAll(workflows.OrderSweepInput{})
	require.Equal(t, 2, runs)
	require.Equal(t, workflows.OrderSweepResult{Accounts: 201, Rested: 200}, result)
	require.Len(t, s.log.since, 1, "a whole batch rests, and the next is swept")
	require.Contains(t, result.String(), "200 accounts had no order for a week")

	result, _ = s.sweepAll(workflows.OrderSweepInput{All: true})
	require.Equal(t, workflows.OrderSweepResult{Accounts: 201}, result)
}
