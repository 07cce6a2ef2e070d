package feed

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shelf makes a source of products that are all different. ids are those of the rows from the first on, as far as they
// are given; the rest of a row stays where it is.
func shelf(from, to int, ids ...string) string {
	source := &strings.Builder{}
	source.WriteString(heading)
	for n := from; n < to; n++ {
		id := fmt.Sprintf("P%03d", n)
		if n-from < len(ids) {
			id = ids[n-from]
		}
		fmt.Fprintf(source, "%s,Table %d,Oak.,https://example.com/%d,https://example.com/%d.jpg,in_stock,%d.00 USD\n", id,
			n, n, n, 10+n)
	}
	return source.String()
}

func TestIDsThatWereSwapped(t *testing.T) {
	t.Parallel()
	before := shelf(0, 8)
	for name, c := range map[string]struct{ source, want string }{
		"two":            {shelf(0, 8, "P001", "P000"), "6 unchanged, 2 held back"},
		"three in a row": {shelf(0, 8, "P002", "P000", "P001"), "5 unchanged, 3 held back"},
		"two, and a price that changed": {strings.Replace(shelf(0, 8, "P001", "P000"), "15.00", "16.00", 1),
			"send P005, 5 unchanged, 2 held back"},
		"two, and nearly every price changed": {strings.Replace(shelf(0, 8, "P001", "P000"), ".00 USD", ".50 USD", 7),
			"send P002 P003 P004 P005 P006, 1 unchanged, 2 held back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Manifest: manifestAfter(t, Options{}, nil, before)}
			d, out := compared(t, c.source, o)
			require.Equal(t, c.want, outcome(t, d, out, o), "%v", out.found)
			require.Zero(t, d.Counts.Moved)
			require.Contains(t, strings.Join(out.found, "\n"), "P000 moved_id id")

			without, _, _ := strings.Cut(c.source, "P007,")
			d, _ = compared(t, without, o)
			require.Zero(t, d.Counts.Deleted, "whose row is missing, nobody can say")
			require.EqualValues(t, 1, d.Counts.Waiting)

			if name == "two" {
				o.Misplaced = d.Misplaced
				other, out := compared(t, shelf(0, 8, "P002", "P000", "P001"), o)
				require.Equal(t, "5 unchanged, 3 held back", outcome(t, other, out, o), "it is not said again")
			}
			o.Manifest, o.Misplaced = settled(t, o.Manifest, d), d.Misplaced
			again, out := compared(t, c.source, o)
			require.Zero(t, again.Counts.KeptBack+again.Counts.Moved, "who says it again means it: %v", out.found)
			require.EqualValues(t, len(d.Misplaced), again.Counts.Sent)
			require.Empty(t, again.Misplaced)

			d, out = compared(t, before, o)
			require.NotContains(t, outcome(t, d, out, o), "held back", "what was put back is taken")
		})
	}
}

// A column that moved alone makes most rows another product's: nothing of it is sent before a person has looked.
func TestAColumnOfIDsThatMoved(t *testing.T) {
	t.Parallel()
	const rows = 200
	ids := make([]string, rows)
	for i := range ids {
		ids[i] = fmt.Sprintf("P%03d", i)
	}
	sorted := append([]string{}, ids...)
	rand.New(rand.NewPCG(1, 2)).Shuffle(rows, func(i, j int) { sorted[i], sorted[j] = sorted[j], sorted[i] })
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, rows))}
	for name, source := range map[string]string{
		"down by one":               shelf(0, rows, append([]string{"NEW"}, ids...)[:rows]...),
		"up by one":                 shelf(0, rows, append(ids[1:rows:rows], "NEW")...),
		"down, from the middle on":  shelf(0, rows, append(append(ids[:100:100], "NEW"), ids[100:rows-1]...)...),
		"sorted alone":              shelf(0, rows, sorted...),
		"a product more at the top": shelf(0, rows+1, append([]string{"P200"}, ids...)...),
		"down by one, and nearly all repriced": strings.ReplaceAll(
			shelf(0, rows, append([]string{"NEW"}, ids...)[:rows]...), "1.00 USD", "1.50 USD"),
	} {
		d, _ := compared(t, source, o)
		require.Greater(t, d.Counts.Moved, int64(few), name)
		require.Zero(t, d.Counts.KeptBack, name)
	}
	small := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 3))}
	d, _ := compared(t, shelf(0, 3, "P002", "P000", "P001"), small)
	require.EqualValues(t, 3, d.Counts.Moved)
}

