package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	accounts "vitrine/internal/account"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/workflows"
)

// paused is every schedule of the account.
type paused struct{ notes []string }

func (p *paused) Pause(_ context.Context, account, note string) error {
	p.notes = append(p.notes, "pause "+account+": "+note)
	return nil
}

func (p *paused) Resume(_ context.Context, account, note string) error {
	p.notes = append(p.notes, "resume "+account+": "+note)
	return nil
}

func (s *stage) stands(in workflows.AccountStandingInput) workflows.AccountStandingResult {
	s.t.Helper()
	env := newEnvironment(nil)
	env.RegisterActivity(&activities.AccountStanding{Accounts: s.steps.Accounts, Schedules: &paused{}})
	env.ExecuteWorkflow(workflows.AccountStanding, in)
	require.NoError(s.t, env.GetWorkflowError())
	var result workflows.AccountStandingResult
	require.NoError(s.t, env.GetWorkflowResult(&result))
	return result
}

func (s *stage) parks() {
	s.t.Helper()
	in := workflows.AccountStandingInput{
		Park: &activities.ParkAccountInput{Account: account, Trigger: accounts.ByPerson, By: "ada", Why: "closed"},
	}
	require.NotNil(s.t, s.stands(in).Park.Parked)
}

func (s *stage) returns() {
	s.t.Helper()
	in := workflows.AccountStandingInput{
		Resume: &activities.ResumeAccountInput{Account: account, By: "bob", Why: "back"},
	}
	require.NotNil(s.t, s.stands(in).Resume.Was)
}

func TestAParkedAccountIsNotSynced(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.parks()
	for _, in := range []workflows.CatalogSyncInput{{Account: account}, {Account: account, Force: true, Full: true}} {
		result, err := s.sync(in)
		require.NoError(t, err, "it is no failure")
		require.Equal(t, catalog.Parked, result.Outcome)
		require.Contains(t, result.Note, "parked since")
		require.Empty(t, s.stripe.calls)
	}
	require.Nil(t, s.state().Last, "nothing happened that anybody has to know of")
	s.returns()
	s.syncs(catalog.Succeeded)
}

// Parked while it uploads: the run ends, lets go of the feed, and what came before stays.
func TestASyncIsParkedOnItsWay(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	result, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
			if info.ActivityType.Name == "SendPart" {
				s.parks()
			}
		})
	})
	require.NoError(t, err)
	require.Equal(t, catalog.Parked, result.Outcome)
	require.Zero(t, s.stripe.count("upload"))
	state := s.state()
	require.Nil(t, state.Run, "the feed is free")
	require.Nil(t, state.Open)
	require.Equal(t, catalog.Parked, state.Last.Outcome)
	s.returns()
	s.syncs(catalog.Succeeded)
}

// A run that is held ends when its account is parked; the source is looked at anew after the return.
func TestAHeldSyncIsParked(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.changes(catalogOf(many(100)...), catalog.Succeeded)
	s.nextTurn()
	s.put(source, catalogOf("sku000"))
	result, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			require.NotNil(t, s.state().Held)
			s.parks()
		}, time.Minute)
	})
	require.NoError(t, err)
	require.Equal(t, catalog.Parked, result.Outcome)
	require.Nil(t, s.state().Held)
	require.Nil(t, s.state().Run)
}

func TestStandingsOfNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, workflows.AccountStandingResult{}, s.stands(workflows.AccountStandingInput{}))
	in := workflows.AccountStandingInput{
		Park: &activities.ParkAccountInput{Account: account, Trigger: accounts.Deauthorized},
	}
	require.Equal(t, "account-standing/acct_123/evt_1", in.WorkflowID("evt_1"))
	require.Equal(t, "Park acct_123 (deauthorized)", in.Summary())
}
