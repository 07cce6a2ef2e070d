package main

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"vitrine/activities"
	"vitrine/internal/order"
)

// paced is Stripe for sweeps, which make thousands of calls after an outage: the rate of the task queue counts
// activities, and a sweep of an account is one.
type paced struct {
	stripe sweptStripe
	pace   *rate.Limiter
}

type sweptStripe interface {
	activities.EventsAtStripe
	SessionOf(ctx context.Context, account, paymentIntent string) (string, error)
}

// newPaced lets all sweeps of this worker make so many calls a second together.
func newPaced(stripe sweptStripe, perSecond float64) paced {
	return paced{stripe, rate.NewLimiter(rate.Limit(perSecond), 1)}
}

func (p paced) Events(
	ctx context.Context, account string, since time.Time, types []string, after string,
) (order.EventsPage, error) {
	if err := p.pace.Wait(ctx); err != nil {
		return order.EventsPage{}, err
	}
	return p.stripe.Events(ctx, account, since, types, after)
}

func (p paced) SessionOf(ctx context.Context, account, paymentIntent string) (string, error) {
	if err := p.pace.Wait(ctx); err != nil {
		return "", err
	}
	return p.stripe.SessionOf(ctx, account, paymentIntent)
}
