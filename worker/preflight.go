package main

import (
	"context"
	"log/slog"

	"go.uber.org/fx"

	"vitrine/internal/catalog"
	"vitrine/internal/config"
	"vitrine/internal/health"
	"vitrine/internal/preflight"
	"vitrine/internal/stripeapi"
)

var preflightModule = fx.Module("preflight", fx.Provide(newChecks))

// newChecks are what has to be right before a worker takes work.
func newChecks(c config.Config, objects catalog.Objects, stripe *stripeapi.Client) []preflight.Check {
	layout := c.Layout()
	return []preflight.Check{
		preflight.Source(objects, layout), preflight.State(objects, layout), preflight.StripeKey(stripe.CheckKey),
	}
}

// refusedError is a configuration that cannot be right, as those say who were asked.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// gate starts the workers once nothing is refused and nothing away.
type gate struct {
	checks  []preflight.Check
	workers workers
	health  *health.Health
	giveUp  giveUp
	logger  *slog.Logger

	cancel  context.CancelFunc
	waiting chan struct{} // closed when nothing is waited for any more
	open    bool          // the workers run; read after waiting is closed
}

func (g *gate) start(ctx context.Context) error {
	refused, away := preflight.Look(ctx, g.checks)
	if refused != nil {
		return &refusedError{refused}
	}
	g.waiting, g.cancel = make(chan struct{}), func() {}
	if away == nil {
		defer close(g.waiting)
		return g.admit()
	}
	g.tell(away)
	waiting, cancel := context.WithCancel(context.Background())
	g.cancel = cancel
	go g.wait(waiting)
	return nil
}

func (g *gate) tell(away error) {
	g.logger.Warn("the worker takes no work yet: it waits for what is away", "error", away)
	g.health.Waits(away)
}

func (g *gate) wait(ctx context.Context) {
	defer close(g.waiting)
	err := preflight.Await(ctx, g.checks, preflight.Pause, g.tell)
	if ctx.Err() != nil {
		return
	}
	switch {
	case err != nil:
		err = &refusedError{err}
	default:
		err = g.admit()
	}
	if err != nil {
		g.giveUp(err)
	}
}

func (g *gate) admit() error {
	if err := g.workers.start(); err != nil {
		return err
	}
	g.open = true
	g.health.Started()
	g.logger.Info("worker is ready", "queues", queues)
	return nil
}

func (g *gate) stop(ctx context.Context) error {
	g.health.Draining()
	g.logger.Info("worker drains")
	g.cancel()
	<-g.waiting
	if !g.open {
		return nil
	}
	return g.workers.stop(ctx)
}
