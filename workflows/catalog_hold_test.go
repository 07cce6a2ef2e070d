package workflows_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	accounts "vitrine/internal/account"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/workflows"
)

// answer is what an update brought.
type answer struct {
	refused, failed error
	result          workflows.VerdictResult
}

func (a *answer) Accept()          {}
func (a *answer) Reject(err error) { a.refused = err }
func (a *answer) Complete(result any, err error) {
	a.failed = err
	if err == nil {
		a.result = result.(workflows.VerdictResult)
	}
}

// says sends a verdict after a while of workflow time.
func says(after time.Duration, update, by, why string, into *answer) func(*testsuite.TestWorkflowEnvironment) {
	return saysOf(after, update, workflows.VerdictInput{By: by, Why: why}, into)
}

func saysOf(
	after time.Duration, update string, in workflows.VerdictInput, into *answer,
) func(*testsuite.TestWorkflowEnvironment) {
	return func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { env.UpdateWorkflow(update, update+"/"+in.By, into, in) }, after)
	}
}

// truncated is a source of which most is missing.
func truncated(t *testing.T) *stage {
	t.Helper()
	s := newStage(t)
	s.changes(catalogOf(many(100)...), catalog.Succeeded)
	s.put(source, catalogOf(many(10)...))
	s.nextTurn()
	return s
}

func TestCatalogSyncHolds(t *testing.T) {
	t.Parallel()
	dear := func(s string) string { return strings.ReplaceAll(s, "1.00 USD", "9.00 USD") }
	for name, c := range map[string]struct{ source, guard, says string }{
		"an empty file":          {"", catalog.GuardEmptySource, "the source is empty; approving deletes all 100 rows"},
		"blank lines":            {"\n\n", catalog.GuardEmptySource, "the source is empty"},
		"a header without a row": {header, catalog.GuardEmptySource, "has a header and no row"},
		"a catalog that shrank": {catalogOf(many(10)...), catalog.GuardShrink,
			"90 of 100 rows would be deleted (90.0 %"},
		"rows with errors": {strings.Replace(catalogOf(many(100)...), "1.00 USD", "1.00", 60),
			catalog.GuardInvalidRows, "60 of 100 rows have errors (60.0 %"},
		"prices that moved": {dear(catalogOf(many(100)...)), catalog.GuardPriceMoves,
			"100 of 100 prices moved by more than 60 % (100.0 %"},
		"prices in other coins": {strings.ReplaceAll(catalogOf(many(100)...), "USD", "EUR"), catalog.GuardCurrencyFlips,
			"100 of 100 prices are in another currency"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.changes(catalogOf(many(100)...), catalog.Succeeded)
			before := s.stripe.products
			s.put(source, c.source)
			s.nextTurn()
			var verdict answer
			result, err := s.sync(workflows.CatalogSyncInput{Account: account},
				func(env *testsuite.TestWorkflowEnvironment) {
					env.RegisterDelayedCallback(func() {
						held := s.state().Held
						require.NotNil(t, held)
						require.Equal(t, c.guard, held.Reasons[0].Guard)
						require.Contains(t, held.Text(), c.says)
						require.Empty(t, s.stripe.calls, "nothing is uploaded before somebody has looked")
					}, time.Hour)
				}, says(2*time.Hour, workflows.UpdateReject, "ada", "cut off", &verdict))
			require.NoError(t, err)
			require.NoError(t, errors.Join(verdict.refused, verdict.failed))
			require.Equal(t, catalog.Rejected, result.Outcome)
			require.Empty(t, s.stripe.calls)
			require.Equal(t, before, s.stripe.products)
			s.requireNothingStaged()

			state := s.state()
			require.Nil(t, state.Held)
			require.Nil(t, state.Run)
			require.Equal(t, "ada", state.Rejected.Verdict.By)
			require.Equal(t, "cut off", s.report().Verdict.Why)
			again := s.syncs(catalog.Unchanged)
			require.Contains(t, again.Note, "ada rejected this version of the source: cut off")
		})
	}
}

func TestCatalogSyncGoesOnOnceApproved(t *testing.T) {
	t.Parallel()
	s := truncated(t)
	var verdict answer
	result, err := s.sync(workflows.CatalogSyncInput{Account: account},
		says(40*time.Minute, workflows.UpdateApprove, "ada", "range removed", &verdict))
	require.NoError(t, err)
	require.NoError(t, errors.Join(verdict.refused, verdict.failed))
	require.Equal(t, result.SourceVersion, verdict.result.Version)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	require.Equal(t, catalog.ReportRows{Source: 10, Unchanged: 10, Deleted: 90, Accepted: 90}, result.Rows)
	require.Len(t, s.stripe.products, 10)
	require.Equal(t, "range removed", s.report().Verdict.Why)
	require.True(t, s.report().Verdict.Approved)
	require.Equal(t, result.SourceVersion, s.state().Approved.Version)
	require.Equal(t, "ada", s.state().Approved.Verdict.By)
	require.Nil(t, s.state().Held)
	s.syncs(catalog.Unchanged)
}

