package workflows_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	accounts "vitrine/internal/account"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/staging"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

const (
	account = "acct_123"
	source  = "catalogs/acct_123/product.csv"
	header  = "id,title,description,link,image_link,availability,price\n"
)

// product is a row that nothing is wrong with.
func product(id, price string) string {
	return fmt.Sprintf("%s,Title,d,https://e.com/%s,https://e.com/%s.jpg,in_stock,%s\n", id, id, id, price)
}

// catalogOf is a catalog of products at 1.00 USD.
func catalogOf(ids ...string) string {
	text := header
	for _, id := range ids {
		text += product(id, "1.00 USD")
	}
	return text
}

// many are n ids.
func many(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("sku%03d", i))
	}
	return ids
}

var rows = catalogOf("sku1", "sku2")

// fakeStripe takes what is uploaded into a catalog and remembers what it was asked. It refuses and fails as scripted.
// The real protocol is spoken in the end-to-end tests.
type fakeStripe struct {
	mu       sync.Mutex
	calls    []string           // step and idempotency key or id, in order
	errors   map[string][]error // by step, one for each call
	statuses []catalog.Import   // answers to reads before the import ends
	refuse   map[string]string  // id → why
	unnamed  bool               // it does not say which rows it refused
	fails    map[int]string     // number of the import, from 1 → why it fails
	modes    []catalog.Mode
	uploads  [][]string            // the rows of each import, without the header
	products map[string]string     // id → price
	files    map[string][][]string // by idempotency key
	imports  []catalog.Import
	lists    map[string]string // error file → its text
	breaksAt int               // every list of refused rows breaks off there; 0: none does
}

func newFakeStripe() *fakeStripe {
	return &fakeStripe{
		errors: map[string][]error{}, refuse: map[string]string{}, fails: map[int]string{},
		products: map[string]string{}, files: map[string][][]string{}, lists: map[string]string{},
	}
}

// next notes a call and returns the error that is scripted for it. The caller holds the lock.
func (f *fakeStripe) next(step, what string) error {
	f.calls = append(f.calls, step+" "+what)
	if scripted := f.errors[step]; len(scripted) > 0 {
		f.errors[step] = scripted[1:]
		return scripted[0]
	}
	return nil
}

func (f *fakeStripe) Upload(_ context.Context, u catalog.Upload) (string, error) {
	body, err := io.ReadAll(u.Body)
	if err != nil {
		return "", err
	}
	if int64(len(body)) != u.Size {
		return "", fmt.Errorf("announced %d bytes, sent %d", u.Size, len(body))
	}
	records, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil {
		return "", err
	}
	u.Sent(u.Size)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files["file_"+u.IdempotencyKey] = records
	f.modes = append(f.modes, u.Mode)
	return "file_" + u.IdempotencyKey, f.next("upload", u.IdempotencyKey)
}

func (f *fakeStripe) CreateImport(_ context.Context, _ catalog.ID, file, key string) (catalog.Import, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.next("create", key); err != nil {
		return catalog.Import{}, err
	}
	f.imports = append(f.imports, f.process(f.files[file], fmt.Sprintf("impset_%d", len(f.imports)+1)))
	return catalog.Import{ID: f.imports[len(f.imports)-1].ID, Status: catalog.StatusPending}, nil
}

