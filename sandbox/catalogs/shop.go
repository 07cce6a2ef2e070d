package catalogs

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"

	"vitrine/internal/feed/lines"
)

// shop makes the rows of one merchant's catalog.
type shop struct {
	options Options
	brand   string
	site    string
}

var brands = []string{"Northloom", "Cedar & Clay", "Maison Élan", "Harbor Thread", "Fjellström", "Juniper Row",
	"Oak and Otter", "Piccolo Sole"}

func newShop(o Options) *shop {
	brand := brands[o.Seed%uint64(len(brands))]
	plain := strings.NewReplacer(" ", "", "&", "and", "É", "e", "ö", "o").Replace(brand)
	return &shop{options: o, brand: brand, site: "https://" + strings.ToLower(plain) + ".example.com"}
}

// rows goes on for ever; the reader says when it is enough.
func (s *shop) rows() iter.Seq[row] {
	return func(yield func(row) bool) {
		for item := 0; ; item++ {
			for _, r := range s.item(item) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func (s *shop) item(number int) []row {
	if s.options.Assortment == HomeGoods {
		return []row{s.homeGood(number)}
	}
	return s.garment(number)
}

// chance is the luck of one item: the same whatever was made before it.
func (s *shop) chance(number int) *rand.Rand {
	return rand.New(rand.NewPCG(s.options.Seed, uint64(number)))
}

func pick[T any](luck *rand.Rand, from []T) T { return from[luck.IntN(len(from))] }

type garment struct{ name, code, category, gender, material string }

var garments = []garment{
	{"Organic Cotton T-Shirt", "TEE", "212", "unisex", "organic cotton"},
	{"Merino Crew Sweater", "MER", "5599", "female", "merino wool"},
	{"Straight Leg Jeans", "JEA", "204", "male", "denim"},
	{"Linen Button-Down Shirt", "LIN", "212", "male", "linen"},
	{"Pleated Midi Skirt", "SKI", "1581", "female", "viscose"},
	{"Quilted Field Jacket", "JAC", "5598", "unisex", "recycled polyester"},
	{"Ribbed Tank Top", "TNK", "212", "female", "cotton"},
	{"Brushed Fleece Hoodie", "HOO", "5599", "unisex", "cotton fleece"},
	{"Wide Leg Trousers", "TRO", "204", "female", "wool blend"},
	{"Café Racer Leather Jacket", "CAF", "5598", "male", "leather"},
}

var (
	moods = []string{"Everyday", "Weekend", "Studio", "Coastal", "Heritage", "Field", "Transit", "Atelier", "Harvest",
		"Midnight"}
	colors = []struct{ name, code string }{
		{"Black", "BLK"}, {"Ecru", "ECR"}, {"Navy", "NVY"}, {"Forest Green", "FGR"}, {"Rust", "RST"},
		{"Slate Blue", "SLB"}, {"Crème", "CRM"},
	}
	sizes = []string{"XS", "S", "M", "L", "XL", "XXL"}
)

// garment is an item with a row for every colour and size.
func (s *shop) garment(number int) []row {
	luck := s.chance(number)
	kind, mood := pick(luck, garments), pick(luck, moods)
	group := fmt.Sprintf("%s%06d", kind.code, number)
	title := mood + " " + kind.name
	cents := int64(1900 + 500*luck.IntN(30))
	description := s.describe(luck, title, kind.material)
	var rows []row
	for _, color := range luck.Perm(len(colors))[:2+luck.IntN(3)] {
		for _, size := range sizes[luck.IntN(2) : 4+luck.IntN(3)] {
			r := newRow()
			s.common(r, luck, group+colors[color].code+size,
				fmt.Sprintf("%s - %s, %s", title, colors[color].name, size), cents, number)
			r.set("description", description, "material", kind.material, "google_product_category", kind.category,
				"item_group_id", group, "item_group_title", title, "color", colors[color].name, "size", size,
				"size_system", "US",
				"gender", kind.gender, "age_group", "adult", "weight", fmt.Sprintf("%d g", 150+50*luck.IntN(20)))
			rows = append(rows, r)
		}
	}
	return rows
}

type homeGood struct{ name, code, category, material, taxCode string }

var homeGoods = []homeGood{
	{"Stoneware Dinner Plate", "PLT", "Home & Garden > Kitchen & Dining > Tableware > Dinnerware > Plates", "stoneware",
		"txcd_99999999"},
	{"Oak Side Table", "TBL", "Furniture > Tables > Accent Tables > End Tables", "oak", "txcd_99999999"},
	{"Washed Linen Duvet Cover", "DUV", "Home & Garden > Linens & Bedding > Bedding > Duvet Covers", "linen",
		"txcd_99999999"},
	{"Brass Table Lamp", "LMP", "Home & Garden > Lighting > Lamps", "brass", "txcd_99999999"},
	{"Hand-Blown Glass Vase", "VAS", "Home & Garden > Decor > Vases", "glass", "txcd_99999999"},
	{"Jute Area Rug", "RUG", "Home & Garden > Decor > Rugs", "jute", "txcd_99999999"},
	{"Cast Iron Casserole", "POT", "Home & Garden > Kitchen & Dining > Cookware & Bakeware > Cookware", "cast iron",
		"txcd_99999999"},
	{"Beeswax Pillar Candle", "CDL", "Home & Garden > Decor > Home Fragrances > Candles", "beeswax", "txcd_99999999"},
}

func (s *shop) homeGood(number int) row {
	luck := s.chance(number)
	kind, mood := pick(luck, homeGoods), pick(luck, moods)
	title := mood + " " + kind.name
	r := newRow()
	s.common(r, luck, fmt.Sprintf("%s%06d", kind.code, number), title, int64(900+250*luck.IntN(120)), number)
	r.set("description", s.describe(luck, title, kind.material), "material", kind.material, "product_category",
		kind.category,
		"stripe_product_tax_code", kind.taxCode,
		"length", fmt.Sprintf("%d cm", 10+luck.IntN(190)), "width", fmt.Sprintf("%d cm", 10+luck.IntN(120)),
		"height", fmt.Sprintf("%d.5 cm", 1+luck.IntN(80)), "weight",
		fmt.Sprintf("%d.%d kg", luck.IntN(18), 1+luck.IntN(9)))
	if kind.code == "CDL" {
		r.set("product_warning", "safety_warning:Never leave a burning candle unattended")
	}
	return r
}

// common fills what every product has.
func (s *shop) common(r row, luck *rand.Rand, id, title string, cents int64, number int) {
	path := strings.ToLower(id)
	r.set("id", id, "title", title, "link", s.site+"/products/"+path, "brand", s.brand, "gtin", gtin(luck), "mpn", id,
		"image_link", s.site+"/images/"+path+".jpg",
		"additional_image_link", s.site+"/images/"+path+"-2.jpg,"+s.site+"/images/"+path+"-3.jpg",
		"condition", "new", "tax_behavior", "exclusive", "stripe_product_tax_code", "txcd_99999999",
		"shipping", "US:ALL:Standard:3-5:4.95 USD,US:ALL:Express:1-2:14.95 USD", "shipping_cost_basis", "per_order",
		"free_shipping_threshold", "US:ALL:Standard:75.00 USD", "popularity_score",
		fmt.Sprintf("%d.%d", luck.IntN(5), luck.IntN(10)),
		"return_rate", fmt.Sprintf("%d.%d", luck.IntN(12), luck.IntN(10)), "custom_label_0",
		pick(luck, []string{"core", "seasonal", "clearance"}),
		"inventory_not_tracked", "false", "disable_checkout", "false")
	s.stockAndPrice(r, luck, cents, number)
	if reviews := luck.IntN(400); reviews > 40 {
		r.set("product_review_count", fmt.Sprint(reviews), "product_review_rating",
			fmt.Sprintf("%d.%d", 3+luck.IntN(2), luck.IntN(10)))
	} else {
		r.set("product_review_count", "0")
	}
}

// stockAndPrice are what changes from one revision to the next.
func (s *shop) stockAndPrice(r row, luck *rand.Rand, cents int64, number int) {
	quantity := luck.IntN(240)
	onSale := luck.IntN(10) == 0
	for revision := range s.options.Revision {
		if (number+revision)%50 == 0 {
			cents, quantity = cents+100, quantity/2
		}
	}
	r.set("price", usd(cents), "inventory_quantity", fmt.Sprint(quantity), "availability", "in_stock")
	switch {
	case quantity == 0:
		r.set("availability", "out_of_stock")
	case quantity > 235:
		r.set("availability", "preorder", "availability_date", "2027-02-24")
	}
	if onSale {
		r.set("sale_price", usd(cents*8/10), "sale_price_effective_date", "2026-11-01/2026-12-31")
	}
}

func usd(cents int64) string { return fmt.Sprintf("%d.%02d USD", cents/100, cents%100) }

// gtin is an EAN-13 with a right check digit.
func gtin(luck *rand.Rand) string {
	digits := fmt.Sprintf("400%09d", luck.IntN(1e9))
	sum := 0
	for i, digit := range digits {
		weight := 1 + 2*(i%2)
		sum += weight * int(digit-'0')
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

var praise = []string{
	"Made in small batches by a family-run workshop that has been at it for three generations.",
	"Cut for an easy, relaxed feel, and finished by hand where a machine would leave a trace.",
	"Designed to be used every day, and to look better for it.",
	"Every piece differs slightly in tone and texture, which is the point.",
	"Certified to OEKO-TEX Standard 100: nothing in it that has no business near your skin.",
	"Pairs with nearly everything, from \"Sunday morning\" to \"dinner at eight\".",
	"Care: gentle cycle at 30 °C, dry flat, warm iron if needed.",
	"Ships plastic-free, in a box that folds flat for your next parcel.",
	"Our customers' favourite, back in fresh colours for the season; order early, it goes fast.",
	"Guaranteed for five years: if it fails, we mend it or replace it.",
}

// describe is free text with all that makes a CSV reader's life hard: commas, quotes, umlauts, line breaks. A TSV of a
// shop has no line breaks or quotes, because few tools that write TSV know how to quote them.
func (s *shop) describe(luck *rand.Rand, title, material string) string {
	sentences := []string{"The " + title + " in " + material + "."}
	for _, i := range luck.Perm(len(praise))[:3+luck.IntN(3)] {
		sentences = append(sentences, praise[i])
	}
	separator := " "
	if luck.IntN(4) == 0 {
		separator = "\n"
	}
	text := strings.Join(sentences, separator)
	if s.options.Format == lines.TSV {
		text = strings.NewReplacer("\n", " ", "\"", "'").Replace(text)
	}
	return text
}
