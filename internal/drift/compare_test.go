package drift

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

var (
	columns = []string{"id", "title", "description", "link", "image_link", "availability", "price", "sale_price",
		"sale_price_effective_date", "color", "shipping"}
	at = time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
)

// shop is a catalog: rows by id, and their cells by column.
type shop map[string]map[string]string

func product(id string) map[string]string {
	return map[string]string{
		"id": id, "title": "Lamp " + id, "description": "A lamp", "link": "https://shop.example/" + id,
		"image_link": "https://shop.example/" + id + ".jpg", "availability": "in_stock", "price": "15.00 USD",
		"shipping": "US:ALL:Standard:3-5:5.00 USD",
	}
}

func shopOf(ids ...string) shop {
	s := shop{}
	for _, id := range ids {
		s[id] = product(id)
	}
	return s
}

func (s shop) with(id, column, value string) shop {
	changed := shop{}
	for id, row := range s {
		changed[id] = maps.Clone(row)
	}
	changed[id][column] = value
	return changed
}

func (s shop) without(id string) shop {
	changed := maps.Clone(s)
	delete(changed, id)
	return changed
}

func (s shop) plus(ids ...string) shop {
	changed := maps.Clone(s)
	maps.Copy(changed, shopOf(ids...))
	return changed
}

func (s shop) csv(columns []string, ids []string) string {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(columns) // a buffer never fails
	for _, id := range ids {
		var cells []string
		for _, column := range columns {
			cells = append(cells, s[id][column])
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return out.String()
}

func (s shop) ids() []string { return slices.Sorted(maps.Keys(s)) }

// report is what Stripe would report: columns by name, rows in no order.
func (s shop) report() string {
	ids := s.ids()
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return s.csv(slices.Sorted(slices.Values(columns)), ids)
}

func read(t require.TestingT, file string, s *Source, o feed.Options) feed.Delta {
	o.Kind, o.Format, o.Full = feed.Product, lines.CSV, true
	delta, err := feed.Compare(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(file)), nil }, o,
		s)
	require.NoError(t, err)
	require.NoError(t, s.End(delta.Parts))
	return delta
}

func (s shop) source(t require.TestingT, without ...string) *Source {
	source := NewSource(lines.CSV, without)
	read(t, s.csv(columns, s.ids()), source, feed.Options{})
	return source
}

// manifest is what Vitrine knows after Stripe took the catalog.
func (s shop) manifest(t require.TestingT) *feed.Manifest {
	m := feed.NewManifest(feed.Product)
	for _, part := range read(t, s.csv(columns, s.ids()), NewSource(lines.CSV, nil), feed.Options{}).Parts {
		var err error
		m, err = m.Settle(part.Table, at, func([]byte) (feed.RowVerdict, bool) { return feed.RowVerdict{}, false })
		require.NoError(t, err)
	}
	return m
}

func ids(t *feed.Table) []string {
	found := []string{}
	for i := range t.Len() {
		found = append(found, string(t.Entry(i).ID))
	}
	slices.Sort(found)
	return found
}

func many(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("SKU%04d", i))
	}
	return ids
}

