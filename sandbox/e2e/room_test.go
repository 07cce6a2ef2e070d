package e2e

import (
	"bytes"
	"context"
	csvfile "encoding/csv"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore"
	reports "vitrine/internal/report"
	"vitrine/internal/simcontrol"
	"vitrine/internal/statestore"
	"vitrine/sandbox/catalogs"
	"vitrine/sandbox/child"
)

// room is a test's own part of the sandbox.
type room struct {
	t         *testing.T
	account   string
	namespace string
	key       string // of Stripe
	bin       string // directory of the worker and the starter that are run

	layout    statestore.Layout
	accounts  account.Documents
	documents catalog.Documents
	emulator  simcontrol.Client
	temporal  client.Client
	settings  map[string]string // environment beyond the sandbox's
	newest    client.WorkflowRun
	workers   []*worker
}

var rooms atomic.Int64

// enter gives a test its room, and lets it run beside the others.
func enter(t *testing.T) *room {
	t.Helper()
	t.Parallel()
	number := int(rooms.Add(1)) - 1
	require.Less(t, number, namespaces, "there are more tests than namespaces: raise the constant")
	name := fnv.New32a()
	_, _ = name.Write([]byte(t.Name()))
	r := &room{
		t:         t,
		account:   fmt.Sprintf("acct_e2e%02d%08x", number, name.Sum32()),
		namespace: namespaceOf(number),
		key:       fmt.Sprintf("sk_test_e2e%02d%08x", number, name.Sum32()),
		bin:       house.bin,
		emulator:  simcontrol.Client{BaseURL: house.ready.Stripe},
		settings: map[string]string{
			// Stripe's 15 minutes are for tests that are about them.
			"VITRINE_IMPORT_INTERVAL": "1s",
			"VITRINE_LOG_LEVEL":       "debug",
		},
	}
	r.openDocuments()
	r.dialTemporal()
	return r
}

// races has the room's processes run with the race detector: for tests in which much happens at once.
func (r *room) races() {
	r.t.Helper()
	bin, err := raceBin()
	require.NoError(r.t, err)
	r.bin = bin
}

func (r *room) openDocuments() {
	r.t.Helper()
	cfg, err := config.LoadStarter(func(name string) (string, bool) {
		value, set := r.variables()[name]
		return value, set
	})
	require.NoError(r.t, err)
	r.layout = cfg.Layout()
	objects, err := objectstore.New(r.t.Context(), objectstore.Options{
		PathStyle: true, Endpoint: house.ready.S3, Region: house.ready.Env["AWS_REGION"],
		AccessKeyID: house.ready.Env["AWS_ACCESS_KEY_ID"], SecretAccessKey: house.ready.Env["AWS_SECRET_ACCESS_KEY"],
	})
	require.NoError(r.t, err)
	r.documents = catalog.Documents{Store: statestore.Store{Objects: objects, Layout: r.layout}}
	r.accounts = account.Documents{Store: r.documents.Store}
}

func (r *room) dialTemporal(changes ...func(*client.Options)) {
	r.t.Helper()
	o := client.Options{
		HostPort:  house.ready.Env["TEMPORAL_ADDRESS"],
		Namespace: r.namespace,
		Logger:    log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		ConnectionOptions: client.ConnectionOptions{
			DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(patiently)},
		},
	}
	for _, change := range changes {
		change(&o)
	}
	c, err := client.Dial(o)
	require.NoError(r.t, err)
	r.t.Cleanup(c.Close)
	r.temporal = c
}

// patiently gives Temporal the time that a busy machine takes. Its client gives a call ten seconds.
func patiently(
	ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker,
	options ...grpc.CallOption,
) error {
	wide, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})
	defer stop()
	return call(wide, method, request, reply, conn, options...)
}

// variables are what worker and starter of this room are configured with.
func (r *room) variables() map[string]string {
	all := maps.Clone(house.ready.Env)
	all["TEMPORAL_NAMESPACE"] = r.namespace
	all["STRIPE_API_KEY"] = r.key
	maps.Copy(all, r.settings)
	return all
}

