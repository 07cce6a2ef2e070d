package checkout

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vitrine/internal/order"
	"vitrine/internal/strictjson"
)

// ByMerchant is the ground of a refusal that is the merchant's own.
const ByMerchant Ground = "merchant"

var errNoJSON = errors.New("it is not the JSON that docs/orders.md describes")

// ParseApproval reads a merchant's answer to whether a cart may be sold:
//
//	{"status": "approved"}
//	{"status": "declined", "reason": "out_of_stock"}
//
// The status must be there: a 200 of a page that is not the merchant's endpoint says neither yes nor no. The reason is
// one of the list that orders have. What a merchant writes freely would reach an agent, which may take it for an
// instruction.
func ParseApproval(body []byte) (Approval, error) {
	var answer struct {
		Status string `json:"status"`
		Reason string `json:"reason"`
	}
	if strictjson.DecodeOpen(body, &answer) != nil {
		return Approval{}, errNoJSON
	}
	switch answer.Status {
	case "approved":
		if slices.Contains(order.Reasons(), order.Reason(answer.Reason)) {
			return Approval{}, errors.New("it approves, and has the reason of a refusal")
		}
		return Approval{Approved: true}, nil
	case "declined":
		return Approval{Ground: ByMerchant, Reason: reasons[order.ReasonOf(answer.Reason)]}, nil
	}
	return Approval{}, errors.New("its status is neither approved nor declined")
}

// reasons are what an agent and its buyer are told. Nobody is told that they are suspected.
var reasons = map[order.Reason]string{
	order.OutOfStock:     "something in the cart is out of stock",
	order.Discontinued:   "something in the cart is no longer sold",
	order.PriceChanged:   "a price has changed",
	order.CannotShip:     "the shop cannot ship this to the address",
	order.FraudSuspected: "the shop does not accept this order",
	order.Duplicate:      "the shop has this order already",
	order.OtherReason:    "the shop does not accept this order",
}

// What an answer may have at most. Stripe takes five shipping options for a session; names are as long as it shows.
const (
	maxShippingOptions = 5
	maxTaxRates        = 10 // of a line
	maxShippingName    = 100
	maxTaxName         = 50
	maxAmount          = 99_999_999 // what Stripe takes for a price
	maxLapse           = 10_000
)

// ParseCustomization reads a merchant's answer to how a cart is shipped and taxed. It is written as Stripe's own hook
// answers (docs/orders.md), with data of its own in place of Stripe's rates:
//
//	{"shipping_options": [{"shipping_rate_data": {"display_name": "Bike", "fixed_amount": {"amount": 700, "currency": "usd"}}}],
//	 "line_items": [{"id": "li_1", "tax_rates": [{"rate_data": {"display_name": "VAT", "inclusive": true, "percentage": 20}}]}]}
//
// It is taken whole or not at all: what Stripe could not read would end the checkout. Taxes are passed over where
// Stripe works them out.
func ParseCustomization(body []byte, q Question) (Customization, error) {
	var c *Customization
	if strictjson.DecodeOpen(body, &c) != nil || c == nil {
		return Customization{}, errNoJSON
	}
	if !namesItsNumbers(body) {
		return Customization{},
			errors.New("an amount, a value, a percentage or inclusive is missing: nothing is free, or taxed " +
				"otherwise, because it is not there")
	}
	if err := errors.Join(c.checkShipping(q.Currency), c.checkTaxes(q.Lines)); err != nil {
		return Customization{}, err
	}
	if q.AutomaticTax {
		c.LineItems = nil
	}
	return *c, nil
}

// namesItsNumbers reports whether nothing is absent that would count as 0 or as no.
func namesItsNumbers(body []byte) bool {
	type lapse struct {
		Value *int64 `json:"value"`
	}
	var c struct {
		ShippingOptions []struct {
			Rate struct {
				FixedAmount struct {
					Amount *int64 `json:"amount"`
				} `json:"fixed_amount"`
				Estimate *struct {
					Minimum lapse `json:"minimum"`
					Maximum lapse `json:"maximum"`
				} `json:"delivery_estimate"`
			} `json:"shipping_rate_data"`
		} `json:"shipping_options"`
		LineItems []struct {
			TaxRates []struct {
				Data struct {
					Percentage *float64 `json:"percentage"`
					Inclusive  *bool    `json:"inclusive"` // absent, it would be false, and the tax be added
				} `json:"rate_data"`
			} `json:"tax_rates"`
		} `json:"line_items"`
	}
	if strictjson.DecodeOpen(body, &c) != nil {
		return false
	}
	for _, option := range c.ShippingOptions {
		if e := option.Rate.Estimate; option.Rate.FixedAmount.Amount == nil ||
			e != nil && (e.Minimum.Value == nil || e.Maximum.Value == nil) {
			return false
		}
	}
	for _, item := range c.LineItems {
		for _, rate := range item.TaxRates {
			if rate.Data.Percentage == nil || rate.Data.Inclusive == nil {
				return false
			}
		}
	}
	return true
}

