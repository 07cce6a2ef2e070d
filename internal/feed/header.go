package feed

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vitrine/internal/feed/lines"
)

// HeaderError lists everything that keeps a header from being one of a feed. It ends in histories and logs, where no
// cell of a merchant's row belongs, and a header may have swallowed a row: so only documented columns are called by
// their names, and all others by where they stand.
type HeaderError struct {
	Missing    []string // required columns that are not there
	Duplicates []string // columns that are there twice
	Unnamed    []Unnamed
	Values     []string // columns whose names are values of a row
	Hints      []string // what probably went wrong
}

// Unnamed is a column without a name that has one with a name behind it.
type Unnamed struct {
	Position      int    // from 1
	Before, After string // the documented columns beside it; empty if there is none
}

// String says where the column stands, and what is around it.
func (u Unnamed) String() string {
	text := place(u.Position)
	if u.Before != "" {
		text += fmt.Sprintf(" behind %s", u.Before)
	} else if u.After != "" {
		text += fmt.Sprintf(" before %s", u.After)
	}
	return text
}

// place says where a column stands, from 1.
func place(position int) string {
	return fmt.Sprintf("column %d (%s in a spreadsheet)", position, letters(position))
}

// letters is what spreadsheets call the column at a position.
func letters(position int) (name string) {
	for ; position > 0; position = (position - 1) / 26 {
		name = string(rune('A'+(position-1)%26)) + name
	}
	return name
}

// Error joins what is wrong with the header, and what to do.
func (e *HeaderError) Error() string {
	var problems []string
	if len(e.Missing) > 0 {
		problems = append(problems, "required columns are missing: "+strings.Join(e.Missing, ", "))
	}
	if len(e.Duplicates) > 0 {
		problems = append(problems, "columns appear twice: "+firstFew(e.Duplicates, ", "))
	}
	if len(e.Unnamed) > 0 {
		problems = append(problems, firstFew(e.Unnamed, ", ")+" has no name: give it one, or remove the column")
	}
	if len(e.Values) > 0 {
		problems = append(problems,
			"columns are named like values of a row: "+firstFew(e.Values, ", ")+
				"; is the line end behind the header missing?")
	}
	text := "header: " + strings.Join(problems, "; ")
	if len(e.Hints) > 0 {
		text += " (" + strings.Join(e.Hints, "; ") + ")"
	}
	return text
}

