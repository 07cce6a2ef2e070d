package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"iter"
	"path"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// maxListed is how many findings the page lists: as many as somebody scrolls through. The CSV has them all.
const maxListed = 1000

// maxText bounds what a sentence of a person's or of Stripe's takes of the page.
const maxText = 2000

// maxBars is how many causes the chart of either severity shows; each cause has its section.
const maxBars = 12

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"count": count, "number": func(n int) int64 { return int64(n) }, "plural": plural, "words": words, "day": day, "stamp": stamp, "size": size,
	"short":   func(text string) string { return legible(text, maxValue) }, // in tables
	"text":    func(text string) string { return legible(text, maxText) },
	"stripe":  func(t catalog.Teller) bool { return t == catalog.SaidByStripe },
	"warning": func(s feed.Severity) bool { return s == feed.Warning },
}).Parse(pageText))

// WritePage writes the report as one HTML page that needs nothing else: no script, no image, no network. Entries are the
// findings that the CSV lists, nil for none. If they fail, nothing is written.
//
// Every text in it is a stranger's: html/template escapes them where they stand, nothing becomes a link, and the page's
// own policy lets the browser load nothing and run nothing.
func WritePage(w io.Writer, r catalog.Report, entries iter.Seq2[catalog.ReportEntry, error]) error {
	listed, err := pick(entries)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	if err := pageTemplate.Execute(out, newPage(r, listed)); err != nil {
		return err
	}
	return out.Flush()
}

// pick takes the first errors, and warnings if there is room. It stops reading when nothing can change any more.
func pick(entries iter.Seq2[catalog.ReportEntry, error]) ([]catalog.ReportEntry, error) {
	if entries == nil {
		return nil, nil
	}
	var errors, warnings []catalog.ReportEntry
	for e, err := range entries {
		if err != nil {
			return nil, err
		}
		switch {
		case isError(e):
			errors = append(errors, e)
		case len(warnings) < maxListed:
			warnings = append(warnings, e)
		}
		if len(errors) == maxListed {
			break
		}
	}
	return append(errors, warnings[:min(len(warnings), maxListed-len(errors))]...), nil
}

// page is what the template shows.
type page struct {
	catalog.Report
	Policy   string
	Style    template.CSS
	Headline string
	Tone     string // good, bad, or wait
	Lead     string

	Figures  []figure
	Rows     []segment // where every row of the source went
	Errors   []section
	Warnings []section
	Bars     []bar // the most frequent errors, otherwise the most frequent warnings

	Listed     []catalog.ReportEntry
	Found      int64 // findings in all
	NotListed  bool  // warnings that the CSV does not list either
	CSV        string
	MaxWarning int64
}

type figure struct {
	Name, Note string
	Count      int64
	Class      string
}

// segment is a part of a bar that is 1000 units wide.
type segment struct {
	Name, Class string
	Count       int64
	X, Width    float64
}

type section struct {
	Anchor   string
	Compared bool // with the report before
	catalog.ReportCause
}

type bar struct {
	section
	Width float64 // of 100
}

func newPage(r catalog.Report, listed []catalog.ReportEntry) page {
	p := page{
		Report: r, Style: template.CSS(pageStyle), Policy: policy, Headline: headline(r), Tone: tone(r), Lead: lead(r),
		Figures: figures(r), Rows: segments(r), Listed: listed, CSV: base(r.Findings), MaxWarning: MaxWarnings,
		Found: r.OtherCauses,
	}
	var warnings int64
	for i, c := range r.Causes {
		// Vitrine's own reasons begin with the column, which the page sets apart.
		c.Reason = strings.TrimPrefix(c.Reason, c.Column+" ")
		s := section{Anchor: "cause-" + strconv.Itoa(i+1), Compared: r.Since != nil, ReportCause: c}
		p.Found += c.Count
		if c.Severity == feed.Warning {
			p.Warnings = append(p.Warnings, s)
			warnings += c.Count
			continue
		}
		p.Errors = append(p.Errors, s)
	}
	p.NotListed = warnings > MaxWarnings
	p.Bars = bars(p.Errors)
	if len(p.Errors) == 0 {
		p.Bars = bars(p.Warnings)
	}
	return p
}

// policy names the one style by its hash, so that a style in a value would not count either.
var policy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}()

func base(key string) string {
	if key == "" {
		return ""
	}
	return path.Base(key)
}

// headline is the report in one sentence.
func headline(r catalog.Report) string {
	switch r.Outcome {
	case catalog.Failed:
		return "The sync failed."
	case catalog.Held:
		return "The sync waits for a decision."
	case catalog.Rejected:
		return "The sync was rejected."
	case catalog.Unchanged:
		return "Nothing has changed."
	}
	if out := missing(r.Rows); out > 0 {
		return fmt.Sprintf("%s of %s %s.", count(out), plural(r.Rows.Source, "row"), needs(out))
	}
	return "Every row is in order."
}

