package stripeapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"vitrine/internal/budget"
	"vitrine/internal/fault"
)

// Call is one request to Stripe that was answered, or was not.
type Call struct {
	Route   string // one of Routes, or OtherRoute
	Outcome string // CallOK, CallCanceled, or the fault.Code of the refusal
	Took    time.Duration
}

// The outcomes of calls that are no codes.
const (
	CallOK       = "ok"
	CallCanceled = "canceled" // by us
)

// OtherRoute is where a call went that has no route of its own.
const OtherRoute = "other"

// The routes of files at the addresses that Stripe hands out. Such an address is a secret.
const (
	putSigned = "PUT signed"
	getSigned = "GET signed"
)

// apiRoutes are what is called of Stripe's API.
var apiRoutes = []string{
	"GET /v1/account",
	"GET /v1/webhook_endpoints",
	"GET " + destinationsPath,
	"GET /v1/checkout/sessions",
	"GET /v1/checkout/sessions/{id}",
	"GET /v1/checkout/sessions/{id}/line_items",
	"GET /v1/payment_intents/{id}",
	"POST /v1/payment_intents/{id}/capture",
	"POST /v1/payment_intents/{id}/cancel",
	"GET /v1/refunds",
	"POST /v1/refunds",
	"GET /v1/disputes",
	"GET /v1/disputes/{id}",
	"POST /v1/disputes/{id}",
	"GET /v1/events",
	"GET /v1/files",
	"POST /v1/files",
	"GET /v1/files/{id}/contents",
	"GET /v1/data_management/import_sets/{id}",
	"POST /v1/data_management/import_sets",
	"GET " + catalogImportsPath,
	"POST " + catalogImportsPath,
	"GET " + catalogImportsPath + "/{id}",
	"GET " + reportTypesPath + "/{id}",
	"POST " + reportRunsPath,
	"GET " + reportRunsPath + "/{id}",
	"POST /v1/account_sessions",
	"GET " + agreementsPath,
	"POST " + agreementsPath,
	"GET " + agreementsPath + "/{id}",
	"POST " + agreementsPath + "/{id}/terminate",
}

// Routes are where calls go, with {id} in the place of ids: there are so many, whatever is called how often.
func Routes() []string { return append([]string{putSigned, getSigned}, apiRoutes...) }

// byRoute finds the route of a request.
var byRoute = func() *http.ServeMux {
	mux := http.NewServeMux()
	for _, route := range apiRoutes {
		mux.Handle(route, http.NotFoundHandler())
	}
	return mux
}()

func routeOf(r *http.Request) string {
	if _, route := byRoute.Handler(r); route != "" {
		return route
	}
	return OtherRoute
}

func signedRouteOf(r *http.Request) string {
	switch r.Method {
	case http.MethodPut:
		return putSigned
	case http.MethodGet:
		return getSigned
	}
	return OtherRoute
}

// spender spends requests from a budget, and tells it what Stripe refuses because there are too many.
type spender struct {
	next   http.RoundTripper
	route  func(*http.Request) string
	budget *budget.Calls
}

// RoundTrip makes the call when it is its turn.
func (s spender) RoundTrip(r *http.Request) (*http.Response, error) {
	route := s.route(r)
	if err := s.budget.Spend(r.Context(), route); err != nil {
		return nil, err
	}
	budget.Asked(r.Context())
	if budget.Rationed(route) {
		s.budget.Read()
	}
	response, err := s.next.RoundTrip(r)
	if refused := new(Error); errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests {
		s.budget.Refused(route, refused.LimitedBy)
	}
	return response, err
}

// observer tells of every call, once its answer begins.
type observer struct {
	next  http.RoundTripper
	route func(*http.Request) string
	tell  func(Call)

	traced func(context.Context, string) func(Call) // may be nil
}

// RoundTrip makes the call.
func (o observer) RoundTrip(r *http.Request) (*http.Response, error) {
	began, route := time.Now(), o.route(r)
	end := o.tell
	if o.traced != nil {
		ended := o.traced(r.Context(), route)
		end = func(c Call) { o.tell(c); ended(c) }
	}
	response, err := o.next.RoundTrip(r)
	end(Call{Route: route, Outcome: outcomeOf(r.Context(), err), Took: time.Since(began)})
	return response, err
}

func outcomeOf(ctx context.Context, err error) string {
	if err == nil {
		return CallOK
	}
	for _, cause := range []error{context.Cause(ctx), err} { // a watchdog's cause says more than the error
		if f, known := fault.Of(cause); known {
			return string(f.Code)
		}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return CallCanceled
	}
	return string(fault.StripeUnavailable)
}
