package preflight

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"vitrine/internal/fault"
)

// Check is one thing that has to be right. An error with a permanent fault says that it never will be.
type Check struct {
	Name string
	Ask  func(context.Context) error
}

// within is how long a check may take: S3 and Stripe answer in a fraction of it, and a start has 15 seconds in all.
const within = 5 * time.Second

// Pause is how long to wait before what was away is looked at again.
const Pause = 2 * time.Second

// Look asks everything at once. refused is what cannot be right, away is what did not answer.
func Look(ctx context.Context, checks []Check) (refused, away error) {
	errs := make([]error, len(checks))
	var asked sync.WaitGroup
	for i, check := range checks {
		asked.Go(func() { errs[i] = check.ask(ctx) })
	}
	asked.Wait()
	for _, err := range errs {
		if f, ok := fault.Of(err); ok && f.Kind == fault.Permanent {
			refused = errors.Join(refused, err)
		} else {
			away = errors.Join(away, err)
		}
	}
	return refused, away
}

func (c Check) ask(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := c.Ask(limited)
	switch {
	case err == nil:
		return nil
	case limited.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("%s: no answer within %s", c.Name, within)
	}
	return fmt.Errorf("%s: %w", c.Name, err)
}

// Await looks every so often until nothing is away any more; tell is told what still is. It returns what was refused,
// or why ctx ended.
func Await(ctx context.Context, checks []Check, every time.Duration, tell func(away error)) error {
	for {
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		refused, away := Look(ctx, checks)
		if refused != nil || away == nil {
			return refused
		}
		tell(away)
	}
}
