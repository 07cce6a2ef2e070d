package stripeapi

import "context"

// CheckKey asks Stripe whether it knows the key, by reading the account that the key is of.
func (c *Client) CheckKey(ctx context.Context) error {
	_, err := c.Orders().get(ctx, "read the platform's own account", "", "/v1/account", nil)
	return err
}
