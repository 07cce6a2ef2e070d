package activities

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/statestore"
)

// scribe notes what is to be mailed, and what was.
type scribe struct {
	asked   []MailReportInput
	letters []ReportLetter
	away    error
}

func (s *scribe) Mail(_ context.Context, in MailReportInput) error {
	s.asked = append(s.asked, in)
	return s.away
}

func (s *scribe) SendReport(_ context.Context, l ReportLetter) error {
	s.letters = append(s.letters, l)
	return s.away
}

var lampsCatalog = catalog.ID{Account: "acct_1", Feed: feed.Product}

// newsworthy is a report with a new error.
func newsworthy() catalog.Report {
	return catalog.Report{
		Account: "acct_1", Feed: feed.Product, Outcome: catalog.SucceededWithErrors, At: time.Unix(1_800_000_000, 0),
		Summary: "One row was kept back.", Before: "b", Since: &catalog.ReportSince{New: 1},
		Rows: catalog.ReportRows{Source: 2, KeptBack: 1},
	}
}

func newScribe(t *testing.T, to string) (*ReportMail, *scribe, *objectstoretest.Memory, string) {
	t.Helper()
	objects := objectstoretest.NewMemory("s")
	store := statestore.Store{Objects: objects, Layout: statestore.Layout{StateBucket: "s", StatePrefix: "state/"}}
	s := &scribe{}
	m := &ReportMail{Accounts: account.Documents{Store: store}, Documents: catalog.Documents{Store: store}, Queue: s,
		Post: s}
	require.NoError(t, m.Accounts.SaveSettings(t.Context(), account.Settings{Account: "acct_1", ReportTo: to}))
	key := m.Documents.Keys(lampsCatalog).ReportKey(7, "json")
	r := newsworthy()
	r.Findings = m.Documents.Keys(lampsCatalog).ReportKey(7, "csv")
	require.NoError(t, m.Documents.SaveReport(t.Context(), key, r))
	_, err := objects.Put(t.Context(), "s", r.Findings, "text/csv", []byte("line,id\n1,a\n"), "")
	require.NoError(t, err)
	return m, s, objects, key
}

const erin = "erin@shop.example"

func TestAReportWithNewsIsToBeMailedIfTheMerchantWantsIt(t *testing.T) {
	t.Parallel()
	dull := newsworthy()
	dull.Since.New = 0
	for name, c := range map[string]struct {
		to     string
		r      catalog.Report
		change func(*ReportMail)
		want   int
	}{
		"it has news":           {to: erin, r: newsworthy(), want: 1},
		"it says what was said": {to: erin, r: dull},
		"nobody wants it":       {r: newsworthy()},
		"nobody writes":         {to: erin, r: newsworthy(), change: func(m *ReportMail) { m.Post = nil }},
		"Temporal is away, as well": {to: erin, r: newsworthy(), want: 1,
			change: func(m *ReportMail) { m.Queue.(*scribe).away = errors.New("x") }},
	} {
		m, s, _, key := newScribe(t, c.to)
		if c.change != nil {
			c.change(m)
		}
		env := quietly(&teller{m, c.r, key})
		_, err := env.ExecuteActivity((&teller{}).Tell)
		require.NoError(t, err, "%s: a sync does not fail for a letter", name)
		require.Len(t, s.asked, c.want, name)
	}
	(*ReportMail)(nil).tell(t.Context(), lampsCatalog, newsworthy(), "k")
}

// teller is a step that tells.
type teller struct {
	mail *ReportMail
	r    catalog.Report
	key  string
}

// Tell is the step.
func (s *teller) Tell(ctx context.Context) error {
	s.mail.tell(ctx, lampsCatalog, s.r, s.key)
	return nil
}

func TestAReportIsMailedWithItsList(t *testing.T) {
	t.Parallel()
	m, s, objects, key := newScribe(t, erin)
	mails := func(in MailReportInput) (bool, error) {
		value, err := quietly(m).ExecuteActivity(m.MailReport, in)
		if err != nil {
			return false, err
		}
		var result MailReportResult
		require.NoError(t, value.Get(&result))
		return result.Sent, nil
	}
	sent, err := mails(MailReportInput{lampsCatalog, key})
	require.NoError(t, err)
	require.True(t, sent)
	l := s.letters[0]
	require.Equal(t, erin, l.To)
	require.Equal(t, "1 new error in your product feed", l.Subject)
	require.Equal(t, "line,id\n1,a\n", string(l.List))
	require.Equal(t, "product-000007.csv", l.ListName)
	require.Contains(t, l.Text, "enclosed")

	// A list that is too long stays where it is, and one that is gone is no reason to write nothing.
	list := m.Documents.Keys(lampsCatalog).ReportKey(7, "csv")
	_, err = objects.Put(t.Context(), "s", list, "text/csv", []byte(strings.Repeat("x", mostListed+1)), "")
	require.NoError(t, err)
	_, err = mails(MailReportInput{lampsCatalog, key})
	require.NoError(t, err)
	require.NoError(t, objects.Delete(t.Context(), "s", list))
	_, err = mails(MailReportInput{lampsCatalog, key})
	require.NoError(t, err)
	for _, l := range s.letters[1:] {
		require.Nil(t, l.List)
		require.NotContains(t, l.Text, "enclosed")
	}

	// Nothing is read that is no report of the catalog, and nobody is written to who wants it no more.
	for _, other := range []string{"state/acct_2/product/reports/000001.json", "accounts/acct_1.json", ""} {
		_, err = mails(MailReportInput{lampsCatalog, other})
		require.ErrorContains(t, err, "the report is none of", other)
	}
	s.away = fault.NewPlain(fault.MailUnavailable, errors.New("x"))
	_, err = mails(MailReportInput{lampsCatalog, key})
	require.Error(t, err)
	before := len(s.letters)
	require.NoError(t, m.Accounts.SaveSettings(t.Context(), account.Settings{Account: "acct_1"}))
	sent, err = mails(MailReportInput{lampsCatalog, key})
	require.NoError(t, err)
	require.False(t, sent)
	require.Len(t, s.letters, before)
}
