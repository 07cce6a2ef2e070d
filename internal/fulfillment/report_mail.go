package fulfillment

import (
	"bytes"
	"context"
	"errors"
	netmail "net/mail"

	"github.com/wneessen/go-mail"

	"vitrine/internal/fault"
)

// ReportLetter is a letter to a merchant, with a list or without.
type ReportLetter struct {
	ID, From, To        string
	Subject, Text, HTML string
	List                []byte // nil: none
	ListName            string
}

// Writes reports whether there is a mail server.
func (m *Mailer) Writes() bool { return m.server != nil }

// SendReport writes to a merchant. What is wrong is said without their address.
func (m *Mailer) SendReport(ctx context.Context, l ReportLetter) error {
	if m.server == nil {
		return fault.NewPermanent(fault.SettingsInvalid, errors.New("there is no mail server (VITRINE_SMTP_URL)"))
	}
	message, err := l.message()
	if err != nil {
		return err
	}
	if err := m.server.send(ctx, message); err != nil {
		return mailFault(ctx, l.ID, err)
	}
	return nil
}

func (l ReportLetter) message() (*mail.Msg, error) {
	from, err := netmail.ParseAddress(l.From)
	if err != nil {
		return nil, fault.NewPermanent(fault.SettingsInvalid, errors.New("the sender of reports is no address"))
	}
	message := mail.NewMsg()
	if err := message.FromFormat(from.Name, from.Address); err != nil {
		return nil, fault.NewPermanent(fault.SettingsInvalid, errors.New("the sender of reports is no address"))
	}
	if err := message.To(l.To); err != nil {
		return nil, fault.NewPermanent(fault.SettingsInvalid, errors.New("report_to is not an address"))
	}
	message.Subject(l.Subject)
	setBody(message, messageID(l.ID+"/"+l.To, from.Address), l.Text, l.HTML)
	if l.List == nil {
		return message, nil
	}
	err = message.AttachReader(l.ListName, bytes.NewReader(l.List), mail.WithFileContentType("text/csv"))
	if err != nil {
		return nil, fault.NewPermanent(fault.InputInvalid, errors.New("the list cannot be enclosed"))
	}
	return message, nil
}
