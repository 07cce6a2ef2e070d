package mail

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // to read mails that are not in UTF-8
	gomail "github.com/emersion/go-message/mail"
)

// Mail is one that came.
type Mail struct {
	ID         int       `json:"id"`
	At         time.Time `json:"at"`
	Sender     string    `json:"sender"`     // of the envelope
	Recipients []string  `json:"recipients"` // of the envelope

	From        string       `json:"from"`
	To          string       `json:"to"`
	Subject     string       `json:"subject"`
	MessageID   string       `json:"message_id"`
	Headers     []Header     `json:"headers"` // all of them, in their order
	Text        string       `json:"text"`
	HTML        string       `json:"html,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Problem     string       `json:"problem,omitempty"` // why not everything of it could be read

	source []byte
}

// Header is one line of a mail's header, decoded.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attachment is a part of a mail that is no text; what is in it is not kept but in the source.
type Attachment struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"`
}

// read decodes a mail as far as it can be read.
func read(source []byte) Mail {
	m := Mail{source: source}
	reader, err := gomail.CreateReader(bytes.NewReader(source))
	m.complain(err)
	if reader == nil {
		return m
	}
	m.readHeader(reader.Header)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return m
		}
		m.complain(err)
		if part == nil {
			return m
		}
		m.complain(m.readPart(part))
	}
}

// complain keeps the first of the problems.
func (m *Mail) complain(problem error) {
	if problem != nil && m.Problem == "" {
		m.Problem = problem.Error()
	}
}

func (m *Mail) readHeader(h gomail.Header) {
	for fields := h.Fields(); fields.Next(); {
		m.Headers = append(m.Headers, Header{fields.Key(), decoded(fields)})
	}
	m.From, m.To, m.Subject, m.MessageID = m.header("From"), m.header("To"), m.header("Subject"), m.header("Message-Id")
}

// decoded is a header's value, as it stands if it cannot be decoded.
func decoded(field message.HeaderFields) string {
	value, err := field.Text()
	if err != nil {
		return field.Value()
	}
	return value
}

func (m *Mail) header(name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

func (m *Mail) readPart(part *gomail.Part) error {
	content, err := io.ReadAll(part.Body)
	switch h := part.Header.(type) {
	case *gomail.InlineHeader:
		kind, _, _ := h.ContentType() // what it is not sure of is no text
		switch kind {
		case "text/plain":
			m.Text += string(content)
		case "text/html":
			m.HTML += string(content)
		default:
			m.Attachments = append(m.Attachments, Attachment{Type: kind, Size: int64(len(content))})
		}
	case *gomail.AttachmentHeader:
		kind, _, _ := h.ContentType()
		name, _ := h.Filename()
		m.Attachments = append(m.Attachments, Attachment{Name: name, Type: kind, Size: int64(len(content))})
	}
	return err
}
