package feed

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// What becomes of a source, row by row, when Stripe has before.
func TestDecisions(t *testing.T) {
	t.Parallel()
	const deletions = sevenColumns + ",delete\n"
	asks := func(id string) string { return id + ",,,,,,,true\n" }
	keeps := func(id string) string { return strings.TrimSuffix(item(id, "1"), "\n") + ",\n" }
	abc := heading + item("A", "1") + item("B", "1") + item("C", "1")
	for _, c := range []struct {
		name          string
		before, after string
		o             Options
		want          string
		found         []string
	}{
		{name: "broken: too few fields", before: abc, after: heading + "A,x\n" + item("B", "1") + item("C", "1"),
			want: "2 unchanged, 1 held back", found: []string{"2 A too_few_fields"}},
		{name: "broken: too many fields", before: abc, after: heading + "A,,,,,,,,\n" + item("B", "1") + item("C", "1"),
			want: "2 unchanged, 1 held back", found: []string{"2 A too_many_fields"}},
		{name: "broken: not UTF-8", before: abc, after: heading + "A,\xfc,,,,,\n" + item("B", "1") + item("C", "1"),
			want: "2 unchanged, 1 held back", found: []string{"2 A not_utf8"}},
		{name: "broken: NUL", before: abc, after: heading + "A,\x00,,,,,\n" + item("B", "1") + item("C", "1"),
			want: "2 unchanged, 1 held back", found: []string{"2 A has_nul"}},
		{name: "broken: no id", before: abc,
			after: heading + item(" ", "1") + item("", "1") + item("B", "1") + item("C", "1"),
			want:  "2 unchanged, 2 held back", found: []string{"2  empty_id", "3  empty_id"}},
		{name: "broken rows are never sent", after: heading + "A,x\n", o: Options{SendInvalid: true},
			want: "1 held back", found: []string{"2 A too_few_fields"}},
		{name: "invalid", before: abc, after: heading + unsound("A") + item("B", "2") + unsound("D") + item("C", "1"),
			want: "send B, 1 unchanged, 2 held back", found: []string{"2 A missing title", "4 D missing title"}},
		{name: "invalid, but to be sent", before: abc, after: heading + unsound("A") + item("B", "1") + item("C", "1"),
			o:    Options{SendInvalid: true},
			want: "send A, 2 unchanged", found: []string{"2 A missing title"}},
		{name: "invalid and sent before", before: heading + unsound("A"), after: heading + unsound("A"),
			o:    Options{SendInvalid: true},
			want: "1 unchanged", found: []string{"2 A missing title"}},

		{name: "the first time", after: abc, want: "send A B C"},
		{name: "nothing new", before: abc, after: abc, want: "3 unchanged"},
		{name: "new, changed, unchanged, vanished", before: abc,
			after: heading + item("A", "1") + item("C", "2") + item("D", "3"),
			want:  "send C D, delete B, 1 unchanged"},
		{name: "in another order", before: abc, after: heading + item("C", "1") + item("A", "1") + item("B", "1"),
			want: "3 unchanged"},
		{name: "every row", before: abc, after: heading + item("A", "1") + item("B", "2"), o: Options{Full: true},
			want: "send A B, delete C"},
		{name: "a header and no row", before: abc, after: heading, want: "delete A B C"},
		{name: "not even a header", before: abc, want: "delete A B C"},
		{name: "nothing but line ends and a byte order mark", before: abc, after: "\xef\xbb\xbf\r\n\n",
			want: "delete A B C"},

		{name: "asks for deletion", before: abc, after: deletions + keeps("A") + asks("B") + asks("X") + keeps("C"),
			want: "delete B, 2 unchanged, 2 asked"},
		{name: "asks again", before: deletions + keeps("A"), after: deletions + keeps("A") + asks("B"),
			want: "1 unchanged, 1 asked"},
		{name: "nothing but deletions", before: abc, after: "id,delete\nB,true\nC,\n",
			want: "delete A B, 1 held back, 1 asked",
			found: []string{"3 C missing title", "3 C missing description", "3 C missing link",
				"3 C missing image_link", "3 C missing availability", "3 C missing price"}},

		{name: "another column, empty", before: abc,
			after: sevenColumns + ",brand\n" + keeps("A") + keeps("B") + keeps("C"),
			want:  "3 unchanged",
			found: []string{"2 A maybe_missing brand", "3 B maybe_missing brand", "4 C maybe_missing brand"}},
		{name: "an empty delete column", before: abc, after: deletions + keeps("A") + keeps("B") + keeps("C"),
			want: "3 unchanged"},
		{name: "an unknown column, empty", before: abc, after: sevenColumns + ",shelf\n" + keeps("A"),
			want: "delete B C, 1 unchanged"},
		{name: "an unknown column that Stripe does not get", before: abc, after: sevenColumns + ",shelf\n" + keeps("A"),
			o:    Options{DropUnknown: true},
			want: "delete B C, 1 unchanged"},
		{name: "columns in another order", before: abc,
			after: "price,title,description,link,image_link,availability,id\n1.00 USD,Oak table,Solid oak.,https://example.com/t,https://example.com/t.jpg,in_stock,A\n",
			want:  "delete B C, 1 unchanged"},
		{name: "quotes", before: abc,
			after: heading + strings.ReplaceAll(item("A", "1"), "Oak table", `"Oak table"`) +
				strings.ReplaceAll(item("B", "1"), "Oak", `"Oak"`) + item("C", "1"),
			want: "2 unchanged, 1 held back", found: []string{"3 B broken_quotes title"}},
		{name: "line ends and a byte order mark", before: abc,
			after: "\xef\xbb\xbf" + strings.ReplaceAll(abc, "\n", "\r\n"), want: "3 unchanged"},
		{name: "no last line end", before: abc, after: strings.TrimSuffix(abc, "\n"), want: "3 unchanged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Manifest = manifestAfter(t, c.o, nil, c.before)
			d, out := compared(t, c.after, c.o)
			require.Equal(t, c.want, outcome(t, d, out, c.o))
			require.Equal(t, c.found, out.found)
			require.Equal(t, 1, d.Passes)
			require.EqualValues(t, len(c.after), d.Bytes)
		})
	}
}

