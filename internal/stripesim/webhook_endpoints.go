package stripesim

import (
	"cmp"
	"net/http"
	"slices"
)

const (
	destinationsPath = "/v2/core/event_destinations"
	// firstDestinations is the first version that has them, and wordsChanged the one since which whose events one gets
	// is said in other words.
	firstDestinations = "2024-10-28"
	wordsChanged      = "2026-03-25"
)

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

// listDestinations is the list of the same by v2: those of thin events are in it, and whose events each gets. Where one
// leads is shown to those who ask for it.
func (h *webhooks) listDestinations(w http.ResponseWriter, r *http.Request) {
	if versionOf(r) < firstDestinations {
		invalid("Stripe-Version", "Event destinations need a version from %s on in the header Stripe-Version; got %q.",
			firstDestinations, r.Header.Get("Stripe-Version")).write(w)
		return
	}
	page, shown := pageV2{}, false
	failed := page.read(r, func(name, value string) bool {
		shown = shown || value == "webhook_endpoint.url"
		return name == "include[0]" && shown
	})
	if failed != nil {
		failed.write(w)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	owner, all := stateOf(r).account, []any{}
	for _, e := range slices.Backward(h.endpoints) {
		if cmp.Or(e.Account, platformAccount) == owner {
			all = append(all, e.destination(versionOf(r), shown))
		}
	}
	okAnswer(page.of(r, all)).write(w, "")
}

func (e *endpoint) destination(version string, shown bool) map[string]any {
	platform, accounts := "@self", "@accounts"
	if version < wordsChanged {
		platform, accounts = "self", "other_accounts"
	}
	from, payload, at := platform, "snapshot", any(nil)
	if e.Connect {
		from = accounts
	}
	if e.Thin {
		payload = "thin"
	}
	if shown {
		at = e.URL
	}
	object := e.object()
	made := map[string]any{
		"object": "v2.core.event_destination", "created": stamp(e.created), "updated": stamp(e.created),
		"event_payload": payload, "events_from": []string{from}, "name": e.ID, "type": "webhook_endpoint",
		"snapshot_api_version": orNull(e.APIVersion), "status_details": nil, "description": "",
		"webhook_endpoint": map[string]any{"url": at, "signing_secret": nil},
	}
	for _, same := range []string{"id", "enabled_events", "livemode", "metadata", "status"} {
		made[same] = object[same]
	}
	return made
}
