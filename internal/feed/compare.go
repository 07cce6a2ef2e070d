package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"vitrine/internal/feed/lines"
)

// Options say how a feed is written, and what becomes of it.
type Options struct {
	Kind    Kind
	Format  lines.Format
	Gzipped bool
	Dialect Dialect      // empty: StripeDialect
	Quotes  lines.Quotes // empty: AutoQuotes
	// MaxBytes bounds the feed after decompression, MaxPartBytes one part; 0 means no bound.
	MaxBytes, MaxPartBytes int64

	SendInvalid bool // send rows that Stripe would refuse, too
	DropUnknown bool // leave columns out that Stripe does not document; GoogleDialect always does
	Full        bool // send every row, changed or not
	// Changes says that the source has what is new, and what is to be deleted (delete=true), and leaves the rest alone.
	// Otherwise it is the whole catalog: what is not in it is deleted.
	Changes bool
	// WaitUnknown says that it is too early to send what was tried lately once more: rows of which nobody knows whether
	// Stripe took them, as long as they do not change, and deletions that Stripe refused.
	WaitUnknown bool

	// Manifest is what Stripe has already; nil if nobody knows, which sends every row and deletes none.
	Manifest *Manifest
	// Misplaced are Delta.Misplaced of the version of the source before: what is said again is meant.
	Misplaced []Misplaced
	// Delayed are Delta.Delayed of that version: what is still not there is gone. Waiting are those of this version, if
	// it was compared before: they go on waiting.
	Delayed, Waiting []string
	// InCatalog tells whether the product catalog has an id; nil if that is not to be asked. Other feeds than the
	// product feed can only update what is there.
	InCatalog func(id []byte) bool
	// Products are those of the product catalog, with their prices, for a feed of promotions or prices; nil if nobody
	// knows them.
	Products *Table
	// PriceMove is the share by which a price has to change to count as moved; 0.6 is 60 %.
	PriceMove float64
	// Now is what dates are held against: whether a sale is over. Zero: nothing is.
	Now time.Time
}

// Output is where a comparison leaves what it finds.
type Output interface {
	// Begin forgets all that was written so far: the feed is read from its beginning, for the first or the second time.
	Begin() error
	// Part begins the part with this number, from 1. Several may be open at once.
	Part(number int) (PartFile, error)
	// Found takes a finding; it is valid until Found returns. stands is the refusal that a finding with the cause
	// RefusedByStripe repeats.
	Found(f Finding, stands *Refusal) error
}

// Counts are the rows of a source, and what became of them.
type Counts struct {
	Source       int64 // all of them; the sum of the next six and Asked
	Unchanged    int64 // Stripe has them
	Sent         int64 // new or changed
	KeptBack     int64 // kept back, because Stripe would refuse them
	StillRefused int64 // Stripe refused them before, and they did not change
	Superseded   int64 // a later row has the same id, and counts in their place unless Duplicates says otherwise
	Unsettled    int64 // nobody knows whether Stripe took them; see Options.WaitUnknown
	Asked        int64 // rows with delete=true

	Deleted    int64 // tombstones: of rows that vanished, or that ask for it
	Waiting    int64 // rows that are not in the source, and are not deleted for a doubt; see Reading
	Vanished   int64 // of Deleted: rows that are not in the source
	NotDeleted int64 // rows that should be: Stripe refused it, or did not say; see Options.WaitUnknown
	Invalid    int64 // rows with errors, kept back or not
	// Respelled are new rows whose ids read as those of rows that vanished, where they are too many to be kept back.
	Respelled int64
	// Moved are the ids that stand beside what another product was, where they are too many for their rows to be kept
	// back. Of a large catalog not all of them are counted.
	Moved int64
	// of the superseded rows, those that say something else than the last one of their id, which is kept back then
	Duplicates int64
}

