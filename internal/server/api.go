package server

import (
	"net/http"
	"slices"

	"vitrine/internal/access"
)

// API is what those who have a token may ask and tell.
type API struct {
	gate
	merchants *Merchants
	sessions  *AccountSessions
}

// NewAPI takes the tokens that were given out: without one there is no API.
func NewAPI(tokens access.Tokens, merchants *Merchants, sessions *AccountSessions) *API {
	return &API{gate: newGate(tokens), merchants: merchants, sessions: sessions}
}

// routes are all that take a token, and nothing else does.
func (a *API) routes() []route {
	return slices.Concat(a.merchants.routes(), a.sessions.routes())
}

func (a *API) register(mux *http.ServeMux) { a.gate.register(mux, a.routes()) }
