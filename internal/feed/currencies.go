package feed

import "strings"

// The currencies of ISO 4217 that are money in use, by how many decimals they have.
const (
	currencies2 = `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
		COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR
		IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
		NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC
		SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`
	currencies0 = `BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF`
	currencies3 = `BHD IQD JOD KWD LYD OMR TND`
)

// currencyDecimals has, at the index of a code, one more than the currency's decimals; 0: there is no such currency.
var currencyDecimals = func() (table [26 * 26 * 26]int8) {
	for decimals, codes := range map[int8]string{0: currencies0, 2: currencies2, 3: currencies3} {
		for _, code := range strings.Fields(codes) {
			table[currencyIndex(Currency([]byte(code)))] = decimals + 1
		}
	}
	return table
}()

// decimalsOf is how many decimals ISO 4217 gives a currency, or -1 if it has no such currency.
func decimalsOf(c Currency) int8 {
	if !isCapital(c[0]) || !isCapital(c[1]) || !isCapital(c[2]) {
		return -1
	}
	return currencyDecimals[currencyIndex(c)] - 1
}

func currencyIndex(c Currency) int {
	return (int(c[0]-'A')*26+int(c[1]-'A'))*26 + int(c[2]-'A')
}

// decimalsInDoubt reports whether Stripe counts a currency's decimals otherwise than ISO 4217: it takes the ariary for
// one without, and wants the króna and the Ugandan shilling written with two (https://docs.stripe.com/currencies).
// What a feed should have is then an open question, so nothing is said about it.
func decimalsInDoubt(c Currency) bool {
	return c == Currency{'M', 'G', 'A'} || c == Currency{'I', 'S', 'K'} || c == Currency{'U', 'G', 'X'}
}
