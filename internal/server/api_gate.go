package server

import (
	"context"
	"encoding/json"
	"net/http"

	"vitrine/internal/access"
)

// route is an address for those who have a token.
type route struct {
	method, path string // as http.ServeMux takes them; {account} is whose business it is
	scope        access.Scope
	prepare      func(c call) (work, *answered)
}

// call is a request of somebody whose token is right.
type call struct {
	*http.Request
	token access.Token
	body  []byte // of a POST
}

// work is what a request asks for, after everything that can be said of the request alone was found to be right.
type work func(ctx context.Context) answered

// answered is what a request is told.
type answered struct {
	status   int
	document any // nil: none
}

// refused is the answer that says in words what is wrong.
func refused(status int, why string) *answered {
	return &answered{status, problem{why}}
}

// problem is the document of every answer that is a refusal.
type problem struct {
	Error string `json:"error,omitempty"`
}

// pattern is what the route is registered, counted and logged by.
func (rt route) pattern() string { return rt.method + " " + rt.path }

// gate lets those in who have a token for what they ask.
type gate struct {
	tokens   access.Tokens
	looks    Slots // for those who look
	commands Slots // for those who decide: nobody who looks keeps them waiting
}

func newGate(tokens access.Tokens) gate {
	return gate{tokens: tokens, looks: NewSlots(maxSights), commands: NewSlots(maxReports)}
}

// register adds nothing without a token: routes that nobody may use are not there.
func (g gate) register(mux *http.ServeMux, routes []route) {
	if len(g.tokens) == 0 {
		return
	}
	for _, rt := range routes {
		mux.Handle(rt.pattern(), g.guard(rt))
	}
}

// guard looks at the token first, then at the request as a whole, and only then takes a slot.
func (g gate) guard(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := call{Request: r}
		no := g.admit(rt, &c)
		if no == nil && r.Method == http.MethodPost {
			c.body, no = readCommand(w, r)
		}
		var do work
		if no == nil {
			do, no = rt.prepare(c)
		}
		if no != nil {
			no.write(w)
			return
		}
		Vouch(w, r)
		places := g.placesFor(rt)
		if !places.Take() {
			w.Header().Set("Retry-After", "1")
			refused(http.StatusServiceUnavailable, "busy: send it again").write(w)
			return
		}
		defer places.Leave()
		do(r.Context()).write(w)
	}
}

// admit tells a token of one account nothing of the others: not even whether they are there.
func (g gate) admit(rt route, c *call) *answered {
	token, known := g.tokens.Bearer(c.Header)
	if !known {
		return refused(http.StatusUnauthorized,
			"expected the header Authorization: Bearer, with a token of this deployment")
	}
	c.token = token
	if account := c.PathValue("account"); account != "" && !token.Opens(account) {
		return refused(http.StatusNotFound, "there is no such account")
	}
	if !token.May(rt.scope) {
		return refused(http.StatusForbidden, "this token may look, and not decide: its scope is "+string(token.Scope))
	}
	return nil
}

func (g gate) placesFor(rt route) Slots {
	if rt.scope == access.Read {
		return g.looks
	}
	return g.commands
}

func (a answered) write(w http.ResponseWriter) {
	h := w.Header()
	if a.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="vitrine"`)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.document)
}
