package demo

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"vitrine/internal/account"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
	"vitrine/sandbox/catalogs"
)

// shop is one connected account with its catalog.
type shop struct {
	account   string
	name      string // of its brand, in its catalog and its mails
	about     string
	sourceKey string // of its own; empty: where the deployment expects it
	options   catalogs.Options
	odd       int // rows whose id Vitrine finds unusual and Stripe's emulator wrong

	content  []byte
	summary  catalogs.Summary
	expected map[string]string // id → price of every row that Stripe should take
}

// newShops are the demo's accounts: what a platform has, from the tidy to the careless.
func newShops() []*shop {
	return []*shop{
		{
			account: "acct_northloom",
			name:    "Northloom",
			about:   "apparel, with variants",
			options: catalogs.Options{Assortment: catalogs.Apparel, Seed: 0, Rows: 3600},
		},
		{
			account:   "acct_cedarandclay",
			name:      "Cedar & Clay",
			about:     "home goods, a compressed TSV",
			sourceKey: "exports/{account}/nightly.tsv.gz",
			options: catalogs.Options{Assortment: catalogs.HomeGoods, Seed: 1, Rows: 1450, Format: lines.TSV,
				Gzip: true},
		},
		{
			account: "acct_maisonelan",
			name:    "Maison Élan",
			about:   "apparel, with 10 careless rows",
			options: catalogs.Options{Assortment: catalogs.Apparel, Seed: 2, Rows: 640, BadRows: 7},
			odd:     3,
		},
	}
}

// key is where the shop's system exports to.
func (s *shop) key(layout statestore.Layout) string {
	_, key := account.Settings{Account: s.account, SourceKey: s.sourceKey}.Source(layout, feed.Product)
	return key
}

// writesAs is who writes to the shop's buyers.
func (s *shop) writesAs() order.Mail {
	site := strings.TrimPrefix(s.account, "acct_") + ".example.com"
	return order.Mail{From: "orders@" + site, Name: s.name,
		OrderURL: "https://" + site + "/orders/{CHECKOUT_SESSION_ID}"}
}

func (s *shop) generate() error {
	var out bytes.Buffer
	summary, err := catalogs.Write(&out, s.options)
	if err != nil {
		return err
	}
	s.content, s.summary = out.Bytes(), summary
	return s.edit(func(records [][]string) [][]string {
		id := indexOf(records[0], "id")
		for i := range s.odd {
			row := records[2+100*i]
			row[id] = row[id][:3] + "/" + row[id][3:]
		}
		return records
	})
}

// edit changes the catalog as the shop's people would, and works out anew what Stripe should have of it.
func (s *shop) edit(change func(records [][]string) [][]string) error {
	records, err := s.records()
	if err != nil {
		return fmt.Errorf("read the catalog of %s back: %w", s.account, err)
	}
	records = change(records)
	if s.content, err = s.encode(records); err != nil {
		return fmt.Errorf("write the catalog of %s: %w", s.account, err)
	}
	id, price := indexOf(records[0], "id"), indexOf(records[0], "price")
	s.expected = map[string]string{}
	for _, record := range records[1:] {
		if !isOdd(record[id]) {
			s.expected[record[id]] = record[price]
		}
	}
	for _, bad := range s.summary.Bad {
		delete(s.expected, bad.ID)
	}
	return nil
}

func isOdd(id string) bool { return strings.Contains(id, "/") }

func (s *shop) encode(records [][]string) ([]byte, error) {
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	var content io.Writer = &out
	if s.options.Gzip {
		content = packed
	}
	writer := csv.NewWriter(content)
	writer.Comma = s.comma()
	err := writer.WriteAll(records)
	if s.options.Gzip {
		err = errors.Join(err, packed.Close())
	}
	return out.Bytes(), err
}

func (s *shop) comma() rune {
	if s.options.Format == lines.TSV {
		return '\t'
	}
	return ','
}

func (s *shop) records() ([][]string, error) {
	var content io.Reader = bytes.NewReader(s.content)
	if s.options.Gzip {
		unpacked, err := gzip.NewReader(content)
		if err != nil {
			return nil, err
		}
		content = unpacked
	}
	reader := csv.NewReader(content)
	reader.Comma = s.comma()
	return reader.ReadAll()
}

func indexOf(names []string, name string) int {
	for i, candidate := range names {
		if candidate == name {
			return i
		}
	}
	return -1
}

// accountsFile is the list that a platform keeps: one account per row, and what is special about it.
func accountsFile(shops []*shop) string {
	var text strings.Builder
	text.WriteString("account,source_key\n")
	for _, s := range shops {
		fmt.Fprintf(&text, "%s,%s\n", s.account, s.sourceKey)
	}
	return text.String()
}

func accountsOf(shops []*shop) []string {
	var accounts []string
	for _, s := range shops {
		accounts = append(accounts, s.account)
	}
	return accounts
}
