package stripesim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// params reads the parameters of a call, of its query or its form. The first mistake stays in failed. Parameters that
// no method asked for are unknown: Stripe refuses those, and the emulator refuses as well what it does not emulate, so
// that no filter is ignored in silence.
type params struct {
	values url.Values
	asked  map[string]bool
	failed *apiError
}

func newParams(values url.Values) *params { return &params{values: values, asked: map[string]bool{}} }

func (p *params) fail(failed *apiError) {
	if p.failed == nil {
		p.failed = failed
	}
}

// done returns the first mistake.
func (p *params) done() *apiError {
	names := make([]string, 0, len(p.values))
	for name := range p.values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !p.asked[name] {
			p.fail(unknownParameter(name))
		}
	}
	return p.failed
}

func (p *params) has(name string) bool { return p.values.Has(name) }

func (p *params) text(name string) string {
	p.asked[name] = true
	if len(p.values[name]) > 1 {
		p.fail(invalid(name, "Invalid request: %s is there twice.", name))
	}
	return p.values.Get(name)
}

func (p *params) number(name string, otherwise int64) int64 {
	text := p.text(name)
	if !p.has(name) {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		p.fail(&apiError{
			Status: http.StatusBadRequest, Type: invalidRequest, Code: "parameter_invalid_integer", Param: name,
			Message: "Invalid integer: " + text,
		})
	}
	return n
}

func (p *params) flag(name string, otherwise bool) bool {
	text := p.text(name)
	if !p.has(name) {
		return otherwise
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		p.fail(invalid(name, "Invalid boolean: %s", text))
	}
	return value
}

func (p *params) oneOf(name string, allowed ...string) string {
	text := p.text(name)
	if p.has(name) && !slices.Contains(allowed, text) {
		p.fail(invalid(name, "Invalid %s: must be one of %s", name, strings.Join(allowed, ", ")))
	}
	return text
}

var (
	listKey = regexp.MustCompile(`^([a-z_]+)\[\d*\]$`)
	hashKey = regexp.MustCompile(`^([a-z_]+)\[([^\[\]]+)\]$`)
)

// list reads name[]=… or name[0]=….
func (p *params) list(name string) []string {
	keys := []string{}
	for key := range p.values {
		if m := listKey.FindStringSubmatch(key); m != nil && m[1] == name {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	var values []string
	for _, key := range keys {
		p.asked[key] = true
		values = append(values, p.values[key]...)
	}
	return values
}

// hash reads name[key]=….
func (p *params) hash(name string) map[string]string {
	values := map[string]string{}
	for key := range p.values {
		if m := hashKey.FindStringSubmatch(key); m != nil && m[1] == name {
			values[m[2]] = p.text(key)
		}
	}
	return values
}

// metadata reads metadata within Stripe's limits.
func (p *params) metadata() map[string]string {
	values := p.hash("metadata")
	if len(values) > 50 {
		p.fail(invalid("metadata", "Metadata can have up to 50 keys."))
	}
	for key, value := range values {
		if len(key) > 40 || len(value) > 500 {
			p.fail(invalid("metadata", "Metadata keys can have up to 40 characters, values up to 500."))
		}
	}
	return values
}

// period is a filter by creation time, in seconds.
type period struct{ gt, gte, lt, lte, at *int64 }

func (p *params) period(name string) (filter period) {
	for key, bound := range map[string]**int64{
		name: &filter.at, name + "[gt]": &filter.gt, name + "[gte]": &filter.gte, name + "[lt]": &filter.lt,
		name + "[lte]": &filter.lte,
	} {
		if p.has(key) {
			n := p.number(key, 0)
			*bound = &n
		}
	}
	return filter
}

func (f period) fits(created int64) bool {
	return (f.at == nil || created == *f.at) && (f.gt == nil || created > *f.gt) &&
		(f.gte == nil || created >= *f.gte) &&
		(f.lt == nil || created < *f.lt) && (f.lte == nil || created <= *f.lte)
}

// page is a place in a list.
type page struct {
	limit         int64
	after, before string
}

func (p *params) page() page {
	q := page{limit: p.number("limit", 10), after: p.text("starting_after"), before: p.text("ending_before")}
	if q.limit < 1 || q.limit > 100 {
		p.fail(invalid("limit", "Invalid limit: must be from 1 to 100."))
	}
	if q.after != "" && q.before != "" {
		p.fail(invalid("ending_before", "You cannot use both starting_after and ending_before."))
	}
	return q
}

// expands are the properties that a call wants in full, under the version that it names.
type expands struct {
	wanted  []string
	preview bool
}

// firstAgentPreview is the first preview version that public clients read agents' orders with. That older ones show no
// agent and no external reference is not documented, but they are documented nowhere to do so.
const firstAgentPreview = "2025-12-15"

func seesAgents(r *http.Request) bool {
	return strings.HasSuffix(r.Header.Get("Stripe-Version"), ".preview") && versionOf(r) >= firstAgentPreview
}

// expand reads expand[]; a list has its objects under "data.".
func (p *params) expand(r *http.Request, prefix string, allowed ...string) expands {
	e := expands{preview: seesAgents(r)}
	for _, path := range p.list("expand") {
		inner, below := strings.CutPrefix(path, prefix)
		known := slices.ContainsFunc(allowed,
			func(a string) bool { return a == inner || strings.HasPrefix(a, inner+".") })
		if !below || !known || (strings.Contains(inner, "agent_details") && !e.preview) {
			p.fail(invalid("expand", "This property cannot be expanded (%s).", path))
		}
		e.wanted = append(e.wanted, inner)
	}
	return e
}

// at reports whether a property is wanted, itself or something in it.
func (e expands) at(path string) bool {
	return slices.ContainsFunc(e.wanted, func(w string) bool { return w == path || strings.HasPrefix(w, path+".") })
}

// under are the expansions of what is at path.
func (e expands) under(path string) expands {
	inner := expands{preview: e.preview}
	for _, w := range e.wanted {
		if rest, ok := strings.CutPrefix(w, path+"."); ok {
			inner.wanted = append(inner.wanted, rest)
		}
	}
	return inner
}

// paginate cuts a page out of all, which come in the order of the list. The cursor is a place among all of them, also
// if it does not fit the filters.
func paginate[T any](p page, all []T, id func(T) string, fits func(T) bool) (cut []T, more bool, failed *apiError) {
	start, end := 0, len(all)
	for cursor, name := range map[string]string{p.after: "starting_after", p.before: "ending_before"} {
		if cursor == "" {
			continue
		}
		at := slices.IndexFunc(all, func(one T) bool { return id(one) == cursor })
		switch {
		case at < 0:
			return nil, false, &apiError{
				Status: http.StatusBadRequest, Type: invalidRequest, Code: "resource_missing", Param: name,
				Message: fmt.Sprintf("No such object: '%s'", cursor),
			}
		case name == "starting_after":
			start = at + 1
		default:
			end = at
		}
	}
	for _, one := range all[start:end] {
		if fits(one) {
			cut = append(cut, one)
		}
	}
	if over := len(cut) - int(p.limit); over > 0 {
		if p.before != "" {
			return cut[over:], true, nil
		}
		return cut[:p.limit], true, nil
	}
	return cut, false, nil
}

// listOf is a page in Stripe's shape.
func listOf(url string, data []any, more bool) map[string]any {
	if data == nil {
		data = []any{}
	}
	return map[string]any{"object": "list", "url": url, "has_more": more, "data": data}
}
