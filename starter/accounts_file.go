package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/xuri/excelize/v2"

	"vitrine/internal/account"
	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/terminal"
)

// The columns of a list of accounts; the account's own rules follow them. Only the first one is needed.
const (
	columnAccount      = "account"
	columnFeeds        = "feeds"
	columnEvery        = "every"
	columnSourceKey    = "source_key"
	columnSourceBucket = "source_bucket"
	columnSharedSource = "shared_source"
	columnNewsURL      = "news_url"
	columnNewsSecret   = "news_secret"
	columnReportTo     = "report_to"
)

var accountColumns = append([]string{columnAccount, columnFeeds, columnEvery, columnSourceKey, columnSourceBucket,
	columnSharedSource, columnNewsURL, columnNewsSecret, columnReportTo}, account.RuleNames()...)

// maxAccountsFile bounds what is read into memory: a million accounts with settings of their own fit in.
const maxAccountsFile = 100 << 20

// accountsFileError lists everything that is wrong with a list of accounts, so that it is corrected in one go.
type accountsFileError struct {
	name     string
	problems []lineProblem
}

type lineProblem struct {
	line int // 0: the whole file
	text string
}

func (e *accountsFileError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s has %s; nothing was changed:", e.name, terminal.Plural(int64(len(e.problems)), "problem"))
	const most = 50
	for i, p := range e.problems {
		if i == most {
			fmt.Fprintf(&text, "\n… and %s more", humanize.Comma(int64(len(e.problems)-most)))
			break
		}
		if p.line > 0 {
			fmt.Fprintf(&text, "\nline %d: %s", p.line, p.text)
		} else {
			fmt.Fprintf(&text, "\n%s", p.text)
		}
	}
	return text.String()
}

// readAccountsFile reads the list under name, "-" being stdin. standard is the interval of accounts that name none.
func (a *app) readAccountsFile(name string, standard time.Duration) ([]account.Settings, error) {
	content, err := a.readLocal(name, maxAccountsFile)
	if err != nil {
		return nil, fmt.Errorf("list of accounts: %w", err)
	}
	if name == "-" {
		name = "stdin"
	}
	accounts, err := parseAccounts(name, content, standard)
	return accounts, badInput(err)
}

// parseAccounts reads a list of accounts: text with one id per line, CSV, or a spreadsheet. What it is, it says itself:
// a spreadsheet is a zip archive, and a line of text is CSV with one column.
func parseAccounts(name string, content []byte, standard time.Duration) ([]account.Settings, error) {
	list := &accountsList{standard: standard, lines: map[string]int{}}
	switch {
	case len(content) > maxAccountsFile:
		list.wrong(0, "it is larger than %s: split it", terminal.Bytes(maxAccountsFile))
	case bytes.HasPrefix(content, []byte("PK\x03\x04")):
		list.readSpreadsheet(content)
	case lines.ForeignEncoding(content) != "":
		list.wrong(0, "it is %s: save it as UTF-8, or as .xlsx", lines.ForeignEncoding(content))
	case bytes.HasPrefix(content, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		list.wrong(0, "it is a spreadsheet of the old .xls kind: save it as .xlsx or CSV")
	case !utf8.Valid(content):
		list.wrong(0, "it is not UTF-8 text: save it as UTF-8")
	default:
		list.readText(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")))
	}
	if len(list.problems) == 0 && len(list.accounts) == 0 {
		list.wrong(0, "there is no account in it")
	}
	if len(list.problems) > 0 {
		slices.SortStableFunc(list.problems, func(x, y lineProblem) int { return cmp.Compare(x.line, y.line) })
		return nil, &accountsFileError{name, list.problems}
	}
	return list.accounts, nil
}

// accountsList is a list of accounts as it is being read.
type accountsList struct {
	standard time.Duration
	columns  []string // of the header, or the account alone
	begun    bool
	broken   bool           // the header is of no use: rows are not looked at
	lines    map[string]int // where each account was seen first

	accounts []account.Settings
	problems []lineProblem
}

func (l *accountsList) wrong(line int, format string, args ...any) {
	l.problems = append(l.problems, lineProblem{line, fmt.Sprintf(format, args...)})
}

func (l *accountsList) readText(content []byte) {
	content = withoutComments(content)
	reader := csv.NewReader(bytes.NewReader(content))
	reader.Comma = separator(content)
	reader.FieldsPerRecord = -1
	reader.TrimLeadingSpace = reader.Comma != '\t' // a tab is a space too: it would swallow empty fields
	for {
		record, err := reader.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &syntax):
			l.wrong(syntax.StartLine, "%v", syntax.Err)
			return // what follows a broken quote cannot be told apart
		case err != nil:
			l.wrong(0, "%v", err)
			return
		}
		line, _ := reader.FieldPos(0)
		if last := len(record) - 1; strings.Contains(record[last], " #") {
			record[last], _, _ = strings.Cut(record[last], " #")
		}
		l.row(line, record)
	}
}

