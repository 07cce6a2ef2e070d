package feed

import (
	"errors"
	"fmt"
	"io"
)

// ErrorColumn is the leading column of the file in which Stripe lists refused rows.
const ErrorColumn = "stripe_error_message"

// Refused is a row that Stripe did not take.
type Refused struct {
	Reason string // in Stripe's words
	ID     string // empty if the row has none
	Title  string
}

// ReadRefused reads Stripe's file of refused rows: a CSV with ErrorColumn, followed by the columns of the upload. It is
// a real CSV: descriptions with line breaks in them occur.
func ReadRefused(src io.Reader, each func(Refused) error) error {
	r := NewReader(src, CSV)
	first, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stripe's error file: %w", err)
	}
	var h Header
	for _, f := range first.Fields {
		h.Columns = append(h.Columns, string(f))
	}
	reason, id, title := h.Index(ErrorColumn), h.Index("id"), h.Index("title")
	if reason < 0 {
		return fmt.Errorf("stripe's error file: the column %s is missing", ErrorColumn)
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("stripe's error file: %w", err)
		}
		if err := each(Refused{Reason: row.text(reason), ID: row.text(id), Title: row.text(title)}); err != nil {
			return err
		}
	}
}

// text is the field at i, empty if the row does not have it.
func (r Row) text(i int) string {
	if i < 0 || i >= len(r.Fields) {
		return ""
	}
	return string(r.Fields[i])
}

// FindLines reads a feed and fills in, for every id in lines, the line on which its row begins. Of several rows with
// the same id the last one counts, as it does at Stripe. Ids that do not occur are left alone.
func FindLines(src io.Reader, format Format, lines map[string]int64) error {
	r := NewReader(src, format)
	id := -1
	for header := true; ; header = false {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case header:
			for i, name := range row.Fields {
				if string(name) == "id" {
					id = i
				}
			}
		case id >= 0 && id < len(row.Fields):
			if _, wanted := lines[string(row.Fields[id])]; wanted {
				lines[string(row.Fields[id])] = row.Line
			}
		}
	}
}
