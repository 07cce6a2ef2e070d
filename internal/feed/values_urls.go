package feed

import (
	"bytes"
	"strings"

	"vitrine/internal/feed/ascii"
)

// checkURL wants what RFC 1738 calls a URL of the web, with a scheme and a host. Letters beyond ASCII pass, because
// browsers take them; user names do not, which that RFC rules out for http.
func checkURL(_ *Column, value []byte) Cause {
	if isPlainURL(value) {
		return ""
	}
	if cause := readOneURL(value); cause != "" {
		return cause
	}
	return oddInAddress(value)
}

func checkPage(c *Column, value []byte) Cause {
	cause := checkURL(c, value)
	if (cause == "" || cause.Severity() == Warning) && value[len("http")] == ':' {
		return NotHTTPS
	}
	return cause
}

func checkImage(_ *Column, value []byte) Cause {
	if isPlainURL(value) {
		return imageEnding(value)
	}
	if cause := readOneURL(value); cause != "" {
		return cause
	}
	if cause := imageFormat(value); cause != "" {
		return cause
	}
	return oddInAddress(value)
}

// readOneURL reads a cell that has room for one address.
func readOneURL(value []byte) Cause {
	if joined(value) {
		return SeveralURLs
	}
	return readURL(value)
}

// oddInAddress finds &amp; in an address, which was taken from a web page as it is written there and leads elsewhere,
// and characters that got into it on its way.
func oddInAddress(url []byte) Cause {
	switch {
	case hasEntity(url):
		return HasEntity
	case ascii.EachWord(url, func(word uint64) bool { return word&ascii.Highs == 0 }):
		return ""
	case bytes.Contains(url, replacement):
		return LostCharacter
	case bytes.ContainsFunc(url, isHiddenInID):
		return HasInvisible
	}
	return ""
}

// checkImageEntry judges an image of a list.
func checkImageEntry(_ *Column, entry []byte) Cause {
	if isPlainURL(entry) {
		return imageEnding(entry)
	}
	if joined(entry) {
		return OtherSeparator
	}
	if cause := readURL(entry); cause != "" {
		return cause
	}
	if cause := imageFormat(entry); cause != "" {
		return cause
	}
	return oddInAddress(entry)
}

// joined reports whether a text is two addresses or more, with a character between them that separates none in a list.
func joined(text []byte) bool {
	if bytes.IndexByte(text[min(len(text), len("https:")):], ':') < 0 {
		return false
	}
	for i, b := range text {
		if urlBytes[b]&betweenAddresses != 0 && afterScheme(bytes.TrimLeft(text[i+1:], " ")) != nil {
			return true
		}
	}
	return false
}

// isPlainURL reports whether nothing in an address has to be looked at more closely: so is nearly every one.
func isPlainURL(text []byte) bool {
	rest := afterScheme(text)
	host := leading(rest, inPlainHost)
	path := rest[host:]
	if host == 0 || len(path) == 0 || path[0] != '/' {
		return false
	}
	return len(path) >= 8 && ascii.EachWord(path, isPlainPathWord) || leading(path, inPlainPath) == len(path)
}

func readURL(text []byte) Cause {
	rest := afterScheme(text)
	if rest == nil {
		return NotURL
	}
	host := leading(rest, inHost)
	path := rest[host:]
	if bytes.HasPrefix(path, schemeEnd) { // https://https://
		return NotURL
	}
	if host > 0 && len(path) > 0 && path[0] == ':' {
		path = path[1+leadingDigits(path[1:]):]
	}
	if host == 0 || len(path) > 0 && path[0] != '/' && path[0] != '?' && path[0] != '#' || !isPath(path) {
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

// What bytes are in an address. Texts of addresses are a third of a catalog, so that each of their bytes is looked at
// once.
const (
	inHost      uint8 = 1 << iota // a letter, a digit, a hyphen, an underscore or a period
	inPlainHost                   // … of ASCII
	inPath                        // nothing that isPath has to look at more closely
	inPlainPath                   // … nor has anybody else: it is ASCII, and begins no entity and no other address
	// People put it between addresses; where one address is part of another, none of these stands before it.
	betweenAddresses
)

var urlBytes = func() (classes [256]uint8) {
	for i := range classes {
		b := byte(i)
		if ascii.IsDigit(b) || ascii.IsLetter(b) || b == '-' || b == '.' || b == '_' || b >= 0x80 {
			classes[i] |= inHost
			if b < 0x80 {
				classes[i] |= inPlainHost
			}
		}
		if b <= ' ' || strings.IndexByte("|;,&+<>\"^\\", b) >= 0 {
			classes[i] |= betweenAddresses
		}
		if b > ' ' && b != 0x7f && b != '?' && b != '#' && b != '%' {
			classes[i] |= inPath
			if b < 0x80 && strings.IndexByte(":&;|,", b) < 0 {
				classes[i] |= inPlainPath
			}
		}
	}
	return classes
}()

// leading is how many bytes of a class an address begins with.
func leading(text []byte, class uint8) (n int) {
	for n < len(text) && urlBytes[text[n]]&class != 0 {
		n++
	}
	return n
}

// isPath reads the rest of a URL: no spaces or control characters anywhere, and outside the query no percent sign
// without two hexadecimal digits.
func isPath(text []byte) bool {
	query := false
	for i := leading(text, inPath); i < len(text); i += 1 + leading(text[i+1:], inPath) {
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

func isHex(b byte) bool { return ascii.IsDigit(b) || (b|0x20)-'a' < 6 }

var (
	usualImages   = []string{".jpg", ".jpeg", ".png"}
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
	return imageEnding(path)
}

func imageEnding(path []byte) Cause {
	switch {
	case endsIn(path, usualImages):
		return ""
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
		if b := text[from+i]; b != suffix[i] && !(ascii.IsCapital(b) && b|0x20 == suffix[i]) {
			return false
		}
	}
	return true
}
