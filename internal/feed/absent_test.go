package feed

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Absent and empty mean the same: whatever columns a file has, one more in which nothing stands changes no verdict.
func TestABlankColumnChangesNoVerdict(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		luck := rand.New(rand.NewPCG(seed, 7))
		for _, k := range Kinds() {
			row := someRow(luck, k)
			before := verdict(k, row)
			for _, c := range Columns(k) {
				if _, there := row[c.Name]; !there && c.Need != Required {
					row[c.Name] = ""
					require.Equal(t, before, verdict(k, row), "seed %d: %s is there and blank in %v", seed, c.Name, row)
					delete(row, c.Name)
				}
			}
		}
	}
}

// someRow has what is required, and some of the other columns: with their samples, or blank.
func someRow(luck *rand.Rand, k Kind) map[string]string {
	row := map[string]string{}
	for _, c := range Columns(k) {
		switch n := luck.IntN(4); {
		case c.Name == "delete":
		case c.Need == Required || n == 0:
			row[c.Name] = c.Sample
		case n == 1:
			row[c.Name] = ""
		}
	}
	for column, values := range map[string][]string{
		"availability": {"preorder", "in_stock"}, "inventory_not_tracked": {"true", "false"}, "google_product_category": {"2271", "Furniture > Tables"},
		"target_selection": {"all_products", "specific_products"}, "benefit_type": {"percent_off", "amount_off", "free_shipping"},
	} {
		if _, there := row[column]; there {
			row[column] = values[luck.IntN(len(values))]
		}
	}
	return row
}

// verdict is what becomes of a row: its errors, in the order of their columns.
func verdict(k Kind, row map[string]string) (errors []string) {
	for _, found := range judged(k, row) {
		if cause, _, _ := strings.Cut(found, ":"); Cause(cause).Severity() == Error {
			errors = append(errors, found)
		}
	}
	slices.Sort(errors)
	return errors
}

func TestProductsThatExpired(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]bool{
		"2026-06-14T11:59:00Z": true, "2026-06-15T12:00:01Z": false, "2026-06-15": false, "2026-06-14": true, "2026-12-31": false,
		"": false, "soon": false,
	} {
		require.Equal(t, want, Expired([]byte(date), inJune.Unix()), date)
	}
	require.False(t, Expired([]byte("2020-01-01"), 0), "without a clock nothing is over")
	source := sevenColumns + ",expiration_date\n" + strings.TrimSuffix(item("A", "1"), "\n") + ",2026-01-01\n"
	d, out := compared(t, source, Options{Now: inJune})
	require.Equal(t, []string{"2 A expired expiration_date"}, out.found)
	require.EqualValues(t, 1, d.Counts.Sent, "it is no more than a warning")
	_, out = compared(t, source, Options{Now: time.Time{}})
	require.Empty(t, out.found)
}
