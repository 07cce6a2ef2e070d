package activities

import (
	"context"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/news"
)

// newsTries bounds how often what was told is noted while others write the same state.
const newsTries = 8

// tellTroubles tells what has begun to be the matter with a catalog, or is over, since that was told last. It goes by
// what is in the state, so whatever was left untold is told by the next run that has something to say. It is told
// before it is noted: a step that ends in between tells it again, under the same id.
func (s *CatalogSync) tellTroubles(ctx context.Context, id catalog.ID, dealtWith bool) error {
	l, err := s.News.listener(ctx, id.Account)
	if err != nil || !l.listens() {
		return err
	}
	for range newsTries {
		var state catalog.State
		var etag string
		if state, etag, err = s.Documents.State(ctx, id); err != nil {
			return err
		}
		is := state.Troubles(dealtWith)
		all := news.OfCatalog(state, state.Told, is, ServerTime(ctx))
		if len(all) == 0 {
			return nil
		}
		if err = s.News.handOn(ctx, l, all); err != nil {
			return err
		}
		state.Told = state.Told.Next(is)
		if _, err = s.Documents.SaveState(ctx, state, etag); !fault.Is(err, fault.StateConflict) {
			return err
		}
	}
	return err
}

// tellSettled tells how a sync ended.
func (s *CatalogSync) tellSettled(ctx context.Context, id catalog.ID, r catalog.Report, key string) error {
	if err := s.tellTroubles(ctx, id, false); err != nil {
		return err
	}
	if n, any := news.Synced(id, r, key); any {
		return s.News.tell(ctx, n)
	}
	return nil
}

// tellDealtWith tells that a trouble is over that ended without a sync, such as a file that was put back. There is
// nothing to read unless one was told.
func (s *CatalogSync) tellDealtWith(ctx context.Context, state catalog.State, is catalog.Standing) error {
	over := is.Position == catalog.Settled || is.Position == catalog.Refused
	if !over || state.Told == (catalog.Told{}) || state.Run != nil {
		return nil
	}
	return s.tellTroubles(ctx, state.ID(), true)
}
