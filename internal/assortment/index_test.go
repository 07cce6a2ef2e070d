package assortment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"

	"vitrine/internal/feed"
)

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	sound, err := Merge(nil, part(feed.Product, products+"a,A,in_stock,1,1.00 USD,,,,,\n"))
	require.NoError(t, err)
	changed := func(change func([]byte) []byte) []byte { return change(bytes.Clone(sound)) }
	signed := func(data []byte) []byte {
		body := data[:len(data)-8]
		return binary.LittleEndian.AppendUint64(bytes.Clone(body), xxhash.Sum64(body))
	}
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"empty":         {nil, "none, or cut off"},
		"other file":    {bytes.Repeat([]byte("x"), 100), "none, or cut off"},
		"cut off":       {sound[:len(sound)-1], "checksum"},
		"one bit":       {changed(func(d []byte) []byte { d[60] ^= 1; return d }), "checksum"},
		"other version": {changed(func(d []byte) []byte { d[7] = 2; return d }), "format 2"},
		"sizes":         {signed(changed(func(d []byte) []byte { d[16]++; return d })), "add up"},
		"no free slot":  {signed(changed(func(d []byte) []byte { d[8] = 64; return d })), "add up"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(c.data)
			var file *FileError
			require.ErrorAs(t, err, &file)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestFindInAFileOfManyRows(t *testing.T) {
	t.Parallel()
	x := merged(t, nil, part(feed.Product, rows(5000)))
	require.Equal(t, 5000, x.Len())
	for n := range 5000 {
		require.Equal(t, int64(n%50), item(t, x, sku(n)).Quantity)
	}
	for _, id := range []string{"", "sku", sku(5000), strings.Repeat("x", 70_000)} {
		_, found := x.Find(id)
		require.False(t, found, id)
	}
}

func sku(n int) string { return fmt.Sprintf("SKU-%07d", n) }

func rows(n int) string {
	var b strings.Builder
	b.WriteString(products)
	for i := range n {
		fmt.Fprintf(&b,
			"%s,Organic cotton shirt with a rather usual title %d,in_stock,%d,%d.99 USD,,,\"US:ALL:Standard:3-5:5.00 USD,US:ALL:Express:1-2:15.00 USD\",,\n", sku(i), i, i%50, i%200+1)
	}
	return b.String()
}

// FuzzOpen reads what may be any bytes with a right checksum: nothing in them may lead out of them.
func FuzzOpen(f *testing.F) {
	sound, err := Merge(nil,
		part(feed.Product, products+"a,A,in_stock,1,1.00 USD,,,US:ALL:S::1.00 USD,,\nb,,,,,,,,,true\n"))
	require.NoError(f, err)
	f.Add(sound[:len(sound)-8])
	f.Fuzz(func(t *testing.T, body []byte) {
		x, err := Open(binary.LittleEndian.AppendUint64(bytes.Clone(body), xxhash.Sum64(body)))
		if err != nil {
			return
		}
		for _, id := range []string{"a", "b", ""} {
			if i, ok := x.Find(id); ok {
				_ = i.Terms()
				i.PriceAt(at).MinorUnits()
			}
		}
		_, _ = Merge(x, part(feed.Inventory, "id,availability,inventory_quantity\na,in_stock,1\n"))
	})
}

// FuzzMerge: whatever rows say, the file can be opened, and merging them again changes nothing.
func FuzzMerge(f *testing.F) {
	f.Add(products + "a,A,in_stock,1,1.00 USD,,,US:ALL:S::1.00 USD,,\n")
	f.Fuzz(func(t *testing.T, rows string) {
		once, err := Merge(nil, part(feed.Product, rows))
		if err != nil {
			return
		}
		x, err := Open(once)
		require.NoError(t, err)
		twice, err := Merge(x, part(feed.Product, rows))
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}

func BenchmarkFind(b *testing.B) {
	x := merged(b, nil, part(feed.Product, rows(280_000)))
	b.ReportMetric(float64(x.Bytes())/float64(x.Len()), "B/row")
	b.ReportAllocs()
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = sku(i * 271)
	}
	for n := 0; b.Loop(); n++ {
		if _, ok := x.Find(ids[n%len(ids)]); !ok {
			b.Fatal(n)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	data, err := Merge(nil, part(feed.Product, rows(280_000)))
	require.NoError(b, err)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Open(data)
	}
}

func BenchmarkMerge(b *testing.B) {
	x := merged(b, nil, part(feed.Product, rows(280_000)))
	changes := rows(1000)
	runtime.GC()
	b.ReportAllocs()
	for b.Loop() {
		_, err := Merge(x, part(feed.Product, changes))
		require.NoError(b, err)
	}
}