// withoutComments empties the lines that begin with #, indented or not, and keeps their number.
func withoutComments(content []byte) []byte {
	lines := bytes.Split(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")), []byte("\n"))
	for i, line := range lines {
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("#")) {
			lines[i] = nil
		}
	}
	return bytes.Join(lines, []byte("\n"))
}

// separator looks at the first line that says anything: spreadsheets in many countries write semicolons.
func separator(content []byte) rune {
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, maxAccountsFile)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for _, comma := range []rune{',', ';', '\t'} {
			if strings.ContainsRune(line, comma) {
				return comma
			}
		}
		return ','
	}
	return ','
}

func (l *accountsList) readSpreadsheet(content []byte) {
	// Excel's own limits keep an honest file far below this; a zip bomb is not unpacked.
	book, err := excelize.OpenReader(bytes.NewReader(content), excelize.Options{UnzipSizeLimit: 10 * maxAccountsFile})
	if err != nil {
		l.wrong(0, "it looks like a spreadsheet but cannot be read: %v", err)
		return
	}
	defer book.Close()
	sheet := firstVisible(book)
	if sheet == "" {
		l.wrong(0, "all of its sheets are hidden: show the one with the accounts")
		return
	}
	rows, err := book.Rows(sheet)
	if err != nil {
		l.wrong(0, "its sheet %q cannot be read: %v", sheet, err)
		return
	}
	defer rows.Close()
	for line := 1; rows.Next(); line++ {
		cells, err := rows.Columns()
		if err != nil {
			l.wrong(line, "%v", err)
			return
		}
		if len(cells) > 0 && strings.HasPrefix(strings.TrimSpace(cells[0]), "#") {
			continue
		}
		l.row(line, cells)
	}
	if err := rows.Error(); err != nil {
		l.wrong(0, "its sheet %q cannot be read: %v", sheet, err)
	}
}

// firstVisible is the first sheet that people see: hidden ones are somebody's notes, or of a template.
func firstVisible(book *excelize.File) string {
	for _, sheet := range book.GetSheetList() {
		if visible, err := book.GetSheetVisible(sheet); err == nil && visible {
			return sheet
		}
	}
	return ""
}

// row takes a row of either kind. The first one may be a header.
func (l *accountsList) row(line int, cells []string) {
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	if len(cells) == 0 {
		return
	}
	if !l.begun {
		l.begun = true
		if l.header(line, cells) {
			return
		}
	}
	if !l.broken {
		l.account(line, cells)
	}
}

// header takes the first row if it is one: it names the column account, or at least holds no id.
func (l *accountsList) header(line int, cells []string) bool {
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(cell))
		if names[i] == "account_id" {
			names[i] = columnAccount
		}
	}
	if !slices.Contains(names, columnAccount) {
		l.columns = []string{columnAccount}
		if len(cells) == 1 || slices.ContainsFunc(cells, func(cell string) bool { return account.Check(cell) == nil }) {
			return false
		}
		l.broken = true
		l.wrong(line, "this header has no column %q", columnAccount)
		return true
	}
	for i, name := range names {
		switch {
		case !slices.Contains(accountColumns, name):
			l.broken = true
			l.wrong(line, "column %q is not known: expected %s", terminal.Shortened(cells[i], 40),
				strings.Join(accountColumns, ", "))
		case slices.Index(names, name) < i:
			l.broken = true
			l.wrong(line, "column %q appears twice", name)
		}
	}
	l.columns = names
	return true
}

