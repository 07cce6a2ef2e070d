package feed

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// othersReport are the causes that are not found by the rules, but around them.
var othersReport = []Cause{
	UnknownColumn, ColumnNotSent, ColumnAbsent, UnnamedColumn, RowAboveHeader, HeaderAgain, OtherHeader,
	NotAProduct, CommentedOut,
	LooseText, TooManyFields, TooFewFields,
	BrokenQuotes, Interrupted, RowTooLong, EmptyID, NotUTF8, HasNUL, BesideDoubt, DuplicateID, RepeatedRow,
	VariantsDiffer, NotInCatalog,
	RefusedByStripe, DeletionContradicted, DeletionRefused, NothingToDelete, LookalikeID, MovedID, ExpirationPassed,
	Renamed, PeriodOver,
}

func TestEveryCauseHasACase(t *testing.T) {
	t.Parallel()
	found := map[Cause]bool{}
	for _, c := range productCases {
		for _, want := range c.want {
			found[Cause(strings.Split(want, ":")[0])] = true
		}
	}
	for _, c := range updateCases {
		for _, want := range c.want {
			found[Cause(strings.Split(want, ":")[0])] = true
		}
	}
	for _, cause := range Causes() {
		require.True(t, found[cause] != slices.Contains(othersReport, cause), "%s needs a case", cause)
		delete(found, cause)
	}
	require.Empty(t, found, "causes without texts")
}

func TestExplainSaysSomethingOfEverything(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		names := []string{"", "pattern"}
		for _, c := range Columns(k) {
			names = append(names, c.Name)
		}
		for _, cause := range append(Causes(), "from a later release") {
			for _, name := range names {
				reason, fix := Explain(k, cause, name)
				for _, text := range []string{reason, fix} {
					require.NotEmpty(t, text)
					require.NotContains(t, text, "{", "%s %s", cause, name)
					require.NotContains(t, text, "  ", "%s %s", cause, name)
				}
			}
		}
	}
	reason, fix := Explain(Product, NotAllowed, "condition")
	require.Equal(t, "condition has a value other than new, refurbished, used", reason)
	require.Equal(t, "write exactly one of new, refurbished, used, in lower case and without spaces around it", fix)
	reason, _ = Explain(Product, TooLong, "title")
	require.Equal(t, "title is longer than the 150 characters that are allowed", reason)
	reason, _ = Explain(Product, OutOfRange, "product_review_rating")
	require.Equal(t, "product_review_rating is not from 1 to 5", reason)
}

func TestCausesHaveASeverityAndAColumn(t *testing.T) {
	t.Parallel()
	for _, text := range causeTexts {
		require.Contains(t, []Severity{Error, Warning}, text.severity, text.cause)
		if text.typical != "" {
			require.True(t, columnNamed(Product, text.typical) != nil || columnNamed(Promotion, text.typical) != nil,
				text.typical)
		}
	}
	require.Equal(t, Error, Cause("from a later release").Severity())
}

func TestRowsThatPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind Kind
		row  map[string]string
	}{
		"only what is required": {Product, minimal()},
		"every column":          {Product, complete()},
		"no brand for a film": {Product,
			with(complete(), changes{"brand": "", "product_category": "Media > DVDs & Videos"})},
		"an mpn for a gtin": {Product, with(complete(), changes{"gtin": ""})},
		"both categories": {Product,
			with(complete(), changes{"google_product_category": "166", "product_category": "Tables"})},
		"150 letters of two bytes":  {Product, with(complete(), changes{"title": strings.Repeat("é", 150)})},
		"a name in capitals":        {Product, with(complete(), changes{"title": "IKEA KALLAX 77x147"})},
		"one word in capitals":      {Product, with(complete(), changes{"title": "LEGO 10497"})},
		"a script without capitals": {Product, with(complete(), changes{"title": "有機コットン シャツ"})},
		"less than": {Product,
			with(complete(), changes{"description": "for feet < 25 cm and > 20 cm"})},
		"a domain beyond ASCII": {Product,
			with(complete(), changes{"link": "HTTPS://müller.example:8443/größe?a=100%#x"})},
		"a sale of one day": {Product,
			with(complete(), changes{"sale_price_effective_date": "2026-12-01T10:00:00Z/2026-12-01"})},
		"a sale across zones": {Product,
			with(complete(),
				changes{"sale_price_effective_date": "2026-12-01T00:00+02:00/2026-12-01T23:59:59.5-0800"})},
		"yen and dinars": {Product,
			with(complete(), changes{"shipping": "JP:ALL:Standard Shipping:3-5:500 JPY", "free_shipping_threshold": "",
				"price": "1500 JPY", "sale_price": "1499 JPY",
				"applicable_fees": "KW:ALL:Fee:1.500 KWD,JP:ALL:Fee:10 JPY"})},
		"no days": {Product,
			with(complete(), changes{"shipping": "US:ALL:Standard Shipping::20.00 USD"})},
		"postal codes": {Product,
			with(complete(), changes{
				"shipping": "US:73114-74547:Standard Shipping:3-5:0.00 USD, US:94*-95*:Express:1-2:9.00 USD,US:94103:Courier:0-1:19.00 USD,US:CA:x:1-1:1.00 USD",
			})},
		"a fee's basis": {Product,
			with(complete(), changes{"applicable_fees": "US:CA:Recycling Fee:0.25 USD:per_item"})},
		"a fee's basis in a country": {Product,
			with(complete(),
				changes{"applicable_fees": "US:CA:Recycling Fee:0.25 USD:per_item,DE:ALL:Pfand:0.25 EUR:per_item"})},
		"lines and tabs in prose": {Product,
			with(complete(), changes{"description": "Solid oak.\r\n\tWaxed; 1 & 2 < 3 – Größe 10\u00a0cm."})},
		"marks between directions": {Product, with(complete(), changes{"title": "שולחן (Oak)\u200e 2"})},
		"an address in a query": {Product,
			with(complete(), changes{"link": "https://example.com/?to=https://example.org/a;b|c&x=1"})},
		"two warnings": {Product,
			with(complete(), changes{"product_warning": "prop_65:WARNING: lead, safety_warning:Hot"})},
		"not tracked": {Product,
			with(complete(), changes{"inventory_not_tracked": "true", "inventory_quantity": ""})},
		"stock without a word on it": {Product,
			with(complete(), changes{"inventory_not_tracked": "", "inventory_quantity": "3"})},
		"no reviews": {Product,
			with(complete(), changes{"product_review_count": "0", "product_review_rating": ""})},
		"the bounds of numbers": {Product,
			with(complete(), changes{"popularity_score": "5.00", "return_rate": "100", "product_review_rating": "1"})},
		"no code, as Google says": {Product,
			with(complete(), changes{"gtin": "", "mpn": "", "identifier_exists": "no"})},
		"joiners": {Product,
			with(complete(), changes{"title": "میز می\u200cخواهم 👩\u200d🔧", "brand": "R&D; Co & Söhne"})},
		"words that are no debris": {Product, with(complete(), changes{"title": "Null-Serie Regal #3!", "brand": "NaNa",
			"mpn": "1E5", "color": "#ff0000", "size": "N/A1"})},
		"capitals beyond ASCII": {Product,
			with(complete(), changes{"title": "Irmã Âncora “MAÇÃ” é bão", "brand": "Â & Ã"})},
		"an address within another": {Product,
			with(complete(), changes{"image_link": "https://cdn.example.com/fetch/https://example.com/größe.jpg"})},
		"a query with semicolons": {Product,
			with(complete(), changes{"additional_image_link": "https://example.com/1.jpg?a=1;b=2|c"})},
		"a leap day": {Product, with(complete(), changes{"expiration_date": "2028-02-29"})},
		"nothing of a deleted row": {Product,
			with(complete(), changes{"delete": "true", "price": "free", "title": ""})},
		"inventory":              {Inventory, sampleRow(Inventory)},
		"pricing":                {Pricing, sampleRow(Pricing)},
		"pricing without a sale": {Pricing, map[string]string{"id": "a", "price": "1.00 EUR"}},
		"promotion":              {Promotion, sampleRow(Promotion)},
		"free shipping": {Promotion,
			with(sampleRow(Promotion), changes{"benefit_type": "free_shipping", "percent_off": ""})},
		"all products, automatically": {Promotion,
			with(sampleRow(Promotion),
				changes{"target_selection": "all_products", "target_ids": "", "application_type": "automatic",
					"promotion_code": "-"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, judged(c.kind, c.row))
		})
	}
}

// The specification's samples are what Explain tells people to write.
func TestSamplesPassTheirOwnChecks(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		for _, c := range Columns(k) {
			require.NotNil(t, valueChecks[c.Type], c.Name)
			require.Empty(t, valueChecks[c.Type](&c, []byte(c.Sample)), "%s %s", k, c.Name)
			require.Equal(t, c.Need == Conditional, c.Condition != "", "%s %s: conditional columns say when", k, c.Name)
		}
	}
}

