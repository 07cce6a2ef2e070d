package feed

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// recorder is an Output that keeps everything, and fails where a test wants it to.
type recorder struct {
	again   int64  // rows that repeat the header
	failing string // begin, part, write, close or found: the call that fails from now on
	begun   int
	opened  []*recordedPart // of all passes
	parts   []*recordedPart // of this pass, by number
	header  []string        // findings about the header
	found   []string        // findings about rows: line, id, cause, column
}

var errOutput = errors.New("the output failed")

func (r *recorder) fails(call string) error {
	if r.failing == call {
		return errOutput
	}
	return nil
}

func (r *recorder) Begin() error {
	r.again = 0
	r.begun++
	r.parts, r.header, r.found = nil, nil, nil
	return r.fails("begin")
}

func (r *recorder) Part(number int) (PartFile, error) {
	if err := r.fails("part"); err != nil {
		return nil, err
	}
	if number != len(r.parts)+1 {
		return nil, fmt.Errorf("part %d comes after %d parts", number, len(r.parts))
	}
	p := &recordedPart{recorder: r}
	r.parts, r.opened = append(r.parts, p), append(r.opened, p)
	return p, nil
}

func (r *recorder) Found(f Finding, stands *Refusal) error {
	text := strings.TrimSpace(fmt.Sprintf("%d %s %s %s", f.Line, f.ID, f.Cause, f.Column))
	if stands != nil {
		text += " " + stands.Reason
	}
	if f.Cause == HeaderAgain {
		r.again++
	}
	if f.Line == 1 {
		r.header = append(r.header, text)
	} else {
		r.found = append(r.found, text)
	}
	return r.fails("found")
}

type recordedPart struct {
	bytes.Buffer
	recorder        *recorder
	closed, aborted bool
}

func (p *recordedPart) Write(b []byte) (int, error) {
	if err := p.recorder.fails("write"); err != nil {
		return 0, err
	}
	return p.Buffer.Write(b)
}

func (p *recordedPart) Close() error {
	if err := p.recorder.fails("close"); err != nil {
		return err
	}
	p.closed = true
	return nil
}

func (p *recordedPart) Abort() { p.aborted = true }

// leaked reports whether a file is left that is neither complete nor given up.
func (r *recorder) leaked() bool {
	for _, p := range r.opened {
		if !p.closed && !p.aborted {
			return true
		}
	}
	return false
}

// compared compares a source, and checks what is true of every comparison.
func compared(tb testing.TB, source string, o Options) (Delta, *recorder) {
	tb.Helper()
	if o.Kind == "" {
		o.Kind = Product
	}
	if o.Format == "" {
		o.Format = lines.CSV
	}
	out := &recorder{}
	d, err := Compare(opens([]byte(source)), o, out)
	require.NoError(tb, err)
	requireJudgedAnew(tb, source, o, d, out)
	require.False(tb, out.leaked())
	requireAccounted(tb, d)
	require.Equal(tb, d.Passes, out.begun)
	require.Len(tb, out.parts, len(d.Parts))
	for i, part := range d.Parts {
		require.True(tb, out.parts[i].closed)
		require.EqualValues(tb, out.parts[i].Len(), part.Bytes)
		rows := rowsOfPart(tb, out.parts[i].Bytes(), o)
		require.Len(tb, rows, part.Table.Len())
		for n, row := range rows {
			e := part.Table.Entry(n)
			require.Equal(tb, row.id, string(e.ID))
			require.Equal(tb, row.deletes, e.Fingerprint == Tombstone)
		}
	}
	return d, out
}

// requireJudgedAnew checks that a row which was recognised would have been judged just so.
func requireJudgedAnew(tb testing.TB, source string, o Options, d Delta, out *recorder) {
	tb.Helper()
	if o.Manifest == nil || len(o.Manifest.Rows.verbatims) == 0 {
		return
	}
	forgetful := *o.Manifest
	forgetful.Rows.verbatims = nil
	o.Manifest = &forgetful
	anew := &recorder{}
	judged, err := Compare(opens([]byte(source)), o, anew)
	require.NoError(tb, err)
	require.Equal(tb, judged, d)
	require.Equal(tb, anew.header, out.header)
	require.Equal(tb, anew.found, out.found)
	require.Len(tb, out.parts, len(anew.parts))
	for i, part := range anew.parts {
		require.Equal(tb, part.String(), out.parts[i].String())
	}
}

