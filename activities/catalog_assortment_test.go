package activities

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
)

// shelf is a sync with one staged part of a full send.
type shelf struct {
	*CatalogSync
	t     *testing.T
	store *objectstoretest.Memory
	in    SettlePartInput
}

func newShelf(t *testing.T, kind feed.Kind, rows string) *shelf {
	t.Helper()
	store := objectstoretest.NewMemory("s")
	layout := catalog.Layout{StateBucket: "s", StatePrefix: "state/"}
	object, err := store.Put(t.Context(), "s", layout.PartKey("acct_1", kind, 1, 1, feed.CSV), "text/csv", []byte(rows), "")
	require.NoError(t, err)
	s := &shelf{t: t, store: store, CatalogSync: &CatalogSync{Objects: store, Documents: catalog.Documents{Objects: store, Layout: layout}}}
	s.in.Account, s.in.Feed = "acct_1", kind
	s.in.Delivery = catalog.Delivery{Sequence: 1, Full: "it was asked for", Parts: []catalog.Part{{Number: 1, Of: 1, Object: object}}}
	s.in.Import.Created = time.Unix(1_800_000_000, 0)
	return s
}

func (s *shelf) assortment() (*assortment.Index, error) {
	x, _, err := assortment.Documents{Objects: s.store, Layout: s.Documents.Layout}.Load(s.t.Context(), "acct_1", "", 0)
	return x, err
}

func TestSettleAssortmentForgetsWhatCannotBeTold(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*shelf){
		"the part is gone": func(s *shelf) { s.in.Delivery.Parts[0].Object.Key += ".csv" },
		"the part was replaced": func(s *shelf) {
			o := s.in.Delivery.Parts[0].Object
			_, err := s.store.Put(t.Context(), o.Bucket, o.Key, "text/csv", []byte("other"), "")
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, feed.Product, "id,price\na,1.00 USD\n")
			require.NoError(t, s.settleAssortment(t.Context(), s.in, nil))
			spoil(s)
			require.NoError(t, s.settleAssortment(t.Context(), s.in, nil), "no reason to fail a sync")
			_, err := s.assortment()
			require.True(t, fault.Is(err, fault.SourceMissing))
		})
	}
}

func TestSettleAssortmentFailsWhereS3Does(t *testing.T) {
	t.Parallel()
	s := newShelf(t, feed.Product, "id,price\na,1.00 USD\n")
	s.store.Before = func(operation, _, _ string) error {
		if operation == "Put" {
			return fault.NewPlain(fault.StorageFailed, errors.New("away"))
		}
		return nil
	}
	require.True(t, fault.Is(s.settleAssortment(t.Context(), s.in, nil), fault.StorageFailed))
}

func TestSettleAssortment(t *testing.T) {
	t.Parallel()
	s := newShelf(t, feed.Product, "id,price\na,1.00 USD\nb,1.00 USD\n")
	require.NoError(t, s.settleAssortment(t.Context(), s.in, map[string]feed.Verdict{"b": {Reason: "no"}}))
	x, err := s.assortment()
	require.NoError(t, err)
	require.True(t, x.Progress.Complete)
	require.Equal(t, 1, x.Len())

	s = newShelf(t, feed.Product, "id,price\na,1.00 USD\n")
	s.in.Delivery.Parts[0].Of = 2
	require.NoError(t, s.settleAssortment(t.Context(), s.in, nil))
	x, err = s.assortment()
	require.NoError(t, err)
	require.False(t, x.Progress.Complete, "the second part is still to come")

	s = newShelf(t, feed.Promotion, "promotion_id\na\n")
	require.NoError(t, s.settleAssortment(t.Context(), s.in, nil))
	_, err = s.assortment()
	require.True(t, fault.Is(err, fault.SourceMissing), "promotions say nothing that is kept")
}
