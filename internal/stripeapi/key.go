package stripeapi

import "context"

// CheckKey asks Stripe whether it knows the key, by reading the account that the key is of.
func (c *Client) CheckKey(ctx context.Context) error {
	_, err := c.Account(ctx, "")
	return err
}
