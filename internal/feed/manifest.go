package feed

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// ManifestFormat is the version of the manifest that this code writes. Of any other version nothing is read: a full
// send rebuilds the manifest, as after a loss.
const ManifestFormat = 1

// manifestMagic is what every manifest begins with; the last byte is the version.
var manifestMagic = []byte("VITRINE\x01")

// ManifestError says why a manifest cannot be read. It is never a reason to stop: without a manifest every row is sent.
type ManifestError struct{ Problem string }

// Error says what does not fit; no row is in it.
func (e *ManifestError) Error() string { return "manifest: " + e.Problem }

// Manifest is what Stripe has of a feed, as far as Vitrine knows: the fingerprint of every row as it was accepted, and
// the rows that Stripe refused, so that neither is sent again before it changes. Of rows that are unknown, nobody can
// say what became of them: they are sent again, and deleted once they vanish.
//
// As a file it is
//
//	8 bytes  "VITRINE" and the version
//	uvarint  length of the header, and the header: JSON, see manifestHeader
//	…        the accepted rows, see Table
//	…        the refused rows: id, fingerprint, since, column and reason of each
//	…        the unknown rows, as the accepted ones; a release that knows of none takes such a file for a damaged one
//	…        what stands for the accepted rows as they stood in the merchant's file, see Table; likewise
//	…        what stands for the products that they are of, see Table; likewise
//	8 bytes  xxHash64 of all before, little endian
type Manifest struct {
	Feed Kind
	Rows Table
	// Unknown are rows that were sent without anybody learning whether Stripe took them, as they were sent: with
	// Tombstone, it is the deletion that is unknown. What Stripe had of the id before is in Rows.
	Unknown Table
	refused map[string]*Refusal
}

// Refusal is a row that Stripe did not take.
type Refusal struct {
	Fingerprint uint64
	Since       time.Time // whole seconds
	Column      string    // empty if Stripe's words name none
	Reason      string    // Stripe's words, at most maxReason bytes
}

const maxReason = 500

// manifestHeader is the part of a manifest that a person can read.
type manifestHeader struct {
	Feed     Kind `json:"feed"`
	Rows     int  `json:"rows"`
	RowBytes int  `json:"row_bytes"`
	Refused  int  `json:"refused"`
	// Unknown rows, and their bytes.
	Unknown      int      `json:"unknown,omitempty"`
	UnknownBytes int      `json:"unknown_bytes,omitempty"`
	Verbatims    bool     `json:"verbatims,omitempty"`
	Faces        bool     `json:"faces,omitempty"`
	Currencies   []string `json:"currencies"`
	// Paid are the places in Currencies that stand for prices as buyers pay them. A currency at another place stands
	// for listed prices, so one may occur twice; releases that know of no difference read both as the same.
	Paid []int `json:"paid,omitempty"`
}

// NewManifest is the manifest of a feed of which Stripe has nothing.
func NewManifest(k Kind) *Manifest { return &Manifest{Feed: k, refused: map[string]*Refusal{}} }

// Refused is the number of refused rows.
func (m *Manifest) Refused() int { return len(m.refused) }

// Refusal finds the refusal of a row; nil if there is none.
func (m *Manifest) Refusal(id []byte) *Refusal { return m.refused[string(id)] }

// Encode writes the manifest as a file.
func (m *Manifest) Encode() ([]byte, error) {
	head := manifestHeader{
		Feed: m.Feed, Rows: m.Rows.Len(), RowBytes: len(m.Rows.data), Refused: len(m.refused),
		Unknown: m.Unknown.Len(), UnknownBytes: len(m.Unknown.data), Verbatims: len(m.Rows.verbatims) > 0,
		Faces: len(m.Rows.faces) > 0,
	}
	for i, tag := range m.Rows.tags {
		head.Currencies = append(head.Currencies, tag.currency.String())
		if !tag.listed {
			head.Paid = append(head.Paid, i)
		}
	}
	encoded, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(manifestMagic)+len(encoded)+len(m.Rows.data)+len(m.Unknown.data)+128*len(m.refused)+
		len(m.Rows.verbatims)+len(m.Rows.faces)+32)
	out = append(out, manifestMagic...)
	out = appendText(out, string(encoded))
	out = append(out, m.Rows.data...)
	for _, id := range sortedKeys(m.refused) {
		r := m.refused[id]
		out = appendText(out, id)
		out = binary.LittleEndian.AppendUint64(out, r.Fingerprint)
		out = binary.AppendUvarint(out, uint64(max(r.Since.Unix(), 0)))
		out = appendText(appendText(out, r.Column), r.Reason)
	}
	out = append(append(append(out, m.Unknown.data...), m.Rows.verbatims...), m.Rows.faces...)
	return binary.LittleEndian.AppendUint64(out, xxhash.Sum64(out)), nil
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

