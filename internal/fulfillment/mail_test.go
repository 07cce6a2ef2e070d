package fulfillment

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// mailbox is a mail server that keeps what it gets. Answers replace what it says to a command.
type mailbox struct {
	answers map[string]string

	mu    sync.Mutex
	mails []string
}

func (m *mailbox) serve(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go m.talk(conn)
		}
	}()
	return "smtp://" + listener.Addr().String() + "?tls=none"
}

func (m *mailbox) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	lines := bufio.NewReader(conn)
	say := func(text string) { _, _ = fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 test")
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		command := strings.ToUpper(strings.Fields(line + " -")[0])
		answer, replaced := m.answers[command]
		switch {
		case replaced && answer == "":
			return // hangs up
		case replaced:
			say(answer)
		case command == "DATA":
			say("354 go on")
			m.receive(lines)
			say("250 ok")
		case command == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (m *mailbox) receive(lines *bufio.Reader) {
	var b strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, b.String())
}

// parts decodes the plain and the HTML part of a mail.
func parts(t *testing.T, text string) (header mail.Header, plain, html string) {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(text))
	require.NoError(t, err)
	_, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	require.NoError(t, err)
	reader := multipart.NewReader(message.Body, params["boundary"])
	var decoded []string
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		require.NoError(t, err)
		decoded = append(decoded, string(body))
	}
	require.Len(t, decoded, 2)
	return message.Header, decoded[0], decoded[1]
}

var testMail = order.Mail{From: "shop@example.com", Name: "Lamp & Co", ReplyTo: "help@example.com",
	OrderURL: "https://shop.example/o/{CHECKOUT_SESSION_ID}"}

func mailer(t *testing.T, address, templates string) *Mailer {
	t.Helper()
	m, err := NewMailer(MailOptions{SMTP: address, Templates: templates})
	require.NoError(t, err)
	return m
}

func TestMailServersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"mail.example:25", "http://x:pa55word@mail.example", "smtp://",
		"smtp://x:pa55word@mail.example:99999999", "smtps://mail.example?tls=none", "smtp://mail.example?tls=maybe",
		"smtp://x:pa55word@mail.example/%zz"} {
		_, err := NewMailer(MailOptions{SMTP: bad})
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "pa55word")
	}
	_, err := NewMailer(MailOptions{SMTP: "smtps://x:pa55word@mail.example"})
	require.NoError(t, err)
}

func TestMailsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers map[string]string
		kind    fault.Kind
		code    fault.Code
	}{
		"unknown recipient": {map[string]string{"RCPT": "550 no such user jenny@example.com"}, fault.Permanent,
			fault.MailRejected},
		"busy": {map[string]string{"RCPT": "451 later, jenny@example.com"}, fault.Plain,
			fault.MailUnavailable},
		"spam": {map[string]string{"DATA": "554 spam for jenny@example.com"}, fault.Permanent,
			fault.MailRejected},
		"hangs up":         {map[string]string{"MAIL": ""}, fault.Plain, fault.MailUnavailable},
		"hangs up at once": {map[string]string{"EHLO": "", "HELO": ""}, fault.Plain, fault.MailUnavailable},
	} {
		box := &mailbox{answers: c.answers}
		sent, err := mailer(t, box.serve(t), "").Send(t.Context(), order.ConfirmationMail, testMail, testSession(),
			order.Decision{Status: order.Accepted})
		require.False(t, sent, name)
		requireFault(t, err, c.kind, c.code)
		require.Empty(t, box.mails)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := mailer(t, (&mailbox{}).serve(t), "").Send(ctx, order.ConfirmationMail, testMail, testSession(),
		order.Decision{Status: order.Accepted})
	require.ErrorIs(t, err, context.Canceled)
}

func TestServersWithoutTLSGetNoMail(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	_, err := mailer(t, strings.TrimSuffix(box.serve(t), "?tls=none"), "").Send(t.Context(), order.ConfirmationMail,
		testMail, testSession(), order.Decision{Status: order.Accepted})
	requireFault(t, err, fault.Plain, fault.MailUnavailable)
	require.Empty(t, box.mails)
}

func TestNobodyToWriteTo(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	address := box.serve(t)
	noBuyer := testSession()
	noBuyer.Buyer.Email = ""
	for _, c := range []struct {
		mailer  *Mailer
		mail    order.Mail
		session order.Session
	}{{mailer(t, "", ""), testMail, testSession()}, {mailer(t, address, ""), order.Mail{}, testSession()},
		{mailer(t, address, ""), testMail, noBuyer}} {
		sent, err := c.mailer.Send(t.Context(), order.ConfirmationMail, c.mail, c.session,
			order.Decision{Status: order.Accepted})
		require.NoError(t, err)
		require.False(t, sent)
	}
	bad := testSession()
	bad.Buyer.Email = "jenny@example.com\r\nBcc: everybody@example.com"
	_, err := mailer(t, address, "").Send(t.Context(), order.ConfirmationMail, testMail, bad,
		order.Decision{Status: order.Accepted})
	requireFault(t, err, fault.Permanent, fault.MailRejected)
	require.Empty(t, box.mails)
}

