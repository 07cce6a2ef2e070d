package drift

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"vitrine/internal/feed"
)

// compared are the columns whose values are compared one by one: what an agent shows and a buyer decides by.
var compared = [...]string{
	"availability", "title", "price", "sale_price", "link", "image_link", "brand", "item_group_id", "description",
}

// SetByFeed are the columns of the product feed that another feed changes at Stripe. Of an account that syncs that feed
// too, the product feed cannot say what they should be.
func SetByFeed(k feed.Kind) []string {
	switch k {
	case feed.Inventory:
		return []string{"availability", "availability_date", "inventory_quantity", "inventory_not_tracked"}
	case feed.Pricing:
		return []string{"price", "sale_price", "sale_price_effective_date"}
	}
	return nil
}

// canonical is a value as far as it matters: how Stripe writes what it was sent is not documented. Amounts count, not
// their digits; of texts, not the kind and number of blanks.
func canonical(column, value string) string {
	switch column {
	case "price", "sale_price":
		if amount, ok := feed.ParseAmount([]byte(strings.ToUpper(strings.TrimSpace(value)))); ok {
			return amount.String()
		}
	case "availability", "condition", "gender", "age_group":
		value = strings.ReplaceAll(strings.ToLower(value), " ", "_")
	}
	if tidy(value) {
		return value
	}
	return strings.Join(strings.Fields(value), " ")
}

// tidy reports whether a value has single blanks only, and none around it: nearly every one.
func tidy(value string) bool {
	blank := true
	for i := range len(value) {
		switch ch := value[i]; {
		case ch == ' ' && !blank:
			blank = true
		case ch <= ' ' || ch >= 0x80:
			return false
		default:
			blank = false
		}
	}
	return !blank || value == ""
}

// digests make digests of the rows under one header.
type digests struct {
	columns []string // in the order of the header; empty: left out
	order   []int    // of the columns, by name
	at      [len(compared)]int
	text    []byte // reused
}

func digester(columns, without []string) digests {
	d := digests{columns: slices.Clone(columns)}
	for i, column := range columns {
		if column == "delete" || slices.Contains(without, column) {
			continue
		}
		d.order = append(d.order, i)
	}
	slices.SortFunc(d.order, func(a, b int) int { return strings.Compare(columns[a], columns[b]) })
	for n, column := range compared {
		if d.at[n] = slices.Index(columns, column); slices.Contains(without, column) {
			d.at[n] = -1
		}
	}
	return d
}

// row makes the digests of a row. Blank and absent are the same.
func (d *digests) row(cells []string) (row sourceRow) {
	whole := d.text[:0]
	for _, i := range d.order {
		value := canonical(d.columns[i], cells[i])
		if value == "" {
			continue
		}
		for _, text := range []string{d.columns[i], value} {
			whole = append(binary.AppendUvarint(whole, uint64(len(text))), text...)
		}
	}
	d.text, row.whole = whole, xxhash.Sum64(whole)
	for n, i := range d.at {
		if i >= 0 {
			row.columns[n] = digest(canonical(compared[n], cells[i]))
		}
	}
	return row
}

// digest is 0 for an empty value, and for no other.
func digest(value string) uint32 {
	if value == "" {
		return 0
	}
	return max(uint32(xxhash.Sum64String(value)), 1)
}
