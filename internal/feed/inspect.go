// Package feed is the engine for Stripe's product feed: its columns, reading, checking, and finding rows again. It is
// pure: readers in, writers and findings out; it knows nothing of S3, Stripe's API or Temporal.
//
// The specification is https://docs.stripe.com/agentic-commerce/product-feed.
package feed

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// ErrTooLarge is returned by Inspect when the feed has more bytes than Options.MaxBytes.
var ErrTooLarge = errors.New("the feed is too large")

// ErrEmpty is returned by Inspect for a file without a header.
var ErrEmpty = errors.New("the file is empty: expected a header row")

// Options say how a feed is written and what to do with its bytes.
type Options struct {
	Kind    Kind
	Format  Format
	Gzipped bool
	// MaxBytes bounds the feed after decompression; zero means no bound. It also stops a compressed file that would
	// unpack without end.
	MaxBytes int64
	// Copy receives the feed as Stripe is to see it: decompressed, without a byte order mark. It may be nil.
	Copy io.Writer
}

// Summary is what one pass over a feed tells.
type Summary struct {
	Header Header
	Rows   int64
	Bytes  int64  // after decompression, without byte order mark: what Copy received
	SHA256 string // hex, of the same bytes
	// Findings are what is wrong with rows, by cause. They do not stop a sync: Stripe has the last word on a row.
	Findings []Tally
}

// Tally is one cause, how often it occurs and where first.
type Tally struct {
	Cause   Cause   `json:"cause"`
	Warning bool    `json:"warning,omitempty"` // Stripe is expected to take the row all the same
	Count   int64   `json:"count"`
	Lines   []int64 `json:"lines"` // the first maxLines of them
	Detail  string  `json:"detail"`
	Fix     string  `json:"fix"`
}

const maxLines = 5

// Inspect reads a feed once, in constant memory. An error means that nothing of the file can be sent: a *HeaderError, a
// *SyntaxError, ErrTooLarge, ErrEmpty, or the source's own error.
func Inspect(src io.Reader, o Options) (Summary, error) {
	plain, err := decompress(src, o.Gzipped)
	if err != nil {
		return Summary{}, err
	}
	body := &tap{src: plain, copy: o.Copy, sum: sha256.New(), limit: o.MaxBytes}
	reader := NewReader(body, o.Format)

	first, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return Summary{}, ErrEmpty
	}
	if err != nil {
		return Summary{}, err
	}
	header, err := parseHeader(first, o.Kind, o.Format, StripeDialect)
	if err != nil {
		return Summary{Header: header}, err
	}

	s := Summary{Header: header}
	check := newRowCheck(header)
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
		s.Rows++
		check.row(row)
	}
	s.Bytes, s.SHA256, s.Findings = body.n, hex.EncodeToString(body.sum.Sum(nil)), check.findings()
	return s, nil
}

// decompress unpacks a gzipped source. A broken archive is the merchant's to mend, a broken connection is not: the two
// are told apart by which of them failed first.
func decompress(src io.Reader, gzipped bool) (io.Reader, error) {
	if !gzipped {
		return src, nil
	}
	watched := &watchedSource{src: src}
	unpacked, err := gzip.NewReader(watched)
	if err != nil {
		return nil, watched.blame(err)
	}
	return readerFunc(func(p []byte) (int, error) {
		n, err := unpacked.Read(p)
		if err != nil && err != io.EOF {
			err = watched.blame(err)
		}
		return n, err
	}), nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type watchedSource struct {
	src io.Reader
	err error
}

func (w *watchedSource) Read(p []byte) (int, error) {
	n, err := w.src.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

func (w *watchedSource) blame(unpacking error) error {
	if w.err != nil {
		return w.err
	}
	return &SyntaxError{1, fmt.Sprintf("the file is named .gz but cannot be unpacked (%v): was its upload complete?", unpacking)}
}

// tap passes a feed's bytes on to the copy and the checksum as the reader takes them, less the byte order mark.
type tap struct {
	src   io.Reader
	copy  io.Writer
	sum   hash.Hash
	n     int64
	limit int64
	begun bool
	head  []byte
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.src.Read(p)
	if n > 0 {
		if failed := t.pass(p[:n], err == io.EOF); failed != nil {
			return 0, failed
		}
	}
	if err == io.EOF && !t.begun {
		t.begun = true
		if failed := t.forward(t.head); failed != nil {
			return 0, failed
		}
	}
	return n, err
}

// pass holds the first bytes back until they are known to be a byte order mark or not.
func (t *tap) pass(p []byte, last bool) error {
	if t.begun {
		return t.forward(p)
	}
	t.head = append(t.head, p...)
	if len(t.head) < len(byteOrderMark) && !last {
		return nil
	}
	t.begun = true
	return t.forward(bytes.TrimPrefix(t.head, byteOrderMark))
}

func (t *tap) forward(p []byte) error {
	t.n += int64(len(p))
	if t.limit > 0 && t.n > t.limit {
		return ErrTooLarge
	}
	t.sum.Write(p)
	if t.copy == nil {
		return nil
	}
	_, err := t.copy.Write(p)
	return err
}

// rowCheck gathers what is wrong with rows.
type rowCheck struct {
	header Header
	id     int
	causes map[Cause]*Tally
	order  []Cause
}

func newRowCheck(h Header) *rowCheck {
	c := &rowCheck{header: h, id: h.Index("id"), causes: map[Cause]*Tally{}}
	for _, name := range h.Unknown {
		f := c.found(UnknownColumn, 1)
		f.Warning = true
		f.Detail = "Stripe documents no such column: " + name
		if f.Count > 1 {
			f.Detail = fmt.Sprintf("Stripe documents no such columns: %s and %d more", h.Unknown[0], f.Count-1)
		}
		f.Fix = "remove the column, or check its spelling"
	}
	return c
}

func (c *rowCheck) row(row Row) {
	switch want, got := len(c.header.Columns), len(row.Fields); {
	case got > want:
		f := c.found(TooManyFields, row.Line)
		f.Detail = "the row has more fields than the header has columns"
		f.Fix = "put values that contain the separator in double quotes"
	case got < want:
		f := c.found(TooFewFields, row.Line)
		f.Detail = "the row has fewer fields than the header has columns"
		f.Fix = "write every column, empty if it has no value"
	}
	if c.id < len(row.Fields) && len(bytes.TrimSpace(row.Fields[c.id])) == 0 {
		f := c.found(EmptyID, row.Line)
		f.Detail = "the row has no id"
		f.Fix = "give every row the stable id of its product, such as the SKU"
	}
	if !validText(row.Fields) {
		f := c.found(NotUTF8, row.Line)
		f.Detail = "the row is not UTF-8 text"
		f.Fix = "export the file as UTF-8"
	}
}

func (c *rowCheck) found(cause Cause, line int64) *Tally {
	f, seen := c.causes[cause]
	if !seen {
		f = &Tally{Cause: cause}
		c.causes[cause] = f
		c.order = append(c.order, cause)
	}
	f.Count++
	if len(f.Lines) < maxLines {
		f.Lines = append(f.Lines, line)
	}
	return f
}

func (c *rowCheck) findings() []Tally {
	var all []Tally
	for _, cause := range c.order {
		all = append(all, *c.causes[cause])
	}
	return all
}
