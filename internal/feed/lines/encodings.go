package lines

import "bytes"

// ForeignEncoding names what a file is written in, by its first bytes, if that is neither UTF-8 nor one of the
// encodings that extend ASCII. A header is plain letters, so without a mark of byte order its NULs tell.
func ForeignEncoding(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(data, []byte{0, 0, 0xfe, 0xff}),
		unmarkedUTF32(data):
		return "UTF-32"
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}), unmarkedUTF16(data):
		return "UTF-16"
	}
	return ""
}

// unmarkedUTF16 reports whether every other one of the first bytes is NUL, as where a header is UTF-16 without a mark.
func unmarkedUTF16(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	return (data[0] == 0) != (data[1] == 0) && (data[0] == 0) == (data[2] == 0) && (data[1] == 0) == (data[3] == 0)
}

// unmarkedUTF32 reports whether three of each four of the first bytes are NUL.
func unmarkedUTF32(data []byte) bool {
	if len(data) < 8 {
		return false
	}
	none := []byte{0, 0, 0}
	little := data[0] != 0 && data[4] != 0 && bytes.Equal(data[1:4], none) && bytes.Equal(data[5:8], none)
	big := data[3] != 0 && data[7] != 0 && bytes.Equal(data[0:3], none) && bytes.Equal(data[4:7], none)
	return little || big
}
