package e2e

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/internal/telemetry/telemetrytest"
)

// together reports whether one trace has spans of all these names.
func together(spans []*tracepb.Span, names ...string) bool {
	has := map[string]map[string]bool{} // names by the trace's id
	for _, span := range spans {
		id := string(span.GetTraceId())
		if has[id] == nil {
			has[id] = map[string]bool{}
		}
		has[id][span.GetName()] = true
	}
	for _, found := range has {
		if !slices.ContainsFunc(names, func(name string) bool { return !found[name] }) {
			return true
		}
	}
	return false
}

func TestTracesGoFromTheWebhookToTheMerchantAndFromTheSyncToStripe(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	r := telemetrytest.Receive(t)
	for name, value := range map[string]string{
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": r.URL, "OTEL_BSP_SCHEDULE_DELAY": "100",
	} {
		s.settings[name] = value
	}
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.does("accounts", "apply", "-f", s.list(s.account))
	s.triggers()
	s.await("the trace of the sync", func() bool {
		return together(r.Spans(), "RunWorkflow:CatalogSync", "StartActivity:SendPart", "RunActivity:SendPart",
			"stripe POST /v1/data_management/import_sets")
	})
	b := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: "sku1"}}})
	b.becomes(order.StateAccepted)
	// The span of the workflow itself is sent when it ends, which is months away.
	s.await("the trace of the order", func() bool {
		return together(r.Spans(), "POST /webhooks/stripe", "RunActivity:SubmitOrder", "endpoint order",
			"stripe GET /v1/checkout/sessions/{id}")
	})
	require.Regexp(t, "TraceID=[0-9a-f]{32}", s.serve.output.String(), "lines of the log bear the ids")
	for _, private := range []string{buyer.Name, buyer.Email, buyer.Phone, buyer.Address.Line1, "Title of sku1",
		merchantSecret} {
		require.NotContains(t, r.Raw(), private)
	}
}
