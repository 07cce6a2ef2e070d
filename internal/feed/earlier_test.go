package feed

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The manifest in testdata is of the commit that its folder is called after: its own code compared source.csv with
// nothing, and then Stripe had refused sku4 and said nothing of sku5.
const earlier = "testdata/be52e40/"

func earlierManifest(t *testing.T) *Manifest {
	t.Helper()
	data, err := os.ReadFile(earlier + "manifest")
	require.NoError(t, err)
	m, err := ParseManifest(Product, data)
	require.NoError(t, err)
	return m
}

func TestTheManifestOfAnEarlierReleaseIsRead(t *testing.T) {
	t.Parallel()
	m := earlierManifest(t)
	eur := func(thousandths int64) Amount { return Amount{thousandths, Currency{'E', 'U', 'R'}} }
	require.Equal(t, []Entry{
		{ID: []byte("sku1"), Fingerprint: 15686975399392324362, Price: usd(7500)},
		{ID: []byte("sku2"), Fingerprint: 9765368536336690971, Price: eur(20_000)},
		{ID: []byte("sku3"), Fingerprint: 5214586812415218073, Price: usd(30_000)},
	}, entriesOf(&m.Rows), "it does not say how the rows stood in the file, nor what they are of")
	require.Equal(t, 1, m.Refused())
	refusal := m.Refusal([]byte("sku4"))
	require.Equal(t, []string{"price", "Invalid price"}, []string{refusal.Column, refusal.Reason})
	require.Equal(t, time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC), refusal.Since)
	require.Len(t, entriesOf(&m.Unknown), 1)
	require.Equal(t, "sku5", string(m.Unknown.Entry(0).ID))
}

// A release that does not know the fingerprints of the one before sends every row of every catalog again.
func TestWhatAnEarlierReleaseSentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(earlier + "source.csv")
	require.NoError(t, err)
	now := time.Date(2026, 11, 29, 11, 0, 0, 0, time.UTC)
	d, _ := compared(t, string(source), Options{Manifest: earlierManifest(t), Now: now})
	require.Equal(t, Counts{Source: 5, Unchanged: 3, StillRefused: 1, Sent: 1}, d.Counts)
	require.Equal(t, "sku5", string(d.Parts[0].Table.Entry(0).ID), "nobody knows whether Stripe has it")
}
