package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/staging"
	"vitrine/internal/terminal"
)

// dryRun is what a sync would do, as --output json prints it.
type dryRun struct {
	Account string    `json:"account"`
	Feed    feed.Kind `json:"feed"`
	Error   string    `json:"error,omitempty"` // why nothing of the source can be sent

	Source    string   `json:"source,omitempty"` // s3:// address
	Version   string   `json:"source_version,omitempty"`
	ImportAPI feed.API `json:"import_api,omitempty"`
	Full      string   `json:"full,omitempty"` // why every row is sent; empty if only what changed is

	Rows  catalog.ReportRows   `json:"rows"` // sent and deleted is what would be
	Bytes int64                `json:"bytes"`
	Parts []dryPart            `json:"parts"`
	Holds []catalog.HoldReason `json:"holds"` // why a sync would be held until a person decides

	Reading     feed.Reading               `json:"reading"` // how the source was read
	Normalised  []catalog.ReportNormalised `json:"normalised"`
	Causes      []foundCause               `json:"causes"` // errors first, then by weight
	OtherCauses int64                      `json:"other_causes,omitempty"`

	// What stands before a sync that begins now.
	OpenImport *catalog.OpenImport `json:"open_import,omitempty"` // it finishes this one first
	Run        *catalog.Run        `json:"run,omitempty"`         // it waits for this one to end
	Held       *catalog.Hold       `json:"held,omitempty"`
	Notes      []string            `json:"notes"` // the same, and more, for people
}

// dryPart is one file for Stripe.
type dryPart struct {
	Part  int   `json:"part"`
	Rows  int64 `json:"rows"` // deletions included
	Bytes int64 `json:"bytes"`
}

// dryRuns compares the sources of accounts one after the other: each takes all cores, and memory for its rows.
func (a *app) dryRuns(ctx context.Context, accounts []string, kind feed.Kind, full bool) error {
	stager, err := a.stager(ctx)
	if err != nil {
		return err
	}
	runs := make([]dryRun, 0, len(accounts))
	var errs []error
	for _, account := range accounts {
		run, err := a.dryRun(ctx, stager, catalog.ID{Account: account, Feed: kind}, full)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			run.Error = err.Error()
			errs = append(errs, fmt.Errorf("dry run of %s: %w", account, err))
		}
		if !a.json() {
			a.printDryRun(run)
		}
		runs = append(runs, run)
	}
	if a.json() {
		errs = append(errs, a.printJSON(runs))
	}
	return errors.Join(errs...)
}

// dryRun does what FetchCatalog does, with the same code and another output.
func (a *app) dryRun(ctx context.Context, stager staging.Stager, id catalog.ID, full bool) (dryRun, error) {
	run := dryRun{
		Account: id.Account, Feed: id.Feed, Parts: []dryPart{}, Holds: []catalog.HoldReason{},
		Normalised: []catalog.ReportNormalised{}, Causes: []foundCause{}, Notes: []string{},
	}
	settings, err := settingsOf(stager.Documents).Settings(ctx, id.Account)
	if err != nil {
		return run, err
	}
	state, _, err := stager.Documents.State(ctx, id)
	if err != nil {
		return run, err
	}
	run.OpenImport, run.Run, run.Held = state.Open, state.Run, state.Held
	found, err := stager.Look(ctx, settings, id.Feed)
	if err != nil {
		return run, err
	}
	run.Source, run.Version = found.Source.URI(), found.Source.Version()
	found = found.After(state, a.Now())
	due := found.FullSend(state, full, a.Now())
	run.Notes = append(run.Notes, a.before(state, found, due)...)
	out := newFindings(id.Feed, nil)
	bar := a.ProgressOfBytes(found.Source.Size, "comparing "+id.Account)
	compared, err := stager.Compare(ctx, found, due, out, func(r io.Reader) io.Reader {
		bar.Reset()
		return &watchedReader{ctx, r, bar}
	})
	_ = bar.Finish()
	if err != nil {
		return run, err
	}
	run.fill(compared, out)
	return run, nil
}

