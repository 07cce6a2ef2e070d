package order

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"vitrine/internal/fault"
)

// Evidence is what is known against a dispute, by Stripe's names for it
// (https://docs.stripe.com/api/disputes/evidence_object). It holds the buyer's data: it goes into a bundle in S3 and to
// Stripe, not into history.
type Evidence struct {
	CustomerName           string `json:"customer_name,omitempty"`
	CustomerEmailAddress   string `json:"customer_email_address,omitempty"`
	BillingAddress         string `json:"billing_address,omitempty"`
	ShippingAddress        string `json:"shipping_address,omitempty"`
	ShippingCarrier        string `json:"shipping_carrier,omitempty"`
	ShippingDate           string `json:"shipping_date,omitempty"`
	ShippingTrackingNumber string `json:"shipping_tracking_number,omitempty"`
	ProductDescription     string `json:"product_description,omitempty"`
	UncategorizedText      string `json:"uncategorized_text,omitempty"`
}

// maxEvidence is how many characters Stripe takes in one text.
const maxEvidence = 20_000

// Evidence gathers what the session and its shipments say.
func (s Session) Evidence(shipments []Shipment) Evidence {
	e := Evidence{
		CustomerName: s.Buyer.Name, CustomerEmailAddress: s.Buyer.Email,
		ProductDescription: s.productDescription(), UncategorizedText: s.story(shipments),
	}
	if s.Buyer.Address != nil {
		e.BillingAddress = s.Buyer.Address.text()
	}
	if s.ShipTo != nil {
		e.ShippingAddress = s.ShipTo.Address.text()
	}
	var carriers, numbers []string
	for _, parcel := range shipments {
		carriers = appendNew(carriers, parcel.Carrier)
		numbers = appendNew(numbers, parcel.Tracking)
		if e.ShippingDate == "" && !parcel.ShippedAt.IsZero() {
			e.ShippingDate = parcel.ShippedAt.UTC().Format(time.DateOnly)
		}
	}
	e.ShippingCarrier, e.ShippingTrackingNumber = strings.Join(carriers, ", "), strings.Join(numbers, ", ")
	return e
}

func (s Session) productDescription() string {
	var b strings.Builder
	for i, line := range s.Summary.Lines {
		name := line.SKU
		if i < len(s.Texts) && s.Texts[i].Name != "" {
			name = s.Texts[i].Name + " (" + line.SKU + ")"
		}
		fmt.Fprintf(&b, "%d × %s\n", line.Quantity, name)
	}
	return clip(b.String())
}

func (s Session) story(shipments []Shipment) string {
	var b strings.Builder
	agent := "an AI agent"
	if s.Summary.Agent.Name != "" {
		agent += " (" + s.Summary.Agent.Name + ")"
	}
	fmt.Fprintf(&b, "Bought through %s on %s, checkout session %s.\n", agent,
		s.Summary.Created.UTC().Format(time.DateOnly), s.Summary.ID.Session)
	for _, parcel := range shipments {
		if !parcel.DeliveredAt.IsZero() {
			fmt.Fprintf(&b, "Parcel %s was delivered on %s.\n", parcel.Tracking,
				parcel.DeliveredAt.UTC().Format(time.DateOnly))
		}
	}
	return clip(b.String())
}

func appendNew(list []string, text string) []string {
	for _, had := range list {
		if had == text {
			return list
		}
	}
	if text == "" {
		return list
	}
	return append(list, text)
}

func (a Address) text() string {
	var parts []string
	for _, part := range []string{a.Line1, a.Line2, a.City, a.State, a.PostalCode, a.Country} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}

func clip(text string) string {
	if runes := []rune(text); len(runes) > maxEvidence {
		return string(runes[:maxEvidence])
	}
	return text
}

// Check returns a permanent error if there is nothing to submit.
func (e Evidence) Check() error {
	if e == (Evidence{}) {
		return fault.NewPermanent(fault.InputInvalid, errors.New("there is no evidence to submit"))
	}
	return nil
}

// String says nothing of the buyer; neither does %#v.
func (Evidence) String() string { return "[evidence]" }

// GoString is String, for %#v.
func (Evidence) GoString() string { return "[evidence]" }

// LogValue is what slog writes.
func (Evidence) LogValue() slog.Value { return slog.StringValue("[evidence]") }
