package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"vitrine/activities"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/workflows"
)

const (
	account = "acct_123"
	source  = "catalogs/acct_123/product.csv"
	header  = "id,title,description,link,image_link,availability,price\n"
	rows    = header + "sku1,One,d,https://e.com/1,https://e.com/1.jpg,in_stock,1.00 USD\nsku2,Two,d,https://e.com/2,https://e.com/2.jpg,in_stock,2.00 USD\n"
)

// fakeStripe answers as scripted and remembers what it was asked. The real one is spoken to in the end-to-end tests.
type fakeStripe struct {
	mu       sync.Mutex
	calls    []string          // step and idempotency key or id, in order
	uploads  map[string]string // idempotency key → content type and body
	statuses []catalog.Import  // successive answers to Import; the last one stays
	errors   map[string][]error
	refused  string // the error file
}

func (f *fakeStripe) next(step, what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
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
	u.Sent(u.Size)
	f.mu.Lock()
	if f.uploads == nil {
		f.uploads = map[string]string{}
	}
	f.uploads[u.IdempotencyKey] = u.ContentType + "\n" + string(body)
	f.mu.Unlock()
	return "file_1", f.next("upload", u.IdempotencyKey)
}

func (f *fakeStripe) CreateImport(_ context.Context, _, file string, _ feed.Kind, key string) (catalog.Import, error) {
	return catalog.Import{ID: "impset_1", Status: catalog.StatusPending}, f.next("create", key)
}

func (f *fakeStripe) Import(_ context.Context, _, id string) (catalog.Import, error) {
	if err := f.next("read", id); err != nil {
		return catalog.Import{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	current := f.statuses[0]
	if len(f.statuses) > 1 {
		f.statuses = f.statuses[1:]
	}
	return current, nil
}

func (f *fakeStripe) Refused(_ context.Context, _, id string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(f.refused)), f.next("contents", id)
}

func (f *fakeStripe) count(step string) (n int) {
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
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{
		t: t, store: objectstoretest.NewMemory("catalogs"), runs: openRuns{},
		stripe: &fakeStripe{
			errors:   map[string][]error{},
			statuses: []catalog.Import{{ID: "impset_1", Status: catalog.StatusSucceeded, RowsProcessed: 2, RowsSucceeded: 2}},
		},
	}
	s.steps = &activities.CatalogSync{
		Objects: s.store, Imports: map[catalog.API]activities.Imports{catalog.V1: s.stripe}, Runs: s.runs,
		Documents: catalog.Documents{Objects: s.store, Layout: catalog.Layout{
			SourceBucket: "catalogs", SourceKey: "catalogs/{account}/{feed}.csv", StateBucket: "catalogs", StatePrefix: "state/",
		}},
		Policy: activities.Policy{Interval: 15 * time.Minute, Deadline: 2 * time.Hour, MaxPartBytes: 1 << 20},
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
	state, _, err := s.steps.Documents.State(s.t.Context(), account, feed.Product)
	require.NoError(s.t, err)
	return state
}

func (s *stage) setState(change func(*catalog.State)) {
	s.t.Helper()
	state, etag, err := s.steps.Documents.State(s.t.Context(), account, feed.Product)
	require.NoError(s.t, err)
	change(&state)
	_, err = s.steps.Documents.SaveState(s.t.Context(), state, etag)
	require.NoError(s.t, err)
}

func (s *stage) environment() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflows.CatalogSyncInput{Account: account}.WorkflowID(), TaskQueue: workflows.TaskQueue})
	env.SetTestTimeout(20 * time.Second)
	workflows.Register(env)
	env.RegisterActivity(s.steps)
	env.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil).Maybe()
	return env
}

