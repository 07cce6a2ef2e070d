package e2e

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// A large catalog goes through in the memory of a small one, but for what is kept of each row: a part of 8 MiB on its
// way to S3, the rows at work on all cores, and what the collector leaves lying around.
func TestMemoryDoesNotGrowWithTheCatalog(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells how much memory another process holds")
	}
	m := enter(t)
	// Where the machine is busy the collector comes late. What is alive is more than that if it grows with the catalog.
	m.settings["GOMEMLIMIT"] = "100MiB"
	p := m.startPlainWorker()
	idle, err := p.Memory()
	require.NoError(t, err)
	body := large(150 << 20)
	m.put(m.layout.SourceBucket, m.sourceKey(), bytes.NewReader(body))
	all := m.syncs(catalog.Succeeded)
	require.Greater(t, all.BytesSent, int64(len(body)))
	require.Equal(t, m.uploads()[0].Size, all.BytesSent)
	first, err := p.Memory()
	require.NoError(t, err)

	copy(body[len(header):], "sku0,Other")
	m.put(m.layout.SourceBucket, m.sourceKey(), bytes.NewReader(body))
	require.Equal(t, int64(1), m.syncs(catalog.Succeeded).Rows.Sent)
	busy, err := p.Memory()
	require.NoError(t, err)
	require.Zero(t, p.terminate())

	manifest, err := m.documents.Head(t.Context(), m.layout.Catalog(m.account, feed.Product).ManifestKey())
	require.NoError(t, err)
	mib := func(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
	t.Logf(
		"for %s with %d rows and a manifest of %s, the worker went from %s when idle to a peak of %s with the first sync and of %s with one row changed",
		mib(int64(len(body))), all.Rows.Source, mib(manifest.Size), mib(idle.Now), mib(first.Peak), mib(busy.Peak))
	// The manifest is there as it was, as it becomes, and encoded; the part's own rows are a fourth.
	require.Less(t, busy.Peak-idle.Now, 64<<20+4*manifest.Size)
}

// large is a catalog of so many bytes, in rows of 1 kB.
func large(size int) []byte {
	row := strings.Repeat("x", 900)
	var body bytes.Buffer
	body.Grow(size + 2000)
	body.WriteString(header)
	for i := 0; body.Len() < size; i++ {
		fmt.Fprintf(&body, "sku%d,Title,%s,https://shop.example/1,https://shop.example/1.jpg,in_stock,9.99 USD\n", i,
			row)
	}
	return body.Bytes()
}
