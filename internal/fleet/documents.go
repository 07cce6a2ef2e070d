package fleet

import (
	"context"
	"errors"
	"fmt"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Documents reads and writes what is kept of a fleet in the state bucket.
type Documents struct{ statestore.Store }

// Plan reads the plan, and the ETag to write another one under; without one found is false, and the plan is of one
// shard.
func (d Documents) Plan(ctx context.Context) (p Plan, etag string, found bool, err error) {
	stored, err := statestore.Read[Plan](ctx, d.Store, d.Layout.FleetPlanKey())
	if err == nil {
		if unusable := stored.Value.Check(); unusable != nil {
			err = fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("%s: %w", stored.Object.URI(), unusable))
		}
	}
	if err != nil {
		return Plan{}, "", false, fmt.Errorf("the fleet's plan: %w", err)
	}
	return stored.Value, stored.ETag, stored.Found(), nil
}

// SavePlan writes the plan if the one that is there is the one that etag names.
func (d Documents) SavePlan(ctx context.Context, p Plan, etag string) error {
	p.Format = PlanFormat
	if err := p.Check(); err != nil {
		return fault.NewPermanent(fault.SettingsInvalid, err)
	}
	_, err := statestore.Write(ctx, d.Store, d.Layout.FleetPlanKey(), p, etag)
	return err
}

// Snapshot reads what a shard remembers, and the ETag to write the next one under. lost says why there is nothing to
// remember, if that is not how it should be.
func (d Documents) Snapshot(ctx context.Context, shard int) (s Snapshot, etag, lost string, err error) {
	body, object, err := d.Get(ctx, d.Layout.FleetSnapshotKey(shard))
	if fault.Is(err, fault.SourceMissing) {
		return Snapshot{}, statestore.IfAbsent, "there is no snapshot", nil
	}
	if err != nil {
		return Snapshot{}, "", "", fmt.Errorf("read the snapshot of shard %d: %w", shard, err)
	}
	s, err = DecodeSnapshot(body)
	if errors.Is(err, ErrSnapshot) {
		return Snapshot{}, object.ETag, err.Error(), nil
	}
	return s, object.ETag, "", err
}

// SaveSnapshot writes what a shard remembers, if nobody else has written since it was read.
func (d Documents) SaveSnapshot(ctx context.Context, shard int, s Snapshot, etag string) error {
	body, err := s.Encode()
	if err != nil {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("encode the snapshot of shard %d: %w", shard, err))
	}
	_, err = d.Put(ctx, d.Layout.FleetSnapshotKey(shard), "application/gzip", body, etag)
	return err
}

// Summary reads what a shard's last look found; found is false if there was none. It is no later than it was written: a
// clock that was ahead must not hide for hours that nobody looks any more.
func (d Documents) Summary(ctx context.Context, shard int) (s Summary, found bool, err error) {
	stored, err := statestore.Read[Summary](ctx, d.Store, d.Layout.FleetSummaryKey(shard))
	if written := stored.Object.LastModified; !written.IsZero() && stored.Value.At.After(written) {
		stored.Value.At = written
	}
	return stored.Value, stored.Found(), err
}

// Summaries are those of all shards that were looked at; found is false if there is no fleet.
func (d Documents) Summaries(ctx context.Context) (p Plan, looked []Summary, found bool, err error) {
	if p, _, found, err = d.Plan(ctx); err != nil || !found || p.Ended {
		return p, nil, false, err
	}
	for shard := range p.Shards() {
		s, there, err := d.Summary(ctx, shard)
		if err != nil {
			return p, nil, true, err
		}
		if there {
			looked = append(looked, s)
		}
	}
	return p, looked, true, nil
}

// SaveSummary writes what a shard's look found.
func (d Documents) SaveSummary(ctx context.Context, shard int, s Summary) error {
	_, err := statestore.Write(ctx, d.Store, d.Layout.FleetSummaryKey(shard), s, "")
	return err
}
