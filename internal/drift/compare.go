package drift

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"vitrine/internal/feed"
)

// mostExamples are named of each kind of drift.
const mostExamples = 5

// What speaks against believing what the report says of many rows alike: see Result.Systematic and Result.Doubt.
const (
	manyRows = 20
	manyPart = 2 // one in so many
)

// ReportError says why a report cannot be used. Nothing is concluded from such a one.
type ReportError struct{ Problem string }

// Error says what does not fit; no row is in it.
func (e *ReportError) Error() string { return "Stripe's report of the catalog: " + e.Problem }

// Kind is what kind of drift a product is.
type Kind string

// The kinds.
const (
	Missing   Kind = "missing"   // Stripe accepted it, and does not have it
	Foreign   Kind = "foreign"   // Stripe has it, and neither the manifest nor the source does
	Different Kind = "different" // Stripe has other values than it was sent
)

// kinds are in the order in which people read them.
var kinds = []Kind{Missing, Foreign, Different}

// Example is a product that has drifted.
type Example struct {
	Kind   Kind   `json:"kind"`
	ID     string `json:"id"`
	Column string `json:"column,omitempty"` // of a different one
	Sent   string `json:"sent,omitempty"`
	Has    string `json:"has,omitempty"` // at Stripe
}

// Result is how far what Stripe has and what it should have lie apart.
type Result struct {
	Reported int64 `json:"reported"` // products that the report has
	Known    int64 `json:"known"`    // that Stripe accepted, by the manifest
	Compared int64 `json:"compared"` // of these: that nothing has happened to since the data of the report
	Values   int64 `json:"values"`   // of these: whose values were compared, too
	// products that were sent, or refused, since then or not settled: no drift
	InFlux    int64 `json:"in_flux,omitempty"`
	Missing   int64 `json:"missing"`
	Foreign   int64 `json:"foreign"`
	Different int64 `json:"different"`
	// Columns are in how many products a column differs.
	Columns map[string]int64 `json:"columns,omitempty"`
	// Systematic are columns that differ in so many products that it is rather a way of writing than drift: Stripe is
	// not sent them again for that.
	Systematic []string `json:"systematic,omitempty"`
	// NoValues says why values were not compared.
	NoValues string `json:"no_values,omitempty"`
	// Unread is in how many products an amount is written in a way that cannot be read: it is not compared.
	Unread map[string]int64 `json:"unread,omitempty"`
	// Alike are products whose id is that of another one but for case or blanks: which of the two Stripe has, nobody
	// can say, so they are neither missing nor foreign.
	Alike int64 `json:"alike,omitempty"`
	// Incomplete says why the report may not be what Stripe has of this catalog: nothing at all is healed by it.
	Incomplete string `json:"incomplete,omitempty"`
	// Doubt says why nothing is deleted for what the report has.
	Doubt string `json:"doubt,omitempty"`
	// Rebuilt is set if there was no manifest: what of the source Stripe has as it is, and not so.
	Rebuilt  *Rebuilt  `json:"rebuilt,omitempty"`
	Examples []Example `json:"examples,omitempty"`
}

// Rebuilt counts the rows of a manifest that was made from a report.
type Rebuilt struct {
	Same    int64 `json:"same"`    // Stripe has them as they would be sent
	Unknown int64 `json:"unknown"` // Stripe has something of their id: they are sent again
	New     int64 `json:"new"`     // Stripe has nothing of their id
}

// Drift reports whether there is any.
func (r Result) Drift() int64 { return r.Missing + r.Foreign + r.Different }

// Input is what a report is compared with.
type Input struct {
	Now    *feed.Manifest // after the report; nil: it is lost
	Before *feed.Manifest // as it was before the data of the report ended; nil: it was lost then
	Source *Source        // nil if it cannot be read
	At     time.Time      // of a manifest that is rebuilt
}

// Comparison is what came out, with the rows that it is about.
type Comparison struct {
	Result
	Again      feed.Table     // missing and different rows, as the manifest has them
	Foreigners feed.Table     // ids that Stripe has alone
	Manifest   *feed.Manifest // made from the report; nil, unless there was none
}