func (r *dryRun) fill(c staging.Comparison, out *findings) {
	r.ImportAPI, r.Full, r.Rows = c.API, c.Full, catalog.RowsOf(c.Delta.Counts)
	r.Holds = append(r.Holds, c.Holds...)
	r.Reading = c.Delta.Reading
	r.Normalised = normalised(c.Delta.Normalised)
	r.Causes, r.OtherCauses = out.top(), out.other
	for _, p := range c.Delta.Parts {
		r.Parts = append(r.Parts, dryPart{p.Number, int64(p.Table.Len()), p.Bytes})
		r.Bytes += p.Bytes
	}
}

// before says what keeps a sync that begins now from doing at once what is shown. The state may name a run that died:
// whether it is still open, only Temporal knows.
func (a *app) before(s catalog.State, found staging.Feed, full string) (notes []string) {
	note := func(format string, values ...any) { notes = append(notes, fmt.Sprintf(format, values...)) }
	version := found.Source.Version()
	if o := s.Open; o != nil {
		note("an import is open (%s): a sync finishes it first, and what that brings is not counted here",
			openImport(*o))
	}
	switch {
	case s.Held != nil:
		note("a sync has been held for %s: %s", terminal.Rough(a.Now().Sub(s.Held.Since)), s.Held.Text())
	case s.Run != nil:
		note("another run has the feed (workflow %s): a sync waits for it, unless it is gone", s.Run.WorkflowID)
	}
	if d := s.Accepted; full == "" && d != nil && d.Source.Same(found.Source) && d.Basis == found.Basis {
		note("this version of the source was dealt with %s: a sync leaves it alone, unless --force or --full",
			terminal.Relative(a.Now(), d.At))
	}
	if r := s.Rejected; full == "" && r != nil && r.Version == version {
		note("%s rejected this version of the source (%s): a sync leaves it alone, unless --force or --full",
			r.Verdict.By, r.Verdict.Why)
	}
	if f := s.Failure; f.Rests(version, a.Now()) {
		note("the import of this version of the source failed (%s): a sync tries again at %s, unless --force", f.Reason,
			terminal.DateTime(f.NextTry))
	}
	return notes
}

// openImport names what Stripe's answers have recorded of it.
func openImport(o catalog.OpenImport) string {
	switch {
	case o.Import != "":
		return o.Import
	case o.File != "":
		return o.File
	}
	return "its upload had begun"
}

func (a *app) printDryRun(r dryRun) {
	outcome := "nothing was sent"
	if r.Error != "" {
		outcome = "nothing could be sent" // the error at the end says why
	}
	a.Say("%s  %s: dry run, %s", r.Account, r.Feed, outcome)
	line := func(title, text string) {
		if text != "" {
			a.Tell(a.Stdout, fmt.Sprintf("  %-8s ", title), text)
		}
	}
	line("source", r.Source)
	line("version", r.Version)
	if r.Error == "" {
		line("full", fullLine(r.Full))
		line("rows", r.Rows.RowsText(catalog.Held)) // as of a run that has not sent anything yet
		line("send", r.sending())
	}
	for _, n := range r.Reading.Notes() {
		line("reading", n)
	}
	for _, h := range r.Holds {
		line("hold", "a sync is held until a person decides: "+h.Text)
	}
	for _, n := range r.Notes {
		line("note", n)
	}
	a.drawCauses(drawn(r.Causes), r.OtherCauses)
	a.printNormalised("Rewritten on the way to Stripe", r.Normalised)
	a.Blank()
}

func (r dryRun) sending() string {
	switch len(r.Parts) {
	case 0:
		return "nothing"
	case 1:
		return fmt.Sprintf("%s, %s, by %s", terminal.Plural(r.Parts[0].Rows, "row"), terminal.Bytes(r.Bytes),
			r.ImportAPI)
	}
	return fmt.Sprintf("%s, %s, in %d parts, by %s", terminal.Plural(r.Rows.Sent+r.Rows.Deleted, "row"),
		terminal.Bytes(r.Bytes), len(r.Parts), r.ImportAPI)
}
