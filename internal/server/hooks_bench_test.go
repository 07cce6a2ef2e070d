package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/checkout"
	"vitrine/internal/order"
)

// merchantAnswering is a merchant whose endpoint answers with any text.
type merchantAnswering struct{ text string }

func (m *merchantAnswering) ApproveCheckout(
	context.Context, order.Endpoint, checkout.Question,
) (checkout.Approval, error) {
	return checkout.ParseApproval([]byte(m.text))
}

func (m *merchantAnswering) CustomizeCheckout(
	_ context.Context, _ order.Endpoint, q checkout.Question,
) (checkout.Customization, error) {
	return checkout.ParseCustomization([]byte(m.text), q)
}

// FuzzHooks posts rightly signed nonsense, about which the merchant talks nonsense too.
func FuzzHooks(f *testing.F) {
	m := &merchantAnswering{}
	r := newHookRoom(f, func(o *HookOptions) { o.Merchants = m }).sells("acct_1", hookProducts).settle(asking())
	for _, kind := range []string{checkout.FinalizeType, checkout.CustomizeType, checkout.AvailabilityType} {
		for _, answer := range []string{`{"status":"declined"}`,
			`{"shipping_options":[{"shipping_rate_data":{"display_name":"Bike","fixed_amount":{"amount":7,"currency":"usd"}}}]}`} {
			f.Add(kind, `{"sku_id":"shirt","currency":"usd","line_items_details":[`+hookShirt+
				`],"shipping_details":{"address":{"country":"US"}}}`, answer)
		}
	}
	n := 0
	f.Fuzz(func(t *testing.T, kind, data, answer string) {
		n++
		m.text = answer
		w := r.ask(fmt.Sprintf("evt_%d", n), kind, "acct_1", data)
		require.Contains(t, []int{200, 400, 404, 413}, w.Code)
		if w.Code == http.StatusOK {
			require.True(t, json.Valid(w.Body.Bytes()))
		}
	})
}

// benchmarkProducts is a large shop: 280,000 products, 30 MB.
const benchmarkProducts = 280_000

// BenchmarkHooks asks over real connections, each request signed, as many at once as there are cores times four. The
// assortment is loaded: what it shows is how long an answer takes that needs nothing from elsewhere.
func BenchmarkHooks(b *testing.B) {
	var rows strings.Builder
	rows.WriteString("id,title,availability,inventory_quantity,price,shipping\n")
	for n := range benchmarkProducts {
		fmt.Fprintf(&rows,
			"SKU-%07d,Organic cotton shirt %d,in_stock,1000000,20.00 USD,\"US:ALL:Standard:3-5:5.00 USD,US:ALL:Express:1-2:15.00 USD\"\n", n, n)
	}
	for _, hook := range []struct{ kind, data string }{
		{checkout.FinalizeType,
			`{"id":"cs_%[1]d","currency":"usd","amount_total":2000,"line_items_details":[{"id":"SKU-%07[2]d","unit_amount":2000,"quantity":1}]}`},
		{checkout.CustomizeType,
			`{"currency":"usd","line_item_details":[{"id":"li_%[1]d","sku_id":"SKU-%07[2]d","quantity":1}],"shipping_details":{"address":{"country":"US"}}}`},
		{checkout.AvailabilityType, `{"sku_id":"SKU-%07[2]d"}`},
	} {
		b.Run(hookName(hook.kind), func(b *testing.B) {
			r := newHookRoom(b, func(o *HookOptions) { o.Now = time.Now }).sells("acct_1", rows.String())
			r.Warm(b.Context(), []string{"acct_1"})
			server := httptest.NewServer(Routes(&Webhook{}, NewAPI(APIOptions{}), r.Hooks, client.MetricsNopHandler,
				slog.New(slog.DiscardHandler)))
			defer server.Close()
			server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64
			var asked atomic.Int64
			var mu sync.Mutex
			var all []time.Duration
			b.SetParallelism(4)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var took []time.Duration
				for pb.Next() {
					n := asked.Add(1)
					body := hookBody(fmt.Sprintf("evt_%d", n), hook.kind, "acct_1",
						fmt.Sprintf(hook.data, n, n*271%benchmarkProducts))
					began := time.Now()
					if err := postHook(b, server, body); err != nil {
						b.Error(err)
						return
					}
					took = append(took, time.Since(began))
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, took...)
			})
			slices.Sort(all)
			if len(all) > 0 {
				b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
				b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
			}
		})
	}
}

