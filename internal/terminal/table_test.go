package terminal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func shopTable(width int) *Table {
	t := &Table{header: []string{"ACCOUNT", "LAST", "#ROWS", "#DELETED", "~REASON"}, Spare: []string{"DELETED", "ROWS"},
		Width: width}
	t.Add("acct_日本", "failed", "1,200", "3", "the source has 700 rows, 300 fewer than Stripe")
	t.Add("acct_2", "succeeded", "12", "0", "")
	return t
}

func TestATableGivesWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, `
ACCOUNT    LAST        ROWS  DELETED  REASON
acct_日本  failed     1,200        3  the source has 700 rows, 300 fewer than Stripe
acct_2     succeeded     12        0
`},
		{70, `
ACCOUNT    LAST        ROWS  DELETED  REASON
acct_日本  failed     1,200        3  the source has 700 rows, 300
                                      fewer than Stripe
acct_2     succeeded     12        0
`},
		{50, `
ACCOUNT    LAST        ROWS  DELETED
acct_日本  failed     1,200        3
    the source has 700 rows, 300 fewer than Stripe
acct_2     succeeded     12        0
`},
		{30, `
ACCOUNT    LAST        ROWS
acct_日本  failed     1,200
    deleted 3
    the source has 700 rows,
    300 fewer than Stripe
acct_2     succeeded     12
    deleted 0
`},
		{12, `
account
   acct_日本
last failed
rows 1,200
deleted 3
reason
   the
   source
   has 700
   rows, 300
   fewer
   than
   Stripe

account
   acct_2
last
   succeeded
rows 12
deleted 0
`},
	} {
		var out strings.Builder
		shopTable(c.width).Write(&out)
		require.Equal(t, c.want, "\n"+out.String(), "width %d", c.width)
	}
}

// Titles and outcomes break first, and get room back where columns went below.
func TestATableBreaksWhatMayBreakBeforeAnythingGoesBelow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		width int
		want  string
	}{
		{43, `
ACCOUNT  LAST                   KEPT  NEXT
                                BACK
acct_1   succeeded with errors    12  in 3m
`},
		{36, `
ACCOUNT  LAST            KEPT  NEXT
                         BACK
acct_1   succeeded with    12  in 3m
         errors
`},
		{30, `
ACCOUNT  LAST            KEPT
                         BACK
acct_1   succeeded with    12
         errors
    next in 3m
`},
	} {
		list := &Table{header: []string{"ACCOUNT", "/LAST", "#KEPT BACK", "NEXT"}, Spare: []string{"NEXT"},
			Width: c.width}
		list.Add("acct_1", "succeeded with errors", "12", "in 3m")
		var out strings.Builder
		list.Write(&out)
		require.Equal(t, c.want, "\n"+out.String(), "width %d", c.width)
	}
}

// An address can only be copied whole: its column is never made narrower than it.
func TestATableBreaksNoAddressAndIsNotTooWide(t *testing.T) {
	t.Parallel()
	const address = "s3://catalogs/catalogs/acct_demo/product.csv"
	for width := 50; width < 100; width++ {
		var out strings.Builder
		list := &Table{header: []string{"ACCOUNT", "FEEDS", "EVERY", "~SOURCE"}, Spare: []string{"EVERY", "FEEDS"},
			Width: width}
		list.Add("acct_demo", "product,inventory", "15m", address)
		list.Write(&out)
		require.Contains(t, out.String(), address)
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, Breadth(strings.TrimSuffix(line, "\n")), width, out.String())
		}
	}
}

// What a person sees as one character is measured as such, whatever it is made of.
func TestColumnsAlignBehindCharactersOfManyParts(t *testing.T) {
	t.Parallel()
	list := &Table{header: []string{"ACCOUNT", "LAST"}}
	for _, wide := range []string{"日本", "👩‍👩‍👧", "👍🏽", "🇩🇪", "e\u0301"} {
		list.Add(wide, "x")
	}
	var out strings.Builder
	list.Write(&out)
	for line := range strings.Lines(out.String()) {
		before, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "x")
		if before != "ACCOUNT  LAST" { // the header
			require.Equal(t, len("ACCOUNT  "), Breadth(before), "%q", line)
		}
	}
}
