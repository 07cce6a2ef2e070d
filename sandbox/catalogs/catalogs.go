package catalogs

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"

	"vitrine/internal/feed/lines"
)

// Assortment is what a shop sells.
type Assortment string

// The assortments.
const (
	// Apparel has variants: every item comes in colours and sizes, which share an item_group_id.
	Apparel Assortment = "apparel"
	// HomeGoods are single products, with dimensions and weights.
	HomeGoods Assortment = "home"
)

// Options shape a catalog.
type Options struct {
	Assortment Assortment // empty means Apparel
	Seed       uint64     // another seed is another shop's catalog
	Rows       int        // products, or variants of them
	// MinBytes makes the catalog go on beyond Rows until it has this many bytes, before compression.
	MinBytes int64
	// Revision changes the price and the stock of about one row in fifty with every step, as a shop's day does.
	Revision int
	// BadRows is how many rows have a mistake that Stripe refuses. They are spread over the first Rows rows.
	BadRows int

	Format lines.Format // empty means CSV
	Gzip   bool
	BOM    bool // begin with a byte order mark, as spreadsheets write it
	CRLF   bool // end lines as Windows does
}

// Summary is what was written.
type Summary struct {
	Rows  int
	Bytes int64 // before compression
	Bad   []BadRow
}

// BadRow is a row with a mistake.
type BadRow struct {
	Row    int    // from 1, the header not counted
	ID     string //
	Column string // that the mistake is in
}

// Write writes a catalog to w, row by row: memory does not depend on its size.
func Write(w io.Writer, o Options) (Summary, error) {
	if o.Assortment == "" {
		o.Assortment = Apparel
	}
	if o.Format == "" {
		o.Format = lines.CSV
	}
	if o.BadRows > o.Rows {
		return Summary{}, fmt.Errorf("catalog: %d bad rows of %d", o.BadRows, o.Rows)
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	summary, err := write(buffered, o)
	if err != nil {
		return summary, fmt.Errorf("write a catalog: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return summary, fmt.Errorf("write a catalog: %w", err)
	}
	return summary, nil
}

func write(w io.Writer, o Options) (Summary, error) {
	if !o.Gzip {
		return writeRows(w, o)
	}
	// Speed over size: a benchmark measures the reader.
	compressed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return Summary{}, err
	}
	summary, err := writeRows(compressed, o)
	if err != nil {
		return summary, err
	}
	return summary, compressed.Close()
}

func writeRows(w io.Writer, o Options) (summary Summary, err error) {
	counted := &countingWriter{w: w}
	if o.BOM {
		if _, err := io.WriteString(counted, "\ufeff"); err != nil {
			return summary, err
		}
	}
	out := csv.NewWriter(counted)
	out.Comma, out.UseCRLF = rune(o.Format.Comma()), o.CRLF
	if err := out.Write(Columns); err != nil {
		return summary, err
	}
	for r := range newShop(o).rows() {
		if summary.Rows >= o.Rows && counted.bytes >= o.MinBytes {
			break
		}
		summary.Rows++
		if isBad(summary.Rows, o) {
			summary.Bad = append(summary.Bad,
				BadRow{Row: summary.Rows, ID: r.get("id"), Column: spoil(r, len(summary.Bad))})
		}
		if err := out.Write(r); err != nil {
			return summary, err
		}
	}
	out.Flush()
	summary.Bytes = counted.bytes
	return summary, out.Error()
}

// isBad spreads the bad rows evenly, and keeps them away from the first row, where nobody would look for one.
func isBad(row int, o Options) bool {
	if o.BadRows == 0 || row > o.Rows {
		return false
	}
	before, now := (row-1)*o.BadRows/o.Rows, row*o.BadRows/o.Rows
	return now > before
}

type countingWriter struct {
	w     io.Writer
	bytes int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.bytes += int64(n)
	return n, err
}