// Compare reads a report once. Memory does not grow with it: the manifest and the source are in memory with some bytes
// a row, and a row of the report leaves a bit. In which order its rows come does not matter.
//
// What was sent, settled or refused since the data of the report ended is no drift: only rows of which the manifest
// says the same before and now are compared. An error is a *ReportError or one of the reader.
func Compare(report io.Reader, with Input) (Comparison, error) {
	c := &comparison{in: with}
	if with.Now != nil {
		c.reported = make([]uint64, (with.Now.Rows.Len()+63)/64)
	} else if with.Source == nil {
		return Comparison{}, errors.New("there is neither a manifest nor a source to compare Stripe's report with")
	}
	if err := c.read(report); err != nil {
		return Comparison{}, err
	}
	err := c.close()
	return c.out, err
}

// comparison is one Compare.
type comparison struct {
	in       Input
	out      Comparison
	digests  digests
	columns  []string
	both     []int    // places in compared of the columns that the report and the source have
	covered  bool     // the report has every column of the source
	reported []uint64 // a bit for each row of the manifest
	hint     int
	differs  [len(compared)]int64
	unread   [len(compared)]int64
	differ   []differing
	strange  map[uint64]bool // digests of foreign ids: whether another id is alike
	examples [len(compared)][]Example
	same     feed.Table // rows of the source that Stripe has as they are, if there is no manifest
	unlike   feed.Table // and those that it has otherwise
}

// differing is a row of the manifest whose values differ in these of the columns that are compared, a bit each.
type differing struct {
	row  int32
	bits uint16
}

func (c *comparison) read(report io.Reader) error {
	end := &ending{Reader: report}
	rows := csv.NewReader(end)
	rows.ReuseRecord = true
	names, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return &ReportError{"it is empty"}
	}
	if err != nil {
		return broken(err)
	}
	id, err := c.begin(names)
	if err != nil {
		return err
	}
	var held []string // the row before: whether it is the last one, the next reading says
	for {
		cells, err := rows.Read()
		over := errors.Is(err, io.EOF)
		if err != nil && !over {
			return broken(err)
		}
		if held != nil {
			if err := c.took(held, id, over && !end.ofLine); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		held = append(held[:0], cells...)
	}
}

func (c *comparison) took(cells []string, id int, cut bool) error {
	c.out.Reported++
	if cut {
		return c.cutOff([]byte(cells[id]))
	}
	return c.take([]byte(cells[id]), cells)
}

// broken tells a report that is none from one that cannot be had.
func broken(err error) error {
	if parse := new(csv.ParseError); errors.As(err, &parse) {
		return &ReportError{fmt.Sprintf("line %d cannot be read: %v", parse.Line, parse.Err)}
	}
	return err
}

