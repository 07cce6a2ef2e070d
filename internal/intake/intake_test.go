package intake_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/internal/fault"
	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/workflows"
)

// stand is an intake whose surroundings the test holds.
type stand struct {
	client.Client
	intake.Intake

	accounts map[string]bool
	sessions map[string]string // by payment intent
	lookups  int
	asked    int
	err      error // of Temporal

	signalErr error // of a signal that starts nothing
	askErr    error // of the settings
	findErr   error // of Stripe

	id, signal, workflow string
	event                order.Event
	options              client.StartWorkflowOptions
	input                workflows.OrderInput
	delivered            int
}

func newStand() *stand {
	d := &stand{accounts: map[string]bool{"acct_1": true}, sessions: map[string]string{"pi_1": "cs_1"}}
	d.Intake = intake.Intake{
		Temporal: d,
		Known: func(_ context.Context, account string) (bool, error) {
			d.asked++
			return d.accounts[account], d.askErr
		},
		SessionOf: func(_ context.Context, _, intent string) (string, error) {
			d.lookups++
			return d.sessions[intent], d.findErr
		},
	}
	return d
}

func (d *stand) SignalWorkflow(_ context.Context, id, _, signal string, arg any) error {
	if d.signalErr != nil {
		return d.signalErr
	}
	d.id, d.signal, d.event = id, signal, arg.(order.Event)
	return nil
}

func (d *stand) SignalWithStartWorkflow(
	_ context.Context, id, signal string, arg any, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	if d.err != nil {
		return nil, d.err
	}
	d.delivered++
	d.id, d.signal, d.event, d.options, d.workflow, d.input = id, signal, arg.(order.Event), o, workflow.(string),
		args[0].(workflows.OrderInput)
	return nil, nil
}

func completed() order.Event {
	return order.Event{ID: "evt_1", Type: "checkout.session.completed", Account: "acct_1", Object: "cs_1",
		Session: "cs_1"}
}

func succeeded() order.Event {
	return order.Event{ID: "evt_2", Type: "payment_intent.succeeded", Account: "acct_1", Object: "pi_1",
		PaymentIntent: "pi_1"}
}

func TestWhatIsNoOrderOfOursStartsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*order.Event)
		want   intake.Outcome
	}{
		"another account":           {func(e *order.Event) { e.Account = "acct_2" }, intake.UnknownAccount},
		"the platform":              {func(e *order.Event) { e.Account = "" }, intake.UnknownAccount},
		"a payment without session": {func(e *order.Event) { e.PaymentIntent = "pi_2" }, intake.NotAnOrder},
		"neither":                   {func(e *order.Event) { e.PaymentIntent = "" }, intake.NotAnOrder},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, e := newStand(), succeeded()
			test.change(&e)
			outcome, err := d.Deliver(t.Context(), e)
			require.NoError(t, err)
			require.Equal(t, test.want, outcome)
			require.Zero(t, d.delivered)
		})
	}
}

// An order may hang on an id that this version does not know: somebody has to hear of it.
func TestAnEventWhoseObjectIsNotRecognisedIsNotPassedOverInSilence(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]order.Event{
		"a session": {ID: "evt_1", Type: "checkout.session.completed", Account: "acct_1"},
		"a session with a payment": {ID: "evt_1", Type: "checkout.session.completed", Account: "acct_1", Object: "pi_2",
			PaymentIntent: "pi_2"},
		"a refund": {ID: "evt_1", Type: "refund.created", Account: "acct_1"},
	} {
		d := newStand()
		outcome, err := d.Deliver(t.Context(), e)
		require.Equal(t, intake.Undeliverable, outcome, name)
		require.True(t, fault.Is(err, fault.InputInvalid), name)
		require.ErrorContains(t, err, "evt_1", name)
		require.Zero(t, d.delivered)
	}
	d, e := newStand(), completed()
	e.Session, e.Object, e.PaymentIntent = "", "pi_1", "pi_1"
	outcome, err := d.Deliver(t.Context(), e)
	require.NoError(t, err, "the payment says which session it is")
	require.Equal(t, intake.Delivered, outcome)
	d, e = newStand(), completed()
	e.Session, e.Object, e.Account = "", "", "acct_2"
	outcome, err = d.Deliver(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, intake.UnknownAccount, outcome)
}

