package feed

import (
	"fmt"
	"strconv"
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
		"1001.0": "1001", `="1001"`: "1001", "'1001": "1001", "R&amp;D7": "R&D7", "P07&#39;": "P07'",
		"P\u00ad07": "P07",
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
		o := Options{Manifest: manifestAfter(t, Options{}, nil,
			heading+item("P07", "1")+item("1001", "1")+item("12", "1"))}
		d, out := compared(t, heading+item("P07", "1")+item("1001", "1")+item("12", "1")+item(now, "1"), o)
		require.Equal(t, "send "+now+", 3 unchanged", outcome(t, d, out, o), now)
	}
	for _, now := range []string{"None", "nil", "-", "???", "..."} {
		d, _ := compared(t, heading+item(now, "1"), Options{})
		require.EqualValues(t, 1, d.Counts.KeptBack, now)
	}
}

// What a program makes of an id takes the place of no product, and makes none of its own.
func TestIDsThatReadAlike(t *testing.T) {
	t.Parallel()
	others := item("A", "1") + item("B", "1")
	inFile := func(id string) string { return `"` + strings.ReplaceAll(id, `"`, `""`) + `"` + item("", "9") }
	for now, before := range map[string]string{
		"“P005”": "P005", "(P005)": "P005", "«P005»": "P005", "Ｐ００５": "P005", "[P005]": "P005",
		"P-005": "P005", "P 005": "P005", "#P005": "P005", "12": "0012", "1001.00": "1001",
		"1.001": "1001", "“p005”": "P005", "1.001.234": "1001234", "1,001.0": "1001", "1 001": "1001",
		"1234567890123460000": "1234567890123456789", "9007199254740990": "9007199254740993",
		"1-Mar": "MAR1", "01-Mar": "MAR-1", "01. Mrz": "MAR1", "01.03.2026": "MAR1", "2026-03-01": "3/1",
		"2-Jan": "1-2", "Sep-02": "SEPT2", "Mu\u0308tze7": "M\u00fctze7", "5-Dez": "DEC5",
		"2026-03-01 00:00:00": "MAR1", "3/1/2026 0:00": "MAR1", "05-maj": "MAY5", "12000": "12E3", "100000.0": "1E5",
		"0": "000", "9007199254740992": "9007199254740993", "1234567890123456800": "1234567890123456789",
		"P&amp;amp;P1": "P&P1",
	} {
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+others+inFile(before))}
		d, out := compared(t, heading+others+inFile(now), o)
		require.Equal(t, "2 unchanged, 1 held back", outcome(t, d, out, o), "%q for %q", now, before)
		require.EqualValues(t, 1, d.Reading.Waiting, "%q for %q", now, before)
		d, _ = compared(t, heading+others+strings.Replace(inFile(now), "https://e", "e", 1), o)
		require.Zero(t, d.Counts.Deleted, "%q, in a row that is kept back", now)

		d, out = compared(t, heading+others+inFile(before)+inFile(now), o)
		if d.Counts.KeptBack == 0 {
			require.Equal(t, "send "+now+", 3 unchanged", outcome(t, d, out, o), "%q beside %q", now, before)
		}
	}
	for now, before := range map[string]string{
		"p005": "P005", "P-005": "P_005", "P005": "“P005”", "0012": "12", "1001": "1001.00", "MAR1": "01-Mar",
		"1.001": "1001.0",
	} {
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+others+inFile(before))}
		source := heading + others + strings.Replace(inFile(now), "9.00", "8.00", 1)
		d, out := compared(t, source, o)
		require.Equal(t, "send "+now+", 2 unchanged", outcome(t, d, out, o))
		require.EqualValues(t, 1, d.Reading.Waiting, "it may have been renamed")
		kept, _ := compared(t, heading+others+strings.Replace(inFile(now), "https://e", "e", 1), o)
		require.Zero(t, kept.Counts.Deleted, "the row is kept back")
		o.Manifest = settled(t, o.Manifest, d)
		d, out = compared(t, source, o)
		require.Equal(t, "delete "+before+", 3 unchanged", outcome(t, d, out, o), "and it was")
	}
	for now, before := range map[string]string{
		"A+": "A0", "1234567890123456789": "1234567890123460000", "P006": "P005", "2026-11-28": "2026-11-27",
		"11-28": "11-27", "MAY-2": "JUN-1", "apr-03": "mar-4", "2-1": "1-2", "MARBLE-7": "MAR-7", "12-34": "123-4",
		"11-2": "1-12", "P12-3": "P1-23", "M15": "M1.5", "100": "10-0", "A.1.0": "A.10", "C": "C#",
		"LENS-12.5": "LENS-1.25", "2026-12-11": "2026-11-12", "5-3-26": "3-5-26", "BOLT-12-5": "BOLT-1/2-5",
		"1/2026": "2026-2", "P05": "P005", "1.5": "1",
	} {
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+others+inFile(before))}
		d, _ := compared(t, heading+others+strings.Replace(inFile(now), "9.00", "8.00", 1), o)
		require.EqualValues(t, 1, d.Counts.Deleted, "%q for %q", now, before)
		require.EqualValues(t, 1, d.Counts.Sent, "%q for %q", now, before)
	}
}