func (c Customization) checkShipping(currency string) error {
	if len(c.ShippingOptions) > maxShippingOptions {
		return fmt.Errorf("it has %d shipping options: at most %d", len(c.ShippingOptions), maxShippingOptions)
	}
	for i := range c.ShippingOptions {
		r := &c.ShippingOptions[i].Rate
		r.FixedAmount.Currency = strings.ToLower(r.FixedAmount.Currency)
		if err := r.check(currency); err != nil {
			return fmt.Errorf("shipping option %d: %w", i+1, err)
		}
	}
	return nil
}

var taxCodePattern = regexp.MustCompile(`^(txcd_[A-Za-z0-9]{1,40})?$`)

func (r ShippingRate) check(currency string) error {
	switch {
	case !legible(r.DisplayName, maxShippingName):
		return fmt.Errorf("shipping_rate_data.display_name: expected a name of at most %d characters on one line",
			maxShippingName)
	case r.FixedAmount.Amount < 0 || r.FixedAmount.Amount > maxAmount:
		return errors.New("fixed_amount.amount: expected an amount in the currency's smallest coins")
	case r.FixedAmount.Currency != currency:
		return errors.New("fixed_amount.currency: expected that of the cart")
	case order.CheckAmount(r.FixedAmount.Amount, currency) != nil:
		return errors.New("fixed_amount.amount: Stripe charges no such amount of this currency: round it")
	case !slices.Contains([]string{"", "inclusive", "exclusive", "unspecified"}, r.TaxBehavior):
		return errors.New("tax_behavior: expected inclusive, exclusive or unspecified")
	case !taxCodePattern.MatchString(r.TaxCode):
		return errors.New("tax_code: expected a code such as txcd_92010001")
	case r.Estimate != nil:
		return r.Estimate.check()
	}
	return nil
}

// lapses are the units of Stripe's hook. Its shipping rates have weeks, and no years.
var lapses = []string{"hour", "day", "business_day", "month", "year"}

func (e DeliveryEst) check() error {
	for _, l := range []Lapse{e.Minimum, e.Maximum} {
		if !slices.Contains(lapses, l.Unit) || l.Value < 0 || l.Value > maxLapse {
			return fmt.Errorf("delivery_estimate: expected a minimum and a maximum, each with a unit (%s) and a value",
				strings.Join(lapses, ", "))
		}
	}
	if e.Minimum.Unit == e.Maximum.Unit && e.Minimum.Value > e.Maximum.Value {
		return errors.New("delivery_estimate: the minimum is above the maximum")
	}
	return nil
}

func (c Customization) checkTaxes(lines []QuestionLine) error {
	seen := map[string]bool{}
	for _, item := range c.LineItems {
		known := slices.ContainsFunc(lines, func(l QuestionLine) bool { return l.ID == item.ID })
		switch {
		case !known || seen[item.ID]:
			return errors.New("line_items: it names a line that is not in the cart, or one twice")
		case len(item.TaxRates) == 0 || len(item.TaxRates) > maxTaxRates:
			return fmt.Errorf("line_items: expected 1 to %d tax_rates in each", maxTaxRates)
		}
		seen[item.ID] = true
		for _, rate := range item.TaxRates {
			if d := rate.Data; !legible(d.DisplayName, maxTaxName) || !(d.Percentage >= 0 && d.Percentage <= 100) {
				return fmt.Errorf("rate_data: expected a display_name of at most %d characters, and a percentage "+
					"from 0 to 100", maxTaxName)
			}
		}
	}
	return nil
}

// legible reports whether a name can be shown: it is there, and is one line of text.
func legible(name string, most int) bool {
	return strings.TrimSpace(name) != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= most &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}
