package stripesim

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	// The specification says "alphanumeric", and public catalogs that Stripe took have hyphens; which other delimiters
	// may stand in an id is not documented. The three that product ids commonly have pass, nothing else does.
	idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	// Stripe's rule for zero-decimal currencies is not documented, so an amount may come without decimals.
	pricePattern    = regexp.MustCompile(`^\d{1,12}(\.\d{1,3})? [A-Z]{3}$`)
	datePattern     = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([T ][0-9:.+Z-]+)?$`)
	digitsPattern   = regexp.MustCompile(`^\d{1,50}$`)
	quantityPattern = regexp.MustCompile(`^\d{1,9}$`)
	measurePattern  = regexp.MustCompile(`^\d+(\.\d+)? (cm|in)$`)
	weightPattern   = regexp.MustCompile(`^\d+(\.\d+)? (lb|oz|g|kg)$`)
	taxCodePattern  = regexp.MustCompile(`^txcd_\d{8}$`)
	imageRefused    = []string{".webp", ".svg"} // the specification takes JPEG and PNG
)

// fieldCheck judges one value that is not empty; it returns what is wrong with it, or nothing.
type fieldCheck func(value string) string

func all(checks ...fieldCheck) fieldCheck {
	return func(value string) string {
		for _, check := range checks {
			if wrong := check(value); wrong != "" {
				return wrong
			}
		}
		return ""
	}
}

func atMost(limit int) fieldCheck {
	return func(value string) string {
		if n := utf8.RuneCountInString(value); n > limit {
			return fmt.Sprintf("has %d characters, at most %d are allowed", n, limit)
		}
		return ""
	}
}

func matches(pattern *regexp.Regexp, expected string) fieldCheck {
	return func(value string) string {
		if !pattern.MatchString(value) {
			return "is not valid, expected " + expected
		}
		return ""
	}
}

func oneOf(allowed ...string) fieldCheck {
	return func(value string) string {
		if !slices.Contains(allowed, value) {
			return "is not one of " + strings.Join(allowed, ", ")
		}
		return ""
	}
}

func isURL(value string) string {
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		strings.ContainsAny(value, " \t\r\n") {
		return "is not a http or https URL"
	}
	return ""
}

func isImage(value string) string {
	u, err := url.Parse(value)
	if err == nil && slices.Contains(imageRefused, strings.ToLower(path.Ext(u.Path))) {
		return "is neither JPEG nor PNG"
	}
	return ""
}

// header is the first row of a feed.
type header struct {
	feed    *feedSpec
	names   []string
	columns map[string]int
}

// readHeader returns why a file with this header cannot be imported at all, or nothing. Columns that the specification
// does not know pass: that is not documented, but a public catalog which has some was imported through this API.
// A byte order mark makes the first column unknown; whether Stripe strips it is not documented.
func readHeader(feed *feedSpec, names []string) (header, string) {
	h := header{feed: feed, names: slices.Clone(names), columns: map[string]int{}}
	for i, name := range h.names {
		h.names[i] = strings.Clone(name)
		if _, twice := h.columns[name]; twice {
			return h, fmt.Sprintf("The column %q is there twice.", name)
		}
		h.columns[h.names[i]] = i
	}
	_, deletes := h.columns["delete"]
	for _, name := range feed.required {
		_, present := h.columns[name]
		// A file of deletions needs no other columns; rows in it that are none fail one by one.
		if !present && (name == feed.id || !deletes || !feed.deletes) {
			return h, fmt.Sprintf("The required column %q is missing from the header.", name)
		}
	}
	return h, ""
}

// row is one record under a header.
type row struct {
	header header
	fields []string
}

// value is a column's value; a column that the file does not have is empty.
func (r row) value(column string) string {
	i, present := r.header.columns[column]
	if !present || i >= len(r.fields) {
		return ""
	}
	return r.fields[i]
}

func (r row) id() string { return r.value(r.header.feed.id) }

func (r row) deletes() bool { return r.header.feed.deletes && r.value("delete") == "true" }

// mistake is what is wrong with a row; the zero value is nothing.
type mistake struct {
	field   string // empty for the row as a whole
	message string
}

func wrongField(column, wrong string) mistake {
	return mistake{field: column, message: fmt.Sprintf("Field %s %s.", column, wrong)}
}

// check returns what is wrong with the row, or nothing. Only the first mistake is told, as one message per row is all
// that the error file has room for.
func (r row) check() mistake {
	feed := r.header.feed
	switch {
	case len(r.fields) != len(r.header.names):
		return mistake{
			message: fmt.Sprintf("The row has %d fields, the header has %d.", len(r.fields), len(r.header.names)),
		}
	case feed.deletes && !slices.Contains([]string{"", "true", "false"}, r.value("delete")):
		return wrongField("delete", "is not one of true, false")
	case r.id() == "":
		return wrongField(feed.id, "is required")
	case r.deletes():
		return mistake{} // nothing else of the row is read
	}
	for _, name := range feed.required {
		if strings.TrimSpace(r.value(name)) == "" {
			return wrongField(name, "is required")
		}
	}
	for _, f := range feed.columns {
		if wrong := r.checkField(f.column, f.check); wrong != (mistake{}) {
			return wrong
		}
	}
	return feed.together(r)
}

func (r row) checkField(column string, check fieldCheck) mistake {
	value := r.value(column)
	if value == "" {
		return mistake{}
	}
	if !utf8.ValidString(value) {
		return wrongField(column, "is not valid UTF-8")
	}
	if wrong := check(value); wrong != "" {
		return wrongField(column, wrong)
	}
	return mistake{}
}