func TestDeletionsAlone(t *testing.T) {
	t.Parallel()
	r := compileRules(Product, []string{"id", "delete"})
	require.True(t, r.deletes([][]byte{[]byte("a"), []byte("true")}))
	require.Empty(t, r.check([][]byte{[]byte("a"), []byte("true")}, everyPlace, nil))
	require.Empty(t, r.lacking)
	found := r.check([][]byte{[]byte("a"), nil}, everyPlace, nil)
	require.Len(t, found, len(requiredColumns(Product))-1,
		"a row that does not delete needs the columns that the file lacks")
	require.Equal(t, Missing, found[0].cause)
}

func TestAFileThatDoesNotSpeakOfAConditionIsWarnedOnce(t *testing.T) {
	t.Parallel()
	r := compileRules(Product, requiredColumns(Product))
	require.Equal(t, []problem{
		{column: "brand", cause: ColumnAbsent}, {column: "mpn", cause: ColumnAbsent},
		{column: "product_category", cause: ColumnAbsent},
	}, r.lacking)
	require.Empty(t, compileRules(Pricing, requiredColumns(Pricing)).lacking)
}

func TestVariantsAreToldApart(t *testing.T) {
	t.Parallel()
	r := compileRules(Product, []string{"size", "title", "color"})
	none := r.variants([][]byte{[]byte(" "), []byte("x"), nil})
	color := r.variants([][]byte{nil, nil, []byte("Black")})
	both := r.variants([][]byte{[]byte("10"), nil, []byte("Ecru")})
	require.Zero(t, none)
	require.NotZero(t, color)
	require.NotEqual(t, color, both)
	require.Equal(t, both, r.variants([][]byte{[]byte("11"), nil, []byte("Black")}),
		"what they fill counts, not with what")
	var variants int
	for _, c := range productColumns {
		if c.Variant {
			variants++
		}
	}
	require.LessOrEqual(t, variants, 16, "a bit for each")
}

// cleanRows are rows of 31 columns, all filled, as a large shop has them.
func cleanRows(n int) (columns []string, rows [][][]byte, bytesPerRow int) {
	row := complete()
	columns = []string{
		"id", "title", "description", "link", "brand", "gtin", "mpn", "image_link", "additional_image_link",
		"condition",
		"google_product_category", "product_category", "age_group", "material", "weight", "item_group_id",
		"item_group_title",
		"color", "size", "size_system", "gender", "availability", "inventory_not_tracked", "inventory_quantity",
		"price",
		"sale_price", "sale_price_effective_date", "tax_behavior", "shipping", "free_shipping_threshold",
		"popularity_score",
	}
	row["availability"] = "in_stock"
	row["description"] = strings.Repeat("Cut for an easy, relaxed feel, and finished by hand where it shows. ", 6)
	for i := range n {
		row["id"] = fmt.Sprintf("SKU%07d", i)
		row["link"] = fmt.Sprintf("https://shop.example.com/products/oak-side-table/%07d", i)
		row["image_link"] = row["link"] + ".jpg"
		row["additional_image_link"] = row["link"] + "-2.jpg," + row["link"] + "-3.jpg"
		fields := make([][]byte, len(columns))
		for j, column := range columns {
			fields[j] = []byte(row[column])
			bytesPerRow += len(fields[j])
		}
		rows = append(rows, fields)
	}
	return columns, rows, bytesPerRow / n
}

func TestACleanRowCostsNoMemory(t *testing.T) {
	columns, rows, _ := cleanRows(1)
	r := compileRules(Product, columns)
	found := make([]problem, 0, 1)
	require.Empty(t, r.check(rows[0], everyPlace, found))
	require.Zero(t, testing.AllocsPerRun(100, func() { found = r.check(rows[0], everyPlace, found[:0]) }))
	n := compileDialect(GoogleDialect, Product, columns)
	scratch := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, scratch = n.row(rows[0], scratch[:0]) }))
}

// fingerprintOf is the fingerprint, and the face, of a row with none above it.
func fingerprintOf(x *examiner, row [][]byte) (uint64, uint64) {
	return x.fingerprint(row, &above{}, everyPlace)
}

