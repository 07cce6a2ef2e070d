package catalogs_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
	"vitrine/sandbox/catalogs"
)

func TestWriteGivesTheSameBytesForTheSameOptions(t *testing.T) {
	options := catalogs.Options{Rows: 500, Seed: 7}
	require.Equal(t, written(t, options), written(t, options))
	options.Seed++
	require.NotEqual(t, written(t, catalogs.Options{Rows: 500, Seed: 7}), written(t, options))
}

func TestEveryIDIsThereOnce(t *testing.T) {
	for _, assortment := range []catalogs.Assortment{catalogs.Apparel, catalogs.HomeGoods} {
		records := parsed(t, catalogs.Options{Assortment: assortment, Rows: 4000, Seed: 3})
		require.Len(t, records, 4001)
		seen := map[string]bool{}
		for _, record := range records[1:] {
			require.False(t, seen[record[0]], "id %s", record[0])
			seen[record[0]] = true
		}
	}
}

func TestVariantsOfAGroupFillTheSameColumns(t *testing.T) {
	records := parsed(t, catalogs.Options{Rows: 1000, Seed: 1})
	group, color, size := column(records, "item_group_id"), column(records, "color"), column(records, "size")
	variants := map[string]int{}
	for _, record := range records[1:] {
		require.NotEmpty(t, record[group])
		require.NotEmpty(t, record[color])
		require.NotEmpty(t, record[size])
		variants[record[group]]++
	}
	require.Greater(t, len(records)-1, 3*len(variants), "items have several variants each")
}

func TestBadRowsAreSpreadAndNamed(t *testing.T) {
	var out bytes.Buffer
	summary, err := catalogs.Write(&out, catalogs.Options{Rows: 700, BadRows: 7, Seed: 2})
	require.NoError(t, err)
	require.Equal(t, 700, summary.Rows)
	require.Len(t, summary.Bad, 7)
	records, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	for i, bad := range summary.Bad {
		require.Equal(t, 100*(i+1), bad.Row)
		require.Equal(t, bad.ID, records[bad.Row][0])
	}
}

func TestARevisionChangesAFewRows(t *testing.T) {
	before := parsed(t, catalogs.Options{Assortment: catalogs.HomeGoods, Rows: 1000, Seed: 5})
	after := parsed(t, catalogs.Options{Assortment: catalogs.HomeGoods, Rows: 1000, Seed: 5, Revision: 1})
	changed := 0
	for i := range before {
		require.Equal(t, before[i][0], after[i][0])
		if !equal(before[i], after[i]) {
			changed++
		}
	}
	require.Equal(t, 20, changed)
}

func TestMinBytesGoesOnBeyondRows(t *testing.T) {
	summary, err := catalogs.Write(io.Discard, catalogs.Options{Rows: 10, MinBytes: 1 << 20})
	require.NoError(t, err)
	require.GreaterOrEqual(t, summary.Bytes, int64(1<<20))
	require.Less(t, summary.Bytes, int64(1<<20+8192))
}

func TestGzipHoldsTheSameCatalog(t *testing.T) {
	plain := catalogs.Options{Rows: 100, Format: lines.TSV}
	compressed := plain
	compressed.Gzip = true
	reader, err := gzip.NewReader(bytes.NewReader(written(t, compressed)))
	require.NoError(t, err)
	unpacked, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, written(t, plain), unpacked)
}

func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		summary, err := catalogs.Write(io.Discard, catalogs.Options{Rows: 20000})
		require.NoError(b, err)
		b.SetBytes(summary.Bytes)
	}
}

func written(t *testing.T, o catalogs.Options) []byte {
	t.Helper()
	var out bytes.Buffer
	_, err := catalogs.Write(&out, o)
	require.NoError(t, err)
	return out.Bytes()
}

func parsed(t *testing.T, o catalogs.Options) [][]string {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(written(t, o))).ReadAll()
	require.NoError(t, err)
	return records
}

func column(records [][]string, name string) int {
	for i, candidate := range records[0] {
		if candidate == name {
			return i
		}
	}
	return -1
}

func equal(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}
