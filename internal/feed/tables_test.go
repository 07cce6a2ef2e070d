package feed

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/feed/lines"
)

func TestHeaderWithAnotherNameForTheID(t *testing.T) {
	o := Options{Kind: Product, Format: lines.CSV, PriceMove: 0.6, Manifest: NewManifest(Product),
		Now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	for _, header := range []string{
		"sku,description,title,link,image_link,availability,price",
		"SKU,Description,Title,URL,Image Link,Availability,Price",
		"Artikelnummer,title,description,link,additional_image_link,availability,sale_price",
	} {
		file := heading + offered("A", "Oak", "15.00 USD", "") + header + "\n" + offered("B", "Ash", "16.00 USD", "")
		d, out := compared(t, file, o)
		require.Equal(t, "send A, 2 held back", outcome(t, d, out, o), header)
		require.Contains(t, out.found[0], "other_header", header)
		require.Contains(t, out.found[0], "3 ", header)
	}
}

// A header of which nobody knows the names is told by what it cannot be; a product that is only begun is none.
func TestHeaderInUnknownWords(t *testing.T) {
	t.Parallel()
	o := Options{Kind: Product, Format: lines.CSV, PriceMove: 0.6, Manifest: NewManifest(Product),
		Now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	a, b := offered("A", "Oak", "15.00 USD", ""), offered("B", "Ash", "16.00 USD", "")
	for row, want := range map[string]string{
		"ArtNr,Beschreibung,Titel,Produkt-URL,Bild,Lagerstand,Preis": "send A, 2 held back",
		"ArtNr,description,title,Link,Bild,Bestand,Preis in EUR":     "send A, 2 held back",
		"артикул,описание,название,ссылка,картинка,наличие,цена":     "send A, 2 held back",
		"Nummer,Text,Name,Adresse,Foto":                              "send A B, 1 held back",
		"sofa,Sofa,Soft,tba,tba,tba,tba":                             "send A B, 1 held back",
		"sofa,Sofa,Soft,soon,,out_of_stock,on request":               "send A B, 1 held back",
		"sofa,Sofa,Soft,soon,none,in_stock,on request":               "send A B, 1 held back",
		"sofa,Sofa,Soft,soon,none,sold out,15.00":                    "send A B, 1 held back",
		"C7,Sofa,Soft,soon,none,sold out,on request":                 "send A B, 1 held back",
		"Tables,,,,,,": "send A B, 1 held back",
	} {
		d, out := compared(t, heading+a+row+"\n"+b, o)
		require.Equal(t, want, outcome(t, d, out, o), row)
		d, out = compared(t, heading+row+"\n"+a+b, o)
		require.Equal(t, "send A B, 1 held back", outcome(t, d, out, o), "above all products: %s", row)
	}
}
