package feed

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"vitrine/internal/feed/lines"
)

// refusedHead is how much of a file of refused rows is looked at before it is read.
const refusedHead = 64 << 10

// refusedLayers is how often the file may be compressed: by whoever wrote it, and by whoever carried it.
const refusedLayers = 2

// refusedText is the text in a file of refused rows, whatever it is wrapped in, as UTF-8.
func refusedText(src io.Reader) (*bufio.Reader, error) {
	text := bufio.NewReaderSize(src, refusedHead)
	for range refusedLayers {
		if head, _ := text.Peek(2); !bytes.Equal(head, []byte{0x1f, 0x8b}) {
			break
		}
		unpacked, err := gzip.NewReader(text)
		if err != nil {
			return nil, &RefusedError{"it begins as if it were compressed, and is not"}
		}
		text = bufio.NewReaderSize(&bounded{r: unpacked, left: maxRefusedBytes}, refusedHead)
	}
	head, _ := text.Peek(4)
	switch {
	case len(head) == 0:
		return nil, &RefusedError{"it is empty"}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, &RefusedError{"it is a zip archive or a spreadsheet"}
	case len(head) == 4 && (bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}) || bytes.Count(head, []byte{0}) == 3):
		return nil, &RefusedError{"it is UTF-32"}
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), len(head) > 1 && head[0] != 0 && head[1] == 0:
		text = bufio.NewReaderSize(&utf16Reader{src: text, order: binary.LittleEndian}, refusedHead)
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}), len(head) > 1 && head[0] == 0 && head[1] != 0:
		text = bufio.NewReaderSize(&utf16Reader{src: text, order: binary.BigEndian}, refusedHead)
	}
	if head, _ := text.Peek(len(lines.ByteOrderMark)); string(head) == lines.ByteOrderMark {
		_, _ = text.Discard(len(lines.ByteOrderMark))
	}
	return text, nil
}

// refusedAbove is how many lines there may be above the header: a title, or one that names the separator.
const refusedAbove = 4

// refusedFormat finds out how the file is laid out: the separator is the one by which one of its first rows has the
// columns that count. A file without them cannot be read.
func refusedFormat(text *bufio.Reader, kind Kind) (refusedColumns, error) {
	head, _ := text.Peek(refusedHead) // what breaks off behind it is met again
	switch begin := bytes.TrimLeft(head, " \t\r\n"); {
	case len(begin) == 0:
		return refusedColumns{}, &RefusedError{"it is empty"}
	case begin[0] == '<':
		return refusedColumns{}, &RefusedError{"it is a web page, or XML"}
	case begin[0] == '{' || begin[0] == '[':
		return refusedColumns{}, &RefusedError{"it is JSON"}
	}
	best := refusedColumns{reason: -1, id: -1}
	for _, comma := range []byte{',', '\t', ';', '|'} {
		r := lines.SeparatedBy(bytes.NewReader(head), comma)
		for above := range refusedAbove + 1 {
			row, err := r.Read()
			if err != nil {
				break
			}
			c := columnsOf(row, comma, kind)
			if c.above = above; c.known() > best.known() && (above == 0 || c.known() == 2) {
				best = c
			}
		}
	}
	if best.known() == 0 {
		return best, &RefusedError{fmt.Sprintf("its first rows have no column %s", ErrorColumn)}
	}
	return best, nil
}

// faithful remembers what its source failed with, so that it is told from what is wrong with the bytes.
type faithful struct {
	src io.Reader
	err error
}

func (f *faithful) Read(p []byte) (int, error) {
	n, err := f.src.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// bounded fails behind a number of bytes, and gives what went wrong with a compressed file its name.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		return n, &RefusedError{"it is too large"}
	case err != nil && err != io.EOF:
		return n, &RefusedError{"it is compressed, and breaks off: " + err.Error()}
	}
	return n, err
}

// utf16Reader reads UTF-16 as UTF-8. Half a character at the end is left out.
type utf16Reader struct {
	src   *bufio.Reader
	order binary.ByteOrder
	text  []byte // decoded, and not yet read
	high  rune   // first half of a surrogate pair
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.text) == 0 {
		var unit [2]byte
		if _, err := io.ReadFull(u.src, unit[:]); err != nil {
			if err == io.ErrUnexpectedEOF {
				err = io.EOF
			}
			return 0, err
		}
		r := rune(u.order.Uint16(unit[:]))
		switch {
		case u.high != 0:
			r, u.high = utf16.DecodeRune(u.high, r), 0
		case r >= 0xd800 && r < 0xdc00:
			u.high = r
			continue
		}
		u.text = utf8.AppendRune(u.text[:0], r)
	}
	n := copy(p, u.text)
	u.text = u.text[n:]
	return n, nil
}
