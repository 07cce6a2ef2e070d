package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
)

func TestAgreementsAreListedByAccountAndAgent(t *testing.T) {
	s := newStage(t)
	sim := s.stripeAt(sandboxKey)
	require.Zero(t, s.run("agreements", "list"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "No account is known yet")
	require.Zero(t, s.apply("acct_1\nacct_2\n"), s.stderr.String())
	require.Zero(t, s.run("agreements", "list"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "no agent may sell yet for 2 accounts")
	s.put("state/acct_7/product/state.json", "application/json", "{}")
	s.put("accounts/acct_8/orders.json", "application/json", "{}")
	require.Zero(t, s.run("agreements", "list"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "no agent may sell yet for 4 accounts", "settings or not")
	require.Zero(t, s.run("agreements", "show", "acct_1"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "no agent may sell for it yet")

	ada, err := sim.MakeAgreement(t.Context(), "acct_1", simcontrol.Agreement{Agent: "Ada", Status: "confirmed"})
	require.NoError(t, err)
	_, err = sim.MakeAgreement(t.Context(), "acct_2", simcontrol.Agreement{Agent: "Bob\x1b[31m"})
	require.NoError(t, err)
	require.Zero(t, s.run("agreements", "list"), s.stderr.String())
	require.Regexp(t, `(?s)acct_1 +Ada +confirmed.*acct_2 +Bob.* +initiated`, s.stdout.String())
	require.NotContains(t, s.stdout.String(), "\x1b")
	require.Zero(t, s.run("agreements", "list", "acct_3"), s.stderr.String())
	require.Contains(t, s.stdout.String(), "for 1 account")

	require.Zero(t, s.run("agreements", "show", "acct_1"), s.stderr.String())
	for _, said := range []string{"Ada", "confirmed, since", ada.ID, ada.Profile, "orchestrator", "the account, ",
		"the agent, "} {
		require.Contains(t, s.stdout.String(), said)
	}
	require.Zero(t, s.run("agreements", "list", "-o", "json"))
	var views []struct{ Account, ID, Agent, Status string }
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &views))
	require.Len(t, views, 2)
	require.Equal(t, ada.ID, views[0].ID)
	require.Equal(t, "acct_2", views[1].Account)
}

func TestAgreementsAreProposedOnce(t *testing.T) {
	s := newStage(t)
	sim := s.stripeAt(sandboxKey)
	propose := []string{"agreements", "propose", "acct_1", "profile_test_ada"}
	require.Zero(t, s.run(propose...), s.stderr.String())
	require.Contains(t, s.stderr.String(), "the account's own business")
	require.Contains(t, s.stdout.String(), "agreement with Test Agent: proposed")
	require.Zero(t, s.run(propose...), s.stderr.String())
	require.Contains(t, s.stdout.String(), "was proposed already; nothing was done")

	id := s.onlyAgreement()
	_, err := sim.ChangeAgreement(t.Context(), id, simcontrol.Orchestrator, simcontrol.TerminateAgreement)
	require.NoError(t, err)
	require.Zero(t, s.run("agreements", "terminate", "acct_1", id), s.stderr.String())
	require.Contains(t, s.stdout.String(), "was terminated already")
	require.Zero(t, s.run(propose...), s.stderr.String())
	require.Contains(t, s.stdout.String(), ": proposed", "one that is over is no reason against another")
	require.NotContains(t, s.stdout.String(), id)
}

func (s *stage) onlyAgreement() string {
	s.t.Helper()
	require.Zero(s.t, s.run("agreements", "show", "acct_1", "-o", "json"))
	var views []struct{ ID string }
	require.NoError(s.t, json.Unmarshal(s.stdout.Bytes(), &views))
	require.Len(s.t, views, 1)
	return views[0].ID
}

// A person is asked, and their no is one.
func TestChangesOfAgreementsAsk(t *testing.T) {
	s := newStage(t)
	sim := s.stripeAt(sandboxKey)
	made, err := sim.MakeAgreement(t.Context(), "acct_1", simcontrol.Agreement{Agent: "Ada"})
	require.NoError(t, err)
	s.app.IsTerminal = func(stream any) bool { return stream == s.app.Stdin }
	for _, no := range [][]string{
		{"agreements", "terminate", "acct_1", made.ID},
		{"agreements", "propose", "acct_1", "profile_test_bob"},
	} {
		s.app.Stdin = strings.NewReader("n\n")
		require.Equal(t, exitUsage, s.run(no...), s.stderr.String())
		require.Contains(t, s.stderr.String(), "nothing was")
	}
	require.Equal(t, made.ID, s.onlyAgreement())
	require.Zero(t, s.run("agreements", "terminate", "acct_1", made.ID, "--yes", "-o", "json"), s.stderr.String())
	var done agreementDone
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &done))
	require.Equal(t, "terminated", done.Done)
	require.False(t, done.Already)
	require.Equal(t, "seller", done.TerminatedBy)
}

func TestAgreementsThatCannotBe(t *testing.T) {
	s := newStage(t)
	sim := s.stripeAt(sandboxKey)
	for _, args := range [][]string{
		{"agreements", "propose", "acct_1"}, {"agreements", "propose", "acct_1", "acct_2"},
		{"agreements", "terminate", "acct_1", "profile_1"},
		{"agreements", "show"}, {"agreements", "terminate", "acme", "orca_1"},
	} {
		require.Equal(t, exitUsage, s.run(args...), "%v", args)
	}
	require.Equal(t, exitFailed, s.run("agreements", "terminate", "acct_1", "orca_test_none"))
	require.Contains(t, s.stderr.String(), "orca_test_none of acct_1")
	require.NoError(t, sim.RevokeKey(t.Context(), sandboxKey))
	require.Equal(t, exitFailed, s.run("agreements", "list", "acct_1"))
	require.Contains(t, s.stderr.String(), "acct_1: stripe: the API key is not accepted")
	require.NotContains(t, s.stderr.String(), sandboxKey)
}
