package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// Metrics are the numbers of a process: Vitrine's own ([Definitions]), the Temporal SDK's, and the Go runtime's.
type Metrics struct {
	own      *instruments
	provider *sdkmetric.MeterProvider
	registry *prometheus.Registry
	logger   *slog.Logger
}

// NewMetrics collects the numbers of a process.
func NewMetrics(service Service, version string, logger *slog.Logger) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	err = errors.Join(
		registry.Register(collectors.NewGoCollector()),
		registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
	)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	own, err := newInstruments(service, registry, logger)
	if err != nil {
		return nil, err
	}
	provider := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(exporter),
		sdkmetric.WithResource(resource.NewSchemaless(
			attribute.String("service.name", string(service)),
			attribute.String("service.version", version))),
		sdkmetric.WithView(sdkmetric.NewView(
			sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram, Unit: "s"},
			sdkmetric.Stream{Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: seconds}})),
	)
	versioned := handler{own: own, sdk: client.MetricsNopHandler, tags: map[string]string{"version": version}}
	versioned.Gauge("vitrine_build_info").Update(1)
	return &Metrics{own: own, provider: provider, registry: registry, logger: logger}, nil
}

// Handler serves the numbers to Prometheus, and as OpenMetrics to whoever asks for that. The series have the same names
// in both; bounds of histograms are le="1800" in one and le="1800.0" in the other, as in Prometheus 3 in any case.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Gatherer has the numbers as they are collected.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Take takes numbers: Vitrine's own by the names of [Definitions], and those of Temporal's SDK.
func (m *Metrics) Take() client.MetricsHandler {
	return handler{own: m.own, sdk: opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                m.provider.Meter("temporal-sdk-go"),
		UseMonotonicCounters: true, // as counters, which rate() needs
		// The default is to panic: a number is not worth a worker.
		OnError: func(err error) { m.logger.Error("metric failed", "error", err) },
	})}
}

// Shutdown ends the collection.
func (m *Metrics) Shutdown(ctx context.Context) error { return m.provider.Shutdown(ctx) }
