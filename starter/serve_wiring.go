package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/fulfillment"
	"vitrine/internal/health"
	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/preflight"
	"vitrine/internal/server"
	"vitrine/internal/stripeapi"
	"vitrine/internal/telemetry"
	"vitrine/internal/temporalclient"
	"vitrine/workflows"
)

// giveUp ends the server, so that whoever runs it starts a new one.
type giveUp func(error)

// serveModules is the whole server. fx starts what they append from top to bottom, and stops it in reverse.
func (a *app) serveModules(c config.Config, stop context.CancelCauseFunc) fx.Option {
	return fx.Options(
		fx.NopLogger, // errors come back from New, Start and Stop, and are printed there
		fx.StartTimeout(15*time.Second),
		fx.StopTimeout(c.Worker.ShutdownTimeout+afterRequests),
		fx.Supply(c, telemetry.NewLogger(a.Stderr, c.Log)),
		fx.Provide(
			func(h *health.Health) giveUp { return func(err error) { h.Fail(err); stop(err) } },
			func() (catalog.Documents, error) { return a.documents(context.Background()) },
			newMetrics, newTemporalOptions, newTemporal, newHealth, newStripe, newChecks, newIntake, newWebhook, newMerchants, newCheckoutHooks,
		),
		fx.Invoke(answerProbes, checkTemporal, receive),
	)
}

func newMetrics(lc fx.Lifecycle, logger *slog.Logger) (*telemetry.Metrics, client.MetricsHandler, error) {
	m, err := telemetry.NewMetrics("vitrine-starter", version(), logger)
	if err != nil {
		return nil, nil, err
	}
	lc.Append(fx.StopHook(m.Shutdown))
	return m, m.Temporal(), nil
}

func newTemporalOptions(logger *slog.Logger, metrics client.MetricsHandler) (client.Options, error) {
	return temporalclient.Options(logger, metrics)
}

// newTemporal does not connect yet: checkTemporal does, within the start's timeout.
func newTemporal(lc fx.Lifecycle, o client.Options) (client.Client, error) {
	c, err := client.NewLazyClient(o)
	if err == nil {
		lc.Append(fx.StopHook(c.Close))
	}
	return c, err
}

func checkTemporal(lc fx.Lifecycle, c client.Client, o client.Options, logger *slog.Logger) {
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		if err := temporalclient.Check(ctx, c, o); err != nil {
			return err
		}
		return temporalclient.CheckSearchAttributes(ctx, c, o.Namespace, logger, workflows.SearchAccount, workflows.SearchOrderState)
	}))
}

func newHealth(temporal client.Client, documents catalog.Documents) *health.Health {
	return health.New(func(ctx context.Context) error {
		_, err := temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}, preflight.Lost(documents.Objects, documents.Layout))
}

func newStripe(c config.Config) (*stripeapi.Client, error) {
	return stripeapi.New(stripeapi.Options{
		Key: c.Stripe.Key.Reveal(), APIBase: c.Stripe.APIBase, OrdersVersion: c.Stripe.OrdersVersion,
	})
}

func newIntake(stripe *stripeapi.Client, temporal client.Client, documents catalog.Documents) intake.Intake {
	settings := order.Documents{Objects: documents.Objects, Layout: documents.Layout}
	return intake.Intake{Temporal: temporal, Known: settings.Known, SessionOf: stripe.Orders().SessionOf}.Remembering()
}

// newChecks are what has to be right before requests are taken. The server reads settings and state, and writes none.
func newChecks(stripe *stripeapi.Client, documents catalog.Documents) []preflight.Check {
	return []preflight.Check{preflight.Settings(documents.Objects, documents.Layout), preflight.StripeKey(stripe.CheckKey)}
}

func newWebhook(c config.Config, in intake.Intake, metrics client.MetricsHandler, logger *slog.Logger) *server.Webhook {
	return server.NewWebhook(server.WebhookOptions{
		Secrets: reveal(c.Serve.Secrets), Livemode: c.Livemode(), Deliver: in.Deliver, Metrics: metrics, Logger: logger,
	})
}

func newMerchants(c config.Config, temporal client.Client, logger *slog.Logger) *server.Merchants {
	return server.NewMerchants(c.Serve.APIToken.Reveal(), temporal.UpdateWorkflow, logger)
}

