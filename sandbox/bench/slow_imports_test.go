package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

const (
	slowCatalogs = 200
	ordersBeside = 20
	noticeable   = 5 * time.Second // of an order, which takes less than a second
)

// BenchmarkOrderBesideSlowImports is how long an order takes from Stripe's webhook until it is accepted by the merchant
// (S3) and paid, while 200 other accounts have catalogs on their way that Stripe takes hours for. The orders come one
// after the other, the first of them as soon as the syncs are started. imports is how many of the 200 are at Stripe
// after the last.
func BenchmarkOrderBesideSlowImports(b *testing.B) {
	for _, slow := range []int{0, slowCatalogs} {
		b.Run(fmt.Sprint(slow), func(b *testing.B) { orderBeside(b, slow) })
	}
}

func orderBeside(b *testing.B, slow int) {
	sandbox := startSandbox(b)
	control := simcontrol.Client{BaseURL: sandbox.Stripe}
	sell(b, sandbox)
	server, _ := startServer(b, sandbox)
	temporal, err := client.Dial(client.Options{
		HostPort: sandbox.Env["TEMPORAL_ADDRESS"], Namespace: sandbox.Env["TEMPORAL_NAMESPACE"], Logger: silent{},
	})
	require.NoError(b, err)
	defer temporal.Close()
	startWorker(b, sandbox)
	require.NoError(b, control.SetImportDelay(b.Context(), time.Hour))
	accounts := exports(b, sandbox, slow)
	events := purchase(b, control, 2*ordersBeside)
	var took []time.Duration
	var slowest time.Duration
	for b.Loop() {
		syncAll(b, temporal, accounts)
		for _, event := range events {
			var e struct {
				Type string
				Data struct{ Object struct{ ID string } }
			}
			require.NoError(b, json.Unmarshal(event, &e))
			if e.Type == "checkout.session.completed" {
				took = append(took, fulfilled(b, temporal, server, event, e.Data.Object.ID))
				if last := took[len(took)-1]; last > max(slowest, noticeable) {
					slowest = last
					b.Logf("order %d took %s: %s", len(took), last, waitsOf(b, temporal, e.Data.Object.ID))
				}
			}
		}
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds(), "p50-s")
	b.ReportMetric(took[len(took)-1].Seconds(), "max-s")
	b.ReportMetric(float64(imported(b, control, accounts)), "imports")
	b.ReportMetric(0, "ns/op")
}

// exports gives so many accounts a small catalog each.
func exports(b *testing.B, t task, n int) (accounts []string) {
	b.Helper()
	objects, err := t.objects(b.Context())
	require.NoError(b, err)
	const products = "id,title,description,link,image_link,availability,inventory_quantity,price\n" +
		"sku1,Title,Words,https://shop.example/1,https://shop.example/1.jpg,in_stock,10,9.99 USD\n"
	for i := range n {
		account := fmt.Sprintf("acct_slow%03d", i)
		key := strings.NewReplacer("{account}", account, "{feed}", "product").Replace("catalogs/{account}/{feed}.csv")
		_, err := objects.Write(b.Context(), t.Env["VITRINE_SOURCE_BUCKET"], key, "text/csv",
			bytes.NewReader([]byte(products)))
		require.NoError(b, err)
		accounts = append(accounts, account)
	}
	return accounts
}

func syncAll(b *testing.B, temporal client.Client, accounts []string) {
	b.Helper()
	for _, account := range accounts {
		in := workflows.CatalogSyncInput{Account: account, Feed: feed.Product}
		_, err := temporal.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{
			ID: in.WorkflowID(), TaskQueue: workflows.TaskQueue, Priority: in.Priority(),
			TypedSearchAttributes: in.SearchAttributes(),
		}, workflows.CatalogSyncType, in)
		require.NoError(b, err)
	}
}

func fulfilled(b *testing.B, temporal client.Client, server string, event []byte, session string) time.Duration {
	b.Helper()
	http := newClient()
	defer http.CloseIdleConnections()
	began := time.Now()
	require.NoError(b, post(http, server, event))
	id := order.ID{Account: account, Session: session}.String()
	require.Eventually(b, func() bool {
		var view workflows.OrderView
		// The SDK repeats a question for a minute, which is no time that the order takes.
		ctx, cancel := context.WithTimeout(b.Context(), 2*time.Second)
		defer cancel()
		answer, err := temporal.QueryWorkflow(ctx, id, "", workflows.QueryOrder)
		return err == nil && answer.Get(&view) == nil && view.State == order.StateAccepted
	}, 10*time.Minute, 20*time.Millisecond)
	return time.Since(began)
}

// waitsOf is what an order's tasks and steps waited for a worker, and how long their last try took.
func waitsOf(b *testing.B, temporal client.Client, session string) string {
	b.Helper()
	var text strings.Builder
	scheduled := map[int64]*historypb.HistoryEvent{}
	name := func(e *historypb.HistoryEvent) string {
		return cmp.Or(e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName(), "workflow task")
	}
	id := order.ID{Account: account, Session: session}.String()
	history := temporal.GetWorkflowHistory(b.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		require.NoError(b, err)
		scheduled[e.GetEventId()] = e
		activity := e.GetActivityTaskStartedEventAttributes()
		began := scheduled[cmp.Or(activity.GetScheduledEventId(),
			e.GetWorkflowTaskStartedEventAttributes().GetScheduledEventId())]
		if began == nil {
			continue
		}
		waited := e.GetEventTime().AsTime().Sub(began.GetEventTime().AsTime())
		if waited > noticeable/10 {
			fmt.Fprintf(&text, "%s waited %s (try %d, last failure %q); ", name(began), waited, activity.GetAttempt(),
				activity.GetLastFailure().GetMessage())
		}
	}
	return text.String()
}

func imported(b *testing.B, control simcontrol.Client, accounts []string) (n int) {
	b.Helper()
	for _, account := range accounts {
		imports, err := control.Imports(b.Context(), account)
		require.NoError(b, err)
		n += len(imports)
	}
	return n
}

// silent is the log of the benchmark's own client.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
