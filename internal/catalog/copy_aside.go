package catalog

import (
	"context"
	"fmt"

	"vitrine/internal/feed"
	"vitrine/internal/statestore"
)

// behind is how many imports a state may have missed that is older than Stripe: far more than are made within the
// hours by which a copy of it is old.
const behind = 1000

// SetCopyAside makes what is kept of an account's feeds something to go on from where it is older than what Stripe has,
// because the bucket was restored from a copy. A state counts on from above whatever was counted to, so that no import
// repeats the key of one that it does not know; what it takes for under way has long ended, or ends without it; and its
// manifest tells of a Stripe that was. It may be done any number of times.
//
// While a sync is under way that waits for no person the error is pending: what it sends would not be counted.
func (d Documents) SetCopyAside(
	ctx context.Context, account string, isOpen func(context.Context, Run) (bool, error),
) error {
	for _, kind := range feed.Kinds() {
		if err := d.setCopyAside(ctx, ID{Account: account, Feed: kind}, isOpen); err != nil {
			return err
		}
	}
	return nil
}

func (d Documents) setCopyAside(
	ctx context.Context, id ID, isOpen func(context.Context, Run) (bool, error),
) error {
	state, etag, err := d.State(ctx, id)
	if err != nil {
		return err
	}
	// A copy without a product feed may be older than its first import; few accounts have the other feeds.
	if etag == statestore.IfAbsent && id.Feed != feed.Product {
		return nil
	}
	if waits := state.Held != nil && state.Run != nil && state.Held.Run == *state.Run; state.Run != nil && !waits {
		if err := state.free(ctx, isOpen); err != nil {
			return fmt.Errorf("%w; 'starter maintenance on' waits until no sync is under way", err)
		}
	}
	state.Sequence += behind
	state.Open, state.Run, state.Held = nil, nil, nil
	if _, err := d.SaveState(ctx, state, etag); err != nil {
		return fmt.Errorf("the state of %s: %w", id.Name(), err)
	}
	if err := d.Delete(ctx, d.Keys(id).ManifestKey()); err != nil {
		return fmt.Errorf("the manifest of %s: %w", id.Name(), err)
	}
	return nil
}
