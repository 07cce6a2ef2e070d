package feed

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// Whatever merchants do to a catalog and Stripe to its imports: once a sync went through, Stripe has the last valid
// row of every id, or the version before if it refused that one; and nothing is sent that Stripe has, or has refused.
func TestSyncsConverge(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	for seed := uint64(0); seed < 300 && (seed < 30 || time.Since(begun) < 4*time.Second); seed++ {
		// the race detector takes its time
		syncs(t, seed)
	}
}

func FuzzSyncs(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(1 << 40))
	f.Fuzz(func(t *testing.T, seed uint64) { syncs(t, seed) })
}

func syncs(tb testing.TB, seed uint64) {
	tb.Helper()
	m := &merchant{luck: rand.New(rand.NewPCG(seed, 1)), columns: strings.Split(sevenColumns, ",")}
	s := &syncing{tb: tb, seed: seed, luck: m.luck, manifest: NewManifest(Product), catalog: map[string]string{},
		accepted: map[string]string{}, refused: map[string]string{}, unknown: map[string]string{}}
	for range 8 {
		for range 1 + m.luck.IntN(4) {
			m.edit()
		}
		source := m.write()
		s.options = Options{Kind: Product, Format: lines.CSV, MaxPartBytes: int64(m.luck.IntN(3) * 600),
			Full: m.luck.IntN(10) == 0, Changes: seed%4 == 0}
		if m.luck.IntN(12) == 0 {
			s.lose()
		}
		if m.luck.IntN(2) == 0 {
			s.options.WaitUnknown = m.luck.IntN(2) == 0
			s.sync(m, source, true)
		}
		s.options.WaitUnknown = false
		waited := s.sync(m, source, false).Counts.Waiting > 0
		s.options.Full, s.options.WaitUnknown = false, true
		if waited { // for the next version, which this one may be taken for
			s.sync(m, source, false)
		}
		require.Empty(tb, s.sync(m, source, false).Parts, "seed %d: twice in a row, nothing is left to send", seed)
	}
}

// productRow is a row as the merchant keeps it.
type productRow struct {
	id, price, color string
	state            rowState
	asks             bool
}

// merchant edits a catalog, and writes it in ever other ways.
type merchant struct {
	luck    *rand.Rand
	columns []string
	rows    []productRow
	empty   string // what the file is instead, once: nothing, or no row
}

func (m *merchant) edit() {
	at := func() *productRow { return &m.rows[m.luck.IntN(len(m.rows))] }
	price := func() string { return fmt.Sprintf("%d.00 USD", m.luck.IntN(12)) }
	kind := m.luck.IntN(12)
	if len(m.rows) == 0 {
		kind = 0
	}
	switch kind {
	case 0, 1, 2:
		for range 1 + m.luck.IntN(6) {
			m.rows = append(m.rows, productRow{id: fmt.Sprintf("ID%02d", m.luck.IntN(30)), price: price()})
		}
	case 3, 4:
		at().price = price()
	case 5:
		n := m.luck.IntN(len(m.rows))
		m.rows = slices.Delete(m.rows, n, n+1)
	case 6:
		at().state = rowState(m.luck.IntN(3))
	case 7:
		again := *at()
		again.price = price()
		m.rows = slices.Insert(m.rows, m.luck.IntN(len(m.rows)), again)
	case 8:
		m.luck.Shuffle(len(m.rows), func(i, j int) { m.rows[i], m.rows[j] = m.rows[j], m.rows[i] })
	case 9:
		m.luck.Shuffle(len(m.columns), func(i, j int) { m.columns[i], m.columns[j] = m.columns[j], m.columns[i] })
	case 10:
		column := []string{"delete", "color", "shelf"}[m.luck.IntN(3)]
		if n := slices.Index(m.columns, column); n >= 0 {
			m.columns = slices.Delete(m.columns, n, n+1)
		} else {
			m.columns = append(m.columns, column)
		}
	case 11:
		if at().asks = true; m.luck.IntN(4) == 0 {
			m.empty = []string{"\n", "id,delete\n"}[m.luck.IntN(2)]
		}
	}
}

func (m *merchant) has(column string) bool { return slices.Contains(m.columns, column) }

// contradicts reports whether a row of an id asks for its deletion, and another does not.
func (m *merchant) contradicts(id string) bool {
	asks, offers := false, false
	for _, r := range m.rows {
		if r.id == id {
			asked := r.asks && m.has("delete") && r.state != broken
			asks, offers = asks || asked, offers || !asked
		}
	}
	return asks && offers
}