func TestDriftIsTold(t *testing.T) {
	abc := shopOf("A", "B", "C")
	sale := abc.with("A", "sale_price", "2.00 USD").with("A", "sale_price_effective_date", "2026-01-01/2026-02-01")
	for name, c := range map[string]struct {
		stripe  shop
		source  shop // nil: abc
		before  shop // nil: abc
		now     shop // nil: abc
		without []string
		again   []string
		foreign []string
		result  Result
	}{
		"none": {stripe: abc, result: Result{Compared: 3, Values: 3}},
		"missing": {
			stripe: abc.without("B"), again: []string{"B"},
			result: Result{Compared: 3, Values: 2, Missing: 1, Examples: []Example{{Kind: Missing, ID: "B"}}},
		},
		"everything is missing": {
			stripe: shop{}, again: []string{"A", "B", "C"},
			result: Result{Compared: 3, Missing: 3,
				Examples: []Example{{Kind: Missing, ID: "A"}, {Kind: Missing, ID: "B"}, {Kind: Missing, ID: "C"}}},
		},
		"foreign": {
			stripe: abc.plus("X"), foreign: []string{"X"},
			result: Result{Compared: 3, Values: 3, Foreign: 1, Examples: []Example{{Kind: Foreign, ID: "X"}}},
		},
		"another price": {
			stripe: abc.with("B", "price", "1.00 USD"), again: []string{"B"},
			result: Result{Compared: 3, Values: 3, Different: 1, Columns: map[string]int64{"price": 1},
				Examples: []Example{{Kind: Different, ID: "B", Column: "price", Has: "1.00 USD"}}},
		},
		"another currency": {
			stripe: abc.with("B", "price", "15.00 EUR"), again: []string{"B"},
			result: Result{Compared: 3, Values: 3, Different: 1, Columns: map[string]int64{"price": 1},
				Examples: []Example{{Kind: Different, ID: "B", Column: "price", Has: "15.00 EUR"}}},
		},
		"a sale that nobody made": {
			stripe: abc.with("B", "sale_price", "1.00 USD"), again: []string{"B"},
			result: Result{Compared: 3, Values: 3, Different: 1, Columns: map[string]int64{"sale_price": 1},
				Examples: []Example{{Kind: Different, ID: "B", Column: "sale_price", Has: "1.00 USD"}}},
		},
		"two columns of one": {
			stripe: abc.with("B", "title", "Gone").with("B", "availability", "out_of_stock"), again: []string{"B"},
			result: Result{
				Compared: 3, Values: 3, Different: 1, Columns: map[string]int64{"availability": 1, "title": 1},
				Examples: []Example{{Kind: Different, ID: "B", Column: "availability", Has: "out_of_stock"},
					{Kind: Different, ID: "B", Column: "title", Has: "Gone"}},
			},
		},
		"a column that is not compared": {stripe: abc.with("B", "color", "red"),
			result: Result{Compared: 3, Values: 3}},
		"a way of writing": {
			stripe: abc.with("A", "price", "15 usd").with("B", "title", " Lamp  B ").with("C", "availability",
				"In Stock"),
			result: Result{Compared: 3, Values: 3},
		},
		"set by another feed": {
			stripe:  abc.with("A", "availability", "out_of_stock").with("B", "price", "2.00 USD"),
			without: slices.Concat(SetByFeed(feed.Inventory), SetByFeed(feed.Pricing)),
			result:  Result{Compared: 3, Values: 3},
		},
		"sent since": {
			stripe: abc, now: abc.with("B", "price", "2.00 USD"), source: abc.with("B", "price", "2.00 USD"),
			result: Result{Compared: 2, Values: 2, InFlux: 1},
		},
		"added since": {stripe: abc, now: abc.plus("D"), source: abc.plus("D"),
			result: Result{Compared: 3, Values: 3, InFlux: 1}},
		"added since, and reported": {
			stripe: abc.plus("D"), now: abc.plus("D"), source: abc.plus("D"),
			result: Result{Compared: 3, Values: 3, InFlux: 1},
		},
		"deleted since": {stripe: abc, now: abc.without("C"), source: abc.without("C"),
			result: Result{Compared: 2, Values: 2, InFlux: 1}},
		"about to be sent": {stripe: abc, source: abc.with("B", "title", "New"),
			result: Result{Compared: 3, Values: 2}},
		"about to be added": {stripe: abc.plus("D"), source: abc.plus("D"),
			result: Result{Compared: 3, Values: 3, InFlux: 1}},
		"about to be deleted": {stripe: abc, source: abc.without("B"), result: Result{Compared: 3, Values: 2}},
		"kept back, and at Stripe": {stripe: abc.plus("D"), source: abc.plus("D").with("D", "price", "free"),
			result: Result{Compared: 3, Values: 3, InFlux: 1}},
		"not known before": {stripe: shop{}, before: shop{}, result: Result{InFlux: 3}},
		"known otherwise before": {stripe: shop{}, before: abc.with("A", "title", "Old"), again: []string{"B", "C"},
			result: Result{Compared: 2, InFlux: 1, Missing: 2,
				Examples: []Example{{Kind: Missing, ID: "B"}, {Kind: Missing, ID: "C"}}}},
		"a sale that Stripe forgot": {stripe: abc, now: sale, before: sale, source: sale,
			result: Result{Compared: 3, Values: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			or := func(s shop) shop {
				if s == nil {
					return abc
				}
				return s
			}
			input := Input{Now: or(c.now).manifest(t), Before: or(c.before).manifest(t),
				Source: or(c.source).source(t, c.without...), At: at}
			found, err := Compare(strings.NewReader(c.stripe.report()), input)
			require.NoError(t, err)
			c.result.Reported, c.result.Known = int64(len(c.stripe)), int64(len(or(c.now)))
			require.Equal(t, c.result, found.Result)
			require.ElementsMatch(t, c.again, ids(&found.Again))
			require.ElementsMatch(t, c.foreign, ids(&found.Foreigners))
		})
	}
}

