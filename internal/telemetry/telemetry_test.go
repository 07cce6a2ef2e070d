package telemetry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/config"
	"vitrine/internal/stripeapi"
	"vitrine/internal/telemetry"
	"vitrine/internal/telemetry/telemetrytest"
)

func TestTheLogFollowsLevelAndFormat(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := telemetry.NewLogger(&out, config.Log{Level: slog.LevelWarn, Format: config.FormatJSON})
	logger.Info("quiet")
	require.Empty(t, out.String())
	logger.Warn("loud", "n", 1)
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "loud", line["msg"])

	out.Reset()
	telemetry.NewLogger(&out, config.Log{Format: config.FormatText}).Info("plain")
	require.Contains(t, out.String(), "msg=plain")
}

func TestMetricsAreServed(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, io.Discard)
	sdk := m.Take().WithTags(map[string]string{"task_queue": "vitrine"})
	sdk.Counter("temporal_request").Inc(3)
	sdk.Timer("temporal_import_latency").Record(90 * time.Second)
	sdk.Gauge("temporal_num_pollers").Update(7)

	text := scrape(t, m)
	require.Contains(t, text, `temporal_request_total{task_queue="vitrine"} 3`)
	require.Contains(t, text, `temporal_num_pollers{task_queue="vitrine"} 7`)
	require.Contains(t, text, `temporal_import_latency_seconds_bucket{task_queue="vitrine",le="60"} 0`,
		"bounds in seconds")
	require.Contains(t, text, `temporal_import_latency_seconds_bucket{task_queue="vitrine",le="300"} 1`)
	require.Contains(t, text, `service_name="vitrine-worker"`)
	require.Contains(t, text, `vitrine_build_info{version="v0"} 1`)
	require.Contains(t, text, "go_goroutines")
	require.Contains(t, text, "process_start_time_seconds")
}

// The SDK gives its own labels to all that a step or a workflow reports. They would multiply the series.
func TestOwnMetricsHaveTheirOwnLabelsAlone(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, io.Discard)
	inAStep := m.Take().WithTags(map[string]string{"task_queue": "vitrine", "namespace": "catalogs", "feed": "product"})
	inAStep.WithTags(map[string]string{"outcome": "held", "feed": "pricing"}).Counter("vitrine_catalog_syncs_total").
		Inc(2)
	inAStep.WithTags(map[string]string{"outcome": "held"}).Counter("vitrine_catalog_syncs_total").Inc(1)
	inAStep.Timer("vitrine_catalog_freshness_seconds").Record(10 * time.Minute)
	text := scrape(t, m)
	require.Contains(t, text, `vitrine_catalog_syncs_total{feed="pricing",outcome="held"} 2`)
	require.Contains(t, text, `vitrine_catalog_syncs_total{feed="product",outcome="held"} 1`)
	require.Contains(t, text, `vitrine_catalog_freshness_seconds_bucket{feed="product",le="600"} 1`)
	require.Contains(t, text, `vitrine_catalog_syncs_total{feed="promotion",outcome="failed"} 0`,
		"the first increase has to show")
}

// A feed is what somebody typed into a workflow's input.
func TestALabelTakesNoValueThatAnybodyMayChoose(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, io.Discard)
	m.Take().WithTags(map[string]string{"feed": "acct_123", "outcome": "failed"}).
		Counter("vitrine_catalog_syncs_total").Inc(1)
	require.Contains(t, scrape(t, m), `vitrine_catalog_syncs_total{feed="other",outcome="failed"} 1`)
}

func TestABadMetricIsLoggedAndHarmless(t *testing.T) {
	t.Parallel()
	for name, report := range map[string]func(client.MetricsHandler){
		"no name for OpenTelemetry": func(h client.MetricsHandler) { h.Counter("no name at all!").Inc(1) },
		"nobody's":                  func(h client.MetricsHandler) { h.Counter("vitrine_rows_total").Inc(1) },
		"another process's": func(h client.MetricsHandler) {
			h.Counter("vitrine_http_turned_away_total").Inc(1)
		},
		"another kind":            func(h client.MetricsHandler) { h.Gauge("vitrine_catalog_syncs_total").Update(1) },
		"a timer of another kind": func(h client.MetricsHandler) { h.Timer("vitrine_catalog_syncs_held").Record(1) },
		"no label":                func(h client.MetricsHandler) { h.Counter("vitrine_catalog_syncs_total").Inc(1) },
	} {
		var logs bytes.Buffer
		m := newMetrics(t, &logs)
		require.NotPanics(t, func() { report(m.Take()) }, name)
		require.Contains(t, logs.String(), "metric failed", name)
	}
	m := newMetrics(t, io.Discard)
	counter := m.Take().WithTags(map[string]string{"feed": "product"}).Counter("vitrine_catalog_sent_bytes_total")
	require.NotPanics(t, func() { counter.Inc(-1) })
}