// process applies a file as Stripe does: rows that are fine, and the others into a list.
func (f *fakeStripe) process(records [][]string, id string) catalog.Import {
	i := catalog.Import{ID: id, Status: catalog.StatusSucceeded, Created: time.Now()}
	if why := f.fails[len(f.imports)+1]; why != "" {
		i.Status, i.FailedReason = catalog.StatusFailed, why
		return i
	}
	head := records[0]
	var list bytes.Buffer
	refused := csv.NewWriter(&list)
	_ = refused.Write(append([]string{feed.ErrorColumn}, head...))
	var sent []string
	for _, row := range records[1:] {
		value := func(column string) string {
			if i := slices.Index(head, column); i >= 0 {
				return row[i]
			}
			return ""
		}
		i.RowsProcessed++
		sent = append(sent, strings.TrimRight(value("id")+" "+value("price"), " "))
		switch why := f.refuse[value("id")]; {
		case why != "":
			i.RowsFailed++
			if !f.unnamed {
				_ = refused.Write(append([]string{why}, row...))
			}
			continue
		case value("delete") == "true":
			delete(f.products, value("id"))
		default:
			f.products[value("id")] = value("price")
		}
		i.RowsSucceeded++
	}
	f.uploads = append(f.uploads, sent)
	if i.RowsFailed > 0 {
		refused.Flush()
		i.Status, i.ErrorFile = catalog.StatusSucceededWithErrors, "file_errors_"+id
		f.lists[i.ErrorFile] = list.String()
	}
	return i
}

func (f *fakeStripe) Import(_ context.Context, _, id string) (catalog.Import, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.next("read", id); err != nil {
		return catalog.Import{}, err
	}
	if len(f.statuses) > 0 {
		first := f.statuses[0]
		f.statuses = f.statuses[1:]
		return first, nil
	}
	for _, i := range f.imports {
		if i.ID == id {
			return i, nil
		}
	}
	return catalog.Import{}, fault.NewPermanent(fault.StripeRejected, fmt.Errorf("no such import: %s", id))
}

func (f *fakeStripe) Refused(_ context.Context, _, file string) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.lists[file]
	if f.breaksAt == 0 {
		return io.NopCloser(strings.NewReader(list)), f.next("contents", file)
	}
	broken := iotest.ErrReader(fault.NewPlain(fault.StripeUnavailable, errors.New("the connection broke")))
	return io.NopCloser(io.MultiReader(strings.NewReader(list[:f.breaksAt]), broken)), f.next("contents", file)
}

// await answers the next reads of an import, before it ends; none for 0.
func (f *fakeStripe) await(status catalog.ImportStatus, reads int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.statuses = slices.Repeat([]catalog.Import{{ID: "impset_1", Status: status}}, reads)
}

// forget begins a new list of what was asked for. An activity of a run that was cancelled may still be ending.
func (f *fakeStripe) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.uploads = nil, nil
}

func (f *fakeStripe) count(step string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if strings.HasPrefix(c, step+" ") {
			n++
		}
	}
	return n
}

// openRuns is a Temporal in which exactly these runs are open.
type openRuns map[string]bool

func (o openRuns) IsOpen(_ context.Context, _, runID string) (bool, error) { return o[runID], nil }

// stage is everything that a run of CatalogSync touches.
type stage struct {
	t      *testing.T
	store  *objectstoretest.Memory
	stripe *fakeStripe
	runs   openRuns
	steps  *activities.CatalogSync

	metrics client.MetricsHandler // nil: nobody counts
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, store: objectstoretest.NewMemory("catalogs"), runs: openRuns{}, stripe: newFakeStripe()}
	documents := catalog.Documents{Store: statestore.Store{Objects: s.store, Layout: statestore.Layout{
		SourceBucket: "catalogs", SourceKey: "catalogs/{account}/{feed}.csv", StateBucket: "catalogs",
		StatePrefix: "state/",
	}}}
	s.steps = &activities.CatalogSync{
		Runs: s.runs, Accounts: accounts.Documents{Store: documents.Store}, Documents: documents,
		Imports: map[feed.API]activities.Imports{feed.V1: s.stripe, feed.V2: s.stripe},
		Stager: staging.Stager{Documents: documents, Rules: accounts.DefaultRules(),
			Limits: staging.Limits{MaxSourceBytes: 1 << 20}},
		Policy: activities.Policy{Interval: 15 * time.Minute, Deadline: 2 * time.Hour},
	}
	return s
}

func (s *stage) put(key, body string) {
	s.t.Helper()
	_, err := s.store.Put(s.t.Context(), "catalogs", key, "text/csv", []byte(body), "")
	require.NoError(s.t, err)
}