// ParseManifest reads what Encode wrote, and keeps data. Everything that is wrong with it is a *ManifestError.
func ParseManifest(k Kind, data []byte) (*Manifest, error) {
	magic := len(manifestMagic)
	switch {
	case len(data) < magic+8 || !bytes.Equal(data[:magic-1], manifestMagic[:magic-1]):
		return nil, &ManifestError{"the file is none, or cut off"}
	case data[magic-1] != ManifestFormat:
		return nil, &ManifestError{fmt.Sprintf("it has format %d, this code reads %d", data[magic-1], ManifestFormat)}
	}
	body, sum := data[:len(data)-8], binary.LittleEndian.Uint64(data[len(data)-8:])
	if xxhash.Sum64(body) != sum {
		return nil, &ManifestError{"its checksum is wrong: it was cut off or changed"}
	}
	m := NewManifest(k)
	if err := m.parse(manifestReader{rest: body[magic:]}); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Manifest) parse(r manifestReader) error {
	var head manifestHeader
	if err := json.Unmarshal(r.bytes(r.length()), &head); err != nil || r.failed {
		return &ManifestError{"its header cannot be read"}
	}
	if head.Feed != m.Feed {
		return &ManifestError{fmt.Sprintf("it is of the feed %q, expected %q", head.Feed, m.Feed)}
	}
	tags, err := head.tags()
	if err != nil {
		return err
	}
	if head.Rows < 0 || m.Rows.open(r.bytes(head.RowBytes), head.Rows, tags) != nil || r.failed {
		return &ManifestError{"its rows cannot be read"}
	}
	for range head.Refused {
		id := string(r.bytes(r.length()))
		refusal := &Refusal{Fingerprint: r.fingerprint(), Since: time.Unix(int64(r.number()), 0).UTC()}
		refusal.Column, refusal.Reason = string(r.bytes(r.length())), string(r.bytes(r.length()))
		if r.failed {
			break
		}
		m.refused[id] = refusal
	}
	if r.failed {
		return &ManifestError{"its refused rows cannot be read"}
	}
	unknown := r.bytes(head.UnknownBytes)
	if head.Unknown < 0 || m.Unknown.open(unknown, head.Unknown, nil) != nil || r.failed {
		return &ManifestError{"its unknown rows cannot be read"}
	}
	if head.Verbatims {
		m.Rows.verbatims = r.bytes(hashBytes * head.Rows)
	}
	if head.Faces {
		m.Rows.faces = r.bytes(hashBytes * head.Rows)
	}
	if r.failed || len(r.rest) > 0 {
		return &ManifestError{"its end cannot be read"}
	}
	return nil
}

func (h *manifestHeader) tags() (tags []priceTag, err error) {
	unreadable := &ManifestError{"its currencies cannot be read"}
	for _, code := range h.Currencies {
		if len(code) != 3 || len(tags) == math.MaxUint8 {
			return nil, unreadable
		}
		tags = append(tags, priceTag{currency: Currency([]byte(code)), listed: true})
	}
	for _, i := range h.Paid {
		if i < 0 || i >= len(tags) {
			return nil, unreadable
		}
		tags[i].listed = false
	}
	return tags, nil
}

// manifestReader takes a manifest apart; it fails once and for all at the first byte that is not there.
type manifestReader struct {
	rest   []byte
	failed bool
}

func (r *manifestReader) bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.failed = true
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *manifestReader) number() uint64 {
	number, n := binary.Uvarint(r.rest)
	if n <= 0 || number > math.MaxInt64 {
		r.failed = true
		return 0
	}
	r.rest = r.rest[n:]
	return number
}

func (r *manifestReader) length() int { return int(min(r.number(), math.MaxInt32)) }

func (r *manifestReader) fingerprint() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// RowVerdict is what Stripe made of a row of a part that it did not plainly take.
type RowVerdict struct {
	Unknown        bool   // nobody can say whether it took the row
	Column, Reason string // of a refusal
}

// refusedFor is how long Stripe may refuse to delete a row that it was never known to have, before that is believed.
const refusedFor = 7 * 24 * time.Hour

