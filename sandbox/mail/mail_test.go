package mail_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/sandbox/mail"
	"vitrine/sandbox/ports"
)

// catcher is a running one, with its client.
type catcher struct {
	mail.Control
	t      *testing.T
	server *mail.Server
}

func start(t *testing.T) *catcher {
	t.Helper()
	server, err := mail.Start(mail.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return &catcher{mail.Control{BaseURL: server.URL()}, t, server}
}

func (c *catcher) address() string {
	parsed, err := url.Parse(c.server.SMTP())
	require.NoError(c.t, err)
	return parsed.Host
}

// send writes to jenny@example.com.
func (c *catcher) send(from, source string) error {
	return smtp.SendMail(c.address(), nil, from, []string{"jenny@example.com"},
		[]byte(strings.ReplaceAll(source, "\n", "\r\n")))
}

func (c *catcher) mails(m mail.Match) []mail.Mail {
	c.t.Helper()
	mails, err := c.Mails(c.t.Context(), m)
	require.NoError(c.t, err)
	return mails
}

// only is the one mail that came.
func (c *catcher) only() mail.Mail {
	c.t.Helper()
	mails := c.mails(mail.Match{})
	require.Len(c.t, mails, 1)
	return mails[0]
}

func (c *catcher) arm(f mail.Fault) {
	c.t.Helper()
	_, err := c.AddFault(c.t.Context(), f)
	require.NoError(c.t, err)
}

// get opens a page of the catcher's as a browser does.
func (c *catcher) get(path string) (*http.Response, string) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.BaseURL+path, nil)
	require.NoError(c.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	return response, string(body)
}

const order = `From: =?utf-8?q?Caf=C3=A9_Loom?= <shop@example.com>
To: jenny@example.com
Subject: =?utf-8?q?Your_order_at_Caf=C3=A9_Loom?=
Message-ID: <1@example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--a
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PGI+R3LDvMOfZTwvYj4=
--a--
--m
Content-Type: application/pdf
Content-Disposition: attachment; filename=terms.pdf

four
--m--
`

func TestMailsAreReadable(t *testing.T) {
	t.Parallel()
	c := start(t)
	before := time.Now()
	require.NoError(t, c.send("bounces@example.com", order))
	got := c.only()
	require.False(t, got.At.Before(before.Truncate(time.Second)))
	require.Equal(t, "bounces@example.com", got.Sender)
	require.Equal(t, []string{"jenny@example.com"}, got.Recipients)
	require.Equal(t, "Café Loom <shop@example.com>", got.From)
	require.Equal(t, "jenny@example.com", got.To)
	require.Equal(t, "Your order at Café Loom", got.Subject)
	require.Equal(t, "<1@example.com>", got.MessageID)
	require.Equal(t, "Grüße", got.Text)
	require.Equal(t, "<b>Grüße</b>", got.HTML)
	require.Equal(t, []mail.Attachment{{Name: "terms.pdf", Type: "application/pdf", Size: 4}}, got.Attachments)
	require.Contains(t, got.Headers, mail.Header{Name: "Mime-Version", Value: "1.0"})
	require.Empty(t, got.Problem)

	_, page := c.get("/mails/1")
	for _, want := range []string{"Café Loom &lt;shop@example.com&gt;", "Grüße", "terms.pdf (4 B)",
		`src="/mails/1/html" sandbox`} {
		require.Contains(t, page, want)
	}
	_, list := c.get("/")
	require.Contains(t, list, `<a href="/mails/1">Your order at Café Loom</a><p>Grüße</p>`)
	require.Len(t, []rune(mail.Mail{Text: strings.Repeat("ü ", 500)}.Preview()), 181)
	require.Equal(t, c.BaseURL+"/mails/1", c.Page(got))
}

func TestWhatCannotBeReadIsKept(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"no mail":          "this is no mail\n\n",
		"unknown charset":  "Subject: x\nContent-Type: text/plain; charset=klingon\n\nnuqneH\n",
		"unknown encoding": "Subject: x\nContent-Transfer-Encoding: rot13\n\nnuqneH\n",
		"cut multipart":    "Subject: x\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\nnuqneH",
		"bad base64":       "Subject: x\nContent-Transfer-Encoding: base64\n\n!!!\n",
	} {
		c := start(t)
		require.NoError(t, c.send("shop@example.com", source), name)
		require.NotEmpty(t, c.only().Problem, name)
		_, page := c.get("/mails/1")
		require.Contains(t, page, "could be read", name)
		response, kept := c.get("/mails/1/source")
		require.Equal(t, strings.TrimSpace(strings.ReplaceAll(source, "\n", "\r\n")), strings.TrimSpace(kept), name)
		require.Equal(t, "text/plain; charset=utf-8", response.Header.Get("Content-Type"))
	}
}

