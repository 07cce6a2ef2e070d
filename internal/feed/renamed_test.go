package feed

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Where the name of a column was hit, every row with a value in it seems to have changed, and a product that got
// another id at the same time cannot be told from one that is new. It waits, for one version.
func TestAProductThatGotAnotherIDWaitsBehindAHeaderThatWasHit(t *testing.T) {
	t.Parallel()
	file := func(header, ids string) string {
		text := sevenColumns + "," + header + "\n"
		for id := range strings.FieldsSeq(ids) {
			text += strings.TrimSuffix(item(id, "1"), "\n") + ",red\n"
		}
		return text
	}
	o := Options{Manifest: manifestAfter(t, Options{}, nil, file("color", "A1 B1 C1"))}
	hit := file("colxr", "A1 B1 C2")
	d, out := compared(t, hit, o)
	require.Equal(t, "send A1 B1 C2", outcome(t, d, out, o))
	require.EqualValues(t, 1, d.Reading.Waiting)
	o.Manifest = settled(t, o.Manifest, d)
	d, out = compared(t, hit, o)
	require.Equal(t, "delete C1, 3 unchanged", outcome(t, d, out, o))

	// A column that Stripe does not document, and that was there before, delays nothing.
	o.Manifest = manifestAfter(t, Options{}, nil, file("shelf", "A1 B1 C1"))
	changed := strings.NewReplacer("A1,Oak", "A1,Fir", "D1,Oak", "D1,Elm").Replace(file("shelf", "A1 B1 D1"))
	d, out = compared(t, changed, o)
	require.Equal(t, "send A1 D1, delete C1, 1 unchanged", outcome(t, d, out, o))

	// One that says something else in each row of each version, as a date of the export does, delays it once.
	anew := strings.ReplaceAll(file("shelf", "A1 B1 D1"), "red", "green")
	d, out = compared(t, anew, o)
	require.Equal(t, "send A1 B1 D1", outcome(t, d, out, o))
	require.Equal(t, []string{"C1"}, d.Delayed)
	o.Manifest, o.Delayed = settled(t, o.Manifest, d), d.Delayed
	d, out = compared(t, strings.ReplaceAll(file("shelf", "A1 D1 E1"), "red", "blue"), o)
	require.Equal(t, "send A1 D1 E1, delete C1", outcome(t, d, out, o), "the next version decides")
	require.Equal(t, []string{"B1"}, d.Delayed)
}

// A product that got another id waits, whatever became of its price and its stock meanwhile. A face that several have
// tells none of them.
func TestAProductThatGotAnotherIDAndAnotherPriceWaits(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 8))}
	hit := strings.NewReplacer("P003", "P0O3", "13.00", "12.00", "in_stock", "out_of_stock").Replace(shelf(0, 8))
	d, out := compared(t, hit, o)
	require.Equal(t, "send P000 P001 P002 P0O3 P004 P005 P006 P007", outcome(t, d, out, o))
	require.Contains(t, out.found, "5 P0O3 renamed id")
	o.Manifest = settled(t, o.Manifest, d)
	d, out = compared(t, hit, o)
	require.Equal(t, "delete P003, 8 unchanged", outcome(t, d, out, o), "who still has it means it")

	sizes := heading + item("S", "1") + item("M", "2") + item("L", "3")
	o.Manifest = manifestAfter(t, Options{}, nil, sizes)
	d, out = compared(t, heading+item("S", "1")+item("M", "2")+item("XL", "4"), o)
	require.Equal(t, "send XL, delete L, 2 unchanged", outcome(t, d, out, o))
}

// A manifest of an earlier release knows no faces: what says all else as before is told by its fingerprint. A full send
// brings the faces.
func TestAProductThatGotAnotherIDIsToldWithoutFaces(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 8))}
	o.Manifest.Rows.faces = nil
	d, out := compared(t, strings.Replace(shelf(0, 8), "P003", "P0O3", 1), o)
	require.Equal(t, "send P0O3, 7 unchanged", outcome(t, d, out, o))
	require.Contains(t, out.found, "5 P0O3 renamed id")
	known, err := ParseManifest(Product, encoded(t, settled(t, o.Manifest, d)))
	require.NoError(t, err)
	fresh, is := known.Rows.Find([]byte("P0O3"), 0)
	require.True(t, is)
	require.NotZero(t, known.Rows.face(fresh))
	require.Zero(t, known.Rows.face(0))

	full := o
	full.Full = true
	d, _ = compared(t, shelf(0, 8), full)
	known = settled(t, o.Manifest, d)
	for i := range known.Rows.Len() {
		require.NotZero(t, known.Rows.face(i), "%s", known.Rows.id(i))
	}
}

// A row that cannot be sent may be the product of before as well.
func TestAProductWhoseIDWasHitInARowThatIsKeptBack(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 8))}
	for _, hit := range []*strings.Replacer{
		strings.NewReplacer("P003", "#003"), strings.NewReplacer("P003", "//03"),
		strings.NewReplacer("P003", "PQ03", "13.00 USD", "13.00 US"),
		strings.NewReplacer("P003", "PQ03", "3.jpg,in_stock", "3.jpg,instock"),
		strings.NewReplacer("P003,Table 3,Oak.", "PQ03,Table 3,"),
	} {
		for _, o.SendInvalid = range []bool{false, true} {
			d, out := compared(t, hit.Replace(shelf(0, 8)), o)
			require.Zero(t, d.Counts.Deleted, "%v", out.found)
			require.EqualValues(t, 1, d.Counts.Waiting, "%v", out.found)
		}
	}
}