// firstFew lists some of many: a header may be a whole file whose line ends are lost.
func firstFew[T any](all []T, separator string) string {
	const few = 20
	texts := make([]string, 0, few)
	for _, one := range all[:min(len(all), few)] {
		texts = append(texts, fmt.Sprint(one))
	}
	text := strings.Join(texts, separator)
	if more := len(all) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Header is the first row of a feed.
type Header struct {
	// by the names that the specification gives them, where it has one; empty at the end for columns without
	Columns []string
	// columns that Stripe does not document for this feed, or that are not its business in the dialect
	Unknown []string
	Renamed []Renaming // columns that the file calls otherwise
}

// notHeader reports whether a row is so little of a header that another one below it may be: no required column is
// there.
func (e *HeaderError) notHeader(kind Kind) bool { return len(e.Missing) == len(requiredColumns(kind)) }

// Renaming is a column's name in a file of another dialect, and in the specification.
type Renaming struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Own is what the merchant calls a column.
func (h Header) Own(column string) string {
	for _, r := range h.Renamed {
		if r.To == column {
			return strings.TrimSpace(r.From)
		}
	}
	return column
}

// titles are the names of the columns as the file writes them.
func (h Header) titles() []string {
	titles := slices.Clone(h.Columns)
	for _, r := range h.Renamed {
		titles[h.Index(r.To)] = r.From
	}
	return titles
}

// Index is the position of a column in a row, or -1.
func (h Header) Index(column string) int { return slices.Index(h.Columns, column) }

// parseHeader takes the first row of a feed apart; all that is wrong with it comes back as one *HeaderError.
func parseHeader(row lines.Row, kind Kind, format lines.Format, dialect Dialect) (Header, error) {
	names := make([]string, len(row.Fields))
	for i, field := range row.Fields {
		names[i] = string(field)
	}
	h := renameColumns(names, kind, dialect)
	var problems HeaderError
	seen := make(map[string]bool, len(names))
	named := len(names)
	for ; named > 0 && strings.TrimSpace(names[named-1]) == ""; named-- {
		h.Columns[named-1] = ""
	}
	for i, name := range h.Columns {
		switch {
		case i >= named: // what spreadsheets leave beside a table
		case strings.TrimSpace(name) == "":
			problems.Unnamed = append(problems.Unnamed, unnamed(kind, h.Columns, i))
		case seen[name] && dialect.withholds(kind, name): // Google has several of one name; Stripe gets none of them
		case seen[name]:
			problems.Duplicates = append(problems.Duplicates, cmp.Or(documented(kind, name), place(i+1)))
		case columnNamed(kind, name) == nil && isValue(name):
			problems.Values = append(problems.Values, place(i+1))
		case columnNamed(kind, name) == nil, dialect.ownBusiness(name):
			h.Unknown = append(h.Unknown, shorten(name))
		}
		seen[name] = true
	}
	problems.Missing = missingColumns(seen, kind)
	if len(problems.Missing)+len(problems.Duplicates)+len(problems.Unnamed)+len(problems.Values) == 0 {
		return h, nil
	}
	problems.Hints = headerHints(h, problems.Missing, kind, format)
	if problems.notHeader(kind) {
		// Not one column is right: this may be a row of products, and products do not belong in an error.
		problems.Duplicates, problems.Unnamed, problems.Values = nil, nil, nil
		problems.Hints = append(problems.Hints, "is the first row really a header?")
	}
	return h, &problems
}

// isValue reports whether the name of a column can only be a value.
func isValue(name string) bool {
	_, isAmount := parseAmount([]byte(name))
	return isAmount || strings.Contains(name, "://")
}

func unnamed(kind Kind, columns []string, i int) Unnamed {
	u := Unnamed{Position: i + 1}
	if i > 0 {
		u.Before = documented(kind, columns[i-1])
	}
	if i+1 < len(columns) {
		u.After = documented(kind, columns[i+1])
	}
	return u
}

// documented is the name of a column that Stripe documents, empty for any other.
func documented(kind Kind, name string) string {
	if columnNamed(kind, name) == nil {
		return ""
	}
	return name
}

// renameColumns gives columns the specification's names. A name of the dialect gives way to the same column under its
// own name, and to an earlier one: it is unknown then, which is no reason to refuse the file.
func renameColumns(names []string, kind Kind, dialect Dialect) Header {
	h := Header{Columns: names}
	taken := make(map[string]bool, len(names))
	for _, name := range names {
		taken[name] = true
	}
	for i, name := range names {
		if own := dialect.renamed(kind, name); own != name && !taken[own] {
			h.Renamed = append(h.Renamed, Renaming{name, own})
			names[i], taken[own] = own, true
		}
	}
	return h
}

// missingColumns are the required columns that a file does not have. A file that only deletes needs none but the id.
func missingColumns(seen map[string]bool, kind Kind) (missing []string) {
	required := requiredColumns(kind)
	for _, name := range required {
		if !seen[name] {
			missing = append(missing, name)
		}
	}
	if kind.Deletes() && seen["delete"] && seen[kind.IDColumn()] && len(missing) == len(required)-1 {
		return nil
	}
	return missing
}

// otherSeparator says what seems to separate the columns of a header in place of what the format has, or nothing.
func otherSeparator(header string, kind Kind, format lines.Format) (hint string) {
	if comma := string(format.Comma()); strings.Contains(header, comma) {
		if separates(comma, header, kind) {
			return "each line is in double quotes as a whole: put them around single values, or leave them out"
		}
		return ""
	}
	for _, other := range []struct{ comma, name string }{{",", "commas"}, {"\t", "tabs"}, {";", "semicolons"},
		{"|", "vertical bars"}, {"^", "carets"}, {"~", "tildes"}} {
		if separates(other.comma, header, kind) {
			return fmt.Sprintf("the fields seem to be separated by %s, but the name says %s: export with %s "+
				"between fields", other.name, format, format.Separators())
		}
	}
	return ""
}

// separates reports whether a header that was read as one column has more of them, with comma between: many, or the
// id's.
func separates(comma, header string, kind Kind) bool {
	names := strings.Split(header, comma)
	return len(names) > 3 || len(names) > 1 && slices.ContainsFunc(names, func(name string) bool {
		return canonical(strings.Trim(name, `"`)) == kind.IDColumn()
	})
}

// headerHints guesses at the mistakes that people really make.
func headerHints(h Header, missing []string, kind Kind, format lines.Format) []string {
	var hints []string
	if len(h.Columns) == 1 && len(missing) > 0 {
		if hint := otherSeparator(h.Columns[0], kind, format); hint != "" {
			hints = append(hints, hint)
		}
	}
	if len(missing) == 0 {
		return hints
	}
	meant := make(map[string]string, len(missing))
	for _, name := range h.Columns {
		own := canonical(name)
		if _, first := meant[own]; !first && own != name {
			meant[own] = name
		}
	}
	for _, want := range missing {
		if got, found := meant[want]; found {
			hints = append(hints, fmt.Sprintf("is %q meant to be %s?", shorten(got), want))
		}
	}
	if kind.Deletes() && h.Index("delete") >= 0 && h.Index(kind.IDColumn()) >= 0 {
		hints = append(hints, fmt.Sprintf("a file that only deletes has no columns but %s and delete", kind.IDColumn()))
	}
	return hints
}

// shorten keeps a header that is really a row of data, or a whole file, from filling an error message.
func shorten(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
