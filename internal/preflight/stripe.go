package preflight

import (
	"context"

	"vitrine/internal/fault"
)

// StripeKey checks that Stripe knows the key. Whatever else Stripe says against the question, the key exists: what it
// may do shows when it is used.
func StripeKey(ask func(context.Context) error) Check {
	return Check{"Stripe (STRIPE_API_KEY)", func(ctx context.Context) error {
		err := ask(ctx)
		if f, ok := fault.Of(err); ok && f.Kind == fault.Permanent && f.Code != fault.StripeUnauthorized {
			return nil
		}
		return err
	}}
}
