package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
)

// tracesReceiver takes what worker and server send by OTLP.
type tracesReceiver struct {
	url string

	mu    sync.Mutex
	spans map[string][]*tracepb.Span // by their names
	raw   bytes.Buffer
}

func openReceiver(t *testing.T) *tracesReceiver {
	t.Helper()
	r := &tracesReceiver{spans: map[string][]*tracepb.Span{}}
	served := httptest.NewServer(r)
	t.Cleanup(served.Close)
	r.url = served.URL
	return r
}

func (r *tracesReceiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var sent collector.ExportTraceServiceRequest
	if err != nil || request.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw.Write(body)
	for _, of := range sent.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				r.spans[span.GetName()] = append(r.spans[span.GetName()], span)
			}
		}
	}
}

// together reports whether one trace has spans of all these names.
func (r *tracesReceiver) together(names ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	has := map[string]int{}
	for _, name := range names {
		found := map[string]bool{}
		for _, span := range r.spans[name] {
			found[string(span.GetTraceId())] = true
		}
		for id := range found {
			has[id]++
		}
	}
	for _, n := range has {
		if n == len(names) {
			return true
		}
	}
	return false
}

func TestTracesGoFromTheWebhookToTheMerchantAndFromTheSyncToStripe(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	r := openReceiver(t)
	for name, value := range map[string]string{
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": r.url, "OTEL_BSP_SCHEDULE_DELAY": "100",
	} {
		s.settings[name] = value
	}
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	s.await("the trace of the sync", func() bool {
		return r.together("RunWorkflow:CatalogSync", "StartActivity:CreateImportSet", "RunActivity:CreateImportSet",
			"stripe POST /v1/data_management/import_sets")
	})
	b := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1"}}})
	b.becomes(order.StateAccepted)
	// The span of the workflow itself is sent when it ends, which is months away.
	s.await("the trace of the order", func() bool {
		return r.together("POST /webhooks/stripe", "RunActivity:SubmitOrder",
			"stripe GET /v1/checkout/sessions/{id}")
	})
	require.Regexp(t, "TraceID=[0-9a-f]{32}", s.serve.output.String(), "lines of the log bear the ids")
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, private := range []string{buyer.Name, buyer.Email, buyer.Phone, buyer.Address.Line1, "Title of sku1",
		merchantSecret} {
		require.False(t, strings.Contains(r.raw.String(), private), private)
	}
}