func TestConfirmationMail(t *testing.T) {
	t.Parallel()
	box := &mailbox{answers: map[string]string{"QUIT": "421 farewell fails"}}
	m := mailer(t, box.serve(t), "")
	for range 2 {
		sent, err := m.Send(t.Context(), order.ConfirmationMail, testMail, testSession(),
			order.Decision{Status: order.Accepted, Reference: "SO-1"})
		require.NoError(t, err)
		require.True(t, sent)
	}
	header, plain, html := parts(t, box.mails[0])
	again, _, _ := parts(t, box.mails[1])
	require.Equal(t, header.Get("Message-ID"), again.Get("Message-ID"))
	require.Contains(t, header.Get("Message-ID"), "@example.com")
	require.Contains(t, header.Get("From"), "shop@example.com")
	require.Contains(t, header.Get("To"), "jenny@example.com")
	require.Equal(t, "<help@example.com>", header.Get("Reply-To"))
	require.Equal(t, "auto-generated", header.Get("Auto-Submitted"))
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "Your order at Lamp & Co (SO-1)", subject)
	for _, want := range []string{"by an AI agent, Shopping Agent", "3 x Lamp <b> (LAMP-1)",
		"Shipping (Ground): 4.00 USD", "Total: 37.00 USD", "1 Main St", "https://shop.example/o/cs_test_1"} {
		require.Contains(t, plain, want)
	}
	require.Contains(t, html, "Lamp &lt;b&gt;")
	require.Contains(t, html, "<b>Shopping Agent</b>")
	require.NotContains(t, plain, "Not everything")
}

func TestPartialConfirmationAndRejection(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	m := mailer(t, box.serve(t), "")
	session := testSession()
	session.Summary.Agent = order.Agent{}
	_, err := m.Send(t.Context(), order.ConfirmationMail, testMail, session,
		order.Decision{Status: order.Accepted,
			Lines: []order.AcceptedLine{{SKU: "LAMP-1", Quantity: 2}, {SKU: "BULB-1", Quantity: 1}}})
	require.NoError(t, err)
	_, plain, _ := parts(t, box.mails[0])
	require.Contains(t, plain, "Not everything")
	require.Contains(t, plain, "2 x Lamp <b> (LAMP-1), 3 ordered")
	require.Contains(t, plain, "Total: 27.83 USD")
	require.Contains(t, plain, "by an AI agent.", "the products are a feed's, though Stripe does not name the agent")

	_, err = m.Send(t.Context(), order.RejectionMail, testMail, testSession(),
		order.Decision{Status: order.Rejected, Reason: order.OutOfStock})
	require.NoError(t, err)
	_, plain, _ = parts(t, box.mails[1])
	require.Contains(t, plain, "out of stock")
	require.Contains(t, plain, "37.00 USD goes back")
	require.Contains(t, plain, "AI agent, Shopping Agent")

	reserved := testSession()
	reserved.Summary.Payment = order.Payment{State: order.Canceled, Amount: 3700}
	_, err = m.Send(t.Context(), order.RejectionMail, testMail, reserved,
		order.Decision{Status: order.Rejected, Reason: order.CannotShip})
	require.NoError(t, err)
	_, plain, _ = parts(t, box.mails[2])
	require.Contains(t, plain, "37.00 USD was reserved, and is not charged")
}

// A country's name is in the language of the mail, and Vitrine's own mail is in English.
func TestAMailIsInOneLanguage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "de"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "de", "confirmation.txt"),
		[]byte("Subject: Danke\n\n{{range .ShipToLines}}{{.}}\n{{end}}"), 0o600))
	box := &mailbox{}
	server := box.serve(t)
	settings, session := testMail, testSession()
	settings.Language = "de"
	session.ShipTo.Address.Country = "US"
	for i, c := range []struct{ templates, says string }{{dir, "Vereinigte Staaten"}, {"", "United States"}} {
		_, err := mailer(t, server, c.templates).Send(t.Context(), order.ConfirmationMail, settings, session,
			order.Decision{Status: order.Accepted})
		require.NoError(t, err)
		_, plain, _ := parts(t, box.mails[i])
		require.Contains(t, plain, c.says)
	}
}

func TestTemplatesOfThePlatform(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("confirmation.txt", "Subject: Thanks\n\nOrder {{.Session}}\n")
	write("de/confirmation.txt", "Subject: Danke\n\nBestellung {{.Session}}\n")
	box := &mailbox{}
	m := mailer(t, box.serve(t), dir)
	german := testMail
	german.Language = "de"
	for i, c := range []struct {
		mail order.Mail
		want string
	}{{testMail, "Order cs_test_1"}, {german, "Bestellung cs_test_1"}} {
		_, err := m.Send(t.Context(), order.ConfirmationMail, c.mail, testSession(),
			order.Decision{Status: order.Accepted})
		require.NoError(t, err)
		_, plain, html := parts(t, box.mails[i])
		require.Contains(t, plain, c.want)
		require.Contains(t, html, "Thank you for your order", "Vitrine's own, where there is no other")
	}
	for _, bad := range []string{"no subject", "Subject: {{.Nothing}}", "Subject: {{"} {
		write("rejection.txt", bad)
		_, err := NewMailer(MailOptions{Templates: dir})
		require.True(t, fault.Is(err, fault.SettingsInvalid), "%q: %v", bad, err)
	}
	_, err := NewMailer(MailOptions{Templates: filepath.Join(dir, "none")})
	require.ErrorContains(t, err, "folder of mail templates")
}
