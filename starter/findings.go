package main

import (
	"cmp"
	"io"
	"os"
	"slices"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/report"
	"vitrine/internal/staging"
)

const (
	// shownExamples is how many rows are shown of each cause.
	shownExamples = 3
	// maxFoundCauses bounds the causes that are counted one by one: Stripe may name the value in its words, and each
	// value would be a cause of its own.
	maxFoundCauses = 1000
)

// findings counts what a comparison finds and keeps nothing of the parts that it writes: for those who only want to
// know.
type findings struct {
	kind    feed.Kind
	list    *os.File       // where every finding goes, in the report's format; nil if they are only counted
	entries *report.Writer // on list
	causes  map[foundKey]*foundCause
	other   int64
}

var _ feed.Output = (*findings)(nil)

// foundKey is what findings are counted by.
type foundKey struct {
	cause  feed.Cause
	column string
	reason string // Stripe's words
}

// foundCause is one kind of problem, as --output json prints it.
type foundCause struct {
	Cause    feed.Cause     `json:"cause"`
	Column   string         `json:"column,omitempty"` // empty: the row as a whole
	By       catalog.Teller `json:"by"`
	Severity feed.Severity  `json:"severity"`
	Reason   string         `json:"reason"`
	Fix      string         `json:"fix"`
	Count    int64          `json:"count"`
	Examples []foundExample `json:"examples"` // the first ones
}

// foundExample is a row that has the problem.
type foundExample struct {
	Line   int64  `json:"line"` // in the file, from 1
	ID     string `json:"id"`
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"` // shortened
}

func newFindings(kind feed.Kind, list *os.File) *findings { return &findings{kind: kind, list: list} }

// Begin forgets what a first pass found: it did not know yet which rows a later one takes the place of.
func (f *findings) Begin() error {
	f.causes, f.other = map[foundKey]*foundCause{}, 0
	if f.list == nil {
		return nil
	}
	if _, err := f.list.Seek(0, io.SeekStart); err != nil {
		return err
	}
	f.entries = report.NewWriter(f.list)
	return f.list.Truncate(0)
}

// Part keeps nothing.
func (f *findings) Part(int) (feed.PartFile, error) { return discarded{io.Discard}, nil }

type discarded struct{ io.Writer }

func (discarded) Close() error { return nil }
func (discarded) Abort()       {}

// Found counts a finding, and lists it if all are wanted.
func (f *findings) Found(found feed.Finding, stands *feed.Refusal) error {
	f.count(found, stands)
	if f.entries == nil {
		return nil
	}
	return f.entries.Write(staging.Entry(f.kind, found, stands))
}

func (f *findings) count(found feed.Finding, stands *feed.Refusal) {
	c := f.cause(found, stands)
	if c == nil {
		f.other++
		return
	}
	c.Count++
	if len(c.Examples) < shownExamples {
		c.Examples = append(c.Examples, foundExample{
			Line: found.Line, ID: report.Shorten(found.ID), Column: found.Column, Value: report.Shorten(found.Value),
		})
	}
}

// cause is nil if there are too many. Unknown columns are one cause: the examples name them.
func (f *findings) cause(found feed.Finding, stands *feed.Refusal) *foundCause {
	key := foundKey{cause: found.Cause, column: found.Column}
	if found.Cause == feed.UnknownColumn {
		key.column = ""
	}
	if stands != nil {
		key.reason = stands.Reason
	}
	c, known := f.causes[key]
	if known || len(f.causes) == maxFoundCauses {
		return c
	}
	c = &foundCause{Cause: key.cause, Column: key.column, Severity: key.cause.Severity(), By: catalog.SaidByVitrine}
	c.Reason, c.Fix = feed.Explain(f.kind, key.cause, key.column)
	if stands != nil {
		c.By, c.Reason = catalog.SaidByStripe, feed.RefusalText(key.cause, stands.Reason)
	}
	f.causes[key] = c
	return c
}

// top are the causes in the order of a report: errors first, and of each severity the most frequent first.
func (f *findings) top() []foundCause {
	all := make([]foundCause, 0, len(f.causes))
	for _, c := range f.causes {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(x, y foundCause) int {
		return cmp.Or(-cmp.Compare(weight(x.Severity), weight(y.Severity)), -cmp.Compare(x.Count, y.Count),
			cmp.Compare(x.Reason, y.Reason), cmp.Compare(x.Column, y.Column), cmp.Compare(x.Cause, y.Cause))
	})
	return all
}

func weight(s feed.Severity) int {
	return slices.Index([]feed.Severity{feed.Warning, feed.Error, feed.File}, s)
}

// copyTo prints the list of all findings.
func (f *findings) copyTo(w io.Writer) error {
	if err := f.entries.Flush(); err != nil {
		return err
	}
	if _, err := f.list.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, f.list)
	return err
}

// drawn are the causes as they are shown to people.
func drawn(causes []foundCause) (shown []drawnCause) {
	for _, c := range causes {
		d := drawnCause{severity: c.Severity, count: c.Count, text: causeText(c.Column, c.Reason, saidBy(c.By)),
			fix: c.Fix}
		for _, e := range c.Examples {
			if c.Column == "" && e.Column != "" {
				e.Value = e.Column
			}
			d.examples = append(d.examples, example(e.Line, e.ID, e.Value))
		}
		shown = append(shown, d)
	}
	return shown
}
