package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/worker"
	"go.uber.org/fx"
	"go.uber.org/goleak"

	"vitrine/activities"
	"vitrine/internal/config"
	"vitrine/internal/daemon"
	"vitrine/internal/fleet"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
	"vitrine/internal/telemetry"
	"vitrine/internal/telemetry/telemetrytest"
	"vitrine/internal/temporalclient/temporalclienttest"
	"vitrine/internal/terminal"
	"vitrine/workflows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// surroundings are the S3 and the Stripe of a worker.
type surroundings struct {
	s3     *objectstoretest.Server
	stripe atomic.Int32 // the status that Stripe answers with
}

// environment is a worker's, with everything that it needs in order, and sets what libraries read of the process's own.
func environment(t *testing.T, temporal string, pairs ...string) config.Lookup {
	t.Helper()
	lookup, _ := environmentWith(t, temporal, pairs...)
	return lookup
}

func environmentWith(t *testing.T, temporal string, pairs ...string) (config.Lookup, *surroundings) {
	t.Helper()
	around := &surroundings{s3: &objectstoretest.Server{Memory: objectstoretest.NewMemory("catalogs", "state")}}
	around.stripe.Store(http.StatusOK)
	s3 := httptest.NewServer(around.s3)
	t.Cleanup(s3.Close)
	stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(around.stripe.Load()))
		_, _ = io.WriteString(w, `{"id": "acct_platform", "object": "account"}`)
	}))
	t.Cleanup(stripe.Close)
	for name, value := range map[string]string{
		"TEMPORAL_ADDRESS":     temporal,
		"TEMPORAL_CONFIG_FILE": t.TempDir() + "/none.toml",
		"TEMPORAL_NAMESPACE":   "default",
		"AWS_CONFIG_FILE":      t.TempDir() + "/none",
		"AWS_REGION":           "us-east-1",
		"AWS_ENDPOINT_URL_S3":  s3.URL,
		"AWS_ACCESS_KEY_ID":    "id",
		// The SDK would look for a profile otherwise.
		"AWS_SECRET_ACCESS_KEY": "hidden-too",
	} {
		t.Setenv(name, value)
	}
	vars := map[string]string{
		"STRIPE_API_KEY":        "sk_test_hidden",
		"VITRINE_SOURCE_BUCKET": "catalogs",
		"VITRINE_STATE_BUCKET":  "state",
		"VITRINE_LISTEN":        "127.0.0.1:0",
		"STRIPE_API_BASE":       stripe.URL,
		"AWS_ENDPOINT_URL_S3":   s3.URL,
	}
	for i := 0; i < len(pairs); i += 2 {
		vars[pairs[i]] = pairs[i+1]
	}
	lookup := func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
	return lookup, around
}

func temporalServer(t *testing.T) *temporalclienttest.Frontend {
	t.Helper()
	return temporalclienttest.Start(t, temporalclienttest.Answers{
		Namespace: "default",
		SearchAttributes: map[string]enumspb.IndexedValueType{
			workflows.SearchAccount.GetName():    workflows.SearchAccount.GetValueType(),
			workflows.SearchFeed.GetName():       workflows.SearchFeed.GetValueType(),
			workflows.SearchOutcome.GetName():    workflows.SearchOutcome.GetValueType(),
			workflows.SearchRowsFailed.GetName(): workflows.SearchRowsFailed.GetValueType(),
			workflows.SearchOrderState.GetName(): workflows.SearchOrderState.GetValueType(),
			workflows.SearchAgent.GetName():      workflows.SearchAgent.GetValueType(),
		},
	})
}

