package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// caseFile is a small file as merchants' programs write them; each stands for a kind.
func caseFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "cases", name))
	require.NoError(t, err)
	return string(text)
}

// shopOf is an account of its own whose file ends as a case's does.
func (r *room) shopOf(name string) *room {
	r.t.Helper()
	shop := *r
	shop.account += strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, name)
	settings := account.Settings{Account: shop.account, SourceKey: "cases/{account}/{feed}" + filepath.Ext(name)}
	require.NoError(r.t, shop.accounts.SaveSettings(r.t.Context(), settings))
	return &shop
}

func (r *room) exportCase(name, text string) {
	r.t.Helper()
	r.put(r.layout.SourceBucket, "cases/"+r.account+"/product"+filepath.Ext(name), strings.NewReader(text))
}

// listed are the ids of a case whose rows are one line each.
func listed(text string) (ids []string) {
	for line := range strings.Lines(text) {
		if id := line[:strings.IndexAny(line, ",\t")]; id != "id" {
			ids = append(ids, id)
		}
	}
	return ids
}

// Quotes that were not meant, or went wrong: every product keeps its own row and its own price, and none is deleted.
func TestQuotesThatWentWrong(t *testing.T) {
	m := enter(t)
	m.startWorker()
	for name, c := range map[string]struct {
		broken, mended string // what makes the case, and what a program that writes quotes well would write
		keptBack       string
	}{
		"stray-quote-wrong-price.tsv": {`"`, "", ""},
		"stray-quote-deletes.tsv":     {`"`, "", ""},
		"backslash-quotes.csv":        {`24\"`, "24", ""},
		"never-closed.csv":            {`"`, "", "P0010"},
	} {
		shop, text := m.shopOf(name), caseFile(t, name)
		whole := strings.ReplaceAll(text, c.broken, c.mended)
		require.NotEqual(t, whole, text, name)
		shop.exportCase(name, whole)
		shop.syncs(catalog.Succeeded)
		before := shop.prices()
		require.Equal(t, listed(whole), slices.Sorted(maps.Keys(before)), name)

		shop.exportCase(name, text)
		want := catalog.Succeeded
		if c.keptBack != "" {
			want = catalog.SucceededWithErrors
		}
		rows := shop.syncsWith(again, want).Rows
		require.Equal(t, before, shop.prices(), name)
		require.Zero(t, rows.Deleted, name)
		if c.keptBack == "" {
			require.Zero(t, rows.KeptBack, name)
			require.NotEmpty(t, shop.report().Reading.QuotesWhy, "%s: it says how quotes were read, and why", name)
			continue
		}
		found := shop.findings(shop.report())
		require.Len(t, found, 1, name)
		require.Equal(t, [2]any{c.keptBack, int64(11)}, [2]any{found[0].ID, found[0].Line}, name)
	}
}

// What spreadsheets leave behind is read, or named; a file that is right stays right.
func TestSpreadsheetsAreRead(t *testing.T) {
	m := enter(t)
	m.startWorker()
	for name, products := range map[string]int{
		"newlines-that-are-right.csv": 30, "carriage-returns-only.csv": 2, "comma-only-rows.csv": 60,
		"backslash-quotes.csv": 30,
	} {
		shop, text := m.shopOf(name), caseFile(t, name)
		shop.exportCase(name, text)
		rows := shop.syncs(catalog.Succeeded).Rows
		require.Equal(t, products, shop.products(), name)
		require.Equal(t, int64(products), rows.Accepted, name)
		if name == "comma-only-rows.csv" {
			require.Equal(t, int64(100), shop.report().Reading.Blank, "they are passed over, and counted")
		}
		if name == "backslash-quotes.csv" {
			require.Contains(t, shop.titles(), `Oak plank 24"`)
		}
	}
}

// titles of the products that Stripe has.
func (r *room) titles() (titles []string) {
	r.t.Helper()
	products, err := r.emulator.Catalog(r.t.Context(), r.account)
	require.NoError(r.t, err)
	for _, p := range products {
		titles = append(titles, p.Title)
	}
	return titles
}

// A person looks before everything is sold for nothing, before variants fall out, and before amounts are sent that no
// currency has.
func TestCasesThatAPersonSees(t *testing.T) {
	m := enter(t)
	m.startWorker()
	shop := m.shopOf("sale-before.csv")
	shop.exportCase(".csv", caseFile(t, "sale-before.csv"))
	shop.syncs(catalog.Succeeded)
	before := shop.prices()
	shop.exportCase(".csv", caseFile(t, "sale-zero.csv"))
	shop.holds()
	require.Contains(t, shop.guards(), catalog.GuardFreeProducts)
	require.Equal(t, before, shop.prices())

	shop = m.shopOf("one-id-for-variants.csv")
	shop.exportCase(".csv", caseFile(t, "one-id-for-variants.csv"))
	shop.holds()
	require.Contains(t, shop.guards(), catalog.GuardDuplicateIDs)
	require.Zero(t, shop.products())

	shop = m.shopOf("three-decimals.csv")
	shop.exportCase(".csv", caseFile(t, "three-decimals.csv"))
	shop.holds()
	require.Contains(t, shop.guards(), catalog.GuardInvalidRows)
	require.Contains(t, shop.state().Held.Text(), "4 of 5 rows have errors")
	file, err := filepath.Abs(filepath.Join("testdata", "cases", "three-decimals.csv"))
	require.NoError(t, err)
	got := shop.starter("validate", file, "--output", "csv")
	require.Equal(t, 4, got.code, got.stderr)
	for id, cause := range map[string]feed.Cause{
		"P0001": feed.TooManyDecimals, "P0002": feed.NotChargeable, "P0003": feed.NotChargeable,
		"P0004": feed.NotChargeable,
	} {
		require.Regexp(t, id+",price,.*,error,.*"+string(cause), got.stdout)
	}
	require.NotContains(t, got.stdout, "P0005,price", "yen have no parts, and need none")
}