// Prices are what became of what buyers pay. In a feed of promotions they are the prices of the products that the
// catalog has, and what is held against them is what new and changed promotions leave of them.
type Prices struct {
	Compared int64 // known before and now
	Moved    int64 // by more than Options.PriceMove
	Flipped  int64 // to another currency
	// Swapped are those that are what other products cost before, as where one column was sorted alone. They are
	// counted only where nearly all that changed are such.
	Swapped int64
	Free    int64 // nothing is paid for what is to be sent, and something was before, or the row is new
	// Promoted are the new and changed promotions that take something off. Everything: all that any product costs.
	// Steep: more than PriceMove of it, and nobody needs a code for that.
	Promoted          int64
	Everything, Steep bool
	// The same of an item group: of what most products cost.
	GroupFree, GroupSteep bool
}

// Normalised is how often a rule of the dialect struck.
type Normalised struct {
	Normalisation
	Count int64
}

// Delta is what a source brings: what to send, and what to know before sending it.
type Delta struct {
	Header     Header // no columns if the source has not even a header
	Reading    Reading
	Bytes      int64 // of the source, after decompression
	Known      int64 // rows that Stripe has, or may have, before
	Counts     Counts
	Prices     Prices
	Normalised []Normalised
	Parts      []Part
	// Forgotten are rows to take out of the manifest, though nothing is sent for them; nil if there are none.
	Forgotten *Table
	// Misplaced are the few rows that are kept back because ids may have moved, by their ids.
	Misplaced []Misplaced
	// Delayed are the ids of the few products that are gone and wait for one version, since a new row is, or may be,
	// theirs.
	Delayed []string
	// Passes is how often the source was read: twice if ids occur twice, or if one part is not enough; once more if its
	// quotes are not what RFC 4180 says.
	Passes int
}

// maxLine is the last line that a row may begin on: the places of rows are kept in 29 bits.
const maxLine = 1<<29 - 1

// What is kept of an id beside its line.
const (
	asked     uint32 = 1 << 30 // the last one asks for its deletion
	tornApart uint32 = 1 << 29 // one of them asks for its deletion, and another does not
	unsaid    uint32 = 1 << 31 // a row names it and says nothing certain of it
)

// Compare reads a source and finds out what Stripe does not have of it: new and changed rows, and tombstones for those
// that vanished. It writes them in parts.
//
// The source is read once, by as many cores as there are, and memory does not grow with it beyond what is kept of each
// row: 4 bytes for a row of the manifest, an Entry for any other, an Entry for each row that is sent, and some 150
// bytes for each of the first 131,072 of those that changed, with their prices. It is read again if only the end shows
// how it should have been done: if ids occur twice (the last one counts) or may have moved, or if what is to be sent
// does not fit one part (item groups are kept together). open opens the same bytes every time.
//
// An error means that nothing of the source can be sent: a *HeaderError, a *SyntaxError, ErrTooLarge, or the error of
// the source or of the output.
func Compare(open func() (io.ReadCloser, error), o Options, out Output) (Delta, error) {
	if o.Dialect == "" {
		o.Dialect = StripeDialect
	}
	c := newComparison(o, out)
	for {
		again, err := c.pass(open)
		if err != nil {
			c.parts.abort()
			return c.delta, err
		}
		if !again {
			return c.delta, nil
		}
	}
}

func newComparison(o Options, out Output) *comparison {
	c := &comparison{o: o, out: out, known: &Table{}, premises: premisesOf(o.Quotes)}
	if o.Manifest != nil {
		c.known = &o.Manifest.Rows
	}
	c.knownLines = make([]uint32, c.known.Len())
	return c
}

// comparison is one Compare.
type comparison struct {
	o     Options
	out   Output
	delta Delta
	known *Table         // what Stripe has
	forms map[string]int // of its ids; nil as long as nobody asked

	premises
	learnt
	observed

	x      *examiner
	parts  parts
	groups groups
	former former // knows the fingerprints that an older manifest has
	rowEnd []byte // behind each row that is sent
	row    []byte // reused

	hint        int // where in known the next id probably is
	unknownHint int // and among the unknown rows
	productHint int // and among Options.Products
}

