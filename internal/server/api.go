package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"vitrine/internal/access"
	"vitrine/internal/account"
	"vitrine/internal/desk"
	"vitrine/internal/fault"
	"vitrine/internal/temporalclient"
)

// APIOptions are what the API is made of.
type APIOptions struct {
	Tokens    access.Tokens // without one there is no API
	Desk      desk.Desk
	Rules     account.Rules // of the deployment
	Merchants *Merchants
	Sessions  *AccountSessions
	Logger    *slog.Logger
}

// API is what those who have a token may ask and tell.
type API struct {
	gate
	merchants *Merchants
	sessions  *AccountSessions
	desk      desk.Desk
	rules     account.Rules
	within    time.Duration
	logger    *slog.Logger
}

// NewAPI is the API of a deployment.
func NewAPI(o APIOptions) *API {
	return &API{
		gate: newGate(o.Tokens), merchants: o.Merchants, sessions: o.Sessions, desk: o.Desk, rules: o.Rules,
		within: deliverWithin, logger: o.Logger,
	}
}

// routes are all that take a token, and nothing else does.
func (a *API) routes() []route {
	return slices.Concat(a.merchants.routes(), a.sights(), a.catalogCommands(), a.orderCommands(), a.sessions.routes())
}

func (a *API) register(mux *http.ServeMux) {
	mux.HandleFunc("GET /openapi.json", serveDocument)
	a.gate.register(mux, a.routes())
}

var (
	errNoAccount = errors.New("there is no such account")
	errNoReport  = errors.New("there is no such report")
)

// asked answers with the document that look finds, and is for those who read.
func (a *API) asked(c call, look func(context.Context) (any, error)) work {
	return func(ctx context.Context) answered {
		ctx, cancel := context.WithTimeout(ctx, a.within)
		defer cancel()
		document, err := look(ctx)
		if err == nil {
			return answered{http.StatusOK, document}
		}
		no := unanswered(err)
		level := slog.LevelDebug
		if no.status >= http.StatusInternalServerError {
			level = slog.LevelWarn
		}
		a.logger.Log(ctx, level, "not answered", "route", c.Pattern, "status", no.status, "error", err)
		return *no
	}
}

// done is work whose answer needs nobody.
func done(document any) work {
	return func(context.Context) answered { return answered{http.StatusOK, document} }
}

// unanswered says nothing of what is away: the log does.
func unanswered(err error) *answered {
	switch {
	case errors.Is(err, errNoAccount):
		return refused(http.StatusNotFound, errNoAccount.Error())
	case fault.Is(err, fault.SourceMissing):
		return refused(http.StatusNotFound, errNoReport.Error())
	case temporalclient.IsNotFound(err):
		return refused(http.StatusNotFound,
			"there is no such order: no agent placed it, or it is settled and forgotten")
	case fault.Is(err, fault.SettingsInvalid):
		return refused(http.StatusInternalServerError, "what is kept of it cannot be read: the log says why")
	}
	return refused(http.StatusServiceUnavailable, "not known just now, because something is away: ask again")
}
