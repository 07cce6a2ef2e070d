package feed

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// The program that writes a file may change how it quotes from one version to the next. What products are called stays
// the same, so nothing is sent, deleted or waits.
func TestAFileMayTurnToOtherQuotes(t *testing.T) {
	t.Parallel()
	titles := []string{`Oak "big" table`, `"Oak" table`, `Pipe 5"`, `Oak table`, `Oak; table`}
	source := func(quote func(string) string) string {
		text := strings.ReplaceAll(heading, ",", "\t")
		for i, title := range titles {
			text += strings.Join([]string{string(rune('A' + i)), quote(title), "Solid oak.", "https://example.com/t",
				"https://example.com/t.jpg", "in_stock", "1.00 USD"}, "\t") + "\n"
		}
		return text
	}
	ways := map[lines.Quotes]string{
		lines.RFC4180Quotes:   source(func(v string) string { return `"` + strings.ReplaceAll(v, `"`, `""`) + `"` }),
		lines.BackslashQuotes: source(func(v string) string { return `"` + strings.ReplaceAll(v, `"`, `\"`) + `"` }),
		lines.LiteralQuotes:   source(func(v string) string { return v }),
	}
	for before, first := range ways {
		for after, second := range ways {
			o := Options{Kind: Product, Format: lines.TSV}
			o.Manifest = manifestAfter(t, o, nil, first)
			require.Equal(t, len(titles), o.Manifest.Rows.Len(), before)
			d, out := compared(t, second, o)
			require.Equal(t, "5 unchanged", outcome(t, d, out, o), "from %s to %s: %v", before, after, out.found)
			require.Equal(t, after, d.Reading.Quotes)
			require.Zero(t, d.Reading.Waiting)
		}
	}
}

// What changes brings is what a row says, whatever the feed: rows that are not there stay.
func TestChangesOfEveryFeed(t *testing.T) {
	t.Parallel()
	sources := map[Kind][2]string{
		Product: {heading + item("A", "1") + item("B", "1"),
			sevenColumns + ",delete\n" + strings.TrimSuffix(item("B", "2"), "\n") + ",\n"},
		Inventory: {"id,availability,inventory_quantity\nA,in_stock,1\nB,in_stock,1\n",
			"id,availability,inventory_quantity\nB,out_of_stock,0\n"},
		Pricing: {"id,price\nA,1.00 USD\nB,1.00 USD\n", "id,price\nB,2.00 USD\n"},
	}
	for k, source := range sources {
		o := Options{Kind: k, Format: lines.CSV, Changes: true}
		o.Manifest = manifestAfter(t, o, nil, source[0])
		d, out := compared(t, source[1], o)
		require.Equal(t, "send B", outcome(t, d, out, o), k)
		after := settled(t, o.Manifest, d)
		require.Equal(t, 2, after.Rows.Len(), "%s: A stays", k)
		o.Manifest = after
		d, out = compared(t, source[1], o)
		require.Equal(t, "1 unchanged", outcome(t, d, out, o), k)
	}
}
