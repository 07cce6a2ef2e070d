package order

import (
	"errors"
	"log/slog"
	"time"
)

// Session is a whole checkout session as loaded from Stripe: what may be remembered (Summary), and the buyer. It lives
// within one activity. Encoding it fails, so it can become neither a result nor an argument in history by mistake.
type Session struct {
	Summary  Summary
	Texts    []LineText // of the lines, in their order
	Buyer    Buyer
	ShipTo   *Recipient // nil if nothing is shipped
	Shipping *ShippingChoice
	Card     *Card
	Receipt  string // the receipt's number
	Metadata map[string]string
}

// LineText is what the line says to people, and its taxes.
type LineText struct {
	Name        string
	Description string
	Taxes       []Tax
}

// Tax is one tax of a line.
type Tax struct {
	Amount     int64   `json:"amount"`
	Type       string  `json:"type,omitempty"` // such as vat or sales_tax
	Percentage float64 `json:"percentage,omitempty"`
}

// Buyer is who bought.
type Buyer struct {
	Name    string   `json:"name,omitempty"`
	Email   string   `json:"email,omitempty"`
	Phone   string   `json:"phone,omitempty"`
	Address *Address `json:"address,omitempty"` // of the bill
}

// Recipient is where the goods go.
type Recipient struct {
	Name    string  `json:"name,omitempty"`
	Phone   string  `json:"phone,omitempty"`
	Address Address `json:"address"`
}

// Address is a postal address as Stripe has it.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"`
}

// ShippingChoice is the way of shipping that the buyer, or the agent, chose.
type ShippingChoice struct {
	Rate     string            `json:"rate,omitempty"` // shr_…
	Name     string            `json:"name,omitempty"`
	Amount   int64             `json:"amount_total"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Card is what a receipt shows of a card.
type Card struct {
	Brand string `json:"brand,omitempty"`
	Last4 string `json:"last4,omitempty"`
}

var errPersonal = errors.New("this holds a buyer's data, which must not leave the activity: return its Summary")

// MarshalJSON fails: see Session.
func (Session) MarshalJSON() ([]byte, error) { return nil, errPersonal }

// String names the session and nothing of its buyer.
func (s Session) String() string { return s.Summary.ID.String() }

// GoString is String, for %#v.
func (s Session) GoString() string { return s.String() }

// LogValue is what slog writes.
func (s Session) LogValue() slog.Value { return slog.StringValue(s.String()) }

// DocumentVersion is the version of the document's JSON. It grows with changes that a reader must know of; a field more
// is none.
const DocumentVersion = 1

// Document is the order as the merchant gets it; docs/order.schema.json describes its JSON. It holds the buyer's data,
// so it goes to the merchant and nowhere else.
type Document struct {
	Version  int               `json:"version"`
	Type     string            `json:"type"` // order
	ID       string            `json:"id"`   // order/<account>/<session>
	Account  string            `json:"account"`
	Session  string            `json:"session"`
	Livemode bool              `json:"livemode"`
	Created  time.Time         `json:"created"`
	Currency string            `json:"currency"`
	Amounts  Amounts           `json:"amounts"`
	Lines    []DocumentLine    `json:"lines"`
	Buyer    Buyer             `json:"buyer"`
	ShipTo   *Recipient        `json:"ship_to,omitempty"`
	Shipping *ShippingChoice   `json:"shipping,omitempty"`
	Agent    *Agent            `json:"agent,omitempty"` // absent if no agent bought, or Stripe does not say
	Payment  DocumentPayment   `json:"payment"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// DocumentLine is a line of the order with its texts.
type DocumentLine struct {
	Line
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Taxes       []Tax  `json:"taxes,omitempty"`
}

// DocumentPayment is the state of the money when the document was made. It is the one part that may differ between two
// documents of the same order.
type DocumentPayment struct {
	PaymentIntent        string       `json:"payment_intent,omitempty"`
	Charge               string       `json:"charge,omitempty"`
	State                PaymentState `json:"state"`
	AuthorizationExpires time.Time    `json:"authorization_expires_at,omitzero"`
	Card                 *Card        `json:"card,omitempty"`
	Receipt              string       `json:"receipt,omitempty"`
}

// Document makes the merchant's document of the session.
func (s Session) Document() Document {
	sum := s.Summary
	doc := Document{
		Version: DocumentVersion, Type: "order", ID: sum.ID.String(), Account: sum.ID.Account, Session: sum.ID.Session,
		Livemode: sum.Livemode, Created: sum.Created.UTC(), Currency: sum.Currency, Amounts: sum.Amounts,
		Lines: s.documentLines(),
		Buyer: s.Buyer, ShipTo: s.ShipTo, Shipping: s.Shipping, Metadata: s.Metadata,
		Payment: DocumentPayment{
			PaymentIntent: sum.PaymentIntent, Charge: sum.Charge, State: sum.Payment.State,
			AuthorizationExpires: sum.Payment.AuthorizationExpires.UTC(), Card: s.Card, Receipt: s.Receipt,
		},
	}
	if sum.Agent != (Agent{}) {
		doc.Agent = &sum.Agent
	}
	return doc
}

func (s Session) documentLines() []DocumentLine {
	lines := make([]DocumentLine, len(s.Summary.Lines))
	for i, line := range s.Summary.Lines {
		lines[i].Line = line
		if i < len(s.Texts) {
			text := s.Texts[i]
			lines[i].Name, lines[i].Description, lines[i].Taxes = text.Name, text.Description, text.Taxes
		}
	}
	return lines
}

// String names the order and nothing of its buyer.
func (d Document) String() string { return d.ID }

// GoString is String, for %#v.
func (d Document) GoString() string { return d.ID }

// LogValue is what slog writes.
func (d Document) LogValue() slog.Value { return slog.StringValue(d.ID) }
