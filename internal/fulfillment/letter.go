package fulfillment

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/template"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

var mailKinds = []order.MailKind{order.ConfirmationMail, order.RejectionMail}

//go:embed templates
var embedded embed.FS

// letter is what templates know. Amounts are written for people; an empty one is zero.
type letter struct {
	Shop         string
	Buyer        string
	ByAgent      bool
	Agent        string // empty if Stripe does not name it
	Session      string
	Reference    string // the merchant's number of the order, if it has one
	OrderURL     string
	Lines        []letterLine
	Partial      bool
	Discount     string
	Shipping     string
	ShippingName string
	Tax          string
	Total        string // what the buyer owes in the end
	Ordered      string // what the whole order would have cost; empty if nothing
	ShipTo       *order.Recipient
	ShipToLines  []string // the same as lines, in the order of the country
	Reason       order.Reason
	Refunded     bool // of a rejection: the money was taken already, and goes back
}

type letterLine struct {
	SKU, Name         string
	Ordered, Quantity int64
	Complete          bool
	// of the quantity: before discount and tax; of a partial acceptance what is paid. Empty for nothing
	Price string
	// OrderedPrice is that of all that was ordered, before discount and tax.
	OrderedPrice string
}

// newLetter leaves tax and discount out of a partial acceptance: they are the whole order's.
func newLetter(m order.Mail, s order.Session, d order.Decision) letter {
	sum := s.Summary
	l := letter{
		Shop: m.Name, Buyer: oneLine(s.Buyer.Name), ByAgent: sum.Agentic(), Agent: oneLine(sum.Agent.Name),
		Session: sum.ID.Session, Reference: d.Reference,
		OrderURL: strings.ReplaceAll(m.OrderURL, "{CHECKOUT_SESSION_ID}", sum.ID.Session), Reason: d.Reason,
		ShipTo: tidy(s.ShipTo), ShipToLines: postalLines(s.ShipTo, m.Language),
		Shipping: amount(sum.Amounts.Shipping, sum.Currency), Total: order.Money(sum.AcceptedAmount(d), sum.Currency),
		Ordered: amount(sum.Amounts.Total, sum.Currency), Refunded: sum.Payment.Captured > 0,
	}
	if l.Shop == "" {
		l.Shop = m.From
	}
	if s.Shipping != nil {
		l.ShippingName = oneLine(s.Shipping.Name)
	}
	l.Lines, l.Partial = letterLines(s, d)
	if !l.Partial {
		l.Discount, l.Tax = amount(sum.Amounts.Discount, sum.Currency), amount(sum.Amounts.Tax, sum.Currency)
	}
	return l
}

// tidy is for templates that write an address themselves.
func tidy(to *order.Recipient) *order.Recipient {
	if to == nil {
		return nil
	}
	a := to.Address
	return &order.Recipient{Name: oneLine(to.Name), Phone: oneLine(to.Phone), Address: order.Address{
		Line1: oneLine(a.Line1), Line2: oneLine(a.Line2), City: oneLine(a.City), State: oneLine(a.State),
		PostalCode: oneLine(a.PostalCode), Country: oneLine(a.Country),
	}}
}

func amount(n int64, currency string) string {
	if n == 0 {
		return ""
	}
	return order.Money(n, currency)
}

func letterLines(s order.Session, d order.Decision) (lines []letterLine, partial bool) {
	left := map[string]int64{}
	for _, line := range d.Lines {
		left[line.SKU] += line.Quantity
	}
	for i, line := range s.Summary.Lines {
		quantity := line.Quantity
		if len(d.Lines) > 0 {
			quantity = min(left[line.SKU], line.Quantity)
			left[line.SKU] -= quantity
		}
		name := line.SKU
		if i < len(s.Texts) && s.Texts[i].Name != "" {
			name = s.Texts[i].Name
		}
		complete := quantity == line.Quantity
		partial = partial || !complete
		lines = append(lines, letterLine{SKU: oneLine(line.SKU), Name: oneLine(name), Ordered: line.Quantity,
			Quantity: quantity, Complete: complete, OrderedPrice: order.Money(line.Subtotal, s.Summary.Currency)})
	}
	for i, line := range s.Summary.Lines {
		switch {
		case lines[i].Quantity == 0:
		case partial:
			lines[i].Price = order.Money(line.TotalOf(lines[i].Quantity), s.Summary.Currency)
		default:
			lines[i].Price = order.Money(line.Subtotal, s.Summary.Currency)
		}
	}
	return lines, partial
}