// sync runs the workflow to its end. The environment may be prepared first.
func (s *stage) sync(in workflows.CatalogSyncInput, prepare ...func(*testsuite.TestWorkflowEnvironment)) (workflows.CatalogSyncResult, error) {
	s.t.Helper()
	env := s.environment()
	for _, p := range prepare {
		p(env)
	}
	s.stripe.calls = nil
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

func requireType(t *testing.T, err error, code fault.Code) *temporal.ApplicationError {
	t.Helper()
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, string(code), application.Type(), application.Error())
	require.True(t, application.NonRetryable())
	return application
}

func TestCatalogSyncFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account string
		source  string
		upload  error
		code    fault.Code
		says    string
	}{
		"malformed account":  {account: "../../etc", source: rows, code: fault.InputInvalid, says: "not a Stripe account id"},
		"source missing":     {code: fault.SourceMissing, says: source},
		"bad header":         {source: "id,title\n1,2\n", code: fault.CatalogInvalid, says: "required columns are missing"},
		"empty file":         {source: "\n\n", code: fault.CatalogInvalid, says: "the file is empty"},
		"unreadable file":    {source: header + "\"1,2\n", code: fault.CatalogInvalid, says: "line 2: a quoted field"},
		"too large":          {source: header + strings.Repeat("x", 1<<20), code: fault.CatalogTooLarge, says: "1048576 bytes"},
		"revoked key":        {source: rows, upload: fault.NewPermanent(fault.StripeUnauthorized, errors.New("invalid API key")), code: fault.StripeUnauthorized, says: "invalid API key"},
		"account not on key": {source: rows, upload: fault.NewPermanent(fault.StripeForbidden, errors.New("no access")), code: fault.StripeForbidden, says: "no access"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if c.source != "" {
				s.put(source, c.source)
			}
			if c.upload != nil {
				s.stripe.errors["upload"] = []error{c.upload}
			}
			in := workflows.CatalogSyncInput{Account: account}
			if c.account != "" {
				in.Account = c.account
			}
			_, err := s.sync(in)
			failure := requireType(t, err, c.code)
			require.Contains(t, failure.Error(), c.says)
			var result workflows.CatalogSyncResult
			require.NoError(t, failure.Details(&result))
			require.Equal(t, catalog.Failed, result.Outcome)
			require.Zero(t, s.stripe.count("create"))
			if c.account == "" {
				require.Equal(t, catalog.Failed, s.state().Last.Outcome)
				require.Contains(t, s.state().Last.Reason, c.says)
				require.Nil(t, s.state().Run, "a run that ended holds nothing")
				staged, err := s.store.List(t.Context(), "catalogs", "state/acct_123/product/parts/")
				require.NoError(t, err)
				require.Empty(t, staged, "and leaves nothing behind")
			}
		})
	}
}

func TestCatalogSyncRetriesWhatPasses(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	throttled := fault.NewThrottled(fault.StripeThrottled, 7*time.Second, errors.New("slow down"))
	unavailable := fault.NewPlain(fault.StripeUnavailable, errors.New("bad gateway"))
	s.stripe.errors = map[string][]error{"upload": {throttled, unavailable}, "create": {unavailable, throttled}, "read": {unavailable}}
	s.syncs(catalog.Succeeded)

	require.Equal(t, 3, s.stripe.count("upload"))
	require.Equal(t, 3, s.stripe.count("create"))
	for _, step := range []string{"upload", "create"} {
		var keys []string
		for _, call := range s.stripe.calls {
			if strings.HasPrefix(call, step+" ") {
				keys = append(keys, call)
			}
		}
		require.Equal(t, []string{keys[0], keys[0], keys[0]}, keys, "a retry repeats the idempotency key")
	}
}

func TestCatalogSyncLeavesASpentKeyBehind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	spent := fault.NewPermanent(fault.StripeKeySpent, errors.New("replayed 500"))
	s.stripe.errors["create"] = []error{fault.NewPlain(fault.StripeUnavailable, errors.New("500")), spent}
	s.syncs(catalog.Succeeded)
	require.Equal(t, 3, s.stripe.count("create"))
	last := s.stripe.calls[len(s.stripe.calls)-2]
	require.True(t, strings.HasSuffix(last, "/import/2"), last)
}

