package fulfillment

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// mailTimeout bounds the conversation with the mail server.
const mailTimeout = 60 * time.Second

// MailOptions say how buyers are written to.
type MailOptions struct {
	// SMTP is the mail server:
	//
	//	smtp://user:password@mail.example:587            STARTTLS, which must be offered
	//	smtps://user:password@mail.example               TLS from the first byte
	//	smtp://127.0.0.1:1025?tls=none                   in the clear, for a mail catcher
	//
	// It holds a password, so no error repeats it. Empty: nobody is written to.
	SMTP string
	// Templates is a folder with templates of the platform's own: confirmation.txt, confirmation.html, rejection.txt
	// and rejection.html, each of them optional, and the same in folders named after a language.
	Templates string
}

// Mailer writes to buyers. It is safe for concurrent use.
type Mailer struct {
	letters letters
	server  *smtpServer // nil: there is none
}

type smtpServer struct {
	host    string
	options []mail.Option
}

// NewMailer checks the options and the templates; it calls nobody.
func NewMailer(o MailOptions) (*Mailer, error) {
	letters, err := newLetters(o.Templates)
	if err != nil {
		return nil, err
	}
	m := &Mailer{letters: letters}
	if o.SMTP != "" {
		m.server, err = parseSMTP(o.SMTP)
	}
	return m, err
}

func parseSMTP(address string) (*smtpServer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") ||
		strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		// err would repeat it
		return nil, errors.New("the mail server is not an address such as smtp://user:password@mail.example:587")
	}
	plain := u.Query().Get("tls") == "none"
	if (u.RawQuery != "" && u.RawQuery != "tls=none") || (plain && u.Scheme == "smtps") {
		return nil, errors.New("the mail server's address may only have ?tls=none, and only with smtp")
	}
	port := map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	if text := u.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
			return nil, errors.New("the mail server's port is none")
		}
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(mailTimeout), mail.WithTLSPolicy(mail.TLSMandatory)}
	switch {
	case u.Scheme == "smtps":
		options = append(options, mail.WithSSL())
	case plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if password, has := u.User.Password(); has {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()),
			mail.WithPassword(password))
	}
	return &smtpServer{host: u.Hostname(), options: options}, nil
}

// Send writes to the buyer of an order and says whether it did: there is no mail without a mail server, a sender in the
// account's settings, or an address of the buyer's.
//
// Mail cannot be sent exactly once: if the server's last word is lost, a retry sends it again. It bears the same
// Message-ID then, by which most mailboxes show one of the two.
func (m *Mailer) Send(
	ctx context.Context, kind order.MailKind, settings order.Mail, s order.Session, d order.Decision,
) (bool, error) {
	if m.server == nil || settings.From == "" || s.Buyer.Email == "" {
		return false, nil
	}
	message, err := m.compose(kind, settings, s, d)
	if err != nil {
		return false, err
	}
	if err := m.server.send(ctx, message); err != nil {
		return false, mailFault(ctx, s.Summary.ID.String(), err)
	}
	return true, nil
}

func (m *Mailer) compose(
	kind order.MailKind, settings order.Mail, s order.Session, d order.Decision,
) (*mail.Msg, error) {
	spoken := settings
	spoken.Language = m.letters.spoken(kind, settings.Language)
	subject, text, html, err := m.letters.write(kind, settings.Language, newLetter(spoken, s, d))
	if err != nil {
		return nil, err
	}
	message := mail.NewMsg()
	if err := message.FromFormat(settings.Name, settings.From); err != nil {
		return nil, fault.NewPermanent(fault.SettingsInvalid, errors.New("mail.from is not an address"))
	}
	if settings.ReplyTo != "" {
		if err := message.ReplyTo(settings.ReplyTo); err != nil {
			return nil, fault.NewPermanent(fault.SettingsInvalid, errors.New("mail.reply_to is not an address"))
		}
	}
	if err := message.To(s.Buyer.Email); err != nil {
		return nil, fault.NewPermanent(fault.MailRejected, fmt.Errorf("%s: the buyer's address is none", s.Summary.ID))
	}
	message.Subject(subject)
	setBody(message, messageID(string(kind)+"/"+s.Summary.ID.String(), settings.From), text, html)
	return message, nil
}

// setBody is what all letters have in common.
func setBody(message *mail.Msg, id, text, html string) {
	message.SetMessageIDWithValue(id)
	message.SetDate()
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetUserAgent("Vitrine")
	message.SetBodyString(mail.TypeTextPlain, text)
	message.AddAlternativeString(mail.TypeTextHTML, html)
}

// messageID is the same for the same letter of the same sender.
func messageID(about, from string) string {
	digest := sha256.Sum256([]byte(about))
	_, domain, _ := strings.Cut(from, "@")
	return hex.EncodeToString(digest[:16]) + "@" + domain
}

// send takes a mail for sent once the server has taken it: that its farewell fails is no reason to send it again.
func (s *smtpServer) send(ctx context.Context, message *mail.Msg) error {
	client, err := mail.NewClient(s.host, s.options...)
	if err != nil {
		return err
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.CloseWithSMTPClient(connection) }()
	return client.SendWithSMTPClient(connection, message)
}

// Reach connects to the mail server, logs in and sends nothing. Its error repeats nothing of who logs in.
func (m *Mailer) Reach(ctx context.Context) error {
	if m.server == nil {
		return errors.New("no mail server is set")
	}
	client, err := mail.NewClient(m.server.host, m.server.options...)
	if err != nil {
		return errors.New("the mail server's address cannot be used")
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return m.server.unreached(err)
	}
	return client.CloseWithSMTPClient(connection)
}

// unreached says how far a connection came; what the server said could repeat the user.
func (s *smtpServer) unreached(err error) error {
	network, refused := new(net.OpError), new(textproto.Error)
	untrusted, noTLS := new(tls.CertificateVerificationError), new(tls.RecordHeaderError)
	switch {
	case errors.As(err, &untrusted):
		return fmt.Errorf("the certificate of the mail server %s does not hold: %w", s.host, untrusted.Err)
	case errors.As(err, &noTLS):
		return fmt.Errorf("the mail server %s speaks no TLS on this port: is it smtp:// in place of smtps://?", s.host)
	case errors.As(err, &refused):
		return fmt.Errorf("the mail server %s refuses the connection or the user (SMTP %d)", s.host, refused.Code)
	case errors.As(err, &network):
		return fmt.Errorf("the mail server %s cannot be reached: %w", s.host, network.Err)
	}
	return fmt.Errorf("the mail server %s cannot be reached, is none, or offers no TLS or login", s.host)
}

// mailFault keeps the words of the library and the server out of the error: they name the recipient.
func mailFault(ctx context.Context, about string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var refused *mail.SendError
	if !errors.As(err, &refused) {
		return fault.NewPlain(fault.MailUnavailable,
			fmt.Errorf("%s: the mail server cannot be reached, or takes no connection", about))
	}
	text := fmt.Errorf("%s: the mail server did not take the mail (SMTP %d)", about, refused.ErrorCode())
	if refused.ErrorCode() >= 500 {
		return fault.NewPermanent(fault.MailRejected, text)
	}
	return fault.NewPlain(fault.MailUnavailable, text)
}
