package drift

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"unicode"

	"github.com/cespare/xxhash/v2"

	"vitrine/internal/feed"
)

// ending remembers whether what was read last ends a line.
type ending struct {
	io.Reader
	ofLine bool
}

func (e *ending) Read(b []byte) (int, error) {
	n, err := e.Reader.Read(b)
	if n > 0 {
		e.ofLine = b[n-1] == '\n'
	}
	return n, err
}

// cutOff takes a last row that no end of line follows. It may break off within a cell, so that Stripe has something of
// that id is all it says.
func (c *comparison) cutOff(id []byte) error {
	if c.in.Now == nil {
		sent, _, found := c.in.Source.row(id)
		if !found || sent.Fingerprint == feed.Tombstone || in(&c.same, id) || in(&c.unlike, id) {
			return nil
		}
		return c.unlike.Add(sent)
	}
	if i, known := c.in.Now.Rows.Find(id, c.hint); known && c.reported[i/64]&(1<<(i%64)) == 0 {
		c.reported[i/64] |= 1 << (i % 64)
		c.out.InFlux++
	}
	return nil
}

// readable reports whether a value that the report has can be compared at all.
func readable(column, value string) bool {
	if column != "price" && column != "sale_price" || strings.TrimSpace(value) == "" {
		return true
	}
	_, ok := feed.ParseAmount([]byte(strings.ToUpper(strings.TrimSpace(value))))
	return ok
}

// folded is the digest of an id without its case and blanks.
func folded(id []byte) uint64 {
	return xxhash.Sum64(bytes.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, id))
}

// setAlikeAside takes out of what is foreign the ids that are alike to one that Vitrine knows. Whether Stripe tells the
// two apart is not documented: to delete the one might delete the other.
func (c *comparison) setAlikeAside() error {
	strangers := &c.out.Foreigners
	if strangers.Len() == 0 {
		return nil
	}
	c.strange = make(map[uint64]bool, strangers.Len())
	for i := range strangers.Len() {
		c.strange[folded(strangers.Entry(i).ID)] = false
	}
	for _, known := range c.known() {
		for i := range known.Len() {
			id := folded(known.Entry(i).ID)
			if _, is := c.strange[id]; is {
				c.strange[id] = true
			}
		}
	}
	var foreign feed.Table
	for i := range strangers.Len() {
		e := strangers.Entry(i)
		if c.strange[folded(e.ID)] {
			c.out.Alike++
		} else if err := foreign.Add(e); err != nil {
			return err
		}
	}
	c.out.Foreigners = foreign
	return nil
}

// known are the tables of all ids that Vitrine has anything to do with.
func (c *comparison) known() (all []*feed.Table) {
	for _, m := range []*feed.Manifest{c.in.Now, c.in.Before} {
		if m != nil {
			all = append(all, &m.Rows, &m.Unknown)
		}
	}
	if c.in.Source != nil {
		for _, p := range c.in.Source.parts {
			all = append(all, p.table)
		}
	}
	return all
}

// nameForeign counts what is foreign, and says when that is more than can be believed.
func (c *comparison) nameForeign() {
	c.out.Foreign = int64(c.out.Foreigners.Len())
	for i := range min(c.out.Foreigners.Len(), mostExamples) {
		c.out.Examples = append(c.out.Examples,
			Example{Kind: Foreign, ID: string(c.out.Foreigners.Entry(i).ID)})
	}
	if c.out.Foreign >= manyRows && c.out.Foreign*manyPart > c.out.Reported {
		c.out.Doubt = fmt.Sprintf(
			"Vitrine knows nothing of %d of the %d products in the report: it may be of another catalog", c.out.Foreign,
			c.out.Reported)
	}
}

// incomplete says why the report may not be what Stripe has of this catalog: none of its products is Vitrine's, or it
// lacks most of what Stripe took. A report that breaks off between two rows looks so, and one of another account. If
// Stripe has lost as much indeed, a full send brings it.
func (c *comparison) incomplete() string {
	ours := 0
	for _, word := range c.reported {
		ours += bits.OnesCount64(word)
	}
	switch {
	case c.out.Missing > 0 && c.out.Foreign > 0 && ours == 0:
		return fmt.Sprintf("none of the %d products in Stripe's report is one that Vitrine sent: it may be of another "+
			"catalog", c.out.Reported)
	case c.out.Missing >= manyRows && c.out.Missing*manyPart > c.out.Compared:
		return fmt.Sprintf("Stripe's report lacks %d of the %d products that Stripe took: it may have broken off",
			c.out.Missing, c.out.Compared)
	}
	return ""
}