// premises are what a pass takes for granted of how a file is written. Where the rows say otherwise, it is read again
// by others.
type premises struct {
	quotes   lines.Quotes
	why      string // they are not what RFC 4180 says
	auto     bool   // the rows tell what quotes are
	strict   bool   // … and have told
	opened   bool   // … that a quote which closes nothing is a stray one
	comments bool   // rows whose ids begin as comments do are some: they are too few to be anything else
	spare    int    // columns without a name that every row has, and the header has not
}

func premisesOf(quotes lines.Quotes) premises {
	if quotes == "" || quotes == lines.AutoQuotes {
		return premises{quotes: lines.RFC4180Quotes, auto: true}
	}
	return premises{quotes: quotes, strict: quotes == lines.BackslashQuotes}
}

// learnt is what the first pass over a file leaves for the second, which it takes if only the end shows how rows should
// have been decided about.
type learnt struct {
	second bool  // this pass is the second; the sizes of groups are known, too
	fresh  Table // ids of the source that Stripe does not have
	// On which line each id stands last, with the bit asked; 0 if it does not occur.
	knownLines, freshLines []uint32
	twins                  twins
	doubted                doubt             // what it left in doubt
	disguised              map[string]string // new ids, and what they are
	misplaced              map[string]uint64 // faces of rows whose ids may have moved; nil as long as nobody looked
}

// observed is what a pass meets. The next one begins without it.
type observed struct {
	doubt           doubt
	likeness        []likeness
	restated        []restated
	confirmed       int64             // rows that say what Stripe has
	suspects        map[string]string // new ids, and what they may be
	strangers       []stranger
	delayed         map[string]bool // ids of products that wait for one version, or waited in the one before
	remarks         remarks
	trailing        trailing
	otherTable      bool  // the rows stand below a header that is not the file's
	plain, marked   int64 // rows, and those whose id begins as a comment does
	promoted        promoted
	swaps           swaps
	offers, shipped bool // a row offers a product; one of them says how it is shipped
	forgotten       Table
}

// pass reads the source once. again says that it has to be read a second time.
func (c *comparison) pass(open func() (io.ReadCloser, error)) (again bool, err error) {
	if err := c.out.Begin(); err != nil {
		return false, err
	}
	before := c.delta.Bytes
	c.delta = Delta{Known: int64(c.known.Len()), Passes: c.delta.Passes + 1,
		Reading: Reading{Quotes: c.quotes, QuotesWhy: c.why}}
	c.doubted = c.doubt
	c.observed = observed{likeness: c.likeness[:0], restated: c.restated[:0], strangers: c.strangers[:0]}
	c.hint = 0
	c.groups.restart()
	seen, err := c.read(open)
	if err != nil {
		return false, err
	}
	if others, contradicted := c.contradicted(seen); contradicted {
		c.reread(others)
		return true, nil
	}
	if c.second && c.delta.Bytes != before {
		return false, errors.New("the source changed while it was read")
	}
	if err := c.close(); err != nil {
		return false, err
	}
	c.delta.Reading.InDoubt, c.delta.Reading.FirstDoubt, c.delta.Reading.Doubt = c.doubt.rows, c.doubt.line,
		c.doubt.cause
	c.delta.Reading.Waiting = c.delta.Counts.Waiting
	if !c.second && c.endChanges() {
		c.parts.abort()
		c.second = true
		return true, nil
	}
	for _, id := range slices.Sorted(maps.Keys(c.misplaced)) {
		c.delta.Misplaced = append(c.delta.Misplaced, Misplaced{id, c.misplaced[id]})
	}
	c.delta.Parts, err = c.parts.close()
	if c.forgotten.Len() > 0 {
		c.delta.Forgotten = &c.forgotten
	}
	return false, err
}

// contradicted returns the premises by which the file is to be read in place of those of this pass, if what was seen
// speaks for others.
func (c *comparison) contradicted(seen lines.Evidence) (others premises, contradicted bool) {
	others = c.premises
	if c.quotes == lines.RFC4180Quotes && !c.strict {
		if c.auto {
			others.quotes, others.why = seen.Quotes(c.o.Format)
		}
		switch {
		case others.quotes != c.quotes, seen.Encloses():
			others.strict, others.opened = true, false
			return others, true
		case seen.Opens() && !c.opened:
			others.opened = true
			return others, true
		}
	}
	switch more := c.trailing.inEveryRow(c.remarks.rows); {
	case !c.comments && c.marked > 0 && c.marked < c.plain:
		others.comments = true
	case more > 0:
		others.spare = more
	default:
		return others, false
	}
	return others, true
}