// last are the rows that count. Rows of one id that say different things do not, and leave in doubt what else is there;
// hidden are the ids of rows that are too broken to have one.
func (m *merchant) last(changes bool) (last map[string]productRow, hidden map[string]bool, doubt bool) {
	last, hidden = map[string]productRow{}, map[string]bool{}
	contradicted := map[string]bool{}
	for _, r := range m.rows {
		if r.state == broken && m.columns[0] != "id" {
			hidden[r.id] = true
			continue
		}
		before, again := last[r.id]
		contradicted[r.id] = contradicted[r.id] ||
			again && !changes && (m.says(before) == "" || m.says(before) != m.says(r))
		last[r.id] = r
	}
	for id, is := range contradicted {
		if is {
			r := last[id]
			r.state, r.asks, doubt = broken, false, true
			last[id] = r
		}
	}
	return last, hidden, doubt
}

// says is what a row says, empty if it is kept back.
func (m *merchant) says(r productRow) string {
	switch {
	case r.state != broken && r.asks && m.has("delete"):
		return deletion
	case r.state != sound:
		return ""
	}
	return m.content(r)
}

func (r productRow) value(column string) string {
	switch column {
	case "id":
		return r.id
	case "price":
		if r.state == invalid {
			return "free"
		}
		return r.price
	case "availability":
		return "in_stock"
	case "link", "image_link":
		return "https://example.com/" + r.id
	case "delete":
		if r.asks {
			return "true"
		}
		return ""
	case "color":
		return r.color
	}
	return column + ` of "` + r.id + "\",\nand so on"
}

// content is all that Stripe is told of a row, in an order of its own.
func (m *merchant) content(r productRow) string {
	values := map[string]string{}
	for _, column := range m.columns {
		values[column] = r.value(column)
	}
	return contentOf(values)
}

// contentOf is what a row says: absent and empty mean the same.
func contentOf(values map[string]string) (content string) {
	for _, column := range slices.Sorted(maps.Keys(values)) {
		if values[column] == "" {
			continue
		}
		content += fmt.Sprintf("%s=%q ", column, values[column])
	}
	return content
}

func (m *merchant) write() string {
	if whole := m.empty; whole != "" {
		m.empty, m.rows = "", nil
		return whole
	}
	var out []byte
	for i := -1; i < len(m.rows); i++ {
		for n, column := range m.columns {
			value := column
			if i >= 0 {
				value = m.rows[i].value(column)
			}
			if n > 0 {
				out = append(out, ',')
			}
			out = lines.AppendField(out, []byte(value), ',')
		}
		if i >= 0 && m.rows[i].state == broken {
			out = append(out, ",more"...)
		}
		out = append(out, "\r\n"[m.luck.IntN(2):]...)
	}
	return string(out)
}

// syncing is Vitrine with its manifest, and Stripe with the catalog. accepted and refused are what the manifest should
// know: by id, the content of the row, or deletion.
type syncing struct {
	tb                         testing.TB
	seed                       uint64
	luck                       *rand.Rand
	options                    Options
	manifest                   *Manifest // nil if it is lost
	catalog, accepted, refused map[string]string
	unknown                    map[string]string // what Stripe did not say of, and may have taken
}

const deletion = "deleted"

// lose is the loss of the manifest: everything is sent then, and nothing deleted.
func (s *syncing) lose() {
	s.manifest, s.accepted, s.refused, s.unknown = nil, map[string]string{}, map[string]string{}, map[string]string{}
}

// refuses is the rule by which Stripe refuses some rows, and some deletions.
func refuses(id, content string) bool { return xxhash.Sum64String(id+content)%7 == 0 }

func (s *syncing) sync(m *merchant, source string, faulty bool) Delta {
	tb := s.tb
	s.options.Manifest = s.manifest
	before, expected := maps.Clone(s.catalog), s.expected(m)
	d, out := compared(tb, source, s.options)
	// A row shares the doubt of a broken one beside it, or that names it.
	doubted := slices.ContainsFunc(out.found, func(f string) bool {
		return strings.Contains(f, string(BrokenQuotes)) || strings.Contains(f, string(BesideDoubt))
	})
	// Behind a column that nobody knows, a product that got another id cannot be told from one that is gone.
	doubted = doubted || m.has("shelf") && d.Counts.Waiting > 0
	s.requireNeeded(m, d)
	after := s.manifest
	if after == nil {
		after = NewManifest(Product)
	}
	var settle []func()
	for i, part := range d.Parts {
		if faulty && s.luck.IntN(3) == 0 {
			continue // the import failed as a whole
		}
		rejected := s.apply(m, rowsOfPart(tb, out.parts[i].Bytes(), s.options), faulty)
		settle = append(settle, func() {
			var err error
			after, err = after.Settle(part.Table, time0.Add(time.Duration(s.luck.IntN(99))*time.Hour),
				func(id []byte) (RowVerdict, bool) {
					_, unknown := s.unknown[string(id)]
					return RowVerdict{Reason: "no", Unknown: unknown && !rejected[string(id)]}, unknown ||
						rejected[string(id)]
				})
			require.NoError(tb, err)
		})
	}
	if d.Forgotten != nil {
		settle = append(settle, func() { after = settled(tb, after, Delta{Forgotten: d.Forgotten}) })
	}
	for range 1 + s.luck.IntN(2) { // activities are retried
		for _, one := range settle {
			one()
		}
	}
	data := encoded(tb, after)
	var err error
	s.manifest, err = ParseManifest(Product, data)
	require.NoError(tb, err)
	if d.Forgotten != nil {
		for _, e := range entriesOf(d.Forgotten) {
			delete(s.refused, string(e.ID))
		}
	}
	require.Equal(tb, len(s.accepted), s.manifest.Rows.Len(), "seed %d", s.seed)
	require.Equal(tb, slices.Sorted(maps.Keys(s.refused)), sortedKeys(s.manifest.refused), "seed %d", s.seed)
	unknown := []string{}
	for _, e := range entriesOf(&s.manifest.Unknown) {
		unknown = append(unknown, string(e.ID))
	}
	require.ElementsMatch(tb, slices.Collect(maps.Keys(s.unknown)), unknown, "seed %d", s.seed)
	switch {
	case doubted:
		s.requireNothingElse(before, expected)
	case !faulty:
		require.Equal(tb, expected, s.catalog, "seed %d", s.seed)
	}
	return d
}

