package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/terminal"
)

// mostCauses is how many causes fit on a screen; the others are on the page and in --output json.
const mostCauses = 10

// drawnCause is one kind of problem as it is shown to people.
type drawnCause struct {
	severity feed.Severity
	count    int64
	text     string   // what is wrong
	examples []string // rows that have it
	fix      string   // what to do; empty if nobody knows
}

// drawCauses shows the causes on one screen. They come errors first; others counts findings that are not among them.
func (a *app) drawCauses(causes []drawnCause, others int64) {
	shown := causes[:min(len(causes), mostCauses)]
	for _, c := range causes[len(shown):] {
		others += c.count
	}
	warnings := slices.IndexFunc(shown, func(c drawnCause) bool { return c.severity == feed.Warning })
	if warnings < 0 {
		warnings = len(shown)
	}
	a.drawBlock(catalog.ErrorsTitle, shown[:warnings])
	a.drawBlock(catalog.WarningsTitle, shown[warnings:])
	if others > 0 {
		a.Say("  and %s of other causes", terminal.Plural(others, "finding"))
	}
}

// drawBlock draws how much each cause weighs, with rows to look at and what to do.
func (a *app) drawBlock(title string, causes []drawnCause) {
	if len(causes) == 0 {
		return
	}
	var heaviest int64 // what stops the whole file stands before what is more frequent
	for _, c := range causes {
		heaviest = max(heaviest, c.count)
	}
	a.Blank()
	a.Title("  " + title)
	for _, c := range causes {
		a.drawCause(c, heaviest)
	}
}

func (a *app) drawCause(c drawnCause, heaviest int64) {
	width := len(humanize.Comma(heaviest))
	bar := terminal.Gauge(c.count, heaviest, a.gaugeWidth())
	indent := strings.Repeat(" ", terminal.Breadth(bar))
	a.Tell(a.Stdout, fmt.Sprintf("  %s %*s  ", bar, width, humanize.Comma(c.count)), c.text)
	below := func(title, text string) {
		if text != "" {
			a.Tell(a.Stdout, fmt.Sprintf("  %s %*s  %-4s ", indent, width, "", title), text)
		}
	}
	title := "e.g."
	for _, e := range c.examples {
		below(title, e)
		title = ""
	}
	below("fix:", c.fix)
}

// gaugeWidth leaves the room to the words where there is little.
func (a *app) gaugeWidth() int {
	if width := a.Width(a.Stdout); width > 0 && width < 72 {
		return 4
	}
	return 12
}

// causeText is what is wrong, and in which column. Notes may be empty.
func causeText(column, reason string, notes ...string) string {
	text := terminal.Shortened(reason, 240)
	if column != "" && !strings.HasPrefix(reason, column+" ") { // Vitrine's own reasons begin with the column
		text = terminal.Shortened(column, 40) + ": " + text
	}
	notes = slices.DeleteFunc(notes, func(note string) bool { return note == "" })
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}

func saidBy(by catalog.Teller) string {
	if by == catalog.SaidByStripe {
		return "says Stripe"
	}
	return ""
}

func example(line int64, id, value string) string {
	var parts []string
	if line > 0 {
		parts = append(parts, "line "+humanize.Comma(line))
	}
	if id != "" {
		parts = append(parts, "id "+terminal.AsWritten(id, 40))
	}
	if value != "" {
		parts = append(parts, `"`+terminal.AsWritten(value, 50)+`"`)
	}
	if len(parts) == 0 {
		return "a row that is not in the source"
	}
	return strings.Join(parts, ", ")
}

// printNormalised lists what a dialect rewrites.
func (a *app) printNormalised(title string, rules []catalog.ReportNormalised) {
	if len(rules) == 0 {
		return
	}
	a.Blank()
	a.Title("  " + title)
	t := a.Table("#count", "column", "~rule")
	for _, n := range rules {
		t.Add(humanize.Comma(n.Count), terminal.Dash(n.Column), terminal.Shortened(n.Rule, 100))
	}
	t.Indent = 2
	t.WriteRows(a.Stdout)
}

// normalised are the rules of a dialect that struck.
func normalised(rules []feed.Normalised) []catalog.ReportNormalised {
	struck := []catalog.ReportNormalised{}
	for _, n := range rules {
		if n.Count > 0 {
			struck = append(struck, catalog.ReportNormalised{Rule: n.Rule, Column: n.Column, Count: n.Count})
		}
	}
	return struck
}

// fullLine says what a full send is, and why it was one.
func fullLine(why string) string {
	if why == "" {
		return ""
	}
	return "every row, not only what changed: " + why
}