// Rows of one id that say different things are none of them to be believed: the product stays as it is, and since one
// of the rows may be another product's, nothing is deleted.
func TestRowsOfOneIDThatContradictEachOther(t *testing.T) {
	t.Parallel()
	const deletions = sevenColumns + ",delete\n"
	keeps := func(row string) string { return strings.TrimSuffix(row, "\n") + ",\n" }
	rows := map[string]string{
		"staged": keeps(item("A", "2")), "unchanged": keeps(item("A", "1")), "held back": keeps(unsound("A")),
		"asks": "A,,,,,,,true\n", "broken": "A,\n",
	}
	again := map[string]string{
		"staged": "send A, 1 unchanged, 1 superseded", "unchanged": "2 unchanged, 1 superseded",
		"held back": "1 unchanged, 1 held back, 1 superseded",
		"asks":      "delete A, 1 unchanged, 1 superseded, 1 asked", "broken": "1 unchanged, 1 held back, 1 superseded",
	}
	for earlier, first := range rows {
		for later, second := range rows {
			t.Run(earlier+", then "+later, func(t *testing.T) {
				t.Parallel()
				manifest := manifestAfter(t, Options{}, nil,
					deletions+keeps(item("A", "1"))+keeps(item("B", "1"))+keeps(item("C", "1")))
				d, out := compared(t, deletions+first+keeps(item("B", "1"))+second, Options{Manifest: manifest})
				require.Equal(t, 2, d.Passes)
				same := earlier == later && (earlier == "staged" || earlier == "unchanged" || earlier == "asks")
				if same {
					want := strings.Replace(again[later], "delete A", "delete A C", 1)
					if want == again[later] {
						want = strings.Replace("delete C, "+want, "delete C, send A, ", "send A, delete C, ", 1)
					}
					require.Equal(t, want, outcome(t, d, out, Options{}))
					require.Equal(t, []string{"2 A repeated_row id"}, out.found)
					return
				}
				require.Equal(t, "1 unchanged, 1 held back, 1 superseded", outcome(t, d, out, Options{}))
				require.Equal(t, "2 A duplicate_id id", out.found[0], "once, and nothing of the first pass")
				require.EqualValues(t, 1, d.Counts.Duplicates)
				require.EqualValues(t, 1, d.Reading.Waiting, "C is not deleted: one of the rows may be its own")
			})
		}
	}
	t.Run("three times, new", func(t *testing.T) {
		t.Parallel()
		d, out := compared(t, heading+item("X", "1")+item("X", "2")+item("Y", "1")+item("X", "3"),
			Options{Manifest: NewManifest(Product)})
		require.Equal(t, "send Y, 1 held back, 2 superseded", outcome(t, d, out, Options{}))
		require.Equal(t, []string{"2 X duplicate_id id", "3 X duplicate_id id", "5 X duplicate_id id"}, out.found)
		require.True(t, out.opened[0].aborted, "what the first pass wrote is given up")
	})
	t.Run("in a list of changes the last one counts", func(t *testing.T) {
		t.Parallel()
		manifest := manifestAfter(t, Options{}, nil, heading+item("X", "1")+item("Y", "1"))
		d, out := compared(t, heading+item("X", "2")+item("X", "3"), Options{Manifest: manifest, Changes: true})
		require.Equal(t, "send X, 1 superseded", outcome(t, d, out, Options{}))
		require.Equal(t, "3.00 USD",
			rowsOfPart(t, out.parts[0].Bytes(), Options{Kind: Product, Format: lines.CSV})[0].values["price"])
	})
}