// What comes to say what another product said, and is no other product for it, is sent.
func TestChangesThatLookLikeMovedIDs(t *testing.T) {
	t.Parallel()
	row := func(id, title, availability, price string) string {
		return id + "," + title + ",Oak.,https://example.com/t,https://example.com/t.jpg," + availability + "," +
			price + ".00 USD\n"
	}
	others := strings.TrimPrefix(shelf(0, 6), heading)
	for name, c := range map[string]struct{ before, now, want string }{
		"one is sold out, and its like is back": {
			row("A", "Shirt", "in_stock", "1") + row("B", "Shirt", "out_of_stock", "1"),
			row("A", "Shirt", "out_of_stock", "1") + row("B", "Shirt", "in_stock", "1"),
			"send A B, 6 unchanged"},
		"prices of what is alike change places": {
			row("A", "Shirt", "in_stock", "1") + row("B", "Shirt", "in_stock", "2"),
			row("A", "Shirt", "in_stock", "2") + row("B", "Shirt", "in_stock", "1"),
			"send A B, 6 unchanged"},
		"a text for several products": {
			row("A", "Shirt", "in_stock", "1") + row("B", "Soon", "in_stock", "1") + row("C", "Soon", "in_stock", "1"),
			row("A", "Soon", "in_stock", "1") + row("B", "Boots", "in_stock", "1") + row("C", "Soon", "in_stock", "1"),
			"send A B, 7 unchanged"},
		"one becomes what the other still is": {
			row("A", "Shirt", "in_stock", "1") + row("B", "Boots", "in_stock", "1"),
			row("A", "Boots", "in_stock", "1") + row("B", "Boots", "in_stock", "1"),
			"send A, 7 unchanged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+others+c.before)}
			d, out := compared(t, heading+others+c.now, o)
			require.Equal(t, c.want, outcome(t, d, out, o), "%v", out.found)
			require.Zero(t, d.Counts.Moved)
		})
	}
}

// What comes to say what the other one said, in a row that another one of the same id takes back, says nothing.
func TestRowsOfWhichAnotherOneCountsMoveNoIDs(t *testing.T) {
	t.Parallel()
	before := shelf(0, 8)
	row := func(id string, n int) string { return strings.TrimPrefix(shelf(n, n+1, id), heading) }
	edited := strings.Replace(before, "P001,Table 1", "P001,Desk 1", 1)
	o := Options{Manifest: manifestAfter(t, Options{}, nil, before)}
	d, out := compared(t, strings.Replace(edited, row("P000", 0), row("P000", 1)+row("P000", 0), 1), o)
	require.NotContains(t, strings.Join(out.found, "\n"), "moved_id")
	require.EqualValues(t, 1, d.Counts.Sent)
}

// One that becomes what another was that is gone may have come to its id by damage. The next version decides.
func TestAnIDBesideAProductThatIsGone(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 8))}
	moved := shelf(0, 3) + strings.TrimPrefix(shelf(4, 8, "P003"), heading)
	d, out := compared(t, moved, o)
	require.Equal(t, "6 unchanged, 1 held back", outcome(t, d, out, o))
	require.EqualValues(t, 1, d.Counts.Waiting)
	o.Misplaced = d.Misplaced
	d, out = compared(t, moved, o)
	require.Equal(t, "send P003, delete P004, 6 unchanged", outcome(t, d, out, o))
}

// Where other rows change places in the next version, those of before are meant all the same.
func TestIDsThatAreSwappedInTurn(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 40))}
	var ids []string
	for n := range 40 {
		ids = append(ids, fmt.Sprintf("P%03d", n))
	}
	for i := 0; i < 20; i += 2 {
		ids[i], ids[i+1] = ids[i+1], ids[i]
		d, out := compared(t, shelf(0, 40, ids...), o)
		require.EqualValues(t, 2, d.Counts.KeptBack, "%v", out.found)
		require.Zero(t, d.Counts.Moved)
		require.EqualValues(t, min(i, 2), d.Counts.Sent)
		o.Manifest, o.Misplaced = settled(t, o.Manifest, d), d.Misplaced
	}
}

// An id that is to be deleted is gone: what stands beside the other one now is what it was.
func TestAnIDBesideOneThatIsToBeDeleted(t *testing.T) {
	t.Parallel()
	deleting := func(source, id string) string {
		source = strings.Replace(source, "price\n", "price,delete\n", 1)
		source = strings.ReplaceAll(source, " USD\n", " USD,\n")
		at := strings.Index(source, "\n"+id+",")
		return source[:at] + strings.Replace(source[at:], " USD,\n", " USD,true\n", 1)
	}
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 8))}
	d, out := compared(t, deleting(shelf(0, 8, "P001", "P000"), "P000"), o)
	require.Equal(t, "delete P000, 6 unchanged, 1 held back, 1 asked", outcome(t, d, out, o), "%v", out.found)
}

// A chain of moves is as long as the file.
func TestALongChainOfMoves(t *testing.T) {
	t.Parallel()
	const rows = 50_000
	var ids []string
	for n := range rows {
		ids = append(ids, fmt.Sprintf("P%03d", n+1))
	}
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, rows))}
	d, _ := compared(t, shelf(0, rows, ids...), o)
	require.EqualValues(t, rows, d.Counts.Moved)
}

