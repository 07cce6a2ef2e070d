package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/feed"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// holds writes the state of a feed whose sync is held for two hours.
func (s *stage) holds(account string, kind feed.Kind, change ...func(*catalog.State)) {
	s.t.Helper()
	state := catalog.State{
		Format: catalog.StateFormat, Account: account, Feed: kind,
		Last: &catalog.Last{Outcome: catalog.Held, At: noon.Add(-2 * time.Hour)},
		Held: &catalog.Hold{
			Version: "v7", Since: noon.Add(-2 * time.Hour),
			Run: catalog.Run{WorkflowID: workflows.ScheduleID(catalog.ID{Account: account, Feed: kind}),
				RunID: "run-1"},
			Reasons: []catalog.HoldReason{
				{Guard: "shrink", Text: "the source has 700 rows, 300 (30%) fewer than Stripe: at most 20%"},
				{Guard: "currency_flips", Text: "1 of 700 prices is in another currency"},
			},
			Rows: catalog.ReportRows{Source: 700, Unchanged: 568, Sent: 120, Deleted: 300, KeptBack: 12},
		},
	}
	for _, c := range change {
		c(&state)
	}
	_, err := s.docs.SaveState(s.ctx, state, statestore.IfAbsent)
	require.NoError(s.t, err)
	if s.temporal.described == nil {
		s.temporal.described = map[string]holder{}
	}
	s.temporal.described[state.Held.Run.WorkflowID] = holder{}
}

// answers lets every run take a verdict, about that version.
func (s *stage) answers(version string) {
	s.temporal.answer = func(client.UpdateWorkflowOptions) (any, error) {
		return workflows.VerdictResult{Version: version}, nil
	}
}

func (s *stage) decides(verb, account string, more ...string) int {
	return s.run(append([]string{verb, account, "--why", "the merchant confirmed", "--by", "ada@acme.example"},
		more...)...)
}

func TestAVerdictNeedsAReasonAndAPerson(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, says string
		args       []string
	}{
		{"no reason", "why? Say it with --why", nil},
		{"a blank reason", "why? Say it with --why", []string{"--why", "  "}},
		{"a reason like a novel", "--why has 1002 bytes, and at most 500 are kept",
			[]string{"--why", strings.Repeat("ä", 501), "--by", "ada"}},
		{"a name like a novel", "--by has 501 bytes, and at most 500 are kept",
			[]string{"--why", "so", "--by", strings.Repeat("a", 501)}},
		{"nobody", "who decides? Neither USER nor the system says: add --by", []string{"--why", "so"}},
		{"an unknown feed", `feed "prices" is not known`, []string{"--why", "so", "--feed", "prices"}},
	} {
		for _, verb := range []string{"approve", "reject"} {
			t.Run(verb+" with "+test.name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				s.holds("acct_1", feed.Product)
				require.Equal(t, exitUsage, s.run(append([]string{verb, "acct_1"}, test.args...)...))
				require.Contains(t, s.stderr.String(), test.says)
				require.Empty(t, s.temporal.updates)
			})
		}
	}
}

func TestThereIsNothingToDecide(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitFailed, s.decides("approve", "acct_1"))
	require.Equal(t, "starter: nothing is held of the product feed of acct_1: it was never synced\n", s.stderr.String())

	s.remember("acct_1", &catalog.Last{Outcome: catalog.SucceededWithErrors, At: noon.Add(-4 * time.Minute)})
	s.holds("acct_1", feed.Pricing)
	require.Equal(t, exitFailed, s.decides("reject", "acct_1"))
	require.Equal(t,
		"starter: nothing is held of the product feed of acct_1: its last sync ended as succeeded with errors, 4m ago; its pricing feed is held: --feed pricing\n", s.stderr.String())

	s.remember("acct_2", &catalog.Last{Outcome: catalog.Failed, At: noon.Add(-time.Hour), Reason: "no such source"})
	require.Equal(t, exitFailed, s.decides("reject", "acct_2"))
	require.Equal(t,
		"starter: nothing is held of the product feed of acct_2: its last sync ended as failed, 1h ago (no such source)\n", s.stderr.String())
	require.Empty(t, s.temporal.updates)
}

func TestVerdictsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, says string
		err        error
	}{
		{"the run is gone",
			"starter: the run that held it is gone (workflow catalog-sync/acct_1/product): it ended, or somebody terminated it. The next sync holds the source again, if it is still the same: 'starter sync acct_1' starts one\n",
			serviceerror.NewNotFound("workflow execution already completed")},
		{"the run refuses",
			"starter: the run did not take the verdict: nothing is held (workflow catalog-sync/acct_1/product)\n",
			temporal.NewApplicationError("nothing is held", "NotHeld")},
		{"no worker",
			"starter: no worker has taken the verdict yet: is one running? 'starter status acct_1' shows if it is taken later: ",
			client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.DeadlineExceeded)},
		{"Temporal is away", "starter: send the verdict to workflow catalog-sync/acct_1/product: connection refused\n",
			errors.New("connection refused")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.holds("acct_1", feed.Product)
			s.temporal.answer = func(client.UpdateWorkflowOptions) (any, error) { return nil, test.err }
			require.Equal(t, exitFailed, s.decides("approve", "acct_1"))
			require.Contains(t, s.stderr.String(), test.says)
			require.Empty(t, s.stdout.String())
		})
	}
}

