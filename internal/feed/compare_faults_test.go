package feed

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// manyItems is a source of several batches.
func manyItems(n int) string {
	var source strings.Builder
	source.WriteString(heading)
	for i := range n {
		source.WriteString(item(fmt.Sprintf("SKU%06d", i), "1"))
	}
	return source.String()
}

var errSource = errors.New("the source failed")

// failingAfter is a source that breaks behind n bytes.
func failingAfter(text string, n int, err error) io.ReadCloser {
	return io.NopCloser(io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(err)))
}

// synctest fails a comparison that hangs, and one that leaves goroutines behind.
func TestFailuresEndTheComparison(t *testing.T) {
	t.Parallel()
	source := manyItems(5_000)
	duplicate := source + item("SKU000000", "2")
	invalid := heading + unsound("X") + source[len(heading):]
	type opening = func() (io.ReadCloser, error)
	refuses := func() (io.ReadCloser, error) { return nil, errSource }
	for name, c := range map[string]struct {
		opens   []opening
		failing string
		want    error
	}{
		"output: begin": {opens: []opening{opens([]byte(invalid))}, failing: "begin", want: errOutput},
		"output: part":  {opens: []opening{opens([]byte(invalid))}, failing: "part", want: errOutput},
		"output: write": {opens: []opening{opens([]byte(invalid))}, failing: "write", want: errOutput},
		"output: close": {opens: []opening{opens([]byte(invalid))}, failing: "close", want: errOutput},
		"output: found": {opens: []opening{opens([]byte(invalid))}, failing: "found", want: errOutput},
		"output: a column": {opens: []opening{opens([]byte(strings.Replace(source, "price", "price,shelf", 1)))},
			failing: "found", want: errOutput},
		"source: opening":       {opens: []opening{refuses}, want: errSource},
		"source: opening again": {opens: []opening{opens([]byte(duplicate)), refuses}, want: errSource},
		"source: first bytes":   {opens: []opening{breaking(duplicate, 0, errSource)}, want: errSource},
		"source: header":        {opens: []opening{breaking(duplicate, 5, errSource)}, want: errSource},
		"source: first batch":   {opens: []opening{breaking(duplicate, 1000, errSource)}, want: errSource},
		"source: later": {opens: []opening{breaking(duplicate, len(duplicate)-100, errSource)},
			want: errSource},
		"source: the second time": {
			opens: []opening{opens([]byte(duplicate)), breaking(duplicate, len(duplicate)-100, errSource)},
			want:  errSource,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out := &recorder{failing: c.failing}
				_, err := Compare(inTurn(c.opens...), Options{Kind: Product, Format: lines.CSV}, out)
				require.ErrorIs(t, err, c.want)
				require.False(t, out.leaked())
				for _, p := range out.opened {
					require.False(t, p.closed, "half a source is no delivery")
				}
			})
		})
	}
}

func breaking(text string, n int, err error) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return failingAfter(text, n, err), nil }
}

// inTurn opens one after the other.
func inTurn(all ...func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		next := all[0]
		all = all[1:]
		return next()
	}
}

// A broken connection that calls itself an end would otherwise delete whatever it did not bring.
func TestAnErrorThatWrapsEOFIsNoEnd(t *testing.T) {
	t.Parallel()
	source := manyItems(5_000)
	wrapped := fmt.Errorf("the connection broke: %w", io.EOF)
	for _, n := range []int{0, 5, 1000, len(source) / 2} {
		_, err := Compare(breaking(source, n, wrapped), Options{Kind: Product, Format: lines.CSV}, &recorder{})
		require.Equal(t, wrapped, err, n)
	}
	list := ErrorColumn + ",id\nno,A\n"
	for n := range len(list) {
		err := ReadRefused(failingAfter(list, n, wrapped), Product, func(Refused) error { return nil })
		require.ErrorIs(t, err, wrapped, n)
	}
}

// What a second pass finds is decided by what the first one saw, so both have to see the same.
func TestASourceThatChangesBetweenPasses(t *testing.T) {
	t.Parallel()
	source := heading + item("A", "1") + item("B", "1") + item("A", "2")
	for name, second := range map[string]string{
		"shorter": heading + item("A", "1"), "empty": "", "longer": source + item("C", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &recorder{}
			_, err := Compare(inTurn(opens([]byte(source)), opens([]byte(second))),
				Options{Kind: Product, Format: lines.CSV}, out)
			require.EqualError(t, err, "the source changed while it was read")
			for _, p := range out.opened {
				require.True(t, p.aborted && !p.closed)
			}
		})
	}
}

func TestHeadersThatSpoilTheParts(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"Latin-1": sevenColumns + ",gr\xf6\xdfe\n",
		"NUL": sevenColumns + ",a\x00\n"} {
		_, err := Compare(opens([]byte(header)), Options{Kind: Product, Format: lines.CSV}, &recorder{})
		require.EqualError(t, err, "line 1: the header is not UTF-8 text: export the file as UTF-8", name)
	}
	// Stripe gets every column under the name that it was checked by: one that is not color must not become it.
	d, out := compared(t, sevenColumns+",color, color\n"+strings.TrimSuffix(item("A", "1"), "\n")+",red,blue\n",
		Options{})
	require.Len(t, d.Parts, 1)
	require.Contains(t, out.parts[0].String(), "color, color,delete\n")
}