// All rows may be of something else at once: an address that moved, a text for a season.
func TestAllRowsSayThatTheyAreSomethingElse(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 20_000))}
	d, _ := compared(t, strings.ReplaceAll(shelf(0, 20_000), ".jpg", ".jpg?v=2"), o)
	require.Zero(t, d.Counts.Moved)
	require.EqualValues(t, 20_000, d.Counts.Sent)
}

// The chain of a move ends in a new product, or in a row that cannot be sent: what stands beside it moved as well.
func TestTheEndsOfAMove(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 9))}
	d, out := compared(t, shelf(0, 9, "P000", "P001", "P002", "P003", "P004", "P005", "P006", "NEW", "P007"), o)
	require.Equal(t, "7 unchanged, 2 held back", outcome(t, d, out, o))
	require.EqualValues(t, 1, d.Counts.Waiting)

	untitled := strings.Replace(shelf(0, 9, "P001", "P000"), "P000,Table 1", "P000,", 1)
	d, out = compared(t, untitled, o)
	require.Equal(t, "7 unchanged, 2 held back", outcome(t, d, out, o))
}

// A row that stands twice, and says the same, is that of its product. One that is beside a row in doubt may be.
func TestMovedRowsThatStandTwiceOrBesideOthers(t *testing.T) {
	t.Parallel()
	before := shelf(0, 9)
	swapped := shelf(0, 9, "P001", "P000")
	o := Options{Manifest: manifestAfter(t, Options{}, nil, before)}
	row := strings.TrimPrefix(shelf(1, 2, "P000"), heading)
	d, out := compared(t, strings.Replace(swapped, row, row+row, 1), o)
	require.Equal(t, "7 unchanged, 2 held back, 1 superseded", outcome(t, d, out, o))
	d, out = compared(t, strings.Replace(swapped, row, row+"Q,what P000 is,\n", 1), o)
	require.Zero(t, d.Counts.Sent, "%v", out.found)
}

// Stripe refused what somebody let go: it is no news in the next version.
func TestAMoveThatStripeRefused(t *testing.T) {
	t.Parallel()
	source := shelf(0, 9, "P001", "P000")
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 9))}
	d, _ := compared(t, source, o)
	o.Misplaced = d.Misplaced
	d, _ = compared(t, source, o)
	require.EqualValues(t, 2, d.Counts.Sent)
	o.Manifest, o.Misplaced = settled(t, o.Manifest, d, "P000", "P001"), d.Misplaced
	d, out := compared(t, source+strings.TrimPrefix(shelf(9, 10), heading), o)
	require.Equal(t, "send P009, 7 unchanged, 2 still refused", outcome(t, d, out, o))
}

// A list of changes names a row once.
func TestIDsThatMovedInAListOfChanges(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 40)), Changes: true}
	d, out := compared(t, shelf(0, 2, "P001", "P000"), o)
	require.Equal(t, "send P001 P000", outcome(t, d, out, o))
	var ids []string
	for n := range 20 {
		ids = append(ids, fmt.Sprintf("P%03d", 19-n))
	}
	d, _ = compared(t, shelf(0, 20, ids...), o)
	require.EqualValues(t, 20, d.Counts.Moved)
	d, _ = compared(t, shelf(20, 40, ids...), o)
	require.Zero(t, d.Counts.Moved, "what is not in the list is not gone")
}

// A person let it go, and nobody knows whether Stripe took it.
func TestAMoveThatWasSentIsSentOnceMore(t *testing.T) {
	t.Parallel()
	source := shelf(0, 40, "P001", "P000", "P003", "P002", "P005", "P004", "P007", "P006", "P009", "P008", "P011",
		"P010")
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 40))}
	d, _ := compared(t, source, o)
	require.EqualValues(t, 12, d.Counts.Moved)
	var err error
	o.Manifest, err = o.Manifest.Settle(d.Parts[0].Table, time0, func(id []byte) (RowVerdict, bool) {
		return RowVerdict{Unknown: true}, string(id) < "P004"
	})
	require.NoError(t, err)
	d, out := compared(t, source, o)
	require.Equal(t, "send P001 P000 P003 P002, 36 unchanged", outcome(t, d, out, o))
}

// Whatever order the ids of a source come in, no product gets what was another one's.
func TestNoOrderOfIDsMixesProducts(t *testing.T) {
	t.Parallel()
	const rows = 24
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, rows))}
	for seed := range uint64(200) {
		luck := rand.New(rand.NewPCG(seed, 0))
		ids := make([]string, rows)
		for i := range ids {
			ids[i] = fmt.Sprintf("P%03d", i)
		}
		for range 1 + luck.IntN(8) {
			i, j := luck.IntN(rows), luck.IntN(rows)
			ids[i], ids[j] = ids[j], ids[i]
		}
		d, _ := compared(t, shelf(0, rows, ids...), o)
		require.True(t, d.Counts.Moved > 0 || d.Counts.Sent == 0, "seed %d: %v", seed, ids)
		require.Zero(t, d.Counts.Deleted)
	}
}
