package activities

import (
	"context"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

func (s *CatalogSync) stillHeld(state catalog.State) FetchCatalogResult {
	return FetchCatalogResult{Action: Hold, Source: state.Held.Version, Hold: state.Held, LookAgain: s.Policy.Interval}
}

// letGo ends a hold without a verdict, and frees the feed for whoever claims it next.
func (s *CatalogSync) letGo(ctx context.Context, id catalog.ID) (catalog.State, string, error) {
	if _, err := s.updateClaimed(ctx, id,
		func(state *catalog.State) { state.Held, state.Run = nil, nil }); err != nil &&
		!fault.Is(err, fault.RunSuperseded) {
		return catalog.State{}, "", err
	}
	return s.Documents.State(ctx, id)
}

// ApproveInput is the input of Approve.
type ApproveInput struct {
	catalog.ID
	Version string           `json:"version"`           // of the source that was looked at
	Verdict *catalog.Verdict `json:"verdict,omitempty"` // nil: older runs do not say
}

// Approve ends the hold of a source version that a person has looked at. It may run any number of times.
func (s *CatalogSync) Approve(ctx context.Context, in ApproveInput) error {
	_, err := s.updateClaimed(ctx, in.ID, func(state *catalog.State) {
		if state.Held != nil && state.Held.Version == in.Version {
			state.Held = nil
		}
		if in.Verdict != nil {
			state.Approved = &catalog.Decided{Version: in.Version, Verdict: *in.Verdict}
		}
	})
	return err
}
