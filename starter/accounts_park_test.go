package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/activities"
	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/workflows"
)

// standingTemporal carries out what accounts park and resume ask for, as a worker does.
type standingTemporal struct {
	*fakeTemporal
	docs account.Documents
	err  error
}

func (f *standingTemporal) ExecuteWorkflow(
	ctx context.Context, o client.StartWorkflowOptions, _ any, args ...any,
) (client.WorkflowRun, error) {
	if f.err != nil {
		return nil, f.err
	}
	in := args[0].(workflows.AccountStandingInput)
	var result workflows.AccountStandingResult
	_, err := f.docs.ChangeStanding(ctx, in.Account(), func(s *account.Standing) bool {
		switch {
		case in.Park != nil:
			result.Park = &activities.ParkAccountResult{Already: s.Parked != nil, Parked: s.Parked}
			if s.Parked == nil {
				s.Parked = &account.Parking{Trigger: in.Park.Trigger, By: in.Park.By, Why: in.Park.Why,
					Since: in.Park.At}
				result.Park.Parked = s.Parked
			}
		default:
			result.Resume = &activities.ResumeAccountResult{Was: s.Parked}
			s.Parked = nil
		}
		return true
	})
	return &fakeRun{id: o.ID, script: &script{result: result}}, err
}

func (s *stage) standsBy() *standingTemporal {
	f := &standingTemporal{fakeTemporal: s.temporal, docs: s.accounts()}
	s.app.openTemporal = func(context.Context) (client.Client, error) { return f, nil }
	return f
}

func TestAccountsAreParkedShownAndResumed(t *testing.T) {
	s := newStage(t)
	s.standsBy()
	require.Zero(t, s.apply("acct_1\nacct_2\n"), s.stderr.String())
	s.standsBy()
	require.Zero(t, s.run("accounts", "park", "acct_1", "--why", "closed\x1b[31m", "--by", "ada"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_1  parked since 2026-")
	require.NotContains(t, s.stdout.String(), "\x1b")
	require.Zero(t, s.run("accounts", "park", "acct_1", "--why", "again", "--by", "bob"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "is parked already: parked since")
	require.Contains(t, s.stdout.String(), "closed")

	require.Zero(t, s.run("accounts", "list"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_1  parked since")
	require.Contains(t, s.stdout.String(), "accounts resume")
	require.Zero(t, s.run("accounts", "show", "acct_1"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "  parked    parked since")
	require.Zero(t, s.run("accounts", "list", "-o", "json"))
	var listed []struct {
		Account string
		Parked  *account.Parking
	}
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &listed))
	require.Equal(t, "ada", listed[0].Parked.By)
	require.Nil(t, listed[1].Parked)
	s.remember("acct_1", &catalog.Last{Outcome: catalog.Succeeded, At: noon})
	require.Zero(t, s.run("status", "-o", "json"), s.stderr.String())
	var status []struct {
		Account string
		Parked  *account.Parking
	}
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &status))
	require.NotNil(t, status[0].Parked)
	require.Zero(t, s.run("status"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "parked since 2026")

	require.Zero(t, s.run("accounts", "resume", "acct_1", "acct_2", "--why", "back", "--by", "bob"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "acct_1  has returned; it was parked since")
	require.Contains(t, s.stdout.String(), "acct_2  is not parked: nothing was done")
	require.Zero(t, s.run("accounts", "list"), s.stderr.String())
	require.NotContains(t, s.stdout.String(), "parked")
}

func TestParkingThatIsNotDone(t *testing.T) {
	s := newStage(t)
	f := s.standsBy()
	require.Equal(t, exitUsage, s.run("accounts", "park", "acct_1"), "without a reason")
	require.Equal(t, exitUsage, s.run("accounts", "park", "--why", "x"))
	require.Equal(t, exitUsage, s.run("accounts", "resume", "acme", "--why", "x"))
	s.app.IsTerminal = func(stream any) bool { return stream == s.app.Stdin }
	s.stdin = "n\n"
	for _, verb := range []string{"park", "resume"} {
		require.Equal(t, exitUsage, s.run("accounts", verb, "acct_1", "--why", "x", "--by", "ada"))
		require.Contains(t, s.stderr.String(), "nothing was "+verb)
	}
	f.err = errors.New("away")
	require.Equal(t, exitFailed,
		s.run("accounts", "park", "acct_1", "acct_2", "--why", "x", "--by", "ada", "--yes", "-o", "json"))
	var done []standingDone
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &done))
	require.Len(t, done, 2, "one that fails keeps no other back")
	require.Contains(t, done[0].Error, "acct_1 is not parked: away")
	require.Contains(t, s.stderr.String(), "acct_2 is not parked")

	_, err := s.store.Put(t.Context(), "state", "state/standings/acct_1.json", "", []byte("{"), "")
	require.NoError(t, err)
	require.Equal(t, exitFailed, s.run("accounts", "show", "acct_1"))
	require.True(t, strings.Contains(s.stderr.String(), "standings/acct_1.json is not readable"), s.stderr.String())
}
