package server

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"vitrine/internal/access"
	"vitrine/internal/account"
	"vitrine/internal/desk"
)

// APIOptions are what the API is made of.
type APIOptions struct {
	Tokens    access.Tokens // without one there is no API
	Desk      desk.Desk
	Rules     account.Deployment
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
	rules     account.Deployment
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

// unanswered says nothing of what is away: the log does.
func unanswered(err error) *answered {
	no := desk.Unanswered(err)
	return refused(statuses[no.Kind], no.Why)
}

// statuses are those of refusals.
var statuses = map[desk.RefusalKind]int{
	desk.Absent: http.StatusNotFound, desk.Conflict: http.StatusConflict, desk.Unfit: http.StatusUnprocessableEntity,
	desk.Damaged: http.StatusInternalServerError, desk.Away: http.StatusServiceUnavailable,
}