func TestAWrongConfigurationIsExplainedWhole(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := run(nil, func(name string) (string, bool) {
		return map[string]string{"STRIPE_API_KEY": "pk_live_hidden", "VITRINE_LISTEN": "nowhere"}[name], true
	}, &out, &errs)
	require.Equal(t, exitMisused, code)
	require.Empty(t, out.String())
	for _, text := range []string{"3 problems", "STRIPE_API_KEY", "VITRINE_SOURCE_BUCKET", `VITRINE_LISTEN="nowhere"`,
		"--help"} {
		require.Contains(t, errs.String(), text)
	}
	require.NotContains(t, errs.String(), "hidden")
	require.NotContains(t, strings.ToLower(errs.String()), "fx", "no framework's noise")
}

// Whatever is wrong with a variable that holds a secret, or with one that somebody pasted a secret into, is said
// without it.
func TestNoOutputHoldsASecret(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"smtp://ada:hunter2@mail.example:25/x", "sk_live_hunter2 ", "whsec_hunter2,x"} {
		for _, args := range [][]string{nil, {"healthcheck"}, {"--help"}, {"--version"}} {
			var out bytes.Buffer
			run(args, func(string) (string, bool) { return value, true }, &out, &out)
			require.NotContains(t, out.String(), "hunter2", args)
		}
	}
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"start"}, {"--listen", ":1"}, {"healthcheck", "now"}} {
		var errs bytes.Buffer
		require.Equal(t, exitMisused, run(args, nothingSet, io.Discard, &errs))
		require.Contains(t, errs.String(), "--help")
	}
}

func nothingSet(string) (string, bool) { return "", false }

func TestHelpListsEveryVariableAndFits(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"-h"}, {"healthcheck", "--help"}} {
		var out bytes.Buffer
		require.Equal(t, exitOK, run(args, nothingSet, &out, io.Discard))
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, terminal.Breadth(strings.TrimSuffix(line, "\n")), 80, line)
		}
		words := strings.Join(strings.Fields(out.String()), " ")
		for _, v := range config.Table() {
			if v.Worker {
				require.Contains(t, words, v.Name)
				require.Contains(t, words, strings.Join(strings.Fields(v.Meaning), " "))
			}
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Equal(t, exitOK, run([]string{"--version"}, nothingSet, &out, io.Discard))
	require.Regexp(t, `^worker \S+\n$`, out.String())
}

// requireFailedStart runs a worker that cannot start, and returns the last line that it prints.
func requireFailedStart(t *testing.T, lookup config.Lookup) string {
	t.Helper()
	var errs bytes.Buffer
	require.Equal(t, exitFailed, run(nil, lookup, io.Discard, &errs))
	require.NotContains(t, errs.String(), "hidden")
	require.NotContains(t, errs.String(), ".go:", "no stack")
	lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
	return lines[len(lines)-1]
}

func TestAPortThatIsTakenEndsTheStart(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	taken := listener.Addr().String()
	last := requireFailedStart(t, environment(t, temporalServer(t).Address, "VITRINE_LISTEN", taken))
	require.Contains(t, last, "VITRINE_LISTEN="+taken)
	require.Contains(t, last, "address already in use")
}

func TestMissingSearchAttributesAreRefused(t *testing.T) {
	server := temporalclienttest.Start(t, temporalclienttest.Answers{Namespace: "default"})
	require.Contains(t, requireRefusal(t, environment(t, server.Address)),
		"temporal operator search-attribute create --namespace default --name VitrineAccount --type Keyword")
}

func TestAMissingNamespaceIsRefused(t *testing.T) {
	server := temporalclienttest.Start(t, temporalclienttest.Answers{Namespace: "production"})
	require.Contains(t, requireRefusal(t, environment(t, server.Address)), "TEMPORAL_NAMESPACE")
}

func TestABrokenTemporalFileIsRefused(t *testing.T) {
	lookup := environment(t, "127.0.0.1:1")
	t.Setenv("TEMPORAL_CONFIG_FILE", "worker_test.go")
	require.Contains(t, requireRefusal(t, lookup), "temporal.toml")
}

// running is a worker in this process, reached as others reach it: by its port and by signals.
type running struct {
	address string
	logs    *lines
	exit    chan int
}

