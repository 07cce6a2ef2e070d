package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
)

func (s *stage) object(key string) string {
	s.t.Helper()
	found, err := s.store.Head(s.ctx, "catalogs", key)
	require.NoError(s.t, err)
	body, err := s.store.Open(s.ctx, found)
	require.NoError(s.t, err)
	defer body.Close()
	content, err := io.ReadAll(body)
	require.NoError(s.t, err)
	return string(content)
}

func TestACatalogIsPutWhereItIsExpected(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.Equal(t, exitOK, s.run("source", "show", "acct_1"))
	require.Equal(t, "acct_1  product: s3://catalogs/catalogs/acct_1/product.csv\n  nothing is there\n",
		s.stdout.String())

	require.Equal(t, exitOK, s.run("source", "put", "acct_1", s.file("mine.csv", "id,title\n1,Lamp\n")),
		s.stderr.String())
	require.Contains(t, s.stdout.String(), "starter sync acct_1 --follow")
	require.Equal(t, "id,title\n1,Lamp\n", s.object("catalogs/acct_1/product.csv"))

	require.Equal(t, exitUsage, s.run("source", "put", "acct_1", s.file("other.csv", "id\n2\n")))
	require.Contains(t, s.stderr.String(), "--replace")
	require.Equal(t, "id,title\n1,Lamp\n", s.object("catalogs/acct_1/product.csv"), "nothing is replaced unasked")
	require.Equal(t, exitOK,
		s.run("source", "put", "acct_1", s.file("other.csv", "id\n2\n"), "--replace", "-o", "json"))
	var put sourcePlace
	require.NoError(t, json.Unmarshal(s.stdout.Bytes(), &put))
	require.Equal(t, int64(5), put.Object.Size)
}

func TestAnAccountsOwnKeyDecidesWhatFits(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.NoError(t, s.accounts().SaveSettings(t.Context(),
		account.Settings{Account: "acct_1", SourceKey: "exports/{account}.tsv.gz"}))
	require.Equal(t, exitUsage, s.run("source", "put", "acct_1", s.file("mine.csv", "id\n")))
	require.Contains(t, s.stderr.String(),
		"is csv, and the account's source is expected as tsv.gz (exports/acct_1.tsv.gz)")
	require.Equal(t, exitOK, s.run("source", "put", "acct_1", s.file("mine.tsv.gz", "packed")))
	require.Equal(t, "packed", s.object("exports/acct_1.tsv.gz"))
}

func TestWhatCannotBePut(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no file":          {[]string{"acct_1"}, "expected the id of a connected account (acct_…) and a file"},
		"not an account":   {[]string{"shop", "a.csv"}, "is not a Stripe account id"},
		"a spreadsheet":    {[]string{"acct_1", "a.xlsx"}, "expected a name that ends in .csv"},
		"a missing file":   {[]string{"acct_1", filepath.Join(t.TempDir(), "none.csv")}, "there is no file "},
		"an unknown feed":  {[]string{"acct_1", "a.csv", "--feed", "stock"}, "stock"},
		"a folder as file": {[]string{"acct_1", folder(t, "x.csv")}, "is a folder"},
	} {
		require.Equal(t, exitUsage, s.run(append([]string{"source", "put"}, c.args...)...), name)
		require.Contains(t, s.stderr.String(), c.says, name)
	}
}

func folder(t *testing.T, name string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.Mkdir(path, 0o700))
	return path
}