func (s *stage) state() catalog.State {
	s.t.Helper()
	state, _, err := s.steps.Documents.State(s.t.Context(), catalog.ID{Account: account, Feed: feed.Product})
	require.NoError(s.t, err)
	return state
}

func (s *stage) setState(change func(*catalog.State)) {
	s.t.Helper()
	state, etag, err := s.steps.Documents.State(s.t.Context(), catalog.ID{Account: account, Feed: feed.Product})
	require.NoError(s.t, err)
	change(&state)
	_, err = s.steps.Documents.SaveState(s.t.Context(), state, etag)
	require.NoError(s.t, err)
}

// nextTurn lets the 15 minutes pass that lie between two imports.
func (s *stage) nextTurn() {
	s.t.Helper()
	s.setState(func(state *catalog.State) {
		state.LastImportAt = time.Time{}
		if state.Unsettled != nil {
			state.Unsettled.NextTry = time.Time{}
		}
	})
}

func (s *stage) report() catalog.Report {
	s.t.Helper()
	report, err := s.steps.Documents.Report(s.t.Context(), s.state().Report)
	require.NoError(s.t, err)
	return report
}

func (s *stage) object(key string) string {
	s.t.Helper()
	body, _, err := s.store.Get(s.t.Context(), "catalogs", key)
	require.NoError(s.t, err)
	return string(body)
}

// newEnvironment is where all workflows of these tests run. By default a workflow that does not yield
// for a second counts as deadlocked (TMPRL1101), and on a busy machine any may take that long.
func newEnvironment(metrics client.MetricsHandler) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetMetricsHandler(metrics)
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{
		DeadlockDetectionTimeout: patience, Interceptors: []interceptor.WorkerInterceptor{new(activities.Interceptor)},
	})
	env.SetTestTimeout(patience)
	workflows.Register(env)
	return env
}

// patience only ends what would never end.
const patience = 5 * time.Minute

func (s *stage) environment() *testsuite.TestWorkflowEnvironment {
	env := newEnvironment(s.metrics)
	in := workflows.CatalogSyncInput{Account: account, Feed: feed.Product}
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: in.WorkflowID(), TaskQueue: workflows.TaskQueue})
	env.RegisterActivity(s.steps)
	env.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Maybe()
	return env
}

// sync runs the workflow to its end. The environment may be prepared first.
func (s *stage) sync(
	in workflows.CatalogSyncInput, prepare ...func(*testsuite.TestWorkflowEnvironment),
) (workflows.CatalogSyncResult, error) {
	s.t.Helper()
	env := s.environment()
	for _, p := range prepare {
		p(env)
	}
	s.stripe.forget()
	env.ExecuteWorkflow(workflows.CatalogSyncType, in)
	require.True(s.t, env.IsWorkflowCompleted())
	var result workflows.CatalogSyncResult
	err := env.GetWorkflowError()
	if err == nil {
		require.NoError(s.t, env.GetWorkflowResult(&result))
	}
	return result, err
}

func (s *stage) syncs(want catalog.Outcome) workflows.CatalogSyncResult {
	s.t.Helper()
	result, err := s.sync(workflows.CatalogSyncInput{Account: account})
	require.NoError(s.t, err)
	require.Equal(s.t, want, result.Outcome)
	return result
}

// changes puts a new source, lets its turn come and syncs it.
func (s *stage) changes(body string, want catalog.Outcome) workflows.CatalogSyncResult {
	s.t.Helper()
	s.put(source, body)
	s.nextTurn()
	return s.syncs(want)
}

// requireNothingStaged: what a run needed is gone once it is over.
func (s *stage) requireNothingStaged() {
	s.t.Helper()
	staged, err := s.store.List(s.t.Context(), "catalogs", "state/acct_123/product/parts/")
	require.NoError(s.t, err)
	require.Empty(s.t, staged)
}

func requireType(t *testing.T, err error, code fault.Code) *temporal.ApplicationError {
	t.Helper()
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, string(code), application.Type(), application.Error())
	require.True(t, application.NonRetryable())
	return application
}