// lines lets the test wait for what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) await(t *testing.T, pattern string) []string {
	t.Helper()
	for deadline := time.After(time.Minute); ; {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(l.String()); found != nil {
			return found
		}
		select {
		case <-l.more:
		case <-deadline:
			require.FailNow(t, "not logged: "+pattern, l.String())
		}
	}
}

func start(t *testing.T, lookup config.Lookup, extra ...fx.Option) *running {
	t.Helper()
	r := launched(t, lookup, extra...)
	r.logs.await(t, `msg="worker is ready"`)
	return r
}

// launched starts a worker that may have to wait.
func launched(t *testing.T, lookup config.Lookup, extra ...fx.Option) *running {
	t.Helper()
	c, err := config.LoadWorker(lookup)
	require.NoError(t, err)
	r := &running{logs: &lines{more: make(chan struct{}, 1)}, exit: make(chan int, 1)}
	app := fx.New(append(extra, modules(c, process{environ: []string{"VITRINE_TYPO=1"}, logs: r.logs}))...)
	streams := terminal.Of(nil, r.logs, r.logs, nothingSet)
	go func() { r.exit <- serve(&streams, app) }()
	r.address = r.logs.await(t, `msg=listening variable=VITRINE_LISTEN address=(\S+)`)[1]
	return r
}

func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.address+path, nil)
	require.NoError(t, err)
	request.Close = true // an idle connection would look like a leak
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode, string(body)
}

func (r *running) requireExit(t *testing.T, want int) {
	t.Helper()
	select {
	case got := <-r.exit:
		require.Equal(t, want, got, r.logs.String())
	case <-time.After(time.Minute):
		require.FailNow(t, "the worker does not end", r.logs.String())
	}
}

func TestSignalsDrain(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			lookup, around := environmentWith(t, temporalServer(t).Address)
			around.haveAFleet(t)
			r := start(t, lookup, fx.Replace(censusPause(time.Millisecond)))
			for _, path := range []string{"/livez", "/readyz"} {
				code, body := r.get(t, path)
				require.Equal(t, http.StatusOK, code, body)
			}
			r.requireDocumentedMetrics(t)
			code, _ := r.get(t, "/")
			require.Equal(t, http.StatusNotFound, code)

			silent, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.address)
			require.NoError(t, err)
			defer silent.Close()
			require.NoError(t, syscall.Kill(os.Getpid(), signal))
			r.requireExit(t, exitOK)
			logs := r.logs.String()
			require.Contains(t, logs, "VITRINE_TYPO", "a mistyped name is told")
			require.Contains(t, logs, "[redacted]")
			require.NotContains(t, logs, "hidden")
			require.NotContains(t, logs, "OnStart", "fx is quiet")
		})
	}
}

// haveAFleet leaves what a look of one account leaves: without a fleet, nothing is told of one.
func (s *surroundings) haveAFleet(t *testing.T) {
	t.Helper()
	documents := fleet.Documents{Store: statestore.Store{
		Objects: s.s3.Memory, Layout: statestore.Layout{StateBucket: "state", StatePrefix: "state/"},
	}}
	require.NoError(t, documents.SavePlan(t.Context(), fleet.Plan{}, statestore.IfAbsent))
	require.NoError(t, documents.SaveSummary(t.Context(), 0, fleet.Summary{At: time.Now(), Accounts: 1}))
}