func TestValuesThatDifferEverywhereAreAWayOfWriting(t *testing.T) {
	catalog := shopOf(many(30)...)
	stripe := catalog
	for id := range catalog {
		stripe = stripe.with(id, "link", "https://shop.example/"+id+"?utm=stripe")
	}
	stripe = stripe.with("SKU0007", "price", "1.00 USD")
	found, err := Compare(strings.NewReader(stripe.report()),
		Input{Now: catalog.manifest(t), Before: catalog.manifest(t), Source: catalog.source(t)})
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"link": 30, "price": 1}, found.Columns)
	require.Equal(t, []string{"link"}, found.Systematic)
	require.Equal(t, int64(1), found.Different)
	require.Equal(t, []string{"SKU0007"}, ids(&found.Again))
}

func TestAReportThatIsMostlyForeignIsDoubted(t *testing.T) {
	catalog := shopOf(many(10)...)
	var foreign []string
	for i := range 25 {
		foreign = append(foreign, fmt.Sprintf("X%d", i))
	}
	found, err := Compare(strings.NewReader(catalog.plus(foreign...).report()),
		Input{Now: catalog.manifest(t), Before: catalog.manifest(t), Source: catalog.source(t)})
	require.NoError(t, err)
	require.Equal(t, int64(25), found.Foreign)
	require.Contains(t, found.Doubt, "25 of the 35 products")
}

func TestWithoutASourceOnlyIDsAreCompared(t *testing.T) {
	catalog := shopOf("A", "B")
	found, err := Compare(strings.NewReader(catalog.without("A").plus("X").with("B", "price", "1.00 USD").report()),
		Input{Now: catalog.manifest(t), Before: catalog.manifest(t)})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 1, 0, 0}, []int64{found.Missing, found.Foreign, found.Different, found.Values})
	require.Contains(t, found.NoValues, "the source could not be read")
	_, err = Compare(strings.NewReader(catalog.report()), Input{})
	require.Error(t, err, "nothing can be said without both")
}

func TestUnknownAndRefusedRowsAreNoDrift(t *testing.T) {
	catalog := shopOf("A", "B", "C")
	m := catalog.manifest(t)
	delta := read(t, catalog.with("A", "title", "New").with("B", "title", "New").csv(columns, []string{"A", "B"}),
		NewSource(lines.CSV, nil), feed.Options{})
	settled, err := m.Settle(delta.Parts[0].Table, at, func(id []byte) (feed.RowVerdict, bool) {
		return feed.RowVerdict{Unknown: string(id) == "A", Reason: "refused"}, true
	})
	require.NoError(t, err)
	stripe := catalog.without("A").without("B").without("C")
	found, err := Compare(strings.NewReader(stripe.report()), Input{Now: settled, Before: m, Source: catalog.source(t)})
	require.NoError(t, err)
	require.Equal(t, []string{"B", "C"}, ids(&found.Again), "what Stripe refused to change, it still should have")
	require.Equal(t, int64(1), found.InFlux)
}

