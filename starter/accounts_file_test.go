package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"vitrine/internal/account"
	"vitrine/internal/feed"
)

func TestEverythingWrongWithAListIsSaidAtOnce(t *testing.T) {
	_, err := parseAccounts("accounts.csv", []byte(strings.Join([]string{
		"account,feeds,every,source_key",
		"acct_1,product,15m,",
		"acct_1,,,",
		"sk_live_oops,,,",
		"acct_2,prices,5m,",
		"acct_3,,soon,/absolute.csv",
		"acct_4,,8000h,{shop}.csv",
		"acct_5,,15m,x.csv,extra",
		",product,,",
		"acct_6,product|product,,",
		"acct_7,,15m0.5s,",
		"acct_8,product|inventory,,{account}.csv",
	}, "\n")), 15*time.Minute)
	require.EqualError(t, err, `accounts.csv has 13 problems; nothing was changed:
line 3: account acct_1 is in line 2 already
line 4: account "sk_live_oops" is not a Stripe account id: expected acct_ and 1 to 64 letters or digits
line 5: feed "prices" is not known: expected product, inventory, pricing or promotion
line 5: interval 5m0s is too short: Stripe takes an update of a catalog every 15 minutes
line 6: interval "soon" is not a duration: expected such as 15m or 1h30m
line 6: source key "/absolute.csv" begins with a slash: S3 keys do not
line 7: interval 8000h0m0s is too long: at most 7 days, or agents sell what is long gone
line 7: source key "{shop}.csv" has the placeholder {shop}: only {account} and {feed} are known
line 8: there are 5 fields, but the header names 4 columns
line 9: account "" is not a Stripe account id: expected acct_ and 1 to 64 letters or digits
line 10: feed "product" appears twice
line 11: interval 15m0.5s: expected whole seconds
line 12: source key "{account}.csv" has no {feed}: the 2 feeds of the account would be read from the same file`)
}

func TestEverythingWrongWithRulesIsSaidAtOnce(t *testing.T) {
	_, err := parseAccounts("accounts.csv", []byte(strings.Join([]string{
		"account,import_api,dialect,invalid_rows,unknown_columns,full_send_every,max_shrink,max_invalid,max_price_moves,price_move,max_currency_flips",
		"acct_1,v3,amazon,drop,keep,7d,101,half,-1,10001%,%%",
		"acct_2,,,,,59m",
	}, "\n")), 15*time.Minute)
	require.EqualError(t, err, `accounts.csv has 11 problems; nothing was changed:
line 2: import_api "v3": expected v1 or v2
line 2: dialect "amazon": expected stripe or google
line 2: invalid_rows "drop": expected hold_back or send
line 2: unknown_columns "keep": expected send or drop
line 2: full_send_every "7d": expected a duration of at least 1h, such as 168h
line 2: max_shrink "101": expected a percentage from 0 to 100, such as 20
line 2: max_invalid "half": expected a percentage from 0 to 100, such as 20
line 2: max_price_moves "-1": expected a percentage from 0 to 100, such as 20
line 2: price_move "10001%": expected a percentage from 0 to 10000, such as 20
line 2: max_currency_flips "%%": expected a percentage from 0 to 100, such as 20
line 3: full_send_every "59m": expected a duration of at least 1h, such as 168h`)
}

