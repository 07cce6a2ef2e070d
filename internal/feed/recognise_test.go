package feed

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// A row is recognised if it stands in the file as it stood when Stripe took it, nothing was wrong with it, and it would
// be judged by the same. (That a row which is recognised is judged as any other is checked with every comparison.)
func TestWhichRowsAreRecognised(t *testing.T) {
	t.Parallel()
	row := strings.TrimSuffix(item("A", "1"), "\n")
	source := heading + item("A", "1") + item("B", "2")
	quoted := strings.Replace(heading+item("A", "1"), "A,", `"A",`, 1)
	warned := strings.Replace(heading+item("A", "1"), "Oak", "Oak &amp; ash", 1)
	unsound := heading + unsound("A")
	shelf := sevenColumns + ",shelf\n" + row + ",7\n"
	dated := sevenColumns + ",expiration_date\n" + row + ",2026-03-03T00:00:00Z\n"
	invalid, dropped, google := Options{SendInvalid: true}, Options{DropUnknown: true}, Options{Dialect: GoogleDialect}
	march := func(day int) Options { return Options{Now: time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC)} }
	for name, c := range map[string]struct {
		before, after       string
		settings, then      Options
		recognised, expired int
	}{
		"as they were":       {before: source, after: source, recognised: 2},
		"in another order":   {before: source, after: heading + item("B", "2") + item("A", "1"), recognised: 2},
		"one changed":        {before: source, after: heading + item("A", "1") + item("B", "3"), recognised: 1},
		"CRLF, now":          {before: source, after: strings.ReplaceAll(source, "\n", "\r\n"), recognised: 2},
		"quotes, now":        {before: source, after: quoted, recognised: 0},
		"quotes":             {before: quoted, after: quoted, recognised: 1},
		"no line end":        {before: source, after: strings.TrimSuffix(source, "\n"), recognised: 1},
		"another row's text": {before: source, after: heading + item("A", "2"), recognised: 0},
		"a column more":      {before: source, after: sevenColumns + ",color\n" + row + ",\n", recognised: 0},
		"a column renamed": {before: sevenColumns + ",color\n" + row + ",10\n",
			after: sevenColumns + ",size\n" + row + ",10\n", recognised: 0},
		"a warning":                   {before: warned, after: warned, recognised: 0},
		"an error, sent all the same": {before: unsound, after: unsound, settings: invalid, then: invalid},
		"a column that is not sent":   {before: shelf, after: shelf, settings: dropped, then: dropped, recognised: 1},
		"… which was sent":            {before: shelf, after: shelf, then: dropped},
		"quotes that are text, now":   {before: source, after: source, then: Options{Quotes: lines.LiteralQuotes}},
		"a dialect":                   {before: source, after: source, settings: google, then: google},
		"offered still":               {before: dated, after: dated, settings: march(1), then: march(2), recognised: 1},
		"offered no longer":           {before: dated, after: dated, settings: march(1), then: march(4), expired: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifest, err := ParseManifest(Product, encoded(t, manifestAfter(t, c.settings, nil, c.before)))
			require.NoError(t, err)
			c.then.Manifest = manifest
			_, out := compared(t, c.after, c.then)
			require.Equal(t, c.expired, strings.Count(strings.Join(out.found, "\n"), string(ExpirationPassed)))
			require.Equal(t, c.recognised, recognised(t, c.after, c.then))
		})
	}
}

// recognised counts the rows of a source that are not judged again.
func recognised(t *testing.T, source string, o Options) (count int) {
	t.Helper()
	o.Kind, o.Format = Product, lines.CSV
	if o.Dialect == "" {
		o.Dialect = StripeDialect
	}
	c := newComparison(o, &recorder{})
	cutter := lines.NewCutter(strings.NewReader(source), lines.CSV, c.quotes)
	w := newWork()
	require.NoError(t, cutter.Cut(&w.Batch))
	require.NoError(t, c.begin(cutter, w))
	require.NoError(t, cutter.Cut(&w.Batch))
	for i := range w.Rows {
		e := examined{text: w.BytesOf(&w.Rows[i]), fields: w.FieldsOf(&w.Rows[i])}
		if e.id = c.x.name(&w.Rows[i], e.fields); c.x.recognise(w, &w.Rows[i], &e) {
			count++
		}
	}
	return count
}

// What was judged by other rules is judged anew: rulesVersion has to be raised with them. This digest is of what the
// rules say of some thousand rows, and of their fingerprints. If it has changed, raise rulesVersion, and write the new
// digest here.
func TestRulesAreThoseOfTheirVersion(t *testing.T) {
	t.Parallel()
	said := fnv.New64a()
	for seed := range uint64(300) {
		luck := rand.New(rand.NewPCG(seed, 11))
		for _, k := range Kinds() {
			row := map[string]string{}
			for _, c := range Columns(k) {
				if c.Name != "delete" && (c.Need == Required || luck.IntN(3) == 0) {
					row[c.Name] = c.Sample
				}
			}
			fmt.Fprintln(said, k, judged(k, row))
			for _, c := range Columns(k) {
				row := maps.Clone(row)
				row[c.Name] = tellingValues[luck.IntN(len(tellingValues))]
				fmt.Fprintln(said, c.Name, row[c.Name], judged(k, row))
			}
		}
	}
	for _, columns := range [][]string{{"id", "title", "price"}, {"price", "id", "title"}} {
		x := newExaminer(Header{Columns: columns}, Options{Kind: Product, Format: lines.CSV})
		sum, _ := fingerprintOf(x, [][]byte{[]byte("A"), nil, []byte(tellingValues[len(tellingValues)-1])})
		fmt.Fprintln(said, sum)
	}
	require.Equal(t, "rules 3: 4edefe7f23d5d1d0", fmt.Sprintf("rules %d: %x", rulesVersion, said.Sum(nil)))
}

// tellingValues are values about which rules have an opinion.
var tellingValues = []string{
	"", " ", "0", "1", "-1", "1.5", "1,5", "007", "1e3", "true", "TRUE", "yes", "no", "n/a", "null", "-", "A B", "A,B",
	"A;B", "A|B", "A&amp;B", "<b>A</b>", "A\u200bB", "A\ufffdB", "A\x01B", "AAAAAAAAAA", strings.Repeat("word ", 40),
	strings.Repeat("long ", 1200), "0.00 USD", "1.00 USD", "1.00 usd", "USD 1.00", "$1.00", "1.299 EUR", "1000 JPY",
	"1.50 JPY", "1.000 KWD", "1.001 KWD", "99999999.99 USD", "1.00 BGN", "https://example.com/a", "http://example.com",
	"https://localhost/a", "example.com/a", "https://example.com/a b",
	"https://example.com/a.jpg,https://example.com/b.jpg",
	"2026-03-01", "2026-03-01T10:00Z", "2026-03-01T10:00Z/2026-04-01T10:00Z", "2020-01-01T00:00:00Z", "01/03/2026",
	"US", "us", "XX", "US:ALL:Standard:3-5:4.95 USD", "US:::4.95 USD", "US:ALL:4.95 USD", "US:94*:Express:1-2:4.95 EUR",
	"in_stock", "in stock", "preorder", "new", "refurbished", "4006381333931", "4006381333932", "212", "5322.0",
	"Furniture > Tables", "10 kg", "10kg", "10 stone", "5 year", "1 week", "adult", "unisex", "exclusive", "per_item",
}
