//go:build unix

package feed

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// BenchmarkTurns holds the engine against encoding/csv on a machine that does other things too: they take turns, and
// the medians of the ratios are reported, of the time that passed and of the time of the processors.
func BenchmarkTurns(b *testing.B) {
	data := benchCatalog(280_000, 0)
	encoded, err := manifestOf(b, data).Encode()
	require.NoError(b, err)
	compare := func(o Options) {
		_, err := Compare(opens(data), o, &discard{})
		require.NoError(b, err)
	}
	o := Options{Kind: Product, Format: lines.CSV, PriceMove: 0.6, MaxPartBytes: 1 << 30}
	var first, unchanged turns
	for b.Loop() {
		alone := took(func() { readWithCSV(data) })
		first.add(took(func() { compare(o) }), alone)
		unchanged.add(took(func() {
			known := o
			known.Manifest, err = ParseManifest(Product, encoded)
			require.NoError(b, err)
			compare(known)
		}), alone)
	}
	first.report(b, "first")
	unchanged.report(b, "unchanged")
}

// spent is what something took.
type spent struct{ wall, cpu time.Duration }

func took(do func()) spent {
	began, before := time.Now(), cpuTime()
	do()
	return spent{time.Since(began), cpuTime() - before}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// turns are ratios, one for each turn.
type turns struct{ wall, cpu []float64 }

func (t *turns) add(of, alone spent) {
	t.wall = append(t.wall, of.wall.Seconds()/alone.wall.Seconds())
	t.cpu = append(t.cpu, of.cpu.Seconds()/alone.cpu.Seconds())
}

func (t *turns) report(b *testing.B, name string) {
	for of, ratios := range map[string][]float64{"wall": t.wall, "cpu": t.cpu} {
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], fmt.Sprintf("%s-%s/csv", name, of))
	}
}