func TestReportsThatCannotBeUsed(t *testing.T) {
	catalog := shopOf("A")
	input := Input{Now: catalog.manifest(t), Before: catalog.manifest(t), Source: catalog.source(t)}
	for name, c := range map[string]struct{ report, problem string }{
		"empty":          {"", "it is empty"},
		"no id":          {"sku,title\nA,Lamp\n", "no column id"},
		"a page":         {"<!DOCTYPE html>\n<html>", "no column id"},
		"ragged":         {"id,title\nA\n", "line 2"},
		"broken quotes":  {"id,title\nA,\"Lamp\n", "line 2"},
		"quotes in text": {"id,title\nA,La\"mp\n", "line 2"},
	} {
		_, err := Compare(strings.NewReader(c.report), input)
		var unusable *ReportError
		require.ErrorAs(t, err, &unusable, name)
		require.Contains(t, err.Error(), c.problem, name)
	}
	away := errors.New("away")
	_, err := Compare(io.MultiReader(strings.NewReader("id,title\n"), iotest.ErrReader(away)), input)
	require.ErrorIs(t, err, away)
	found, err := Compare(strings.NewReader("\ufeffid,title\nA,Lamp A\nA,Other\n"), input)
	require.NoError(t, err)
	require.Equal(t, []int64{2, 1, 0}, []int64{found.Reported, found.Compared, found.Drift()},
		"the first row of an id counts")
}

func TestALostManifestIsMadeFromTheReport(t *testing.T) {
	catalog := shopOf("A", "B", "C", "D", "E").with("E", "price", "free") // E is kept back
	stripe := catalog.without("C").with("B", "price", "1.00 USD").with("D", "color", "red").with("E", "price",
		"9.00 USD").plus("X")
	found, err := Compare(strings.NewReader(stripe.report()), Input{Source: catalog.source(t), At: at})
	require.NoError(t, err)
	require.Equal(t, &Rebuilt{Same: 1, Unknown: 2, New: 1}, found.Rebuilt)
	require.Equal(t, []string{"A"}, ids(&found.Manifest.Rows))
	require.Equal(t, []string{"B", "D"}, ids(&found.Manifest.Unknown), "Stripe has something that it would not be sent")
	require.Equal(t, []string{"X"}, ids(&found.Foreigners))
	require.Equal(t, int64(1), found.InFlux)

	// The next sync sends what Stripe does not have, and nothing else.
	output := NewSource(lines.CSV, nil)
	delta, err := feed.Compare(func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(catalog.csv(columns, catalog.ids()))), nil
	}, feed.Options{Kind: feed.Product, Format: lines.CSV, Manifest: found.Manifest}, output)
	require.NoError(t, err)
	require.Equal(t, []string{"B", "C", "D"}, ids(delta.Parts[0].Table))
	require.Equal(t, int64(1), delta.Counts.Unchanged)
}

func TestALostManifestIsNotMadeFromLessThanAllColumns(t *testing.T) {
	catalog := shopOf("A", "B")
	report := catalog.csv([]string{"id", "title", "price"}, catalog.ids())
	found, err := Compare(strings.NewReader(report), Input{Source: catalog.source(t), At: at})
	require.NoError(t, err)
	require.Equal(t, &Rebuilt{Unknown: 2}, found.Rebuilt)
}

func TestHealingLeavesAloneWhatMovedOn(t *testing.T) {
	catalog := shopOf("A", "B", "C")
	m := catalog.manifest(t)
	stripe := catalog.without("A").without("B").plus("X", "Y")
	found, err := Compare(strings.NewReader(stripe.report()), Input{Now: m, Before: m, Source: catalog.source(t)})
	require.NoError(t, err)
	later := catalog.with("B", "title", "New").plus("Y").manifest(t) // B was sent since, Y added
	healed, sent, gone, err := Heal(later, &found.Again, &found.Foreigners, at)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 1}, []int64{sent, gone})
	require.Equal(t, []string{"A", "X"}, ids(&healed.Unknown))
	require.Equal(t, []string{"A", "B", "C", "Y"}, ids(&healed.Rows), "what Stripe accepted stays known")
	again, sent, gone, err := Heal(healed, &found.Again, &found.Foreigners, at)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 1}, []int64{sent, gone}, "a second time is the same")
	require.Equal(t, []string{"A", "X"}, ids(&again.Unknown))
}

