package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
)

const rehearsed = "id,title,description,link,image_link,availability,price\n" +
	"GOOD,Lamp,A lamp,https://e.com/1,https://e.com/1.jpg,in_stock,1.00 USD\n" +
	"ODD,Lamp,A lamp,https://e.com/2,https://e.com/2.jpg,in_stock,1.00 USD\n" +
	"BAD,,A lamp,https://e.com/3,https://e.com/3.jpg,in_stock,1.00 USD\n" +
	"STRICT,Lamp,A lamp,https://e.com/4,https://e.com/4.jpg,in_stock,0.001 USD\n" +
	"RAGGED,Lamp\n"

func (s *stage) rehearses(exit int, args ...string) (r rehearsal) {
	s.t.Helper()
	require.Equal(s.t, exit, s.run(append([]string{"rehearse", "acct_1", "-o", "json"}, args...)...), s.stderr.String())
	require.NoError(s.t, json.Unmarshal(s.stdout.Bytes(), &r), s.stdout.String())
	return r
}

func TestARehearsalPutsTheVerdictsBesideEachOther(t *testing.T) {
	for _, api := range []string{"v1", "v2"} {
		t.Run(api, func(t *testing.T) {
			s := newStage(t)
			sim := s.stripeAt(sandboxKey)
			s.environment(map[string]string{"VITRINE_STRIPE_IMPORT_API": api})
			s.export("acct_1", rehearsed)
			before, err := s.store.List(t.Context(), "state", "")
			require.NoError(t, err)
			_, err = sim.AddFault(t.Context(),
				simcontrol.Fault{Kind: simcontrol.FaultImportRefuse, IDs: []string{"ODD"}})
			require.NoError(t, err)
			r := s.rehearses(exitDoubts, "--as", "acct_sandbox")
			require.Equal(t, int64(5), r.Rows)
			require.Equal(t, int64(4), r.Sent)
			require.Equal(t, int64(1), r.Both, "a row without a title")
			require.Equal(t, int64(1), r.NotSent, "a row that has too few fields")
			require.Len(t, r.Vitrine, 1)
			require.Equal(t, "STRICT", r.Vitrine[0].ID)
			require.Equal(t, int64(5), r.Vitrine[0].Line)
			require.Contains(t, r.Vitrine[0].Reason, "price")
			require.Len(t, r.Stripe, 1)
			require.Equal(t, "ODD", r.Stripe[0].ID)
			require.Len(t, r.Imports, 1)
			products, err := sim.Catalog(t.Context(), "acct_sandbox")
			require.NoError(t, err)
			require.Len(t, products, 2, "the sandbox has what Stripe took")
			products, err = sim.Catalog(t.Context(), "acct_1")
			require.NoError(t, err)
			require.Empty(t, products)
			after, err := s.store.List(t.Context(), "state", "")
			require.NoError(t, err)
			require.Equal(t, before, after, "nothing is written")
		})
	}
}

func TestARehearsalInWords(t *testing.T) {
	s := newStage(t)
	sim := s.stripeAt(sandboxKey)
	s.export("acct_1", rehearsed)
	require.Equal(t, exitDoubts, s.run("rehearse", "acct_1"), s.stderr.String())
	for _, said := range []string{"rehearsed as acct_1, by v1", "5, 4 of them sent; 1 refused by both",
		"Refused by Vitrine alone", "STRICT"} {
		require.Contains(t, s.stdout.String(), said)
	}
	require.Contains(t, s.stderr.String(), "1 row judged differently")
	require.NoError(t, sim.Reset(t.Context()))
	s.export("acct_1", strings.SplitAfter(rehearsed, "1.00 USD\n")[0])
	for range 2 { // the second is an import of its own
		require.Zero(t, s.run("rehearse", "acct_1"), s.stderr.String())
		require.Contains(t, s.stdout.String(), "Both judge every row alike.")
	}
	imports, err := sim.Imports(t.Context(), "acct_1")
	require.NoError(t, err)
	require.Len(t, imports, 2)
}

func TestRehearsalsThatAreNone(t *testing.T) {
	s := newStage(t)
	sim := s.stripeAt("sk_live_0123456789abcdef")
	s.export("acct_1", rehearsed)
	require.Equal(t, exitUsage, s.run("rehearse", "acct_1"))
	require.Contains(t, s.stderr.String(), "no sandbox's")
	require.NotContains(t, s.stderr.String(), "sk_live_0123")
	requests, err := sim.Requests(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, requests, "a live key is not even tried")

	sim = s.stripeAt(sandboxKey)
	require.Equal(t, exitUsage, s.run("rehearse", "acct_1", "--as", "acme"))
	require.Equal(t, exitUsage, s.run("rehearse", "acct_1", "--feed", "pets"))
	require.Equal(t, exitFailed, s.run("rehearse", "acct_2"))
	require.Contains(t, s.stderr.String(), "rehearsal of acct_2")
	_, err = sim.AddFault(t.Context(), simcontrol.Fault{Kind: simcontrol.FaultImportFail, Message: "header unknown"})
	require.NoError(t, err)
	require.Equal(t, exitFailed, s.run("rehearse", "acct_1"))
	require.Contains(t, s.stderr.String(), "failed as a whole: header unknown")
	_, err = sim.AddFault(t.Context(), simcontrol.Fault{Kind: simcontrol.FaultStatus, Status: 403, Times: -1})
	require.NoError(t, err)
	require.Equal(t, exitFailed, s.run("rehearse", "acct_1"))
	require.Contains(t, s.stderr.String(), "upload part 1")
	require.NoError(t, sim.ClearFaults(t.Context()))
	// What Stripe's list does not name is open, and no reason to call the two alike.
	_, err = sim.AddFault(t.Context(), simcontrol.Fault{Kind: simcontrol.FaultErrorFile, Odd: "html"})
	require.NoError(t, err)
	r := s.rehearses(exitDoubts)
	require.NotEmpty(t, r.Open)
}
