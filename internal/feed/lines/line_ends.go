package lines

import (
	"bufio"
	"bytes"
)

// lineEnd is where the line that goes on at pos ends: at its line feed, or at the end of data.
func lineEnd(data []byte, pos int) int {
	if feed := bytes.IndexByte(data[pos:], '\n'); feed >= 0 {
		return pos + feed
	}
	return len(data)
}

// endsInCarriageReturns reports whether the lines of a file end in CR alone, as old spreadsheets for the Mac write
// them: its first line does. data is the beginning of the file.
func endsInCarriageReturns(data []byte) bool {
	within := false // quotes
	for i, ch := range data {
		switch {
		case ch == '"':
			within = !within
		case within:
		case ch == '\n':
			return false
		case ch == '\r':
			return i+1 < len(data) && data[i+1] != '\n' || i+1 == len(data) && i > 0
		}
	}
	return false
}

// carriageReturns makes line feeds of lone CRs.
type carriageReturns struct{ src *bufio.Reader }

func (c carriageReturns) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.translate(p[:n])
	return n, err
}

// translate replaces lone CRs in place. text is what was read last.
func (c carriageReturns) translate(text []byte) {
	for i, ch := range text {
		if ch != '\r' {
			continue
		}
		next := text[i+1:]
		if len(next) == 0 {
			next, _ = c.src.Peek(1) // an error comes again when it is read
		}
		if len(next) == 0 || next[0] != '\n' {
			text[i] = '\n'
		}
	}
}