func TestRefusedRows(t *testing.T) {
	t.Parallel()
	ab := heading + item("A", "1") + item("B", "1")
	a2 := heading + item("A", "2") + item("B", "1")
	// after is the manifest when Stripe took ab, and refused what became of A.
	after := func(t *testing.T, source string) *Manifest {
		m := manifestAfter(t, Options{}, nil, ab)
		return settled(t, m, first(compared(t, source, Options{Manifest: m})), "A")
	}
	refusedNew := func(t *testing.T) *Manifest { return manifestAfter(t, Options{}, []string{"A"}, ab) }
	refusedChange := func(t *testing.T) *Manifest { return after(t, a2) }
	refusedTombstone := func(t *testing.T) *Manifest { return after(t, heading+item("B", "1")) }
	for _, c := range []struct {
		name   string
		m      func(*testing.T) *Manifest
		source string
		o      Options
		want   string
		found  []string
	}{
		{"as it was", refusedNew, ab, Options{}, "1 unchanged, 1 still refused",
			[]string{"2 A refused_by_stripe title no"}},
		{"as it was, every row", refusedNew, ab, Options{Full: true}, "send A B", nil},
		{"changed", refusedNew, a2, Options{}, "send A, 1 unchanged", nil},
		{"gone", refusedNew, heading + item("B", "1"), Options{}, "1 unchanged, forget A", nil},
		{"asks for deletion", refusedNew, sevenColumns + ",delete\nA,,,,,,,true\n" + "B,\n", Options{},
			"1 held back, 1 asked", []string{"3 B too_few_fields"}},
		{"held back", refusedNew, heading + unsound("A") + item("B", "1"), Options{}, "1 unchanged, 1 held back",
			[]string{"2 A missing title"}},
		{"twice", refusedNew, ab + item("A", "1"), Options{}, "1 unchanged, 1 still refused, 1 superseded",
			[]string{"2 A repeated_row id", "4 A refused_by_stripe title no"}},
		{"a change as it was", refusedChange, a2, Options{}, "1 unchanged, 1 still refused",
			[]string{"2 A refused_by_stripe title no"}},
		{"a change taken back", refusedChange, ab, Options{}, "2 unchanged", nil},
		{"a change gone", refusedChange, heading + item("B", "1"), Options{}, "delete A, 1 unchanged", nil},
		{"tombstone", refusedTombstone, heading + item("B", "1"), Options{}, "delete A, 1 unchanged", nil},
		{"tombstone, too early", refusedTombstone, heading + item("B", "1"), Options{WaitUnknown: true},
			"1 unchanged, 1 not deleted", []string{"0 A deletion_refused title no"}},
		{"tombstone, every row", refusedTombstone, heading + item("B", "1"), Options{Full: true}, "send B, delete A",
			nil},
		{"tombstone of a row that is back", refusedTombstone, ab, Options{}, "2 unchanged", nil},
		{"tombstone of a row that is back and changed", refusedTombstone, a2, Options{}, "send A, 1 unchanged", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Manifest = c.m(t)
			d, out := compared(t, c.source, c.o)
			require.Equal(t, c.want, outcome(t, d, out, c.o))
			require.Equal(t, c.found, out.found)
		})
	}
}

func first(d Delta, _ *recorder) Delta { return d }