// letters finds templates: in the deployment's folder, under the account's language and then without, then Vitrine's
// own.
type letters struct{ folder fs.FS }

func newLetters(dir string) (letters, error) {
	var l letters
	if dir != "" {
		l.folder = os.DirFS(dir)
		if _, err := fs.Stat(l.folder, "."); err != nil {
			return letters{}, fmt.Errorf("the folder of mail templates cannot be read: %w", err)
		}
	}
	var errs []error
	for _, kind := range mailKinds {
		_, _, _, err := l.write(kind, "", letter{})
		errs = append(errs, err)
	}
	return l, errors.Join(errs...)
}

// write fills in the templates of a kind: NAME.txt, whose first line is the subject, and NAME.html.
func (l letters) write(kind order.MailKind, language string, content letter) (subject, text, html string, err error) {
	text, err = fill(kind, language, ".txt", content, l, func(name, source string) (executor, error) {
		return template.New(name).Option("missingkey=error").Parse(source)
	})
	if err == nil {
		html, err = fill(kind, language, ".html", content, l, func(name, source string) (executor, error) {
			return htmltemplate.New(name).Option("missingkey=error").Parse(source)
		})
	}
	if err != nil {
		return "", "", "", err
	}
	first, rest, _ := strings.Cut(text, "\n")
	subject, ok := strings.CutPrefix(strings.TrimSpace(first), "Subject: ")
	if !ok {
		return "", "", "", badTemplate(string(kind)+".txt",
			errors.New(`its first line does not begin with "Subject: "`))
	}
	return subject, strings.TrimLeft(rest, "\r\n"), html, nil
}

// executor is what text/template and html/template have in common.
type executor interface {
	Execute(into io.Writer, content any) error
}

func fill(
	kind order.MailKind, language, ending string, content letter, l letters,
	parse func(name, source string) (executor, error),
) (string, error) {
	name := string(kind) + ending
	source, err := l.read(language, name)
	if err != nil {
		return "", badTemplate(name, err)
	}
	parsed, err := parse(name, string(source))
	if err != nil {
		return "", badTemplate(name, err)
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, content); err != nil {
		return "", badTemplate(name, err)
	}
	return b.String(), nil
}

// badTemplate may quote the template, which is the platform's, never what would fill it in: the errors of the template
// packages name fields, not values.
func badTemplate(name string, err error) error {
	return fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf("mail template %s: %w", name, err))
}

func (l letters) read(language, name string) ([]byte, error) {
	source, err := l.readOwn(language, name)
	if errors.Is(err, fs.ErrNotExist) {
		return embedded.ReadFile("templates/" + name)
	}
	return source, err
}

// readOwn finds a template of the platform's own.
func (l letters) readOwn(language, name string) (source []byte, err error) {
	if l.folder == nil {
		return nil, fs.ErrNotExist
	}
	for _, path := range []string{language + "/" + name, name} {
		source, err = fs.ReadFile(l.folder, strings.TrimPrefix(path, "/"))
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return source, err
}

// spoken is the language that a mail is in: Vitrine's own templates are in English, whatever the account's language.
func (l letters) spoken(kind order.MailKind, language string) string {
	if _, err := l.readOwn(language, string(kind)+".txt"); err != nil {
		return "en"
	}
	return language
}