func requireAccounted(tb testing.TB, d Delta) {
	tb.Helper()
	c := d.Counts
	require.Equal(tb, c.Source, c.Unchanged+c.Sent+c.KeptBack+c.StillRefused+c.Superseded+c.Unsettled+c.Asked, "%+v", c)
	require.LessOrEqual(tb, c.Invalid, c.Source)
	entries := int64(0)
	for _, part := range d.Parts {
		entries += int64(part.Table.Len())
	}
	require.Equal(tb, entries, c.Sent+c.Deleted)
}

// partRow is one row as Stripe reads it.
type partRow struct {
	id      string
	deletes bool
	values  map[string]string
}

// rowsOfPart reads a part as strictly as RFC 4180 allows.
func rowsOfPart(tb testing.TB, part []byte, o Options) (rows []partRow) {
	tb.Helper()
	r := csv.NewReader(bytes.NewReader(part))
	r.Comma = rune(o.Format.Comma())
	header, err := r.Read()
	require.NoError(tb, err, "%q", part)
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return rows
		}
		require.NoError(tb, err, "%q", part)
		row := partRow{values: map[string]string{}}
		for i, name := range header {
			row.values[name] = fields[i]
		}
		row.id, row.deletes = row.values[o.Kind.IDColumn()], o.Kind.Deletes() && row.values["delete"] == "true"
		rows = append(rows, row)
	}
}

// outcome says in one line what becomes of a source: ids in the order of the parts, and what is counted.
func outcome(tb testing.TB, d Delta, out *recorder, o Options) string {
	tb.Helper()
	if o.Kind == "" {
		o.Kind = Product
	}
	var sent, deleted, texts []string
	for _, part := range out.parts {
		for _, row := range rowsOfPart(tb, part.Bytes(), o) {
			if row.deletes {
				deleted = append(deleted, row.id)
			} else {
				sent = append(sent, row.id)
			}
		}
	}
	for _, ids := range []struct {
		verb string
		ids  []string
	}{{"send", sent}, {"delete", deleted}} {
		if len(ids.ids) > 0 {
			texts = append(texts, ids.verb+" "+strings.Join(ids.ids, " "))
		}
	}
	c := d.Counts
	for _, count := range []struct {
		n    int64
		what string
	}{{c.Unchanged, "unchanged"}, {c.KeptBack, "held back"}, {c.StillRefused, "still refused"},
		{c.Superseded, "superseded"}, {c.Unsettled, "unsettled"}, {c.NotDeleted, "not deleted"}, {c.Asked, "asked"}} {
		if count.n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", count.n, count.what))
		}
	}
	if d.Forgotten != nil {
		for i := range d.Forgotten.Len() {
			texts = append(texts, "forget "+string(d.Forgotten.id(i)))
		}
	}
	return strings.Join(texts, ", ")
}

// settled is the manifest after Stripe judged all parts of a delivery: it refuses the ids in refused.
func settled(tb testing.TB, m *Manifest, d Delta, refused ...string) *Manifest {
	tb.Helper()
	tables := []*Table{}
	for _, part := range d.Parts {
		tables = append(tables, part.Table)
	}
	if d.Forgotten != nil {
		tables = append(tables, d.Forgotten)
	}
	for _, table := range tables {
		after, err := m.Settle(table, time0, func(id []byte) (RowVerdict, bool) {
			for _, r := range refused {
				if string(id) == r {
					return RowVerdict{Column: "title", Reason: "no"}, true
				}
			}
			return RowVerdict{}, false
		})
		require.NoError(tb, err)
		m = after
	}
	return m
}

// manifestAfter is the manifest after each of the sources was synced, and Stripe refused these ids every time.
func manifestAfter(tb testing.TB, o Options, refused []string, sources ...string) *Manifest {
	tb.Helper()
	if o.Kind == "" {
		o.Kind = Product
	}
	m := NewManifest(o.Kind)
	for _, source := range sources {
		o.Manifest = m
		d, _ := compared(tb, source, o)
		m = settled(tb, m, d, refused...)
	}
	return m
}

// heading and item make sources of products.
const heading = sevenColumns + "\n"

func item(id, price string) string {
	return id + ",Oak table,Solid oak.,https://example.com/t,https://example.com/t.jpg,in_stock," + price + ".00 USD\n"
}

// unsound is a row that Stripe would refuse.
func unsound(id string) string {
	return id + ",,Solid oak.,https://example.com/t,https://example.com/t.jpg,in_stock,1.00 USD\n"
}
