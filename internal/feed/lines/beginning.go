package lines

import (
	"bufio"
	"bytes"
	"fmt"

	"vitrine/internal/feed/ascii"
)

// endOfFile is what programs of DOS, and exports made to be like theirs, write behind the last line (Ctrl-Z).
const endOfFile = 0x1a

// ByteOrderMark is what some programs begin a file with that is UTF-8.
const ByteOrderMark = "\xef\xbb\xbf"

// begin looks at the first bytes of the file: what they say about its encoding and its line ends.
func (c *Cutter) begin(b *Batch) error {
	if c.begun {
		return nil
	}
	c.begun = true
	for bytes.HasPrefix(b.data, []byte(ByteOrderMark)) { // a program that adds one to a file that has one is no rarity
		b.data = b.data[:copy(b.data, b.data[len(ByteOrderMark):])]
	}
	if encoding := ForeignEncoding(b.data); encoding != "" {
		return &SyntaxError{1, fmt.Sprintf("the file is %s: export it as UTF-8", encoding)}
	}
	for _, other := range otherFiles {
		if bytes.HasPrefix(b.data, []byte(other.begins)) {
			return &SyntaxError{1, "the file is " + other.is}
		}
	}
	switch {
	case isMarkup(b.data):
		return &SyntaxError{1,
			"the file is a web page or XML: export it as CSV or TSV, and see that its address is right"}
	case isJSON(b.data):
		return &SyntaxError{1, "the file is JSON: export it as CSV or TSV, and see that its address is right"}
	}
	if endsInCarriageReturns(b.data) {
		src := carriageReturns{bufio.NewReader(c.src)}
		src.translate(b.data)
		c.src = src
	}
	return nil
}

// otherFiles are told by their first bytes.
var otherFiles = []struct{ begins, is string }{
	{"\x1f\x8b", "compressed with gzip: its name must end in .gz"},
	{"PK\x03\x04", "a zip archive or a spreadsheet: export it as CSV or TSV"},
	{"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls): export it as CSV or TSV"},
	{"\x28\xb5\x2f\xfd", "compressed with Zstandard: compress it with gzip, or not at all"},
	{"BZh", "compressed with bzip2: compress it with gzip, or not at all"},
	{"\xfd7zXZ", "compressed with xz: compress it with gzip, or not at all"},
	{"7z\xbc\xaf", "a 7z archive: compress it with gzip, or not at all"},
	{"PAR1", "Parquet: export it as CSV or TSV"},
	{"%PDF-", "a PDF: export it as CSV or TSV"},
	{"{\\rtf", "a text document (RTF): export it as CSV or TSV"},
	{"version https://git-lfs", "a pointer of Git LFS: upload the file that it stands for"},
}

// isMarkup reports whether a file begins as web pages and XML do.
func isMarkup(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 1 && data[0] == '<' && (data[1] == '!' || data[1] == '?' || ascii.IsLetter(data[1]))
}

// isJSON reports whether a file begins as objects and lists of them do.
func isJSON(data []byte) bool {
	const spaces = " \t\r\n"
	data = bytes.TrimLeft(data, spaces)
	if len(data) == 0 {
		return false
	}
	inner := bytes.TrimLeft(data[1:], spaces)
	return data[0] == '{' && bytes.HasPrefix(inner, []byte(`"`)) ||
		data[0] == '[' && bytes.HasPrefix(inner, []byte("{"))
}
