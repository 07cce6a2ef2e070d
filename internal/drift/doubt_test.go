package drift

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// head are the first of a report's lines, header and all.
func head(report string, n int) string {
	return strings.Join(strings.SplitAfter(report, "\n")[:n+1], "")
}

// renamed is a report that writes ids otherwise.
func renamed(s shop, as func(id string) string) string {
	other := shop{}
	for id, row := range s {
		row = maps.Clone(row)
		row["id"] = as(id)
		other[row["id"]] = row
	}
	return other.report()
}

// What the report leaves open is neither sent again nor deleted.
func TestWhatIsInDoubtIsNotHealed(t *testing.T) {
	t.Parallel()
	thirty, three := shopOf(many(30)...), shopOf("SKU1", "SKU2", "SKU3")
	priced := func(price string) string { return three.with("SKU2", "price", price).report() }
	whole := three.csv(columns, []string{"SKU1", "SKU2", "SKU3"})
	for name, c := range map[string]struct {
		catalog    shop
		report     string
		incomplete string // and nothing is healed; empty: the rest of this case counts
		drift      Result
		again      []string
	}{
		"of another account": {catalog: thirty, report: shopOf("A", "B", "C").report(),
			incomplete: "none of the 3 products"},
		"of another account, and small": {catalog: three, report: shopOf("A").report(),
			incomplete: "none of the 1 products"},
		"broken off between two rows": {catalog: thirty, report: head(thirty.report(), 9),
			incomplete: "lacks 21 of the 30"},
		"a header alone": {catalog: thirty, report: head(thirty.report(), 0), incomplete: "lacks 30 of the 30"},
		"nineteen of many": {catalog: thirty, report: head(thirty.csv(columns, thirty.ids()), 11),
			drift: Result{Missing: 19}, again: thirty.ids()[11:]},
		"ids in small letters": {catalog: thirty, report: renamed(thirty, strings.ToLower), drift: Result{Alike: 30}},
		"ids with blanks": {catalog: three,
			report: renamed(three, func(id string) string { return " " + id + "\u00a0" }), drift: Result{Alike: 3}},
		"one more, alike": {catalog: three, report: three.plus("sku2").report(), drift: Result{Alike: 1}},
		"one in its place": {catalog: three, report: three.without("SKU2").plus("sku 2").report(),
			drift: Result{Alike: 1}},
		"the currency first": {catalog: three, report: priced("USD 1.00"),
			drift: Result{Unread: map[string]int64{"price": 1}}},
		"a comma": {catalog: three, report: priced("1,00 USD"), drift: Result{Unread: map[string]int64{"price": 1}}},
		"a sign":  {catalog: three, report: priced("$1.00"), drift: Result{Unread: map[string]int64{"price": 1}}},
		"the smallest unit": {catalog: three, report: priced("100"),
			drift: Result{Unread: map[string]int64{"price": 1}}},
		"small letters": {catalog: three, report: priced(" 15 usd "), drift: Result{}},
		"no price":      {catalog: three, report: priced(""), drift: Result{Different: 1}, again: []string{"SKU2"}},
		"cut within a cell": {catalog: three, report: strings.TrimSuffix(whole, "5.00 USD\n"),
			drift: Result{InFlux: 1}},
		"no last line end": {catalog: three, report: strings.TrimSuffix(whole, "\n"), drift: Result{InFlux: 1}},
		"cut within an id": {catalog: shopOf("S", "SKU2"), report: "title,id\nLamp S,S\nLamp SKU2,SK",
			drift: Result{Missing: 1}, again: []string{"SKU2"}},
		"columns in other letters": {catalog: three, report: "\ufeff Title ,PRICE,ID\n" +
			"Lamp SKU1,1.00 USD,SKU1\nLamp SKU2,15.00 USD,SKU2\nLamp SKU3,15.00 USD,SKU3\n",
			drift: Result{Different: 1}, again: []string{"SKU1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := c.catalog.manifest(t)
			found, err := Compare(strings.NewReader(c.report),
				Input{Now: m, Before: m, Source: c.catalog.source(t), At: at})
			require.NoError(t, err)
			require.Empty(t, ids(&found.Foreigners))
			if c.incomplete != "" {
				require.Contains(t, found.Incomplete, c.incomplete)
				require.Empty(t, ids(&found.Again))
				return
			}
			require.Empty(t, found.Incomplete)
			got := Result{Missing: found.Missing, Foreign: found.Foreign, Different: found.Different,
				Alike: found.Alike, InFlux: found.InFlux, Unread: found.Unread}
			require.Equal(t, c.drift, got)
			require.ElementsMatch(t, c.again, ids(&found.Again))
		})
	}
}

// A manifest that was lost makes no difference to what is in doubt.
func TestWhatIsInDoubtOfALostManifest(t *testing.T) {
	t.Parallel()
	catalog := shopOf(many(30)...)
	rebuilt := func(report string) Comparison {
		t.Helper()
		found, err := Compare(strings.NewReader(report), Input{Source: catalog.source(t), At: at})
		require.NoError(t, err)
		return found
	}
	other := rebuilt(shopOf(slices.Collect(maps.Keys(shopOf("A", "B", "C")))...).report())
	require.Equal(t, &Rebuilt{New: 30}, other.Rebuilt)
	alike := rebuilt(renamed(catalog, strings.ToLower))
	require.Equal(t, int64(30), alike.Alike)
	require.Empty(t, ids(&alike.Foreigners), "to delete the one might delete the other")
	var foreign []string
	for _, id := range many(40) {
		foreign = append(foreign, "X"+id)
	}
	require.NotEmpty(t, rebuilt(shopOf(foreign...).report()).Doubt)
	cut := rebuilt(strings.TrimSuffix(catalog.csv(columns, catalog.ids()), "\n"))
	require.Equal(t, &Rebuilt{Same: 29, Unknown: 1}, cut.Rebuilt)
}

func TestAReportWithAColumnTwiceIsNone(t *testing.T) {
	t.Parallel()
	m := shopOf("A").manifest(t)
	_, err := Compare(strings.NewReader("id,ID,title\nA,B,Lamp\n"), Input{Now: m, Before: m})
	require.ErrorContains(t, err, `two columns "id"`)
}
