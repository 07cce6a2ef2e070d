package privacy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vitrine/internal/fault"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// Kind is what an object is.
type Kind string

// What is kept of an order. Only the first two are about its buyer.
const (
	Evidence Kind = "evidence" // the bundle against a dispute: name, mail, addresses
	Order    Kind = "order"    // that lies for the merchant to fetch: name, mail, phone, addresses
	Notice   Kind = "notice"   // that lies beside it: ids and amounts
	Record   Kind = "record"   // what the workflow remembers: ids, amounts, parcels
)

// Personal reports whether objects of this kind are about the buyer.
func (k Kind) Personal() bool { return k == Evidence || k == Order }

// Held is one version of one object.
type Held struct {
	Kind Kind `json:"kind"`
	statestore.Object
}

// Holdings are what is kept of one order.
type Holdings struct {
	Personal []Held // of the buyer
	Others   []Held // that stay
	// Blind are buckets whose old versions could not be seen: what was found in them is what is there now.
	Blind []string
}

// Archive looks through the buckets.
type Archive struct{ statestore.Store }

// Find lists what is kept of an order: in the state bucket, and in every place where orders are, or were, laid for the
// merchant.
func (a Archive) Find(ctx context.Context, id order.ID, places []statestore.Place) (Holdings, error) {
	if err := id.Check(); err != nil {
		return Holdings{}, err
	}
	var found Holdings
	for _, s := range a.searches(id, places) {
		if err := a.search(ctx, s, &found); err != nil {
			return Holdings{}, fmt.Errorf("look for the %s of %s: %w", s.kind, id, err)
		}
	}
	return found, nil
}

// search is one question to a bucket: objects of one kind, under one key or everything below a prefix.
type search struct {
	kind        Kind
	bucket, key string
	below       bool
}

func (a Archive) searches(id order.ID, places []statestore.Place) []search {
	bucket, keys := a.Layout.StateBucket, a.Layout.Order(id.Account, id.Session)
	all := []search{
		{kind: Evidence, bucket: bucket, key: keys.EvidencePrefix(), below: true},
		{kind: Evidence, bucket: bucket, key: keys.FormerEvidencePrefix(), below: true},
		{kind: Record, bucket: bucket, key: keys.RecordKey()},
	}
	for _, p := range places {
		all = append(all,
			search{kind: Order, bucket: p.Bucket, key: p.OrderKey(id.Account, id.Session)},
			search{kind: Notice, bucket: p.Bucket, key: p.NoticePrefix(id.Account, id.Session), below: true})
	}
	return slices.Compact(all)
}

func (a Archive) search(ctx context.Context, s search, found *Holdings) error {
	versions, err := a.Objects.Versions(ctx, s.bucket, s.key)
	if f, ok := fault.Of(err); ok && f.Kind == fault.Permanent && f.Code != fault.SourceMissing {
		if versions, err = a.current(ctx, s); !slices.Contains(found.Blind, s.bucket) {
			found.Blind = append(found.Blind, s.bucket)
		}
	}
	if err != nil {
		return err
	}
	for _, object := range versions {
		if !s.below && object.Key != s.key { // of another order, whose session's id begins with this one
			continue
		}
		found.add(Held{s.kind, object})
	}
	return nil
}

// current are the objects as they are now, where old versions cannot be seen.
func (a Archive) current(ctx context.Context, s search) ([]statestore.Object, error) {
	keys, err := a.Objects.List(ctx, s.bucket, s.key)
	if err != nil {
		return nil, err
	}
	var objects []statestore.Object
	for _, key := range keys {
		objects = append(objects, statestore.Object{Bucket: s.bucket, Key: key})
	}
	return objects, nil
}

func (h *Holdings) add(held Held) {
	list := &h.Others
	if held.Kind.Personal() {
		list = &h.Personal
	}
	if !slices.Contains(*list, held) { // two places may be one
		*list = append(*list, held)
	}
}

// Erase removes what is about the buyer, for good, and returns what is gone. What cannot be removed keeps nothing else
// from going. Erasing again is harmless.
func (a Archive) Erase(ctx context.Context, h Holdings) (gone []Held, err error) {
	var errs []error
	for _, held := range h.Personal {
		remove := a.Objects.DeleteVersion
		if slices.Contains(h.Blind, held.Bucket) {
			remove = func(ctx context.Context, o statestore.Object) error {
				return a.Objects.Delete(ctx, o.Bucket, o.Key)
			}
		}
		if err := remove(ctx, held.Object); err != nil {
			errs = append(errs, err)
			continue
		}
		gone = append(gone, held)
	}
	return gone, errors.Join(errs...)
}
