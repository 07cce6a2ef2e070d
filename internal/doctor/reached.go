package doctor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"vitrine/internal/stripeapi"
)

// Once asks for whoever comes first, and tells all who have the patience. Whoever does not answer in time is away for
// all.
func Once(ask func(context.Context) error, within time.Duration) func(context.Context) error {
	var begin sync.Once
	var err error
	answered := make(chan struct{})
	return func(ctx context.Context) error {
		begin.Do(func() {
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
			go func() {
				defer cancel()
				defer close(answered)
				if err = ask(limited); err != nil && limited.Err() != nil {
					err = fmt.Errorf("no answer within %s", within)
				}
			}()
		})
		select {
		case <-answered:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reached is a Stripe that is asked whether it answers, and nothing more if it does not: with many accounts everything
// that waited for it would wait for minutes.
type reached struct {
	AtStripe
	first func(context.Context) error
}

// Reached asks for the platform's account before anything else.
func Reached(s AtStripe, within time.Duration) AtStripe {
	return reached{s, Once(func(ctx context.Context) error {
		_, err := s.Account(ctx, "")
		if refused(err) {
			return nil // it answers
		}
		return err
	}, within)}
}

func (r reached) Account(ctx context.Context, id string) (stripeapi.Account, error) {
	if err := r.first(ctx); err != nil {
		return stripeapi.Account{}, err
	}
	return r.AtStripe.Account(ctx, id)
}

func (r reached) MayRead(ctx context.Context, account string, p stripeapi.Permission) error {
	if err := r.first(ctx); err != nil {
		return err
	}
	return r.AtStripe.MayRead(ctx, account, p)
}

func (r reached) WebhookEndpoints(ctx context.Context) ([]stripeapi.WebhookEndpoint, error) {
	if err := r.first(ctx); err != nil {
		return nil, err
	}
	return r.AtStripe.WebhookEndpoints(ctx)
}

func (r reached) EventDestinations(ctx context.Context) ([]stripeapi.EventDestination, error) {
	if err := r.first(ctx); err != nil {
		return nil, err
	}
	return r.AtStripe.EventDestinations(ctx)
}

func (r reached) Agreements(ctx context.Context, account string) ([]stripeapi.Agreement, error) {
	if err := r.first(ctx); err != nil {
		return nil, err
	}
	return r.AtStripe.Agreements(ctx, account)
}