func TestListsThatCannotBeRead(t *testing.T) {
	for _, test := range []struct{ name, content, says string }{
		{"empty", "", "there is no account in it"},
		{"comments alone", "# nothing\n\n", "there is no account in it"},
		{"header alone", "account,every\n", "there is no account in it"},
		{"unknown column", "account,evry\nacct_1,15m\n",
			`line 1: column "evry" is not known: expected account, feeds, every, source_key, source_bucket, shared_source, news_url, news_secret, report_to, import_api, dialect, `},
		{"column twice", "account,every,every\n", `line 1: column "every" appears twice`},
		{"header without account", "name,every\nshop,15m\n", `line 1: this header has no column "account"`},
		{"columns without header", "acct_1,product,15m\n",
			"there are columns behind the account but no header to name them"},
		{"some other file", "hello world\n", `line 1: account "hello world" is not a Stripe account id`},
		{"quote never closed", "account\nacct_1\n\"acct_2\nacct_3\n", "line 3: "},
		{"a bucket's address", "account,source_bucket\nacct_1,s3://theirs\n",
			`line 2: source_bucket "s3://theirs": expected the name of a bucket alone`},
		{"UTF-16", "\xff\xfea\x00c\x00", "it is UTF-16"},
		{"latin-1", "acct_1\n# caf\xe9\n", "it is not UTF-8"},
		{"old spreadsheet", "\xd0\xcf\x11\xe0rest", "save it as .xlsx or CSV"},
		{"broken spreadsheet", "PK\x03\x04rest", "looks like a spreadsheet but cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseAccounts("list", []byte(test.content), 15*time.Minute)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, "nothing was changed")
		})
	}
}

func TestLongListsOfProblemsAreCut(t *testing.T) {
	_, err := parseAccounts("list", []byte(strings.Repeat("x\n", 1000)), 15*time.Minute)
	require.ErrorContains(t, err, "list has 1,000 problems")
	require.ErrorContains(t, err, "… and 950 more")
}

func TestListsInEveryForm(t *testing.T) {
	plain := []account.Settings{{Account: "acct_1", Every: standardEvery}, {Account: "acct_2", Every: standardEvery}}
	full := []account.Settings{
		{Account: "acct_1", Feeds: []feed.Kind{feed.Product}, Every: account.Interval(time.Hour),
			SourceKey: "a/{account}.tsv.gz", SourceBucket: "theirs"},
		{Account: "acct_2", Every: standardEvery},
	}
	for _, test := range []struct {
		name, content string
		want          []account.Settings
	}{
		{"text", "acct_1\nacct_2\n", plain},
		{"text without a last line end", "acct_1\nacct_2", plain},
		{"text with all that people write", "\ufeff# platform\r\n\r\n  acct_1  # shop one\r\n\tacct_2\r\n", plain},
		{"comments, indented too", "# platform\n  # a \"quote\n\t# tab\nacct_1\n # and \"another\nacct_2\n", plain},
		{"one column with a header", "Account ID\nacct_1\nacct_2\n", plain},
		{"csv",
			"account,feeds,every,source_key,source_bucket\nacct_1,product,1h,a/{account}.tsv.gz,theirs\nacct_2,,,,\n",
			full},
		{"csv in another order, with quotes",
			"every,source_bucket,ACCOUNT,Source Key,feeds\n\"1h\",theirs,\"acct_1\",a/{account}.tsv.gz,product\n,,acct_2,,\n", full},
		{
			"semicolons",
			"account;feeds;every;source_key;source_bucket\r\nacct_1;product;1h;a/{account}.tsv.gz;theirs\r\nacct_2;;;;\r\n", full,
		},
		{
			"tabs",
			"account\tfeeds\tevery\tsource_key\tsource_bucket\nacct_1\tproduct\t1h\ta/{account}.tsv.gz\ttheirs\nacct_2\t\t\t\t\n", full,
		},
		{"rules",
			"account,dialect,Import API,max shrink,max_currency_flips,full_send_every\nacct_1,google,V2,35%,0.5,48h\nacct_2\n", []account.Settings{
				{Account: "acct_1", Every: standardEvery, Rules: ownRules(t)},
				{Account: "acct_2", Every: standardEvery},
			}},
		{"short rows", "account,feeds\nacct_1\nacct_2,\n", plain},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseAccounts("list", []byte(test.content), time.Duration(standardEvery))
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

// ownRules are those of the lists above and below.
func ownRules(t *testing.T) (own account.Rules) {
	t.Helper()
	for name, text := range map[string]string{"dialect": "google", "import_api": "v2", "max_shrink": "35",
		"max_currency_flips": "0.5%", "full_send_every": "48h"} {
		require.NoError(t, own.Set(name, text))
	}
	return own
}

const standardEvery = account.Interval(20 * time.Minute)

func spreadsheet(t *testing.T, rows ...[]any) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		require.NoError(t, err)
		require.NoError(t, book.SetSheetRow("Sheet1", cell, &row))
	}
	content, err := book.WriteToBuffer()
	require.NoError(t, err)
	return content.Bytes()
}