// requireDocumentedMetrics: those that docs/metrics.md lists for a worker, and no others, once the first census was
// taken.
func (r *running) requireDocumentedMetrics(t *testing.T) {
	t.Helper()
	var body string
	require.Eventually(t, func() bool {
		_, body = r.get(t, "/metrics")
		return strings.Contains(body, "temporal_num_pollers{") &&
			strings.Contains(body, "vitrine_census_timestamp_seconds") &&
			strings.Contains(body, "vitrine_fleet_oldest_look_timestamp_seconds")
	}, 10*time.Second, 5*time.Millisecond)
	telemetrytest.RequirePage(t, telemetry.Worker, body)
	require.Contains(t, body, `vitrine_stripe_requests_total{outcome="ok",route="GET /v1/account"} 1`,
		"the key was checked")
	require.Contains(t, body, `vitrine_stripe_step_rate_limit_hertz{task_queue="vitrine-stripe-orders"}`)
}

func TestEveryStepIsAmongTheMetrics(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, of := range []any{
		new(activities.CatalogSync), new(activities.CatalogAudit), new(activities.OrderFulfillment),
		new(activities.OrderSweep),
		new(activities.AccountStanding), new(activities.CatalogDispatch), new(activities.AccountNews),
		new(activities.InventoryUpdate), new(activities.ReportMail),
	} {
		for i := range reflect.TypeOf(of).NumMethod() {
			want = append(want, reflect.TypeOf(of).Method(i).Name)
		}
	}
	for _, d := range telemetry.Definitions() {
		if d.Name == "vitrine_step_duration_seconds" {
			got = d.Labels[0].Values
		}
	}
	require.ElementsMatch(t, want, got)
}

// The SDK gives a namespace that is gone two minutes before it calls it fatal, so the test says so in its place.
func TestAFatalErrorExitsForARestart(t *testing.T) {
	var stop daemon.GiveUp
	r := start(t, environment(t, temporalServer(t).Address), fx.Populate(&stop))
	stop(errors.New("namespace is gone"))
	r.requireExit(t, exitFailed)
	require.Contains(t, r.logs.String(), `msg="worker gives up" error="namespace is gone"`)
}

func TestAnOutageOfTemporalIsNotReadyButAlive(t *testing.T) {
	server := temporalServer(t)
	r := start(t, environment(t, server.Address))
	server.SetHealthy(false)
	code, body := r.get(t, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "Temporal")
	code, _ = r.get(t, "/livez")
	require.Equal(t, http.StatusOK, code)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	r.requireExit(t, exitOK)
}

// requireRefusal runs a worker whose configuration cannot be right.
func requireRefusal(t *testing.T, lookup config.Lookup) string {
	t.Helper()
	var errs bytes.Buffer
	require.Equal(t, exitMisused, run(nil, lookup, io.Discard, &errs), errs.String())
	require.NotContains(t, errs.String(), "hidden")
	require.NotContains(t, errs.String(), "worker is ready")
	return errs.String()
}

func TestAMissingBucketIsRefused(t *testing.T) {
	temporal := temporalServer(t).Address
	require.Contains(t, requireRefusal(t, environment(t, temporal, "VITRINE_STATE_BUCKET", "nowhere")),
		"state bucket (VITRINE_STATE_BUCKET): bucket nowhere does not exist")
	require.Contains(t, requireRefusal(t, environment(t, temporal, "VITRINE_SOURCE_BUCKET", "nowhere")),
		"source bucket (VITRINE_SOURCE_BUCKET): bucket nowhere does not exist")
}

func TestSettingsOfTemporalThatSayNeitherAreRefused(t *testing.T) {
	lookup := environment(t, "127.0.0.1:1")
	t.Setenv("TEMPORAL_TLS", "yes")
	require.Contains(t, requireRefusal(t, lookup), `TEMPORAL_TLS="yes": expected true or false`)
}

func TestAMailServerThatIsNoneIsRefused(t *testing.T) {
	lookup := environment(t, "127.0.0.1:1", "VITRINE_SMTP_URL", "smtp://ada:hidden@mail.example:25/inbox")
	c, err := config.LoadWorker(lookup)
	require.NoError(t, err)
	_, err = newMailer(c)
	require.ErrorContains(t, err, "the mail server is not an address")
	require.NotContains(t, err.Error(), "hidden")
	require.Equal(t, exitMisused, exitCode(err))
}

