package telemetry

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
)

// prefix is what Vitrine's own metrics begin with.
const prefix = "vitrine_"

// instruments are the metrics of Definitions that one process has.
type instruments struct {
	known  map[string]instrument
	logger *slog.Logger
}

// instrument is one of them: exactly one of its vectors is set.
type instrument struct {
	Definition
	counter   *prometheus.CounterVec
	gauge     *prometheus.GaugeVec
	histogram *prometheus.HistogramVec
}

func newInstruments(s Service, registry prometheus.Registerer, logger *slog.Logger) (*instruments, error) {
	i := &instruments{known: map[string]instrument{}, logger: logger}
	for _, d := range Definitions() {
		if !d.On(s) {
			continue
		}
		one := newInstrument(d)
		if err := registry.Register(one.collector()); err != nil {
			return nil, fmt.Errorf("metrics: %s: %w", d.Name, err)
		}
		one.begin()
		i.known[d.Name] = one
	}
	return i, nil
}

func newInstrument(d Definition) instrument {
	var labels []string
	for _, l := range d.Labels {
		labels = append(labels, l.Name)
	}
	i, help := instrument{Definition: d}, strings.ReplaceAll(d.Help, "`", "")
	switch d.Kind {
	case Counter:
		i.counter = prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: help}, labels)
	case Gauge:
		i.gauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: d.Name, Help: help}, labels)
	case Histogram:
		i.histogram = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Name, Help: help, Buckets: d.Bounds},
			labels)
	}
	return i
}

func (i instrument) collector() prometheus.Collector {
	switch {
	case i.counter != nil:
		return i.counter
	case i.gauge != nil:
		return i.gauge
	}
	return i.histogram
}

// begin makes the series that are there from the start. rate() and increase() would miss the first event of another.
func (i instrument) begin() {
	if i.Awaited {
		return
	}
	combinations := [][]string{nil}
	for _, l := range i.Labels {
		var longer [][]string
		for _, c := range combinations {
			for _, value := range l.Values {
				longer = append(longer, append(c[:len(c):len(c)], value))
			}
		}
		combinations = longer
	}
	for _, values := range combinations {
		i.touch(values)
	}
}

func (i instrument) touch(values []string) {
	switch {
	case i.counter != nil:
		i.counter.WithLabelValues(values...)
	case i.gauge != nil:
		i.gauge.WithLabelValues(values...)
	default:
		i.histogram.WithLabelValues(values...)
	}
}

// handler takes numbers by the interface that Temporal's SDK has for them, so that a step, a workflow (which reports
// nothing while it is replayed) and a server all report in the same way. What Vitrine names goes to the instrument of
// that name, with its own labels and none of the SDK's; everything else is the SDK's.
type handler struct {
	own  *instruments
	sdk  client.MetricsHandler
	tags map[string]string
}

// WithTags adds labels.
func (h handler) WithTags(tags map[string]string) client.MetricsHandler {
	all := maps.Clone(h.tags)
	if all == nil {
		all = make(map[string]string, len(tags))
	}
	maps.Copy(all, tags)
	return handler{own: h.own, sdk: h.sdk.WithTags(tags), tags: all}
}

// Counter is the counter of that name.
func (h handler) Counter(name string) client.MetricsCounter {
	if !strings.HasPrefix(name, prefix) {
		return h.sdk.Counter(name)
	}
	i, values, ok := h.find(name, Counter)
	if !ok {
		return client.MetricsNopHandler.Counter(name)
	}
	return counted{i.counter.WithLabelValues(values...)}
}

// Gauge is the gauge of that name.
func (h handler) Gauge(name string) client.MetricsGauge {
	if !strings.HasPrefix(name, prefix) {
		return h.sdk.Gauge(name)
	}
	i, values, ok := h.find(name, Gauge)
	if !ok {
		return client.MetricsNopHandler.Gauge(name)
	}
	return gauged{i.gauge.WithLabelValues(values...)}
}

// Timer is the histogram of that name.
func (h handler) Timer(name string) client.MetricsTimer {
	if !strings.HasPrefix(name, prefix) {
		return h.sdk.Timer(name)
	}
	i, values, ok := h.find(name, Histogram)
	if !ok {
		return client.MetricsNopHandler.Timer(name)
	}
	return timed{i.histogram.WithLabelValues(values...)}
}

// find is the instrument, with the values of its labels. A mistake in a number is logged: it is not worth a worker.
func (h handler) find(name string, kind Kind) (i instrument, values []string, ok bool) {
	i, ok = h.own.known[name]
	if !ok || i.Kind != kind {
		h.own.logger.Error("metric failed: it is not among those that this process has", "name", name, "kind", kind)
		return i, nil, false
	}
	for _, l := range i.Labels {
		value, there := h.tags[l.Name]
		if !there {
			h.own.logger.Error("metric failed: a label is missing", "name", name, "label", l.Name)
			return i, nil, false
		}
		if l.Closed && !slices.Contains(l.Values, value) {
			value = "other"
		}
		values = append(values, value)
	}
	return i, values, true
}

type counted struct{ prometheus.Counter }

// Inc adds n, which must not be negative: a counter only grows.
func (c counted) Inc(n int64) { c.Add(float64(max(n, 0))) }

type gauged struct{ prometheus.Gauge }

// Update sets the value.
func (g gauged) Update(value float64) { g.Set(value) }

type timed struct{ prometheus.Observer }

// Record notes a duration.
func (t timed) Record(d time.Duration) { t.Observe(d.Seconds()) }