func TestCatalogSyncSucceeds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.stripe.statuses = []catalog.Import{{Status: catalog.StatusPending}, {Status: "validating_records"}, {}, s.stripe.statuses[0]}
	result := s.syncs(catalog.Succeeded)
	require.Equal(t, int64(2), result.Rows)
	require.Equal(t, int64(2), result.RowsAccepted)
	require.Equal(t, "file_1", result.File)
	require.Equal(t, "impset_1", result.ImportSet)
	require.Equal(t, int64(len(rows)), result.BytesSent)
	require.Equal(t, 4, s.stripe.count("read"), "statuses that nobody documented keep being awaited")
	for _, sent := range s.stripe.uploads {
		require.Equal(t, "text/csv\n"+rows, sent)
	}

	state := s.state()
	require.Equal(t, int64(1), state.Sequence)
	require.Nil(t, state.Open)
	require.Nil(t, state.Run)
	require.Equal(t, result.SourceVersion, state.Accepted.Source.Version())
	staged, err := s.store.List(t.Context(), "catalogs", "state/acct_123/product/parts/")
	require.NoError(t, err)
	require.Empty(t, staged)

	s.syncs(catalog.Unchanged)
	require.Empty(t, s.stripe.calls, "an unchanged source costs Stripe nothing")
}

func TestCatalogSyncReportsRefusedRows(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.stripe.refused = "stripe_error_message,id,title\nbad price,sku2,Two\nbad price,,\nno link,sku1,One\n"
	s.stripe.statuses = []catalog.Import{{ID: "impset_1", Status: catalog.StatusSucceededWithErrors, RowsProcessed: 3, RowsSucceeded: 0, RowsFailed: 3, ErrorFile: "file_9"}}
	result := s.syncs(catalog.SucceededWithErrors)
	require.Equal(t, int64(3), result.RowsFailed)

	report, err := s.steps.Documents.Report(t.Context(), s.state().Last.Report)
	require.NoError(t, err)
	require.Equal(t, []catalog.ReportCause{
		{By: catalog.SaidByStripe, Severity: feed.Error, Reason: "bad price", Count: 2, Example: catalog.ReportEntry{Line: 3, ID: "sku2", Value: "Two"}},
		{By: catalog.SaidByStripe, Severity: feed.Error, Reason: "no link", Count: 1, Example: catalog.ReportEntry{Line: 2, ID: "sku1", Value: "One"}},
	}, report.Causes)
	table, _, err := s.store.Get(t.Context(), "catalogs", report.Findings)
	require.NoError(t, err)
	require.Equal(t, "line,id,title,reason\n3,sku2,Two,bad price\n,,,bad price\n2,sku1,One,no link\n", string(table))
	s.syncs(catalog.Unchanged)
}

func TestCatalogSyncImportFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	good := s.stripe.statuses
	s.stripe.statuses = []catalog.Import{{ID: "impset_1", Status: catalog.StatusFailed, FailedReason: "header unknown"}}
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	failure := requireType(t, err, fault.ImportFailed)
	require.Contains(t, failure.Error(), "header unknown")
	first := s.stripe.calls[0]

	state := s.state()
	require.Equal(t, 1, state.Failure.Count)
	require.Nil(t, state.Accepted)
	report, err := s.steps.Documents.Report(t.Context(), state.Last.Report)
	require.NoError(t, err)
	require.Equal(t, catalog.Failed, report.Outcome)
	require.Contains(t, report.Reason, "header unknown")

	result := s.syncs(catalog.Unchanged)
	require.Contains(t, result.Note, "failed once")
	require.Empty(t, s.stripe.calls, "a failed version rests")

	rested := func(s *catalog.State) {
		s.Failure.NextTry = time.Now().Add(-time.Second)
		s.LastImportAt = time.Time{}
	}
	s.setState(rested)
	_, err = s.sync(workflows.CatalogSyncInput{Account: account})
	requireType(t, err, fault.ImportFailed)
	require.NotEqual(t, first, s.stripe.calls[0], "a deliberate new attempt has a new idempotency key")
	require.Equal(t, 2, s.state().Failure.Count)
	require.InDelta(t, (30 * time.Minute).Seconds(), time.Until(s.state().Failure.NextTry).Seconds(), 60)

	s.setState(rested)
	s.stripe.statuses = good
	s.syncs(catalog.Succeeded)
	require.Nil(t, s.state().Failure)
}

func TestCatalogSyncWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.syncs(catalog.Succeeded)
	s.put(source, rows+"sku3,Three,d,https://e.com/3,https://e.com/3.jpg,in_stock,3.00 USD\n")

	waited := false
	result, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			waited = true
			require.Empty(t, s.stripe.calls, "nothing is sent before the turn")
			s.setState(func(state *catalog.State) { state.LastImportAt = state.LastImportAt.Add(-15 * time.Minute) })
		}, 14*time.Minute)
	})
	require.NoError(t, err)
	require.True(t, waited)
	require.Equal(t, catalog.Succeeded, result.Outcome)

	result, err = s.sync(workflows.CatalogSyncInput{Account: account, Force: true})
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome, "force sends at once, changed or not")
	require.Equal(t, 1, s.stripe.count("upload"))
}

func TestCatalogSyncCanBeCancelledWhileItWaits(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.syncs(catalog.Succeeded)
	s.put(source, rows+"\n")
	_, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	})
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.Nil(t, s.state().Run)
}

func TestCatalogSyncWaitsForAnotherRun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.runs["other"] = true
	s.setState(func(state *catalog.State) {
		state.Run = &catalog.Run{WorkflowID: "catalog-sync/manual", RunID: "other"}
	})
	result, err := s.sync(workflows.CatalogSyncInput{Account: account}, func(env *testsuite.TestWorkflowEnvironment) {
		env.RegisterDelayedCallback(func() {
			require.Empty(t, s.stripe.calls)
			delete(s.runs, "other") // it was terminated without a word
		}, 12*time.Second)
	})
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
}

func TestCatalogSyncFinishesWhatNobodySawEnd(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]string{"import known": "impset_1", "only the intent known": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.put(source, rows)
			s.put("state/acct_123/product/parts/000000-001.csv", rows)
			part, err := s.store.Head(t.Context(), "catalogs", "state/acct_123/product/parts/000000-001.csv")
			require.NoError(t, err)
			began, err := s.store.Head(t.Context(), "catalogs", source)
			require.NoError(t, err)
			s.setState(func(state *catalog.State) {
				state.Run = &catalog.Run{WorkflowID: "catalog-sync/gone", RunID: "gone"}
				state.Open = &catalog.OpenImport{Source: began, Rows: 2, File: "file_1", Import: known, Part: catalog.Part{
					Number: 1, Object: part, Rows: 2, ContentType: "text/csv", Filename: "x.csv"}}
			})
			result := s.syncs(catalog.Succeeded)
			require.Equal(t, "impset_1", result.ImportSet)
			require.Zero(t, s.stripe.count("upload"), "the file is at Stripe already")
			if known != "" {
				require.Zero(t, s.stripe.count("create"))
			}
			s.syncs(catalog.Unchanged)
		})
	}
}

func TestCatalogSyncDeadline(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.put(source, rows)
	s.steps.Policy.Deadline = 0
	s.stripe.statuses = []catalog.Import{{ID: "impset_1", Status: "validating_records"}}
	_, err := s.sync(workflows.CatalogSyncInput{Account: account})
	requireType(t, err, fault.ImportDeadline)
	require.Equal(t, "impset_1", s.state().Open.Import, "the next run goes on waiting for the import")
	require.Nil(t, s.state().Run)
}

func TestCatalogSyncInputIsShort(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(workflows.CatalogSyncInput{Account: account})
	require.NoError(t, err)
	require.JSONEq(t, `{"account":"acct_123"}`, string(encoded))
}