// requireNothingElse is for a sync in doubt: of each id Stripe has what it should have, or had before.
func (s *syncing) requireNothingElse(before, expected map[string]string) {
	for id, content := range s.catalog {
		require.Contains(s.tb, []string{before[id], expected[id]}, content, "seed %d: %s", s.seed, id)
	}
}

// expected is the catalog after a sync that goes through.
func (s *syncing) expected(m *merchant) map[string]string {
	catalog := maps.Clone(s.catalog)
	last, hidden, doubt := m.last(s.options.Changes)
	had := maps.Clone(s.accepted)
	maps.Copy(had, s.unknown)
	for id := range had {
		tried := s.refused[id] == deletion || s.unknown[id] == deletion
		if _, there := last[id]; !there && !hidden[id] && !doubt && !refuses(id, deletion) &&
			(!s.options.Changes || tried) {
			delete(catalog, id)
		}
	}
	for id, r := range last {
		asks := r.asks && m.has("delete") && r.state != broken
		_, known := had[id]
		switch {
		case !s.options.Changes && m.contradicts(id):
		case asks && (known || s.manifest == nil) && !refuses(id, deletion):
			delete(catalog, id)
		case asks, r.state != sound:
		case !refuses(id, m.content(r)):
			catalog[id] = m.content(r)
		}
	}
	return catalog
}

// requireNeeded checks that everything is sent once, and nothing that Stripe has or has refused.
func (s *syncing) requireNeeded(m *merchant, d Delta) {
	seen := map[string]bool{}
	last, _, _ := m.last(s.options.Changes)
	for _, part := range d.Parts {
		for _, e := range entriesOf(part.Table) {
			id := string(e.ID)
			require.False(s.tb, seen[id], "seed %d: %s is sent twice", s.seed, id)
			seen[id] = true
			content := deletion
			if e.Fingerprint != Tombstone {
				content = m.content(last[id])
			}
			if s.options.Full {
				continue
			}
			unknown, doubted := s.unknown[id]
			if content != deletion || s.options.WaitUnknown {
				require.NotEqual(s.tb, s.refused[id], content, "seed %d: %s was refused as it is", s.seed, id)
			}
			if s.options.WaitUnknown && doubted {
				require.NotEqual(s.tb, unknown, content, "seed %d: it is too early to send %s again", s.seed, id)
			}
			if !doubted && (!s.options.Changes || s.refused[id] != deletion) {
				require.NotEqual(s.tb, s.accepted[id], content, "seed %d: Stripe has %s as it is", s.seed, id)
			}
		}
	}
}

// apply is an import: Stripe updates or deletes by id, and refuses what it refuses. If it is faulty, it does not tell
// of some rows whether it took them.
func (s *syncing) apply(m *merchant, rows []partRow, faulty bool) (rejected map[string]bool) {
	rejected = map[string]bool{}
	for _, row := range rows {
		if !m.has("delete") {
			delete(row.values, "delete") // that column is Vitrine's
		}
		content := contentOf(row.values)
		if row.deletes {
			content = deletion
		}
		if faulty && s.luck.IntN(4) == 0 {
			s.unknown[row.id] = content
			delete(s.refused, row.id)
			switch took := s.luck.IntN(2) == 0 && !refuses(row.id, content); {
			case took && row.deletes:
				delete(s.catalog, row.id)
			case took:
				s.catalog[row.id] = content
			}
			continue
		}
		if !refuses(row.id, content) || content != deletion && s.unknown[row.id] == content {
			delete(s.unknown, row.id)
		}
		switch {
		case refuses(row.id, content):
			rejected[row.id], s.refused[row.id] = true, content
		case row.deletes:
			delete(s.catalog, row.id)
			delete(s.accepted, row.id)
			delete(s.refused, row.id)
		default:
			s.catalog[row.id], s.accepted[row.id] = content, content
			delete(s.refused, row.id)
		}
	}
	return rejected
}
