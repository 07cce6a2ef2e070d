package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
	"vitrine/workflows"
)

// The secrets of a shop: of Stripe's webhooks, of its hooks, and of the merchant's endpoint.
const (
	webhookSecret  = "whsec_ofTheWebhooksOfThisShop"
	hookSecret     = "whsec_ofTheHooksOfThisShop"
	merchantSecret = "whsec_bWVyY2hhbnQncyBzZWNyZXQgb2YgMzIgYnl0ZXMhIQ=="
)

// buyer is nobody; no trace of them may stay in Temporal.
var buyer = simcontrol.Buyer{
	Name: "Wilhelmina Verschwiegen", Email: "wilhelmina@verschwiegen.example", Phone: "+49301234567",
	Address: simcontrol.Address{Line1: "Heimliche Gasse 17", City: "Stillstadt", PostalCode: "10999", Country: "DE"},
}

// shop is a room whose account sells. It has a Stripe of its own, because the misfortunes of webhooks are settings of
// the whole emulator, a merchant with an endpoint, and a webhook server.
type shop struct {
	*room
	merchant *merchant
	serve    *server
	address  string // of the webhook server, the same after each restart
	probes   string
}

// open gives a test its shop, with these products for sale and settings for orders that change fills in.
func open(t *testing.T, products string, change func(*order.Settings)) *shop {
	t.Helper()
	s := &shop{room: enter(t)}
	emulator, err := stripesim.New(stripesim.Options{Dir: t.TempDir(), ImportDelay: 50 * time.Millisecond})
	require.NoError(t, err)
	stripe := httptest.NewServer(emulator)
	t.Cleanup(func() {
		stripe.CloseClientConnections()
		stripe.Close()
		require.NoError(t, emulator.Close())
	})
	s.emulator = simcontrol.Client{BaseURL: stripe.URL}
	s.merchant = openMerchant(t)
	free, err := ports.Several(2)
	require.NoError(t, err)
	s.address, s.probes = ports.Address(free[0]), ports.Address(free[1])
	for name, value := range map[string]string{
		"STRIPE_API_BASE": stripe.URL, "STRIPE_FILES_BASE": stripe.URL,
		"VITRINE_ALLOW_PRIVATE_ENDPOINTS": "true", "MERCHANT_SECRET_E2E": merchantSecret,
		"VITRINE_STRIPE_RATE": "500",
	} {
		s.settings[name] = value
	}
	s.changes(change)
	s.exportText(products)
	return s
}

// changes gives the starter settings for orders, as an operator does: those of every shop, and what change makes of
// them.
func (s *shop) changes(change func(*order.Settings)) {
	s.t.Helper()
	settings := order.Settings{
		Account: s.account, Enabled: true,
		Fulfillment: order.Fulfillment{Kind: order.HTTPS, URL: s.merchant.url, SecretEnv: "MERCHANT_SECRET_E2E"},
	}
	if change != nil {
		change(&settings)
	}
	body, err := json.Marshal(settings)
	require.NoError(s.t, err)
	file := filepath.Join(s.t.TempDir(), "orders.json")
	writeFile(s.t, file, body)
	s.succeeds("order", "settings", "set", s.account, "-f", file)
}

// stocked brings the catalog to Stripe by a sync; a worker has to run.
func (s *shop) stocked() {
	s.t.Helper()
	s.syncs(catalog.Succeeded)
}

// opened is a shop that sells: with a worker, a webhook server that Stripe knows, and a catalog.
func opened(t *testing.T, change func(*order.Settings)) *shop {
	t.Helper()
	s := open(t, csv("sku1", "sku2", "sku3"), change)
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	return s
}

func (s *shop) succeeds(args ...string) answer {
	s.t.Helper()
	got := s.starter(args...)
	require.Zero(s.t, got.code, "starter %v:\n%s%s", args, got.stdout, got.stderr)
	return got
}

// server is a running `starter serve`.
type server struct {
	*child.Process
	output *safeBuffer
}

