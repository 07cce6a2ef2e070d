package e2e

import (
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"vitrine/internal/account"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// putsAtOnce are the writes that a test has under way at once where it writes thousands.
const putsAtOnce = 16

// settles gives accounts to the fleet, and each a catalog.
func (r *room) settles(members []string, products int) {
	r.t.Helper()
	ctx, text := within(r.t), csv(numbered(products)...)
	var all sync.WaitGroup
	errs, next := make([]error, len(members)), make(chan int)
	for range putsAtOnce {
		all.Go(func() {
			for i := range next {
				is := account.Settings{Account: members[i], StartedBy: account.ByFleet}
				_, key := is.Source(r.layout, feed.Product)
				if errs[i] = r.accounts.SaveSettings(ctx, is); errs[i] == nil {
					_, errs[i] = r.documents.Objects.Write(ctx, r.layout.SourceBucket, key, "text/csv",
						strings.NewReader(text))
				}
			}
		})
	}
	for i := range members {
		next <- i
	}
	close(next)
	all.Wait()
	for _, err := range errs {
		require.NoError(r.t, err)
	}
}

// syncsByAccount counts the syncs of a room, however many there are.
func (r *room) syncsByAccount() map[string]int {
	r.t.Helper()
	counted, page := map[string]int{}, []byte(nil)
	for {
		listed, err := r.temporal.ListWorkflow(within(r.t), &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: r.namespace, PageSize: 1000, NextPageToken: page,
			Query: fmt.Sprintf("WorkflowType = '%s'", workflows.CatalogSyncType),
		})
		require.NoError(r.t, err)
		for _, run := range listed.GetExecutions() {
			counted[strings.Split(run.GetExecution().GetWorkflowId(), "/")[1]]++
		}
		if page = listed.GetNextPageToken(); len(page) == 0 {
			return counted
		}
	}
}

// importsByAccount counts the imports of the accounts whose ids begin so.
func (r *room) importsByAccount(prefix string) map[string]int {
	r.t.Helper()
	imports, err := r.emulator.Imports(within(r.t), "")
	require.NoError(r.t, err)
	counted := map[string]int{}
	for _, i := range imports {
		if strings.HasPrefix(i.Account, prefix) {
			counted[i.Account]++
		}
	}
	return counted
}

// crowd is how many shops there are: two thousand take both cores for minutes, and all other tests would wait for them
// (make test-fleet).
func crowd(t *testing.T) int {
	t.Helper()
	asked := os.Getenv("VITRINE_ACCOUNTS")
	if asked == "" {
		return 200
	}
	accounts, err := strconv.Atoi(asked)
	require.NoError(t, err, "VITRINE_ACCOUNTS")
	return accounts
}

// A crowd of shops exports at once, and later some of them once more: every version is sent, once, by one run.
func TestACrowdIsSynced(t *testing.T) {
	accounts, again := crowd(t), 20
	r, _ := enterFleet(t, 0)
	first := r.account
	r.settings["VITRINE_LOG_LEVEL"], r.settings["VITRINE_STRIPE_RATE"] = "error", "2000"
	var members []string
	want := map[string]int{}
	for i := range accounts {
		members = append(members, fmt.Sprintf("%sx%04d", first, i))
		want[members[i]] = 1
	}
	began := time.Now()
	r.settles(members, 1)
	t.Logf("%d shops and their catalogs: %s", accounts, time.Since(began).Round(time.Second))
	r.startPlainWorker()
	r.does("fleet", "apply", "--all", "--open", "500", "--starts", "500")

	looked := fleet.Documents{Store: statestore.Store{Objects: r.documents.Objects, Layout: r.layout}}
	settled := func() int {
		s, _, err := looked.Summary(within(t), 0)
		require.NoError(t, err)
		return s.Total(fleet.Settled)
	}
	for n := accounts / 4; n <= accounts; n += accounts / 4 { // each of them has its time
		r.keepsLooking(fmt.Sprint(n, " of them being settled"), func() bool { return settled() >= n })
	}
	t.Logf("all of them settled: %s", time.Since(began).Round(time.Second))
	require.Equal(t, want, r.importsByAccount(first+"x"), "imports of each account")

	for i := range again {
		changed := members[i*accounts/again]
		want[changed] = 2
		r.exports(changed, 2)
	}
	r.keepsLooking("those that changed being settled, too", func() bool {
		return maps.Equal(want, r.importsByAccount(first+"x")) && settled() == accounts
	})
	r.await("every run being listed", func() bool { return len(r.syncsByAccount()) == accounts })
	require.Equal(t, want, r.syncsByAccount(), "runs of each account")
	t.Logf("in all: %s", time.Since(began).Round(time.Second))
}