func (l *accountsList) account(line int, cells []string) {
	if len(cells) > len(l.columns) {
		if len(l.columns) == 1 {
			l.wrong(line,
				"there are columns behind the account but no header to name them: begin with a line such as %q",
				strings.Join(accountColumns[:3], ","))
		} else {
			l.wrong(line, "there are %d fields, but the header names %d columns", len(cells), len(l.columns))
		}
		return
	}
	row := map[string]string{}
	for i, cell := range cells {
		row[l.columns[i]] = cell
	}
	before := len(l.problems)
	settings := account.Settings{
		Account:      l.readAccount(line, row[columnAccount]),
		Feeds:        l.readFeeds(line, row[columnFeeds]),
		Every:        l.readEvery(line, row[columnEvery]),
		SourceKey:    row[columnSourceKey],
		SourceBucket: row[columnSourceBucket],
		SharedSource: l.readYes(line, columnSharedSource, row[columnSharedSource]),
		News:         l.readNews(line, row[columnNewsURL], row[columnNewsSecret]),
		ReportTo:     row[columnReportTo],
		Rules:        l.readRules(line, row),
	}
	l.checkSourceKey(line, settings)
	if err := account.CheckBucket(settings.SourceBucket); settings.SourceBucket != "" && err != nil {
		l.wrong(line, "source_bucket %q: %v", terminal.Shortened(settings.SourceBucket, 60), err)
	}
	if err := account.CheckReportTo(settings.ReportTo); settings.ReportTo != "" && err != nil {
		l.wrong(line, "%v", err)
	}
	if len(l.problems) == before {
		l.accounts = append(l.accounts, settings)
	}
}

// readNews reads where news of the account goes. What is wrong is said without the address: it may carry a token.
func (l *accountsList) readNews(line int, address, secret string) account.Endpoint {
	if address == "" && secret == "" {
		return account.Endpoint{}
	}
	endpoint := account.Endpoint{URL: address}.NameSecret(secret)
	if err := endpoint.Check("news"); err != nil {
		l.wrong(line, "news_url and news_secret: %v", err)
	}
	return endpoint
}

func (l *accountsList) checkSourceKey(line int, settings account.Settings) {
	key := settings.SourceKey
	if key == "" {
		return
	}
	if err := account.CheckSourceKey(key); err != nil {
		l.wrong(line, "%v", err)
	} else if len(settings.Feeds) > 1 && !strings.Contains(key, "{feed}") {
		l.wrong(line, "source key %q has no {feed}: the %d feeds of the account would be read from the same file", key,
			len(settings.Feeds))
	}
}

func (l *accountsList) readAccount(line int, id string) string {
	if err := account.Check(id); err != nil {
		l.wrong(line, "%v", err)
		return ""
	}
	if first, seen := l.lines[id]; seen {
		l.wrong(line, "account %s is in line %d already", id, first)
		return ""
	}
	l.lines[id] = line
	return id
}

func (l *accountsList) readFeeds(line int, cell string) []feed.Kind {
	var kinds []feed.Kind
	for _, name := range strings.FieldsFunc(cell,
		func(r rune) bool { return r == '|' || r == ';' || r == ',' || r == ' ' }) {
		kind, err := feed.ParseKind(strings.ToLower(name))
		switch {
		case err != nil:
			l.wrong(line, "%v", err)
		case slices.Contains(kinds, kind):
			l.wrong(line, "feed %q appears twice", kind)
		default:
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// readYes reads an answer that is no unless it is given.
func (l *accountsList) readYes(line int, column, cell string) bool {
	switch strings.ToLower(cell) {
	case "yes", "true":
		return true
	case "", "no", "false":
		return false
	}
	l.wrong(line, "%s %q: expected yes or no", column, terminal.Shortened(cell, 40))
	return false
}

func (l *accountsList) readEvery(line int, cell string) account.Interval {
	if cell == "" {
		return account.Interval(l.standard)
	}
	interval, err := parseInterval(cell)
	if err != nil {
		l.wrong(line, "%v", err)
	}
	return account.Interval(interval)
}

// readRules reads the account's own rules; an empty cell leaves one to the deployment.
func (l *accountsList) readRules(line int, row map[string]string) (own account.Rules) {
	for _, name := range account.RuleNames() {
		cell := row[name]
		if cell == "" {
			continue
		}
		if err := own.Set(name, cell); err != nil {
			l.wrong(line, "%s %q: %v", name, terminal.Shortened(cell, 40), err)
		}
	}
	return own
}

func parseInterval(text string) (time.Duration, error) {
	interval, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("interval %q is not a duration: expected such as 15m or 1h30m",
			terminal.Shortened(text, 40))
	}
	if interval%time.Second != 0 {
		return 0, fmt.Errorf("interval %s: expected whole seconds", interval)
	}
	return interval, account.CheckInterval(interval)
}
