package fulfillment

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"vitrine/internal/order"
)

// How an address is written, where it is not the postal code and then the city, and the state below. The countries of a
// layout are those that Stripe's checkout ships to most; the others are readable in either order.
var layouts = map[string][]string{
	// where a state stands in no address; Stripe asks for none there, and an agent may send one
	"street/code city": {
		"DE", "AT", "CH", "LI", "FR", "BE", "NL", "LU", "DK", "SE", "NO", "FI", "PL", "CZ", "SK", "PT",
	},
	"street/city, state code":  {"US", "PR", "JP", "KR", "CN", "TW"},
	"street/city state code":   {"CA", "AU", "IN", "NZ", "SG", "SA", "AE", "HK"},
	"street/city/code":         {"GB", "GG", "JE", "IM", "GI", "MT", "LV", "ZA"},
	"street/city/state/code":   {"IE", "RU", "UA", "KZ", "EG"},
	"street/city/state code":   {"ID", "TH", "VN"},
	"street/city code/state":   {"PE"},
	"street/city, state, code": {"CO"},
	"street/city - state/code": {"BR"},
	"street/code city state":   {"IT", "AR", "UY"},
	"street/code city, state":  {"MX", "ES", "CL"},
	"city/street/code":         {"HU"},
}

func layoutOf(country string) string {
	for layout, countries := range layouts {
		if slices.Contains(countries, country) {
			return layout
		}
	}
	return "street/code city/state"
}

// postalLines write an address as the post of its country expects it, with the country's name in the mail's language.
func postalLines(to *order.Recipient, mailLanguage string) []string {
	if to == nil {
		return nil
	}
	a := to.Address
	country := strings.ToUpper(strings.TrimSpace(a.Country))
	lines := []string{to.Name}
	for _, line := range strings.Split(layoutOf(country), "/") {
		if line == "street" {
			lines = append(lines, a.Line1, a.Line2)
			continue
		}
		lines = append(lines, filled(line, a))
	}
	lines = append(lines, countryName(country, mailLanguage))
	for i := range lines {
		lines[i] = oneLine(lines[i])
	}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}

// filled puts an address into a line; what is absent takes what joins it along.
func filled(layout string, a order.Address) string {
	var b strings.Builder
	join := ""
	for _, word := range strings.Fields(layout) {
		name := strings.TrimSuffix(word, ",")
		value, known := map[string]string{"city": a.City, "state": a.State, "code": a.PostalCode}[name]
		switch {
		case !known: // a hyphen
			join = " " + word + " "
			continue
		case strings.TrimSpace(value) == "":
			continue
		}
		if b.Len() > 0 {
			b.WriteString(join)
		}
		b.WriteString(strings.TrimSpace(value))
		join = " "
		if name != word {
			join = ", "
		}
	}
	return b.String()
}

// countryName is the code where there is no name.
func countryName(code, mailLanguage string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	tag, err := language.Parse(mailLanguage)
	if err != nil {
		tag = language.English
	}
	for _, names := range []display.Namer{display.Regions(tag), display.English.Regions()} {
		if names == nil {
			continue
		}
		if name := names.Name(region); name != "" {
			return name
		}
	}
	return code
}

// oneLine is a text of the buyer's without line breaks and control characters: it must not look like words of the
// shop's.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, breaks), " ")
}

func breaks(r rune) bool {
	return r <= ' ' || r == 0x7f || r >= 0x80 && r <= 0xa0 || r == '\u2028' || r == '\u2029' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
