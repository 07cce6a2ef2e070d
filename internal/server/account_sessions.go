package server

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"time"

	"vitrine/internal/access"
	"vitrine/internal/fault"
	"vitrine/internal/stripeapi"
)

// beginSession makes an account session at Stripe.
type beginSession func(ctx context.Context, account string) (stripeapi.AccountSession, error)

// AccountSessions lets a platform's own pages embed the settings in which an account turns agents on: it makes an
// account session at Stripe and hands on its client secret, which is neither kept nor logged.
type AccountSessions struct {
	begin  beginSession
	within time.Duration
	logger *slog.Logger
}

// NewAccountSessions takes what makes a session at Stripe.
func NewAccountSessions(begin beginSession, logger *slog.Logger) *AccountSessions {
	return &AccountSessions{begin: begin, within: deliverWithin, logger: logger}
}

func (s *AccountSessions) routes() []route {
	return []route{{http.MethodPost, "/accounts/{account}/account_sessions", access.Operate, s.prepare}}
}

// prepare takes an empty object: what the session is for is not for who asks to say.
func (s *AccountSessions) prepare(c call) (work, *answered) {
	account := c.PathValue("account")
	if err := stripeapi.CheckAccount(account); err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	if string(bytes.TrimSpace(c.body)) != "{}" {
		return nil, refused(http.StatusBadRequest, "expected {}: there is nothing to say")
	}
	return func(ctx context.Context) answered { return s.open(ctx, account, c.token.Name) }, nil
}

// openedSession is a secret that is good for one page, once.
type openedSession struct {
	Secret  string    `json:"client_secret"`
	Expires time.Time `json:"expires_at,omitzero"`
}

func (s *AccountSessions) open(ctx context.Context, account, by string) answered {
	ctx, cancel := context.WithTimeout(ctx, s.within)
	defer cancel()
	session, err := s.begin(ctx, account)
	if err != nil {
		s.logger.WarnContext(ctx, "account session not made", "account", account, "by", by, "error", err)
		if f, ok := fault.Of(err); ok && f.Kind == fault.Permanent {
			return *refused(http.StatusBadGateway, err.Error())
		}
		return *refused(http.StatusServiceUnavailable, "Stripe did not answer: ask again")
	}
	s.logger.InfoContext(ctx, "account session", "account", account, "by", by)
	return answered{http.StatusOK, openedSession{session.Secret.Reveal(), session.Expires}}
}
