package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"vitrine/internal/config"
	"vitrine/internal/daemon"
)

const serveHelp = `Receive Stripe's webhooks, and what merchants' systems report about orders, until SIGTERM or SIGINT.

  POST /webhooks/stripe                         Stripe's events; 200 once the order's workflow has it
  POST /hooks/stripe                            Stripe's questions during a checkout, if VITRINE_HOOK_SECRETS is set
  POST /orders/ACCOUNT/SESSION/shipments        a parcel was sent, or has arrived
  POST /orders/ACCOUNT/SESSION/decision         a merchant accepts or rejects an order that was left pending
  POST /accounts/ID/account_sessions            the platform's backend embeds an account's settings: docs/embedded-settings.md
  /accounts/…                                   accounts, catalogs, reports and orders, and commands for them
  /console/                                     the same for people, in a browser
  GET  /openapi.json                            all of these but the console, described for machines

on VITRINE_WEBHOOK_LISTEN, and /livez, /readyz and /metrics on VITRINE_LISTEN. An event is only acknowledged when Temporal
has it: otherwise the answer is 503, and Stripe sends it again. One that will never arrive that way, because the key may not
read its account, is acknowledged and logged as an error; 'starter order sweep' delivers it later. Run as many as you like
behind a load balancer that speaks TLS; a request that is under way when the process is told to stop is answered first. The
routes under /orders, /accounts and /console take a token (VITRINE_API_TOKEN, VITRINE_API_TOKENS), and exist if there is one.

Exit codes: 0 after SIGTERM or SIGINT, 1 if it could not start or had to give up, 2 if the configuration is wrong, also if
Temporal, S3 or Stripe says so: a bucket does not exist, a key is not known. While one of them is away at the start it
is not ready.`

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "serve",
		Short:   "Receive Stripe's webhooks, and merchants' news of their orders",
		Long:    serveHelp,
		Example: "  VITRINE_WEBHOOK_SECRETS=whsec_… starter serve",
		Args:    noArgs("it is configured by environment variables, which 'starter env' lists"),
		RunE:    func(c *cobra.Command, _ []string) error { return a.serve(c.Context()) },
	}
}

func (a *app) serve(ctx context.Context) error {
	c, err := config.LoadServe(a.Lookup)
	if err != nil {
		return badInput(errors.Join(errors.New("the configuration is not usable ('starter env' explains it):"), err))
	}
	running, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	if err := runUntil(running, fx.New(a.serveModules(c, giveUp))); err != nil {
		return err
	}
	if ctx.Err() == nil {
		return fmt.Errorf("gave up: %w", context.Cause(running))
	}
	return nil
}

// runUntil runs an application until ctx ends. Its stop has its own time: what ended ctx must not cut requests off.
func runUntil(ctx context.Context, app *fx.App) error {
	if err := app.Err(); err != nil {
		if errors.As(err, new(*daemon.RefusedError)) {
			return badInput(dig.RootCause(err))
		}
		return dig.RootCause(err)
	}
	starting, cancel := context.WithTimeout(ctx, app.StartTimeout())
	defer cancel()
	if err := app.Start(starting); err != nil {
		return dig.RootCause(err)
	}
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StopTimeout())
	defer cancel()
	if err := app.Stop(stopping); err != nil {
		return fmt.Errorf("stop: %w", dig.RootCause(err))
	}
	return nil
}

// afterRequests is what a stop takes beyond VITRINE_SHUTDOWN_TIMEOUT, which is for the requests alone.
const afterRequests = 5 * time.Second
