package report

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// MaxWarnings is how many warnings a report lists; the others are only counted. One recommended column that is missing
// is a warning per row, and a million of them would bury the errors. Errors are rows that no agent sells, so each is
// listed, however many there are.
const MaxWarnings = 100_000

// maxDistinct bounds the causes that are counted one by one, for each teller: Stripe may name the value in its words, a
// merchant's header may have any number of columns. What comes after is counted together.
const maxDistinct = 1000

// Builder takes the findings of one run, writes their CSV and counts them. The order of the findings is the CSV's.
type Builder struct {
	out      *Writer
	previous *Seen
	at       time.Time

	causes      map[cause]*catalog.ReportCause
	distinct    map[catalog.Teller]int
	other       int64
	warnings    int64
	news, still int64
}

// cause is what findings are counted by.
type cause struct {
	cause    feed.Cause
	column   string
	by       catalog.Teller
	severity feed.Severity
	reason   string // Stripe's words: they are all there is to tell its verdicts apart
}

// NewBuilder writes the CSV to w. The previous report may be nil; at is when this one is written.
func NewBuilder(w io.Writer, previous *Seen, at time.Time) *Builder {
	return &Builder{
		out: NewWriter(w), previous: previous, at: at.UTC().Truncate(time.Second),
		causes: map[cause]*catalog.ReportCause{}, distinct: map[catalog.Teller]int{},
	}
}

// Add takes a finding, and what to do about it. A finding with a FirstSeen keeps it: it is known from before, as a row
// that Stripe refused and that was not sent again.
func (b *Builder) Add(e catalog.ReportEntry, fix string) error {
	e.Column, e.Value, e.Reason = legible(e.Column, maxName), legible(e.Value,
		maxValue), legible(strings.TrimSpace(e.Reason), maxReason)
	b.previous.Present([]byte(e.ID))
	known, listed := b.date(&e), b.lists(e)
	b.count(e, fix, !known && listed)
	if !listed {
		return nil
	}
	return b.out.Write(e)
}

// date fills in since when the finding is known.
func (b *Builder) date(e *catalog.ReportEntry) (known bool) {
	first, known := b.previous.meet(*e)
	switch {
	case !e.FirstSeen.IsZero():
		known = known || e.FirstSeen.Before(b.at)
	case known:
		e.FirstSeen = first
	default:
		e.FirstSeen = b.at
	}
	return known
}

func (b *Builder) lists(e catalog.ReportEntry) bool {
	if isError(e) {
		return true
	}
	b.warnings++
	return b.warnings <= MaxWarnings
}

// count leaves warnings that are not listed out of what is new: the previous report did not list them either, so nobody
// knows.
func (b *Builder) count(e catalog.ReportEntry, fix string, isNew bool) {
	switch {
	case isError(e) && isNew:
		b.news++
	case isError(e):
		b.still++
	}
	c := b.cause(e, fix)
	if c == nil {
		b.other++
		return
	}
	c.Count++
	if isNew {
		c.New++
	}
}

// cause is nil if there are too many.
func (b *Builder) cause(e catalog.ReportEntry, fix string) *catalog.ReportCause {
	key := cause{cause: e.Cause, column: e.Column, by: e.By, severity: e.Severity}
	if e.Cause == feed.RefusedByStripe || e.Cause == feed.DeletionRefused {
		key.reason = e.Reason
	}
	if c, known := b.causes[key]; known {
		return c
	}
	if b.distinct[e.By] == maxDistinct {
		return nil
	}
	b.distinct[e.By]++
	e.ID = legible(e.ID, maxName)
	c := &catalog.ReportCause{Cause: e.Cause, Column: e.Column, By: e.By, Severity: e.Severity, Reason: e.Reason,
		Fix: fix, Example: e}
	b.causes[key] = c
	return c
}

// Finish ends the CSV and fills in what the findings say: Causes, OtherCauses and Since.
func (b *Builder) Finish(into *catalog.Report) error {
	if err := b.out.Flush(); err != nil {
		return err
	}
	into.Causes, into.OtherCauses = b.top()
	into.Since = b.since()
	return nil
}

func (b *Builder) top() (top []catalog.ReportCause, other int64) {
	for _, c := range b.causes {
		top = append(top, *c)
	}
	slices.SortFunc(top, byWeight)
	other = b.other
	for _, c := range top[min(len(top), catalog.MaxCauses):] {
		other += c.Count
	}
	return slices.Clip(top[:min(len(top), catalog.MaxCauses)]), other
}

// byWeight puts what stops the whole file first, then errors, then warnings, and of each the most frequent first.
func byWeight(x, y catalog.ReportCause) int {
	return cmp.Or(
		cmp.Compare(rank(x.Severity), rank(y.Severity)), cmp.Compare(y.Count, x.Count), cmp.Compare(x.Reason, y.Reason),
		cmp.Compare(x.Column, y.Column), cmp.Compare(x.Cause, y.Cause), cmp.Compare(x.By, y.By))
}

func rank(s feed.Severity) int {
	return slices.Index([]feed.Severity{feed.File, feed.Error, feed.Warning}, s)
}

func (b *Builder) since() *catalog.ReportSince {
	if b.previous == nil {
		return nil
	}
	fixed, gone := b.previous.unmet()
	return &catalog.ReportSince{Report: b.previous.report, At: b.previous.at, New: b.news, Fixed: fixed, Still: b.still,
		Gone: gone}
}
