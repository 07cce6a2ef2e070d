package feed

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// Of what the file as a whole lacks, or has too much, there is one finding each, before those of rows.
func TestFindingsAboutTheHeader(t *testing.T) {
	t.Parallel()
	absent := []string{"1  column_absent brand", "1  column_absent mpn", "1  column_absent product_category",
		"1  column_absent shipping"}
	_, out := compared(t,
		sevenColumns+",shelf,\"a,b\"\n"+strings.TrimSuffix(item("A", "1"), "\n")+",1,\n"+item("A", "2"), Options{})
	require.Equal(t, append([]string{"1  unknown_column shelf", "1  unknown_column a,b"}, absent...), out.header,
		"once, though the file is read twice")
	_, out = compared(t, sevenColumns+",gtin,shipping\n", Options{})
	require.Equal(t, []string{absent[0], absent[2]}, out.header)
	_, out = compared(t, "id,delete\nA,true\n", Options{})
	require.Empty(t, out.header)
	_, out = compared(t, "", Options{})
	require.Empty(t, out.header)
}

func TestPricesThatMove(t *testing.T) {
	t.Parallel()
	const sale, over, to1 = ",%s,2026-01-01/2026-12-31", ",%s,2025-01-01/2025-12-31", ",%s,2026-12-01/2026-12-31"
	on := func(price, period, paid string) string { return price + fmt.Sprintf(period, paid) + "\n" }
	none := func(price string) string { return price + ",,\n" }
	for _, c := range []struct {
		name, before, after string
		move                float64
		want                Prices
	}{
		{"not compared: new, vanished, unreadable", "A," + none("10.00 USD") + "B," + none("10.00 USD"),
			"A," + none("free") + "C," + none("10.00 USD"), 0.6, Prices{}},
		{"the same", "A," + none("10.00 USD"), "A," + none("10 USD"), 0, Prices{Compared: 1}},
		{"by as much as allowed", "A," + none("10.00 USD") + "B," + none("10.00 USD"),
			"A," + none("16.00 USD") + "B," + none("4.00 USD"), 0.6, Prices{Compared: 2}},
		{"by more", "A," + none("10.00 USD") + "B," + none("10.00 USD"),
			"A," + none("16.01 USD") + "B," + none("3.99 USD"), 0.6, Prices{Compared: 2, Moved: 2}},
		{"at all", "A," + none("10.00 USD"), "A," + none("10.01 USD"), 0, Prices{Compared: 1, Moved: 1}},
		{"from nothing", "A," + none("0.00 USD"), "A," + none("0.01 USD"), 0.6, Prices{Compared: 1, Moved: 1}},
		{"to nothing", "A," + none("10.00 USD"), "A," + none("0.00 USD"), 0.6, Prices{Compared: 1, Moved: 1, Free: 1}},
		{"new, for nothing", "", "A," + none("0.00 USD"), 0.6, Prices{Free: 1}},
		{"nothing, as before", "A," + none("0.00 USD"), "A," + none("0 USD"), 0.6, Prices{Compared: 1}},
		{"flipped, however little it means", "A," + none("10.00 USD") + "B," + none("1.00 USD"),
			"A," + none("10.00 EUR") + "B," + none("1.00 USD"), 0.6, Prices{Compared: 2, Flipped: 1}},
		{"rows that contradict each other do not count", "A," + none("10.00 USD"),
			"A," + none("99.00 USD") + "A," + none("10.00 USD"), 0.6, Prices{}},
		{"a usual sale", "A," + none("10.00 USD"), "A," + on("10.00 USD", sale, "5.00 USD"), 0.6, Prices{Compared: 1}},
		{"a sale to nothing", "A," + on("10.00 USD", sale, "9.00 USD"), "A," + on("10.00 USD", sale, "0.00 USD"), 0.6,
			Prices{Compared: 1, Moved: 1, Free: 1}},
		{"a sale to nothing that is to come", "A," + none("10.00 USD"), "A," + on("10.00 USD", to1, "0.00 USD"), 0.6,
			Prices{Compared: 1, Moved: 1, Free: 1}},
		{"a sale to a hundredth", "A," + on("10.00 USD", sale, "9.00 USD"), "A," + on("10.00 USD", sale, "0.09 USD"),
			0.6, Prices{Compared: 1, Moved: 1}},
		{"a sale that is not lower", "A," + none("10.00 USD"), "A," + on("10.00 USD", sale, "900.00 USD"), 0.6,
			Prices{Compared: 1}},
		{"a sale that is over", "A," + none("10.00 USD"), "A," + on("10.00 USD", over, "0.00 USD"), 0.6,
			Prices{Compared: 1}},
		{"a sale called off", "A," + on("10.00 USD", sale, "1.00 USD"), "A," + none("10.00 USD"), 0.6,
			Prices{Compared: 1, Moved: 1}},
		{"both in other coins", "A," + on("10.00 USD", sale, "9.00 USD"), "A," + on("10.00 EUR", sale, "9.00 EUR"), 0.6,
			Prices{Compared: 1, Flipped: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for kind, whole := range map[Kind]func(rows string) string{
				Pricing: func(rows string) string { return "id,price,sale_price,sale_price_effective_date\n" + rows },
				Product: asProducts,
			} {
				o := Options{Kind: kind, PriceMove: c.move, Now: inJune}
				o.Manifest = manifestAfter(t, o, nil, whole(c.before))
				d, _ := compared(t, whole(c.after), o)
				require.Equal(t, c.want, d.Prices, kind)
			}
		})
	}
	t.Run("of a row that is held back", func(t *testing.T) {
		t.Parallel()
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+item("A", "5"))}
		d, _ := compared(t, heading+unsound("A"), o)
		require.Zero(t, d.Prices)
	})
	t.Run("of a sale in other coins, which is kept back unless Stripe decides", func(t *testing.T) {
		t.Parallel()
		before, after := asProducts("A,"+on("10.00 USD", sale, "9.00 USD")),
			asProducts("A,"+on("10.00 USD", sale, "9.00 EUR"))
		o := Options{Now: inJune, PriceMove: 0.6}
		o.Manifest = manifestAfter(t, o, nil, before)
		d, out := compared(t, after, o)
		require.Equal(t, Prices{}, d.Prices)
		require.Equal(t, []string{"2 A sale_in_other_currency sale_price"}, out.found)
		o.SendInvalid = true
		d, _ = compared(t, after, o)
		require.Equal(t, Prices{Compared: 1, Flipped: 1}, d.Prices)
	})
	t.Run("by a date alone, in a row that did not change", func(t *testing.T) {
		t.Parallel()
		source := asProducts("A," + on("10.00 USD", sale, "1.00 USD"))
		o := Options{Now: inJune, PriceMove: 0.6}
		o.Manifest = manifestAfter(t, o, nil, source)
		o.Now = inJune.AddDate(2, 0, 0)
		d, _ := compared(t, source, o)
		require.Equal(t, Prices{Compared: 1}, d.Prices)
		o.Full = true
		d, _ = compared(t, source, o)
		require.Equal(t, Prices{Compared: 1}, d.Prices, "sent again, as it was")
	})
}

