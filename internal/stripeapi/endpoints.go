package stripeapi

import (
	"context"
	"errors"
	"net/url"
	"strconv"
)

// WebhookEndpoint is where Stripe sends events, as its list of them has it.
type WebhookEndpoint struct {
	ID       string
	URL      string
	Enabled  bool     // Stripe disables those that fail for days
	Livemode *bool    // nil: Stripe does not say
	Events   []string // types, or "*"
}

// mostEndpoints are those that Stripe lists at once, and more than it allows.
const mostEndpoints = 100

// WebhookEndpoints lists the platform's endpoints, those for Connect among them: Stripe does not say which those are.
// It allows 16 of them.
func (c *Client) WebhookEndpoints(ctx context.Context) ([]WebhookEndpoint, error) {
	const doing = "list webhook endpoints"
	response, err := c.Orders().get(ctx, doing, "", "/v1/webhook_endpoints",
		url.Values{"limit": {strconv.Itoa(mostEndpoints)}})
	if err != nil {
		return nil, err
	}
	var found list[struct {
		ID       text     `json:"id"`
		URL      text     `json:"url"`
		Status   text     `json:"status"`
		Livemode saidYes  `json:"livemode"`
		Events   []string `json:"enabled_events"`
	}]
	if err := decodeObject(response.RawJSON, &found); err != nil {
		return nil, unreadable(doing, response, err)
	}
	switch more, err := found.goesOn(mostEndpoints); {
	case err != nil:
		return nil, unreadable(doing, response, err)
	case more:
		return nil, unreadable(doing, response, errors.New("there are more endpoints than Stripe allows"))
	}
	endpoints := make([]WebhookEndpoint, len(found.Data))
	for i, e := range found.Data {
		endpoints[i] = WebhookEndpoint{
			ID: c.redactor.clean(string(e.ID)), URL: c.redactor.clean(string(e.URL)), Enabled: e.Status == "enabled",
			Livemode: e.Livemode.said, Events: e.Events,
		}
	}
	return endpoints, nil
}
