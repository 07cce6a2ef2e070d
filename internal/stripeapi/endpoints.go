package stripeapi

import (
	"context"
	"errors"
	"net/url"
)

// WebhookEndpoint is where Stripe sends events, as its list of them has it.
type WebhookEndpoint struct {
	ID       string
	URL      string
	Enabled  bool     // Stripe disables those that fail for days
	Livemode *bool    // nil: Stripe does not say
	Events   []string // types, or "*"
}

// WebhookEndpoints lists the platform's endpoints, those for Connect among them: Stripe does not say which those are.
// It allows 16 of them.
func (c *Client) WebhookEndpoints(ctx context.Context) ([]WebhookEndpoint, error) {
	const doing = "list webhook endpoints"
	response, err := c.Orders().get(ctx, doing, "", "/v1/webhook_endpoints", url.Values{"limit": {"100"}})
	if err != nil {
		return nil, err
	}
	var list struct {
		HasMore bool `json:"has_more"`
		Data    []struct {
			ID       text     `json:"id"`
			URL      text     `json:"url"`
			Status   text     `json:"status"`
			Livemode saidYes  `json:"livemode"`
			Events   []string `json:"enabled_events"`
		} `json:"data"`
	}
	if err := decodeObject(response.RawJSON, &list); err != nil {
		return nil, unreadable(doing, response, err)
	}
	switch {
	case list.Data == nil:
		return nil, unreadable(doing, response, errNoList)
	case list.HasMore:
		return nil, unreadable(doing, response, errors.New("there are more endpoints than Stripe allows"))
	}
	endpoints := make([]WebhookEndpoint, len(list.Data))
	for i, e := range list.Data {
		endpoints[i] = WebhookEndpoint{
			ID: c.redactor.clean(string(e.ID)), URL: c.redactor.clean(string(e.URL)), Enabled: e.Status == "enabled",
			Livemode: e.Livemode.said, Events: e.Events,
		}
	}
	return endpoints, nil
}