// A column of prices that was sorted, or slipped by a row, gives each product what another one cost. A sale does not.
func TestPricesThatChangePlaces(t *testing.T) {
	t.Parallel()
	const products = 40
	priced := func(cents func(i int) int) string {
		var rows strings.Builder
		for i := range products {
			fmt.Fprintf(&rows, "P%02d,%d.%02d USD,,\n", i, cents(i)/100, cents(i)%100)
		}
		return rows.String()
	}
	usual := func(i int) int { return 2000 + 100*(i*17%products) } // from 20 to 59 dollars, in no order
	for _, c := range []struct {
		name  string
		cents func(i int) int
		want  int64
	}{
		{"sorted", func(i int) int { return 2000 + 100*i }, 32}, // eight were where they belong
		{"slipped by a row", func(i int) int { return usual((i + 1) % products) }, 40},
		{"slipped, with another price at the end", func(i int) int {
			if i == products-1 {
				return 99
			}
			return usual(i + 1)
		}, 39},
		{"half of it sorted", func(i int) int {
			if i < products/2 {
				return usual((i + 1) % (products / 2))
			}
			return usual(i)
		}, 20},
		{"two that changed places", func(i int) int {
			if i < 2 {
				return usual(1 - i)
			}
			return usual(i)
		}, 0},
		{"all a dollar less: what others cost, but none of them more", func(i int) int { return usual(i) - 100 }, 0},
		{"a tenth off", func(i int) int { return usual(i) * 9 / 10 }, 0},
		{"some more, some less", func(i int) int { return usual(i) + 37*(i%2*2-1) }, 0},
		{"as they were", usual, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for kind, whole := range map[Kind]func(rows string) string{
				Pricing: func(rows string) string { return "id,price,sale_price,sale_price_effective_date\n" + rows },
				Product: asProducts,
			} {
				o := Options{Kind: kind, PriceMove: 0.6, Now: inJune}
				o.Manifest = manifestAfter(t, o, nil, whole(priced(usual)))
				d, _ := compared(t, whole(priced(c.cents)), o)
				require.Equal(t, c.want, d.Prices.Swapped, kind)
			}
		})
	}
}