func (r *room) environ(extra ...string) []string {
	// The race detector would have each process that ends wait for a second, for reports of others.
	env := append(child.Isolated(os.Environ()), "GORACE=atexit_sleep_ms=0")
	variables := r.variables()
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		env = append(env, name+"="+variables[name])
	}
	return append(env, extra...)
}

// sourceKey is where the account's catalog is expected.
func (r *room) sourceKey() string {
	_, key := account.Settings{Account: r.account}.Source(r.layout, feed.Product)
	return key
}

// export puts a catalog where the account's shop would, and returns what is in it.
func (r *room) export(o catalogs.Options) catalogs.Summary {
	r.t.Helper()
	return r.exportTo(r.sourceKey(), o)
}

func (r *room) exportTo(key string, o catalogs.Options) catalogs.Summary {
	r.t.Helper()
	// A file, because the AWS SDK wants to seek, and a catalog may be larger than a test's memory should be.
	file, err := os.CreateTemp(r.t.TempDir(), "catalog")
	require.NoError(r.t, err)
	defer file.Close()
	summary, err := catalogs.Write(file, o)
	require.NoError(r.t, err)
	_, err = file.Seek(0, io.SeekStart)
	require.NoError(r.t, err)
	r.put(r.layout.SourceBucket, key, file)
	return summary
}

// exportText puts any text where the catalog is expected.
func (r *room) exportText(content string) {
	r.t.Helper()
	r.exportFeed(feed.Product, content)
}

func (r *room) exportFeed(kind feed.Kind, content string) {
	r.t.Helper()
	_, key := account.Settings{Account: r.account}.Source(r.layout, kind)
	r.put(r.layout.SourceBucket, key, strings.NewReader(content))
}

func (r *room) put(bucket, key string, content io.Reader) {
	r.t.Helper()
	_, err := r.documents.Objects.Write(within(r.t), bucket, key, "text/csv", content)
	require.NoError(r.t, err)
}

// state is what Vitrine remembers about the account's product feed.
func (r *room) state() catalog.State {
	r.t.Helper()
	return r.stateOf(feed.Product)
}

func (r *room) stateOf(kind feed.Kind) catalog.State {
	r.t.Helper()
	state, _, err := r.documents.State(within(r.t), catalog.ID{Account: r.account, Feed: kind})
	require.NoError(r.t, err)
	return state
}

// report is the last one of the account's product feed.
func (r *room) report() catalog.Report {
	r.t.Helper()
	return r.reportOf(feed.Product)
}

func (r *room) reportOf(kind feed.Kind) catalog.Report {
	r.t.Helper()
	last := r.stateOf(kind).Last
	require.NotNil(r.t, last, "nothing was recorded")
	require.NotEmpty(r.t, last.Report, "no report was written")
	report, err := r.documents.Report(within(r.t), last.Report)
	require.NoError(r.t, err)
	return report
}

// object is the content of anything in the state bucket.
func (r *room) object(key string) []byte {
	r.t.Helper()
	content, _, err := r.documents.Get(within(r.t), key)
	require.NoError(r.t, err)
	return content
}

// stateKeys names what Vitrine keeps about the account.
func (r *room) stateKeys() []string {
	r.t.Helper()
	prefix := strings.TrimSuffix(r.layout.Catalog(r.account, feed.Product).StateKey(), "state.json")
	keys, err := r.documents.List(within(r.t), prefix)
	require.NoError(r.t, err)
	return keys
}

// imports are the account's import sets at Stripe, oldest first.
func (r *room) imports() []simcontrol.Import {
	r.t.Helper()
	imports, err := r.emulator.Imports(within(r.t), r.account)
	require.NoError(r.t, err)
	return imports
}

// uploads are the files that were sent to Stripe for the account.
func (r *room) uploads() []simcontrol.File {
	r.t.Helper()
	files, err := r.emulator.Files(within(r.t), r.account)
	require.NoError(r.t, err)
	return slices.DeleteFunc(files,
		func(f simcontrol.File) bool { return f.Purpose != "data_management_manual_upload" })
}

// findings are the entries of a report.
func (r *room) findings(report catalog.Report) []catalog.ReportEntry {
	r.t.Helper()
	var entries []catalog.ReportEntry
	for entry, err := range reports.NewReader(bytes.NewReader(r.object(report.Findings))).All() {
		require.NoError(r.t, err)
		entries = append(entries, entry)
	}
	return entries
}

