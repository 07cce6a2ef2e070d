package server

import (
	"context"
	"net/http"
	"strings"

	"vitrine/internal/access"
	"vitrine/internal/desk"
	"vitrine/internal/strictjson"
	"vitrine/workflows"
)

// VerdictBody is what a person says of a held sync.
type VerdictBody struct {
	Why     string `json:"why"`     // for the history and the report, at most 500 bytes
	Version string `json:"version"` // of the source that was looked at (held.version of the catalog)
}

// SyncBody is how a sync is started.
type SyncBody struct {
	// Force looks and sends now: without waiting for the 15 minutes, and even if the source's version is known.
	Force bool `json:"force,omitempty"`
	Full  bool `json:"full,omitempty"` // every row is sent, not only what changed
}

func (a *API) catalogCommands() []route {
	return []route{
		{http.MethodPost, "/accounts/{account}/catalogs/{feed}/approve", access.Operate, a.verdict(desk.Approval)},
		{http.MethodPost, "/accounts/{account}/catalogs/{feed}/reject", access.Operate, a.verdict(desk.Rejection)},
		{http.MethodPost, "/accounts/{account}/catalogs/{feed}/sync", access.Operate, a.sync},
	}
}

// verdict decides about the version that was looked at, and about no other.
func (a *API) verdict(v desk.Verdict) func(c call) (work, *answered) {
	return func(c call) (work, *answered) {
		id, no := catalogOf(c)
		if no != nil {
			return nil, no
		}
		var body VerdictBody
		if err := strictjson.Decode(c.body, &body); err != nil {
			return nil, refused(http.StatusBadRequest, err.Error())
		}
		in := workflows.VerdictInput{By: c.token.Name, Why: strings.TrimSpace(body.Why),
			Version: strings.TrimSpace(body.Version)}
		if err := desk.CheckWhy(in.Why, desk.MaxWhy); err != nil {
			return nil, refused(http.StatusBadRequest, err.Error())
		}
		if in.Version == "" {
			return nil, refused(http.StatusBadRequest,
				"version: which one was looked at? It is held.version of the catalog")
		}
		return a.told(c, func(ctx context.Context) answered {
			taken, err := a.desk.Pass(ctx, v, id, in)
			return obeyed(http.StatusOK, taken, err)
		}), nil
	}
}

// obeyed is the answer to a command.
func obeyed(status int, document any, err error) answered {
	if err != nil {
		return *unanswered(err)
	}
	return answered{status, document}
}

func (a *API) sync(c call) (work, *answered) {
	id, no := catalogOf(c)
	if no != nil {
		return nil, no
	}
	var body SyncBody
	if err := strictjson.Decode(c.body, &body); err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	in := workflows.CatalogSyncInput{Account: id.Account, Feed: id.Feed, Force: body.Force, Full: body.Full}
	return a.told(c, func(ctx context.Context) answered {
		run, err := a.desk.SyncNow(ctx, in, c.token.Name)
		return obeyed(http.StatusAccepted, run, err)
	}), nil
}

// told is for those who decide: what they did is in the log, with who they are.
func (a *API) told(c call, do func(context.Context) answered) work {
	return func(ctx context.Context) answered {
		ctx, cancel := context.WithTimeout(ctx, a.within)
		defer cancel()
		answer := do(ctx)
		a.logger.InfoContext(ctx, "command", "route", c.Pattern, "account", c.PathValue("account"),
			"by", c.token.Name, "status", answer.status)
		return answer
	}
}