// reread forgets what a pass found that took the file for something else than it is.
func (c *comparison) reread(others premises) {
	c.parts.abort()
	passes := c.delta.Passes
	*c = *newComparison(c.o, c.out)
	c.premises, c.delta.Passes = others, passes
}

// endChanges reports whether the end of the source changes what becomes of rows that were decided about before it.
func (c *comparison) endChanges() bool {
	return c.twins.ids.Len() > 0 || c.parts.overflow || c.parts.has(c.doubt.names) || len(c.disguised) > 0 ||
		len(c.misplaced) > 0
}

// close tells what only the end of the source shows.
func (c *comparison) close() error {
	if c.o.Kind == Product && c.offers && !c.shipped {
		err := c.out.Found(Finding{Line: 1, Column: c.delta.Header.Own("shipping"), Cause: ColumnAbsent}, nil)
		if err != nil {
			return err
		}
	}
	c.weigh()
	c.delta.Prices.Swapped = c.swaps.count()
	c.unmask()
	c.findMoved()
	return c.vanished()
}

func (c *comparison) read(open func() (io.ReadCloser, error)) (seen lines.Evidence, err error) {
	src, err := open()
	if err != nil {
		return seen, err
	}
	defer src.Close()
	source, err := lines.NewSource(src, c.o.Gzipped, c.o.MaxBytes)
	if err != nil {
		return seen, err
	}
	defer func() { c.delta.Bytes = source.Bytes() }()
	cutter := lines.NewCutter(source, c.o.Format, c.quotes)
	first := newWork()
	if err := cutter.Cut(&first.Batch); err != nil && err != io.EOF {
		return seen, err
	}
	if err := c.begin(cutter, first); err != nil {
		return seen, err
	}
	err = c.x.flow(cutter, first, c.merge)
	return cutter.Evidence(), err
}

// begin takes the header off the first batch. A file without any gets the header that tombstones need.
func (c *comparison) begin(cutter *lines.Cutter, first *work) error {
	h := Header{Columns: []string{c.o.Kind.IDColumn(), "delete"}}
	if len(first.Rows) > 0 {
		var err error
		if h, err = c.header(cutter, first); err != nil {
			return err
		}
		h.Columns = append(h.Columns, make([]string, c.spare)...)
		c.delta.Header = h
	}
	c.x = newExaminer(h, c.o)
	c.former = newFormer(h.Columns, c.x.sent)
	for _, name := range h.Unknown {
		c.strangers = append(c.strangers, stranger{at: h.Index(name)})
	}
	c.x.recall(c.known, c.o.Kind, c.quotes)
	cutter.Expect(lines.Expected{
		Columns: c.x.columns, Auto: c.auto, Strict: c.strict, Opened: c.opened,
		Plausible: c.x.plausible, EndsRow: c.x.endsRow, Misquotes: c.x.misquotes, Telling: c.x.telling,
	})
	columns := []string{}
	for _, i := range c.x.sent {
		columns = append(columns, h.Columns[i])
	}
	c.rowEnd = []byte{'\n'}
	if c.o.Kind.Deletes() && c.x.delete < 0 {
		columns = append(columns, "delete")
		c.rowEnd = []byte{c.x.comma, '\n'}
	}
	c.parts = parts{
		create: c.out.Part, limit: c.o.MaxPartBytes, header: headerLine(columns, c.x.comma),
		planned: c.second, overflow: c.parts.overflow,
	}
	return c.judgeHeader(h)
}

// aboveHeader is how many rows may stand above a header.
const aboveHeader = 10

