package feed

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

func headerRow(names string) lines.Row {
	var row lines.Row
	for name := range strings.SplitSeq(names, ",") {
		row.Fields = append(row.Fields, []byte(name))
	}
	return row
}

const sevenColumns = "id,title,description,link,image_link,availability,price"

func TestHeadersThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names   string
		kind    Kind
		dialect Dialect
		want    []string
	}{
		"inventory without a quantity": {"id,availability", Inventory, "",
			[]string{"required columns are missing: inventory_quantity"}},
		"pricing under another name": {"ID,price", Pricing, "",
			[]string{"missing: id", `is "ID" meant to be id?`}},
		"a promotion is not named by id": {"id,delete", Promotion, "", []string{"missing: promotion_id"}},
		"inventory cannot be deleted": {"id,delete", Inventory, "",
			[]string{"missing: availability, inventory_quantity"}},
		"deletions with a title": {"id,title,delete", Product, "",
			[]string{"missing: description", "a file that only deletes has no columns but id and delete"}},
		"Google's names without a dialect": {"id,title,description,link,image link,availability,price", Product,
			StripeDialect, []string{`is "image link" meant to be image_link?`}},
		"a column twice, in any dialect": {sevenColumns + ",price", Product, GoogleDialect,
			[]string{"columns appear twice: price"}},
		"many without a name": {sevenColumns + strings.Repeat(",", 30) + "brand", Product, "",
			[]string{"column 8 (H in a spreadsheet) behind price, column 9 (I",
				"and 9 more has no name: give it one, or remove the column"}},
		"the first without a name": {"," + sevenColumns, Product, "",
			[]string{"column 1 (A in a spreadsheet) before id has no name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseHeader(headerRow(c.names), c.kind, lines.CSV, c.dialect)
			var problems *HeaderError
			require.ErrorAs(t, err, &problems)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestHeadersThatPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names   string
		kind    Kind
		dialect Dialect
		want    Header
	}{
		"an unknown column": {"id,price,tax", Pricing, "",
			Header{Columns: []string{"id", "price", "tax"}, Unknown: []string{"tax"}}},
		"deletions alone": {"id,delete", Product, "", Header{Columns: []string{"id", "delete"}}},
		"promotions to delete": {"delete,promotion_id", Promotion, "",
			Header{Columns: []string{"delete", "promotion_id"}}},
		"Google's names": {"g:id,Price,sale price", Pricing, GoogleDialect, Header{
			Columns: []string{"id", "price", "sale_price"},
			Renamed: []Renaming{{"g:id", "id"}, {"Price", "price"}, {"sale price", "sale_price"}}}},
		"Stripe's name before Google's": {"Price,price,id,PRICE", Pricing, GoogleDialect, Header{
			Columns: []string{"Price", "price", "id", "PRICE"}, Unknown: []string{"Price", "PRICE"}}},
		"the first of Google's names": {"Price,id,PRICE", Pricing, GoogleDialect, Header{
			Columns: []string{"price", "id", "PRICE"}, Unknown: []string{"PRICE"},
			Renamed: []Renaming{{"Price", "price"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := parseHeader(headerRow(c.names), c.kind, lines.CSV, c.dialect)
			require.NoError(t, err)
			require.Equal(t, c.want, h)
		})
	}
}

// A file whose line ends are lost is one header.
func TestAHugeHeaderIsJudgedInNoTime(t *testing.T) {
	t.Parallel()
	var row lines.Row
	for i := range 200_000 {
		row.Fields = append(row.Fields, fmt.Appendf(nil, "SKU%d", i/2))
	}
	begun := time.Now()
	_, err := parseHeader(row, Product, lines.CSV, GoogleDialect)
	require.ErrorContains(t, err, "is the first row really a header?")
	require.Less(t, len(err.Error()), 1000)
	require.Less(t, time.Since(begun), time.Minute)
}