// Whoever writes all ids otherwise may mean it: then a person decides.
func TestManyIDsThatReadAlike(t *testing.T) {
	t.Parallel()
	before, now := heading, heading
	for i := range few + 1 {
		before += item(fmt.Sprintf("%05d", i+1), "1")
		now += item(strconv.Itoa(i+1), "2")
	}
	o := Options{Manifest: manifestAfter(t, Options{}, nil, before)}
	d, _ := compared(t, now, o)
	require.EqualValues(t, few+1, d.Counts.Respelled)
	require.EqualValues(t, few+1, d.Counts.Sent)
	require.EqualValues(t, few+1, d.Counts.Deleted)
	d, _ = compared(t, before+item("1", "1"), o)
	require.Zero(t, d.Counts.Respelled, "the other one stands")
	o.Manifest = settled(t, o.Manifest, d)
	d, _ = compared(t, before+item("1", "1"), o)
	require.Zero(t, d.Counts.Sent)
}

// An asterisk behind an id is taken for what it is as long as the product without it stands in the file, in any order.
func TestAnIDInDisguiseAboveTheOneThatIsMeant(t *testing.T) {
	t.Parallel()
	for _, source := range []string{item("P005", "1") + `"P005 "` + item("", "2"),
		`"P005 "` + item("", "2") + item("P005", "1")} {
		d, out := compared(t, heading+source, Options{})
		require.Equal(t, "send P005, 1 held back", outcome(t, d, out, Options{}))
	}
}

// Of two ids that became one, neither product is deleted.
func TestIDsThatBecameOne(t *testing.T) {
	t.Parallel()
	others := item("A", "1") + item("B", "1")
	for now, before := range map[string][]string{"3-Jan 1-Mar": {"1-3", "3-1"}, "“ab1”": {"aB1", "Ab1"}} {
		known, source := heading+others, heading+others
		for _, id := range before {
			known += item(id, "1")
		}
		for id := range strings.FieldsSeq(now) {
			source += item(id, "2")
		}
		o := Options{Manifest: manifestAfter(t, Options{}, nil, known)}
		d, out := compared(t, source, o)
		require.Zero(t, d.Counts.Deleted, "%s: %v", now, out.found)
		require.EqualValues(t, 2, d.Reading.Waiting, now)
	}
}

// A small shop whose ids were all written otherwise is held as a large one is.
func TestASmallShopThatRenamesAllItsProducts(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+item("001", "1")+item("002", "1"))}
	d, _ := compared(t, heading+item("1", "2")+item("2", "2"), o)
	require.EqualValues(t, 2, d.Counts.Respelled)
	require.EqualValues(t, 2, d.Counts.Sent)
}

// The first file was damaged: what is formed as the other ids are is the mending, and no damage.
func TestAnIDThatIsMended(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ others, before, now string }{
		"a separator that was lost": {"1/a 2/a", "3a", "3/a"},
		"of one other":              {"1/a X9", "3a", "3/a"},
		"with an umlaut":            {"Grün-2 Grün-3", "Grün1", "Grün-1"},
		"a date of a spreadsheet":   {"JAN-07 FEB-02", "1-Mar", "MAR-01"},
	} {
		known := heading
		for id := range strings.FieldsSeq(c.others) {
			known += item(id, "1")
		}
		o := Options{Manifest: manifestAfter(t, Options{}, nil, known+item(c.before, "1"))}
		source := known + item(c.now, "2")
		d, out := compared(t, source, o)
		require.Equal(t, "send "+c.now+", 2 unchanged", outcome(t, d, out, o), name)
		require.EqualValues(t, 1, d.Reading.Waiting, name)
		o.Manifest = settled(t, o.Manifest, d)
		d, out = compared(t, source, o)
		require.Equal(t, "delete "+c.before+", 3 unchanged", outcome(t, d, out, o), name)
	}
	for now, before := range map[string]string{"1001.00": "1001", "1-Mar": "MAR-01"} {
		o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+item("2.25", "1")+item("2.50", "1")+
			item("3.25", "1")+item("7-Apr", "1")+item(before, "1"))}
		d, out := compared(t, heading+item("2.25", "1")+item("2.50", "1")+item("3.25", "1")+item("7-Apr", "1")+
			item(now, "2"), o)
		require.Equal(t, "4 unchanged, 1 held back", outcome(t, d, out, o), "it is the damage")
	}
}

// A list of changes out of a spreadsheet has lost the zeros of its numbers: it updates no product, and makes no other.
func TestZerosThatAListOfChangesLost(t *testing.T) {
	t.Parallel()
	o := Options{Manifest: manifestAfter(t, Options{}, nil, heading+item("0012", "1")+item("A", "1")), Changes: true}
	d, out := compared(t, heading+item("12", "2")+item("13", "2"), o)
	require.Equal(t, "send 13, 1 held back", outcome(t, d, out, o))
	require.Contains(t, strings.Join(out.found, "\n"), "12 lookalike_id id")
	whole := Options{Manifest: o.Manifest}
	d, out = compared(t, heading+item("0012", "1")+item("A", "1")+item("12", "2"), whole)
	require.Equal(t, "send 12, 2 unchanged", outcome(t, d, out, whole), "both are there")
	o.Manifest = settled(t, o.Manifest, d)
	d, out = compared(t, heading+item("12", "3"), o)
	require.Equal(t, "send 12", outcome(t, d, out, o), "it is known by itself")
}