var inJune = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// A manifest of a release that did not look at sales has listed prices. Nobody is held for a discount that was there
// before, and nothing that no discount explains is missed.
func TestPricesOfOlderManifests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, price, sale string // afterwards, where the listed price was 10.00 USD
		want              Prices
	}{
		{"no sale", "10.00 USD", "", Prices{Compared: 1}},
		{"a sale of three quarters", "10.00 USD", "2.50 USD", Prices{Compared: 1}},
		{"a sale to nothing", "10.00 USD", "0.00 USD", Prices{Compared: 1, Moved: 1, Free: 1}},
		{"a sale to a hundredth", "10.00 USD", "0.10 USD", Prices{Compared: 1, Moved: 1}},
		{"a price that moved", "17.00 USD", "9.00 USD", Prices{Compared: 1, Moved: 1}},
		{"other coins", "10.00 EUR", "9.00 EUR", Prices{Compared: 1, Flipped: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := Options{Now: inJune, PriceMove: 0.6, Manifest: NewManifest(Product)}
			require.NoError(t, o.Manifest.Rows.Add(Entry{ID: []byte("A"), Fingerprint: 1,
				Price: Amount{10_000, Currency{'U', 'S', 'D'}}, Listed: true}))
			period := ""
			if c.sale != "" {
				period = "2026-01-01/2026-12-31"
			}
			source := asProducts("A," + c.price + "," + c.sale + "," + period + "\n")
			o.Manifest = reread(t, o.Manifest)
			d, _ := compared(t, source, o)
			require.Equal(t, c.want, d.Prices)
			after := settled(t, o.Manifest, d)
			require.False(t, reread(t, after).Rows.Entry(0).Listed, "what was sent since is known as it is paid")
		})
	}
}

// Listed and paid prices of one currency stand side by side, and older releases read both.
func TestManifestsTellListedPricesFromPaidOnes(t *testing.T) {
	t.Parallel()
	m := NewManifest(Product)
	for i, listed := range []bool{true, false, true, false} {
		require.NoError(t, m.Rows.Add(Entry{ID: fmt.Append(nil, i), Fingerprint: 1,
			Price: Amount{1000, Currency{'U', 'S', 'D'}}, Listed: listed}))
	}
	data := encoded(t, m)
	require.Contains(t, string(data), `"currencies":["USD","USD"],"paid":[1]`)
	for i := range 4 {
		require.Equal(t, i%2 == 0, reread(t, m).Rows.Entry(i).Listed)
	}
	old, err := ParseManifest(Product,
		sealed([]byte(strings.Replace(string(data[len(manifestMagic):len(data)-8]), `"paid"`, `"told"`, 1))))
	require.NoError(t, err)
	require.True(t, old.Rows.Entry(1).Listed)
	_, err = ParseManifest(Product,
		sealed([]byte(strings.Replace(string(data[len(manifestMagic):len(data)-8]), `[1]`, `[2]`, 1))))
	require.EqualError(t, err, "manifest: its currencies cannot be read")
}

