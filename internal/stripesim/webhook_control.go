package stripesim

import (
	"net/http"
	"slices"
	"time"

	"vitrine/internal/simcontrol"
)

func (s *Server) webhookControlRoutes(routes *http.ServeMux) {
	routes.HandleFunc("GET /_sim/webhooks", look(s.payments, func(func(string) bool) []simcontrol.Endpoint {
		endpoints := []simcontrol.Endpoint{}
		for _, e := range s.webhooks.endpoints {
			endpoints = append(endpoints, e.Endpoint)
		}
		return endpoints
	}))
	routes.HandleFunc("POST /_sim/webhooks", s.webhooks.postEndpoint)
	routes.HandleFunc("POST /_sim/webhooks/{id}", s.webhooks.postEndpoint)
	routes.HandleFunc("DELETE /_sim/webhooks/{id}", s.webhooks.deleteEndpoint)
	routes.HandleFunc("POST /_sim/webhooks/{id}/send", s.webhooks.postRawEvent)
	routes.HandleFunc("GET /_sim/deliveries", look(s.payments, func(keep func(string) bool) []simcontrol.Delivery {
		found := []simcontrol.Delivery{}
		for _, d := range s.webhooks.deliveries {
			if keep(d.Account) {
				copied := *d
				copied.Attempts = slices.Clone(d.Attempts)
				found = append(found, copied)
			}
		}
		return found
	}))
	routes.HandleFunc("GET /_sim/events", look(s.payments, func(keep func(string) bool) []simcontrol.Event {
		found := []simcontrol.Event{}
		for _, e := range s.events.all {
			if keep(e.account) {
				found = append(found, simcontrol.Event{ID: e.id, Account: e.account, Type: e.kind, Created: e.created,
					Pending: len(e.waiting), Object: e.object})
			}
		}
		return found
	}))
	routes.HandleFunc("POST /_sim/events/{id}/resend", s.events.postResend)
}

func (h *webhooks) findEndpointLocked(id string) int {
	return slices.IndexFunc(h.endpoints, func(e *endpoint) bool { return e.ID == id })
}

// postEndpoint registers an endpoint, or changes the one that the path names, to roll its secret for instance.
func (h *webhooks) postEndpoint(w http.ResponseWriter, r *http.Request) {
	var wanted simcontrol.Endpoint
	if !readControl(w, r, &wanted) {
		return
	}
	if err := checkEndpoint(wanted); err != nil {
		complain(w, http.StatusBadRequest, "%v", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if wanted.ID = r.PathValue("id"); wanted.ID == "" {
		wanted.ID = newID("we_")
		h.made++
		h.endpoints = append(h.endpoints,
			&endpoint{Endpoint: wanted, number: len(h.endpoints) + 1, created: h.options.Now()})
		show(w, wanted)
		return
	}
	i := h.findEndpointLocked(wanted.ID)
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no endpoint %s", wanted.ID)
		return
	}
	h.endpoints[i].Endpoint = wanted
	show(w, wanted)
}

// deleteEndpoint takes an endpoint away. Deliveries to it that are under way go on.
func (h *webhooks) deleteEndpoint(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.findEndpointLocked(r.PathValue("id"))
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no endpoint %s", r.PathValue("id"))
		return
	}
	h.endpoints = slices.Delete(h.endpoints, i, i+1)
	show(w, struct{}{})
}

// postRawEvent sends an endpoint whatever a test wants, once, signed by the secret that it wants.
func (h *webhooks) postRawEvent(w http.ResponseWriter, r *http.Request) {
	var raw simcontrol.RawEvent
	if !readControl(w, r, &raw) {
		return
	}
	h.mu.Lock()
	i := h.findEndpointLocked(r.PathValue("id"))
	var target simcontrol.Endpoint
	if i >= 0 {
		target = h.endpoints[i].Endpoint
	}
	orders := h.orders
	h.mu.Unlock()
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no endpoint %s", r.PathValue("id"))
		return
	}
	if raw.Secret != "" {
		target.Secrets = []string{raw.Secret}
	}
	at := h.options.Now().UTC()
	status, _, seconds, err := h.sender.post(r.Context(), target.URL, target.Secrets, raw.Payload, orders,
		time.Duration(orders.DeliveryTimeout))
	tried := simcontrol.Attempt{At: at, Status: status, Seconds: seconds}
	if err != nil {
		tried.Error = err.Error()
	}
	show(w, tried)
}
