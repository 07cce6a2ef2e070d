package daemon

import (
	"context"
	"fmt"
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/fx"

	"vitrine/internal/budget"
	"vitrine/internal/config"
	"vitrine/internal/health"
	"vitrine/internal/keyring"
	"vitrine/internal/preflight"
	"vitrine/internal/stripeapi"
	"vitrine/internal/telemetry"
	"vitrine/internal/temporalclient"
)

// GiveUp ends the process, so that whoever runs it starts a new one. The process itself provides it.
type GiveUp func(error)

// StorageLost asks whether the bucket that the process cannot be without is lost. The process itself provides it.
type StorageLost func(context.Context) error

// Process is what tells the processes apart.
type Process struct {
	Name       telemetry.Service
	Version    string                        // see [Version]
	Attributes []temporal.SearchAttributeKey // without which it cannot work
	// AnswersAlone says that it has answers for some requests while Temporal is away, and 503 for the others. So it
	// stays ready: unready, all of them would get a 503 from whoever balances the load.
	AnswersAlone bool
}

// Module provides the metrics, Temporal's client, Stripe's client and the health of a process, and serves the health.
// It needs a config.Config, a *slog.Logger, a [StorageLost] and a [GiveUp].
//
// It listens before anybody is asked, so that a start can be watched: put it before what takes work.
func Module(p Process) fx.Option {
	return fx.Module("daemon",
		fx.Supply(p),
		fx.Provide(newMetrics, newTraces, newPayloadKeys, temporalOptions, newTemporal, newMeasuredStripe, newHealth,
			newCalls, newTemporalCheck),
		fx.Invoke(serveHealth),
	)
}

func newMetrics(lc fx.Lifecycle, p Process, logger *slog.Logger) (*telemetry.Metrics, client.MetricsHandler, error) {
	m, err := telemetry.NewMetrics(p.Name, p.Version, logger)
	if err != nil {
		return nil, nil, err
	}
	lc.Append(fx.StopHook(m.Shutdown))
	return m, m.Take(), nil
}

func newTraces(lc fx.Lifecycle, p Process, c config.Config, logger *slog.Logger) (*telemetry.Traces, error) {
	traces, err := telemetry.NewTraces(context.Background(), c.Traces, p.Name, p.Version, logger)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(traces.Shutdown))
	return traces, nil
}

func newPayloadKeys(c config.Config) keyring.Keys { return c.PayloadKeys }

// temporalOptions are read before anybody is asked: what is wrong with them, no restart mends.
func temporalOptions(
	logger *slog.Logger, metrics client.MetricsHandler, keys keyring.Keys,
) (client.Options, error) {
	o, err := temporalclient.Options(logger, metrics, keys)
	if err != nil {
		return o, &RefusedError{err}
	}
	return o, nil
}

// newTemporal does not connect yet: [TemporalCheck] does.
func newTemporal(lc fx.Lifecycle, o client.Options, traces *telemetry.Traces) (client.Client, error) {
	tracing, err := traces.Interceptors() // the workers of the client have them too
	if err != nil {
		return nil, err
	}
	o.Interceptors = append(o.Interceptors, tracing...)
	c, err := client.NewLazyClient(o)
	if err == nil {
		lc.Append(fx.StopHook(c.Close))
	}
	return c, err
}

// TemporalCheck has to be right before work is taken. It is a type of its own for fx: a process has other checks.
type TemporalCheck preflight.Check

func newTemporalCheck(p Process, c client.Client, o client.Options, logger *slog.Logger) TemporalCheck {
	return TemporalCheck{"Temporal (TEMPORAL_ADDRESS)", func(ctx context.Context) error {
		if err := temporalclient.Check(ctx, c, o); err != nil {
			return err
		}
		return temporalclient.CheckSearchAttributes(ctx, c, o.Namespace, logger, p.Attributes...)
	}}
}

func newCalls(c config.Config) *budget.Calls { return budget.NewCalls(c.Stripe.Rate) }

func newMeasuredStripe(
	c config.Config, metrics client.MetricsHandler, traces *telemetry.Traces, calls *budget.Calls,
) (*stripeapi.Client, error) {
	return newStripe(c, stripeapi.Options{
		Called: telemetry.StripeCalls(metrics), Traced: traces.StripeCalls(), Budget: calls,
	})
}

// NewStripe makes the client for Stripe that a configuration describes; it calls nobody.
func NewStripe(c config.Config) (*stripeapi.Client, error) { return newStripe(c, stripeapi.Options{}) }

// newStripe adds to who watches and counts what the configuration says.
func newStripe(c config.Config, o stripeapi.Options) (*stripeapi.Client, error) {
	o.Key, o.APIBase, o.FilesBase = c.Stripe.Key.Reveal(), c.Stripe.APIBase, c.Stripe.FilesBase
	o.Version, o.V2Version, o.OrdersVersion = c.Stripe.Version, c.Stripe.V2Version, c.Stripe.OrdersVersion
	o.AgreementsVersion, o.EmbeddedVersion = c.Stripe.AgreementsVersion, c.Stripe.EmbeddedVersion
	return stripeapi.New(o)
}

func newHealth(p Process, temporal client.Client, lost StorageLost) *health.Health {
	if p.AnswersAlone {
		return health.New(lost)
	}
	return health.New(lost, func(ctx context.Context) error {
		if _, err := temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
			return fmt.Errorf("Temporal does not answer: %w", err)
		}
		return nil
	})
}
