package activities

import (
	"cmp"
	"context"
	"io"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/staging"
)

// Action is what FetchCatalog found there is to do.
type Action string

// The actions.
const (
	// Skip: this version of the source was dealt with, or it is not due for another try yet.
	Skip Action = "skip"
	// Wait: there is something to send, at NotBefore.
	Wait Action = "wait"
	// Send: the parts are staged, and this run has claimed the feed.
	Send Action = "send"
	// Hold: the parts are staged and this run has claimed the feed, but a person has to look first.
	Hold Action = "hold"
	// Resume: an earlier run began an import and never saw it end; this run has claimed the feed and finishes that one.
	Resume Action = "resume"
)

// FetchCatalogInput is the input of FetchCatalog.
type FetchCatalogInput struct {
	catalog.ID
	Force bool `json:"force,omitempty"` // look at a version that is known, and do not wait
	Full  bool `json:"full,omitempty"`  // send every row
	// Held is the source version that this run waits with: as long as it is the newest, nothing is staged anew.
	Held string `json:"held,omitempty"`
}

// FetchCatalogResult is what FetchCatalog found.
type FetchCatalogResult struct {
	Action    Action            `json:"decision"`
	NotBefore time.Time         `json:"not_before,omitzero"`  // Wait
	Note      string            `json:"note,omitempty"`       // Skip: what a person should know
	Hold      *catalog.Hold     `json:"hold,omitempty"`       // Hold
	Delivery  *catalog.Delivery `json:"delivery,omitempty"`   // Send, Resume; Hold, unless Held is still the newest
	Source    string            `json:"source,omitempty"`     // version of the source that was looked at
	LookAgain time.Duration     `json:"look_again,omitempty"` // Hold: how often to look for a newer source
	// Parked (Skip): the account is parked, and Note says why. To older workflows that is a source that did not change.
	Parked bool `json:"parked,omitempty"`
	// Quiet (Skip): the outcome is in the run's result alone. What older workers recorded does not say so, and replays.
	Quiet bool `json:"quiet,omitempty"`

	skipped string // Skip: why, for the metrics of the step alone
}

// What a source that is skipped is, beside unchanged.
const (
	skippedFailing  = "failing"
	skippedRejected = "rejected"
	skippedWaiting  = "waiting"
)

// found is the result in a word.
func (r FetchCatalogResult) found() string {
	switch r.Action {
	case Skip:
		return cmp.Or(r.skipped, "unchanged")
	case Wait:
		return skippedWaiting
	case Hold:
		return "held"
	case Resume:
		return "interrupted"
	}
	return "changed"
}

// FetchCatalog looks whether the source changed since it was last dealt with. If so, and if it is the feed's turn, it
// claims the feed for this run, reads the pinned version, compares it with what Stripe has, and stages the parts.
//
// A source that did not change costs three small reads and one or two HEADs. While another run has claimed the feed the
// error is pending, so that the wait takes neither a worker's slot nor history.
func (s *CatalogSync) FetchCatalog(ctx context.Context, in FetchCatalogInput) (FetchCatalogResult, error) {
	found, err := s.fetchCatalog(ctx, in)
	if err == nil {
		countLook(ctx, in.Feed, found)
	}
	return found, err
}

func (s *CatalogSync) fetchCatalog(ctx context.Context, in FetchCatalogInput) (FetchCatalogResult, error) {
	if err := in.Check(); err != nil {
		return FetchCatalogResult{}, err
	}
	if err := checkParked(ctx, s.Accounts, in.Account); err != nil {
		return s.parked(ctx, in, err)
	}
	settings, err := s.Accounts.Settings(ctx, in.Account)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	state, etag, err := s.Documents.State(ctx, in.ID)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	if state.Open != nil {
		return s.resume(ctx, state, etag)
	}
	found, err := s.Stager.Look(ctx, settings, in.Feed)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	full := found.FullSend(state, in.Full, ServerTime(ctx))
	found = found.After(state, ServerTime(ctx))
	found.WaitUnknown = !in.Force && state.Unsettled.Waits(ServerTime(ctx))
	if in.Held != "" {
		if in.Held == found.Source.Version() && state.Held != nil {
			return s.stillHeld(state), nil
		}
		// A newer source takes the place of the held one.
		if state, etag, err = s.letGo(ctx, in.ID); err != nil {
			return FetchCatalogResult{}, err
		}
	}
	if !in.Force {
		is := state.Standing(found.Sight(in.Full, s.Policy.Interval), ServerTime(ctx))
		if result, nothing := nothingToDo(is, found.Source.Version()); nothing {
			if err := forgetTold(ctx, s.Accounts.Store, settings, found, is, ServerTime(ctx)); err != nil {
				return result, err
			}
			return result, s.tellDealtWith(ctx, state, is)
		}
	}
	if err := s.Accounts.ClaimSource(ctx, settings, in.Feed); err != nil {
		return FetchCatalogResult{}, err
	}
	if state, err = s.Documents.Claim(ctx, state, etag, thisRun(ctx), s.isOpen); err != nil {
		return FetchCatalogResult{}, err
	}
	result, err := s.stage(ctx, in.ID, state, found, full, pulseOf(ctx).reading)
	now := ServerTime(ctx)
	if turn := state.Turn(s.Policy.Interval, now); err == nil && !in.Force && now.Before(turn) {
		result.Delivery.NotBefore = turn
	}
	return result, err
}

