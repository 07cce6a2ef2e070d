package stripesim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

func (s *Server) orderRoutes(routes *http.ServeMux) {
	routes.HandleFunc("GET /v1/account", s.reading(getPlatform))
	routes.HandleFunc("GET /v1/checkout/sessions", s.reading(s.listSessions))
	routes.HandleFunc("GET /v1/checkout/sessions/{id}", s.reading(s.getSession))
	routes.HandleFunc("GET /v1/checkout/sessions/{id}/line_items", s.reading(s.listLineItems))
	routes.HandleFunc("GET /v1/payment_intents/{id}", s.reading(s.getPayment))
	routes.HandleFunc("POST /v1/payment_intents/{id}/capture", s.writing(s.capturePayment))
	routes.HandleFunc("POST /v1/payment_intents/{id}/cancel", s.writing(s.cancelPayment))
	routes.HandleFunc("GET /v1/charges/{id}", s.reading(s.getCharge))
	routes.HandleFunc("GET /v1/refunds", s.reading(s.listRefunds))
	routes.HandleFunc("POST /v1/refunds", s.writing(s.postRefund))
	routes.HandleFunc("GET /v1/refunds/{id}", s.reading(s.getRefund))
	routes.HandleFunc("GET /v1/disputes", s.reading(s.listDisputes))
	routes.HandleFunc("GET /v1/disputes/{id}", s.reading(s.getDispute))
	routes.HandleFunc("POST /v1/disputes/{id}", s.writing(s.postDispute))
	routes.HandleFunc("GET /v1/events", s.reading(s.listEvents))
	routes.HandleFunc("GET /v1/events/{id}", s.reading(s.getEvent))
}

// orderCall is a call for an order's objects whose parameters were read. It runs under the server's lock.
type orderCall struct {
	*params
	request *http.Request
	account string
	id      string // of the path
}

// because is what events say of the call that caused them.
func (c orderCall) because() cause {
	return cause{request: stateOf(c.request).request.RequestID, key: c.request.Header.Get("Idempotency-Key")}
}

// reading answers a GET.
func (s *Server) reading(endpoint func(orderCall) (any, *apiError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		call := orderCall{params: newParams(r.URL.Query()), request: r, account: stateOf(r).account, id: r.PathValue("id")}
		s.mu.Lock()
		s.expireOrdersLocked()
		object, failed := endpoint(call)
		var found answer
		if failed == nil {
			found = okAnswer(object)
		}
		s.mu.Unlock()
		if failed != nil {
			failed.write(w)
			return
		}
		found.write(w, "")
	}
}

// getPlatform is the account of the key. There is nothing to say of it but that it exists.
func getPlatform(call orderCall) (any, *apiError) {
	return map[string]any{"id": call.account, "object": "account", "livemode": false}, nil
}

// writing gives a POST its idempotency. Parameters that fail validation leave the key free; what is refused because of the
// state of things stays under it, as Stripe stores whatever an endpoint that began its work answers.
func (s *Server) writing(endpoint func(orderCall) (func() (any, *apiError), *apiError)) http.HandlerFunc {
	return s.idempotent(apiV1, v1Keys, func(r *http.Request) (operation, *apiError) {
		form := url.Values{}
		if r.ContentLength != 0 {
			var failed *apiError
			if form, failed = readForm(r); failed != nil {
				return operation{}, failed
			}
		}
		call := orderCall{params: newParams(form), request: r, account: stateOf(r).account, id: r.PathValue("id")}
		sum := sha256.New()
		addToDigest(sum, r.Method, r.URL.Path, form.Encode())
		return operation{digest: hex.EncodeToString(sum.Sum(nil)), drop: func() {}, run: func() outcome {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.expireOrdersLocked()
			work, failed := endpoint(call)
			if failed != nil {
				return refused(*failed)
			}
			object, failed := work()
			if failed != nil {
				return outcome{answer: failed.answer(), stored: true}
			}
			return outcome{answer: okAnswer(object), stored: true}
		}}, nil
	})
}

func missingObject(kind, param, id string) *apiError {
	return &apiError{
		Status: http.StatusNotFound, Type: invalidRequest, Code: "resource_missing", Param: param,
		Message: fmt.Sprintf("No such %s: '%s'", kind, id),
	}
}

// sessionExpands can be expanded in a session.
var sessionExpands = []string{
	"line_items", "line_items.data.price.product", "line_items.data.taxes", "payment_intent", "payment_intent.latest_charge",
	"payment_intent.agent_details", "shipping_cost.shipping_rate",
}

func (s *Server) getSession(c orderCall) (any, *apiError) {
	e := c.expand(c.request, "", sessionExpands...)
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	found := s.ledger.ownSession(c.account, c.id)
	if found == nil {
		return nil, missingObject("checkout.session", "session", c.id)
	}
	return found.object(e), nil
}

func (s *Server) listSessions(c orderCall) (any, *apiError) {
	e := c.expand(c.request, "data.", sessionExpands...)
	p, created := c.page(), c.period("created")
	intent, status := c.text("payment_intent"), c.oneOf("status", statusOpen, statusComplete, statusExpired)
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return listNewest(c, p, s.ledger.sessions, func(o *session) (string, string) { return o.account, o.id }, func(o *session) bool {
		return created.fits(o.created.Unix()) && (status == "" || status == o.status) &&
			(intent == "" || (o.payment != nil && o.payment.intent == intent))
	}, func(o *session) any { return o.object(e) })
}

// listNewest lists an account's objects, the newest first.
func listNewest[T any](c orderCall, p page, all []T, identify func(T) (account, id string), fits func(T) bool, object func(T) any) (any, *apiError) {
	own := []T{}
	for _, one := range slices.Backward(all) {
		if account, _ := identify(one); account == c.account {
			own = append(own, one)
		}
	}
	cut, more, failed := paginate(p, own, func(one T) string { _, id := identify(one); return id }, fits)
	if failed != nil {
		return nil, failed
	}
	data := make([]any, 0, len(cut))
	for _, one := range cut {
		data = append(data, object(one))
	}
	return listOf(c.request.URL.Path, data, more), nil
}

func (s *Server) listLineItems(c orderCall) (any, *apiError) {
	e := c.expand(c.request, "data.", "price.product", "taxes")
	p := c.page()
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	found := s.ledger.ownSession(c.account, c.id)
	if found == nil {
		return nil, missingObject("checkout.session", "session", c.id)
	}
	if _, _, failed := found.linePage(p); failed != nil {
		return nil, failed
	}
	return found.lineItems(p, e), nil
}

func (s *Server) getPayment(c orderCall) (any, *apiError) {
	e := c.expand(c.request, "", "latest_charge", "agent_details")
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	found := ownPayment(s.ledger.payments, c.account, c.id)
	if found == nil {
		return nil, missingObject("payment_intent", "intent", c.id)
	}
	return found.object(e), nil
}

func (s *Server) getCharge(c orderCall) (any, *apiError) {
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	found := ownPayment(s.ledger.charges, c.account, c.id)
	if found == nil {
		return nil, missingObject("charge", "id", c.id)
	}
	return found.chargeObject(), nil
}