func TestTheEndOfWhatNeverBeganBeginsNothing(t *testing.T) {
	t.Parallel()
	d := newStand()
	expired := order.Event{ID: "evt_3", Type: "checkout.session.expired", Account: "acct_1", Object: "cs_1",
		Session: "cs_1"}
	d.signalErr = serviceerror.NewNotFound("no such workflow")
	outcome, err := d.Deliver(t.Context(), expired)
	require.NoError(t, err)
	require.Equal(t, intake.NotBegun, outcome)

	d.signalErr = serviceerror.NewUnavailable("away")
	_, err = d.Deliver(t.Context(), expired)
	require.ErrorContains(t, err, "away")

	d.signalErr = nil // it awaits its payment
	outcome, err = d.Deliver(t.Context(), expired)
	require.NoError(t, err)
	require.Equal(t, intake.Delivered, outcome)
	require.Equal(t, expired, d.event)
	require.Empty(t, d.workflow, "nothing is started")
}

func TestAFailureThatMayPassIsNoOutcome(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, breaks := range map[string]func(*stand){
		"settings":    func(d *stand) { d.askErr = broken },
		"stripe":      func(d *stand) { d.findErr = broken },
		"slow stripe": func(d *stand) { d.findErr = fault.NewThrottled(fault.StripeThrottled, time.Second, broken) },
		"a wrong key": func(d *stand) { d.findErr = fault.NewPermanent(fault.StripeUnauthorized, broken) },
		"forbidden settings": func(d *stand) {
			d.askErr = fault.NewPermanent(fault.SourceForbidden, broken)
		},
		"temporal": func(d *stand) { d.err = broken },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newStand()
			breaks(d)
			outcome, err := d.Deliver(t.Context(), succeeded())
			require.ErrorIs(t, err, broken)
			require.Empty(t, outcome)
		})
	}
}

func TestWhatStripeWillRefuseAgainIsUndeliverable(t *testing.T) {
	t.Parallel()
	for _, code := range []fault.Code{fault.StripeForbidden, fault.StripeRejected} {
		d := newStand()
		d.findErr = fault.NewPermanent(code, errors.New("no access to acct_1"))
		outcome, err := d.Deliver(t.Context(), succeeded())
		require.ErrorContains(t, err, "find the order of evt_2: no access to acct_1")
		require.Equal(t, intake.Undeliverable, outcome)
		require.Zero(t, d.delivered)

		outcome, err = d.Deliver(t.Context(), completed())
		require.NoError(t, err)
		require.Equal(t, intake.Delivered, outcome, "an event that names its session needs no answer of Stripe's")
	}
}

func TestAMalformedIdIsRefused(t *testing.T) {
	t.Parallel()
	d := newStand()
	outcome, err := d.Deliver(t.Context(), order.Event{ID: "x", Account: "acct_1", Session: "cs_1"})
	require.ErrorContains(t, err, "is not the id of an event")
	require.Equal(t, intake.Undeliverable, outcome)
	outcome, err = d.Deliver(t.Context(), order.Event{ID: "evt_1", Account: "acct_1", Session: "cs_1/../cs_2"})
	require.ErrorContains(t, err, "checkout session")
	require.Equal(t, intake.Undeliverable, outcome)
	require.Zero(t, d.delivered)
}

func TestBothEventsMeetInOneWorkflow(t *testing.T) {
	t.Parallel()
	d := newStand()
	for _, e := range []order.Event{succeeded(), completed()} {
		outcome, err := d.Deliver(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, intake.Delivered, outcome)
		require.Equal(t, "order/acct_1/cs_1", d.id)
		require.Equal(t, e, d.event)
		require.Equal(t, e.Type, d.signal, "the Web UI shows which")
		require.Equal(t, workflows.OrderFulfillmentType, d.workflow)
		require.Equal(t, workflows.OrderInput{Account: "acct_1", Session: "cs_1"}, d.input)
	}
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, d.options.WorkflowIDReusePolicy)
	require.Equal(t, enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, d.options.WorkflowIDConflictPolicy)
	require.Equal(t, workflows.TaskQueue, d.options.TaskQueue)
	require.Equal(t, workflows.OrderPriority("acct_1"), d.options.Priority)
	state, ok := d.options.TypedSearchAttributes.GetKeyword(workflows.SearchOrderState)
	require.True(t, ok)
	require.Equal(t, string(order.StateLoading), state)
}

func TestAnswersAreRememberedAndFailuresAreNot(t *testing.T) {
	t.Parallel()
	d := newStand()
	in := d.Remembering()
	d.findErr = errors.New("Stripe is away")
	_, err := in.Deliver(t.Context(), succeeded())
	require.Error(t, err)
	d.findErr = nil
	for range 3 {
		outcome, err := in.Deliver(t.Context(), succeeded())
		require.NoError(t, err)
		require.Equal(t, intake.Delivered, outcome)
	}
	require.Equal(t, 1, d.asked, "the settings were there at the first try")
	require.Equal(t, 2, d.lookups)

	other := succeeded()
	other.PaymentIntent = "pi_2"
	_, err = in.Deliver(t.Context(), other)
	require.NoError(t, err)
	require.Equal(t, 3, d.lookups, "another payment is another question")
}
