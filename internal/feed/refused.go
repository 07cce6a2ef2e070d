package feed

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrorColumn is the leading column of the file in which Stripe lists refused rows.
const ErrorColumn = "stripe_error_message"

// Refused is a row that Stripe did not take. ID and Value are valid until the next one.
type Refused struct {
	ID     []byte // empty if the row has none
	Reason string // in Stripe's words
	Column string // that the words name; empty if they name none
	Value  []byte // of that column
}

// ReadRefused reads Stripe's file of refused rows: a CSV with ErrorColumn, followed by the columns of the upload. It is
// a real CSV: descriptions with line breaks in them occur.
func ReadRefused(src io.Reader, kind Kind, each func(Refused) error) error {
	r := NewReader(src, CSV)
	first, err := r.Read()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stripe's error file: %w", err)
	}
	var h Header
	for _, f := range first.Fields {
		h.Columns = append(h.Columns, string(f))
	}
	reason, id := h.Index(ErrorColumn), h.Index(kind.IDColumn())
	if reason < 0 {
		return fmt.Errorf("stripe's error file: the column %s is missing", ErrorColumn)
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("stripe's error file: %w", err)
		}
		refused := Refused{ID: row.field(id), Reason: strings.TrimSpace(string(row.field(reason)))}
		refused.Column = columnIn(refused.Reason, h.Columns)
		if refused.Column != "" {
			refused.Value = row.field(h.Index(refused.Column))
		}
		if err := each(refused); err != nil {
			return err
		}
	}
}

// columnIn is the first word of a message that is the name of a column. How Stripe names columns in its messages is not
// documented; a message that names none is about the row as a whole.
func columnIn(message string, columns []string) string {
	words := strings.FieldsFunc(message, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	for _, word := range words {
		if word != ErrorColumn && slices.Contains(columns, word) {
			return word
		}
	}
	return ""
}

// field is the field at i, empty if the row does not have it.
func (r Row) field(i int) []byte {
	if i < 0 || i >= len(r.Fields) {
		return nil
	}
	return r.Fields[i]
}
