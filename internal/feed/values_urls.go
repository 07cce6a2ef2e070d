package feed

import "bytes"

// checkURL wants what RFC 1738 calls a URL of the web, with a scheme and a host. Letters beyond ASCII pass, because
// browsers take them; user names do not, which that RFC rules out for http.
func checkURL(c *Column, value []byte) Cause {
	if cause := readURL(value); cause != "" {
		if c.Unconfirmed {
			return Unconfirmed
		}
		return cause
	}
	return ""
}

func checkPage(c *Column, value []byte) Cause {
	if cause := readURL(value); cause != "" {
		return cause
	}
	if value[len("http")] == ':' {
		return NotHTTPS
	}
	return ""
}

func checkImage(_ *Column, value []byte) Cause {
	switch cause := readURL(value); {
	case cause != "":
		return cause
	case joined(value) != "":
		return NotURL
	}
	return imageFormat(value)
}

// checkImageEntry judges an image of a list.
func checkImageEntry(c *Column, entry []byte) Cause {
	if joined(entry) != "" {
		return OtherSeparator
	}
	return checkImage(c, entry)
}

// joined is the character that two addresses are joined by, if the text is more than one.
func joined(text []byte) string {
	if first := bytes.Index(text, schemeEnd); first < 0 || !bytes.Contains(text[first+len(schemeEnd):], schemeEnd) {
		return ""
	}
	for _, separator := range []string{"|", ";", ","} {
		for rest := text; ; {
			_, behind, found := bytes.Cut(rest, []byte(separator))
			if !found {
				break
			}
			if rest = bytes.TrimLeft(behind, " "); afterScheme(rest) != nil {
				return separator
			}
		}
	}
	return ""
}

func readURL(text []byte) Cause {
	rest := afterScheme(text)
	if rest == nil {
		return NotURL
	}
	host := 0
	for host < len(rest) && rest[host] != '/' && rest[host] != '?' && rest[host] != '#' {
		host++
	}
	if !isHost(rest[:host]) || !isPath(rest[host:]) {
		return NotURL
	}
	return ""
}

// afterScheme is what follows http:// or https://, or nil.
func afterScheme(text []byte) []byte {
	const least = len("http://")
	if len(text) <= least || text[0]|0x20 != 'h' || text[1]|0x20 != 't' || text[2]|0x20 != 't' || text[3]|0x20 != 'p' {
		return nil
	}
	rest := text[4:]
	if rest[0]|0x20 == 's' {
		rest = rest[1:]
	}
	if !bytes.HasPrefix(rest, schemeEnd) {
		return nil
	}
	return rest[len(schemeEnd):]
}

// isHost wants a name of letters, digits, hyphens, underscores and periods, and a port of digits behind it if any.
func isHost(text []byte) bool {
	for i, b := range text {
		if b == ':' {
			return i > 0 && leadingDigits(text[i+1:]) == len(text)-i-1
		}
		if !isDigit(b) && !isLetter(b) && b != '-' && b != '.' && b != '_' && b < 0x80 {
			return false
		}
	}
	return len(text) > 0
}

// isPath reads the rest of a URL: no spaces or control characters anywhere, and outside the query no percent sign
// without two hexadecimal digits.
func isPath(text []byte) bool {
	query := false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b <= ' ' || b == 0x7f:
			return false
		case b == '?' || b == '#':
			query = b == '?' && !hasFragment(text[:i])
		case b == '%' && !query && !(i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2])):
			return false
		}
	}
	return true
}

func hasFragment(text []byte) bool { return bytes.IndexByte(text, '#') >= 0 }

func isHex(b byte) bool { return isDigit(b) || (b|0x20)-'a' < 6 }

var (
	refusedImages = []string{".webp", ".svg"} // the specification names these two
	unusualImages = []string{".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".pdf", ".ico"}
)

// imageFormat judges an image by the ending of its address. An address may say nothing of its format, so only a
// wrong ending is told.
func imageFormat(url []byte) Cause {
	path := url
	if query := bytes.IndexByte(path, '?'); query >= 0 {
		path = path[:query]
	}
	if fragment := bytes.IndexByte(path, '#'); fragment >= 0 {
		path = path[:fragment]
	}
	switch {
	case endsIn(path, refusedImages):
		return ImageFormat
	case endsIn(path, unusualImages):
		return UnusualImageFormat
	}
	return ""
}

func endsIn(path []byte, endings []string) bool {
	for _, ending := range endings {
		if hasFoldedSuffix(path, ending) {
			return true
		}
	}
	return false
}

// hasFoldedSuffix compares without regard to capitals; the suffix is in lower case.
func hasFoldedSuffix(text []byte, suffix string) bool {
	from := len(text) - len(suffix)
	if from < 0 {
		return false
	}
	for i := range len(suffix) {
		if b := text[from+i]; b != suffix[i] && !(isCapital(b) && b|0x20 == suffix[i]) {
			return false
		}
	}
	return true
}
