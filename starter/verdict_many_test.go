package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/workflows"
)

// manyHeld is a fleet of which a mistake holds most: some for prices alone, one for a shrink too, and one not at all.
func manyHeld(t *testing.T) (s *stage, decided func() map[string]workflows.VerdictInput) {
	t.Helper()
	s = newStage(t)
	var list strings.Builder
	for i := range 6 {
		fmt.Fprintf(&list, "acct_%d\n", i)
	}
	require.Zero(t, s.apply(list.String(), "--rate", "1000"), s.stderr.String())
	moved := catalog.HoldReason{Guard: "price_moves", Text: "all prices moved"}
	for i := range 5 {
		s.holds(fmt.Sprintf("acct_%d", i), feed.Product, func(state *catalog.State) {
			state.Held.Reasons, state.Held.Version = []catalog.HoldReason{moved}, fmt.Sprintf("v%d", i)
			if i == 4 {
				state.Held.Reasons = append(state.Held.Reasons,
					catalog.HoldReason{Guard: "shrink", Text: "half is gone"})
			}
		})
	}
	var mu sync.Mutex
	verdicts := map[string]workflows.VerdictInput{}
	s.temporal.answer = func(o client.UpdateWorkflowOptions) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		in := o.Args[0].(workflows.VerdictInput)
		verdicts[o.WorkflowID] = in
		return workflows.VerdictResult{Version: in.Version}, nil
	}
	return s, func() map[string]workflows.VerdictInput { return verdicts }
}

func TestAVerdictAboutManyHasAPlan(t *testing.T) {
	t.Parallel()
	s, decided := manyHeld(t)
	why := []string{"--why", "VAT was corrected", "--by", "ada"}
	require.Zero(t, s.run(append([]string{"approve", "--reason", "price_moves", "--dry-run"}, why...)...),
		s.stderr.String())
	require.Contains(t, s.stdout.String(),
		"Plan: 4 held feeds to be approved; together they would send 480 rows and delete 1,200. 1 feed is held for other reasons too")
	require.Equal(t, exitUsage, s.run(append([]string{"approve", "--reason", "price_moves"}, why...)...),
		"a script says --yes")
	require.Empty(t, decided())

	require.Zero(t, s.run(append([]string{"approve", "--reason", "price_moves", "--yes"}, why...)...),
		s.stderr.String())
	require.Contains(t, s.stdout.String(), "4 feeds approved.")
	require.Len(t, decided(), 4)
	require.Equal(t, workflows.VerdictInput{By: "ada", Why: "VAT was corrected", Version: "v2"},
		decided()["catalog-sync/acct_2/product"])
}

func TestAVerdictAboutAList(t *testing.T) {
	t.Parallel()
	s, decided := manyHeld(t)
	list := filepath.Join(t.TempDir(), "accounts.txt")
	require.NoError(t, os.WriteFile(list, []byte("acct_1\nacct_4\nacct_5\n"), 0o600))
	require.Zero(t, s.run("reject", "--file", list, "--why", "cut off", "--by", "ada", "--yes", "-o", "json"),
		s.stderr.String())
	var p verdictPlan
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &p))
	require.Len(t, p.Taken, 2)
	require.Equal(t, "rejected", p.Taken[0].Verdict)
	require.Len(t, decided(), 2)
	require.Zero(t,
		s.run("reject", "acct_0", "acct_1", "--feed", "pricing", "--why", "x", "--by", "ada", "--yes", "-o", "json"))
	require.Len(t, decided(), 2, "another feed is not held")
}

func TestARunThatTakesNoVerdictKeepsNoOtherBack(t *testing.T) {
	t.Parallel()
	s, _ := manyHeld(t)
	s.temporal.answer = func(o client.UpdateWorkflowOptions) (any, error) {
		if o.WorkflowID == "catalog-sync/acct_1/product" {
			return nil, errors.New("the server is away")
		}
		return workflows.VerdictResult{Version: "v"}, nil
	}
	require.Equal(t, exitFailed, s.run("approve", "acct_0", "acct_1", "acct_2", "--why", "x", "--by", "ada", "--yes"))
	require.Contains(t, s.stdout.String(), "2 feeds approved.")
	require.Contains(t, s.stderr.String(), "acct_1/product: send the verdict")
}

func TestMistakesOfVerdictsAboutMany(t *testing.T) {
	t.Parallel()
	s, decided := manyHeld(t)
	for _, args := range [][]string{
		{"approve"}, {"approve", "--reason", "shrink", "--follow"}, {"approve", "acct_1", "acct_2", "--version", "v1"},
		{"approve", "acct_1", "--file", "x"}, {"approve", "--reason", "shrink", "--feed", "pets"},
	} {
		require.Equal(t, exitUsage, s.run(append(args, "--why", "x", "--by", "ada", "--yes")...), args)
	}
	require.Equal(t, exitFailed, s.run("approve", "--reason", "empty_source", "--why", "x", "--by", "ada", "--yes"))
	require.Contains(t, s.stderr.String(), "nothing was decided")
	require.Empty(t, decided())
}