// startServe starts the webhook server; a plain one is without the race detector. More variables go before those of
// every shop.
func (s *shop) startServe(plain bool, more ...string) {
	s.t.Helper()
	bin := s.bin
	if plain {
		bin = house.plain
	}
	s.startServeFrom(bin, more...)
}

// startServeFrom starts the webhook server of a directory of binaries.
func (s *shop) startServeFrom(bin string, more ...string) {
	s.t.Helper()
	started := &server{output: &safeBuffer{}}
	var err error
	started.Process, err = child.Start(child.Command{
		Path: filepath.Join(bin, "starter"), Args: []string{"serve"}, Dir: s.t.TempDir(), Stdout: started.output,
		Stderr: started.output,
		Env: s.environ(append([]string{
			"VITRINE_WEBHOOK_LISTEN=" + s.address, "VITRINE_LISTEN=" + s.probes, "VITRINE_SHUTDOWN_TIMEOUT=5s",
			"VITRINE_WEBHOOK_SECRETS=" + webhookSecret, "VITRINE_HOOK_SECRETS=" + hookSecret,
		}, more...)...),
	})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { started.end(s.t) })
	s.serve = started
	s.await("the webhook server getting ready", func() bool {
		require.True(s.t, started.Running(), "the webhook server ended:\n%s", started.output)
		return ports.Answers(s.t.Context(), "http://"+s.probes+"/readyz") == nil
	})
}

// await is the room's, and fails at once if the webhook server ended by itself: what is waited for would not come.
func (s *shop) await(what string, holds func() bool) {
	s.t.Helper()
	s.room.await(what, func() bool {
		if s.serve != nil && s.serve.EndedByItself() {
			require.FailNow(s.t, "the webhook server ended", "with %d, before %s:\n%s", s.serve.ExitCode(), what,
				s.serve.output)
		}
		return holds()
	})
}

func (p *server) end(t *testing.T) {
	if p.Running() {
		if err := p.Stop(patience); err != nil {
			t.Errorf("%v", err)
		}
	}
	log := p.output.String()
	if strings.Contains(log, "WARNING: DATA RACE") {
		t.Errorf("data race in the webhook server")
	}
	if t.Failed() {
		t.Logf("the webhook server's log:\n%s", log)
	}
}

// counts is how often an outcome was counted, by the server's own metrics.
func (s *shop) counts(metric string, labels ...string) int {
	s.t.Helper()
	request, err := http.NewRequestWithContext(within(s.t), http.MethodGet, "http://"+s.probes+"/metrics", nil)
	require.NoError(s.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	count := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, metric+"{") ||
			slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(line, l) }) {
			continue
		}
		var n float64
		_, err := fmt.Sscan(line[strings.LastIndex(line, " "):], &n)
		require.NoError(s.t, err, line)
		count += int(n)
	}
	return count
}

// subscribe tells Stripe of the webhook server.
func (s *shop) subscribe() simcontrol.Endpoint {
	s.t.Helper()
	endpoint, err := s.emulator.AddEndpoint(s.t.Context(), simcontrol.Endpoint{
		URL: "http://" + s.address + "/webhooks/stripe", Secrets: []string{webhookSecret}, Connect: true,
		EnabledEvents: order.EventTypes(),
	})
	require.NoError(s.t, err)
	return endpoint
}

// bought is an order that an agent placed.
type bought struct {
	*shop
	simcontrol.Purchased
}

func (s *shop) buys(p simcontrol.Purchase) bought {
	s.t.Helper()
	p.Account, p.Buyer = s.account, buyer
	purchased, err := s.emulator.Purchase(within(s.t), p)
	require.NoError(s.t, err)
	return bought{s, purchased}
}

func (b bought) id() order.ID { return order.ID{Account: b.account, Session: b.Session} }

