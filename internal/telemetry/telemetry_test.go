package telemetry_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/config"
	"vitrine/internal/telemetry"
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
	handler := m.Temporal().WithTags(map[string]string{"outcome": "succeeded"})
	handler.Counter("vitrine_rows_sent").Inc(3)
	handler.Timer("vitrine_import_seconds").Record(90 * time.Second)
	handler.Gauge("vitrine_freshness").Update(7)

	text := scrape(t, m)
	require.Contains(t, text, `vitrine_rows_sent_total{outcome="succeeded"} 3`)
	require.Contains(t, text, `vitrine_freshness{outcome="succeeded"} 7`)
	require.Contains(t, text, `vitrine_import_seconds_bucket{outcome="succeeded",le="60"} 0`, "bounds in seconds")
	require.Contains(t, text, `vitrine_import_seconds_bucket{outcome="succeeded",le="300"} 1`)
	require.Contains(t, text, `service_name="vitrine-test"`)
	require.Contains(t, text, "go_goroutines")
	require.Contains(t, text, "process_start_time_seconds")
}

func TestABadMetricIsLoggedAndHarmless(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	m := newMetrics(t, &logs)
	require.NotPanics(t, func() { m.Temporal().Counter("no name at all!").Inc(1) })
	require.Contains(t, logs.String(), "metric failed")
}

func newMetrics(t *testing.T, logs io.Writer) *telemetry.Metrics {
	t.Helper()
	m, err := telemetry.NewMetrics("vitrine-test", "v0", slog.New(slog.NewTextHandler(logs, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.Shutdown(t.Context()) })
	return m
}

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	require.Equal(t, 200, recorder.Code)
	return recorder.Body.String()
}
