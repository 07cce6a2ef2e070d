package feed

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

// However a file is damaged on its way, a product whose row still stands in it is neither deleted nor repriced, and no
// product gets another one's cells. VITRINE_DAMAGE_SEED and VITRINE_DAMAGE_CASES choose other cases: make damage.
func TestDamageTakesNoProductAway(t *testing.T) {
	t.Parallel()
	seed, cases := fromEnvironment(t, "VITRINE_DAMAGE_SEED", 1), fromEnvironment(t, "VITRINE_DAMAGE_CASES", 300)
	failed := 0
	for i := range cases {
		failed += failures(t, seed+i, allIDs)
	}
	t.Logf("%d cases from seed %d on, %d failed", cases, seed, failed)
	for kinds, seeds := range wentWrong {
		for _, seed := range seeds {
			failures(t, seed, kinds)
		}
	}
}

func failures(t *testing.T, seed uint64, kinds int) int {
	if t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { damaged(t, seed, kinds) }) {
		return 0
	}
	return 1
}

// allKinds is how many kinds of damage there are, firstKinds how many there were when the first cases were kept. allIDs
// are as many, to catalogs with ids of other forms than one.
const (
	firstKinds = 15
	allKinds   = 18
	allIDs     = 19
)

// wentWrong are cases in which rows were mixed or deleted once, or a file was not understood.
var wentWrong = map[int][]uint64{
	firstKinds: {
		7003935, 8004570, 8004589, 8007783, 8020328, 8033336, 8036469, 8038142, 8039264, 9001125, 9001199, 9010523,
		9012535, 9014982, 9016635, 9017005, 9018448, 9022844, 9027608, 9028683, 11004056, 12028615, 12003001, 704302,
		9016568,
	},
	allKinds: {
		103369, 106728, 201340, 211402, 213422, 214290, 301579, 303320, 309913, 317929, 402123, 21004356, 21016260,
		22001188, 23019633, 24005797, 24013355, 24024186, 31015806, 41014451, 51016689,
		63002195, 63014489,
		71005188, 80042254, 80073996, 80092956, 80101257, 80108058, 80161057, 80161880, 80185729, 80205251, 80245811,
		80269681,
		80294822, 91056999, 91155180, 91187732, 240040914, 520009671,
	},
	allIDs: {
		51000299, 51000335, 51001062, 51004516, 99003823,
		800000470, 800003633, 800003946, 800004911, 800007188, 800008065, 800009562, 800016748, 800027842, 800041915,
		800048483, 800049832, 800052072, 800052175, 800056031, 800058022,
		900000946, 900001304, 900005730, 900008885, 1020011853, 1040002361,
	},
}

func FuzzDamage(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { damaged(t, seed, allIDs) })
}

