package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/felixge/httpsnoop"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"

	"vitrine/internal/stripeapi"
)

// Traces tell what led to what, and how long it took, across processes. Those that are off do nothing.
//
// No span has a text that came from somebody else: no message of an error, no path, no address, no header.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer // nil: off
}

// NewTraces sends traces by OTLP over HTTP, as the variables OTEL_EXPORTER_OTLP_…, OTEL_TRACES_SAMPLER, OTEL_BSP_… and
// OTEL_SERVICE_NAME say, which OpenTelemetry reads itself. It makes nothing if they are off.
func NewTraces(ctx context.Context, on bool, service Service, version string, logger *slog.Logger) (*Traces, error) {
	if !on {
		return &Traces{}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	described, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", string(service)), attribute.String("service.version", version),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("traces are lost", "error", err) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described))
	return &Traces{provider: provider, tracer: provider.Tracer("vitrine")}, nil
}

// Interceptors carry a trace from whoever starts or signals a workflow through it to its activities. They leave no mark
// in what a workflow decides, so they may be turned on and off under runs that are under way.
func (t *Traces) Interceptors() ([]interceptor.ClientInterceptor, error) {
	if t.tracer == nil {
		return nil, nil
	}
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: t.tracer, SpanStarter: startQuiet,
		TextMapPropagator: propagation.TraceContext{}, DisableBaggage: true,
		DisableQueryTracing:     true, // somebody looks
		AllowInvalidParentSpans: true, // what is in a history already is not worth a run
	})
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return []interceptor.ClientInterceptor{tracing}, nil
}

func startQuiet(ctx context.Context, t trace.Tracer, name string, o ...trace.SpanStartOption) trace.Span {
	_, span := t.Start(ctx, name, o...)
	return quietSpan{span}
}

// quietSpan says that something failed, and not what: messages may name products, and are encrypted in Temporal.
type quietSpan struct{ trace.Span }

// RecordError records nothing.
func (quietSpan) RecordError(error, ...trace.EventOption) {}

// SetStatus leaves the description out.
func (s quietSpan) SetStatus(code codes.Code, _ string) { s.Span.SetStatus(code, "") }

// Serve begins a trace with every request. What a stranger's header says of a trace is not gone on with.
func (t *Traces) Serve(next http.Handler) http.Handler {
	if t.tracer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := t.tracer.Start(r.Context(), r.Method, trace.WithNewRoot(),
			trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		traced := r.WithContext(ctx)
		answered := httpsnoop.CaptureMetrics(next, w, traced)
		if route := traced.Pattern; route != "" {
			span.SetName(route)
			span.SetAttributes(attribute.String("http.route", route))
		}
		span.SetAttributes(attribute.String("http.request.method", r.Method),
			attribute.Int("http.response.status_code", answered.Code))
		if answered.Code >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	})
}

// StripeCalls makes a span of every call to Stripe, named after its route; nil if traces are off. Stripe is told
// nothing of it.
func (t *Traces) StripeCalls() func(context.Context, string) func(stripeapi.Call) {
	if t.tracer == nil {
		return nil
	}
	return func(ctx context.Context, route string) func(stripeapi.Call) {
		_, span := t.tracer.Start(ctx, "stripe "+route, trace.WithSpanKind(trace.SpanKindClient))
		return func(c stripeapi.Call) {
			span.SetAttributes(attribute.String("vitrine.outcome", c.Outcome))
			if c.Outcome != stripeapi.CallOK && c.Outcome != stripeapi.CallCanceled {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}
	}
}

// EndpointCalls makes a span of every call to an endpoint of a merchant's or the platform's, by the kind of what is
// posted; nil if traces are off. Whoever is called is told nothing of it.
func (t *Traces) EndpointCalls() func(ctx context.Context, kind string) func(status int) {
	if t.tracer == nil {
		return nil
	}
	return func(ctx context.Context, kind string) func(status int) {
		_, span := t.tracer.Start(ctx, "endpoint "+kind, trace.WithSpanKind(trace.SpanKindClient))
		return func(status int) {
			if status > 0 {
				span.SetAttributes(attribute.Int("http.response.status_code", status))
			}
			if status/100 != 2 && status != http.StatusConflict { // who answers 409 has it already
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}
	}
}

// Shutdown sends what is left.
func (t *Traces) Shutdown(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// inTrace adds the ids of the trace that a line belongs to, by the names that Temporal's interceptor gives them.
type inTrace struct{ slog.Handler }

// Handle writes the line.
func (h inTrace) Handle(ctx context.Context, line slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		line.AddAttrs(slog.String("TraceID", span.TraceID().String()), slog.String("SpanID", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs keeps the ids.
func (h inTrace) WithAttrs(attrs []slog.Attr) slog.Handler {
	return inTrace{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the ids.
func (h inTrace) WithGroup(name string) slog.Handler { return inTrace{h.Handler.WithGroup(name)} }
