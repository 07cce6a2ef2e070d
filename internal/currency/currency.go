package currency

import "strings"

// Code is an ISO 4217 code in capitals.
type Code [3]byte

// String is the code in capitals, as ISO 4217 writes it.
func (c Code) String() string { return string(c[:]) }

// Parse reads a code in whatever capitals; the zero Code, which no currency has, if it cannot be one.
func Parse(text string) (c Code) {
	if len(text) == len(c) {
		copy(c[:], strings.ToUpper(text))
	}
	return c
}

// The currencies of ISO 4217 that are money in use, by how many decimals they have: list one, as of
// November 2026. Bulgaria pays in euros since January, so BGN is gone; before it went ANG (now XCG), HRK, SLL, CUC and
// ZWL. Units of account, funds, metals and codes for testing are no money that a price could be in.
const (
	currencies2 = `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
		COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR
		IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
		NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC
		SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`
	currencies0 = `BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF`
	currencies3 = `BHD IQD JOD KWD LYD OMR TND`
)

// decimals has, at the index of a code, one more than the currency's decimals; 0: there is no such currency.
var decimals = func() (table [26 * 26 * 26]int8) {
	for n, codes := range map[int8]string{0: currencies0, 2: currencies2, 3: currencies3} {
		for _, code := range strings.Fields(codes) {
			i, _ := Parse(code).index()
			table[i] = n + 1
		}
	}
	return table
}()

func (c Code) index() (i int, ok bool) {
	for _, b := range c {
		if b < 'A' || b > 'Z' {
			return 0, false
		}
		i = i*26 + int(b-'A')
	}
	return i, true
}

// Decimals is how many decimals ISO 4217 gives a currency, or -1 if it has no such currency.
func (c Code) Decimals() int {
	i, ok := c.index()
	if !ok {
		return -1
	}
	return int(decimals[i]) - 1
}

// StripeDecimals is how many decimals the amounts of Stripe's API have, or -1 as Decimals. It takes the ariary for a
// currency without, and counts the króna and the Ugandan shilling in hundredths
// (https://docs.stripe.com/currencies#zero-decimal, #special-cases).
func (c Code) StripeDecimals() int {
	switch c {
	case ariary:
		return 0
	case Code{'I', 'S', 'K'}, Code{'U', 'G', 'X'}:
		return 2
	}
	return c.Decimals()
}

var ariary = Code{'M', 'G', 'A'}

// Hundredths reports whether ISO 4217 and Stripe alike count a currency in hundredths, and Stripe takes any number of
// them: so it is with nearly every amount there is.
func (c Code) Hundredths() bool { return c.Decimals() == 2 && c != ariary }

// Step is what amounts of Stripe's API have to be multiples of, to be charged, captured and refunded. The last of three
// decimals has to be 0, and there are no parts of a króna or a Ugandan shilling
// (https://docs.stripe.com/currencies#three-decimal, #special-cases). Payouts in HUF and TWD have a rule of that kind
// too; charges and refunds in them have not.
func (c Code) Step() int64 {
	switch {
	case c.Decimals() == 0 && c.StripeDecimals() == 2:
		return 100
	case c.Decimals() == 3:
		return 10
	}
	return 1
}

// Chargeable reports whether Stripe takes an amount, as its API counts it.
func (c Code) Chargeable(amount int64) bool { return amount%c.Step() == 0 }

// Floor is the largest amount up to this one that Stripe takes.
func (c Code) Floor(amount int64) int64 { return amount - amount%c.Step() }