// lastUpload are the rows of the file that was sent last, by v1: the header, then the rest.
func (r *room) lastUpload() [][]string {
	r.t.Helper()
	uploads := r.uploads()
	require.NotEmpty(r.t, uploads)
	return r.rowsOf(uploads[len(uploads)-1])
}

// rowsOf reads a file back from Stripe, as the account's owner could.
func (r *room) rowsOf(file simcontrol.File) [][]string {
	r.t.Helper()
	request, err := http.NewRequestWithContext(within(r.t), http.MethodGet,
		house.ready.Stripe+filesPath+"/"+file.ID+"/contents", nil)
	require.NoError(r.t, err)
	request.Header.Set("Authorization", "Bearer "+r.key)
	request.Header.Set("Stripe-Account", r.account)
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	defer response.Body.Close()
	require.Equal(r.t, http.StatusOK, response.StatusCode)
	table := csvfile.NewReader(response.Body)
	if file.ContentType == "text/tab-separated-values" {
		table.Comma = '\t'
	}
	rows, err := table.ReadAll()
	require.NoError(r.t, err)
	return rows
}

// requests are the calls that reached Stripe for the account.
func (r *room) requests() []simcontrol.Request {
	r.t.Helper()
	requests, err := r.emulator.Requests(within(r.t), r.account)
	require.NoError(r.t, err)
	return requests
}

// products counts what Stripe has of the account.
func (r *room) products() int {
	r.t.Helper()
	page, err := r.emulator.CatalogPage(within(r.t), r.account, "", 1)
	require.NoError(r.t, err)
	return page.Count
}

// maxInFlight is how many imports of one feed of the account were ever under way at once.
func (r *room) maxInFlight() int {
	r.t.Helper()
	stats, err := r.emulator.Stats(within(r.t))
	require.NoError(r.t, err)
	most := 0
	for where, n := range stats.MaxInFlight {
		if strings.HasPrefix(where, r.account+"/") {
			most = max(most, n)
		}
	}
	return most
}

// fault arms a fault that strikes this account only.
func (r *room) fault(f simcontrol.Fault) simcontrol.ArmedFault {
	r.t.Helper()
	f.Match.Account = r.account
	armed, err := r.emulator.AddFault(within(r.t), f)
	require.NoError(r.t, err)
	return armed
}

// runs are the room's workflow runs, as Temporal lists them: a little late.
func (r *room) runs() []*workflow.WorkflowExecutionInfo {
	r.t.Helper()
	listed, err := r.temporal.ListWorkflow(within(r.t),
		&workflowservice.ListWorkflowExecutionsRequest{Namespace: r.namespace})
	require.NoError(r.t, err)
	return listed.GetExecutions()
}

// history is all that happened in a run.
func (r *room) history(workflowID, runID string) []*historypb.HistoryEvent {
	r.t.Helper()
	events := r.temporal.GetWorkflowHistory(within(r.t), workflowID, runID, false, 0)
	var history []*historypb.HistoryEvent
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(r.t, err)
		history = append(history, event)
	}
	return history
}

// await polls until holds does, and says what it waited for if it never does.
func (r *room) await(what string, holds func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	// What takes long is looked at less often: many tests look at once, and a look may be a query that a worker
	// answers.
	for pause := 20 * time.Millisecond; !holds(); pause = min(pause*3/2, 300*time.Millisecond) {
		if time.Now().After(deadline) {
			require.FailNow(r.t, "waited in vain", "%s did not happen within %s", what, patience)
		}
		time.Sleep(pause)
	}
}

// requireNowhere fails if text is in anything that is kept: histories, state, reports.
func (r *room) requireNowhere(text string) {
	r.t.Helper()
	r.await("the runs being listed", func() bool { return len(r.runs()) > 0 })
	for _, run := range r.runs() {
		for _, event := range r.history(run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId()) {
			require.NotContains(r.t, event.String(), text, "the history of %s", run.GetExecution().GetWorkflowId())
		}
	}
	for _, key := range r.stateKeys() {
		require.False(r.t, bytes.Contains(r.object(key), []byte(text)), "%s has it", key)
	}
}