func fromEnvironment(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// ware is a product, with a word of its own in its cells.
type ware struct {
	id, word, price string
	cells           map[string]string
}

// exporter writes wares in one of the ways that shops do.
type exporter struct {
	luck    *rand.Rand
	format  lines.Format
	quotes  lines.Quotes // of the account's settings
	style   string       // plain, minimal, all, text or backslash
	end     string
	columns []string
	words   int
	ids     string // how they are written
}

func newExporter(luck *rand.Rand) *exporter {
	x := &exporter{luck: luck, format: lines.CSV, end: "\n", ids: "P%04d"}
	x.style = []string{"plain", "minimal", "minimal", "all", "text", "backslash"}[luck.IntN(6)]
	if x.style == "text" || luck.IntN(3) == 0 {
		x.format = lines.TSV
	}
	if luck.IntN(4) == 0 {
		x.quotes = map[string]lines.Quotes{"plain": lines.LiteralQuotes, "text": lines.LiteralQuotes,
			"backslash": lines.BackslashQuotes}[x.style]
		if x.quotes == "" {
			x.quotes = lines.RFC4180Quotes
		}
	}
	if luck.IntN(3) == 0 {
		x.end = "\r\n"
	}
	x.columns = strings.Split("title,description,link,image_link,availability,price", ",")
	for _, more := range []string{"brand", "mpn", "item_group_id", "color", "shipping", "custom_label_0"} {
		if luck.IntN(2) == 0 {
			x.columns = append(x.columns, more)
		}
	}
	luck.Shuffle(len(x.columns), func(i, j int) { x.columns[i], x.columns[j] = x.columns[j], x.columns[i] })
	at := 0
	if luck.IntN(3) == 0 {
		at = luck.IntN(len(x.columns) + 1)
	}
	x.columns = slices.Insert(x.columns, at, "id")
	return x
}

func (x *exporter) pick(from ...string) string { return from[x.luck.IntN(len(from))] }

// text is some text with the word in it, as wild as the style can write.
func (x *exporter) text(word string) string {
	text := x.pick("Oak ", "Solid ", "Retro look ", "Oiled and waxed ") + word
	if x.style == "plain" || x.luck.IntN(3) > 0 {
		return text
	}
	wild := []string{`"` + text + `" table`, text + ` 24" long`, `"` + text + ` 24"`, `"` + text}
	switch {
	case x.style != "text":
		wild = append(wild, text+", waxed", text+",a,b,c", text+"\nSecond line.", text+"\n\nThird, "+`"made to last".`,
			`","`+text, text+",", "\n"+text)
		if x.format == lines.TSV {
			wild = append(wild, text+"\twaxed", "\t"+text)
		}
	default:
		wild = wild[:2]
	}
	if x.style == "backslash" && x.quotes == lines.BackslashQuotes {
		wild = append(wild, text+` \o/`, text+`\`)
	}
	return x.pick(wild...)
}

func (x *exporter) make(number int) ware {
	x.words++
	w := ware{id: x.name(number),
		word: fmt.Sprintf("w%c%c%cz%d", 'a'+x.luck.IntN(26), 'a'+x.luck.IntN(26), 'a'+x.luck.IntN(26), 1000+x.words)}
	x.reprice(&w)
	return w
}

// name is the id of a ware: where they are not of one length, one may begin or end another.
func (x *exporter) name(number int) string { return fmt.Sprintf(x.ids, number) }

// reprice gives a ware new cells.
func (x *exporter) reprice(w *ware) {
	w.price = fmt.Sprintf("%d.%02d USD", 10+x.luck.IntN(900), x.luck.IntN(100))
	w.cells = map[string]string{
		"id": w.id, "price": w.price, "title": x.text(w.word), "description": x.text(w.word),
		"availability": "in_stock",
		"link":         "https://shop.example/" + w.word, "image_link": "https://shop.example/" + w.word + ".jpg",
		"brand": x.pick("Northloom", "", "Acme"), "mpn": w.word, "item_group_id": x.pick("", "G"+w.word[:2]),
		"color": x.pick("", "red", "green"), "custom_label_0": x.text(w.word),
		"shipping": x.pick("", "US:ALL:Standard:3-5:0.00 USD"),
	}
	if x.style != "plain" && x.style != "text" && x.luck.IntN(2) == 0 {
		w.cells["shipping"] = "US:ALL:Standard:3-5:0.00 USD,DE:ALL:Standard:3-5:0.00 EUR"
	}
}

func (x *exporter) cell(value string) string {
	special := strings.ContainsAny(value, string(x.format.Comma())+"\"\r\n")
	switch x.style {
	case "plain", "text":
		return value
	case "backslash":
		if special || strings.Contains(value, `\`) {
			return `"` + strings.ReplaceAll(strings.ReplaceAll(value, `\`, `\\`), `"`, `\"`) + `"`
		}
		return value
	}
	if special || x.style == "all" {
		return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
	}
	return value
}

// same reports whether a ware's row says what Stripe has of it.
func (x *exporter) same(w ware, has map[string]string) bool {
	for _, column := range x.columns {
		if columnNamed(Product, column).tellsApart() && asCSVReads(w.cells[column]) != has[column] {
			return false
		}
	}
	return true
}

// span is where something stands in a file.
type span struct{ from, to int }

// write returns the file, and where in it the row and the id of each ware stand.
func (x *exporter) write(wares []ware) (file []byte, rows, ids map[string]span) {
	rows, ids = map[string]span{}, map[string]span{}
	line := func(cell func(column string) string, at func(column string, s span)) span {
		from := len(file)
		for i, column := range x.columns {
			if i > 0 {
				file = append(file, x.format.Comma())
			}
			begin := len(file)
			file = append(file, x.cell(cell(column))...)
			at(column, span{begin, len(file)})
		}
		whole := span{from, len(file)}
		file = append(file, x.end...)
		return whole
	}
	line(func(column string) string { return column }, func(string, span) {})
	for _, w := range wares {
		rows[w.id] = line(func(column string) string { return w.cells[column] }, func(column string, s span) {
			if column == "id" {
				ids[w.id] = s
			}
		})
	}
	return file, rows, ids
}

// wreck is a file that is being damaged. origin says of each byte where it stood before, -1 if it is new.
type wreck struct {
	luck   *rand.Rand
	comma  byte
	quotes lines.Quotes
	kinds  int
	ids    []span // where in the file ids stood
	unused string // an id that no row has
	file   []byte
	origin []int
	done   []string
	last   int // where the last damage was done
}

func (w *wreck) replace(from, to int, with []byte, origin []int) {
	if origin == nil {
		origin = slices.Repeat([]int{-1}, len(with))
	}
	w.file = slices.Replace(slices.Clone(w.file), from, to, with...)
	w.origin = slices.Replace(slices.Clone(w.origin), from, to, origin...)
}

// positions are where one of the bytes stands, within a stretch.
func (w *wreck) positions(of string, from, to int) (all []int) {
	for i, b := range w.file {
		if from <= i && i < to && strings.IndexByte(of, b) >= 0 {
			all = append(all, i)
		}
	}
	return all
}

func (w *wreck) line(at int) span {
	from, to := bytes.LastIndexByte(w.file[:at], '\n')+1, len(w.file)
	if end := bytes.IndexByte(w.file[at:], '\n'); end >= 0 {
		to = at + end + 1
	}
	return span{from, to}
}

func (w *wreck) damage() {
	if len(w.file) < 20 {
		return
	}
	at, from, to := w.luck.IntN(len(w.file)), 0, len(w.file)
	if w.kinds == allKinds && len(w.done) > 0 && w.luck.IntN(2) == 0 { // near the damage before
		from, to = max(0, w.last-100), min(len(w.file), w.last+100)
		at = from + w.luck.IntN(max(1, to-from))
		at = min(at, len(w.file)-1)
	}
	w.last = at
	near := min(len(w.file), at+1+w.luck.IntN(8))
	anyOf := func(of string) (int, bool) {
		all := w.positions(of, from, to)
		if len(all) == 0 {
			return 0, false
		}
		return all[w.luck.IntN(len(all))], true
	}
	comma := string(w.comma)
	kind := w.luck.IntN(w.kinds)
	w.done = append(w.done, fmt.Sprintf("%d@%d", kind, at))
	switch kind {
	case 0: // a bit flipped
		w.replace(at, at+1, []byte{w.file[at] ^ 1<<w.luck.IntN(8)}, nil)
	case 1: // another byte
		w.replace(at, at+1, []byte{byte(w.luck.IntN(256))}, nil)
	case 2: // a quote anywhere
		w.replace(at, at, []byte{'"'}, nil)
	case 3: // a quote where a cell begins or ends
		if p, ok := anyOf(comma + "\n"); ok {
			p += w.luck.IntN(2)
			w.replace(p, p, []byte{'"'}, nil)
		}
	case 4: // a quote lost
		if p, ok := anyOf(`"`); ok {
			w.replace(p, p+1, nil, nil)
		}
	case 5: // bytes lost
		w.replace(at, near, nil, nil)
	case 6: // bytes come by
		const strange = ",\t\"\n\r\\ aP0\x00\xff;'"
		with := []byte{}
		for range near - at {
			with = append(with, strange[w.luck.IntN(len(strange))])
		}
		w.replace(at, at, with, nil)
	case 7: // rows joined
		if p, ok := anyOf("\n"); ok {
			w.replace(p, p+1, nil, nil)
		}
	case 8: // a row broken
		w.replace(at, at, []byte("\n"), nil)
	case 9: // columns shifted
		w.replace(at, at, []byte(comma), nil)
	case 10:
		if p, ok := anyOf(comma); ok {
			w.replace(p, p+1, nil, nil)
		}
	case 11: // the first cell moved to the end
		l := w.line(at)
		if p := bytes.IndexByte(w.file[l.from:l.to], w.comma); p >= 0 {
			first := slices.Clone(w.file[l.from : l.from+p])
			origin := slices.Clone(w.origin[l.from : l.from+p])
			end := l.from + len(bytes.TrimRight(w.file[l.from:l.to], "\r\n"))
			w.replace(end, end, append([]byte(comma), first...), append([]int{-1}, origin...))
			w.replace(l.from, l.from+p+1, nil, nil)
		}
	case 12: // a line doubled
		l, to := w.line(at), w.line(w.luck.IntN(len(w.file))).to
		w.replace(to, to, slices.Clone(w.file[l.from:l.to]), slices.Clone(w.origin[l.from:l.to]))
	case 13: // cut off
		w.replace(at, len(w.file), nil, nil)
	case 14: // some bytes twice
		w.replace(at, at, slices.Clone(w.file[at:near]), slices.Clone(w.origin[at:near]))
	case 15: // a long stretch lost
		w.replace(at, at+1+w.luck.IntN(len(w.file)-at), nil, nil)
	case 16: // an id that becomes another one
		if s := w.ids[w.luck.IntN(len(w.ids))]; w.whole(s.from, s) {
			w.replace(s.from, s.to, []byte(w.unused), nil)
		}
	case 17: // a letter within an id
		if s := w.ids[w.luck.IntN(len(w.ids))]; w.whole(s.from, s) {
			at = s.from + w.luck.IntN(s.to-s.from)
			w.replace(at, at+1, []byte{'0' + byte(w.luck.IntN(10))}, nil)
		}
	}
}

// stands reports whether a stretch of the original is still there as it was; apart says that it must not be grown by
// letters on either side, which make another id of the one that it begins or ends with. In a file without any doubt
// nobody can see that: it is a product that got another id.
func (w *wreck) stands(s span, apart bool) bool {
	for i := 0; i+s.to-s.from <= len(w.origin); i++ {
		if w.origin[i] == s.from && w.origin[i+s.to-s.from-1] == s.to-1 && w.whole(i, s) && !(apart && w.grown(i, s)) {
			return true
		}
	}
	return false
}

func (w *wreck) whole(i int, s span) bool {
	for n := range s.to - s.from {
		if i+n >= len(w.origin) || w.origin[i+n] != s.from+n {
			return false
		}
	}
	return true
}

func (w *wreck) grown(i int, s span) bool {
	end := i + s.to - s.from
	from, to := w.line(i).from, w.line(end-1).to
	from += bytes.LastIndexByte(w.file[from:i], '\r') + 1
	letters := func(text []byte) bool {
		text = bytes.TrimRight(text, "\r\n")
		return len(text) > 0 &&
			!bytes.ContainsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	return letters(w.file[from:i]) || end < to && letters(w.file[end:to])
}

// renamed reports whether a row stands as it was but for its id, which became one that no other row has.
func (w *wreck) renamed(row, id span, ids map[string]span) bool {
	before, behind := span{row.from, id.from}, span{id.to, row.to}
	for from := 0; from < len(w.file); from = w.line(from).to {
		at := from + before.to - before.from
		if !w.whole(from, before) {
			continue
		}
		end := at
		for end < len(w.file) && (unicode.IsLetter(rune(w.file[end])) || unicode.IsDigit(rune(w.file[end]))) &&
			w.file[end] < utf8.RuneSelf {
			end++
		}
		if !w.whole(end, behind) {
			continue
		}
		last := end + behind.to - behind.from
		ended := last == len(w.file) && behind.to > behind.from ||
			last < len(w.file) && (w.file[last] == '\n' || w.file[last] == '\r')
		_, is := ids[string(w.file[at:end])]
		return end > at && ended && !is
	}
	return false
}

// reading is where a reader of a file is before a byte: in which column of a row, and how far in a cell.
type reading struct {
	column int
	cell   byte // 0 at its beginning, t in text, q within quotes, c behind a quote that may close, b behind a backslash
}

// next is where a reader is behind a byte; ended says that the row is over.
func (r reading) next(b, comma byte, quotes lines.Quotes) (after reading, ended bool) {
	switch r.cell {
	case 'q':
		switch {
		case b == '"':
			r.cell = 'c'
		case b == '\\' && quotes == lines.BackslashQuotes:
			r.cell = 'b'
		}
		return r, false
	case 'b':
		r.cell = 'q'
		return r, false
	}
	switch {
	case b == '\n':
		return reading{}, true
	case b == comma:
		return reading{r.column + 1, 0}, false
	case b == '"' && r.cell == 0 && quotes != lines.LiteralQuotes:
		r.cell = 'q'
	case b == '"' && r.cell == 'c' && quotes != lines.BackslashQuotes:
		r.cell = 'q'
	default:
		r.cell = 't'
	}
	return r, false
}

// stray reports whether a byte is a quote within text, or text behind a quote.
func (r reading) stray(b, comma byte, quotes lines.Quotes) bool {
	return quotes != lines.LiteralQuotes &&
		(r.cell == 't' && b == '"' || r.cell == 'c' && !strings.ContainsRune("\"\r\n"+string(comma), rune(b)))
}

// readings are where a reader is before each byte of a file.
func readings(file []byte, comma byte, quotes lines.Quotes) (all []reading) {
	at := reading{}
	for _, b := range file {
		all = append(all, at)
		at, _ = at.next(b, comma, quotes)
	}
	return all
}

// flawless reports whether damage made a perfect row that has an id and a piece of another row: it has as many cells as
// the header, its quotes match, no half line end is outside of them, and all that it has of other rows is read within
// quotes or not as it was written, or is a scrap within quotes, less than a whole cell of it. Nobody can see that,
// whatever is known of the file: it is a row that changed.
func (w *wreck) flawless(written []reading, own span, columns int, id, word string) bool {
	for from := range w.file {
		if from > 0 && w.file[from-1] != '\n' && (w.file[from-1] != '\r' || w.file[from] == '\n') {
			continue
		}
		r, row, asWritten, scrap := reading{}, -1, true, 0
		for i := from; i < len(w.file) && row < 0; i++ {
			o := w.origin[i]
			half := w.file[i] == '\r' && i+1 < len(w.file) && w.file[i+1] != '\n' && r.cell != 'q'
			otherwise := o >= 0 && (o < own.from || o > own.to) && !sameReading(r, written[o], w.file[i], w.comma)
			if otherwise && (w.file[i] == w.comma || w.file[i] == '\n') {
				scrap++
			}
			if half || r.stray(w.file[i], w.comma, w.quotes) || otherwise && (r.cell != 'q' || scrap > 1) {
				asWritten = false
				break
			}
			var ended bool
			last := r
			if r, ended = r.next(w.file[i], w.comma, w.quotes); ended {
				row = i + 1
			} else if i == len(w.file)-1 {
				last, row = r, i+1
			}
			asWritten = asWritten && (row < 0 || last.column == columns-1)
		}
		if row < 0 || !asWritten {
			continue
		}
		text := string(w.file[from:row])
		cells := strings.Split(text, string(w.comma))
		if strings.Contains(text, word) &&
			slices.ContainsFunc(cells, func(c string) bool { return strings.Trim(c, "\"\r\n") == id }) {
			return true
		}
	}
	return false
}

// sameReading: a quote is read by what is behind it, what is none alike where a cell begins and within its text, and
// what ends a cell alike behind a quote.
func sameReading(a, b reading, ch, comma byte) bool {
	outside := func(cell byte) byte {
		if cell == 0 || cell == 'c' && (ch == comma || ch == '\r' || ch == '\n') {
			return 't'
		}
		if cell == 'b' {
			return 'q'
		}
		return cell
	}
	return ch == '"' || outside(a.cell) == outside(b.cell)
}

// agent is what Stripe has, by id.
type agent map[string]map[string]string

func (a agent) take(tb testing.TB, d Delta, out *recorder, o Options) (sent map[string]map[string]string) {
	tb.Helper()
	sent = map[string]map[string]string{}
	for i := range d.Parts {
		for _, row := range rowsOfPart(tb, out.parts[i].Bytes(), o) {
			if row.deletes {
				delete(a, row.id)
				continue
			}
			a[row.id], sent[row.id] = row.values, row.values
		}
	}
	return sent
}

// held reports whether a person looks before anything of it is sent: most rows have errors, as where the header was hit
// (the guard invalid_rows in its default setting), or ids have moved (moved_ids).
func held(d Delta) bool { return 2*d.Counts.Invalid > d.Counts.Source || d.Counts.Moved > 0 }

func damaged(tb testing.TB, seed uint64, kinds int) {
	tb.Helper()
	luck := rand.New(rand.NewPCG(seed, 7))
	x := newExporter(luck)
	if kinds == allIDs {
		x.ids = x.pick("P%04d", "P%d", "%d", "SKU-%d", "%d/a", "t.%d")
	}
	first := []ware{}
	number := 1 + luck.IntN(50)
	for range 4 + luck.IntN(14) {
		first = append(first, x.make(number))
		number += 1 + luck.IntN(10)/9
	}
	second := slices.Clone(first)
	for range luck.IntN(4) {
		switch i := luck.IntN(len(second)); luck.IntN(3) {
		case 0:
			x.reprice(&second[i])
		case 1:
			second = slices.Delete(second, i, i+1)
		case 2:
			second = append(second, x.make(number))
			number++
		}
	}
	o := Options{Kind: Product, Format: x.format, Quotes: x.quotes, Manifest: NewManifest(Product)}
	stripe := agent{}
	before, _, _ := x.write(first)
	sync := func(file []byte) map[string]map[string]string {
		d, out := compared(tb, string(file), o)
		sent := stripe.take(tb, d, out, o)
		o.Manifest, o.Misplaced, o.Delayed = settled(tb, o.Manifest, d), d.Misplaced, d.Delayed
		return sent
	}
	if kinds == firstKinds || luck.IntN(5) > 0 { // else the first file is damaged, and no id is known
		sync(before)
		if len(stripe) != len(first) {
			tb.Fatalf("%s %s: %d of %d are sent of %q", x.style, x.format, len(stripe), len(first), before)
		}
	}

	after, rows, ids := x.write(second)
	w := &wreck{luck: luck, comma: x.format.Comma(), kinds: min(kinds, allKinds), unused: x.name(number + 1),
		file: after}
	w.quotes = map[string]lines.Quotes{"plain": lines.LiteralQuotes, "text": lines.LiteralQuotes,
		"backslash": lines.BackslashQuotes}[x.style]
	for i := range after {
		w.origin = append(w.origin, i)
	}
	for _, p := range second {
		w.ids = append(w.ids, ids[p.id])
	}
	for range 1 + luck.IntN(3) {
		w.damage()
	}
	if luck.IntN(4) == 0 {
		o.MaxPartBytes = 800
	}
	had := maps.Clone(stripe)
	fail := func(ok bool, format string, values ...any) {
		if !ok {
			tb.Fatalf("%s %s, %v: %s\nbefore %q\nwhole  %q\nwreck  %q", x.style, x.format, w.done,
				fmt.Sprintf(format, values...), before, after, w.file)
		}
	}
	out := &recorder{}
	d, err := Compare(opens(w.file), o, out)
	if err == nil {
		requireJudgedAnew(tb, string(w.file), o, d, out)
	}
	if err == nil && !held(d) {
		sent := stripe.take(tb, d, out, o)
		o.Manifest, o.Misplaced, o.Delayed = settled(tb, o.Manifest, d), d.Misplaced, d.Delayed
		for _, p := range second {
			id := ids[p.id]
			around := span{max(0, id.from-1), min(len(after), id.to+1)}
			old, was := had[p.id]
			now, is := stripe[p.id]
			if was && (w.stands(rows[p.id], d.Reading.InDoubt == 0) || w.stands(around, d.Reading.InDoubt == 0)) {
				fail(is, "%s is deleted", p.id)
			}
			if was && x.same(p, old) && w.renamed(rows[p.id], id, ids) {
				fail(is, "%s is deleted, and its row stands under another id", p.id)
			}
			if is && w.stands(rows[p.id], true) {
				fail(now["price"] == p.price || was && now["price"] == old["price"], "%s costs %s", p.id, now["price"])
			}
			values, new := sent[p.id]
			if !new ||
				!w.stands(rows[p.id], true) && !(w.stands(around, true) && bytes.Count(w.file, []byte(p.id)) == 1) {
				continue // its id was changed into that of another one, and no other row tells
			}
			for _, q := range append(slices.Clone(first), second...) {
				for column, value := range values {
					if q.id != p.id && strings.Contains(value, q.word) {
						written := readings(after, w.comma, w.quotes)
						fail(w.flawless(written, rows[p.id], len(x.columns), p.id, q.word), "%s has %s of %s", p.id,
							column, q.id)
					}
				}
			}
		}
	}
	o.MaxPartBytes = 0
	sync(after)
	sync(after) // what got its id back waits once more under the other one
	want := []string{}
	for _, p := range second {
		want = append(want, p.id)
		for column, value := range stripe[p.id] {
			fail(column == "delete" || asCSVReads(p.cells[column]) == value, "%s of %s is %q in the end", column, p.id,
				value)
		}
	}
	slices.Sort(want)
	fail(slices.Equal(want, slices.Sorted(maps.Keys(stripe))), "the whole file does not mend everything: %v",
		slices.Sorted(maps.Keys(stripe)))
}