// BenchmarkAmongStrangers times signed requests beside 1,000 connections that send a signed request byte by byte, and
// without them, in turns of the same run: hooks, which are answered from memory, and webhooks, whose delivery to
// Temporal is taken to cost nothing. Each of the 1,000 sends a byte a second, is refused when the time for its body is
// over, and comes again. They are of this process, so that what they cost themselves is in the figures, too.
func BenchmarkAmongStrangers(b *testing.B) {
	hook := func(n int) string {
		return hookBody(fmt.Sprintf("evt_%d", n), checkout.FinalizeType, "acct_1",
			fmt.Sprintf(`{"id":"cs_%d","currency":"usd","amount_total":0,`+
				`"line_items_details":[{"id":"free","unit_amount":0,"quantity":1}]}`, n))
	}
	for _, door := range []struct {
		path string
		body func(n int) string
		sign func(body string) string
	}{
		{"/hooks/stripe", hook, func(body string) string { return signHook(body, hookSecret, time.Now()) }},
		{"/webhooks/stripe", func(int) string { return event() },
			func(body string) string { return sign(connectSecret, body, time.Now()) }},
	} {
		b.Run(door.path[1:strings.LastIndex(door.path, "/")], func(b *testing.B) {
			h := newHouse(b, func(e *entrance) { e.within = bodyWithin })
			took := map[bool][]time.Duration{}
			for n := 0; b.Loop(); {
				for _, crowded := range []bool{false, true} {
					leave := func() {}
					if crowded {
						leave = h.crowd(b, 1000)
					}
					for range requestsATurn {
						n++
						body := door.body(n)
						signature := door.sign(body)
						began := time.Now()
						if status := h.post(door.path, body, signature); status != http.StatusOK {
							b.Fatalf("a signed request was answered %d", status)
						}
						took[crowded] = append(took[crowded], time.Since(began))
					}
					leave()
				}
			}
			for crowded, name := range map[bool]string{false: "alone", true: "crowded"} {
				all := took[crowded]
				slices.Sort(all)
				b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs-"+name)
				b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs-"+name)
				b.ReportMetric(float64(all[len(all)*999/1000].Microseconds()), "p999-µs-"+name)
			}
			b.ReportMetric(float64(h.away.Load()), "turned-away")
		})
	}
}

// requestsATurn are enough for a turn to be as long as strangers come and go.
const requestsATurn = 20_000

// crowd is so many slow connections, at all stages of what they do. It returns once they are there, with what ends
// them.
func (h *house) crowd(b *testing.B, n int) (leave func()) {
	ctx, stop := context.WithCancel(b.Context())
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			rest(ctx, bodyWithin*time.Duration(i)/time.Duration(n))
			for ctx.Err() == nil {
				h.trickle(ctx)
			}
		})
	}
	most := func() bool { there, _ := h.inside(); return there >= n*9/10 } // some are always about to come again
	require.Eventually(b, most, time.Minute, 10*time.Millisecond)
	return func() { stop(); all.Wait() }
}

func rest(ctx context.Context, lasting time.Duration) {
	select {
	case <-time.After(lasting):
	case <-ctx.Done():
	}
}

func (h *house) trickle(ctx context.Context) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.address)
	if err != nil {
		return
	}
	defer conn.Close()
	text := begun("/hooks/stripe")
	for ctx.Err() == nil && err == nil {
		_, err = io.WriteString(conn, text)
		text = " "
		rest(ctx, time.Second)
	}
}

func postHook(b *testing.B, server *httptest.Server, body string) error {
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+"/hooks/stripe",
		strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Stripe-Signature", signHook(body, hookSecret, time.Now()))
	response, err := server.Client().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", response.StatusCode, answer)
	}
	return err
}