func TestValuesOfExamplesAreReadAgain(t *testing.T) {
	catalog := shopOf("A", "B").with("B", "title", "Lamp, \"big\"\nand red")
	source := NewSource(lines.CSV, nil)
	source.Capture([]string{"B", "none"})
	read(t, catalog.csv(columns, catalog.ids()), source, feed.Options{MaxPartBytes: 300}) // several parts
	value, found := source.Value("B", "title")
	require.True(t, found)
	require.Equal(t, "Lamp, \"big\"\nand red", value)
	_, found = source.Value("A", "title")
	require.False(t, found)
	_, found = source.Value("B", "colour")
	require.False(t, found)
}

// Whatever was done to a catalog at Stripe, to the source and by syncs meanwhile: the comparison names just what
// Stripe lacks, what it alone has and what it has otherwise, of products that nothing happened to; and a sync after
// healing brings Stripe to what the source says.
func TestDriftIsNeitherMissedNorInvented(t *testing.T) {
	for seed := range uint64(200) {
		luck := rand.New(rand.NewPCG(seed, 1))
		pick := func(s shop) string { ids := s.ids(); return ids[luck.IntN(len(ids))] }
		before := shopOf(many(1 + luck.IntN(15))...)
		stripe := before
		missing, different, foreign := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for range luck.IntN(8) {
			switch id := pick(before); luck.IntN(3) {
			case 0:
				stripe = stripe.without(id)
			case 1:
				if _, there := stripe[id]; there {
					column := luck.IntN(3)
					stripe = stripe.with(id, []string{"price", "title", "availability"}[column],
						[]string{"7.77 USD", "Other", "out_of_stock"}[column])
				}
			default:
				stripe = stripe.plus(fmt.Sprintf("X%d", luck.IntN(4)))
			}
		}
		now := before // what syncs sent since the data of the report
		for range luck.IntN(3) {
			now = now.with(pick(now), "title", "Newest").plus(fmt.Sprintf("N%d", luck.IntN(3)))
		}
		for id, row := range before {
			has, there := stripe[id]
			switch {
			case !maps.Equal(now[id], row):
			case !there:
				missing[id] = true
			case !maps.Equal(has, row):
				different[id] = true
			}
		}
		ours := 0
		for id := range stripe {
			if now[id] == nil {
				foreign[id] = true
			} else {
				ours++
			}
		}
		if ours == 0 && len(missing) > 0 && len(foreign) > 0 {
			continue // a report of another catalog looks like that
		}
		manifest := now.manifest(t)
		found, err := Compare(strings.NewReader(stripe.report()),
			Input{Now: manifest, Before: before.manifest(t), Source: now.source(t)})
		require.NoError(t, err)
		require.Equal(t, []int{len(missing), len(different), len(foreign)},
			[]int{int(found.Missing), int(found.Different), int(found.Foreign)}, "seed %d", seed)
		maps.Copy(missing, different)
		require.Equal(t, slices.Sorted(maps.Keys(missing)), slices.Sorted(slices.Values(ids(&found.Again))), "seed %d",
			seed)
		require.ElementsMatch(t, slices.Collect(maps.Keys(foreign)), ids(&found.Foreigners), "seed %d", seed)

		healed, _, _, err := Heal(manifest, &found.Again, &found.Foreigners, at)
		require.NoError(t, err)
		sent := synced(t, now, healed)
		maps.Copy(missing, foreign)
		require.Equal(t, slices.Sorted(maps.Keys(missing)), sent,
			"seed %d: what drifted is sent again or deleted, and nothing else", seed)
	}
}

// synced is what a sync sends and deletes.
func synced(t *testing.T, s shop, m *feed.Manifest) (sent []string) {
	t.Helper()
	delta, err := feed.Compare(func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(s.csv(columns, s.ids()))), nil
	}, feed.Options{Kind: feed.Product, Format: lines.CSV, Manifest: m}, NewSource(lines.CSV, nil))
	require.NoError(t, err)
	for _, part := range delta.Parts {
		sent = append(sent, ids(part.Table)...)
	}
	slices.Sort(sent)
	return sent
}