// reread is a manifest as it comes back from its file.
func reread(tb testing.TB, m *Manifest) *Manifest {
	tb.Helper()
	read, err := ParseManifest(m.Feed, encoded(tb, m))
	require.NoError(tb, err)
	return read
}

// asProducts makes products of rows with an id, a price, a sale's price and its time.
func asProducts(rows string) string {
	products := sevenColumns + ",sale_price,sale_price_effective_date\n"
	for row := range strings.Lines(rows) {
		id, prices, _ := strings.Cut(row, ",")
		products += strings.Replace(item(id, ""), ".00 USD\n", prices, 1)
	}
	return products
}

func TestVariantsThatDiffer(t *testing.T) {
	t.Parallel()
	const head = "item_group_id,color,size," + sevenColumns + "\n"
	source := head + ",red,," + item("A", "1") + "G,red,," + item("B", "1") + "H,red,," + item("C", "1") + "G,,L," +
		item("D", "1") + "G,red,M," + item("E", "1") +
		"G,blue,," + item("F", "1") + "H,,," + unsound("X") + "H,,," + item("Y", "1")
	want := []string{"5 D variants_differ item_group_id", "6 E variants_differ item_group_id", "8 X missing title",
		"9 Y variants_differ item_group_id"}
	d, out := compared(t, source, Options{})
	require.Equal(t, want, out.found)
	require.EqualValues(t, 1, d.Counts.Invalid, "it is no more than a warning")
	o := Options{Manifest: settled(t, NewManifest(Product), d)}
	_, out = compared(t, source, o)
	require.Equal(t, want, out.found, "unchanged rows differ as before")
	_, out = compared(t, source+"G,,L,"+item("B", "1"), Options{})
	require.Equal(t, []string{"3 B duplicate_id id", "6 E variants_differ item_group_id",
		"7 F variants_differ item_group_id", "8 X missing title", "9 Y variants_differ item_group_id",
		"10 B duplicate_id id"}, out.found, "the first row that counts is D")
}

func TestTheDialectIsSentAndRemembered(t *testing.T) {
	t.Parallel()
	google := "Id,Title,Description,Link,Image Link,Availability,Price,Shelf\n A ,Oak table,Solid oak.,https://example.com/t,https://example.com/t.jpg,In Stock,USD 1.00,3\n"
	o := Options{Dialect: GoogleDialect}
	d, out := compared(t, google, o)
	require.Equal(t,
		"id,title,description,link,image_link,availability,price,delete\nA,Oak table,Solid oak.,https://example.com/t,https://example.com/t.jpg,in_stock,1.00 USD,\n", out.parts[0].String())
	require.Equal(t, Amount{1000, Currency{'U', 'S', 'D'}}, d.Parts[0].Table.Entry(0).Price)
	struck := map[string]int64{}
	for _, rule := range d.Normalised {
		struck[rule.Column] += rule.Count
	}
	require.EqualValues(t, 1, struck[""])
	require.EqualValues(t, 1, struck["Price"], "by the name in the file")
	require.EqualValues(t, 1, struck["Availability"], "by the name in the file")

	o.Manifest, o.DropUnknown = manifestAfter(t, Options{}, nil, heading+item("A", "1")), true
	d, out = compared(t, google, o)
	require.Equal(t, "1 unchanged", outcome(t, d, out, o), "in whatever dialect it was written")
	o.Dialect = StripeDialect
	_, err := Compare(opens([]byte(google)), Options{Kind: Product, Format: lines.CSV}, out)
	require.ErrorContains(t, err, `is "Image Link" meant to be image_link?`)
}

