package activities

import (
	"context"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/fleet"
	"vitrine/internal/news"
)

// tellStale tells that Stripe has lacked for long what the merchant wrote, or that they took their source away, and
// that it is over. It goes by what is there, so a look that fails, or is beaten to the state, is made up for by the
// next. While a run is at work the state is that run's.
func (d *CatalogDispatch) tellStale(
	ctx context.Context, settings account.Settings, f fleet.Observation, etag string,
) error {
	if !d.News.listenerOf(settings).wants(news.CatalogStale) || f.Claimed || settings.Paused != nil {
		return nil
	}
	now, state := ServerTime(ctx).UTC(), f.State
	state.Missing = missingSince(state, f.Missing, now)
	cause, reason, since := news.SourceMissing, "there is no source any more", state.Missing
	if !f.Missing {
		cause, reason, since = news.NotSent, "Stripe has an older version of the source", state.StaleSince(f.Sight, now)
	}
	switch told := state.Told.Stale; {
	case told.IsZero() && !since.IsZero() && now.Sub(since) >= d.StaleAfter:
		if err := d.tellUnlessParked(ctx, news.Stale(state.ID(), news.Began, cause, reason, since, since)); err != nil {
			return err
		}
		state.Told.Stale = since
	case !told.IsZero() && since.IsZero():
		if err := d.News.tell(ctx, news.Stale(state.ID(), news.Over, "", "", told, now)); err != nil {
			return err
		}
		state.Told.Stale = time.Time{}
	}
	if state.Told == f.State.Told && state.Missing.Equal(f.State.Missing) {
		return nil
	}
	_, err := d.Documents.SaveState(ctx, state, etag)
	return unlessConflict(err)
}

// tellSlow tells that Stripe has lacked for long what the merchant wrote because this run takes so long: a step of it
// is tried again and again, and fails only after half a day. Of a catalog that a schedule syncs nobody else would see
// it. The end of the run is the end of it. A step that cannot tell it does its work all the same, and tells it the
// next time.
func (s *CatalogSync) tellSlow(ctx context.Context, id catalog.ID) {
	info := activity.GetInfo(ctx)
	if s.StaleAfter == 0 || info.Attempt < 2 || ServerTime(ctx).Sub(info.ScheduledTime) < s.StaleAfter {
		return
	}
	if err := s.tellOpen(ctx, id); err != nil {
		activity.GetLogger(ctx).Warn("that a sync takes long could not be told", "catalog", id.Name(), "error", err)
	}
}

// tellOpen tells it of the import that this run has begun, unless it was told before.
func (s *CatalogSync) tellOpen(ctx context.Context, id catalog.ID) error {
	l, err := s.News.listener(ctx, id.Account)
	if err != nil || !l.wants(news.CatalogStale) {
		return err
	}
	state, etag, err := s.Documents.State(ctx, id)
	if err != nil || state.Accepted == nil || state.Open == nil || !state.Told.Stale.IsZero() ||
		state.Run == nil || *state.Run != thisRun(ctx) {
		return err
	}
	source := state.Open.Delivery.Source
	since := source.LastModified
	if state.Accepted.Source.Same(source) || strings.HasPrefix(source.Key, s.Documents.Keys(id).PartsPrefix()) ||
		ServerTime(ctx).Sub(since) < s.StaleAfter {
		return nil // all of it is there already, or the merchant did not write it
	}
	n := news.Stale(id, news.Began, news.NotSent, "the sync that brings it has not ended", since, since)
	if err := s.News.handOn(ctx, l, []news.News{n}); err != nil {
		return err
	}
	state.Told.Stale = since
	_, err = s.Documents.SaveState(ctx, state, etag)
	return unlessConflict(err)
}

// tellUnlessParked leaves an error with fault.AccountParked where the account is parked, which was told itself.
func (d *CatalogDispatch) tellUnlessParked(ctx context.Context, n news.News) error {
	if err := checkParked(ctx, d.Accounts, n.Account); err != nil {
		return err
	}
	return d.News.tell(ctx, n)
}

// missingSince is since when looks find no source of a catalog that had one.
func missingSince(s catalog.State, missing bool, now time.Time) time.Time {
	switch {
	case !missing || s.Accepted == nil:
		return time.Time{}
	case s.Missing.IsZero():
		return now
	}
	return s.Missing
}

// unlessConflict: whoever wrote the state meanwhile knows better, and the next look goes by what they wrote.
func unlessConflict(err error) error {
	if fault.Is(err, fault.StateConflict) {
		return nil
	}
	return err
}
