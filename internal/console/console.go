package console

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"vitrine/internal/access"
	"vitrine/internal/account"
	"vitrine/internal/desk"
	"vitrine/internal/server"
)

// Options are what a console is made of.
type Options struct {
	Tokens access.Tokens // without one there is no console
	Desk   desk.Desk
	Rules  account.Deployment
	Now    func() time.Time
	Logger *slog.Logger
}

// Console answers under Root.
type Console struct {
	tokens   access.Tokens
	desk     desk.Desk
	rules    account.Deployment
	now      func() time.Time
	within   time.Duration // a page, or a command
	looks    server.Slots
	commands server.Slots
	logger   *slog.Logger
	mux      *http.ServeMux
}

// Root is where the console begins.
const Root = "/console/"

const (
	// patient is longer than the API is: a person waits, and no retry of theirs is safer than an answer.
	patient = 8 * time.Second
	// mostAtOnce is how many pages, and how many commands, are under way at once. Beyond them the answer is 503.
	mostAtOnce = 32
	// mostForm is the largest form, in bytes: one with a quantity for each line of an order.
	mostForm = 64 << 10
)

// New is the console of a deployment; nil without a token, as routes that nobody may use are not there.
func New(o Options) *Console {
	if len(o.Tokens) == 0 {
		return nil
	}
	c := &Console{
		tokens: o.Tokens, desk: o.Desk, rules: o.Rules, now: o.Now, within: patient, logger: o.Logger,
		looks: server.NewSlots(mostAtOnce), commands: server.NewSlots(mostAtOnce), mux: http.NewServeMux(),
	}
	c.mux.HandleFunc("GET "+Root+"static/{name}", c.static)
	c.mux.HandleFunc("GET "+loginPath, c.loginForm)
	c.mux.HandleFunc("POST "+loginPath, c.login)
	for _, rt := range c.routes() {
		c.mux.Handle(rt.pattern, c.guard(rt))
	}
	c.mux.Handle(Root, c.guard(route{Root, access.Read, c.nowhere}))
	return c
}

// ServeHTTP answers under Root. The headers are on every answer, whatever becomes of it.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	// With no-referrer a browser would say "null" of where a form came from, which tells nothing.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	c.mux.ServeHTTP(w, r)
}

// policy lets a page have the console's own style, script and icon, and send forms to the console. What stands in a
// page itself is run by no browser.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// route is an address for those who are logged in.
type route struct {
	pattern string // as http.ServeMux takes it; {account} is whose business it is
	scope   access.Scope
	answer  func(ctx context.Context, v visit) (page, error)
}

// visit is a request of somebody who is logged in.
type visit struct {
	*http.Request
	session
	form url.Values // of a POST
}

// page is what a visit is answered with.
type page struct {
	status   int // 0: 200
	template string
	title    string
	data     any
	see      string // in place of a page: where to go on
}

// see sends a visit on, so that a page that is loaded again does nothing again.
func see(path string) page { return page{see: path} }

func (c *Console) routes() []route {
	const (
		one     = Root + "accounts/{account}"
		catalog = one + "/catalogs/{feed}"
		order   = one + "/orders/{session}"
	)
	return []route{
		{"POST " + Root + "logout", access.Read, c.logout},
		{"GET " + Root + "{$}", access.Read, c.accounts},
		{"GET " + Root + "waiting", access.Read, c.waiting},
		{"GET " + one, access.Read, c.account},
		{"GET " + catalog, access.Read, c.catalog},
		{"GET " + catalog + "/reports/{number}", access.Read, c.report},
		{"POST " + catalog + "/approve", access.Operate, c.verdict(desk.Approval)},
		{"POST " + catalog + "/reject", access.Operate, c.verdict(desk.Rejection)},
		{"POST " + catalog + "/sync", access.Operate, c.syncNow},
		{"GET " + one + "/orders", access.Read, c.orders},
		{"GET " + order, access.Read, c.order},
		{"GET " + order + "/{command}", access.Operate, c.orderForm},
		{"POST " + order + "/{command}", access.Operate, c.orderCommand},
	}
}

func (c *Console) nowhere(context.Context, visit) (page, error) {
	return page{}, mistake{http.StatusNotFound, "There is no such page.", "Go on from the first page."}
}
