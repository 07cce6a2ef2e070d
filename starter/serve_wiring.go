package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/fx"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/console"
	"vitrine/internal/daemon"
	"vitrine/internal/desk"
	"vitrine/internal/fulfillment"
	"vitrine/internal/health"
	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/preflight"
	"vitrine/internal/server"
	"vitrine/internal/stripeapi"
	"vitrine/internal/telemetry"
	"vitrine/workflows"
)

// serveModules is the whole server. fx starts what they append from top to bottom, and stops it in reverse.
func (a *app) serveModules(c config.Config, stop context.CancelCauseFunc) fx.Option {
	return fx.Options(
		fx.NopLogger, // errors come back from New, Start and Stop, and are printed there
		fx.StartTimeout(15*time.Second),
		fx.StopTimeout(c.Worker.ShutdownTimeout+afterRequests),
		fx.Supply(c, telemetry.NewLogger(a.Stderr, c.Log)),
		fx.Provide(
			func(h *health.Health) daemon.GiveUp { return func(err error) { h.Fail(err); stop(err) } },
			func() (catalog.Documents, error) { return a.documents(context.Background()) },
			func(d catalog.Documents) daemon.StorageLost { return preflight.Lost(d.Objects, d.Layout) },
			newChecks, newIntake, newWebhook, newDesk, newAPI, newConsole, newCheckoutHooks, newPublicServer,
		),
		daemon.Module(daemon.Process{
			Name: telemetry.Serve, Version: version(),
			Attributes:   []temporal.SearchAttributeKey{workflows.SearchAccount, workflows.SearchOrderState},
			AnswersAlone: true,
		}),
		fx.Invoke(bePresent, receive),
	)
}

func newIntake(
	stripe *stripeapi.Client, temporal client.Client, o client.Options, documents catalog.Documents,
) intake.Intake {
	settings := order.Documents{Store: documents.Store}
	accounts := settingsOf(documents)
	ours := func(ctx context.Context, account string) (bool, error) {
		known, err := settings.Known(ctx, account)
		if err != nil || known {
			return known, err
		}
		return accounts.Known(ctx, account)
	}
	return intake.Intake{
		Temporal: temporal, Namespace: o.Namespace, Known: settings.Known, Ours: ours,
		SessionOf: stripe.Orders().SessionOf, Importing: documents.Importing,
	}.Remembering()
}

// bePresent says that webhooks are received, so that sweeps leave quiet accounts alone. Where it may not be written,
// they are swept like the others.
func bePresent(lc fx.Lifecycle, documents catalog.Documents, logger *slog.Logger) {
	kept := order.Documents{Store: documents.Store}
	daemon.Beside(lc, func(ctx context.Context) {
		daemon.Every(ctx, order.PresenceEvery, func(ctx context.Context) {
			if err := kept.BePresent(ctx, time.Now()); err != nil && ctx.Err() == nil {
				logger.Warn("sweeps do not learn that webhooks are received, and read every account's events each time",
					"error", err)
			}
		})
	})
}

// newChecks are what has to be right before requests are taken. The server reads settings and state, and writes
// nothing that anything depends on.
func newChecks(
	temporal daemon.TemporalCheck, stripe *stripeapi.Client, documents catalog.Documents,
) []preflight.Check {
	return []preflight.Check{
		preflight.Check(temporal), preflight.Settings(documents.Objects, documents.Layout),
		preflight.StripeKey(stripe.CheckKey),
	}
}

func newWebhook(c config.Config, in intake.Intake, metrics client.MetricsHandler, logger *slog.Logger) *server.Webhook {
	return server.NewWebhook(server.WebhookOptions{
		Secrets: reveal(c.Serve.Secrets), Livemode: c.Livemode(), Deliver: in.Deliver, Metrics: metrics, Logger: logger,
	})
}

// newDesk is one for API and console.
func newDesk(c config.Config, temporal client.Client, documents catalog.Documents) desk.Desk {
	return desk.Desk{Documents: documents, Temporal: temporal, Keys: c.PayloadKeys, Marks: &desk.Marks{}}
}

func newAPI(
	c config.Config, temporal client.Client, d desk.Desk, stripe *stripeapi.Client, logger *slog.Logger,
) *server.API {
	return server.NewAPI(server.APIOptions{
		Tokens: c.Serve.AllTokens(), Rules: c.Deployment(), Desk: d,
		Merchants: server.NewMerchants(temporal.UpdateWorkflow, d.Order, logger),
		Sessions:  server.NewAccountSessions(stripe.BeginAccountSession, logger),
		Logger:    logger,
	})
}

