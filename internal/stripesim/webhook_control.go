package stripesim

import (
	"net/http"
	"slices"
	"time"
	"vitrine/internal/simcontrol"
)

func (s *Server) webhookControlRoutes(routes *http.ServeMux) {
	routes.HandleFunc("GET /_sim/webhooks", look(s, func(func(string) bool) []simcontrol.Endpoint {
		endpoints := []simcontrol.Endpoint{}
		for _, e := range s.ledger.endpoints {
			endpoints = append(endpoints, e.Endpoint)
		}
		return endpoints
	}))
	routes.HandleFunc("POST /_sim/webhooks", s.postEndpoint)
	routes.HandleFunc("POST /_sim/webhooks/{id}", s.postEndpoint)
	routes.HandleFunc("DELETE /_sim/webhooks/{id}", s.deleteEndpoint)
	routes.HandleFunc("POST /_sim/webhooks/{id}/send", s.postRawEvent)
	routes.HandleFunc("GET /_sim/deliveries", look(s, func(keep func(string) bool) []simcontrol.Delivery {
		found := []simcontrol.Delivery{}
		for _, d := range s.ledger.deliveries {
			if keep(d.Account) {
				copied := *d
				copied.Attempts = slices.Clone(d.Attempts)
				found = append(found, copied)
			}
		}
		return found
	}))
	routes.HandleFunc("GET /_sim/events", look(s, func(keep func(string) bool) []simcontrol.Event {
		found := []simcontrol.Event{}
		for _, e := range s.ledger.events {
			if keep(e.account) {
				found = append(found, simcontrol.Event{ID: e.id, Account: e.account, Type: e.kind, Created: e.created, Pending: len(e.waiting), Object: e.object})
			}
		}
		return found
	}))
	routes.HandleFunc("POST /_sim/events/{id}/resend", s.postResend)
}

func (s *Server) findEndpointLocked(id string) int {
	return slices.IndexFunc(s.ledger.endpoints, func(e *endpoint) bool { return e.ID == id })
}

// postEndpoint registers an endpoint, or changes the one that the path names, to roll its secret for instance.
func (s *Server) postEndpoint(w http.ResponseWriter, r *http.Request) {
	var wanted simcontrol.Endpoint
	if !readControl(w, r, &wanted) {
		return
	}
	if err := checkEndpoint(wanted); err != nil {
		complain(w, http.StatusBadRequest, "%v", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if wanted.ID = r.PathValue("id"); wanted.ID == "" {
		wanted.ID = newID("we_")
		s.ledger.made++
		s.ledger.endpoints = append(s.ledger.endpoints, &endpoint{Endpoint: wanted, number: len(s.ledger.endpoints) + 1})
		show(w, wanted)
		return
	}
	i := s.findEndpointLocked(wanted.ID)
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no endpoint %s", wanted.ID)
		return
	}
	s.ledger.endpoints[i].Endpoint = wanted
	show(w, wanted)
}

// deleteEndpoint takes an endpoint away. Deliveries to it that are under way go on.
func (s *Server) deleteEndpoint(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.findEndpointLocked(r.PathValue("id"))
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no endpoint %s", r.PathValue("id"))
		return
	}
	s.ledger.endpoints = slices.Delete(s.ledger.endpoints, i, i+1)
	show(w, struct{}{})
}

// postRawEvent sends an endpoint whatever a test wants, once, signed by the secret that it wants.
func (s *Server) postRawEvent(w http.ResponseWriter, r *http.Request) {
	var raw simcontrol.RawEvent
	if !readControl(w, r, &raw) {
		return
	}
	s.mu.Lock()
	i := s.findEndpointLocked(r.PathValue("id"))
	var target simcontrol.Endpoint
	if i >= 0 {
		target = s.ledger.endpoints[i].Endpoint
	}
	orders := s.orders
	s.mu.Unlock()
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no endpoint %s", r.PathValue("id"))
		return
	}
	if raw.Secret != "" {
		target.Secrets = []string{raw.Secret}
	}
	at := s.options.Now().UTC()
	status, _, seconds, err := s.post(r.Context(), target.URL, target.Secrets, raw.Payload, orders, time.Duration(orders.DeliveryTimeout))
	tried := simcontrol.Attempt{At: at, Status: status, Seconds: seconds}
	if err != nil {
		tried.Error = err.Error()
	}
	show(w, tried)
}

// postResend sends an event again to every endpoint that wants it, as the dashboard does.
func (s *Server) postResend(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.ledger.events, func(e *event) bool { return e.id == r.PathValue("id") })
	if i < 0 {
		complain(w, http.StatusNotFound, "there is no event %s", r.PathValue("id"))
		return
	}
	e := s.ledger.events[i]
	for _, to := range s.ledger.endpoints {
		if to.wants(e, s.orders.TestEventsToLive) {
			s.dispatchLocked(e, to, s.logDeliveryLocked(e, to, false), 0)
		}
	}
	show(w, struct{}{})
}
