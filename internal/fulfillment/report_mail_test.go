package fulfillment

import (
	"mime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
)

func reportLetter() ReportLetter {
	return ReportLetter{
		ID: "state/acct_1/product/reports/000007.json", From: "Acme <catalogs@acme.example>",
		To: "erin@shop.example", Subject: "2 new errors in your product feed", Text: "plain", HTML: "<p>html</p>",
		List: []byte("line,id\n1,a\n"), ListName: "product-000007.csv",
	}
}

func TestAReportIsMailed(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	m := mailer(t, box.serve(t), "")
	for range 2 { // the first answer was lost
		require.NoError(t, m.SendReport(t.Context(), reportLetter()))
	}
	require.Len(t, box.mails, 2)
	id := func(mail string) string {
		_, rest, _ := strings.Cut(mail, "Message-ID: ")
		line, _, _ := strings.Cut(rest, "\r\n")
		return line
	}
	require.NotEmpty(t, id(box.mails[0]))
	require.Equal(t, id(box.mails[0]), id(box.mails[1]))
	text := box.mails[0]
	for _, says := range []string{`From: "Acme" <catalogs@acme.example>`, "To: <erin@shop.example>",
		"Subject: 2 new errors in your product feed", "Auto-Submitted: auto-generated", "text/csv",
		`filename="product-000007.csv"`, "text/html"} {
		require.Contains(t, text, says)
	}
	l := reportLetter()
	l.List = nil
	require.NoError(t, m.SendReport(t.Context(), l))
	require.NotContains(t, box.mails[2], "text/csv")
}

// Whatever a text holds, it ends in no header of its own, and no error names the merchant.
func TestAReportThatCannotBeMailed(t *testing.T) {
	t.Parallel()
	box := &mailbox{answers: map[string]string{"RCPT": "550 no such user erin@shop.example"}}
	err := mailer(t, box.serve(t), "").SendReport(t.Context(), reportLetter())
	requireFault(t, err, fault.Permanent, fault.MailRejected)
	require.NotContains(t, err.Error(), "erin")
	requireFault(t, mailer(t, "", "").SendReport(t.Context(), reportLetter()), fault.Permanent, fault.SettingsInvalid)

	box = &mailbox{}
	m := mailer(t, box.serve(t), "")
	for _, change := range []func(*ReportLetter){
		func(l *ReportLetter) { l.To = "erin@shop.example\r\nBcc: all@shop.example" },
		func(l *ReportLetter) { l.From = "nobody" },
	} {
		l := reportLetter()
		change(&l)
		requireFault(t, m.SendReport(t.Context(), l), fault.Permanent, fault.SettingsInvalid)
	}
	l := reportLetter()
	l.Subject = "x\r\nBcc: all@shop.example"
	require.NoError(t, m.SendReport(t.Context(), l))
	require.Len(t, box.mails, 1)
	require.NotContains(t, box.mails[0], "\nBcc:")
	_, rest, _ := strings.Cut(box.mails[0], "Subject: ")
	line, _, _ := strings.Cut(rest, "\r\n")
	_, err = new(mime.WordDecoder).DecodeHeader(line)
	require.NoError(t, err)
}
