package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/workflows"
)

func TestSweepRefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{
		{"order", "sweep", "cus_1"},
		{"order", "sweep", "--every", "10s"},
		{"order", "sweep", "acct_1", "--every", "10m"},
		{"order", "sweep", "--since", "-1h"},
		{"order", "sweep", "--since", "721h"},
		{"order", "sweep", "--since", "1h", "--every", "10m"},
	} {
		s := newStage(t)
		require.Equal(t, exitUsage, s.run(args...), args)
		require.Empty(t, s.temporal.started)
		require.Empty(t, s.temporal.writes)
	}
}

func TestSweepsAreScheduledOnce(t *testing.T) {
	s := newStage(t)
	require.Equal(t, exitOK, s.run("order", "sweep", "--every", "10m"), s.stderr.String())
	require.Equal(t, exitOK, s.run("order", "sweep", "--every", "30m"), s.stderr.String())
	require.Equal(t, []string{"create order-sweep", "update order-sweep"}, s.temporal.writes)
	require.Equal(t, 30*time.Minute, s.temporal.schedules["order-sweep"].Schedule.Spec.Intervals[0].Every)
	require.Contains(t, s.stdout.String(), "sweeps every 30m (schedule order-sweep)")

	s.temporal.refuse = func(string) error { return errors.New("no access") }
	require.Equal(t, exitFailed, s.run("order", "sweep", "--every", "10m"))
	require.Contains(t, s.stderr.String(), "no access")
}

func TestSweepSaysWhatItDelivered(t *testing.T) {
	s := newStage(t)
	s.temporal.scripts["order-sweep/manual"] = &script{
		result: workflows.OrderSweepResult{Accounts: 2, Events: 9, Delivered: 4},
	}
	require.Equal(t, exitOK, s.run("order", "sweep", "acct_1", "acct_2", "acct_1"), s.stderr.String())
	require.Equal(t, "2 accounts swept: 9 events, 4 of them about orders.\n", s.stdout.String())
	require.Equal(t, []any{workflows.OrderSweepInput{Accounts: []string{"acct_1", "acct_2"}, All: true}},
		s.temporal.inputs)
}

// A sweep of other accounts must not be taken for the one that was asked for.
func TestASweepDoesNotJoinAnother(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.temporal.scripts["order-sweep/manual"] = &script{result: workflows.OrderSweepResult{}}
	require.Equal(t, exitOK, s.run("order", "sweep", "acct_1"))
	require.True(t, s.temporal.started[0].WorkflowExecutionErrorWhenAlreadyStarted,
		"the SDK joins the run without this")

	s.temporal.running = map[string]string{"order-sweep/manual": "run-1"}
	require.Equal(t, exitFailed, s.run("order", "sweep", "acct_2"))
	require.Contains(t, s.stderr.String(), "start the sweep")
}

// What goes back behind the cursor may begin orders that Vitrine never had: a person is asked.
func TestASweepOfWhatWasDeliveredAsks(t *testing.T) {
	s := newStage(t)
	s.temporal.scripts["order-sweep/manual"] = &script{result: workflows.OrderSweepResult{}}
	s.app.IsTerminal = func(stream any) bool { return stream == s.app.Stdin }
	s.stdin = "n\n"
	require.Equal(t, exitUsage, s.run("order", "sweep", "--since", "72h"))
	require.Contains(t, s.stderr.String(), "nothing was delivered")
	require.Empty(t, s.temporal.started)
	s.stdin = "y\n"
	require.Equal(t, exitOK, s.run("order", "sweep", "--since", "72h"), s.stderr.String())
	require.Equal(t, []any{workflows.OrderSweepInput{Since: noon.Add(-72 * time.Hour), All: true}}, s.temporal.inputs)
}
