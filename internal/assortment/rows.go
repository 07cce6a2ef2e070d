package assortment

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// read notes what a part changes.
func (d *draft) read(p Part) error {
	if err := d.readRows(p); err != nil || !p.Full {
		return err
	}
	for _, id := range p.Withheld {
		if err := d.withhold([]byte(id)); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) readRows(p Part) error {
	rows := lines.NewReader(p.Rows, p.Format)
	header, err := rows.Read()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return fmt.Errorf("assortment: rows of a part: %w", err)
	}
	columns := make([]string, len(header.Fields))
	for i, name := range header.Fields {
		columns[i] = string(name)
	}
	c := cells{columns: columns}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("assortment: rows of a part: %w", err)
		}
		c.fields = row.Fields
		if id, _ := c.cell(p.Kind.IDColumn()); len(id) > 0 {
			err = d.take(p, id, c)
		}
		if err != nil {
			return err
		}
	}
}

func (d *draft) take(p Part, id []byte, c cells) error {
	switch {
	case !p.Refused(id) && p.InDoubt:
		return d.doubt(p.Kind, id)
	case !p.Refused(id):
		return d.change(p.Kind, id, c)
	case p.Full && p.Kind == feed.Product:
		return d.withhold(id)
	}
	return nil
}

// withhold notes an item that is offered and of which nobody knows what Stripe has. A file that has it knows.
func (d *draft) withhold(id []byte) error {
	if _, known := d.known(id); known || len(id) == 0 {
		return nil
	}
	return d.put(Item{ID: id, Withheld: true})
}

// doubt notes that what is known of an item may not be true any more.
func (d *draft) doubt(kind feed.Kind, id []byte) error {
	if _, known := d.known(id); !known && kind != feed.Product {
		return nil
	}
	return d.put(Item{ID: id, Withheld: true})
}

func (d *draft) change(kind feed.Kind, id []byte, c cells) error {
	if kind == feed.Product && c.is("delete", "true") {
		return d.put(Item{ID: id, Deleted: true})
	}
	i, known := d.known(id)
	if !known || i.bare() {
		if kind != feed.Product {
			return nil
		}
		i = Item{ID: id}
	}
	c.stock(&i)
	c.price(&i)
	if kind == feed.Product {
		c.offer(&i)
	}
	return d.put(i)
}

// cells are the fields of a row by the names of their columns.
type cells struct {
	columns []string
	fields  [][]byte
}

// cell is what the row has in a column; ok is false if the file has no such column.
func (c cells) cell(column string) (value []byte, ok bool) {
	at := slices.Index(c.columns, column)
	if at < 0 || at >= len(c.fields) {
		return nil, at >= 0
	}
	return bytes.TrimSpace(c.fields[at]), true
}

func (c cells) is(column, value string) bool {
	cell, _ := c.cell(column)
	return string(cell) == value
}

func (c cells) stock(i *Item) {
	if cell, ok := c.cell("availability"); ok {
		i.Availability = parseAvailability(string(cell))
	}
	if cell, ok := c.cell("availability_date"); ok {
		i.AvailableFrom, _ = feed.ParseDate(cell)
	}
	if cell, ok := c.cell("inventory_quantity"); ok {
		n, err := strconv.ParseInt(string(cell), 10, 64)
		i.Tracked, i.Quantity = err == nil && n >= 0, max(n, 0)
	}
	if c.is("inventory_not_tracked", "true") {
		i.Tracked, i.Quantity = false, 0
	}
}

func (c cells) price(i *Item) {
	if cell, ok := c.cell("price"); ok {
		i.Price = amount(cell)
	}
	if cell, ok := c.cell("sale_price"); ok {
		i.Sale = amount(cell)
	}
	if cell, ok := c.cell("sale_price_effective_date"); ok {
		i.SaleFrom, i.SaleUntil, _ = feed.ParsePeriod(cell)
	}
}

func amount(cell []byte) feed.Amount {
	a, ok := feed.ParseAmount(cell)
	if !ok {
		return feed.Amount{}
	}
	return a
}

func (c cells) offer(i *Item) {
	if cell, ok := c.cell("title"); ok {
		i.Title = cell
	}
	if _, ok := c.cell("disable_checkout"); ok {
		i.NoCheckout = c.is("disable_checkout", "true")
	}
	t := i.Terms()
	for _, term := range []struct {
		column string
		cell   *[]byte
	}{
		{"shipping", &t.Shipping}, {"free_shipping_threshold", &t.FreeShipping}, {"shipping_cost_basis", &t.CostBasis},
		{"shipping_tax_behavior", &t.ShippingTax}, {"tax_behavior", &t.Tax},
		{"expiration_date", &t.Expiration},
	} {
		if cell, ok := c.cell(term.column); ok {
			*term.cell = cell
		}
	}
	i.terms = t.encode()
}
