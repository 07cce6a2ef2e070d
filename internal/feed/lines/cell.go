package lines

import "bytes"

// Blank reports whether a value is empty or nothing but spaces. Either way the field is unset.
func Blank(value []byte) bool {
	return len(value) == 0 || value[0]-'!' > '~'-'!' && onlySpaces(value) // nearly every value begins with what is seen
}

// onlySpaces judges the few values that may begin with a space.
func onlySpaces(value []byte) bool { return len(bytes.TrimSpace(value)) == 0 }

// AppendField appends a value as RFC 4180 has it, in quotes where it needs them, and returns the longer text.
func AppendField(out, value []byte, comma byte) []byte {
	if bytes.IndexByte(value, comma) < 0 && bytes.IndexByte(value, '"') < 0 && bytes.IndexByte(value, '\n') < 0 &&
		bytes.IndexByte(value, '\r') < 0 {
		return append(out, value...)
	}
	out = append(out, '"')
	for {
		quote := bytes.IndexByte(value, '"')
		if quote < 0 {
			break
		}
		out = append(append(out, value[:quote+1]...), '"')
		value = value[quote+1:]
	}
	return append(append(out, value...), '"')
}