func TestCtrlCWhileAVerdictIsSent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	ctx, cancel := context.WithCancelCause(t.Context())
	s.ctx = ctx
	s.temporal.answer = func(client.UpdateWorkflowOptions) (any, error) {
		cancel(interrupted{syscall.SIGINT})
		return nil, client.NewWorkflowUpdateServiceTimeoutOrCanceledError(context.Canceled)
	}
	require.Equal(t, 130, s.decides("approve", "acct_1"))
	require.Equal(t,
		"starter: stopped by Ctrl-C; a worker may still take the verdict: 'starter status acct_1' shows it\n",
		s.stderr.String())
}

func TestAPersonSeesWhatTheyDecideAbout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		verb, question, answer string
		code                   int
	}{
		{"approve", "Send this to Stripe? [y/N] ", "n\n", exitUsage},
		{"approve", "Send this to Stripe? [y/N] ", "", exitUsage},
		{"reject", "Reject this version of the source? [y/N] ", "no\n", exitUsage},
		{"approve", "Send this to Stripe? [y/N] ", "y\n", exitOK},
		{"reject", "Reject this version of the source? [y/N] ", "Yes\n", exitOK},
	} {
		s := newStage(t)
		s.holds("acct_1", feed.Product)
		s.answers("v7")
		s.app.IsTerminal = func(stream any) bool { return stream == s.app.Stdin }
		s.stdin = test.answer
		require.Equal(t, test.code, s.decides(test.verb, "acct_1"))
		require.True(t, strings.HasPrefix(s.stderr.String(), `acct_1  product: held for 2h, before anything was sent
  shrink          the source has 700 rows, 300 (30%) fewer than Stripe: at most 20%
  currency_flips  1 of 700 prices is in another currency
  rows            700 in the source: 568 unchanged, 120 to send, 12 kept back; 300 to delete
  version         v7
`+test.question), s.stderr.String())
		require.Equal(t, test.code == exitOK, len(s.temporal.updates) == 1)
		if test.code != exitOK {
			require.Contains(t, s.stderr.String(), "nothing was decided: the sync is still held")
		}
	}
}

func TestAVerdictIsAboutWhatWasLookedAt(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"approve", "reject"} {
		s := newStage(t)
		s.holds("acct_1", feed.Product)
		s.answers("v7")
		require.Equal(t, exitFailed, s.decides(verb, "acct_1", "--version", "v6"))
		require.Contains(t, s.stderr.String(), "version v7 of the source is held, not v6")
		require.Empty(t, s.temporal.updates)
		require.Equal(t, exitOK, s.decides(verb, "acct_1", "--version", "v7"))
		require.Equal(t, "v7", s.temporal.updates[0].Args[0].(workflows.VerdictInput).Version,
			"the run compares it too")
	}
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	s.answers("v7")
	s.app.IsTerminal = func(stream any) bool { return stream == s.app.Stdin }
	s.stdin = "y\n"
	require.Equal(t, exitOK, s.decides("approve", "acct_1"))
	require.Equal(t, "v7", s.temporal.updates[0].Args[0].(workflows.VerdictInput).Version,
		"who was shown a version agrees to that one")
}

