package feed

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// catalogOf is a product catalog that has these ids.
func catalogOf(ids ...string) func(id []byte) bool {
	return func(id []byte) bool { return slices.Contains(ids, string(id)) }
}

const stock = "id,availability,inventory_quantity\n"

// Inventory and prices go with their product: nothing deletes them.
func TestUpdatesNeverDelete(t *testing.T) {
	t.Parallel()
	const ab = stock + "A,in_stock,1\nB,in_stock,2\n"
	for _, c := range []struct {
		name          string
		before, after string
		o             Options
		want          string
		found         []string
	}{
		{name: "vanished", before: ab, after: stock + "A,in_stock,1\n", want: "1 unchanged"},
		{name: "no row", before: ab, after: stock, want: ""},
		{name: "empty", before: ab, want: ""},
		{name: "prices vanished", before: "id,price\nA,1.00 USD\n", after: "id,price\n", o: Options{Kind: Pricing},
			want: ""},
		{name: "a column of that name means nothing", before: ab,
			after: "id,availability,inventory_quantity,delete\nA,in_stock,1,true\nB,in_stock,2,true\n",
			want:  "send A B"},
		{name: "nor if nobody knows what Stripe has",
			after: "id,availability,inventory_quantity,delete\nA,in_stock,1,true\n", want: "send A"},
		{name: "and the row is checked as any other", after: "id,availability,inventory_quantity,delete\nA,,,true\n",
			want:  "1 held back",
			found: []string{"2 A missing availability", "2 A missing inventory_quantity"}},

		{name: "not in the catalog", before: ab, after: ab, o: Options{InCatalog: catalogOf("B")},
			want:  "1 unchanged, 1 held back, forget A",
			found: []string{"2 A not_in_catalog id"}},
		{name: "not in the catalog, every row", before: ab, after: ab,
			o: Options{InCatalog: catalogOf("B"), Full: true, SendInvalid: true}, want: "send B, 1 held back, forget A",
			found: []string{"2 A not_in_catalog id"}},
		{name: "never in the catalog", after: ab, o: Options{InCatalog: catalogOf()}, want: "2 held back",
			found: []string{"2 A not_in_catalog id", "3 B not_in_catalog id"}},
		{name: "vanished, and so has its product", before: ab, after: stock + "A,in_stock,1\n",
			o: Options{InCatalog: catalogOf("A")}, want: "1 unchanged, forget B"},
		{name: "vanished, but its product is there", before: ab, after: stock + "A,in_stock,1\n",
			o: Options{InCatalog: catalogOf("A", "B")}, want: "1 unchanged"},
		{name: "twice, and not in the catalog", before: ab, after: ab + "A,in_stock,3\n",
			o: Options{InCatalog: catalogOf("B")}, want: "1 unchanged, 1 held back, 1 superseded, forget A",
			found: []string{"2 A duplicate_id id", "4 A not_in_catalog id"}},
		{name: "invalid and not in the catalog", after: stock + "A,gone,1\n",
			o: Options{InCatalog: catalogOf(), SendInvalid: true}, want: "1 held back",
			found: []string{"2 A not_allowed availability", "2 A not_in_catalog id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.o.Kind == "" {
				c.o.Kind = Inventory
			}
			if c.before != "" {
				c.o.Manifest = manifestAfter(t, Options{Kind: c.o.Kind}, nil, c.before)
			}
			d, out := compared(t, c.after, c.o)
			require.Equal(t, c.want, outcome(t, d, out, c.o))
			require.Equal(t, c.found, out.found)
			require.Zero(t, d.Counts.Deleted+d.Counts.Asked)
		})
	}
}

// A product that comes back brings its inventory with it, though neither of them changed.
func TestWhatWasForgottenIsSentAgain(t *testing.T) {
	t.Parallel()
	const ab = stock + "A,in_stock,1\nB,in_stock,2\n"
	o := Options{Kind: Inventory, Manifest: manifestAfter(t, Options{Kind: Inventory}, nil, ab)}
	for _, source := range []string{ab, stock + "B,in_stock,2\n"} {
		o := o
		o.InCatalog = catalogOf("B")
		o.Manifest = settled(t, o.Manifest, first(compared(t, source, o)))
		require.Equal(t, 1, o.Manifest.Rows.Len())
		o.InCatalog = catalogOf("A", "B")
		d, out := compared(t, ab, o)
		require.Equal(t, "send A, 1 unchanged", outcome(t, d, out, o))
	}
}

// Of a row that deletes nothing but its id is read, so it says nothing for the cells of the rows below it.
func TestARowThatDeletesVouchesForNoOther(t *testing.T) {
	t.Parallel()
	const head = "id,title,description,link,image_link,availability,price,delete\n"
	const rest = ",Oak table,Made of oak.,https://a.example/1,https://a.example/1.jpg,in_stock,free,"
	d, out := compared(t, head+"A"+rest+"true\n"+"B"+rest+"\n"+"C"+rest+"\n", Options{})
	require.Equal(t, []string{"3 B not_amount price", "4 C not_amount price"}, out.found)
	require.EqualValues(t, 2, d.Counts.KeptBack)
	require.Zero(t, d.Counts.Sent)
}

func TestPromotionsAreDeleted(t *testing.T) {
	t.Parallel()
	const head = "promotion_id,title,active_period,benefit_type,percent_off,target_selection,application_type,delete\n"
	promotion := func(id string) string {
		return id + ",Summer sale,2026-06-01T00:00:00Z/2026-06-30T23:59:59Z,percent_off,15,all_products,automatic,\n"
	}
	o := Options{Kind: Promotion,
		Manifest: manifestAfter(t, Options{Kind: Promotion}, nil, head+promotion("A")+promotion("B")+promotion("C"))}
	d, out := compared(t, head+promotion("A")+"B,,,,,,,true\n", o)
	require.Equal(t, "delete B C, 1 unchanged, 1 asked", outcome(t, d, out, o))
	require.Equal(t, "B,,,,,,,true\nC,,,,,,,true\n", out.parts[0].String()[len(head):])
	d, out = compared(t, "", o)
	require.Equal(t, "delete A B C", outcome(t, d, out, o))
	require.Equal(t, "promotion_id,delete\nA,true\nB,true\nC,true\n", out.parts[0].String())
}