// A product waits for one version: not for less where that is compared again, and not for more, whatever comes next.
func TestAProductThatGotAnotherIDWaitsForOneVersion(t *testing.T) {
	t.Parallel()
	before := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 8))}
	as := func(id string) string { return strings.Replace(shelf(0, 8), "P003", id, 1) }
	next := func(o Options, d Delta) Options {
		return Options{Manifest: settled(t, o.Manifest, d), Delayed: d.Delayed}
	}

	d, _ := compared(t, as("A"), before)
	require.Equal(t, []string{"P003"}, d.Delayed)
	again := Options{Manifest: settled(t, before.Manifest, d), Waiting: d.Delayed}
	for _, again.Full = range []bool{false, true} {
		d, out := compared(t, as("A"), again)
		require.Zero(t, d.Counts.Deleted, "the same version: %v", out.found)
		require.Equal(t, []string{"P003"}, d.Delayed)
	}

	o := next(before, d)
	for _, id := range []string{"B", "C", "D"} {
		d, _ := compared(t, as(id), o)
		require.EqualValues(t, 1, d.Counts.Waiting, "it has another id each time: %s", id)
		require.EqualValues(t, 1, d.Counts.Deleted, id)
		o = next(o, d)
	}

	d, _ = compared(t, as("A"), Options{Manifest: before.Manifest, Delayed: d.Delayed})
	require.EqualValues(t, 1, d.Counts.Deleted, "the new row does not have to get to Stripe")

	o = Options{Manifest: before.Manifest, Delayed: []string{"P003"}}
	d, _ = compared(t, as("A")+"\xff\n", o)
	require.EqualValues(t, 1, d.Counts.Waiting)
	require.Equal(t, []string{"P003"}, d.Delayed, "it is remembered while something else is in doubt")
	d, _ = compared(t, as("A"), next(o, d))
	require.EqualValues(t, 1, d.Counts.Deleted)
}

// Those that had their version are gone: they are not counted with others, and what is to be deleted does not wait
// again.
func TestAProductThatHadItsVersionIsGone(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 30))}
	var before []string
	hit := shelf(0, 30)
	for n := range few {
		id := fmt.Sprintf("P%03d", n)
		hit = strings.Replace(hit, fmt.Sprintf("%s,Table %d,Oak.", id, n), fmt.Sprintf("PQ%02d,Table %d,", n, n), 1)
		before = append(before, id)
	}
	d, out := compared(t, hit, o)
	require.Equal(t, before, d.Delayed, "%v", out.found)
	o.Delayed = d.Delayed
	d, out = compared(t, strings.Replace(hit, "P020", "ZZ20", 1), o)
	require.Equal(t, []string{"P020"}, d.Delayed, "%v", out.found)
	require.EqualValues(t, few, d.Counts.Deleted)

	d, _ = compared(t, strings.Replace(shelf(0, 8), "P003", "A", 1),
		Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 8))})
	refused := settled(t, manifestAfter(t, Options{}, nil, shelf(0, 8)), d)
	o = Options{Manifest: refused, Delayed: d.Delayed}
	d, _ = compared(t, strings.Replace(shelf(0, 8), "P003", "A", 1), o)
	o = Options{Manifest: settled(t, refused, d, "P003")}
	d, _ = compared(t, strings.Replace(shelf(0, 8), "P003", "B", 1), o)
	require.Equal(t, []string{"A"}, d.Delayed)
}

// Of sizes that only their ids tell nobody can say which is which: it is said once.
func TestSeveralProductsThatMayBeOneRow(t *testing.T) {
	t.Parallel()
	sizes := func(ids string) (source string) {
		source = heading
		for id := range strings.FieldsSeq(ids) {
			source += item(id, "1")
		}
		return source
	}
	o := Options{Manifest: manifestAfter(t, Options{}, nil, sizes("S M L"))}
	d, out := compared(t, sizes("38"), o)
	require.Equal(t, []string{"2 38 renamed id"}, out.found)
	require.EqualValues(t, 3, d.Counts.Waiting)
}

// Nobody knows whether Stripe took a row: its product is kept as well where only its id was hit.
func TestAProductThatIsUnknownAndGotAnotherIDWaits(t *testing.T) {
	t.Parallel()
	unknown := func(o Options, source string) *Manifest {
		d, _ := compared(t, source, o)
		after, err := o.Manifest.Settle(d.Parts[0].Table, time0, func(id []byte) (RowVerdict, bool) {
			return RowVerdict{Unknown: true}, string(id) == "P003"
		})
		require.NoError(t, err)
		return after
	}
	all := Options{Manifest: manifestAfter(t, Options{}, nil, shelf(0, 8))}
	retitled := strings.Replace(shelf(0, 8), "P003,Table 3", "P003,Desk", 1)
	for name, c := range map[string]struct {
		manifest *Manifest
		source   string
	}{
		"it is new":      {unknown(Options{Manifest: NewManifest(Product)}, shelf(0, 8)), shelf(0, 8)},
		"it was changed": {unknown(all, retitled), retitled},
	} {
		for _, wait := range []bool{false, true} {
			o := Options{Manifest: c.manifest, WaitUnknown: wait}
			d, out := compared(t, strings.Replace(c.source, "P003", "PQ03", 1), o)
			require.Zero(t, d.Counts.Deleted, "%s: %v", name, out.found)
			require.Equal(t, []string{"P003"}, d.Delayed, name)
		}
	}
}
