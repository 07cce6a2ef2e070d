package lines

import "bytes"

// batchBytes is how much of a feed is cut into rows at once: enough that handing a batch from one goroutine to another
// costs nothing beside the work on it, and little enough that the batch stays in the cache of a core.
const batchBytes = 256 << 10

// Batch is a stretch of a feed, cut into rows. Fields point into data, or into unquoted where they differ from it.
type Batch struct {
	Rows     []RawRow // in the order of the file
	data     []byte
	fields   [][]byte
	unquoted []byte
}

// RawRow is one row of a Batch: where it stands there, and what is odd about it.
type RawRow struct {
	Line         int64 // where it begins in the file, from 1
	start, end   int   // its bytes in data, without the line end
	first, after int   // its fields in fields
	// Irregular rows are read leniently; whoever passes them on writes them anew, as RFC 4180 has it.
	Irregular bool
	Marks
}

// Marks are what the quotes of a row look like.
type Marks struct {
	breaks  int64 // line ends within its fields
	Quoted  bool  // a field begins with a quote
	Roomy   bool  // there are separators enough within quotes for cells of another row
	doubled bool  // a quote is escaped by another one
	escaped bool  // a quote is escaped by a backslash
	bare    bool  // a quote stands within an unquoted field
	Torn    bool  // text stands between a closing quote and the next comma
	Trust   Trust
	Beside  bool // a row in doubt begins right behind it, and may have a piece of it, or it of that one
	Glued   bool // half a line end stands within an unquoted field, in a file whose lines end in CRLF
	Unended bool // it is the last row of the file, and no line end follows
}

// Trust is how far a row is what it seems to be.
type Trust uint8

// The degrees of trust.
const (
	Trusted     Trust = iota
	Untrusted         // its quotes do not say where it ends, and its fields are as they stand in the file
	Interrupted       // the file ends within it; its fields are likewise
)

// FieldsOf are the fields of a row of the batch, without the quotes around them; valid until the batch is filled anew.
func (b *Batch) FieldsOf(r *RawRow) [][]byte { return b.fields[r.first:r.after:r.after] }

// BytesOf is a row of the batch as it stands in the file, without the line end; valid as long as its fields.
func (b *Batch) BytesOf(r *RawRow) []byte { return b.data[r.start:r.end] }

// Odd reports whether a row has to be looked at to know what it is.
func (r *RawRow) Odd() bool {
	return r.Irregular || r.Trust != Trusted || r.Roomy || r.Beside || r.Glued || r.Unended
}

var newline = []byte("\n")

// unquote resolves the escapes of value and appends the tail that stood behind its closing quote.
func (b *Batch) unquote(value, tail []byte, quotes Quotes) []byte {
	from := len(b.unquoted)
	escape := byte('"')
	if quotes == BackslashQuotes {
		escape = '\\'
	}
	for {
		at := bytes.IndexByte(value, escape)
		if at < 0 || at+1 == len(value) {
			break
		}
		if next := value[at+1]; next != '"' && next != escape { // a backslash that escapes nothing
			b.unquoted = append(b.unquoted, value[:at+1]...)
			value = value[at+1:]
			continue
		}
		b.unquoted = append(append(b.unquoted, value[:at]...), value[at+1])
		value = value[at+2:]
	}
	b.unquoted = append(append(b.unquoted, value...), tail...)
	return b.unquoted[from:len(b.unquoted):len(b.unquoted)]
}
