package intake_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/intake"
	"vitrine/internal/order"
)

// waiting is an intake of events about imports, with one run that waits for impset_1.
type waiting struct {
	client.Client
	intake.Intake
	findErr, err error
	completed    []any
}

func newWaiting() *waiting {
	w := &waiting{}
	w.Intake = intake.Intake{Temporal: w, Namespace: "shops",
		Importing: func(_ context.Context, account, id string) (catalog.Run, bool, error) {
			return catalog.Run{WorkflowID: "w", RunID: "r"}, account == "acct_1" && id == "impset_1", w.findErr
		}}
	return w
}

func (w *waiting) CompleteActivityByID(
	_ context.Context, namespace, workflowID, runID, activityID string, result any, failure error,
) error {
	w.completed = append(w.completed, namespace, workflowID, runID, activityID, result, failure)
	return w.err
}

func ended() order.Event {
	return order.Event{ID: "evt_1", Type: "data_management.import_set.succeeded", Account: "acct_1",
		Object: "impset_1"}
}

func TestTheRunThatWaitsForAnImportHearsOfItsEnd(t *testing.T) {
	t.Parallel()
	for _, kind := range append(intake.ImportSetEventTypes(), intake.CatalogImportEventTypes()...) {
		w, e := newWaiting(), ended()
		e.Type = kind
		require.Contains(t, intake.EventTypes(), kind)
		outcome, err := w.Deliver(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, intake.Heard, outcome)
		require.Equal(t, []any{"shops", "w", "r", activities.AwaitID("impset_1"),
			activities.AwaitedImport{Heard: true}, error(nil)}, w.completed)
	}
}

func TestAnImportThatNobodyWaitsForIsNoNews(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*waiting, *order.Event){
		"of another import":      func(_ *waiting, e *order.Event) { e.Object = "impset_2" },
		"of another account":     func(_ *waiting, e *order.Event) { e.Account = "acct_2" },
		"of no import":           func(_ *waiting, e *order.Event) { e.Object = "" },
		"where nobody listens":   func(w *waiting, _ *order.Event) { w.Importing = nil },
		"of a step that is over": func(w *waiting, _ *order.Event) { w.err = serviceerror.NewNotFound("no such step") },
		"of the platform's own":  func(_ *waiting, e *order.Event) { e.Account = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, e := newWaiting(), ended()
			change(w, &e)
			outcome, err := w.Deliver(t.Context(), e)
			require.NoError(t, err)
			require.Contains(t, []intake.Outcome{intake.NotAwaited, intake.UnknownAccount}, outcome)
		})
	}
}

// An endpoint that fails for days is disabled, with everybody's orders: nothing that no order needs is asked for again.
func TestNewsOfAnImportIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*waiting){
		"S3 is away":       func(w *waiting) { w.findErr = errors.New("away") },
		"Temporal is away": func(w *waiting) { w.err = errors.New("away") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWaiting()
			change(w)
			outcome, err := w.Deliver(t.Context(), ended())
			require.ErrorContains(t, err, "away")
			require.Equal(t, intake.NotAwaited, outcome)
		})
	}
}
