package daemon

import (
	"context"
	"log/slog"

	"vitrine/internal/health"
	"vitrine/internal/preflight"
)

// RefusedError is a configuration that cannot be right, as those say who were asked: to start again would not help.
type RefusedError struct{ Err error }

// Error is what was said.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap gives what was said.
func (e *RefusedError) Unwrap() error { return e.Err }

// Gate makes a process ready once nothing that it was configured with is refused, and nothing is away. [Gate.Look]
// comes first, then [Gate.Open], and [Gate.Close] at the stop.
type Gate struct {
	Checks []preflight.Check
	Admit  func() error // lets work in, and says so to Health
	Waits  string       // what is logged while something is away
	Health *health.Health
	GiveUp GiveUp
	Logger *slog.Logger

	cancel  context.CancelFunc
	waiting chan struct{} // closed when nothing is waited for any more
	open    bool          // Admit did; read after waiting is closed
}

// Look returns what is away. What cannot be right is a [*RefusedError].
func (g *Gate) Look(ctx context.Context) (away, refused error) {
	refused, away = preflight.Look(ctx, g.Checks)
	if refused != nil {
		return away, &RefusedError{refused}
	}
	return away, nil
}

// Open lets work in, at once or in the background when what is away answers. What goes wrong there is given up on.
func (g *Gate) Open(away error) error {
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

func (g *Gate) tell(away error) {
	g.Logger.Warn(g.Waits, "error", away)
	g.Health.Waits(away)
}

func (g *Gate) wait(ctx context.Context) {
	defer close(g.waiting)
	err := preflight.Await(ctx, g.Checks, preflight.Pause, g.tell)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		err = &RefusedError{err}
	} else {
		err = g.admit()
	}
	if err != nil {
		g.GiveUp(err)
	}
}

func (g *Gate) admit() error {
	err := g.Admit()
	g.open = err == nil
	return err
}

// Close makes the process unready, waits for nothing any more, and reports whether work was let in.
func (g *Gate) Close() (opened bool) {
	g.Health.Draining()
	g.cancel()
	<-g.waiting
	return g.open
}
