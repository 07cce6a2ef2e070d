package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
)

// Columns are the columns of the CSV. People read the first eight in this order; programs go by the names.
var Columns = []string{"line", "id", "column", "value", "reason", "severity", "by", "first_seen", "cause"}

// ErrForeign is returned for a CSV that no Writer has written.
var ErrForeign = errors.New("not a list of findings")

// byteOrderMark tells Excel that the file is UTF-8; without it every umlaut is two wrong letters there.
const byteOrderMark = "\ufeff"

// Writer writes findings as CSV. Texts come back from a Reader byte for byte, except that encoding/csv reads CR LF as
// LF. Times keep their second.
type Writer struct {
	w      io.Writer
	table  *csv.Writer
	record []string
	begun  bool
}

// NewWriter writes to w. Nothing is complete before Flush.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, table: csv.NewWriter(w), record: make([]string, len(Columns))}
}

// Write adds a finding.
func (w *Writer) Write(e catalog.ReportEntry) error {
	if err := w.begin(); err != nil {
		return err
	}
	w.record = append(w.record[:0],
		lineText(e.Line), harmless(e.ID), harmless(e.Column), harmless(e.Value), harmless(e.Reason),
		harmless(string(e.Severity)), harmless(string(e.By)), timeText(e.FirstSeen), harmless(string(e.Cause)))
	return w.table.Write(w.record)
}

// Flush writes what is buffered, and the header if there was no finding.
func (w *Writer) Flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	w.table.Flush()
	return w.table.Error()
}

func (w *Writer) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	if _, err := io.WriteString(w.w, byteOrderMark); err != nil {
		return err
	}
	return w.table.Write(Columns)
}

func lineText(line int64) string {
	if line == 0 {
		return ""
	}
	return strconv.FormatInt(line, 10)
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// formula is what a spreadsheet takes for the beginning of one (https://owasp.org/www-community/attacks/CSV_Injection);
// the wide forms count in Japanese and Chinese editions.
const formula = "=+-@\t\r\n＝＋－＠"

// harmless puts an apostrophe before a text that a spreadsheet would compute: merchants open the file in one, and its
// texts are whoever's who can name a product. A text that looks so already gets one more, so that plain can take away
// exactly what harmless added. Line numbers and times are Vitrine's own and stay numbers and times.
func harmless(text string) string {
	if looksComputed(text) {
		return "'" + text
	}
	return text
}

func plain(cell string) string {
	if text, marked := strings.CutPrefix(cell, "'"); marked && looksComputed(text) {
		return text
	}
	return cell
}

func looksComputed(text string) bool {
	bare := strings.TrimLeft(text, "'")
	return bare != "" && strings.IndexAny(bare, formula) == 0
}

// Reader reads findings back.
type Reader struct {
	table *csv.Reader
	at    [9]int // where each of Columns stands
	begun bool
}

// NewReader reads what a Writer wrote. Columns may be in another order, and there may be more of them.
func NewReader(r io.Reader) *Reader {
	table := csv.NewReader(r)
	table.ReuseRecord = true
	return &Reader{table: table}
}

// All yields the findings one by one, and ends with the first error.
func (r *Reader) All() iter.Seq2[catalog.ReportEntry, error] {
	return func(yield func(catalog.ReportEntry, error) bool) {
		for {
			e, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Read returns the next finding, io.EOF after the last one. Errors about the content are ErrForeign.
func (r *Reader) Read() (catalog.ReportEntry, error) {
	if err := r.begin(); err != nil {
		return catalog.ReportEntry{}, err
	}
	record, err := r.table.Read()
	if err != nil {
		return catalog.ReportEntry{}, foreign(err)
	}
	e, err := r.entry(record)
	if err != nil {
		line, _ := r.table.FieldPos(0)
		return e, fmt.Errorf("findings, line %d: %w: %w", line, ErrForeign, err)
	}
	return e, nil
}

func (r *Reader) begin() error {
	if r.begun {
		return nil
	}
	header, err := r.table.Read()
	if err != nil {
		return foreign(err)
	}
	r.begun = true
	header[0] = strings.TrimPrefix(header[0], byteOrderMark)
	for i, name := range Columns {
		if r.at[i] = slices.Index(header, name); r.at[i] < 0 {
			return fmt.Errorf("findings: %w: the column %s is missing", ErrForeign, name)
		}
	}
	return nil
}

// foreign tells a CSV that is none from a stream that broke, which another try may repair.
func foreign(err error) error {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return fmt.Errorf("findings: %w: %w", ErrForeign, err)
	}
	return err
}

func (r *Reader) entry(record []string) (e catalog.ReportEntry, err error) {
	cell := func(i int) string { return record[r.at[i]] }
	text := func(i int) string { return plain(cell(i)) }
	e = catalog.ReportEntry{
		ID: text(1), Column: text(2), Value: text(3), Reason: text(4),
		Severity: feed.Severity(text(5)), By: catalog.Teller(text(6)), Cause: feed.Cause(text(8)),
	}
	if line := cell(0); line != "" {
		if e.Line, err = strconv.ParseInt(line, 10, 64); err != nil {
			return e, errors.New("line is not a number") // without the cell: errors end in histories
		}
	}
	if first := cell(7); first != "" {
		if e.FirstSeen, err = time.Parse(time.RFC3339, first); err != nil {
			return e, errors.New("first_seen is not a time")
		}
	}
	return e, nil
}

// asRead is a text as it comes back from the CSV, for comparing one that was written with one that was read.
func asRead(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
