package fulfillment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
)

func TestAddressesAreInTheOrderOfTheirCountry(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]order.Address{
		"Springfield, IL 62701|United States": {City: "Springfield", State: "IL", PostalCode: "62701", Country: "US"},
		"Toronto ON M5V 2T6|Canada":           {City: "Toronto", State: "ON", PostalCode: "M5V 2T6", Country: "CA"},
		"London|SW1A 1AA|United Kingdom":      {City: "London", PostalCode: "SW1A 1AA", Country: "GB"},
		"10999 Berlin|Germany":                {City: "Berlin", PostalCode: "10999", Country: "de"},
		"00100 Roma RM|Italy":                 {City: "Roma", State: "RM", PostalCode: "00100", Country: "IT"},
		"São Paulo - SP|01310-100|Brazil":     {City: "São Paulo", State: "SP", PostalCode: "01310-100", Country: "BR"},
		"Chiyoda-ku, Tokyo 100-0001|Japan": {City: "Chiyoda-ku", State: "Tokyo", PostalCode: "100-0001",
			Country: "JP"},
		"Sydney NSW 2000|Australia": {City: "Sydney", State: "NSW", PostalCode: "2000", Country: "AU"},
		"06000 Ciudad de México, CDMX|Mexico": {City: "Ciudad de México", State: "CDMX", PostalCode: "06000",
			Country: "MX"},
		"Dublin|Ireland":                {City: "Dublin", Country: "IE"},
		"Springfield, IL|United States": {City: "Springfield", State: "IL", Country: "US"},
		"62701|United States":           {PostalCode: "62701", Country: "US"},
		"SP|Brazil":                     {State: "SP", Country: "BR"},
		"1010 Wien|Austria":             {City: "Wien", PostalCode: "1010", Country: "AT"},
		"80331 München|Germany":         {City: "München", State: "BY", PostalCode: "80331", Country: "DE"},
		"75001 Paris|France":            {City: "Paris", State: "Île-de-France", PostalCode: "75001", Country: "FR"},
		"Douglas|Cork|T12 AB34|Ireland": {City: "Douglas", State: "Cork", PostalCode: "T12 AB34", Country: "IE"},
		"50450 Kuala Lumpur|Kuala Lumpur|Malaysia": {City: "Kuala Lumpur", State: "Kuala Lumpur", PostalCode: "50450",
			Country: "MY"},
		"1000 Manila|Metro Manila|Philippines": {City: "Manila", State: "Metro Manila", PostalCode: "1000",
			Country: "PH"},
		"Cape Town|8001|South Africa":      {City: "Cape Town", State: "WC", PostalCode: "8001", Country: "ZA"},
		"Khimki|Moskovskaya|141400|Russia": {City: "Khimki", State: "Moskovskaya", PostalCode: "141400", Country: "RU"},
		"Bogotá, Cundinamarca, 110111|Colombia": {City: "Bogotá", State: "Cundinamarca", PostalCode: "110111",
			Country: "CO"},
		"Khet Phra Nakhon|Bangkok 10200|Thailand": {City: "Khet Phra Nakhon", State: "Bangkok", PostalCode: "10200",
			Country: "TH"},
		"Somewhere|ATLANTIS": {City: "Somewhere", Country: "Atlantis"},
		"Somewhere":          {City: "Somewhere"},
	} {
		require.Equal(t, want, strings.Join(postalLines(&order.Recipient{Address: a}, ""), "|"))
	}
	require.Equal(t, []string{"Ada", "1 Main St", "10999 Berlin", "Deutschland"},
		postalLines(&order.Recipient{Name: "Ada",
			Address: order.Address{Line1: "1 Main St", City: "Berlin", PostalCode: "10999", Country: "DE"}}, "de"))
	require.Equal(t, []string{"Ilona", "Budapest", "Fő utca 1.", "II. em. 3", "1011", "Hungary"},
		postalLines(&order.Recipient{Name: "Ilona", Address: order.Address{Line1: "Fő utca 1.", Line2: "II. em. 3",
			City: "Budapest", PostalCode: "1011", Country: "HU"}}, "en"))
	require.Nil(t, postalLines(nil, ""))
}

// What a buyer types must not look like words of the shop's.
func TestABuyersWordsStayOnTheirLine(t *testing.T) {
	t.Parallel()
	s := testSession()
	const name = "Jenny\r\n\r\nYour order is free.\u2028Click\u202e here\x00\x1b[31m"
	s.Buyer.Name, s.ShipTo.Name, s.ShipTo.Address.Line1, s.Texts[0].Name = name, name, "1 Main St\nTotal: 0.00 USD",
		"Lamp\nTotal: 0.00 USD"
	l := newLetter(order.Mail{From: "shop@example.com"}, s, order.Decision{Status: order.Accepted})
	letters, err := newLetters("")
	require.NoError(t, err)
	for _, kind := range mailKinds {
		subject, text, _, err := letters.write(kind, "", l)
		require.NoError(t, err)
		require.NotContains(t, subject+text, "\x1b")
		for _, line := range strings.Split(text, "\n") {
			line = strings.TrimSpace(line)
			require.False(t, strings.HasPrefix(line, "Your order is free") || strings.HasPrefix(line, "Total: 0.00"),
				text)
		}
	}
	require.Equal(t, "Jenny Your order is free. Click here [31m", l.Buyer)
}

func TestEveryLineHasItsPrice(t *testing.T) {
	t.Parallel()
	letters, err := newLetters("")
	require.NoError(t, err)
	s := testSession()
	_, text, _, err := letters.write(order.ConfirmationMail, "",
		newLetter(order.Mail{}, s, order.Decision{Status: order.Accepted}))
	require.NoError(t, err)
	for _, says := range []string{"Thank you for", "Will be shipped to:",
		": " + order.Money(s.Summary.Lines[0].Subtotal, "usd"),
		": " + order.Money(s.Summary.Lines[1].Subtotal, "usd")} {
		require.Contains(t, text, says)
	}
	part := order.Decision{Status: order.Accepted,
		Lines: []order.AcceptedLine{{SKU: s.Summary.Lines[0].SKU, Quantity: 1}}}
	l := newLetter(order.Mail{}, s, part)
	require.Equal(t, order.Money(s.Summary.Lines[0].TotalOf(1), "usd"), l.Lines[0].Price)
	require.Empty(t, l.Lines[1].Price, "nothing of it")

	_, text, html, err := letters.write(order.RejectionMail, "", l)
	require.NoError(t, err)
	for _, line := range s.Summary.Lines {
		require.Contains(t, text, ": "+order.Money(line.Subtotal, "usd"), "all that was ordered")
		require.Contains(t, html, ">"+order.Money(line.Subtotal, "usd")+"<")
	}
}
