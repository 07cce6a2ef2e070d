package activities

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/report"
	"vitrine/internal/statestore"
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
	layout := statestore.Layout{StateBucket: "s", StatePrefix: "state/"}
	object, err := store.Put(t.Context(), "s", layout.Catalog("acct_1", kind).PartKey(1, 1, lines.CSV), "text/csv",
		[]byte(rows), "")
	require.NoError(t, err)
	s := &shelf{t: t, store: store,
		CatalogSync: &CatalogSync{
			Documents: catalog.Documents{Store: statestore.Store{Objects: store, Layout: layout}}}}
	s.in.Account, s.in.Feed = "acct_1", kind
	s.in.Delivery = catalog.Delivery{Sequence: 1, Full: "it was asked for",
		Parts: []catalog.Part{{Number: 1, Of: 1, Object: object}}}
	s.in.Import.Created = time.Unix(1_800_000_000, 0)
	return s
}

func (s *shelf) assortment() (*assortment.Index, error) {
	x, _, err := assortment.Documents{Store: statestore.Store{Objects: s.store, Layout: s.Documents.Layout}}.Load(
		s.t.Context(), "acct_1", "")
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
			require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{}))
			spoil(s)
			require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{}), "no reason to fail a sync")
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
	require.True(t, fault.Is(s.settleAssortment(t.Context(), s.in, rowVerdicts{}), fault.StorageFailed))
}

func TestSettleAssortment(t *testing.T) {
	t.Parallel()
	s := newShelf(t, feed.Product, "id,price\na,1.00 USD\nb,1.00 USD\n")
	require.NoError(t,
		s.settleAssortment(t.Context(), s.in, rowVerdicts{refused: map[string]feed.RowVerdict{"b": {Reason: "no"}}}))
	x, err := s.assortment()
	require.NoError(t, err)
	require.True(t, x.Progress.Complete)
	b, _ := x.Find("b")
	require.True(t, b.Withheld, "Stripe refused it, and may have an older row of it")

	s = newShelf(t, feed.Product, "id,price\na,1.00 USD\n")
	s.in.Delivery.Parts[0].Of = 2
	require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{}))
	x, err = s.assortment()
	require.NoError(t, err)
	require.False(t, x.Progress.Complete, "the second part is still to come")

	s = newShelf(t, feed.Promotion, "promotion_id\na\n")
	require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{}))
	_, err = s.assortment()
	require.True(t, fault.Is(err, fault.SourceMissing), "promotions say nothing that is kept")
}

// found are findings of a comparison, as they were staged beside the parts.
func (s *shelf) found(entries ...catalog.ReportEntry) *shelf {
	s.t.Helper()
	var list bytes.Buffer
	w := report.NewWriter(&list)
	for _, e := range entries {
		require.NoError(s.t, w.Write(e))
	}
	require.NoError(s.t, w.Flush())
	object, err := s.store.Put(s.t.Context(), "s", s.Documents.Layout.Catalog("acct_1", feed.Product).FindingsKey(1, 0),
		"text/csv", list.Bytes(), "")
	require.NoError(s.t, err)
	s.in.Delivery.Findings = &object
	return s
}