// A mail is a stranger's: nothing of it becomes markup of the page, and its own markup runs nothing and loads nothing.
func TestHostileMails(t *testing.T) {
	t.Parallel()
	c := start(t)
	const evil = `<script>alert(1)</script>`
	require.NoError(t, c.send("shop@example.com",
		"From: "+evil+"\nSubject: "+evil+"\nX-"+"Evil: "+evil+"\nContent-Type: text/html\n\n"+evil+"\n"))
	require.NoError(t, c.send("shop@example.com", "Subject: "+evil+"\n\n"+evil+"\n"))
	for _, path := range []string{"/", "/mails/1", "/mails/2"} {
		response, page := c.get(path)
		require.NotContains(t, page, "<script")
		policy := response.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'; style-src 'sha256-")
		require.NotContains(t, policy, "script")
	}
	response, html := c.get("/mails/1/html")
	require.Contains(t, html, evil, "it is shown as it is")
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "sandbox; default-src 'none'")
	require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
}

func TestPagesWithoutAMail(t *testing.T) {
	t.Parallel()
	c := start(t)
	_, page := c.get("/")
	require.Contains(t, page, "Nobody has written yet")
	for _, path := range []string{"/mails/1", "/mails/x/html", "/mails/-1/source", "/nowhere"} {
		response, _ := c.get(path)
		require.Equal(t, http.StatusNotFound, response.StatusCode, path)
	}
}

func TestOnlyTheNewestMailsAreKept(t *testing.T) {
	t.Parallel()
	c := start(t)
	client, err := smtp.Dial(c.address())
	require.NoError(t, err)
	defer client.Close()
	for i := range 201 {
		require.NoError(t, client.Mail("shop@example.com"))
		require.NoError(t, client.Rcpt("jenny@example.com"))
		data, err := client.Data()
		require.NoError(t, err)
		_, err = fmt.Fprintf(data, "Subject: %d\r\n\r\n", i)
		require.NoError(t, err)
		require.NoError(t, data.Close())
	}
	mails := c.mails(mail.Match{})
	require.Len(t, mails, 200)
	require.Equal(t, "1", mails[0].Subject)
	require.Equal(t, 201, mails[199].ID)
	response, _ := c.get("/mails/1")
	require.Equal(t, http.StatusNotFound, response.StatusCode)
}

func TestMailsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	c := start(t)
	requireRefused(t, 552, c.send("shop@example.com", "Subject: x\n\n"+strings.Repeat("many words\n", 1<<17)))
	require.Empty(t, c.mails(mail.Match{}))
}

func TestMailsAreFoundByTheirEnvelope(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, from := range []string{"one@example.com", "two@example.com"} {
		require.NoError(t, c.send(from, "Subject: x\n\n"))
	}
	require.Len(t, c.mails(mail.Match{To: "JENNY@example.com"}), 2)
	require.Len(t, c.mails(mail.Match{From: "two@example.com", To: "jenny@example.com"}), 1)
	require.Empty(t, c.mails(mail.Match{To: "nobody@example.com"}))
}

