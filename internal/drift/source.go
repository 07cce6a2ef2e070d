package drift

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// Source is what Stripe would be sent of all rows of a source, kept as digests: 8 bytes a row, 4 for each column that
// is compared, and the entry that feed.Compare makes of it. It is the output of a feed.Compare that sends everything;
// End follows it.
type Source struct {
	comma   rune
	without []string
	parts   []*sourcePart
	kept    map[uint64]bool // ids that are in the source, and are kept back, folded
	capture map[string]bool
	columns []string // of the source as it is sent
}

var _ feed.Output = (*Source)(nil)

// NewSource reads parts of this format. What stands in the columns without is left out: other feeds change it.
func NewSource(format lines.Format, without []string) *Source {
	return &Source{comma: rune(format.Comma()), without: without}
}

// Capture makes the next reading keep the values of some rows as they are, for Value.
func (s *Source) Capture(ids []string) {
	s.capture = make(map[string]bool, len(ids))
	for _, id := range ids {
		s.capture[id] = true
	}
}

// Value is what a captured row has in a column.
func (s *Source) Value(id, column string) (value string, found bool) {
	for _, p := range s.parts {
		if row, captured := p.captured[id]; captured {
			value, found = row[column]
		}
	}
	return value, found
}

// Begin forgets what was read so far.
func (s *Source) Begin() error {
	s.parts, s.kept = nil, map[uint64]bool{}
	return nil
}

// Found notes an id that is in the source, whether it is sent or not.
func (s *Source) Found(f feed.Finding, _ *feed.Refusal) error {
	if len(f.ID) > 0 && f.Cause.Severity() == feed.Error {
		s.kept[folded(f.ID)] = true
	}
	return nil
}

// Part begins a part.
func (s *Source) Part(int) (feed.PartFile, error) {
	content, in := io.Pipe()
	p := &sourcePart{PipeWriter: in, done: make(chan struct{}), captured: map[string]map[string]string{}}
	s.parts = append(s.parts, p)
	go func() {
		defer close(p.done)
		p.err = p.read(content, s)
		content.CloseWithError(p.err) // whoever writes on learns of it
	}()
	return p, nil
}

// End takes the tables of the parts, as the comparison gives them.
func (s *Source) End(parts []feed.Part) error {
	for _, part := range parts {
		p := s.parts[part.Number-1]
		if p.table = part.Table; p.table.Len() != len(p.rows) {
			return fmt.Errorf("part %d of the source has %d rows, and %d were read", part.Number, p.table.Len(),
				len(p.rows))
		}
		s.columns = p.columns
	}
	return nil
}

// keepsBack reports whether a row of this id is in the source without being sent.
func (s *Source) keepsBack(id []byte) bool { return s != nil && s.kept[folded(id)] }

// row finds what would be sent of an id. A tombstone is one that asks for its deletion.
func (s *Source) row(id []byte) (entry feed.Entry, row sourceRow, found bool) {
	if s == nil {
		return feed.Entry{}, sourceRow{}, false
	}
	for _, p := range s.parts {
		if i, is := p.table.Find(id, p.hint); is {
			p.hint = i + 1
			return p.table.Entry(i), p.rows[i], true
		}
	}
	return feed.Entry{}, sourceRow{}, false
}

// rows counts what would be sent, tombstones left out.
func (s *Source) rows() (n int64) {
	for _, p := range s.parts {
		for i := range p.table.Len() {
			if p.table.Entry(i).Fingerprint != feed.Tombstone {
				n++
			}
		}
	}
	return n
}

// has reports whether the source as it is sent has a column.
func (s *Source) has(column string) bool { return s != nil && slices.Contains(s.columns, column) }

// sourceRow is what is kept of a row.
type sourceRow struct {
	whole   uint64
	columns [len(compared)]uint32 // by their place in compared
}

// sourcePart is a part on its way through.
type sourcePart struct {
	*io.PipeWriter
	done     chan struct{}
	err      error
	columns  []string
	rows     []sourceRow
	table    *feed.Table
	hint     int
	captured map[string]map[string]string
}

func (p *sourcePart) read(content io.Reader, s *Source) error {
	rows := csv.NewReader(content)
	rows.Comma, rows.ReuseRecord = s.comma, true
	rows.LazyQuotes = true // a row that needs no quotes is passed on byte for byte
	names, err := rows.Read()
	if err != nil {
		return fmt.Errorf("read the header of a part: %w", err)
	}
	p.columns = slices.Clone(names)
	d := digester(p.columns, s.without)
	id := slices.Index(p.columns, "id")
	for {
		cells, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a part: %w", err)
		}
		p.rows = append(p.rows, d.row(cells))
		if id >= 0 && s.capture[cells[id]] {
			p.keep(cells, id)
		}
	}
}

func (p *sourcePart) keep(cells []string, id int) {
	row := make(map[string]string, len(cells))
	for i, column := range p.columns {
		row[column] = cells[i]
	}
	p.captured[cells[id]] = row
}

// Close ends a part that is complete.
func (p *sourcePart) Close() error {
	p.PipeWriter.Close()
	<-p.done
	return p.err
}

// Abort gives a part up.
func (p *sourcePart) Abort() {
	p.CloseWithError(errors.New("given up"))
	<-p.done
}