// view is what the order's workflow says of itself; found is false while there is none.
func (b bought) view() (view workflows.OrderView, found bool) {
	b.t.Helper()
	answer, err := b.temporal.QueryWorkflow(within(b.t), b.id().String(), "", workflows.QueryOrder)
	if err != nil {
		return view, false
	}
	require.NoError(b.t, answer.Get(&view))
	return view, true
}

// becomes waits for a state.
func (b bought) becomes(state order.State) workflows.OrderView {
	b.t.Helper()
	return b.comes(string(state), func(v workflows.OrderView) bool { return v.State == state })
}

func (b bought) comes(what string, holds func(workflows.OrderView) bool) (view workflows.OrderView) {
	b.t.Helper()
	b.await(b.id().String()+" coming to "+what, func() bool {
		var found bool
		view, found = b.view()
		return found && holds(view)
	})
	return view
}

// shown is what `starter order show` says.
func (b bought) shown() workflows.OrderView {
	b.t.Helper()
	var view workflows.OrderView
	var got answer
	b.await("an answer about "+b.id().String(), func() bool { // a busy machine may let the command wait for too long
		got = b.starter("order", "show", b.account, b.Session, "-o", "json")
		return !strings.Contains(got.stderr, "no answer came in time")
	})
	require.Zero(b.t, got.code, got.stderr)
	require.NoError(b.t, json.Unmarshal([]byte(got.stdout), &view), got.stdout)
	return view
}

// atStripe is where the money is.
func (b bought) atStripe() simcontrol.Order {
	b.t.Helper()
	found, err := b.emulator.Order(within(b.t), b.Session)
	require.NoError(b.t, err)
	return found
}

// writes counts the calls to Stripe that moved an order's money: those that did something, not those that were answered
// from an idempotency key.
func (s *shop) writes(ending string) (count int) {
	s.t.Helper()
	for _, request := range s.requests() {
		if request.Method == "POST" && strings.HasSuffix(request.Path, ending) && request.Status == 200 &&
			!request.Replayed {
			count++
		}
	}
	return count
}

// sweeps runs the sweep, as its schedule does.
func (s *shop) sweeps(others ...string) workflows.OrderSweepResult {
	s.t.Helper()
	var result workflows.OrderSweepResult
	run := s.sweep(others...)
	require.NoError(s.t, run.Get(within(s.t), &result))
	s.keeps("order_sweep", run.GetID(), run.GetRunID())
	return result
}

// sweepFails is how a sweep ends that could not sweep every account.
func (s *shop) sweepFails(others ...string) error {
	s.t.Helper()
	run := s.sweep(others...)
	err := run.Get(within(s.t), nil)
	s.keeps("order_sweep_failed", run.GetID(), run.GetRunID())
	require.Error(s.t, err)
	return err
}

// sweep begins one, of the shop's account and others.
func (s *shop) sweep(others ...string) client.WorkflowRun {
	s.t.Helper()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID: fmt.Sprintf("order-sweep-%d", time.Now().UnixNano()), TaskQueue: workflows.TaskQueue,
	}, workflows.OrderSweepType, workflows.OrderSweepInput{Accounts: append([]string{s.account}, others...)})
	require.NoError(s.t, err)
	return run
}

// requireNobody fails if anything of the buyer is in a history, in a worker's log or in the webhook server's. Of many
// runs it reads the newest.
func (s *shop) requireNobody() {
	s.t.Helper()
	const most = 50
	private := []string{"Wilhelmina", "Verschwiegen", "verschwiegen", "Heimliche", "Stillstadt", buyer.Phone}
	runs := s.runs()
	require.NotEmpty(s.t, runs)
	for _, run := range runs[:min(len(runs), most)] {
		id := run.GetExecution().GetWorkflowId()
		for _, event := range s.history(id, run.GetExecution().GetRunId()) {
			for _, text := range private {
				require.NotContains(s.t, event.String(), text, "the history of %s", id)
			}
		}
	}
	for _, text := range private {
		require.NotContains(s.t, s.serve.output.String(), text)
		for _, w := range s.workers {
			require.NotContains(s.t, w.output.String(), text)
		}
	}
}
