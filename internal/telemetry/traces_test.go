package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"vitrine/internal/config"
	"vitrine/internal/stripeapi"
	"vitrine/internal/telemetry"
	"vitrine/internal/telemetry/telemetrytest"
)

// received has traces on, and sent to a receiver in this process.
func received(t *testing.T) (*telemetrytest.Receiver, *telemetry.Traces) {
	t.Helper()
	r := telemetrytest.Receive(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.URL)
	traces, err := telemetry.NewTraces(t.Context(), true, telemetry.Worker, "v1.2.3", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return r, traces
}

func spanOf(t *testing.T, r *telemetrytest.Receiver, name string) *tracepb.Span {
	t.Helper()
	var names []string
	for _, span := range r.Spans() {
		if span.GetName() == name {
			return span
		}
		names = append(names, span.GetName())
	}
	require.FailNow(t, "no such span", "%s is not among %q", name, names)
	return nil
}

func TestARequestIsASpanAndItsLinesBearItsIDs(t *testing.T) {
	r, traces := received(t)
	var logs bytes.Buffer
	logger := telemetry.NewLogger(&logs, config.Log{Format: config.FormatText})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{account}", func(w http.ResponseWriter, request *http.Request) {
		logger.InfoContext(request.Context(), "taken")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/orders/acct_of_somebody?secret=1",
		http.NoBody)
	request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	request.Header.Set("User-Agent", "a-strangers-agent")
	traces.Serve(mux).ServeHTTP(httptest.NewRecorder(), request)
	require.NoError(t, traces.Shutdown(context.Background()))

	span := spanOf(t, r, "POST /orders/{account}")
	require.Equal(t, tracepb.Status_STATUS_CODE_ERROR, span.GetStatus().GetCode())
	require.Empty(t, span.GetParentSpanId(), "a stranger's trace is not gone on with")
	for _, text := range []string{"acct_of_somebody", "secret", "a-strangers-agent", "192.0.2.1"} {
		require.NotContains(t, r.Raw(), text)
	}
	require.Contains(t, r.Raw(), "vitrine-worker")
	require.Contains(t, r.Raw(), "v1.2.3")
	require.Regexp(t, "msg=taken TraceID=[0-9a-f]{32} SpanID=[0-9a-f]{16}", logs.String())
}

func TestActivitiesAndTheirCallsToStripeAreOneTrace(t *testing.T) {
	r, traces := received(t)
	interceptors, err := traces.Interceptors()
	require.NoError(t, err)
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{
		Interceptors: []interceptor.WorkerInterceptor{interceptors[0].(interceptor.Interceptor)},
	})
	step := func(ctx context.Context) error {
		traces.StripeCalls()(ctx, "POST /v1/refunds")(stripeapi.Call{Route: "POST /v1/refunds",
			Outcome: "StripeThrottled"})
		return errors.New("the-words-of-a-failure")
	}
	env.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: "RefundPayment"})
	_, err = env.ExecuteActivity("RefundPayment")
	require.Error(t, err)
	require.NoError(t, traces.Shutdown(context.Background()))

	ran, called := spanOf(t, r, "RunActivity:RefundPayment"), spanOf(t, r, "stripe POST /v1/refunds")
	require.Equal(t, ran.GetTraceId(), called.GetTraceId())
	require.Equal(t, ran.GetSpanId(), called.GetParentSpanId())
	require.Equal(t, tracepb.Status_STATUS_CODE_ERROR, ran.GetStatus().GetCode())
	require.Equal(t, tracepb.Status_STATUS_CODE_ERROR, called.GetStatus().GetCode())
	require.NotContains(t, r.Raw(), "the-words-of-a-failure")
}

func TestCallsToEndpointsAreSpansOfKindAndStatus(t *testing.T) {
	r, traces := received(t)
	for kind, status := range map[string]int{"order": 200, "notice": 409, "news": 503, "ping": 0} {
		traces.EndpointCalls()(t.Context(), kind)(status)
	}
	require.NoError(t, traces.Shutdown(context.Background()))
	for kind, failed := range map[string]bool{"order": false, "notice": false, "news": true, "ping": true} {
		span := spanOf(t, r, "endpoint "+kind)
		require.Equal(t, failed, span.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR, kind)
		require.LessOrEqual(t, len(span.GetAttributes()), 1, "the status, where there is one")
	}
	require.Empty(t, spanOf(t, r, "endpoint ping").GetAttributes())
}

func TestTracesThatAreOffAreNothing(t *testing.T) {
	t.Parallel()
	traces, err := telemetry.NewTraces(t.Context(), false, telemetry.Serve, "v1", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	interceptors, err := traces.Interceptors()
	require.NoError(t, err)
	require.Empty(t, interceptors)
	require.Nil(t, traces.StripeCalls())
	require.Nil(t, traces.EndpointCalls())
	mux := http.NewServeMux()
	require.Same(t, mux, traces.Serve(mux), "nothing stands between")
	require.NoError(t, traces.Shutdown(t.Context()))
}
