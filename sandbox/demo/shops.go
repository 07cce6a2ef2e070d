package demo

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"vitrine/internal/catalog"
	"vitrine/internal/feed"
	"vitrine/sandbox/catalogs"
)

// shop is one connected account with its catalog.
type shop struct {
	account   string
	about     string
	sourceKey string // of its own; empty: where the deployment expects it
	options   catalogs.Options

	content  []byte
	summary  catalogs.Summary
	expected map[string]string // id → price of every row that Stripe should take
}

// newShops are the demo's accounts: what a platform has, from the tidy to the careless.
func newShops() []*shop {
	return []*shop{
		{
			account: "acct_northloom",
			about:   "apparel, with variants",
			options: catalogs.Options{Assortment: catalogs.Apparel, Seed: 0, Rows: 3600},
		},
		{
			account:   "acct_cedarandclay",
			about:     "home goods, a compressed TSV",
			sourceKey: "exports/{account}/nightly.tsv.gz",
			options:   catalogs.Options{Assortment: catalogs.HomeGoods, Seed: 1, Rows: 1450, Format: feed.TSV, Gzip: true},
		},
		{
			account: "acct_maisonelan",
			about:   "apparel, with 7 careless rows",
			options: catalogs.Options{Assortment: catalogs.Apparel, Seed: 2, Rows: 640, BadRows: 7},
		},
	}
}

// key is where the shop's system exports to.
func (s *shop) key(layout catalog.Layout) string {
	_, key := layout.Source(catalog.Settings{Account: s.account, SourceKey: s.sourceKey}, feed.Product)
	return key
}

func (s *shop) generate() error {
	var out bytes.Buffer
	summary, err := catalogs.Write(&out, s.options)
	if err != nil {
		return err
	}
	s.content, s.summary = out.Bytes(), summary
	s.expected, err = s.acceptable()
	return err
}

// acceptable reads the catalog back, as somebody who knows nothing of how it was made.
func (s *shop) acceptable() (map[string]string, error) {
	records, err := s.records()
	if err != nil {
		return nil, fmt.Errorf("read the catalog of %s back: %w", s.account, err)
	}
	id, price := indexOf(records[0], "id"), indexOf(records[0], "price")
	prices := map[string]string{}
	for _, record := range records[1:] {
		prices[record[id]] = record[price]
	}
	for _, bad := range s.summary.Bad {
		delete(prices, bad.ID)
	}
	return prices, nil
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
	if s.options.Format != "" {
		reader.Comma = rune(s.options.Format.Comma())
	}
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