func needs(n int64) string {
	if n == 1 {
		return "needs repair"
	}
	return "need repair"
}

// missing counts the rows that agents do not see as the merchant wrote them.
func missing(r catalog.ReportRows) int64 { return r.HeldBack + r.Refused + r.StillRefused }

func tone(r catalog.Report) string {
	switch {
	case r.Outcome == catalog.Held:
		return "wait"
	case r.Outcome == catalog.Failed, r.Outcome == catalog.Rejected, missing(r.Rows) > 0:
		return "bad"
	}
	return "good"
}

// lead says what the headline means for what agents can sell.
func lead(r catalog.Report) string {
	switch r.Outcome {
	case catalog.Failed:
		return "Agents still see the catalog as Stripe last took it."
	case catalog.Held:
		return "Nothing was sent. Agents see the catalog as Stripe last took it until somebody approves this version."
	case catalog.Rejected:
		return "Nothing was sent. Agents see the catalog as Stripe last took it; the next version of the file is looked at anew."
	case catalog.Unchanged:
		return "Stripe has this version of the file already."
	}
	if missing(r.Rows) > 0 {
		return "Everything else is with Stripe. Repaired rows go out by themselves with the next version of the file."
	}
	return "Stripe has the catalog as the file has it."
}

// figures leave out what rarely occurs unless it did. Superseded rows are in the bar below them.
func figures(r catalog.Report) []figure {
	rows := r.Rows
	sent, deleted := "Sent", "Deleted"
	if undecided(r.Outcome) {
		sent, deleted = "To send", "To delete"
	}
	all := []figure{
		{Name: sent, Note: "new or changed", Count: rows.Sent},
		{Name: "Unchanged", Note: "with Stripe already", Count: rows.Unchanged},
		{Name: deleted, Note: "gone from the file", Count: rows.Deleted},
		{Name: "Held back", Note: "Stripe would refuse them", Count: rows.HeldBack, Class: "bad"},
		{Name: "Still refused", Note: "by Stripe, not changed since", Count: rows.StillRefused, Class: "bad"},
	}
	if !undecided(r.Outcome) {
		all = append(all,
			figure{Name: "Accepted", Note: "of those sent or deleted", Count: rows.Accepted, Class: "good"},
			figure{Name: "Refused", Note: "by Stripe, this time", Count: rows.Refused, Class: "bad"})
	}
	if rows.Skipped > 0 {
		all = append(all, figure{Name: "Skipped", Note: "by Stripe", Count: rows.Skipped})
	}
	for i, f := range all {
		if f.Count == 0 {
			all[i].Class = "none"
		}
	}
	return all
}

// undecided: nothing was sent, and the counts say what would have been.
func undecided(o catalog.Outcome) bool { return o == catalog.Held || o == catalog.Rejected }

// segments show a part that occurs even if it is too small to be seen.
func segments(r catalog.Report) (all []segment) {
	const whole, least = 1000.0, 3.0
	rows, sent := r.Rows, "sent"
	if undecided(r.Outcome) {
		sent = "to send"
	}
	parts := []segment{
		{Name: "unchanged", Class: "unchanged", Count: rows.Unchanged}, {Name: sent, Class: "sent", Count: rows.Sent},
		{Name: "held back", Class: "held", Count: rows.HeldBack}, {Name: "still refused", Class: "refused", Count: rows.StillRefused},
		{Name: "superseded by a later row of the same id", Class: "superseded", Count: rows.Superseded},
	}
	var sum, width float64
	for _, s := range parts {
		sum += float64(s.Count)
	}
	for _, s := range parts {
		if s.Count > 0 {
			s.Width = max(whole*float64(s.Count)/sum, least)
			width += s.Width
			all = append(all, s)
		}
	}
	x := 0.0
	for i, s := range all {
		all[i].X, all[i].Width = round(x), round(s.Width*whole/width)
		x += s.Width * whole / width
	}
	return all
}

func bars(sections []section) (all []bar) {
	var heaviest int64
	for _, s := range sections {
		heaviest = max(heaviest, s.Count)
	}
	for _, s := range sections[:min(len(sections), maxBars)] {
		all = append(all, bar{section: s, Width: round(max(100*float64(s.Count)/float64(max(heaviest, 1)), 0.5))})
	}
	return all
}

// round keeps coordinates short.
func round(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }

// words writes an outcome or a status as people do.
func words(status any) string { return strings.ReplaceAll(fmt.Sprint(status), "_", " ") }

// count writes 1234567 as 1,234,567.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

func size(bytes int64) string {
	switch {
	case bytes < 1000:
		return plural(bytes, "byte")
	case bytes < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	case bytes < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
}

// day and stamp are in UTC: whoever reads the page may sit anywhere.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2 January 2006, 15:04 UTC")
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}
