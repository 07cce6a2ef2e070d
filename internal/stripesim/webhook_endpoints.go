package stripesim

import "cmp"

// listEndpoints is Stripe's own list of an account's endpoints. What tells one for Connect from one for the account
// itself is not in it, and neither are secrets, which Stripe shows once, nor destinations of thin events.
func (h *webhooks) listEndpoints(c orderCall) (any, *apiError) {
	p := c.page()
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return listNewest(c, p, h.endpoints, func(e *endpoint) (string, string) {
		return cmp.Or(e.Account, platformAccount), e.ID
	}, func(e *endpoint) bool { return !e.Thin }, func(e *endpoint) any { return e.object() })
}

func (e *endpoint) object() map[string]any {
	events, status := e.EnabledEvents, "enabled"
	if len(events) == 0 {
		events = []string{"*"}
	}
	if e.Disabled {
		status = "disabled"
	}
	return map[string]any{
		"id": e.ID, "object": "webhook_endpoint", "api_version": orNull(e.APIVersion), "application": nil,
		"created":     e.created.Unix(),
		"description": nil, "enabled_events": events, "livemode": e.Livemode, "metadata": map[string]string{},
		"status": status,
		"url":    e.URL,
	}
}