// header finds the header among the first rows, of which each is a batch of its own. A row above it is passed over if
// nothing in it is of a header, and the one below is whole.
func (c *comparison) header(cutter *lines.Cutter, first *work) (Header, error) {
	var problem error
	var above []int64
	for len(above) < aboveHeader {
		raw := first.Rows[0]
		h, err := c.parseHeader(cutter, &first.Batch, &raw)
		var problems *HeaderError
		switch wrong := errors.As(err, &problems); {
		case err == nil:
			first.Rows = first.Rows[:0]
			for _, line := range above {
				if err := c.out.Found(Finding{Line: line, Cause: RowAboveHeader}, nil); err != nil {
					return h, err
				}
			}
			return h, nil
		case !wrong:
			return h, err
		case problem == nil || !problems.notHeader(c.o.Kind):
			problem = err
		}
		hints := &problems.Hints
		said := bytes.Trim(bytes.ToLower(first.BytesOf(&raw)), `"`)
		if separator, says := bytes.CutPrefix(said, []byte("sep=")); says {
			if len(separator) != 1 {
				separator = []byte("…") // whatever stands there
			}
			*hints = append(*hints,
				fmt.Sprintf("the first line, sep=%s, is for Excel alone: export with %s between fields, and without "+
					"this line", separator, c.o.Format.Separators()))
		}
		if !problems.notHeader(c.o.Kind) {
			return h, problem
		}
		above = append(above, raw.Line)
		var unreadable *lines.SyntaxError
		if err := cutter.Cut(&first.Batch); err == io.EOF || errors.As(err, &unreadable) {
			return h, problem
		} else if err != nil {
			return h, err
		}
	}
	return Header{}, problem
}

// parseHeader reads a row as the header.
func (c *comparison) parseHeader(cutter *lines.Cutter, b *lines.Batch, raw *lines.RawRow) (Header, error) {
	text := b.BytesOf(raw)
	switch {
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return Header{}, &lines.SyntaxError{Line: raw.Line,
			Problem: "the header is not UTF-8 text: export the file as UTF-8"}
	case raw.Torn:
		problem := "the double quotes of the header do not match"
		if hint := otherSeparator(string(text), c.o.Kind, c.o.Format); hint != "" {
			// "id";"title" has text behind a quote
			problem = hint
		}
		return Header{}, &lines.SyntaxError{Line: raw.Line, Problem: problem}
	}
	h, err := parseHeader(lines.Row{Line: raw.Line, Fields: b.FieldsOf(raw)}, c.o.Kind, c.o.Format, c.o.Dialect)
	if err != nil || len(h.Unknown) > 0 {
		// what should be a row may have become part of the header, or stand above it
		c.doubt.search(&c.doubt.read, text)
	}
	cutter.ObserveHeader(b, raw)
	return h, err
}

// judgeHeader reports what is worth a warning about the columns themselves, once for the whole file.
func (c *comparison) judgeHeader(h Header) error {
	if len(c.delta.Header.Columns) == 0 {
		return nil
	}
	about := []problem{}
	unknown := UnknownColumn
	if c.o.Dialect == GoogleDialect {
		unknown = ColumnNotSent
	}
	for _, name := range h.Unknown {
		about = append(about, problem{column: name, cause: unknown})
	}
	for _, p := range append(about, c.x.rules.lacking...) {
		if err := c.out.Found(Finding{Line: 1, Column: p.column, Value: p.value, Cause: p.cause}, nil); err != nil {
			return err
		}
	}
	return nil
}

// merge takes a batch of examined rows, in the order of the file.
func (c *comparison) merge(w *work) error {
	for i := range w.examined {
		if err := c.take(w, &w.examined[i]); err != nil {
			return err
		}
	}
	c.offers, c.shipped = c.offers || w.offers, c.shipped || w.shipped
	if c.x.normaliser != nil {
		c.countNormalised(w.struck)
	}
	return nil
}

func (c *comparison) countNormalised(struck []int64) {
	if c.delta.Normalised == nil {
		for _, rule := range c.x.normaliser.rules() {
			rule.Column = c.delta.Header.Own(rule.Column)
			c.delta.Normalised = append(c.delta.Normalised, Normalised{Normalisation: rule})
		}
	}
	for i, n := range struck {
		c.delta.Normalised[i].Count += n
	}
}
