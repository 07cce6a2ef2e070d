package console

import (
	"fmt"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/desk"
)

// chart is how many rows a catalog had at its last syncs, and how many of them agents did not get. It shows syncs that
// came to their end alone: what one that failed counted says nothing of the catalog.
type chart struct {
	Bars   []chartBar
	Words  string // the same, for who does not see it
	From   time.Time
	To     time.Time
	Most   int64 // rows
	Worst  int64 // rows to repair
	Latest int64 // rows to repair at the last sync
}

// chartBar is a sync. Rows grow upwards from a line, and rows to repair downwards.
type chartBar struct {
	Class         string // of the lower part
	X, Width      float64
	Y, Height     float64
	Bad           float64 // height of the lower part
	At            time.Time
	Rows, Refused int64
}

// The parts of a chart, in units of its own: it is as wide as the page allows.
const (
	chartWidth = 600.0
	chartUpper = 64.0 // where the line is
	chartLower = 28.0
	barShare   = 0.7 // of its place
	leastBar   = 1.5 // what is there is seen
	fewBars    = 12  // as many places there are at least
)

func chartOf(rows []desk.ReportRow) (c chart) {
	for i := len(rows) - 1; i >= 0; i-- { // the newest is the last
		r := rows[i]
		if (r.Outcome == catalog.Succeeded || r.Outcome == catalog.SucceededWithErrors) && r.Rows.Source > 0 {
			c.Bars = append(c.Bars, chartBar{At: r.At, Rows: r.Rows.Source, Refused: r.Rows.ToRepair()})
			c.Most, c.Worst = max(c.Most, r.Rows.Source), max(c.Worst, r.Rows.ToRepair())
		}
	}
	if len(c.Bars) < 2 { // one is no time
		return chart{}
	}
	place := chartWidth / float64(max(len(c.Bars), fewBars))
	for i := range c.Bars {
		b := &c.Bars[i]
		b.X, b.Width = tenth(float64(i)*place), tenth(place*barShare)
		b.Height = tenth(max(chartUpper*float64(b.Rows)/float64(c.Most), leastBar))
		b.Y = tenth(chartUpper - b.Height)
		if b.Refused > 0 {
			b.Bad = tenth(max(chartLower*float64(b.Refused)/float64(c.Worst), leastBar))
		}
	}
	first, last := c.Bars[0], c.Bars[len(c.Bars)-1]
	c.From, c.To, c.Latest = first.At, last.At, last.Refused
	c.Words = fmt.Sprintf("%s: at most %s, %s at the last one. Rows that need repair: %d at the last one, at most %d.",
		catalog.Counted(int64(len(c.Bars)), "sync"), catalog.Counted(c.Most, "row"), catalog.Counted(last.Rows, "row"),
		last.Refused, c.Worst)
	return c
}

// tenth keeps coordinates short.
func tenth(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }
