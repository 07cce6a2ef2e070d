package stripesim

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"

	"vitrine/internal/simcontrol"
)

// fullRowBytes is the size of a file up to which a product keeps all columns of its row. Beyond it a product keeps only
// what a list shows, so that a 200 MB catalog costs the emulator a fraction of its size in memory.
const fullRowBytes = 8 * 1024 * 1024

// change is what a row does.
type change struct {
	id      string
	delete  bool
	skipped bool               // a later row of the same file has the same id
	product simcontrol.Product // product feed
	cells   map[string]string  // other feeds: the columns of the feed that the file has, empty ones included
}

// updates reports whether a feed has no objects of its own, but changes products.
func (f *feedSpec) updates() bool { return f == &inventoryFeed || f == &pricingFeed }

// changeOf reads a row that passed. Values are copied, because a field shares its memory with the whole row.
func changeOf(imp *importJob, r row) change {
	c := change{id: strings.Clone(r.id()), delete: r.deletes()}
	switch {
	case c.delete:
	case imp.feed == &productFeed:
		c.product = productOf(imp, r)
	case imp.feed == &promotionFeed:
		c.cells = fullRow(r)
	default:
		c.cells = map[string]string{}
		for _, f := range imp.feed.columns {
			if _, present := r.header.columns[f.column]; present {
				c.cells[f.column] = strings.Clone(r.value(f.column))
			}
		}
	}
	return c
}

func productOf(imp *importJob, r row) simcontrol.Product {
	product := simcontrol.Product{ID: strings.Clone(r.id()), Import: imp.id, RowSHA256: rowSHA256(r)}
	for column, field := range shownColumns(&product) {
		*field = strings.Clone(r.value(column))
	}
	if imp.file.Size <= fullRowBytes {
		product.Row = fullRow(r)
	}
	return product
}

// shownColumns are the columns that a product keeps, however large its file was.
func shownColumns(p *simcontrol.Product) map[string]*string {
	return map[string]*string{
		"title": &p.Title, "price": &p.Price, "sale_price": &p.SalePrice, "availability": &p.Availability,
		"inventory_quantity": &p.InventoryQuantity, "item_group_id": &p.ItemGroupID,
	}
}

func rowSHA256(r row) string {
	sum := sha256.New()
	addToDigest(sum, r.fields...)
	return hex.EncodeToString(sum.Sum(nil))
}

func fullRow(r row) map[string]string {
	full := make(map[string]string, len(r.fields))
	for i, name := range r.header.names {
		if r.fields[i] != "" {
			full[name] = strings.Clone(r.fields[i])
		}
	}
	return full
}

// has reports whether a row with this id means something that is there.
func (a *account) has(feed *feedSpec, id string) bool {
	if feed == &promotionFeed {
		_, found := a.promotions[id]
		return found
	}
	_, found := a.catalog[id]
	return found
}

func (a *account) change(imp *importJob, c change) {
	switch {
	case imp.feed == &promotionFeed && c.delete:
		delete(a.promotions, c.id)
	case imp.feed == &promotionFeed:
		a.promotions[c.id] = simcontrol.Promotion{ID: c.id, Title: c.cells["title"], Import: imp.id, Row: c.cells}
	case c.delete:
		delete(a.catalog, c.id)
	case imp.feed == &productFeed:
		a.catalog[c.id] = c.product
	default:
		a.update(imp, c)
	}
}

// update changes a product by a row of another feed. Columns that the file does not have stay as they are, and an empty
// cell clears: what it does at Stripe is not documented. The next row of the product feed replaces all of it.
func (a *account) update(imp *importJob, c change) {
	product, found := a.catalog[c.id]
	if !found {
		return // another import deleted it meanwhile
	}
	product.Import = imp.id
	for column, field := range shownColumns(&product) {
		if value, present := c.cells[column]; present {
			*field = value
		}
	}
	if product.Row != nil {
		product.Row = maps.Clone(product.Row) // somebody may be reading the old one
		maps.Copy(product.Row, c.cells)
		maps.DeleteFunc(product.Row, func(_, value string) bool { return value == "" })
	}
	a.catalog[c.id] = product
}

// keepOnly removes products that are not named, and counts them. A row that was refused names its product as well:
// whether Stripe sees it so is not documented, and losing a product to a typing error is worse than keeping it.
func (a *account) keepOnly(named map[string]bool) (removed int64) {
	maps.DeleteFunc(a.catalog, func(id string, _ simcontrol.Product) bool {
		if !named[id] {
			removed++
		}
		return !named[id]
	})
	return removed
}

// targets are what a promotion may name.
type targets struct{ products, groups map[string]bool }

func (a *account) targets() targets {
	t := targets{products: map[string]bool{}, groups: map[string]bool{}}
	for id, product := range a.catalog {
		t.products[id] = true
		t.groups[product.ItemGroupID] = true
	}
	delete(t.groups, "")
	return t
}

// check returns which id of the row's lists is not in the catalog, if any.
func (t targets) check(r row) mistake {
	for _, list := range []struct {
		column string
		known  map[string]bool
	}{
		{"target_ids", t.products}, {"excluded_ids", t.products},
		{"target_item_group_ids", t.groups}, {"excluded_item_group_ids", t.groups},
	} {
		if r.value(list.column) == "" {
			continue
		}
		for id := range strings.SplitSeq(r.value(list.column), ",") {
			if !list.known[strings.TrimSpace(id)] {
				return wrongField(list.column, "names "+strings.TrimSpace(id)+", which is not in the catalog")
			}
		}
	}
	return mistake{}
}