func TestAKeyThatStripeDoesNotKnowIsRefused(t *testing.T) {
	lookup, around := environmentWith(t, temporalServer(t).Address)
	around.stripe.Store(http.StatusUnauthorized)
	require.Contains(t, requireRefusal(t, lookup), "STRIPE_API_KEY")
}

func TestAServerThatIgnoresConditionsIsRefused(t *testing.T) {
	lookup, around := environmentWith(t, temporalServer(t).Address)
	around.s3.Answer = func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("If-Match"); return false }
	require.Contains(t, requireRefusal(t, lookup), "ignores the condition of a write")
}

func TestAWorkerWaitsForWhatIsAway(t *testing.T) {
	lookup, around := environmentWith(t, temporalServer(t).Address)
	around.stripe.Store(http.StatusBadGateway)
	r := launched(t, lookup)
	r.logs.await(t, "the worker takes no work yet")
	code, body := r.get(t, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "Stripe (STRIPE_API_KEY)")
	code, _ = r.get(t, "/livez")
	require.Equal(t, http.StatusOK, code)

	around.stripe.Store(http.StatusOK)
	r.logs.await(t, `msg="worker is ready"`)
	code, body = r.get(t, "/readyz")
	require.Equal(t, http.StatusOK, code, body)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	r.requireExit(t, exitOK)
}

func TestAWorkerWaitsForTemporal(t *testing.T) {
	server := temporalServer(t)
	server.SetHealthy(false)
	r := launched(t, environment(t, server.Address))
	r.logs.await(t, "the worker takes no work yet")
	code, body := r.get(t, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "Temporal at "+server.Address)
	require.Contains(t, body, "TEMPORAL_ADDRESS")
	code, _ = r.get(t, "/livez")
	require.Equal(t, http.StatusOK, code)

	server.SetHealthy(true)
	r.logs.await(t, `msg="worker is ready"`)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	r.requireExit(t, exitOK)
}

// A server that takes the connection and says nothing is worse than one that refuses it, and one that refuses it may
// not be there yet.
func TestAWorkerWaitsForATemporalThatSaysNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	for _, kind := range []string{"silent", "refusing"} {
		t.Run(kind, func(t *testing.T) {
			if kind == "refusing" {
				require.NoError(t, listener.Close())
			}
			r := launched(t, environment(t, listener.Addr().String()))
			r.logs.await(t, "the worker takes no work yet")
			_, body := r.get(t, "/readyz")
			require.Contains(t, body, "Temporal (TEMPORAL_ADDRESS)")
			require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
			r.requireExit(t, exitOK)
		})
	}
}

func TestAWorkerThatWaitsCanBeStopped(t *testing.T) {
	lookup, around := environmentWith(t, temporalServer(t).Address)
	around.stripe.Store(http.StatusBadGateway)
	r := launched(t, lookup)
	r.logs.await(t, "the worker takes no work yet")
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	r.requireExit(t, exitOK)
}

func TestAWorkerThatWaitedIsRefusedAfterAll(t *testing.T) {
	lookup, around := environmentWith(t, temporalServer(t).Address)
	around.stripe.Store(http.StatusBadGateway)
	r := launched(t, lookup)
	r.logs.await(t, "the worker takes no work yet")
	around.stripe.Store(http.StatusUnauthorized)
	r.requireExit(t, exitMisused)
	require.Contains(t, r.logs.String(), "STRIPE_API_KEY")
}

// fakeWorker stops when it is told that its steps are over.
type fakeWorker struct {
	worker.Worker
	startErr error
	stopping chan struct{}
	over     chan struct{}
}

func newFakeWorker(startErr error) *fakeWorker {
	return &fakeWorker{startErr: startErr, stopping: make(chan struct{}), over: make(chan struct{})}
}

func (f *fakeWorker) Start() error { return f.startErr }
func (f *fakeWorker) Stop()        { close(f.stopping); <-f.over }