func TestCatalogSyncRefusesVerdicts(t *testing.T) {
	t.Parallel()
	s := truncated(t)
	var early, anonymous, other, decided, late answer
	_, err := s.sync(workflows.CatalogSyncInput{Account: account},
		says(0, workflows.UpdateApprove, "eve", "hurry", &early),
		says(time.Hour, workflows.UpdateApprove, " ", "because", &anonymous),
		saysOf(time.Hour, workflows.UpdateApprove, workflows.VerdictInput{By: "cy", Why: "looked", Version: "v0"},
			&other),
		says(2*time.Hour, workflows.UpdateReject, "ada", "cut off", &decided),
		says(2*time.Hour, workflows.UpdateApprove, "bob", "looks fine", &late))
	require.NoError(t, err)
	require.ErrorContains(t, early.refused, "holds nothing")
	require.ErrorContains(t, anonymous.refused, "by (who decides)")
	require.ErrorContains(t, other.refused, "of the source is held, not v0")
	require.NoError(t, errors.Join(decided.refused, decided.failed))
	require.ErrorContains(t, late.refused, "ada has decided already: cut off")
}

func TestANewerSourceTakesThePlaceOfAHeldOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source string
		want   catalog.Outcome
	}{
		"a whole one":           {catalogOf(append(many(100), "new")...), catalog.Succeeded},
		"the one that was sent": {catalogOf(many(100)...), catalog.Unchanged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := truncated(t)
			result, err := s.sync(workflows.CatalogSyncInput{Account: account},
				func(env *testsuite.TestWorkflowEnvironment) {
					env.RegisterDelayedCallback(func() { s.put(source, c.source) }, 50*time.Minute)
				})
			require.NoError(t, err)
			require.Equal(t, c.want, result.Outcome)
			require.Nil(t, s.state().Held)
			require.Nil(t, s.state().Run)
			require.GreaterOrEqual(t, len(s.stripe.products), 100)
		})
	}
	t.Run("another broken one is held, and the verdict on the first is void", func(t *testing.T) {
		t.Parallel()
		s := truncated(t)
		var verdict answer
		result, err := s.sync(workflows.CatalogSyncInput{Account: account},
			func(env *testsuite.TestWorkflowEnvironment) {
				env.RegisterDelayedCallback(func() { s.put(source, catalogOf(many(11)...)) }, 50*time.Minute)
			}, says(3*time.Hour, workflows.UpdateReject, "ada", "cut off again", &verdict))
		require.NoError(t, err)
		require.Equal(t, catalog.Rejected, result.Outcome)
		require.Equal(t, result.SourceVersion, s.state().Rejected.Version)
	})
}

func TestAHeldRunCanBeCancelledAndIsHeldAgain(t *testing.T) {
	t.Parallel()
	s := truncated(t)
	_, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	})
	require.Error(t, err)
	require.Empty(t, s.stripe.calls)
	since := s.state().Held.Since

	var verdict answer
	result, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { require.Equal(t, since, s.state().Held.Since) }, time.Hour)
	}, says(2*time.Hour, workflows.UpdateApprove, "ada", "range removed", &verdict))
	require.NoError(t, err)
	require.Equal(t, int64(90), result.Rows.Deleted)
}

func TestALongHoldContinuesAsNew(t *testing.T) {
	t.Parallel()
	s := truncated(t)
	_, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 5*time.Hour)
	})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &again)
	require.NotNil(t, s.state().Held)
}

func TestGuardsAreAnAccountsOwn(t *testing.T) {
	t.Parallel()
	s := truncated(t)
	never := accounts.Percent(100)
	require.NoError(t, s.steps.Accounts.SaveSettings(t.Context(),
		accounts.Settings{Account: account, Rules: accounts.Rules{MaxShrink: &never}}))
	require.Equal(t, int64(90), s.syncs(catalog.Succeeded).Rows.Deleted)
}

func TestCatalogSyncFailsWhileHeld(t *testing.T) {
	t.Parallel()
	s := truncated(t)
	_, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			require.NoError(t, s.store.Delete(t.Context(), "catalogs", source))
		}, time.Hour)
	})
	requireType(t, err, fault.SourceMissing)
	require.Nil(t, s.state().Held)
	require.Nil(t, s.state().Run)
}