// parked ends the run of an account that is parked, and a hold with it: nobody is asked about what is not sent.
func (s *CatalogSync) parked(ctx context.Context, in FetchCatalogInput, why error) (FetchCatalogResult, error) {
	if !fault.Is(why, fault.AccountParked) {
		return FetchCatalogResult{}, why
	}
	if in.Held != "" {
		if _, _, err := s.letGo(ctx, in.ID); err != nil {
			return FetchCatalogResult{}, err
		}
	}
	return FetchCatalogResult{Action: Skip, Parked: true, Note: why.Error(), skipped: "parked"}, nil
}

// awaitTurn waits for what is left of it. It is what staging and uploading left, so no slot is held for long.
func awaitTurn(ctx context.Context, turn time.Time) error {
	select {
	case <-time.After(min(turn.Sub(ServerTime(ctx)), catalog.Early)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// resume takes over an import that was begun and never settled. Stripe does not order imports, so it has to end before
// the next one begins.
func (s *CatalogSync) resume(ctx context.Context, state catalog.State, etag string) (FetchCatalogResult, error) {
	state, err := s.Documents.Claim(ctx, state, etag, thisRun(ctx), s.isOpen)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	d := s.leftOpen(*state.Open)
	return FetchCatalogResult{Action: Resume, Source: d.Source.Version(), Delivery: &d}, nil
}

// leftOpen is what is left of the delivery of an import that was begun and never settled.
func (s *CatalogSync) leftOpen(open catalog.OpenImport) catalog.Delivery {
	d := open.Delivery
	d.Resumed, d.File, d.Deadline = true, open.File, s.Policy.Deadline
	// What the earlier run found is found again by the look that follows.
	d.Rows, d.Findings, d.Forgotten, d.Normalised, d.Reading = catalog.ReportRows{Sent: open.Part().Rows}, nil,
		nil, nil, nil
	d.Misplaced = nil
	return d
}

// nothingToDo says whether the run ends, or waits, before anything is read or claimed.
func nothingToDo(is catalog.Standing, version string) (result FetchCatalogResult, nothing bool) {
	skip := FetchCatalogResult{Action: Skip, Source: version, Note: is.Note, Quiet: true}
	switch is.Position {
	case catalog.Settled:
		if is.Note != "" { // something of it is to be sent again
			skip.skipped = skippedWaiting
		}
		return skip, true
	case catalog.Refused:
		skip.skipped = skippedRejected
		return skip, true
	case catalog.Failing:
		skip.skipped = skippedFailing
		return skip, true
	case catalog.Spaced:
		return FetchCatalogResult{Action: Wait, Source: version, NotBefore: is.Until}, true
	}
	return FetchCatalogResult{}, false
}

// stage reads the pinned source, and writes what Stripe is to get. If a guard strikes, the state says so.
func (s *CatalogSync) stage(
	ctx context.Context, id catalog.ID, state catalog.State, found staging.Feed, full string,
	progress func(io.Reader) io.Reader,
) (FetchCatalogResult, error) {
	if err := s.clearStaged(ctx, id); err != nil {
		return FetchCatalogResult{}, err
	}
	d, holds, err := s.Stager.Stage(ctx, found, full, state.Sequence, progress)
	if err != nil {
		return FetchCatalogResult{}, err
	}
	d.Deadline = s.Policy.Deadline
	result := FetchCatalogResult{Action: Send, Delivery: &d, Source: d.Source.Version()}
	if len(holds) == 0 {
		return result, nil
	}
	hold := catalog.Hold{Version: d.Source.Version(), Since: ServerTime(ctx).UTC(), Run: thisRun(ctx), Reasons: holds,
		Rows: d.Rows}
	if before := state.Held; before != nil && before.Version == hold.Version {
		hold.Since = before.Since // a run that was terminated held it already
	}
	_, err = s.updateClaimed(ctx, id, func(state *catalog.State) { state.Held = &hold })
	result.Action, result.Hold, result.LookAgain = Hold, &hold, s.Policy.Interval
	if err != nil {
		return result, err
	}
	return result, s.tellTroubles(ctx, id, false)
}
