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

// ManifestFormat is the version of the manifest that this code writes. Of any other version nothing is read: a full send
// rebuilds the manifest, as after a loss.
const ManifestFormat = 1

// manifestMagic is what every manifest begins with; the last byte is the version.
var manifestMagic = []byte("VITRINE\x01")

// ManifestError says why a manifest cannot be read. It is never a reason to stop: without a manifest every row is sent.
type ManifestError struct{ Problem string }

func (e *ManifestError) Error() string { return "manifest: " + e.Problem }

// Manifest is what Stripe has of a feed, as far as Vitrine knows: the fingerprint of every row as it was accepted, and
// the rows that Stripe refused, so that neither is sent again before it changes.
//
// As a file it is
//
//	8 bytes  "VITRINE" and the version
//	uvarint  length of the header, and the header: JSON, see manifestHeader
//	…        the accepted rows, see Table
//	…        the refused rows: id, fingerprint, since, column and reason of each
//	8 bytes  xxHash64 of all before, little endian
type Manifest struct {
	Feed    Kind
	Rows    Table
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
	Feed       Kind     `json:"feed"`
	Rows       int      `json:"rows"`
	RowBytes   int      `json:"row_bytes"`
	Refused    int      `json:"refused"`
	Currencies []string `json:"currencies"`
}

// NewManifest is the manifest of a feed of which Stripe has nothing.
func NewManifest(k Kind) *Manifest { return &Manifest{Feed: k, refused: map[string]*Refusal{}} }

// Refused is the number of refused rows.
func (m *Manifest) Refused() int { return len(m.refused) }

// Refusal finds the refusal of a row; nil if there is none.
func (m *Manifest) Refusal(id []byte) *Refusal { return m.refused[string(id)] }

// Encode writes the manifest as a file.
func (m *Manifest) Encode() ([]byte, error) {
	head := manifestHeader{Feed: m.Feed, Rows: m.Rows.Len(), RowBytes: len(m.Rows.data), Refused: len(m.refused)}
	for _, c := range m.Rows.currencies {
		head.Currencies = append(head.Currencies, string(c[:]))
	}
	encoded, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(manifestMagic)+len(encoded)+len(m.Rows.data)+128*len(m.refused)+32)
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
	var currencies []Currency
	for _, code := range head.Currencies {
		if len(code) != 3 || len(currencies) == math.MaxUint8 {
			return &ManifestError{"its currencies cannot be read"}
		}
		currencies = append(currencies, Currency([]byte(code)))
	}
	if head.Rows < 0 || m.Rows.open(r.bytes(head.RowBytes), head.Rows, currencies) != nil || r.failed {
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
	if r.failed || len(r.rest) > 0 {
		return &ManifestError{"its refused rows cannot be read"}
	}
	return nil
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

// Verdict is what Stripe made of one row of a part: Reason is empty if it took the row.
type Verdict struct{ Column, Reason string }

// Settle returns the manifest after the import of a part, whose rows verdict judges. It may be called again with the same
// part: the result is the same. m stays as it is.
//
// A row that Stripe took is in the manifest from now on, or, if it was a tombstone, no longer. A row that Stripe refused
// leaves the accepted row of the same id alone, because Stripe still has that one.
func (m *Manifest) Settle(part *Table, at time.Time, verdict func(id []byte) (Verdict, bool)) (*Manifest, error) {
	after := NewManifest(m.Feed)
	for id, r := range m.refused {
		after.refused[id] = r
	}
	const gone = -1
	replaced := make([]int32, m.Rows.Len()) // number of the entry in part, plus one
	var added []int32
	hint := 0
	for i := range part.Len() {
		row := part.Entry(i)
		if v, refused := verdict(row.ID); refused {
			after.refuse(row, v, at)
			continue
		}
		delete(after.refused, string(row.ID))
		before, known := m.Rows.Find(row.ID, hint)
		switch {
		case known && row.Fingerprint == Tombstone:
			replaced[before], hint = gone, before+1
		case known:
			replaced[before], hint = int32(i+1), before+1
		case row.Fingerprint != Tombstone:
			added = append(added, int32(i))
		}
	}
	return after, after.merge(&m.Rows, part, replaced, added)
}

// refuse notes a refused row; one that was refused before, as it is, keeps its date.
func (m *Manifest) refuse(row Entry, v Verdict, at time.Time) {
	since := at.Truncate(time.Second).UTC()
	if before, known := m.refused[string(row.ID)]; known && before.Fingerprint == row.Fingerprint {
		since = before.Since
	}
	m.refused[string(row.ID)] = &Refusal{
		Fingerprint: row.Fingerprint, Since: since, Column: v.Column, Reason: truncate(v.Reason, maxReason),
	}
}

// merge fills the rows with those of before, less what was replaced, and with what was added.
func (m *Manifest) merge(before, part *Table, replaced, added []int32) error {
	rows := Table{
		data: make([]byte, 0, len(before.data)+len(part.data)),
		at:   make([]uint32, 0, len(before.at)+len(added)),
	}
	keep := func(e Entry) error {
		e.Line = 0 // of a file that will be gone
		return rows.Add(e)
	}
	for i := range before.Len() {
		var err error
		switch number := replaced[i]; {
		case number == 0:
			err = keep(before.Entry(i))
		case number > 0:
			err = keep(part.Entry(int(number - 1)))
		}
		if err != nil {
			return err
		}
	}
	for _, i := range added {
		if err := keep(part.Entry(int(i))); err != nil {
			return err
		}
	}
	m.Rows = rows
	return nil
}

func sortedKeys(m map[string]*Refusal) []string { return slices.Sorted(maps.Keys(m)) }

// truncate shortens text to at most limit bytes, at the border of a character.
func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
