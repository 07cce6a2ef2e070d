package main

import (
	"context"
	"log/slog"

	"vitrine/internal/health"
	"vitrine/internal/preflight"
)

// entry keeps the server unready until what it needs has answered. Requests that come all the same are taken: each asks
// for what it needs, and is answered with 503 while that is away.
type entry struct {
	checks []preflight.Check
	health *health.Health
	giveUp giveUp
	logger *slog.Logger

	cancel  context.CancelFunc
	waiting chan struct{} // closed when nothing is waited for any more
}

// look returns what is away; what cannot be right is an error.
func (e *entry) look(ctx context.Context) (away, refused error) {
	refused, away = preflight.Look(ctx, e.checks)
	return away, badInput(refused)
}

// open makes the server ready, at once or when what is away answers.
func (e *entry) open(away error) {
	e.waiting, e.cancel = make(chan struct{}), func() {}
	if away == nil {
		close(e.waiting)
		e.health.Started()
		return
	}
	e.tell(away)
	waiting, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	go e.wait(waiting)
}

func (e *entry) tell(away error) {
	e.logger.Warn("the server is not ready: it waits for what is away", "error", away)
	e.health.Waits(away)
}

func (e *entry) wait(ctx context.Context) {
	defer close(e.waiting)
	switch err := preflight.Await(ctx, e.checks, preflight.Pause, e.tell); {
	case ctx.Err() != nil:
	case err != nil:
		e.giveUp(err)
	default:
		e.health.Started()
	}
}

func (e *entry) close() {
	e.cancel()
	<-e.waiting
}
