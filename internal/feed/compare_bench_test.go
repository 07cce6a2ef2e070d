package feed

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// benchCatalog is a catalog as a large shop has it: 280,000 rows of 31 columns, 200 MB. revision changes one row in a
// hundred.
func benchCatalog(rows, revision int) []byte {
	var out bytes.Buffer
	out.Grow(rows * 740)
	out.WriteString(
		"id,title,description,link,brand,gtin,mpn,image_link,additional_image_link,condition,google_product_category,age_group,material,weight,item_group_id,item_group_title,color,size,size_system,gender,availability,inventory_not_tracked,inventory_quantity,price,tax_behavior,shipping,popularity_score,return_rate,product_review_count,product_review_rating,custom_label_0\n")
	luck := rand.New(rand.NewPCG(1, 2))
	praise := strings.Repeat("Made in small batches by a workshop that has been at it for three generations. ", 3)
	for i := range rows {
		group := i / 6
		cents := 1900 + luck.IntN(9000)
		if revision > 0 && i%100 == revision {
			cents++
		}
		fmt.Fprintf(&out,
			"SKU%07d-%c,Everyday Organic Cotton Shirt - Forest Green %d,\"%s, and \"\"so on\"\"\",https://northloom.example.com/products/sku%07d,Northloom,%s,MPN%07d,https://northloom.example.com/images/sku%07d.jpg,\"https://northloom.example.com/images/sku%07d-2.jpg,https://northloom.example.com/images/sku%07d-3.jpg\",new,212,adult,organic cotton,250 g,GROUP%06d,Everyday Organic Cotton Shirt,Forest Green,%d,US,unisex,in_stock,false,%d,%d.%02d USD,exclusive,\"US:ALL:Standard:3-5:4.95 USD,US:ALL:Express:1-2:14.95 USD\",4.5,2.0,%d,4.3,core\n",
			i, 'A'+i%6, i, praise, i, "4006381333931", i, i, i, i, group, 30+i%6, luck.IntN(200), cents/100, cents%100,
			1+luck.IntN(400))
	}
	return out.Bytes()
}

type discard struct{ bytes int64 }

func (d *discard) Begin() error                  { return nil }
func (d *discard) Part(int) (PartFile, error)    { return d, nil }
func (d *discard) Found(Finding, *Refusal) error { return nil }
func (d *discard) Write(p []byte) (int, error)   { d.bytes += int64(len(p)); return len(p), nil }
func (d *discard) Close() error                  { return nil }
func (d *discard) Abort()                        {}

func opens(data []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// manifestOf is the manifest after Stripe took everything.
func manifestOf(tb testing.TB, data []byte) *Manifest {
	tb.Helper()
	delta, err := Compare(opens(data), Options{Kind: Product, Format: lines.CSV}, &discard{})
	require.NoError(tb, err)
	m := NewManifest(Product)
	for _, part := range delta.Parts {
		m, err = m.Settle(part.Table, time0, func([]byte) (RowVerdict, bool) { return RowVerdict{}, false })
		require.NoError(tb, err)
	}
	return m
}

// readWithCSV reads rows as sparingly as encoding/csv can.
func readWithCSV(data []byte) {
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	for {
		if _, err := r.Read(); err != nil {
			return
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	const rows = 280_000
	before, after := benchCatalog(rows, 0), benchCatalog(rows, 7)
	manifest := manifestOf(b, before)
	encoded, err := manifest.Encode()
	require.NoError(b, err)

	b.Run("encoding-csv", func(b *testing.B) {
		b.SetBytes(int64(len(before)))
		b.ReportAllocs()
		for b.Loop() {
			readWithCSV(before)
		}
	})
	for _, c := range []struct {
		name     string
		data     []byte
		manifest bool
	}{{"first", before, false}, {"unchanged", before, true}, {"changed", after, true}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			b.ReportAllocs()
			var sent int64
			for b.Loop() {
				o := Options{Kind: Product, Format: lines.CSV, PriceMove: 0.6, MaxPartBytes: 1 << 30}
				if c.manifest {
					if o.Manifest, err = ParseManifest(Product, encoded); err != nil {
						b.Fatal(err)
					}
				}
				out := &discard{}
				if _, err := Compare(opens(c.data), o, out); err != nil {
					b.Fatal(err)
				}
				sent = out.bytes
			}
			b.ReportMetric(100*float64(sent)/float64(len(c.data)), "%sent")
		})
	}
}

func BenchmarkManifest(b *testing.B) {
	const rows = 1_000_000
	all := &Table{}
	for i := range rows {
		id := fmt.Appendf(nil, "SKU%07d-A", i)
		require.NoError(b, all.Add(Entry{ID: id, Fingerprint: uint64(i + 1),
			Price: Amount{int64(i * 10), Currency{'U', 'S', 'D'}}, Line: int64(i + 2)}))
	}
	accepted := func([]byte) (RowVerdict, bool) { return RowVerdict{}, false }
	m, err := NewManifest(Product).Settle(all, time0, accepted)
	require.NoError(b, err)
	encoded, err := m.Encode()
	require.NoError(b, err)
	ids := 0
	for i := range rows {
		ids += len(m.Rows.id(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := ParseManifest(Product, encoded)
		require.NoError(b, err)
		hint := 0
		for i := range rows {
			n, ok := m.Rows.Find(all.id(i), hint)
			if !ok || m.Rows.fingerprint(n) != uint64(i+1) {
				b.Fatal("lost")
			}
			hint = n + 1
		}
		m, err = m.Settle(all, time0, accepted)
		require.NoError(b, err)
		_, err = m.Encode()
		require.NoError(b, err)
	}
	b.ReportMetric(float64(len(encoded)-ids)/rows, "B/row")
}