// What is skipped because the row above has it too would have passed, and has the same hash.
func TestARowIsJudgedAlikeBelowAnother(t *testing.T) {
	t.Parallel()
	odd := strings.Split(
		"| |A & B|A &amp; B|<b>|\u200b|SHOUTING ALL DAY|a.example|https://a.example/1|http://a.example/1.jpg|"+
			"15.00 USD|20.00 EUR|1.299 EUR|0.00 USD|preorder|in_stock|true|false|2020-01-01|2030-01-01/2020-01-01|0|3|"+
			"US:ALL:Express:3-5:1.00 EUR|DE:ALL:Express:1.00 EUR|5322.0|Media > Books|2 kg|no", "|")
	for seed := range uint64(600) {
		luck := rand.New(rand.NewPCG(seed, 6))
		kind := Kinds()[luck.IntN(len(Kinds()))]
		sample := sampleRow(kind)
		var columns []string
		for range luck.IntN(2) * 60 {
			columns = append(columns, "own") // so that places above 63 come into use
		}
		for _, c := range Columns(kind) {
			if luck.IntN(8) > 0 {
				columns = append(columns, c.Name)
			}
		}
		columns = append(columns, "identifier_exists")
		x := newExaminer(Header{Columns: columns}, Options{Kind: kind, Format: lines.CSV, Now: time0})
		var above above
		row := make([][]byte, len(columns))
		for range 30 {
			row = slices.Clone(row)
			for i, column := range columns {
				if luck.IntN(6) == 0 {
					row[i] = []byte(odd[luck.IntN(len(odd))])
				} else if row[i] == nil || luck.IntN(3) == 0 {
					row[i] = []byte(sample[column])
				}
			}
			alone, differ := x.rules.check(row, everyPlace, nil), above.differences(row)
			require.Equal(t, alone, x.rules.check(row, differ, nil), "seed %d", seed)
			switch {
			case x.rules.deletes(row):
				continue
			case len(alone) == 0 && luck.IntN(8) == 0:
				above.is(row, everyPlace) // as a row that is recognised, and not hashed
				continue
			}
			wantSum, wantFace := fingerprintOf(x, row)
			sum, face := x.fingerprint(row, &above, differ)
			require.Equal(t, wantSum, sum, "seed %d", seed)
			require.Equal(t, wantFace, face, "seed %d", seed)
			if len(alone) == 0 {
				above.is(row, 0)
			}
		}
	}
}

func BenchmarkRules(b *testing.B) {
	columns, rows, size := cleanRows(1000)
	r := compileRules(Product, columns)
	require.Empty(b, r.check(rows[0], everyPlace, nil))
	found := make([]problem, 0, 1)
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(size))
		for i := 0; b.Loop(); i++ {
			found = r.check(rows[i%len(rows)], everyPlace, found[:0])
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(columns)), "ns/field")
	})
	b.Run("normalise", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(size))
		n := compileDialect(GoogleDialect, Product, columns)
		scratch := bytes.Repeat([]byte{0}, 1024)
		for i := 0; b.Loop(); i++ {
			_, scratch = n.row(rows[i%len(rows)], scratch[:0])
		}
	})
}

func TestRulesAreSharedByGoroutines(t *testing.T) {
	t.Parallel()
	columns, rows, _ := cleanRows(50)
	r, n := compileRules(Product, columns), compileDialect(GoogleDialect, Product, columns)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			var scratch []byte
			for _, row := range rows {
				fields := slices.Clone(row)
				fields[slices.Index(columns, "availability")] = []byte("In Stock")
				_, scratch = n.row(fields, scratch[:0])
				if found := r.check(fields, everyPlace, nil); len(found) > 0 {
					t.Errorf("found %v", found)
				}
			}
		})
	}
	group.Wait()
}

// A row may be four megabytes long, and one that is made to be slow must not hold up a worker.
func TestHostileCellsCostLittle(t *testing.T) {
	t.Parallel()
	r := compileRules(Product, columnNames(Product))
	n := compileDialect(GoogleDialect, Product, columnNames(Product))
	for _, pattern := range []string{"<a", "<a>", ",", ", ", ":", "a:b:c:d,", "upsell:a,", "prop_65:a,", "prop_65,",
		"> ", "é", "A ", "9", "9,999", "US:ALL:x:1.00 USD,", "%", "-"} {
		value := []byte(strings.Repeat(pattern, 1<<18/len(pattern)))
		fields := make([][]byte, len(productColumns))
		for i := range fields {
			fields[i] = value
		}
		begun := time.Now()
		r.check(fields, everyPlace, nil)
		n.row(fields, nil)
		require.Less(t, time.Since(begun), time.Minute, pattern)
	}
}

func columnNames(k Kind) (names []string) {
	for _, c := range Columns(k) {
		names = append(names, c.Name)
	}
	return names
}