func TestADrainingWorkerIsAliveAndNotReady(t *testing.T) {
	busy := newFakeWorker(nil)
	r := start(t, environment(t, temporalServer(t).Address),
		fx.Decorate(func(workers) workers { return workers{busy} }))
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	<-busy.stopping
	code, body := r.get(t, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "draining")
	code, _ = r.get(t, "/livez")
	require.Equal(t, http.StatusOK, code)
	close(busy.over)
	r.requireExit(t, exitOK)
}

func TestWorkersStopTogether(t *testing.T) {
	t.Parallel()
	one, two := newFakeWorker(nil), newFakeWorker(nil)
	stopped := make(chan error, 1)
	go func() { stopped <- workers{one, two}.stop(t.Context()) }()
	<-one.stopping
	<-two.stopping // while the first still is at it
	close(one.over)
	close(two.over)
	require.NoError(t, <-stopped)
}

func TestWorkersThatDoNotStopAreReported(t *testing.T) {
	t.Parallel()
	stuck := newFakeWorker(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, workers{stuck}.stop(ctx), context.Canceled)
	close(stuck.over)
}

func TestAWorkerThatCannotStartStopsTheOthers(t *testing.T) {
	t.Parallel()
	errStart := errors.New("no such namespace")
	first := newFakeWorker(nil)
	close(first.over)
	require.ErrorIs(t, workers{first, newFakeWorker(errStart)}.start(), errStart)
	<-first.stopping
}

func TestTheLadderHolds(t *testing.T) {
	t.Parallel()
	c, err := config.LoadWorker(environmentOf("VITRINE_STRIPE_RATE", "7.5", "VITRINE_STRIPE_CONCURRENCY", "3",
		"VITRINE_MERCHANT_CONCURRENCY", "5", "VITRINE_SHUTDOWN_TIMEOUT", "40s"))
	require.NoError(t, err)
	common := commonOptions(c, deployment{}, nil, nil)
	stripe, storage := stripeOptions(c, common), storageOptions(c, common)
	merchant, orders := merchantOptions(c, common), orderOptions(c, common)
	require.Equal(t, 40*time.Second, stripe.WorkerStopTimeout)
	require.Equal(t, 40*time.Second, storage.WorkerStopTimeout)
	require.InDelta(t, 7.5, stripe.TaskQueueActivitiesPerSecond+orders.TaskQueueActivitiesPerSecond, 1e-9,
		"the fleet's rate")
	require.GreaterOrEqual(t, orders.TaskQueueActivitiesPerSecond, stripe.TaskQueueActivitiesPerSecond, "orders first")
	require.Equal(t, 3, orders.MaxConcurrentActivityExecutionSize)
	require.True(t, orders.DisableWorkflowWorker)
	require.Equal(t, 3, stripe.MaxConcurrentActivityExecutionSize)
	require.True(t, stripe.DisableWorkflowWorker)
	require.Equal(t, 5, merchant.MaxConcurrentActivityExecutionSize)
	require.True(t, merchant.DisableWorkflowWorker)
	require.Zero(t, storage.TaskQueueActivitiesPerSecond)
	require.False(t, storage.DisableWorkflowWorker)

	require.Equal(t, 45*time.Second, fx.New(fx.NopLogger, timeouts(c)).StopTimeout())
}

func environmentOf(pairs ...string) config.Lookup {
	vars := map[string]string{"STRIPE_API_KEY": "sk_test_hidden", "VITRINE_SOURCE_BUCKET": "catalogs"}
	for i := 0; i < len(pairs); i += 2 {
		vars[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func TestTheWiringIsComplete(t *testing.T) {
	t.Parallel()
	c, err := config.LoadWorker(environmentOf())
	require.NoError(t, err)
	require.NoError(t, fx.ValidateApp(modules(c, process{logs: io.Discard})))
}