func TestFaults(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.arm(mail.Fault{Kind: mail.RefuseRecipient, Status: 550, Match: mail.Match{To: "nobody@example.com"}, Times: -1})
	c.arm(mail.Fault{Kind: mail.Refuse, Status: 451, Match: mail.Match{From: "shop@example.com"}, Times: 2})
	c.arm(mail.Fault{Kind: mail.RefuseRecipient, Status: 450})
	c.arm(mail.Fault{Kind: mail.LoseAnswer})

	requireRefused(t, 450, c.send("other@example.com", "Subject: x\n\n"))
	requireRefused(t, 451, c.send("shop@example.com", "Subject: x\n\n"))
	requireRefused(t, 451, c.send("shop@example.com", "Subject: x\n\n"))
	require.Empty(t, c.mails(mail.Match{}), "what is refused is not kept")
	require.ErrorIs(t, c.send("shop@example.com", "Subject: x\n\n"), io.EOF)
	require.Len(t, c.mails(mail.Match{}), 1, "it was taken before the answer was lost")
	require.NoError(t, c.send("shop@example.com", "Subject: x\n\n"))
	for range 3 {
		requireRefused(t, 550, smtp.SendMail(c.address(), nil, "shop@example.com", []string{"nobody@example.com"}, nil))
	}

	faults, err := c.Faults(t.Context())
	require.NoError(t, err)
	struck := map[string]int{}
	for _, f := range faults {
		struck[f.ID] = f.Struck
	}
	require.Equal(t, map[string]int{"fault_1": 3, "fault_2": 2, "fault_3": 1, "fault_4": 1}, struck)
	require.NoError(t, c.ClearFaults(t.Context()))
	require.NoError(t, smtp.SendMail(c.address(), nil, "shop@example.com", []string{"nobody@example.com"}, nil))
}

// A catcher that hangs has the mail, and says nothing until its client goes, or it is stopped.
func TestHanging(t *testing.T) { // not parallel: another catcher could get its ports
	server, err := mail.Start(mail.Options{})
	require.NoError(t, err)
	c := &catcher{mail.Control{BaseURL: server.URL()}, t, server}
	c.arm(mail.Fault{Kind: mail.Hang, Times: -1})
	dialer := net.Dialer{}
	conn, err := dialer.DialContext(t.Context(), "tcp", c.address())
	require.NoError(t, err)
	defer conn.Close()
	answers := textproto.NewReader(bufio.NewReader(conn))
	for _, line := range []string{"", "EHLO me\r\n", "MAIL FROM:<shop@example.com>\r\n",
		"RCPT TO:<jenny@example.com>\r\n", "DATA\r\n"} {
		_, err := io.WriteString(conn, line)
		require.NoError(t, err)
		_, _, err = answers.ReadResponse(0)
		require.NoError(t, err)
	}
	_, err = io.WriteString(conn, "Subject: x\r\n\r\n.\r\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(c.mails(mail.Match{})) == 1 }, time.Minute, time.Millisecond)
	require.NoError(t, server.Stop())
	_, _, err = answers.ReadResponse(0)
	require.Error(t, err)
	require.Error(t, ports.Answers(t.Context(), server.URL()))
	require.Error(t, c.send("shop@example.com", "Subject: x\n\n"))
}

func TestFaultsThatAreNone(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, bad := range []mail.Fault{{}, {Kind: "earthquake"}, {Kind: mail.Refuse},
		{Kind: mail.RefuseRecipient, Status: 250}, {Kind: mail.Refuse, Status: 600}} {
		_, err := c.AddFault(t.Context(), bad)
		require.ErrorContains(t, err, "400 Bad Request", "%+v", bad)
	}
	response, err := http.Post(c.BaseURL+"/_sim/faults", "application/json",
		strings.NewReader(`{"kind":"hang","stauts":451}`))
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
}

func TestPortsThatAreTaken(t *testing.T) {
	t.Parallel()
	c := start(t)
	var taken int
	_, err := fmt.Sscanf(c.BaseURL, "http://127.0.0.1:%d", &taken)
	require.NoError(t, err)
	free, err := ports.Pick(0)
	require.NoError(t, err)
	for _, o := range []mail.Options{{SMTPPort: taken}, {SMTPPort: free, PagePort: taken}} {
		_, err := mail.Start(o)
		require.ErrorContains(t, err, "start the mail catcher")
	}
	require.True(t, ports.Free(free), "what was begun is undone")
}

// A catcher may stop before it has begun to accept.
func TestStoppingAtOnce(t *testing.T) { // not parallel: another catcher could get its ports
	for range 50 {
		server, err := mail.Start(mail.Options{})
		require.NoError(t, err)
		require.NoError(t, server.Stop())
		parsed, err := url.Parse(server.SMTP())
		require.NoError(t, err)
		_, err = net.Dial("tcp", parsed.Host)
		require.Error(t, err)
	}
}

func requireRefused(t *testing.T, status int, err error) {
	t.Helper()
	var refused *textproto.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, status, refused.Code)
}
