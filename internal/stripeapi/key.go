package stripeapi

import "context"

// Answers asks Stripe for a connected account. An error that is fault.StripeForbidden or fault.StripeUnauthorized says
// that Stripe refuses the account, or the key.
func (c *Client) Answers(ctx context.Context, id string) error {
	if err := checkAccount(id); err != nil {
		return err
	}
	_, err := c.Account(ctx, id)
	return err
}

// CheckKey asks Stripe whether it knows the key, by reading the account that the key is of.
func (c *Client) CheckKey(ctx context.Context) error {
	_, err := c.Account(ctx, "")
	return err
}
