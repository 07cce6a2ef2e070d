package ascii

// IsDigit reports whether a byte is one of 0 to 9.
func IsDigit(b byte) bool { return b-'0' < 10 }

// IsLetter reports whether a byte is one of A to Z or a to z.
func IsLetter(b byte) bool { return (b|0x20)-'a' < 26 }

// IsCapital reports whether a byte is one of A to Z.
func IsCapital(b byte) bool { return b-'A' < 26 }
