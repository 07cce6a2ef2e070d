package activities

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
)

// BenchmarkCheckOrder looks two SKUs up of an account with 200,000 products, whose objects cost no travel here: by the
// assortment in memory, and by reading the manifest for each order.
func BenchmarkCheckOrder(b *testing.B) {
	const products = 200_000
	store := objectstoretest.NewMemory("s")
	layout := statestore.Layout{StateBucket: "s", StatePrefix: "state/"}
	documents := assortment.Documents{Store: statestore.Store{Objects: store, Layout: layout}}
	orders := &OrderFulfillment{
		Catalog:     catalog.Documents{Store: statestore.Store{Objects: store, Layout: layout}},
		Assortments: assortment.NewStore(documents.Assortments(1<<30), 1<<30, time.Now, nil),
	}
	manifest := feed.NewManifest(feed.Product)
	var rows strings.Builder
	rows.WriteString("id,title,availability,price\n")
	for i := range products {
		fmt.Fprintf(&rows, "sku%d,Title,in_stock,10.00 USD\n", i)
		require.NoError(b, manifest.Rows.Add(feed.Entry{ID: fmt.Appendf(nil, "sku%d", i)}))
	}
	require.NoError(b, orders.Catalog.SaveManifest(b.Context(), "acct_1", manifest, ""))
	in := CheckOrderInput{ID: order.ID{Account: "acct_1", Session: "cs_1"}, SKUs: []string{"sku7", "sku199999"}}
	look := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			checked, err := orders.CheckOrder(b.Context(), in)
			if err != nil || len(checked.Problems) > 0 {
				b.Fatal(checked, err)
			}
		}
	}
	b.Run("manifest", look)
	part := assortment.Part{Kind: feed.Product, Format: lines.CSV, Refused: func([]byte) bool { return false },
		Full: true, Number: 1, Parts: 1, At: time.Now()}
	require.NoError(b, documents.Settle(b.Context(), "acct_1", part,
		func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(rows.String())), nil }))
	orders.Assortments = assortment.NewStore(documents.Assortments(1<<30), 1<<30, time.Now, nil)
	b.Run("assortment", look)
}