// Of a row that is unknown Stripe may have the version that was sent, the one before, or none: it is sent again, as
// soon as it changes at once, and deleted when it vanishes.
func TestUnknownRows(t *testing.T) {
	t.Parallel()
	ab := heading + item("A", "1") + item("B", "1")
	b := heading + item("B", "1")
	all := func(m *Manifest, d Delta, unknown string) *Manifest {
		after, err := m.Settle(d.Parts[0].Table, time0,
			func(id []byte) (RowVerdict, bool) { return RowVerdict{Unknown: true}, string(id) == unknown })
		require.NoError(t, err)
		after, err = ParseManifest(Product, encoded(t, after))
		require.NoError(t, err)
		return after
	}
	// A manifest is not for two goroutines: each case has its own.
	before := func() *Manifest { return manifestAfter(t, Options{}, nil, ab) }
	added := func() *Manifest {
		return all(NewManifest(Product), first(compared(t, ab, Options{Manifest: NewManifest(Product)})), "A")
	}
	changed := func() *Manifest {
		return all(before(), first(compared(t, heading+item("A", "2")+item("B", "1"), Options{Manifest: before()})),
			"A")
	}
	deleted := func() *Manifest { return all(before(), first(compared(t, b, Options{Manifest: before()})), "A") }
	wait := Options{WaitUnknown: true}
	for _, c := range []struct {
		name   string
		m      func() *Manifest
		source string
		o      Options
		want   string
	}{
		{"new", added, ab, Options{}, "send A, 1 unchanged"},
		{"new, too early", added, ab, wait, "1 unchanged, 1 unsettled"},
		{"new, too early, every row", added, ab, Options{WaitUnknown: true, Full: true}, "send A B"},
		{"new, too early but changed", added, heading + item("A", "3") + item("B", "1"), wait, "send A, 1 unchanged"},
		{"new, and gone", added, b, wait, "delete A, 1 unchanged"},
		{"new, and gone from changes", added, b, Options{Changes: true}, "1 unchanged"},
		{"new, asks for deletion", added, sevenColumns + ",delete\nA,,,,,,,true\n", wait, "delete A B, 1 asked"},
		{"changed", changed, heading + item("A", "2") + item("B", "1"), wait, "1 unchanged, 1 unsettled"},
		{"changed, and taken back", changed, ab, wait, "send A, 1 unchanged"},
		{"changed, and gone", changed, b, wait, "delete A, 1 unchanged"},
		{"deleted", deleted, b, Options{}, "delete A, 1 unchanged"},
		{"deleted, too early", deleted, b, wait, "1 unchanged, 1 not deleted"},
		{"deleted, and gone from changes", deleted, b, Options{Changes: true}, "delete A, 1 unchanged"},
		{"deleted, and back", deleted, ab, wait, "send A, 1 unchanged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Manifest = c.m()
			d, out := compared(t, c.source, c.o)
			if c.name == "new, asks for deletion" {
				require.ElementsMatch(t, strings.Fields("delete A B, 1 asked"),
					strings.Fields(strings.Replace(outcome(t, d, out, c.o), "B A,", "A B,", 1)))
				return
			}
			require.Equal(t, c.want, outcome(t, d, out, c.o))
			require.Empty(t, out.found)
		})
	}
}

// Refusals tell of unknown rows what they can.
func TestUnknownRowsThatAreRefused(t *testing.T) {
	t.Parallel()
	row := func(fingerprint uint64) *Table { return tableOf(t, Entry{ID: []byte("A"), Fingerprint: fingerprint}) }
	judge := func(m *Manifest, fingerprint uint64, at time.Time, v RowVerdict) *Manifest {
		after, err := m.Settle(row(fingerprint), at, func([]byte) (RowVerdict, bool) { return v, true })
		require.NoError(t, err)
		return after
	}
	no, unknown := RowVerdict{Reason: "no"}, RowVerdict{Unknown: true}
	m := judge(NewManifest(Product), 7, time0, unknown)
	require.Zero(t, judge(m, 7, time0, no).Unknown.Len(), "Stripe refuses just that")
	require.Equal(t, 1, judge(m, 8, time0, no).Unknown.Len(), "Stripe may have the one before")
	m = judge(m, Tombstone, time0, no)
	require.Equal(t, 1, m.Unknown.Len(), "it may be there, and cannot be deleted")
	require.Equal(t, 1, judge(m, Tombstone, time0.Add(refusedFor-time.Second), no).Unknown.Len())
	m = judge(m, Tombstone, time0.Add(refusedFor), no)
	require.Zero(t, m.Unknown.Len()+m.Refused(), "it was never there")
}