// A command is repeated when its answer was lost, perhaps on another host, while the run is still at it or after its
// end.
func TestAVerdictIsRepeated(t *testing.T) {
	t.Parallel()
	for verb, done := range map[string]string{"approve": "approved", "reject": "rejected"} {
		s := newStage(t)
		s.holds("acct_1", feed.Product)
		s.temporal.answer = func(client.UpdateWorkflowOptions) (any, error) {
			return workflows.VerdictResult{Version: "v7", By: "ada@one", Why: "so"}, nil
		}
		for _, by := range []string{"ada@one", "ada@two"} {
			require.Equal(t, exitOK, s.run(verb, "acct_1", "--why", "so", "--by", by))
			require.Contains(t, s.stdout.String(), done+" version v7 by ada@one;", "whose verdict counts")
		}
		require.Len(t, s.temporal.updates, 2)
		require.Equal(t, s.temporal.updates[0].UpdateID, s.temporal.updates[1].UpdateID)

		s = newStage(t)
		decided := &catalog.Decided{Version: "v7",
			Verdict: catalog.Verdict{Approved: verb == "approve", By: "ada@one", Why: "so", At: noon.Add(-time.Hour)}}
		state := catalog.State{Format: catalog.StateFormat, Account: "acct_1", Feed: feed.Product}
		if state.Rejected = decided; verb == "approve" {
			state.Approved, state.Rejected = decided, nil
		}
		_, err := s.docs.SaveState(s.ctx, state, statestore.IfAbsent)
		require.NoError(t, err)
		for _, args := range [][]string{{"--why", "so"}, {"--why", "once more", "--version", "v7"}} {
			require.Equal(t, exitOK, s.run(append([]string{verb, "acct_1", "--by", "ada@two"}, args...)...),
				s.stderr.String())
			require.Equal(t, "acct_1  product: "+done+" version v7 by ada@one already, 1h ago: so\n", s.stdout.String())
		}
		require.Equal(t, exitOK, s.run(verb, "acct_1", "--by", "ada@two", "--why", "so", "-o", "json"))
		var got desk.TakenVerdict
		require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
		require.True(t, got.Before.Equal(noon.Add(-time.Hour)))

		other := map[string]string{"approve": "reject", "reject": "approve"}[verb]
		for _, args := range [][]string{{verb, "--why", "another hold"}, {verb, "--why", "so", "--version", "v8"},
			{other, "--why", "so"}} {
			require.Equal(t, exitFailed, s.run(append([]string{args[0], "acct_1", "--by", "ada"}, args[1:]...)...))
			require.Contains(t, s.stderr.String(), "nothing is held")
		}
		require.Empty(t, s.temporal.updates)
	}
}

func TestWhoeverSaysYesIsNotAsked(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	s.answers("v7")
	s.app.IsTerminal = func(any) bool { return true }
	require.Equal(t, exitOK, s.decides("approve", "acct_1", "--yes"))
	require.Empty(t, s.stderr.String())
}

func TestApprove(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.holds("acct_1", feed.Pricing)
	s.answers("v7")
	require.Equal(t, exitOK, s.decides("approve", "acct_1", "--feed", "pricing"), "a script is not asked")
	require.Equal(t, `acct_1  pricing: approved version v7 by ada@acme.example; the run goes on and sends it
  workflow  catalog-sync/acct_1/pricing
`, s.stdout.String())
	require.Equal(t, []client.UpdateWorkflowOptions{{
		UpdateID:   "approve/v7/" + noon.Add(-2*time.Hour).Format(time.RFC3339Nano),
		WorkflowID: "catalog-sync/acct_1/pricing", UpdateName: "approve",
		WaitForStage: client.WorkflowUpdateStageCompleted,
		Args:         []any{workflows.VerdictInput{By: "ada@acme.example", Why: "the merchant confirmed"}},
	}}, s.temporal.updates, "the newest run of the workflow is asked: it may have been reset")
}

func TestRejectAsJSON(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	s.answers("v8")
	require.Equal(t, exitOK, s.decides("reject", "acct_1", "-o", "json"))
	var got desk.TakenVerdict
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got))
	require.Equal(t, "rejected", got.Verdict)
	require.Equal(t, "v8", got.Version)
	require.Equal(t, "v7", got.Held.Version)
	require.Equal(t, "run-1", got.RunID)
	require.Equal(t, "reject", s.temporal.updates[0].UpdateName)

	require.Equal(t, exitOK, s.decides("reject", "acct_1"))
	require.Contains(t, s.stdout.String(), "rejected version v8 by ada@acme.example; nothing of it is sent")
	require.Contains(t, s.stdout.String(), "the source was version v7 when this looked")
}

func TestTheShellSaysWhoDecides(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	s.answers("v7")
	s.app.Lookup = func(name string) (string, bool) {
		value, ok := map[string]string{"LOGNAME": "ada"}[name]
		return value, ok
	}
	require.Equal(t, exitOK, s.run("approve", "acct_1", "--why", "so"))
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, []any{workflows.VerdictInput{By: "ada@" + host, Why: "so"}}, s.temporal.updates[0].Args)
}

func TestApproveAndFollow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.holds("acct_1", feed.Product)
	s.answers("v7")
	events := []*historypb.HistoryEvent{scheduled(5, "FetchCatalog", -2*time.Hour),
		completed(5, -2*time.Hour+time.Second), scheduled(11, "Settle", 0), completed(11, 2*time.Second)}
	s.temporal.scripts["catalog-sync/acct_1/product"] = &script{
		moments: []moment{{events: events, status: enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED}},
		result:  workflows.CatalogSyncResult{Outcome: catalog.Succeeded},
	}
	require.Equal(t, exitOK, s.decides("approve", "acct_1", "--follow"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_1  product: approved version v7")
	require.Contains(t, s.stdout.String(), "✓ Settle")
	require.Contains(t, s.stdout.String(), "acct_1  product: succeeded in 14s\n")

	require.Equal(t, exitOK, s.decides("approve", "acct_1", "--follow", "-o", "json"))
	var got []syncEnd
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &got), "stdout has the results alone")
	require.Equal(t, catalog.Succeeded, got[0].Outcome)
	require.Contains(t, s.stderr.String(), "approved version v7")
}
