package feed

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An id that got something on its way is that of the product that it was: none is made anew beside it, and it is not
// deleted.
func TestIDsInDisguise(t *testing.T) {
	t.Parallel()
	for now, before := range map[string]string{
		"\ufeffP07": "P07", " P07": "P07", "P07 ": "P07", "P07\u00a0": "P07", "P\u200b07": "P07", "P07\u200e": "P07",
		"1001.0": "1001", `="1001"`: "1001", "'1001": "1001", "R&amp;D7": "R&D7", "P07&#39;": "P07'", "P\u00ad07": "P07",
	} {
		quoted := `"` + strings.ReplaceAll(now, `"`, `""`) + `"` + item("", "9")
		others := item("A", "1") + item("B", "1")
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+others+item(before, "1"))}
		d, out := compared(t, heading+others+quoted, o)
		require.Equal(t, "2 unchanged, 1 held back", outcome(t, d, out, o), "%q", now)
		require.Contains(t, out.found[len(out.found)-1], "lookalike_id id", now)
		require.EqualValues(t, 1, d.Reading.Waiting, "%q: %s is neither deleted nor repriced", now, before)

		d, out = compared(t, heading+item(before, "1")+quoted, Options{})
		require.Equal(t, "send "+before+", 1 held back", outcome(t, d, out, Options{}), "%q beside it", now)

		o.Manifest = manifestAfter(t, Options{}, nil, heading+others+quoted)
		d, out = compared(t, heading+others+quoted+item("C", "1"), o)
		require.Equal(t, "send C, 3 unchanged", outcome(t, d, out, o), "%q: Stripe has it so", now)
	}
	for _, now := range []string{"p07", "P07.0", "P07-", "P07/", "1001.00", "1001.5", "12.0"} {
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+item("P07", "1")+item("1001", "1")+item("12", "1"))}
		d, out := compared(t, heading+item("P07", "1")+item("1001", "1")+item("12", "1")+item(now, "1"), o)
		require.Equal(t, "send "+now+", 3 unchanged", outcome(t, d, out, o), now)
	}
	for _, now := range []string{"None", "nil", "-", "???", "..."} {
		d, _ := compared(t, heading+item(now, "1"), Options{})
		require.EqualValues(t, 1, d.Counts.KeptBack, now)
	}
}