// Whether a product is to go is not guessed.
func TestRowsThatContradictADeletion(t *testing.T) {
	t.Parallel()
	row := func(id, asks string) string { return strings.TrimSuffix(item(id, "1"), "\n") + "," + asks + "\n" }
	o := Options{Manifest: manifestAfter(t, Options{}, nil, sevenColumns+",delete\n"+row("A", "")+row("B", ""))}
	for _, source := range []string{row("A", "true") + row("A", ""), row("A", "") + row("A", "true"),
		row("A", "") + row("A", "true") + row("A", "true")} {
		d, out := compared(t, sevenColumns+",delete\n"+row("B", "")+source, o)
		require.Contains(t, outcome(t, d, out, o), "1 unchanged, 1 held back")
		require.Empty(t, d.Parts)
		require.Contains(t, out.found[len(out.found)-1], "A deletion_contradicted id")
	}
	o.Changes = true // a list of what happened, of which the last counts
	d, out := compared(t, sevenColumns+",delete\n"+row("A", "")+row("A", "true"), o)
	require.Equal(t, "delete A, 1 superseded, 1 asked", outcome(t, d, out, o))
	d, out = compared(t, sevenColumns+",delete\n"+row("0A", "true"), o)
	require.Equal(t, "1 asked", outcome(t, d, out, o))
	require.Equal(t, []string{"2 0A nothing_to_delete id"}, out.found, "whoever believes that A is off sale is told")
}

func TestWhatNobodyKnowsIsSentAndNotDeleted(t *testing.T) {
	t.Parallel()
	d, out := compared(t, sevenColumns+",delete\n"+strings.TrimSuffix(item("A", "1"), "\n")+",\nB,,,,,,,true\n",
		Options{})
	require.Equal(t, "send A, delete B, 1 asked", outcome(t, d, out, Options{}))
	require.EqualValues(t, 3, d.Parts[0].Table.Entry(1).Line)
	require.Zero(t, d.Known)
	d, out = compared(t, "", Options{})
	require.Empty(t, outcome(t, d, out, Options{}))
	require.Empty(t, d.Header.Columns)
}

// A compressed file of no bytes is as empty as any other.
func TestEmptyCompressedFiles(t *testing.T) {
	t.Parallel()
	var empty bytes.Buffer
	require.NoError(t, gzip.NewWriter(&empty).Close())
	o := Options{Gzipped: true, Manifest: manifestAfter(t, Options{}, nil, heading+item("A", "1"))}
	for _, source := range []string{"", empty.String()} {
		d, out := compared(t, source, o)
		require.Equal(t, "delete A", outcome(t, d, out, o))
		require.Zero(t, d.Bytes)
	}
}

// An id is the same id whether or not the rest of its row can be read.
func TestABrokenRowKeepsItsProductInAnyDialect(t *testing.T) {
	t.Parallel()
	o := Options{Dialect: GoogleDialect}
	o.Manifest = manifestAfter(t, o, nil, heading+item(" A ", "1")+item("B", "1"))
	d, out := compared(t, heading+" A ,x\n"+item("B ", "1"), o)
	require.Equal(t, "1 unchanged, 1 held back", outcome(t, d, out, o))
	require.Equal(t, []string{"2 A too_few_fields"}, out.found)
}

// A product that somebody asks to delete in a row that is kept back stays, like any other of which a row is kept back.
func TestADeletionThatIsKeptBackDeletesNothing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 101)
	accepted := Options{SendInvalid: true}
	accepted.Manifest = manifestAfter(t, accepted, nil, heading+item(long, "1"))
	source := sevenColumns + ",delete\n" + long + ",,,,,,,true\n"
	for o, want := range map[*Options]string{
		{Manifest: accepted.Manifest}: "1 held back", &accepted: "delete " + long + ", 1 asked",
	} {
		d, out := compared(t, source, *o)
		require.Equal(t, want, outcome(t, d, out, *o))
		require.Equal(t, []string{"2 " + long + " too_long id"}, out.found)
	}
}

// A row that is kept back for the doubt beside it is told so at the second reading too, and not as one that is deleted.
func TestDoubtBesideARowIsToldAtTheSecondReading(t *testing.T) {
	t.Parallel()
	stray := heading + item("P001", "1") + strings.Replace(item("P002", "1"), "Oak", `Oak "x`, 1) + item("P003", "1")
	want := []string{"2 P001 beside_doubt id", "3 P002 broken_quotes title"}
	_, out := compared(t, stray, Options{})
	require.Equal(t, want, out.found)
	d, out := compared(t, stray+item("P003", "1"), Options{})
	require.Equal(t, 2, d.Passes)
	require.Equal(t, append(want, "4 P003 repeated_row id"), out.found)
}
