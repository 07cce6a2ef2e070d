package feed

import (
	"fmt"
	"slices"
	"strings"
)

// HeaderError lists everything that keeps a header from being one of a feed.
type HeaderError struct {
	Missing    []string // required columns that are not there
	Duplicates []string // columns that are there twice
	Unnamed    []int    // positions, from 1, of columns without a name
	Hints      []string // what probably went wrong
}

func (e *HeaderError) Error() string {
	var problems []string
	if len(e.Missing) > 0 {
		problems = append(problems, "required columns are missing: "+strings.Join(e.Missing, ", "))
	}
	if len(e.Duplicates) > 0 {
		problems = append(problems, "columns appear twice: "+strings.Join(e.Duplicates, ", "))
	}
	if len(e.Unnamed) > 0 {
		problems = append(problems, fmt.Sprintf("columns have no name: %v", e.Unnamed))
	}
	text := "header: " + strings.Join(problems, "; ")
	if len(e.Hints) > 0 {
		text += " (" + strings.Join(e.Hints, "; ") + ")"
	}
	return text
}

// Header is the first row of a feed.
type Header struct {
	Columns []string
	Unknown []string // columns that Stripe does not document for this feed
}

// Index is the position of a column in a row, or -1.
func (h Header) Index(column string) int { return slices.Index(h.Columns, column) }

// parseHeader takes the first row of a feed apart; all that is wrong with it comes back as one *HeaderError.
func parseHeader(row Row, kind Kind, format Format, _ Dialect) (Header, error) {
	var h Header
	var problems HeaderError
	for i, field := range row.Fields {
		name := string(field)
		switch {
		case strings.TrimSpace(name) == "":
			problems.Unnamed = append(problems.Unnamed, i+1)
		case slices.Contains(h.Columns, name):
			problems.Duplicates = append(problems.Duplicates, shorten(name))
		case !known(kind, name):
			h.Unknown = append(h.Unknown, shorten(name))
		}
		h.Columns = append(h.Columns, name)
	}
	for _, c := range Columns(kind) {
		if c.Need == Required && h.Index(c.Name) < 0 {
			problems.Missing = append(problems.Missing, c.Name)
		}
	}
	if len(problems.Missing)+len(problems.Duplicates)+len(problems.Unnamed) == 0 {
		return h, nil
	}
	problems.Hints = headerHints(h, problems.Missing, format)
	if len(problems.Missing) == required(kind) {
		// Not one column is right: this may be a row of products, and products do not belong in an error.
		problems.Duplicates, problems.Unnamed = nil, nil
		problems.Hints = append(problems.Hints, "is the first row really a header?")
	}
	return h, &problems
}

// headerHints guesses at the mistakes that people really make.
func headerHints(h Header, missing []string, format Format) []string {
	var hints []string
	if len(h.Columns) == 1 && len(missing) > 0 {
		for _, other := range []struct{ comma, name string }{{",", "commas"}, {"\t", "tabs"}, {";", "semicolons"}, {"|", "vertical bars"}} {
			if other.comma != string(format.Comma()) && strings.Count(h.Columns[0], other.comma) >= 3 {
				hints = append(hints, fmt.Sprintf("the fields seem to be separated by %s, but the name says %s", other.name, format))
			}
		}
	}
	for _, want := range missing {
		for _, got := range h.Columns {
			if got != want && normalised(got) == want {
				hints = append(hints, fmt.Sprintf("is %q meant to be %s?", got, want))
			}
		}
	}
	return hints
}

func normalised(name string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(name)))
}

func required(kind Kind) (n int) {
	for _, c := range Columns(kind) {
		if c.Need == Required {
			n++
		}
	}
	return n
}

func known(kind Kind, name string) bool {
	return slices.ContainsFunc(Columns(kind), func(c Column) bool { return c.Name == name })
}

// shorten keeps a header that is really a row of data, or a whole file, from filling an error message.
func shorten(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
