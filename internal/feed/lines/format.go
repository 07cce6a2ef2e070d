package lines

import (
	"errors"
	"fmt"
	"strings"
)

// Format is how the rows of a feed are written.
type Format string

// The two formats that Stripe takes.
const (
	CSV Format = "csv"
	TSV Format = "tsv"
)

// ErrFormat is returned for a name that says nothing about a feed's format.
var ErrFormat = errors.New("expected a name that ends in .csv, .tsv, .csv.gz or .tsv.gz")

// FormatOf tells from a file name or S3 key how a feed is written, and whether it is compressed with gzip.
func FormatOf(name string) (format Format, gzipped bool, err error) {
	lower := strings.ToLower(name)
	lower, gzipped = strings.CutSuffix(lower, ".gz")
	switch {
	case strings.HasSuffix(lower, ".csv"):
		return CSV, gzipped, nil
	case strings.HasSuffix(lower, ".tsv"):
		return TSV, gzipped, nil
	}
	return "", false, fmt.Errorf("format of %q: %w", name, ErrFormat)
}

// Comma is the character between two fields.
func (f Format) Comma() byte {
	if f == TSV {
		return '\t'
	}
	return ','
}

// Separators is what people call the character between two fields.
func (f Format) Separators() string {
	if f == TSV {
		return "tabs"
	}
	return "commas"
}

// ContentType is the MIME type of an upload in this format; Stripe requires the two to match.
func (f Format) ContentType() string {
	if f == TSV {
		return "text/tab-separated-values"
	}
	return "text/csv"
}