// Rules and dashboards name series: whoever scrapes has the same ones, whatever format they ask for.
func TestSeriesHaveTheSameNamesInBothFormats(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, io.Discard)
	m.Take().Counter("temporal_request").Inc(3)
	m.Take().Timer("temporal_request_latency").Record(time.Second)
	m.Take().Timer("vitrine_fleet_start_delay_seconds").Record(time.Minute)
	names := func(page string) []string {
		found := regexp.MustCompile(`(?m)^\w+`).FindAllString(page, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	plain, open := scrapeAs(t, m, "text/plain"), scrapeAs(t, m, openMetrics)
	require.True(t, strings.HasSuffix(open, "# EOF\n"))
	require.Equal(t, names(plain), names(open))
	require.Contains(t, names(open), "temporal_request_total")
	require.Contains(t, plain, `vitrine_fleet_start_delay_seconds_bucket{le="1800"}`)
	require.Contains(t, open, `vitrine_fleet_start_delay_seconds_bucket{le="1800.0"}`, "so rules have to take both")
}

// Whatever is defined can be reported, and is then shown as it is defined; and the conventions hold for all of it.
func TestEveryDefinitionIsShownAsItIs(t *testing.T) {
	t.Parallel()
	for _, service := range []telemetry.Service{telemetry.Worker, telemetry.Serve} {
		var logs bytes.Buffer
		m, err := telemetry.NewMetrics(service, "v0", slog.New(slog.NewTextHandler(&logs, nil)))
		require.NoError(t, err)
		for _, d := range telemetry.Definitions() {
			if d.On(service) {
				report(m.Take(), d)
			}
		}
		require.Empty(t, logs.String())
		telemetrytest.RequireDefined(t, service, own(t, m))
		for _, format := range []string{"text/plain", openMetrics} {
			telemetrytest.RequirePage(t, service, scrapeAs(t, m, format))
		}
		problems, err := promlint.NewWithMetricFamilies(own(t, m)).Lint()
		require.NoError(t, err)
		require.Empty(t, problems)
	}
}

// report makes a series that is there from the start, or else its first.
func report(metrics client.MetricsHandler, d telemetry.Definition) {
	tags := map[string]string{}
	for _, l := range d.Labels {
		tags[l.Name] = "v0"
		if len(l.Values) > 0 {
			tags[l.Name] = l.Values[0]
		}
	}
	switch metrics = metrics.WithTags(tags); d.Kind {
	case telemetry.Counter:
		metrics.Counter(d.Name).Inc(1)
	case telemetry.Gauge:
		metrics.Gauge(d.Name).Update(1)
	case telemetry.Histogram:
		metrics.Timer(d.Name).Record(time.Second)
	}
}

// own are Vitrine's own metrics.
func own(t *testing.T, m *telemetry.Metrics) (families []*dto.MetricFamily) {
	t.Helper()
	all, err := m.Gatherer().Gather()
	require.NoError(t, err)
	for _, family := range all {
		if strings.HasPrefix(family.GetName(), "vitrine_") {
			families = append(families, family)
		}
	}
	return families
}

func TestRequestsToStripeAreCounted(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, io.Discard)
	called := telemetry.StripeCalls(m.Take())
	called(stripeapi.Call{Route: "GET /v1/events", Outcome: stripeapi.CallOK, Took: time.Second})
	called(stripeapi.Call{Route: "GET /v1/events", Outcome: "StripeThrottled", Took: time.Second})
	text := scrape(t, m)
	require.Contains(t, text, `vitrine_stripe_requests_total{outcome="StripeThrottled",route="GET /v1/events"} 1`)
	require.Contains(t, text, `vitrine_stripe_request_duration_seconds_count{route="GET /v1/events"} 2`)
}

func newMetrics(t *testing.T, logs io.Writer) *telemetry.Metrics {
	t.Helper()
	m, err := telemetry.NewMetrics(telemetry.Worker, "v0", slog.New(slog.NewTextHandler(logs, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Shutdown(t.Context()) })
	return m
}

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	return scrapeAs(t, m, "text/plain")
}

// openMetrics is what a Prometheus asks for.
const openMetrics = "application/openmetrics-text;version=1.0.0"

func scrapeAs(t *testing.T, m *telemetry.Metrics, format string) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil)
	request.Header.Set("Accept", format)
	m.Handler().ServeHTTP(recorder, request)
	require.Equal(t, 200, recorder.Code)
	require.Contains(t, recorder.Header().Get("Content-Type"), strings.Split(format, ";")[0])
	return recorder.Body.String()
}