func TestWhatTheDialectRewritesIsCountedOnce(t *testing.T) {
	t.Parallel()
	const rows = 20_000
	var source strings.Builder
	source.WriteString(heading)
	for range rows { // several batches, read twice
		source.WriteString(strings.Replace(item("A", "1"), "1.00 USD", "USD 1", 1))
	}
	d, out := compared(t, source.String(), Options{Dialect: GoogleDialect})
	require.Equal(t, 2, d.Passes)
	for _, rule := range d.Normalised {
		want := int64(0)
		if rule.Column == "price" {
			want = rows
		}
		require.Equal(t, want, rule.Count, rule)
	}
	require.Len(t, out.found, rows-1)
	require.Equal(t, []string{"2 A repeated_row id", "20000 A repeated_row id"},
		[]string{out.found[0], out.found[rows-2]})
}

func TestUnknownColumnsAreDropped(t *testing.T) {
	t.Parallel()
	source := "shelf," + sevenColumns + ",\"a\"\"b\"\n\"3,4\"," + strings.TrimSuffix(item("A", "1"), "\n") + ",x\n"
	_, out := compared(t, source, Options{DropUnknown: true})
	require.Equal(t, sevenColumns+",delete\n"+strings.TrimSuffix(item("A", "1"), "\n")+",\n", out.parts[0].String())
	_, out = compared(t, source, Options{})
	require.Equal(t, strings.Replace(strings.Replace(source, "b\"\n", "b\",delete\n", 1), ",x\n", ",x,\n", 1),
		out.parts[0].String(), "byte for byte")
}

func TestRowsAreWrittenAsRFC4180HasThem(t *testing.T) {
	t.Parallel()
	const columns = sevenColumns + ",brand"
	rest := ",https://example.com/t,https://example.com/t.jpg,in_stock,1.00 USD,"
	_, out := compared(t, columns+"\n"+`A,19" table,"Solid oak"`+rest+"a\rb\n", Options{})
	require.Equal(t, columns+",delete\n"+`A,"19"" table",Solid oak`+rest+"\"a\rb\",\n", out.parts[0].String())
	wellQuoted := "B,\"Oak\r\ntable\",\"Solid, \"\"oak\"\"\"" + rest + "b"
	_, out = compared(t, columns+"\n"+wellQuoted+"\r\n", Options{})
	require.Equal(t, columns+",delete\n"+wellQuoted+",\n", out.parts[0].String())
	tabs := strings.ReplaceAll(strings.ReplaceAll(heading+item("A", "1"), "Solid oak.", `"Solid	oak, dark"`), ",",
		"\t")
	d, out := compared(t, tabs, Options{Format: lines.TSV})
	require.EqualValues(t, 1, d.Counts.Sent)
	require.Equal(t, strings.ReplaceAll(sevenColumns, ",", "\t")+"\tdelete\n",
		out.parts[0].String()[:len(sevenColumns)+8])
}

func TestRowsThatAreTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Replace(item("B", "1"), "oak", strings.Repeat("o", 300), 1)
	o := Options{MaxPartBytes: 300}
	o.Manifest = manifestAfter(t, Options{}, nil, heading+item("A", "1")+item("B", "1"))
	d, out := compared(t, heading+item("A", "2")+long, o)
	require.Equal(t, "send A, 1 held back", outcome(t, d, out, o), "what Stripe has of it stays")
	require.Equal(t, []string{"3 B row_too_long"}, out.found)
	require.EqualValues(t, 1, d.Counts.Invalid)

	o.SendInvalid = true
	d, _ = compared(t, heading+strings.Replace(long, "in_stock", "", 1), o)
	require.EqualValues(t, 1, d.Counts.Invalid, "one row, however much is wrong with it")
}
