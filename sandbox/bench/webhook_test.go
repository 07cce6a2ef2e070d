package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v83/webhook"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/statestore"
	"vitrine/internal/stripeapi"
	"vitrine/sandbox/child"
	"vitrine/sandbox/ports"
)

const (
	// eventRate is what the webhook server is sent in a second, and rush is for how long.
	eventRate     = 200
	rush          = 15 * time.Second
	webhookSecret = "whsec_ofTheBenchmark"
)

// BenchmarkAcknowledge is how long Stripe waits for an answer while events come in at eventRate, evenly, whether the
// ones before are answered or not: the webhook server of the built starter, in front of the sandbox's Temporal, which
// keeps everything in SQLite. The events are those of real purchases, so half of them start an order, and the others
// have their session looked up at Stripe.
//
// With a worker on the same machine this is more than SQLite can take, which fulfils some forty orders a second; then
// the server refuses what is too much, and Stripe sends it again. refused-% is the share of those.
func BenchmarkAcknowledge(b *testing.B) {
	b.Run("alone", func(b *testing.B) { acknowledge(b, false) })
	b.Run("with a worker", func(b *testing.B) { acknowledge(b, true) })
}

func acknowledge(b *testing.B, worker bool) {
	sandbox := startSandbox(b)
	control := simcontrol.Client{BaseURL: sandbox.Stripe}
	sell(b, sandbox)
	server, _ := startServer(b, sandbox)
	if worker {
		startWorker(b, sandbox)
	}
	var took []time.Duration
	var refused int
	for b.Loop() {
		b.StopTimer()
		events := purchase(b, control, int(eventRate*rush.Seconds()))
		b.StartTimer()
		waited, tooMuch := send(b, server, events)
		took, refused = append(took, waited...), refused+tooMuch
	}
	slices.Sort(took)
	for _, share := range []struct {
		name string
		of   float64
	}{{"p50-ms", 0.50}, {"p99-ms", 0.99}, {"max-ms", 1}} {
		at := max(int(float64(len(took))*share.of)-1, 0)
		b.ReportMetric(float64(took[at].Microseconds())/1e3, share.name)
	}
	b.ReportMetric(100*float64(refused)/float64(len(took)), "refused-%")
	b.ReportMetric(0, "ns/op") // it is how long the rush lasts
}

// sell gives the account a product that agents can buy, and settings that have every order fulfilled.
func sell(b *testing.B, t task) {
	b.Helper()
	api, err := stripeapi.New(stripeapi.Options{Key: t.Env["STRIPE_API_KEY"], APIBase: t.Stripe, FilesBase: t.Stripe})
	require.NoError(b, err)
	const products = "id,title,description,link,image_link,availability,inventory_quantity,price\n" +
		"sku1,Title,Words,https://shop.example/1,https://shop.example/1.jpg,in_stock,1000000,9.99 USD\n"
	file, err := api.V1().Upload(b.Context(), catalog.Upload{
		Account: account, Feed: feed.Product, Filename: "product.csv", ContentType: "text/csv",
		Size: int64(len(products)), Body: strings.NewReader(products), IdempotencyKey: b.Name() + "/upload",
	})
	require.NoError(b, err)
	started, err := api.V1().CreateImport(b.Context(), catalog.ID{Account: account, Feed: feed.Product}, file,
		b.Name()+"/import")
	require.NoError(b, err)
	require.Eventually(b, func() bool {
		read, err := api.V1().Import(b.Context(), account, started.ID)
		return err == nil && read.Status == catalog.StatusSucceeded
	}, 10*time.Second, 20*time.Millisecond)
	objects, err := t.objects(b.Context())
	require.NoError(b, err)
	settings, err := json.Marshal(order.Settings{Account: account, Enabled: true, Which: order.AllOrders,
		UnknownSKU:  order.FulfilUnknown,
		Fulfillment: order.Fulfillment{Kind: order.S3}})
	require.NoError(b, err)
	_, err = objects.Write(b.Context(), t.Env["VITRINE_STATE_BUCKET"], statestore.Layout{}.OrderSettingsKey(account),
		"application/json", bytes.NewReader(settings))
	require.NoError(b, err)
}

