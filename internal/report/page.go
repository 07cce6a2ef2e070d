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
	"slices"
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

// Style is how the page is set. Other pages that people read begin with it, so that they are set alike.
//
//go:embed page.css
var Style string

// Functions are those of the page's templates, for pages that are set alike.
var Functions = template.FuncMap{
	"count": count, "number": func(n int) int64 { return int64(n) }, "plural": plural, "words": words, "day": day,
	"stamp": stamp, "size": size,
	"short":   func(text string) string { return legible(text, maxValue) }, // in tables
	"text":    func(text string) string { return legible(text, maxText) },
	"stripe":  func(t catalog.Teller) bool { return t == catalog.SaidByStripe },
	"warning": func(s feed.Severity) bool { return s == feed.Warning },
}

var pageTemplate = template.Must(template.New("page").Funcs(Functions).Parse(pageText))

// WritePage writes the report as one HTML page that needs nothing else: no script, no image, no network. Entries are
// the findings that the CSV lists, nil for none. If they fail, nothing is written.
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

// Fragment is what a page of somebody else's shows of a report: the report, and beside it what it is made of.
// Everything in it is escaped, as on the page; Style is how it is set.
func Fragment(
	r catalog.Report, entries iter.Seq2[catalog.ReportEntry, error],
) (report, provenance template.HTML, err error) {
	listed, err := pick(entries)
	if err != nil {
		return "", "", err
	}
	var parts [2]strings.Builder
	for i, name := range []string{"report", "provenance"} {
		if err := pageTemplate.ExecuteTemplate(&parts[i], name, newPage(r, listed)); err != nil {
			return "", "", err
		}
	}
	return template.HTML(parts[0].String()), template.HTML(parts[1].String()), nil
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
	Policy string
	Style  template.CSS
	Tone   string // good, bad, or wait

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
	catalog.Tally
	Class string
}

// segment is a part of a bar that is 1000 units wide.
type segment struct {
	catalog.Tally
	X, Width float64
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
		Report: r, Style: template.CSS(Style), Policy: policy, Tone: tone(r),
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
	sum := sha256.Sum256([]byte(Style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
}()

func base(key string) string {
	if key == "" {
		return ""
	}
	return path.Base(key)
}

func tone(r catalog.Report) string {
	switch {
	case r.Outcome == catalog.Held:
		return "wait"
	case r.Outcome == catalog.Failed, r.Outcome == catalog.Rejected, r.Rows.ToRepair() > 0:
		return "bad"
	case r.Rows.Open() > 0:
		return "wait"
	}
	return "good"
}

// tones are the colours of counts that are good or bad news in themselves, or a doubt.
var tones = map[string]string{
	catalog.TallyKeptBack: "bad", catalog.TallyStillRefused: "bad", catalog.TallyRefused: "bad",
	catalog.TallyNotTaken: "bad",
	catalog.TallyUnknown:  "wait", catalog.TallyUnsettled: "wait", catalog.TallyNotDeleted: "bad",
	catalog.TallyAccepted: "good",
}

// rare are counts that are left out unless they occur. Superseded rows are in the bar below.
var rare = map[string]bool{catalog.TallySkipped: true, catalog.TallySuperseded: true,
	catalog.TallyUnknown: true, catalog.TallyUnsettled: true, catalog.TallyNotDeleted: true,
}

// figures show each count alone.
func figures(r catalog.Report) (all []figure) {
	if !r.Rows.Known(r.Outcome) {
		return nil
	}
	for _, t := range append(r.Rows.Fates(r.Outcome), r.Rows.Answers(r.Outcome)...) {
		switch {
		case t.Kind == catalog.TallySuperseded, t.Count == 0 && rare[t.Kind]:
			continue
		case t.Count == 0:
			all = append(all, figure{Tally: t, Class: "none"})
		default:
			all = append(all, figure{Tally: t, Class: tones[t.Kind]})
		}
	}
	return all
}

// segments show where the rows of the source went. A part that occurs is shown even if it is too small to be seen.
func segments(r catalog.Report) (all []segment) {
	const whole, least = 1000.0, 3.0
	var sum, width float64
	parts := answered(r)
	for _, t := range parts {
		sum += float64(t.Count)
	}
	for _, t := range parts {
		if t.Count > 0 {
			s := segment{Tally: t, Width: max(whole*float64(t.Count)/sum, least)}
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

// answered are the fates of the rows of the source; of those that were sent, Stripe's answer is the last word.
func answered(r catalog.Report) (parts []catalog.Tally) {
	for _, t := range r.Rows.Fates(r.Outcome) {
		switch {
		case t.Kind == catalog.TallyDeletions || t.Kind == catalog.TallyNotDeleted: // no rows of the source
		case t.Kind == catalog.TallySent && r.Outcome != catalog.Held && r.Outcome != catalog.Rejected:
			parts = append(parts, split(t, r.Rows.Answers(r.Outcome))...)
		default:
			parts = append(parts, t)
		}
	}
	return parts
}

// split divides the rows that were sent by Stripe's answers. Those count deletions too, so bad news goes first.
func split(sent catalog.Tally, answers []catalog.Tally) (parts []catalog.Tally) {
	accepted, others := answers[0], answers[1:]
	accepted.Words = "sent and accepted"
	for _, t := range append(slices.Clip(others), accepted) {
		t.Count = min(t.Count, sent.Count)
		sent.Count -= t.Count
		parts = append(parts, t)
	}
	return append(parts, sent)
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
