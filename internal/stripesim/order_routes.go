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
	routes.HandleFunc("GET /v1/account", s.orderCalls.reading(s.standings.getAccount))
	routes.HandleFunc("POST /v1/account_sessions", s.orderCalls.writing(s.standings.postAccountSession))
	routes.HandleFunc("GET /v1/webhook_endpoints", s.orderCalls.reading(s.webhooks.listEndpoints))
	routes.HandleFunc("GET "+destinationsPath, s.webhooks.listDestinations)
	routes.HandleFunc("GET /v1/checkout/sessions", s.orderCalls.reading(s.sessions.listSessions))
	routes.HandleFunc("GET /v1/checkout/sessions/{id}", s.orderCalls.reading(s.sessions.getSession))
	routes.HandleFunc("GET /v1/checkout/sessions/{id}/line_items", s.orderCalls.reading(s.sessions.listLineItems))
	routes.HandleFunc("GET /v1/payment_intents/{id}", s.orderCalls.reading(s.payments.getPayment))
	routes.HandleFunc("POST /v1/payment_intents/{id}/capture", s.orderCalls.writing(s.payments.capturePayment))
	routes.HandleFunc("POST /v1/payment_intents/{id}/cancel", s.orderCalls.writing(s.payments.cancelPayment))
	routes.HandleFunc("GET /v1/charges/{id}", s.orderCalls.reading(s.payments.getCharge))
	routes.HandleFunc("GET /v1/refunds", s.orderCalls.reading(s.refunds.listRefunds))
	routes.HandleFunc("POST /v1/refunds", s.orderCalls.writing(s.refunds.postRefund))
	routes.HandleFunc("GET /v1/refunds/{id}", s.orderCalls.reading(s.refunds.getRefund))
	routes.HandleFunc("GET /v1/disputes", s.orderCalls.reading(s.disputes.listDisputes))
	routes.HandleFunc("GET /v1/disputes/{id}", s.orderCalls.reading(s.disputes.getDispute))
	routes.HandleFunc("POST /v1/disputes/{id}", s.orderCalls.writing(s.disputes.postDispute))
	routes.HandleFunc("GET /v1/events", s.orderCalls.reading(s.events.listEvents))
	routes.HandleFunc("GET /v1/events/{id}", s.orderCalls.reading(s.events.getEvent))
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

// orderCalls takes a call for an order's objects to its endpoint: parameters, lock, idempotency.
type orderCalls struct {
	*core
	idempotency *idempotency
	payments    *payments
}

// reading answers a GET.
func (h *orderCalls) reading(endpoint func(orderCall) (any, *apiError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		call := orderCall{params: newParams(r.URL.Query()), request: r, account: stateOf(r).account,
			id: r.PathValue("id")}
		h.mu.Lock()
		h.payments.expireOrdersLocked()
		object, failed := endpoint(call)
		var found answer
		if failed == nil {
			found = okAnswer(object)
		}
		h.mu.Unlock()
		if failed != nil {
			failed.write(w)
			return
		}
		found.write(w, "")
	}
}

// writing gives a POST its idempotency. Parameters that fail validation leave the key free; what is refused because of
// the state of things stays under it, as Stripe stores whatever an endpoint that began its work answers.
func (h *orderCalls) writing(endpoint func(orderCall) (func() (any, *apiError), *apiError)) http.HandlerFunc {
	return h.idempotency.idempotent(apiV1, v1Keys, func(r *http.Request) (operation, *apiError) {
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
			h.mu.Lock()
			defer h.mu.Unlock()
			h.payments.expireOrdersLocked()
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

// listNewest lists an account's objects, the newest first.
func listNewest[T any](
	c orderCall, p page, all []T, identify func(T) (account, id string), fits func(T) bool, object func(T) any,
) (any, *apiError) {
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