func startServer(b *testing.B, t task) (url string, p *child.Process) {
	b.Helper()
	free, err := ports.Several(2)
	require.NoError(b, err)
	address, probes := ports.Address(free[0]), ports.Address(free[1])
	p = start(b, t, probes, "starter", []string{"serve"}, "VITRINE_WEBHOOK_LISTEN="+address,
		"VITRINE_WEBHOOK_SECRETS="+webhookSecret)
	return "http://" + address + "/webhooks/stripe", p
}

func startWorker(b *testing.B, t task) *child.Process {
	b.Helper()
	port, err := ports.Pick(0)
	require.NoError(b, err)
	return start(b, t, ports.Address(port), "worker", nil)
}

// start runs a built binary until the benchmark ends, and waits until it is ready.
func start(b *testing.B, t task, probes, name string, args []string, extra ...string) *child.Process {
	b.Helper()
	env := append(child.Isolated(os.Environ()), "VITRINE_LISTEN="+probes, "VITRINE_LOG_LEVEL=error")
	for name, value := range t.Env {
		env = append(env, name+"="+value)
	}
	var output bytes.Buffer // read only once the process has ended
	p, err := child.Start(child.Command{
		Path: filepath.Join(binaries(b), name), Args: args, Dir: b.TempDir(), Env: append(env, extra...),
		Stdout: &output, Stderr: &output,
	})
	require.NoError(b, err)
	b.Cleanup(func() {
		if err := p.Stop(30 * time.Second); err != nil {
			b.Error(err)
		}
		if b.Failed() {
			b.Log(output.String())
		}
	})
	require.Eventually(b, func() bool { return ports.Answers(b.Context(), "http://"+probes+"/readyz") == nil },
		30*time.Second, 20*time.Millisecond)
	return p
}

// purchase makes as many events as are asked for, of purchases that nobody has heard of, in the order that Stripe sends
// them.
func purchase(b *testing.B, control simcontrol.Client, count int) (bodies [][]byte) {
	b.Helper()
	before, err := control.Events(b.Context(), account)
	require.NoError(b, err)
	known := map[string]bool{}
	for _, e := range before {
		known[e.ID] = true
	}
	for bought := 0; bought < count/2; bought++ {
		_, err := control.Purchase(b.Context(), simcontrol.Purchase{Account: account})
		require.NoError(b, err)
	}
	events, err := control.Events(b.Context(), account)
	require.NoError(b, err)
	slices.SortStableFunc(events, func(a, b simcontrol.Event) int { return a.Created.Compare(b.Created) })
	for _, e := range events {
		if known[e.ID] || e.Type != "checkout.session.completed" && e.Type != "payment_intent.succeeded" {
			continue
		}
		bodies = append(bodies,
			fmt.Appendf(nil,
				`{"id":%q,"object":"event","type":%q,"account":%q,"created":%d,"livemode":false,"data":{"object":%s}}`,
				e.ID, e.Type, e.Account, e.Created.Unix(), e.Object))
	}
	require.Len(b, bodies, count)
	return bodies
}

// send posts the events at their times. It returns how long each waited for its answer, and how many were refused for
// being too much.
func send(b *testing.B, url string, bodies [][]byte) (waited []time.Duration, refused int) {
	b.Helper()
	waited = make([]time.Duration, len(bodies))
	failed := make([]error, len(bodies))
	client := newClient()
	defer client.CloseIdleConnections()
	tick := time.NewTicker(time.Second / eventRate)
	defer tick.Stop()
	var underWay sync.WaitGroup
	for i, body := range bodies {
		due := <-tick.C
		underWay.Go(func() {
			failed[i] = post(client, url, body)
			waited[i] = time.Since(due)
		})
	}
	underWay.Wait()
	for i, err := range failed {
		if errors.Is(err, errTooMuch) {
			refused++
			failed[i] = nil
		}
	}
	require.NoError(b, errors.Join(failed...))
	return waited, refused
}

func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: 30 * time.Second}
}

var errTooMuch = errors.New("more than can be taken now")

func post(client *http.Client, url string, body []byte) error {
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: webhookSecret})
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Stripe-Signature", signed.Header)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch text := strings.TrimSpace(string(answer)); {
	case err != nil:
		return err
	case response.StatusCode == http.StatusServiceUnavailable:
		return errTooMuch
	case text != "delivered":
		return fmt.Errorf("HTTP %d: %s", response.StatusCode, text)
	}
	return nil
}