// Settle returns the manifest after the import of a part: verdict tells the rows that Stripe did not plainly take. It
// may be called again with the same part: the result is the same. m stays as it is.
//
// A row that Stripe took is in the manifest from now on, or, if it was a tombstone, no longer. A row that Stripe
// refused, and one of which that is unknown, leaves the accepted row of the same id alone: Stripe has that one, or may
// have it.
func (m *Manifest) Settle(part *Table, at time.Time, verdict func(id []byte) (RowVerdict, bool)) (*Manifest, error) {
	after := NewManifest(m.Feed)
	for id, r := range m.refused {
		after.refused[id] = r
	}
	rows, unknown := changesOf(&m.Rows), changesOf(&m.Unknown)
	for i := range part.Len() {
		row := part.Entry(i)
		v, open := verdict(row.ID)
		known, doubted := rows.find(row.ID), unknown.find(row.ID)
		switch {
		case open && v.Unknown:
			delete(after.refused, string(row.ID))
			unknown.set(doubted, i)
		case open:
			after.refuse(row, v, at)
			if doubted >= 0 && after.resolves(row, m.Unknown.fingerprint(doubted), known >= 0, at) {
				unknown.drop(doubted)
			}
		case row.Fingerprint == Tombstone:
			delete(after.refused, string(row.ID))
			rows.drop(known)
			unknown.drop(doubted)
		default:
			delete(after.refused, string(row.ID))
			rows.set(known, i)
			unknown.drop(doubted)
		}
	}
	var err error
	if after.Rows, err = rows.merge(part, func(e *Entry) {}); err != nil {
		return nil, err
	}
	after.Unknown, err = unknown.merge(part, func(e *Entry) { e.Price, e.Verbatim, e.Face = Amount{}, 0, 0 })
	return after, err
}

// resolves reports whether the refusal of a row says that Stripe does not have what is unknown of the same id: it
// refused just that, or it refuses for long to delete what it was never known to have.
func (m *Manifest) resolves(row Entry, doubted uint64, known bool, at time.Time) bool {
	if row.Fingerprint != Tombstone {
		return row.Fingerprint == doubted
	}
	if known || at.Sub(m.refused[string(row.ID)].Since) < refusedFor {
		return false
	}
	delete(m.refused, string(row.ID))
	return true
}

// refuse notes a refused row; one that was refused before, as it is, keeps its date.
func (m *Manifest) refuse(row Entry, v RowVerdict, at time.Time) {
	since := at.Truncate(time.Second).UTC()
	if before, known := m.refused[string(row.ID)]; known && before.Fingerprint == row.Fingerprint {
		since = before.Since
	}
	m.refused[string(row.ID)] = &Refusal{
		Fingerprint: row.Fingerprint, Since: since, Column: v.Column, Reason: truncate(v.Reason, maxReason),
	}
}

// tableChanges are what a part does to a table: which of its entries go, which are replaced, and which are added.
type tableChanges struct {
	before   *Table
	replaced []int32 // by entry of before: number of the entry in the part, plus one; gone; 0 if it stays
	added    []int32
	hint     int
}

const gone = -1

func changesOf(t *Table) *tableChanges {
	return &tableChanges{before: t, replaced: make([]int32, t.Len())}
}

// find is the number of an entry before, or -1.
func (c *tableChanges) find(id []byte) int {
	if c.before.Len() == 0 {
		return -1
	}
	i, known := c.before.Find(id, c.hint)
	if !known {
		return -1
	}
	c.hint = i + 1
	return i
}

// set puts an entry of the part in the place of the entry before, or adds it if there is none.
func (c *tableChanges) set(before, inPart int) {
	if before < 0 {
		c.added = append(c.added, int32(inPart))
		return
	}
	c.replaced[before] = int32(inPart + 1)
}

func (c *tableChanges) drop(before int) {
	if before >= 0 {
		c.replaced[before] = gone
	}
}

// merge is the table afterwards. strip takes off an entry what the table does not keep.
func (c *tableChanges) merge(part *Table, strip func(*Entry)) (Table, error) {
	rows := Table{
		data: make([]byte, 0, len(c.before.data)+min(len(part.data), 64*len(c.added))),
		at:   make([]uint32, 0, len(c.before.at)+len(c.added)),
	}
	keep := func(e Entry) error {
		e.Line = 0 // of a file that will be gone
		strip(&e)
		return rows.Add(e)
	}
	for i := range c.before.Len() {
		var err error
		switch number := c.replaced[i]; {
		case number == 0:
			err = keep(c.before.Entry(i))
		case number > 0:
			err = keep(part.Entry(int(number - 1)))
		}
		if err != nil {
			return rows, err
		}
	}
	for _, i := range c.added {
		if err := keep(part.Entry(int(i))); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func sortedKeys(m map[string]*Refusal) []string { return slices.Sorted(maps.Keys(m)) }

// truncate shortens text to at most limit bytes, at the border of a character.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