func (c *comparison) begin(names []string) (id int, err error) {
	c.columns = make([]string, len(names))
	for i, name := range names {
		c.columns[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if i > 0 && slices.Contains(c.columns[:i], c.columns[i]) {
			return 0, &ReportError{fmt.Sprintf("it has two columns %.40q", c.columns[i])}
		}
	}
	if id = slices.Index(c.columns, "id"); id < 0 {
		return id, &ReportError{"it has no column id"}
	}
	if c.in.Source == nil {
		c.digests = digester(c.columns, nil)
		return id, nil
	}
	c.digests = digester(c.columns, c.in.Source.without)
	c.covered = true
	for _, column := range c.in.Source.columns {
		c.covered = c.covered && (column == "delete" || slices.Contains(c.columns, column))
	}
	for n, column := range compared {
		if c.digests.at[n] >= 0 && c.in.Source.has(column) {
			c.both = append(c.both, n)
		}
	}
	return id, nil
}

// take takes one row of the report. Only the first of an id counts.
func (c *comparison) take(id []byte, cells []string) error {
	if c.in.Now == nil {
		return c.recognise(id, cells)
	}
	i, known := c.in.Now.Rows.Find(id, c.hint)
	if !known {
		return c.stranger(id)
	}
	c.hint = i + 1
	bit := uint64(1) << (i % 64)
	if c.reported[i/64]&bit == 0 {
		c.reported[i/64] |= bit
		c.compareValues(i, cells)
	}
	return nil
}

// still reports whether nothing has happened to a row since before the data of the report ended.
func (c *comparison) still(e feed.Entry) bool {
	if c.in.Before == nil || in(&c.in.Now.Unknown, e.ID) || in(&c.in.Before.Unknown, e.ID) {
		return false
	}
	i, known := c.in.Before.Rows.Find(e.ID, c.hint-1)
	return known && c.in.Before.Rows.Entry(i).Fingerprint == e.Fingerprint
}

func in(t *feed.Table, id []byte) bool {
	if t.Len() == 0 {
		return false
	}
	_, is := t.Find(id, math.MaxInt)
	return is
}

// compareValues compares a row with what the source would send of it, if that is what Stripe was sent.
func (c *comparison) compareValues(i int, cells []string) {
	e := c.in.Now.Rows.Entry(i)
	if !c.still(e) {
		c.out.InFlux++
		return
	}
	c.out.Compared++
	sent, row, found := c.in.Source.row(e.ID)
	if !found || sent.Fingerprint != e.Fingerprint {
		return
	}
	c.out.Values++
	has := c.digests.row(cells)
	var bits uint16
	for _, n := range c.both {
		if row.columns[n] == has.columns[n] || compared[n] == "sale_price" && has.columns[n] == 0 {
			continue // Stripe may well forget a sale that is over
		}
		if !readable(compared[n], cells[c.digests.at[n]]) {
			c.unread[n]++
			continue
		}
		bits |= 1 << n
		if c.differs[n]++; len(c.examples[n]) < mostExamples {
			value := shorten(cells[c.digests.at[n]])
			c.examples[n] = append(c.examples[n],
				Example{Kind: Different, ID: string(e.ID), Column: compared[n], Has: value})
		}
	}
	if bits != 0 {
		c.differ = append(c.differ, differing{int32(i), bits})
	}
}

// mostShown is how many characters of a value an example has.
const mostShown = 120

func shorten(value string) string {
	if runes := []rune(value); len(runes) > mostShown {
		return string(runes[:mostShown]) + "…"
	}
	return strings.Clone(value)
}

// stranger takes an id that the manifest does not have among what Stripe accepted.
func (c *comparison) stranger(id []byte) error {
	if settling(c.in.Now, id) || settling(c.in.Before, id) || c.offered(id) {
		c.out.InFlux++
		return nil
	}
	return c.foreign(id)
}

// settling reports whether a manifest knows something of an id, whatever it is.
func settling(m *feed.Manifest, id []byte) bool {
	return m != nil && (in(&m.Rows, id) || in(&m.Unknown, id) || m.Refusal(id) != nil)
}

func (c *comparison) offered(id []byte) bool {
	_, _, sent := c.in.Source.row(id)
	return sent || c.in.Source.keepsBack(id)
}

func (c *comparison) foreign(id []byte) error {
	if in(&c.out.Foreigners, id) {
		return nil
	}
	return c.out.Foreigners.Add(feed.Entry{ID: id, Fingerprint: unknownContent})
}

// unknownContent stands for the fingerprint of a row that Vitrine never saw.
const unknownContent = 1

// recognise takes a row of the report where there is no manifest. The source says what Stripe would be sent of it: what
// Stripe has in every column as it would be sent, it was sent, as far as anybody can tell.
func (c *comparison) recognise(id []byte, cells []string) error {
	sent, row, found := c.in.Source.row(id)
	switch {
	case in(&c.same, id), in(&c.unlike, id):
		return nil
	case !found && c.in.Source.keepsBack(id), found && sent.Fingerprint == feed.Tombstone:
		c.out.InFlux++
		return nil
	case !found:
		return c.foreign(id)
	case c.covered && row.whole == c.digests.row(cells).whole:
		return c.same.Add(sent)
	}
	return c.unlike.Add(sent)
}

func (c *comparison) close() error {
	if err := c.setAlikeAside(); err != nil {
		return err
	}
	c.nameForeign()
	if c.in.Now == nil {
		return c.rebuild()
	}
	c.out.Known = int64(c.in.Now.Rows.Len())
	if err := errors.Join(c.missing(), c.different()); err != nil {
		return err
	}
	if c.out.Incomplete = c.incomplete(); c.out.Incomplete != "" {
		c.out.Again, c.out.Foreigners = feed.Table{}, feed.Table{}
	}
	slices.SortStableFunc(c.out.Examples, func(a, b Example) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.ID, b.ID))
	})
	if c.in.Source == nil {
		c.out.NoValues = "the source could not be read"
	}
	return nil
}

