package simcontrol

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Purchase lets an agent buy. A purchase that is refused is a *Error with a code: 402 if the merchant or the card
// declined, 424 if a hook failed, 409 if the catalog has not what is wanted.
func (c Client) Purchase(ctx context.Context, p Purchase) (Purchased, error) {
	var bought Purchased
	err := c.call(ctx, http.MethodPost, "/_sim/agent/purchase", p, &bought)
	return bought, err
}

// AskAvailability calls the merchant's hook for the price and stock of a product.
func (c Client) AskAvailability(ctx context.Context, account, sku string) (Availability, error) {
	var told Availability
	err := c.call(ctx, http.MethodPost, "/_sim/agent/availability", map[string]string{"account": account, "sku": sku},
		&told)
	return told, err
}

// Orders lists the orders of an account, or of all if account is empty, oldest first.
func (c Client) Orders(ctx context.Context, account string) ([]Order, error) {
	return fetch[Order](ctx, c, "/_sim/orders?account="+url.QueryEscape(account))
}

// Order reads one order by its session or its payment intent.
func (c Client) Order(ctx context.Context, id string) (Order, error) {
	var order Order
	err := c.call(ctx, http.MethodGet, orderPath(id), nil, &order)
	return order, err
}

func orderPath(id string) string { return "/_sim/orders/" + url.PathEscape(id) }

// RefundByStaff refunds an order in the dashboard, by its session or payment intent; amount 0 means all that is left.
func (c Client) RefundByStaff(ctx context.Context, order string, amount int64) (OrderRefund, error) {
	var made OrderRefund
	err := c.call(ctx, http.MethodPost, orderPath(order)+"/refund", map[string]any{"amount": amount}, &made)
	return made, err
}

// EndRefund lets a refund succeed that is pending, or fail.
func (c Client) EndRefund(ctx context.Context, refund string, succeeds bool) error {
	return c.call(ctx, http.MethodPost, "/_sim/refunds/"+url.PathEscape(refund),
		map[string]string{"status": ending(succeeds)}, nil)
}

func ending(succeeds bool) string {
	if succeeds {
		return "succeeded"
	}
	return "failed"
}

// Dispute lets the buyer dispute an order; amount 0 means all of it, and no reason that nothing came.
func (c Client) Dispute(ctx context.Context, order string, amount int64, reason string) (OrderDispute, error) {
	var made OrderDispute
	err := c.call(ctx, http.MethodPost, orderPath(order)+"/dispute", map[string]any{"amount": amount, "reason": reason},
		&made)
	return made, err
}

// MoveDispute is what the bank decides: won and lost close the dispute, needs_response and under_review update it.
func (c Client) MoveDispute(ctx context.Context, dispute, status string) (OrderDispute, error) {
	var moved OrderDispute
	err := c.call(ctx, http.MethodPost, "/_sim/disputes/"+url.PathEscape(dispute), map[string]string{"status": status},
		&moved)
	return moved, err
}

// Settle ends the delayed payment of an order.
func (c Client) Settle(ctx context.Context, order string, succeeds bool) (Order, error) {
	var settled Order
	err := c.call(ctx, http.MethodPost, orderPath(order)+"/settle", map[string]string{"status": ending(succeeds)},
		&settled)
	return settled, err
}

// Expire ends the authorization of an order that waits for its capture, or the session of one that was not paid.
func (c Client) Expire(ctx context.Context, order string) (Order, error) {
	var expired Order
	err := c.call(ctx, http.MethodPost, orderPath(order)+"/expire", struct{}{}, &expired)
	return expired, err
}

// AuthorizeUntil moves the end of the authorization of an order that waits for its capture, as a bank does that thinks
// again.
func (c Client) AuthorizeUntil(ctx context.Context, order string, until time.Time) (Order, error) {
	var authorized Order
	err := c.call(ctx, http.MethodPost, orderPath(order)+"/authorization", map[string]time.Time{"until": until},
		&authorized)
	return authorized, err
}

// AddEndpoint registers an endpoint for events.
func (c Client) AddEndpoint(ctx context.Context, e Endpoint) (Endpoint, error) {
	var added Endpoint
	err := c.call(ctx, http.MethodPost, "/_sim/webhooks", e, &added)
	return added, err
}

// ChangeEndpoint changes the endpoint with this id, to roll its secret for instance.
func (c Client) ChangeEndpoint(ctx context.Context, e Endpoint) error {
	return c.call(ctx, http.MethodPost, "/_sim/webhooks/"+url.PathEscape(e.ID), e, nil)
}

// RemoveEndpoint takes an endpoint away.
func (c Client) RemoveEndpoint(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/_sim/webhooks/"+url.PathEscape(id), nil, nil)
}

// Endpoints lists the endpoints.
func (c Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	return fetch[Endpoint](ctx, c, "/_sim/webhooks")
}

// SendRaw sends an endpoint a body as it is, once, and returns what it answered.
func (c Client) SendRaw(ctx context.Context, endpoint string, raw RawEvent) (Attempt, error) {
	var tried Attempt
	err := c.call(ctx, http.MethodPost, "/_sim/webhooks/"+url.PathEscape(endpoint)+"/send", raw, &tried)
	return tried, err
}

// Deliveries lists the deliveries of an account's events, or of all if account is empty, oldest first.
func (c Client) Deliveries(ctx context.Context, account string) ([]Delivery, error) {
	return fetch[Delivery](ctx, c, "/_sim/deliveries?account="+url.QueryEscape(account))
}

// Events lists the events of an account, or of all if account is empty, oldest first.
func (c Client) Events(ctx context.Context, account string) ([]Event, error) {
	return fetch[Event](ctx, c, "/_sim/events?account="+url.QueryEscape(account))
}

// Resend sends an event again to every endpoint that wants it.
func (c Client) Resend(ctx context.Context, event string) error {
	return c.call(ctx, http.MethodPost, "/_sim/events/"+url.PathEscape(event)+"/resend", struct{}{}, nil)
}

// SetHook registers where a merchant answers synchronously; one without URL takes it away.
func (c Client) SetHook(ctx context.Context, h Hook) error {
	return c.call(ctx, http.MethodPost, "/_sim/hooks", h, nil)
}

// HookCalls lists the calls of an account's hooks, or of all if account is empty, oldest first.
func (c Client) HookCalls(ctx context.Context, account string) ([]HookCall, error) {
	return fetch[HookCall](ctx, c, "/_sim/hooks/calls?account="+url.QueryEscape(account))
}

// Settings reads the settings.
func (c Client) Settings(ctx context.Context) (Settings, error) {
	var settings Settings
	err := c.call(ctx, http.MethodGet, "/_sim/settings", nil, &settings)
	return settings, err
}

// SetOrders replaces the settings of orders, webhooks and hooks; a zero field gets its default.
func (c Client) SetOrders(ctx context.Context, o OrderSettings) error {
	return c.call(ctx, http.MethodPost, "/_sim/settings", map[string]any{"orders": o}, nil)
}