// newCheckoutHooks answers Stripe's synchronous hooks; without a signing secret there is no such route.
func newCheckoutHooks(lc fx.Lifecycle, c config.Config, documents catalog.Documents, metrics client.MetricsHandler, logger *slog.Logger) checkoutHooks {
	if len(c.Hooks.Secrets) == 0 {
		return checkoutHooks{}
	}
	settings := order.Documents{Objects: documents.Objects, Layout: documents.Layout}
	h := server.NewHooks(server.HookOptions{
		Secrets: reveal(c.Hooks.Secrets), Approve: c.Hooks.Fallback == config.FallbackApprove, CacheBytes: c.Hooks.CacheBytes,
		Assortments: assortment.Documents{Objects: documents.Objects, Layout: documents.Layout},
		Settings:    settings.Settings,
		Merchants: fulfillment.NewEndpoint(fulfillment.EndpointOptions{
			Secrets: fulfillment.Secrets{Dir: c.Orders.SecretsDir}, AllowPrivate: c.Orders.AllowPrivate,
		}),
		Now: time.Now, Log: logger, Count: server.HookMetrics{MetricsHandler: metrics},
	})
	warmUp(lc, h, settings, logger)
	return checkoutHooks{h}
}

// warmUp loads, in the background, what the first hooks would wait for. A start does not wait for it, nor depend on it.
func warmUp(lc fx.Lifecycle, h *server.Hooks, settings order.Documents, logger *slog.Logger) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	lc.Append(fx.StartStopHook(
		func() {
			go func() {
				defer close(ended)
				accounts, err := settings.Accounts(ctx)
				if err != nil {
					logger.Warn("the first hooks will wait for what they answer by: the accounts cannot be listed", "error", err)
				}
				h.Warm(ctx, accounts)
			}()
		},
		func() { stop(); <-ended },
	))
}

// checkoutHooks is a type of its own for fx, which tells providers apart by type; its handler may be nil.
type checkoutHooks struct{ handler http.Handler }

func reveal(secrets []config.Secret) []string {
	texts := make([]string, len(secrets))
	for i, secret := range secrets {
		texts[i] = secret.Reveal()
	}
	return texts
}

// answerProbes listens before Temporal is asked, so that a start can be watched.
func answerProbes(lc fx.Lifecycle, c config.Config, h *health.Health, m *telemetry.Metrics, stop giveUp, logger *slog.Logger) {
	probes := server.New(h.Routes(m.Handler()), logger)
	listen := listener{"VITRINE_LISTEN", c.Worker.Listen, probes, stop, logger}
	lc.Append(fx.StartStopHook(listen.start, probes.Shutdown))
}

// receive comes last, so it is the first to stop: what is under way ends before anything that it needs does.
func receive(lc fx.Lifecycle, c config.Config, w *server.Webhook, m *server.Merchants, hooks checkoutHooks, h *health.Health, checks []preflight.Check, metrics client.MetricsHandler, stop giveUp, logger *slog.Logger) {
	public := server.New(server.Routes(w, m, hooks.handler, metrics, logger), logger)
	server.GuardEntrance(public, metrics)
	listen := listener{"VITRINE_WEBHOOK_LISTEN", c.Serve.Listen, public, stop, logger}
	entry := &entry{checks: checks, health: h, giveUp: stop, logger: logger}
	lc.Append(fx.StartStopHook(
		func(ctx context.Context) error {
			away, refused := entry.look(ctx)
			if refused != nil {
				return refused
			}
			if err := listen.start(ctx); err != nil {
				return err
			}
			entry.open(away)
			return nil
		},
		func(ctx context.Context) error {
			h.Draining()
			entry.close()
			ctx, cancel := context.WithTimeout(ctx, c.Worker.ShutdownTimeout)
			defer cancel()
			return server.Drain(ctx, public)
		},
	))
}

// listener opens a port in the foreground, so that one that is taken ends the start with a clear error.
type listener struct {
	variable, address string
	server            *http.Server
	stop              giveUp
	logger            *slog.Logger
}

func (l listener) start(ctx context.Context) error {
	port, err := new(net.ListenConfig).Listen(ctx, "tcp", l.address)
	if err != nil {
		return fmt.Errorf("%s=%s: cannot listen there: %w", l.variable, l.address, err)
	}
	l.logger.Info("listening", "variable", l.variable, "address", port.Addr().String())
	go func() {
		if err := l.server.Serve(port); !errors.Is(err, http.ErrServerClosed) {
			l.stop(fmt.Errorf("serve %s: %w", l.variable, err))
		}
	}()
	return nil
}