// missing finds the rows that Stripe accepted and does not have.
func (c *comparison) missing() error {
	for i := range c.in.Now.Rows.Len() {
		if c.reported[i/64]&(1<<(i%64)) != 0 {
			continue
		}
		c.hint = i + 1
		e := c.in.Now.Rows.Entry(i)
		if len(c.strange) > 0 && c.strange[folded(e.ID)] {
			continue // counted as alike
		}
		if !c.still(e) {
			c.out.InFlux++
			continue
		}
		c.out.Compared++
		if c.out.Missing++; c.out.Missing <= mostExamples {
			c.out.Examples = append(c.out.Examples, Example{Kind: Missing, ID: string(e.ID)})
		}
		if err := c.out.Again.Add(e); err != nil {
			return err
		}
	}
	return nil
}

// different counts the rows that differ in more than a way of writing.
func (c *comparison) different() error {
	var systematic uint16
	for n, rows := range c.differs {
		if c.unread[n] > 0 {
			if c.out.Unread == nil {
				c.out.Unread = map[string]int64{}
			}
			c.out.Unread[compared[n]] = c.unread[n]
		}
		if rows == 0 {
			continue
		}
		if c.out.Columns == nil {
			c.out.Columns = map[string]int64{}
		}
		c.out.Columns[compared[n]] = rows
		c.out.Examples = append(c.out.Examples, c.examples[n]...)
		if rows >= manyRows && rows*manyPart > c.out.Values {
			systematic |= 1 << n
			c.out.Systematic = append(c.out.Systematic, compared[n])
		}
	}
	for _, d := range c.differ {
		if d.bits&^systematic == 0 {
			continue
		}
		c.out.Different++
		if err := c.out.Again.Add(c.in.Now.Rows.Entry(int(d.row))); err != nil {
			return err
		}
	}
	return nil
}

// rebuild makes the manifest that was lost.
func (c *comparison) rebuild() error {
	same := func([]byte) (feed.RowVerdict, bool) { return feed.RowVerdict{}, false }
	unknown := func([]byte) (feed.RowVerdict, bool) { return feed.RowVerdict{Unknown: true}, true }
	m, err := feed.NewManifest(feed.Product).Settle(&c.same, c.in.At, same)
	if err != nil {
		return err
	}
	if m, err = m.Settle(&c.unlike, c.in.At, unknown); err != nil {
		return err
	}
	c.out.Manifest = m
	counts := &Rebuilt{Same: int64(c.same.Len()), Unknown: int64(c.unlike.Len())}
	counts.New = c.in.Source.rows() - counts.Same - counts.Unknown
	c.out.Rebuilt = counts
	return nil
}

// Heal marks in a manifest what has drifted: the next sync sends the rows of again once more, and deletes the ids of
// foreign, unless the source has them. Rows that something has happened to since are left alone. m stays as it is, and
// what was marked before is counted as well.
func Heal(
	m *feed.Manifest, again, foreign *feed.Table, at time.Time,
) (healed *feed.Manifest, sent, gone int64, err error) {
	var rows feed.Table
	for i := range again.Len() {
		e := again.Entry(i)
		n, known := m.Rows.Find(e.ID, math.MaxInt)
		if !known || m.Rows.Entry(n).Fingerprint != e.Fingerprint {
			continue
		}
		sent++
		if err := rows.Add(e); err != nil {
			return nil, 0, 0, err
		}
	}
	for i := range foreign.Len() {
		e := foreign.Entry(i)
		if n, marked := m.Unknown.Find(e.ID, math.MaxInt); marked && m.Unknown.Entry(n).Fingerprint == unknownContent {
			gone++
			continue
		}
		if settling(m, e.ID) {
			continue
		}
		gone++
		if err := rows.Add(e); err != nil {
			return nil, 0, 0, err
		}
	}
	healed, err = m.Settle(&rows, at,
		func([]byte) (feed.RowVerdict, bool) { return feed.RowVerdict{Unknown: true}, true })
	return healed, sent, gone, err
}
