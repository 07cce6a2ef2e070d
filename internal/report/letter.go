package report

import (
	_ "embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"text/template"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// Letter is what a merchant is written when a report has something new. It names no person, and needs nothing from the
// network.
type Letter struct{ Subject, Text, HTML string }

// mostInLetter is how many causes a letter names: what is done first. The list has all.
const mostInLetter = 10

var (
	//go:embed letter.txt
	letterText string
	//go:embed letter.html
	letterHTML string

	textTemplate = template.Must(template.New("letter.txt").Funcs(template.FuncMap(Functions)).Parse(letterText))
	htmlTemplate = htmltemplate.Must(htmltemplate.New("letter.html").Funcs(Functions).Parse(letterHTML))
)

// letter is what the templates show.
type letter struct {
	catalog.Report
	Subject string
	Shown   []catalog.ReportCause // those with something new
	More    int                   // causes with something new that are not shown
	Listed  bool                  // the list is enclosed
}

// HasNews reports whether a report has errors that the one before did not have. One that cannot be compared tells of
// nothing new, unless it is the first.
func HasNews(r catalog.Report) bool {
	if !r.CarriedThrough() {
		return false
	}
	if r.Since != nil {
		return r.Since.New > 0
	}
	return r.Before == "" && r.Rows.ToRepair() > 0
}

// WriteLetter writes it; listed says that the list of everything that was found goes with it.
func WriteLetter(r catalog.Report, listed bool) (Letter, error) {
	l := letter{Report: r, Subject: subject(r), Listed: listed}
	for _, c := range r.Causes {
		switch {
		case c.Severity != feed.Error || c.New == 0 && r.Since != nil:
		case len(l.Shown) < mostInLetter:
			l.Shown = append(l.Shown, c)
		default:
			l.More++
		}
	}
	var text, html strings.Builder
	if err := textTemplate.Execute(&text, l); err != nil {
		return Letter{}, fmt.Errorf("letter: %w", err)
	}
	if err := htmlTemplate.Execute(&html, l); err != nil {
		return Letter{}, fmt.Errorf("letter: %w", err)
	}
	return Letter{Subject: l.Subject, Text: text.String(), HTML: html.String()}, nil
}

func subject(r catalog.Report) string {
	if r.Since != nil {
		return fmt.Sprintf("%s in your %s feed", plural(r.Since.New, "new error"), r.Feed)
	}
	return fmt.Sprintf("%s of your %s feed to repair", plural(r.Rows.ToRepair(), "row"), r.Feed)
}
