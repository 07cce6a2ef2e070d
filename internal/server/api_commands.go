package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"go.temporal.io/sdk/temporal"

	"vitrine/internal/access"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/strictjson"
	"vitrine/internal/temporalclient"
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
		if err := checkWhy(in.Why, desk.MaxWhy); err != nil {
			return nil, refused(http.StatusBadRequest, err.Error())
		}
		if in.Version == "" {
			return nil, refused(http.StatusBadRequest,
				"version: which one was looked at? It is held.version of the catalog")
		}
		return a.told(c, func(ctx context.Context) answered { return a.decide(ctx, v, id, in) }), nil
	}
}

func (a *API) decide(ctx context.Context, v desk.Verdict, id catalog.ID, in workflows.VerdictInput) answered {
	state, _, err := a.desk.Documents.State(ctx, id)
	switch {
	case err != nil:
		return *unanswered(err)
	case state.Held == nil:
		if before := v.Repeated(state, in); before != nil {
			return answered{http.StatusOK, *before}
		}
		return *refused(http.StatusConflict, "nothing is held")
	case state.Held.Version != in.Version:
		return *refused(http.StatusConflict,
			"another version of the source is held than the one that was looked at: nothing was decided")
	}
	taken, err := a.desk.Decide(ctx, v, id, *state.Held, in)
	var no *temporal.ApplicationError
	switch {
	case err == nil:
		return answered{http.StatusOK, taken}
	case temporalclient.IsNotFound(err):
		return *refused(http.StatusConflict, "the run that held it is gone: the next sync looks at the source again")
	case errors.As(err, &no):
		return *refused(http.StatusConflict, "the run did not take the verdict: "+no.Message())
	}
	return *untold(err)
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
		run, err := a.desk.Sync(ctx, in, c.token.Name)
		if err != nil {
			return *untold(err)
		}
		return answered{http.StatusAccepted, run}
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

// untold is an answer in whose place there is none yet: nobody knows what became of the command.
func untold(error) *answered {
	return refused(http.StatusServiceUnavailable,
		"nobody has taken it yet, and somebody may still: look again, or send the same again")
}

func checkWhy(why string, most int) error {
	switch n := len(why); {
	case n == 0:
		return errors.New("why: say it, for those who ask later")
	case n > most:
		return fmt.Errorf("why: it has %d bytes, and at most %d are kept: be brief, and refer to a ticket for more", n,
			most)
	}
	return nil
}