func TestAFullSendIsCompleteOnlyIfWhatItKeptBackIsKnown(t *testing.T) {
	t.Parallel()
	held := catalog.ReportEntry{Line: 3, ID: "held", Column: "price", Severity: feed.Error, By: catalog.SaidByVitrine}
	warned := catalog.ReportEntry{Line: 4, ID: "odd", Column: "title", Severity: feed.Warning,
		By: catalog.SaidByVitrine}
	nameless := catalog.ReportEntry{Line: 5, Column: "id", Severity: feed.Error, By: catalog.SaidByVitrine}
	for name, c := range map[string]struct {
		prepare  func(*shelf)
		complete bool
		withheld string
	}{
		"nothing was kept back": {func(*shelf) {}, true, ""},
		"a row was kept back":   {func(s *shelf) { s.found(held, held, warned) }, true, "held"},
		"a row without an id":   {func(s *shelf) { s.found(held, nameless) }, false, ""},
		"what was found is gone": {func(s *shelf) { s.found(held); s.in.Delivery.Findings.Key += ".csv" }, false,
			""},
		"what was found is other": {func(s *shelf) { s.in.Delivery.Findings = &s.in.Delivery.Parts[0].Object },
			false, ""},
		"an earlier run's part":        {func(s *shelf) { s.in.Delivery.Resumed = true }, false, ""},
		"a source of changes":          {func(s *shelf) { s.in.Delivery.Changes = true }, false, ""},
		"changes only":                 {func(s *shelf) { s.found(held).in.Delivery.Full = "" }, false, ""},
		"more parts are still to come": {func(s *shelf) { s.found(held).in.Delivery.Parts[0].Of = 2 }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, feed.Product, "id,price\na,1.00 USD\n")
			c.prepare(s)
			require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{}))
			x, err := s.assortment()
			require.NoError(t, err)
			require.Equal(t, c.complete, x.Progress.Complete)
			item, known := x.Find("held")
			require.Equal(t, c.withheld != "", known)
			require.Equal(t, known, item.Withheld)
			_, known = x.Find("odd")
			require.False(t, known, "a warning keeps nothing back")
		})
	}
}

// Of rows that are in doubt Stripe may have the old ones or the new ones: nobody approves or refuses by either.
func TestWhatIsInDoubtIsWithheld(t *testing.T) {
	t.Parallel()
	s := newShelf(t, feed.Product, "id,price\na,1.00 USD\nb,1.00 USD\n")
	require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{}))
	part, err := s.store.Put(t.Context(), "s", "doubted.csv", "text/csv",
		[]byte("id,price,delete\na,2.00 USD,\nc,1.00 USD,\n"), "")
	require.NoError(t, err)
	s.in.Delivery.Parts[0].Object, s.in.Delivery.Full = part, ""
	require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{doubt: true}))
	x, err := s.assortment()
	require.NoError(t, err)
	for id, withheld := range map[string]bool{"a": true, "b": false, "c": true} {
		item, known := x.Find(id)
		require.True(t, known, id)
		require.Equal(t, withheld, item.Withheld, id)
	}
	require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{}))
	x, err = s.assortment()
	require.NoError(t, err)
	a, _ := x.Find("a")
	require.False(t, a.Withheld, "it was sent again, and taken")

	s.in.Delivery.Mode = catalog.Replace
	require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{doubt: true}))
	x, err = s.assortment()
	require.NoError(t, err)
	b, _ := x.Find("b")
	require.True(t, b.Withheld, "it may have been removed with what the part does not have")
}

// What Stripe took of a part that cannot be settled makes every answer a guess.
func TestAPartThatCannotBeSettledForgetsTheAssortment(t *testing.T) {
	t.Parallel()
	for says, spoil := range map[string]func(*shelf){
		"is gone": func(s *shelf) {
			s.in.Delivery.Parts[0].Table = statestore.Object{Bucket: "s", Key: "gone"}
		},
		"staged of part 1 is": func(s *shelf) { s.in.Delivery.Parts[0].Table = s.in.Delivery.Parts[0].Object },
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, feed.Product, "id,price\na,1.00 USD\n")
			table, err := s.Documents.SaveTable(t.Context(), "table", feed.Product, &feed.Table{})
			require.NoError(t, err)
			s.in.Delivery.Parts[0].Table = table
			require.NoError(t, s.settleAssortment(t.Context(), s.in, rowVerdicts{}))
			spoil(s)
			var result catalog.PartResult
			require.NoError(t, s.enter(t.Context(), s.in, &result))
			require.Contains(t, result.Reason, says)
			_, err = s.assortment()
			require.True(t, fault.Is(err, fault.SourceMissing))
		})
	}
}
