package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"vitrine/internal/fleet"
)

// AddStandings adds to accounts, in the order of their ids, what keeps them from being synced, or what Stripe lacks of
// them. However many accounts there are, it lists the standings once and reads what its dispatchers saw last of the
// fleet; beyond that it reads the standings of those that have one, which few do.
//
// Of accounts that schedules sync it knows whether they are parked, and no more: a schedule knows itself that it is
// paused, and the account's own page says so.
func (d Desk) AddStandings(ctx context.Context, rows []AccountRow) error {
	if len(rows) == 0 {
		return nil
	}
	at := map[string]*AccountRow{}
	for i := range rows {
		at[rows[i].Account] = &rows[i]
	}
	last := rows[len(rows)-1].Account
	return errors.Join(d.addParked(ctx, at, rows[0].Account, last), d.addFleet(ctx, at))
}

// addParked reads the standings of the accounts from the first to the last.
func (d Desk) addParked(ctx context.Context, at map[string]*AccountRow, first, last string) error {
	l, reading := d.Documents.Layout, errgroup.Group{}
	reading.SetLimit(readers)
	for from, end := l.StandingsPrefix()+first, l.StandingKey(last); from < end; {
		keys, err := d.Documents.ListAfter(ctx, l.StandingsPrefix(), from)
		if err != nil {
			return errors.Join(fmt.Errorf("list the standings: %w", err), reading.Wait())
		}
		if len(keys) == 0 {
			break
		}
		for _, key := range keys {
			if row := at[standingOf(l.StandingOf(key))]; row != nil {
				reading.Go(func() error { return d.readParked(ctx, row) })
			}
		}
		from = keys[len(keys)-1]
	}
	return reading.Wait()
}

func standingOf(account string, ok bool) string {
	if !ok {
		return ""
	}
	return account
}

func (d Desk) readParked(ctx context.Context, row *AccountRow) error {
	standing, _, err := d.settings().Standing(ctx, row.Account)
	switch {
	case IsUnusable(err):
		row.Parked = "nobody can read whether it is: " + err.Error()
		return nil
	case err != nil:
		return err
	}
	if p := standing.Parked; p != nil {
		row.Parked = cmp.Or(p.Why, string(p.Trigger))
	}
	return nil
}

// addFleet adds what the dispatchers saw of their accounts.
func (d Desk) addFleet(ctx context.Context, at map[string]*AccountRow) error {
	documents := fleet.Documents{Store: d.Documents.Store}
	plan, _, found, err := documents.Plan(ctx)
	if err != nil || !found || plan.Ended {
		return err
	}
	shards := map[int]bool{}
	for account := range at {
		shards[plan.ShardOf(account)] = true
	}
	for shard := range shards {
		now := time.Now()
		marked, err := d.Marks.of(ctx, documents, shard, now)
		if err != nil {
			return err
		}
		for name, row := range at {
			if a, may := marked[name]; may {
				row.noteFleet(a, now)
			}
		}
	}
	return nil
}

func (r *AccountRow) noteFleet(a fleet.Account, now time.Time) {
	if pause := a.Settings.Paused; pause != nil {
		r.Paused = cmp.Or(pause.Note, "by a person")
	}
	for _, c := range a.Catalogs {
		late := !c.Changed.IsZero() && now.Sub(c.Changed) > fleet.Objective
		switch c.Condition {
		case fleet.Missing:
			r.Stale = append(r.Stale, c.Feed)
		case fleet.Due, fleet.Syncing, fleet.Waiting:
			if late {
				r.Stale = append(r.Stale, c.Feed)
			}
		}
	}
}