// newConsole is nil without a token.
func newConsole(c config.Config, d desk.Desk, logger *slog.Logger) *console.Console {
	return console.New(console.Options{
		Tokens: c.Serve.AllTokens(), Desk: d, Rules: c.Deployment(), Now: time.Now, Logger: logger,
	})
}

// newCheckoutHooks answers Stripe's synchronous hooks; without a signing secret there is no such route.
func newCheckoutHooks(
	lc fx.Lifecycle, c config.Config, documents catalog.Documents, metrics client.MetricsHandler,
	traces *telemetry.Traces, logger *slog.Logger,
) checkoutHooks {
	if len(c.Hooks.Secrets) == 0 {
		return checkoutHooks{}
	}
	settings := order.Documents{Store: documents.Store}
	h := server.NewHooks(server.HookOptions{
		Secrets: reveal(c.Hooks.Secrets), Approve: c.Hooks.Fallback == config.FallbackApprove,
		CacheBytes:  c.Hooks.CacheBytes,
		Assortments: assortment.Documents{Store: documents.Store},
		Settings:    settings.Settings,
		Merchants: fulfillment.NewEndpoint(fulfillment.EndpointOptions{
			Secrets: fulfillment.Secrets{Dir: c.Orders.SecretsDir}, AllowPrivate: c.Orders.AllowPrivate,
			Traced: traces.EndpointCalls(),
		}),
		Now: time.Now, Log: logger, Count: server.HookMetrics{MetricsHandler: metrics},
	})
	warmUp(lc, h, settings, logger)
	return checkoutHooks{h}
}

// warmUp loads, in the background, what the first hooks would wait for. A start does not wait for it, nor depend on it.
func warmUp(lc fx.Lifecycle, h *server.Hooks, settings order.Documents, logger *slog.Logger) {
	daemon.Beside(lc, func(ctx context.Context) {
		accounts, err := settings.Accounts(ctx)
		if err != nil {
			logger.Warn("the first hooks will wait for what they answer by: the accounts cannot be listed",
				"error", err)
		}
		h.Warm(ctx, accounts)
	})
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

// publicServer is a type of its own for fx: that of health and metrics is another one.
type publicServer struct{ *http.Server }

func newPublicServer(
	w *server.Webhook, api *server.API, pages *console.Console, hooks checkoutHooks, metrics client.MetricsHandler,
	traces *telemetry.Traces, logger *slog.Logger,
) publicServer {
	var more []server.Pages
	if pages != nil {
		more = append(more, server.Pages{Root: console.Root, Handler: pages})
	}
	routes := server.Routes(w, api, hooks.handler, metrics, logger, more...)
	public := server.New(traces.Serve(routes), logger)
	server.GuardEntrance(public, metrics)
	return publicServer{public}
}

// receive comes last, so it is the first to stop: what is under way ends before anything that it needs does. Requests
// that come while the gate waits are taken all the same: each asks for what it needs, and is answered with 503 while
// that is away.
func receive(
	lc fx.Lifecycle, c config.Config, public publicServer, h *health.Health, checks []preflight.Check,
	stop daemon.GiveUp, logger *slog.Logger,
) {
	listen := daemon.Listener{
		Variable: "VITRINE_WEBHOOK_LISTEN", Address: c.Serve.Listen, Serves: "webhooks and merchants",
		Server: public.Server,
		GiveUp: stop, Logger: logger,
	}
	gate := &daemon.Gate{
		Checks: checks, Admit: func() error { h.Started(); return nil },
		Waits: "the server is not ready: it waits for what is away", Health: h, GiveUp: stop, Logger: logger,
	}
	lc.Append(fx.StartStopHook(
		func(ctx context.Context) error {
			away, refused := gate.Look(ctx)
			if refused != nil {
				return badInput(refused)
			}
			if err := listen.Start(ctx); err != nil {
				return err
			}
			return gate.Open(away)
		},
		func(ctx context.Context) error {
			gate.Close()
			ctx, cancel := context.WithTimeout(ctx, c.Worker.ShutdownTimeout)
			defer cancel()
			return server.Drain(ctx, public.Server)
		},
	))
}
