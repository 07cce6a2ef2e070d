package staging

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/report"
	"vitrine/internal/statestore"
)

// Stage compares a source and leaves in S3 what Stripe is to get: the parts, the table of each part's rows, and what
// was found. The same source staged again, under the same sequence, leaves the same bytes under the same keys.
func (s Stager) Stage(
	ctx context.Context, f Feed, full string, sequence int64, progress func(io.Reader) io.Reader,
) (catalog.Delivery, []catalog.HoldReason, error) {
	out := &output{ctx: ctx, stager: s, feed: f, sequence: sequence, written: map[int]*file{}}
	c, err := s.Compare(ctx, f, full, out, progress)
	if err == nil {
		err = out.endFindings()
	}
	if err != nil {
		out.findings.giveUp()
		return catalog.Delivery{}, nil, err
	}
	d := catalog.Delivery{
		Source: f.Source, Sequence: sequence, API: c.API, Mode: c.mode(f.Kind), Full: c.Full, Changes: c.Changes,
		Basis: f.Basis,
		Rows:  catalog.RowsOf(c.Delta.Counts), Findings: out.found, Reading: &c.Delta.Reading,
		Renamed:   c.Delta.Header.Renamed,
		Misplaced: c.Delta.Misplaced, Delayed: c.Delta.Delayed,
		Parts: []catalog.Part{},
	}
	if f.Rules.Dialect != feed.StripeDialect {
		d.Dialect = f.Rules.Dialect
	}
	for _, rule := range c.Delta.Normalised {
		if rule.Count > 0 {
			d.Normalised = append(d.Normalised,
				catalog.ReportNormalised{Rule: rule.Rule, Column: rule.Column, Count: rule.Count})
		}
	}
	for _, part := range c.Delta.Parts {
		staged, err := out.describe(ctx, part, c.Format)
		if err != nil {
			return catalog.Delivery{}, nil, err
		}
		staged.Of = len(c.Delta.Parts)
		d.Parts = append(d.Parts, staged)
	}
	if c.Delta.Forgotten != nil {
		key := s.Documents.Layout.Catalog(f.Account, f.Kind).ForgottenKey(sequence)
		object, err := s.Documents.SaveTable(ctx, key, f.Kind, c.Delta.Forgotten)
		if err != nil {
			return catalog.Delivery{}, nil, fmt.Errorf("stage the forgotten rows: %w", err)
		}
		d.Forgotten = &object
	}
	return d, c.Holds, nil
}

// mode is Replace where the file is the whole catalog beyond doubt: it removes even what Vitrine does not know of. Rows
// that are not in the file would be lost, so none may be kept back, and without a manifest nobody could tell a catalog
// that was cut short.
func (c Comparison) mode(kind feed.Kind) catalog.Mode {
	rows := c.Delta.Counts
	certain := c.Delta.Reading.InDoubt+c.Delta.Reading.Waiting == 0
	complete := certain && !c.Changes &&
		rows.KeptBack+rows.StillRefused+rows.Unsettled+rows.Deleted+rows.NotDeleted == 0 && len(c.Delta.Parts) == 1
	if c.API == feed.V2 && kind == feed.Product && c.Full != "" && c.Delta.Known > 0 && complete {
		return catalog.Replace
	}
	return catalog.Upsert
}

// output writes to S3 what a comparison leaves.
type output struct {
	ctx      context.Context //nolint:containedctx // feed.Output has none: the feed knows nothing of S3
	stager   Stager
	feed     Feed
	sequence int64

	written  map[int]*file // parts, by number
	findings *file
	entries  *report.Writer
	found    *statestore.Object
}

var _ feed.Output = (*output)(nil)

// Begin forgets what was found in a first pass; parts of it were given up by the comparison.
func (o *output) Begin() error {
	o.findings.giveUp()
	o.findings, o.entries = nil, nil
	return nil
}

// Part begins a part.
func (o *output) Part(number int) (feed.PartFile, error) {
	format, _, err := lines.FormatOf(o.feed.Source.Key)
	if err != nil {
		return nil, err
	}
	key := o.stager.Documents.Layout.Catalog(o.feed.Account, o.feed.Kind).PartKey(o.sequence, number, format)
	o.written[number] = o.begin(key, format.ContentType())
	return o.written[number], nil
}

// Found lists a finding.
func (o *output) Found(f feed.Finding, stands *feed.Refusal) error {
	if o.findings == nil {
		key := o.stager.Documents.Layout.Catalog(o.feed.Account, o.feed.Kind).FindingsKey(o.sequence, 0)
		o.findings = o.begin(key, "text/csv")
		o.entries = report.NewWriter(o.findings)
	}
	return o.entries.Write(Entry(o.feed.Kind, f, stands))
}

// Entry is how a report lists a finding.
func Entry(kind feed.Kind, f feed.Finding, stands *feed.Refusal) catalog.ReportEntry {
	e := catalog.ReportEntry{
		Line: f.Line, ID: string(f.ID), Column: f.Column, Value: report.Shorten(f.Value), Cause: f.Cause,
		Severity: f.Cause.Severity(), By: catalog.SaidByVitrine,
	}
	if stands != nil {
		e.By, e.Reason, e.FirstSeen = catalog.SaidByStripe, feed.RefusalText(f.Cause, stands.Reason), stands.Since
		return e
	}
	e.Reason, _ = feed.Explain(kind, f.Cause, f.Column)
	return e
}

func (o *output) endFindings() error {
	if o.findings == nil {
		return nil
	}
	if err := o.entries.Flush(); err != nil {
		return err
	}
	if err := o.findings.Close(); err != nil {
		return err
	}
	o.found = &o.findings.object
	return nil
}

// describe names a part that was written, and stages the table of its rows.
func (o *output) describe(ctx context.Context, p feed.Part, format lines.Format) (catalog.Part, error) {
	layout := o.stager.Documents.Layout
	table, err := o.stager.Documents.SaveTable(ctx,
		layout.Catalog(o.feed.Account, o.feed.Kind).TableKey(o.sequence, p.Number), o.feed.Kind, p.Table)
	if err != nil {
		return catalog.Part{}, fmt.Errorf("stage the rows of part %d: %w", p.Number, err)
	}
	return catalog.Part{
		Number: p.Number, Object: o.written[p.Number].object, Table: table, Digest: fmt.Sprintf("%016x", p.Digest),
		Rows: int64(p.Table.Len()), ContentType: format.ContentType(),
		Filename: fmt.Sprintf("%s-%s-%06d-%03d.%s", o.feed.Account, o.feed.Kind, o.sequence, p.Number, format),
	}, nil
}

var errGivenUp = errors.New("given up")

// file is an object that is being written.
type file struct {
	*io.PipeWriter
	done   chan struct{}
	object statestore.Object // these two once done is closed
	err    error
}

func (o *output) begin(key, contentType string) *file {
	content, in := io.Pipe()
	f := &file{PipeWriter: in, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.object, f.err = o.stager.Documents.Write(o.ctx, key,
			contentType, content)
		if f.err != nil {
			f.err = fmt.Errorf("stage the %s feed: %w", o.feed.Kind, f.err)
			content.CloseWithError(f.err) // whoever writes on learns of it
		}
	}()
	return f
}

// Close ends the object and waits until S3 has it.
func (f *file) Close() error {
	f.PipeWriter.Close()
	<-f.done
	return f.err
}

// Abort gives the object up: S3 shows nothing of it.
func (f *file) Abort() {
	f.CloseWithError(errGivenUp)
	<-f.done
}

func (f *file) giveUp() {
	if f != nil {
		f.Abort()
	}
}
