package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vitrine/internal/fault"
)

// ErrClaimed is returned by Claim while the state is claimed by another open run.
var ErrClaimed = errors.New("another run is importing")

// Claim gives the state to run, so that one import at a time is in flight whoever started the run. A run that is no
// longer open in Temporal (it ended, was terminated, timed out or was reset) claims nothing; isOpen tells.
func (d Documents) Claim(
	ctx context.Context, s State, etag string, run Run, isOpen func(context.Context, Run) (bool, error),
) (State, error) {
	if s.Run != nil && *s.Run != run {
		if err := s.free(ctx, isOpen); err != nil {
			return s, err
		}
	}
	s.Run = &run
	_, err := d.SaveState(ctx, s, etag)
	return s, err
}

// free is pending while the run that has claimed the feed is open.
func (s State) free(ctx context.Context, isOpen func(context.Context, Run) (bool, error)) error {
	open, err := isOpen(ctx, *s.Run)
	if err != nil {
		return fmt.Errorf("ask Temporal whether run %s of %s is still open: %w", s.Run.RunID, s.Run.WorkflowID, err)
	}
	if open {
		return fault.NewPending(fault.RunWaiting, claimPoll, s.claimed())
	}
	return nil
}

func (s State) claimed() error {
	doing := ""
	if s.Held != nil && s.Held.Run == *s.Run {
		doing = " or rather held until a person decides"
	}
	return fmt.Errorf("%w%s: workflow %s, run %s", ErrClaimed, doing, s.Run.WorkflowID, s.Run.RunID)
}

// claimPoll is how often a waiting run looks again: an import takes minutes.
const claimPoll = 5 * time.Second

// UpdateClaimed changes the state of a feed in the name of the run that claimed it. It fails with fault.RunSuperseded
// if another run has taken over.
func (d Documents) UpdateClaimed(ctx context.Context, id ID, run Run, change func(*State)) (State, error) {
	s, etag, err := d.State(ctx, id)
	if err != nil {
		return s, err
	}
	if s.Run == nil || *s.Run != run {
		return s, fault.NewPermanent(fault.RunSuperseded,
			fmt.Errorf("the state of %s is no longer held by this run: another one took over", id.Name()))
	}
	change(&s)
	_, err = d.SaveState(ctx, s, etag)
	return s, err
}
