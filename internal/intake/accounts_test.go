package intake_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/workflows"
)

// gate is an intake of events about accounts.
type gate struct {
	client.Client
	intake.Intake
	ours    map[string]bool
	oursErr error
	err     error // of Temporal
	started []client.StartWorkflowOptions
	inputs  []any
}

func newGate() *gate {
	g := &gate{ours: map[string]bool{"acct_1": true}}
	g.Intake = intake.Intake{Temporal: g,
		Ours: func(_ context.Context, account string) (bool, error) { return g.ours[account], g.oursErr }}
	return g
}

func (g *gate) ExecuteWorkflow(
	_ context.Context, o client.StartWorkflowOptions, _ any, args ...any,
) (client.WorkflowRun, error) {
	g.started, g.inputs = append(g.started, o), append(g.inputs, args...)
	return nil, g.err
}

var left = order.Event{ID: "evt_9", Type: "account.application.deauthorized", Account: "acct_1",
	Created: time.Unix(1_800_000_000, 0).UTC()}

func TestAnAccountThatLeavesIsParkedOnce(t *testing.T) {
	t.Parallel()
	g := newGate()
	outcome, err := g.Deliver(t.Context(), left)
	require.NoError(t, err)
	require.Equal(t, intake.Parking, outcome)
	require.Equal(t, "account-standing/acct_1/evt_9", g.started[0].ID, "the same event starts the same run")
	require.Equal(t, workflows.TaskQueue, g.started[0].TaskQueue)
	require.Equal(t, workflows.AccountStandingInput{Park: &activities.ParkAccountInput{
		Account: "acct_1", Trigger: account.Deauthorized, By: "Stripe",
		Why: "the account has disconnected from the platform",
		At:  left.Created, Event: "evt_9",
	}}, g.inputs[0])
	g.err = serviceerror.NewWorkflowExecutionAlreadyStarted("", "", "")
	outcome, err = g.Deliver(t.Context(), left)
	require.NoError(t, err, "it was heard of before")
	require.Equal(t, intake.Parking, outcome)
	g.err = errors.New("away")
	outcome, err = g.Deliver(t.Context(), left)
	require.ErrorContains(t, err, "park acct_1: away")
	require.Empty(t, outcome, "Stripe sends it again")
}

func TestEventsAboutAccountsThatParkNobody(t *testing.T) {
	t.Parallel()
	updated := order.Event{ID: "evt_8", Type: "account.updated", Account: "acct_1"}
	disabled := updated
	disabled.ChargesDisabled = true
	stranger, own := left, left
	stranger.Account, own.Account = "acct_2", ""
	strangers := disabled
	strangers.Account = "acct_2"
	agreement := order.Event{ID: "evt_7", Type: "v2.orchestrated_commerce.agreement.confirmed", Account: "acct_2",
		Object: "orca_1"}
	for name, c := range map[string]struct {
		event order.Event
		want  intake.Outcome
	}{
		"may take charges": {updated, intake.Noticed}, "may not": {disabled, intake.ChargesDisabled},
		"not ours": {stranger, intake.UnknownAccount}, "nor is this": {strangers, intake.UnknownAccount},
		"the platform's own": {own, intake.UnknownAccount}, "an agreement": {agreement, intake.Noticed},
	} {
		g := newGate()
		outcome, err := g.Remembering().Deliver(t.Context(), c.event)
		require.NoError(t, err, name)
		require.Equal(t, c.want, outcome, name)
		require.Empty(t, g.started, name)
	}
	g := newGate()
	g.oursErr = errors.New("S3 is away")
	outcome, err := g.Deliver(t.Context(), left)
	require.ErrorContains(t, err, "S3 is away")
	require.Empty(t, outcome)
	require.Empty(t, g.started)
}
