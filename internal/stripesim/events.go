package stripesim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// eventsKept is how far back events can be listed.
const eventsKept = 30 * 24 * time.Hour

// event is something that happened, with its object as it was then. It is rendered under no preview version, as events
// are wherever an account did not ask for one: what only a preview version shows has to be retrieved.
type event struct {
	id      string
	account string
	kind    string
	created time.Time
	version string
	object  json.RawMessage
	why     cause
	thin    *thinEvent      // nil: the event is a snapshot of its object
	number  int             // draws its luck
	waiting map[string]bool // endpoints that did not take it yet
}

// thinEvent is what an event has that names its object in place of showing it.
type thinEvent struct {
	related map[string]any
	data    map[string]any
}

// events tells of what happened, and lists it.
type events struct {
	*core
	webhooks *webhooks
	all      []*event // of the last 30 days, in the order of creation
}

func (h *events) forgetLocked() { h.all = nil }

// emitLocked makes an event, and sends it to the endpoints that want it.
func (h *events) emitLocked(kind, account string, object map[string]any, why cause) {
	now := h.options.Now()
	for len(h.all) > 0 && !h.all[0].created.After(now.Add(-eventsKept)) {
		h.all = h.all[1:]
	}
	e := &event{
		id: newID("evt_"), account: account, kind: kind, created: now, version: h.orders.APIVersion,
		object: encode(object), why: why,
	}
	h.sendLocked(e)
}

// emitThinLocked makes an event that names its object.
func (h *events) emitThinLocked(kind, account string, about map[string]any, thin thinEvent, why cause) {
	h.sendLocked(&event{
		id: newID("evt_test_"), account: account, kind: kind, created: h.options.Now(), object: encode(about), why: why,
		thin: &thin,
	})
}

func (h *events) sendLocked(e *event) {
	h.webhooks.made++
	e.number, e.waiting = h.webhooks.made, map[string]bool{}
	h.all = append(h.all, e)
	for _, to := range h.webhooks.endpoints {
		if to.wants(e, h.orders.TestEventsToLive) {
			h.webhooks.sendLocked(e, to)
		}
	}
}

// body is Stripe's object. That account stands in deliveries to Connect endpoints alone, and not in what a connected
// account lists itself, is the stricter reading.
func (e *event) body(connect bool, version string) map[string]any {
	if e.thin != nil {
		return e.thinBody()
	}
	object := map[string]any{
		"id": e.id, "object": "event", "api_version": version, "created": e.created.Unix(), "livemode": false,
		"pending_webhooks": len(e.waiting), "type": e.kind, "data": map[string]any{"object": e.object},
		"request": map[string]any{"id": orNull(e.why.request), "idempotency_key": orNull(e.why.key)},
	}
	if connect {
		object["account"] = e.account
	}
	return object
}

// thinBody is an event of /v2: without a version, and its account is the context.
func (e *event) thinBody() map[string]any {
	object := map[string]any{
		"id": e.id, "object": "v2.core.event", "type": e.kind, "created": stamp(e.created), "livemode": false,
		"reason":         nil,
		"related_object": e.thin.related, "data": e.thin.data, "context": orNull(e.account),
	}
	if e.why.request != "" {
		request := map[string]any{"id": e.why.request, "idempotency_key": orNull(e.why.key)}
		object["reason"] = map[string]any{"type": "request", "request": request}
	}
	return object
}

func (h *events) listedEventsLocked() []*event {
	oldest := h.options.Now().Add(-eventsKept)
	i := slices.IndexFunc(h.all, func(e *event) bool { return e.created.After(oldest) })
	if i < 0 {
		return nil
	}
	return h.all[i:]
}

func (h *events) getEvent(c orderCall) (any, *apiError) {
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	for _, e := range h.listedEventsLocked() {
		if e.id == c.id && e.account == c.account && e.thin == nil {
			return e.body(false, e.version), nil
		}
	}
	return nil, missingObject("event", "id", c.id)
}

func (h *events) listEvents(c orderCall) (any, *apiError) {
	p, created, types, kind := c.page(), c.period("created"), c.list("types"), c.text("type")
	undelivered, delivered := c.has("delivery_success"), c.flag("delivery_success", false)
	switch {
	case len(types) > 20:
		c.fail(invalid("types", "Up to 20 types can be named."))
	case len(types) > 0 && kind != "":
		c.fail(invalid("types", "You may specify only one of these parameters: type, types."))
	}
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return listNewest(c, p, h.listedEventsLocked(), func(e *event) (string, string) { return e.account, e.id },
		func(e *event) bool {
			return e.thin == nil && created.fits(e.created.Unix()) &&
				(len(types) == 0 || slices.Contains(types, e.kind)) &&
				(kind == "" || matchesType(kind, e.kind)) && (!undelivered || delivered == (len(e.waiting) == 0))
		}, func(e *event) any { return e.body(false, e.version) })
}

// matchesType takes a type, "*", or everything below a name: "charge.*".
func matchesType(pattern, kind string) bool {
	below, all := strings.CutSuffix(pattern, "*")
	return pattern == kind || (all && strings.HasPrefix(kind, below))
}

// postResend sends an event again to every endpoint that wants it, as the dashboard does.
func (h *events) postResend(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.all, func(e *event) bool { return e.id == r.PathValue("id") })
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no event %s", r.PathValue("id"))
		return
	}
	e := h.all[i]
	for _, to := range h.webhooks.endpoints {
		if to.wants(e, h.orders.TestEventsToLive) {
			h.webhooks.dispatchLocked(e, to, h.webhooks.logDeliveryLocked(e, to, false), 0)
		}
	}
	show(w, struct{}{})
}
