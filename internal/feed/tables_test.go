package feed

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

func TestHeaderWithAnotherNameForTheID(t *testing.T) {
	o := Options{Kind: Product, Format: lines.CSV, PriceMove: 0.6, Manifest: NewManifest(Product),
		Now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	for _, header := range []string{
		"sku,description,title,link,image_link,availability,price",
		"SKU,Description,Title,URL,Image Link,Availability,Price",
		"Artikelnummer,title,description,link,additional_image_link,availability,sale_price",
	} {
		file := heading + offered("A", "Oak", "15.00 USD", "") + header + "\n" + offered("B", "Ash", "16.00 USD", "")
		d, out := compared(t, file, o)
		require.Equal(t, "send A, 2 held back", outcome(t, d, out, o), header)
		require.Contains(t, out.found[0], "other_header", header)
		require.Contains(t, out.found[0], "3 ", header)
	}
}
