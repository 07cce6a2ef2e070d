package feed

import (
	"strings"

	"vitrine/internal/feed/ascii"
)

// countries are the codes of ISO 3166-1 alpha-2.
const countries = `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
	BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
	GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
	KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
	MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
	SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
	UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`

var isCountry = func() (table [26 * 26]bool) {
	for _, code := range strings.Fields(countries) {
		table[countryIndex([]byte(code))] = true
	}
	return table
}()

func countryIndex(code []byte) int { return int(code[0]-'A')*26 + int(code[1]-'A') }

// readCountry judges a country's code. Two letters are the form that the specification states; that they are a code
// of ISO 3166 is in doubt, because merchants write EU and UK for systems of sizes, so that is a warning.
func readCountry(code []byte) Cause {
	switch {
	case len(code) != 2 || !ascii.IsLetter(code[0]) || !ascii.IsLetter(code[1]):
		return NotCountry
	case !ascii.IsCapital(code[0]) || !ascii.IsCapital(code[1]) || !isCountry[countryIndex(code)]:
		return UnknownCountry
	}
	return ""
}
