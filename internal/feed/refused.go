package feed

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"vitrine/internal/feed/lines"
)

// ErrorColumn is the leading column of the file in which Stripe lists refused rows.
const ErrorColumn = "stripe_error_message"

// Other names that the column of reasons, and the column that names a row, may have: what the file looks like is not
// documented. Names are compared as refusedName has them.
var (
	reasonNames = []string{
		ErrorColumn, "stripe_error", "stripe_error_messages", "error_message", "error_messages", "error", "errors",
		"error_reason",
		"error_description", "failure_message", "failure_reason", "failed_reason", "reason", "message",
	}
	idNames = []string{"product_id", "item_id", "sku_id", "sku", "offer_id", "external_id", "row_id", "record_id",
		"object_id"}
)

// Refused is a row that Stripe did not take. ID and Value are valid until the next one.
type Refused struct {
	ID     []byte // empty if the file does not tell
	Reason string // in Stripe's words; empty if the file has none
	Column string // that the words name; empty if they name none
	Value  []byte // of that column
}

// RefusedError says why a file of refused rows cannot be read, or not to its end. The rows before it were read.
type RefusedError struct{ Problem string }

// Error says what does not fit; none of the file's text is in it.
func (e *RefusedError) Error() string { return "stripe's error file: " + e.Problem }

// maxRefusedBytes bounds the file after decompression.
const maxRefusedBytes = 8 << 30

// ReadRefused reads Stripe's file of refused rows: a CSV with ErrorColumn, followed by the columns of the upload. It is
// a real CSV: descriptions with line breaks in them occur.
//
// Nothing of that is a promise of Stripe's. So the file may as well be compressed, in UTF-16, separated by something
// else, name its columns otherwise, and have lines above them; rows whose fields cannot be told apart have no ID. What
// is wrong with the file itself is a *RefusedError, which another try would meet again; any other error is the
// source's, or each's.
func ReadRefused(src io.Reader, kind Kind, each func(Refused) error) error {
	source := &faithful{src: src}
	err := readRefused(source, kind, each)
	var wrong *RefusedError
	var syntax *lines.SyntaxError
	switch {
	case source.err != nil:
		return fmt.Errorf("stripe's error file: %w", source.err)
	case errors.As(err, &syntax):
		return &RefusedError{syntax.Error()}
	case errors.As(err, &wrong):
		return wrong
	}
	return err
}

func readRefused(src io.Reader, kind Kind, each func(Refused) error) error {
	text, err := refusedText(src)
	if err != nil {
		return err
	}
	format, err := refusedFormat(text, kind)
	if err != nil {
		return err
	}
	r := lines.SeparatedBy(text, format.comma)
	for range format.above + 1 { // … and the header
		if _, err := r.Read(); err != nil {
			return err
		}
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if format.again(row) {
			continue // the file is put together from several
		}
		if err := each(format.refused(row, r.Unended())); err != nil {
			return err
		}
	}
}

// refusedColumns is how a file of refused rows is laid out.
type refusedColumns struct {
	comma      byte
	above      int // lines above the header
	names      []string
	reason, id int // where they stand; -1 if nowhere
}

// again reports whether a row repeats the header.
func (c refusedColumns) again(row lines.Row) bool {
	if len(row.Fields) != len(c.names) || len(c.names) < 2 {
		return false
	}
	for i, field := range row.Fields {
		if refusedName(field) != c.names[i] {
			return false
		}
	}
	return true
}

// refused is what a row of the file tells. Where fields are missing, or more than columns, a quote or a separator went
// astray: what stands in the place of the id may be another row's. Where the file breaks off in an id, half of it may
// be another row's as well.
func (c refusedColumns) refused(row lines.Row, unended bool) Refused {
	if len(row.Fields) != len(c.names) || unended && c.id == len(c.names)-1 {
		return Refused{Reason: strings.TrimSpace(string(fieldOf(row, c.reason)))}
	}
	r := Refused{ID: fieldOf(row, c.id), Reason: strings.TrimSpace(string(fieldOf(row, c.reason)))}
	if r.Column = columnIn(r.Reason, c.names, c.reason); r.Column != "" {
		r.Value = fieldOf(row, slices.Index(c.names, r.Column))
	}
	return r
}

// known is how many of the columns that count there are.
func (c refusedColumns) known() int {
	switch {
	case c.reason >= 0 && c.id >= 0:
		return 2
	case c.reason >= 0 || c.id >= 0:
		return 1
	}
	return 0
}

// columnsOf finds the columns that count among those of a header.
func columnsOf(header lines.Row, comma byte, kind Kind) refusedColumns {
	c := refusedColumns{comma: comma, reason: -1, id: -1}
	for _, f := range header.Fields {
		c.names = append(c.names, refusedName(f))
	}
	for _, name := range reasonNames {
		if c.reason < 0 {
			c.reason = slices.Index(c.names, name)
		}
	}
	for _, name := range append([]string{kind.IDColumn(), "id"}, idNames...) {
		if c.id < 0 {
			c.id = slices.Index(c.names, name)
		}
	}
	if c.reason < 0 && c.id >= 0 {
		c.reason = c.likelyReason(kind)
	}
	return c
}

// likelyReason is the column that has the reasons by its name, or else the only one that the feed does not have; -1 if
// there is none.
func (c refusedColumns) likelyReason(kind Kind) int {
	var foreign []int
	for i, name := range c.names {
		if i != c.id && columnNamed(kind, name) == nil {
			foreign = append(foreign, i)
		}
	}
	for _, word := range []string{"message", "reason", "error", "failure", "problem"} {
		for _, i := range foreign {
			name := c.names[i]
			if strings.Contains(name, word) && !strings.HasSuffix(name, "code") && !strings.HasSuffix(name, "count") {
				return i
			}
		}
	}
	if len(foreign) == 1 {
		return foreign[0]
	}
	return -1
}

// refusedName is the name of a column whatever its case, and the spaces and hyphens in it.
func refusedName(cell []byte) string {
	var name strings.Builder
	before := ' '
	for _, r := range strings.TrimSpace(string(cell)) {
		switch {
		case r == ' ' || r == '-' || r == '.':
			name.WriteByte('_')
		case unicode.IsUpper(r) && unicode.IsLower(before):
			name.WriteString("_" + string(unicode.ToLower(r)))
		default:
			name.WriteRune(unicode.ToLower(r))
		}
		before = r
	}
	return name.String()
}

// columnIn is the first word of a message that is the name of a column. How Stripe names columns in its messages is not
// documented; a message that names none is about the row as a whole.
func columnIn(message string, columns []string, reason int) string {
	words := strings.FieldsFunc(message, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	for _, word := range words {
		if at := slices.Index(columns, word); at >= 0 && at != reason {
			return word
		}
	}
	return ""
}

// fieldOf is a row's field at i, empty if the row does not have it.
func fieldOf(row lines.Row, i int) []byte {
	if i < 0 || i >= len(row.Fields) {
		return nil
	}
	return row.Fields[i]
}
