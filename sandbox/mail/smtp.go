package mail

import (
	"io"
	"log"
	"time"

	"github.com/emersion/go-smtp"
)

// The limits of what is taken from anybody on this machine.
const (
	maxBytes      = 1 << 20 // of a mail; Vitrine's have some 3 kB
	maxRecipients = 50
	patience      = time.Minute // with a client that says nothing
)

func newSMTP(b *box) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{box: b, conn: c}, nil
	}))
	s.Domain = "sandbox"
	s.MaxMessageBytes, s.MaxRecipients = maxBytes, maxRecipients
	s.ReadTimeout, s.WriteTimeout = patience, patience
	s.EnableSMTPUTF8 = true
	s.ErrorLog = log.New(io.Discard, "", 0) // clients that die are what it is for
	return s
}

// session is a conversation with a client.
type session struct {
	box        *box
	conn       *smtp.Conn
	sender     string
	recipients []string
}

// Reset forgets the mail that was begun.
func (s *session) Reset() { s.sender, s.recipients = "", nil }

// Logout ends the conversation.
func (s *session) Logout() error { return nil }

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.sender = from
	return nil
}

// Rcpt names a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if f, struck := s.box.strike(s.sender, []string{to}, RefuseRecipient); struck {
		return refusal(f)
	}
	s.recipients = append(s.recipients, to)
	return nil
}

// Data takes the mail.
func (s *session) Data(r io.Reader) error {
	source, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	f, _ := s.box.strike(s.sender, s.recipients, Refuse, LoseAnswer, Hang)
	if f.Kind == Refuse {
		return refusal(f)
	}
	s.box.keep(s.sender, s.recipients, source)
	switch f.Kind {
	case LoseAnswer:
		return s.conn.Conn().Close()
	case Hang:
		return s.awaitEnd()
	}
	return nil
}

// awaitEnd returns when the client, or the server, hangs up.
func (s *session) awaitEnd() error {
	if err := s.conn.Conn().SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, s.conn.Conn())
	return err
}

func refusal(f Fault) error {
	return &smtp.SMTPError{Code: f.Status, Message: "refused, as the fault says"}
}
