package drift

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkCompare(b *testing.B) {
	catalog := shopOf(many(100_000)...)
	input := Input{Now: catalog.manifest(b), Before: catalog.manifest(b), Source: catalog.source(b)}
	report := catalog.report()
	b.SetBytes(int64(len(report)))
	b.ReportAllocs()
	for b.Loop() {
		found, err := Compare(strings.NewReader(report), input)
		require.NoError(b, err)
		require.Zero(b, found.Drift())
	}
}
