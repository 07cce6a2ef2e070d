package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/sandbox/mail"
)

// A merchant who wants it gets their report when it has something new, and no other time.
func TestAReportIsMailedWhenItHasSomethingNew(t *testing.T) {
	m := enter(t)
	to := m.account + "@shop.example"
	m.settings["VITRINE_REPORTS_FROM"] = "Acme <catalogs@acme.example>"
	require.NoError(t, m.accounts.SaveSettings(t.Context(), account.Settings{Account: m.account, ReportTo: to}))
	m.startWorker()
	box := mail.Control{BaseURL: house.ready.Mail}
	mails := func() []mail.Mail {
		found, err := box.Mails(within(t), mail.Match{To: to})
		require.NoError(t, err)
		return found
	}
	bad := func(ids ...string) string {
		text := csv(numbered(20)...) // few enough are bad for nothing to be held
		for _, id := range ids {
			text += product(id, "cheap")
		}
		return text
	}
	m.exportText(bad())
	m.syncs(catalog.Succeeded) // nothing is wrong: no letter
	m.exportText(bad("bad1"))
	m.syncs(catalog.SucceededWithErrors)
	m.await("a letter", func() bool { return len(mails()) == 1 })
	m.exportText(bad("bad1") + product("sku2", "9.99 USD"))
	m.syncs(catalog.SucceededWithErrors) // the same is wrong as before
	m.exportText(bad("bad1", "bad2") + product("sku2", "9.99 USD"))
	m.syncs(catalog.SucceededWithErrors)
	m.await("another letter", func() bool { return len(mails()) == 2 })

	for _, got := range mails() {
		require.Equal(t, "1 new error in your product feed", got.Subject)
		require.Contains(t, got.From, "catalogs@acme.example")
		require.Contains(t, got.Text, "price")
		require.Contains(t, got.HTML, "price")
		require.Len(t, got.Attachments, 1)
		require.True(t, strings.HasPrefix(got.Attachments[0].Name, "product-"), got.Attachments[0].Name)
		require.Empty(t, got.Problem)
	}
}