func TestSpreadsheet(t *testing.T) {
	content := spreadsheet(t, []any{"Account", "Every", "Feeds"}, []any{"acct_1", "1h", "product"}, []any{},
		[]any{"# note"}, []any{" acct_2 "})
	got, err := parseAccounts("accounts.xlsx", content, time.Duration(standardEvery))
	require.NoError(t, err)
	require.Equal(t, []account.Settings{
		{Account: "acct_1", Every: account.Interval(time.Hour), Feeds: []feed.Kind{feed.Product}},
		{Account: "acct_2", Every: standardEvery},
	}, got)
}

func TestAHiddenSheetIsNotRead(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	require.NoError(t, book.SetCellValue("Sheet1", "A1", "acct_9"))
	_, err := book.NewSheet("Shops")
	require.NoError(t, err)
	require.NoError(t, book.SetCellValue("Shops", "A1", "acct_1"))
	book.SetActiveSheet(1)
	require.NoError(t, book.SetSheetVisible("Sheet1", false))
	content, err := book.WriteToBuffer()
	require.NoError(t, err)
	got, err := parseAccounts("accounts.xlsx", content.Bytes(), time.Duration(standardEvery))
	require.NoError(t, err)
	require.Equal(t, []account.Settings{{Account: "acct_1", Every: standardEvery}}, got)
}

func TestSpreadsheetWithRules(t *testing.T) {
	content := spreadsheet(t,
		[]any{"account", "import_api", "dialect", "max_shrink", "max_currency_flips", "full_send_every"},
		[]any{"acct_1", "v2", "google", 35, "0.5%", "48h"})
	got, err := parseAccounts("accounts.xlsx", content, time.Duration(standardEvery))
	require.NoError(t, err)
	require.Equal(t, []account.Settings{{Account: "acct_1", Every: standardEvery, Rules: ownRules(t)}}, got)
}

func TestSpreadsheetCellsInPercent(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	percent, err := book.NewStyle(&excelize.Style{NumFmt: 10}) // 0.00%
	require.NoError(t, err)
	for cell, value := range map[string]any{"A1": "account", "B1": "max_shrink", "A2": "acct_1", "B2": 0.355} {
		require.NoError(t, book.SetCellValue("Sheet1", cell, value))
	}
	require.NoError(t, book.SetCellStyle("Sheet1", "B2", "B2", percent))
	content, err := book.WriteToBuffer()
	require.NoError(t, err)
	got, err := parseAccounts("accounts.xlsx", content.Bytes(), time.Duration(standardEvery))
	require.NoError(t, err)
	require.Equal(t, "35.5%", got[0].Rules.Text("max_shrink"))
}

func TestSpreadsheetProblemsNameTheRow(t *testing.T) {
	content := spreadsheet(t, []any{"account", "every", "max_shrink"}, []any{}, []any{"acct_1", 15}, []any{"nobody"},
		[]any{"acct_2", "", 350})
	_, err := parseAccounts("accounts.xlsx", content, time.Duration(standardEvery))
	require.ErrorContains(t, err, `line 3: interval "15" is not a duration`)
	require.ErrorContains(t, err, `line 4: account "nobody"`)
	require.ErrorContains(t, err, `line 5: max_shrink "350": expected a percentage`)
}
