package checkout

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vitrine/internal/assortment"
)

// Approval says whether a cart may be sold.
type Approval struct {
	Approved bool
	Ground   Ground // of a refusal, or why the fallback has to decide
	Reason   string // for the agent and its buyer; of a refusal
}

// Ground is why a cart is not simply approved, for counters.
type Ground string

const (
	OutOfStock      Ground = "out_of_stock"     // the feed says so
	NotEnough       Ground = "not_enough"       // fewer pieces are left than the cart has
	PriceChanged    Ground = "price_changed"    // the cart has another price than the feed
	OtherCurrency   Ground = "other_currency"   // the cart pays in another currency than the feed
	NotForSale      Ground = "not_for_sale"     // deleted, expired, or shown only
	NoShippingRate  Ground = "no_shipping_rate" // see Declines, as for the next two
	ShippingChanged Ground = "shipping_changed" // it costs what the feed does not say
	UnknownDiscount Ground = "unknown_discount" // the feed knows of none
	UnknownSKU      Ground = "unknown_sku"      // a complete assortment does not have it
	// the assortment does not say: it is not complete, or a row was withheld from Stripe
	Undecided Ground = "undecided"
)

// graceForPrice is how long the price before a sale began or ended still holds: for carts that were filled before.
const graceForPrice = 15 * time.Minute

// Approve decides about a cart by the assortment, and reserves its pieces for the checkout if it may be sold.
func Approve(
	r Request, x *assortment.Index, reservations *assortment.Reservations, account, checkout string, now time.Time,
	d Declines,
) Approval {
	var wants []assortment.Want
	unsure := false
	for _, l := range r.Lines() {
		item, known := x.Find(l.SKU())
		if item.Withheld || !known && !x.Progress.Complete {
			unsure = true
			continue
		}
		if v := judge(l, item, known, r.Currency, now); !v.Approved {
			return refuse(reservations, account, checkout, v)
		}
		wants = want(wants, l, item)
	}
	if v := d.deliver(r, x); !v.Approved {
		return refuse(reservations, account, checkout, v)
	}
	if unsure {
		return Approval{Ground: Undecided}
	}
	if short, ok := reservations.Reserve(account, checkout, wants); !ok {
		return tooFew(short)
	}
	return Approval{Approved: true}
}

// want adds a line to what is wanted: a SKU may stand in several.
func want(wants []assortment.Want, l Line, item assortment.Item) []assortment.Want {
	for i := range wants {
		if wants[i].SKU == l.SKU() {
			wants[i].Quantity += l.Quantity
			return wants
		}
	}
	w := assortment.Want{SKU: l.SKU(), Quantity: l.Quantity}
	w.Left, w.Limited = item.Left()
	return append(wants, w)
}

func refuse(reservations *assortment.Reservations, account, checkout string, v Approval) Approval {
	reservations.Release(account, checkout)
	return v
}

// judge looks at one line alone; how many pieces there are is for the whole cart to say.
func judge(l Line, item assortment.Item, known bool, currency string, now time.Time) Approval {
	switch {
	case !known:
		return Approval{Ground: UnknownSKU, Reason: fmt.Sprintf("%s is not sold here", shown(l.SKU()))}
	case item.Deleted || item.NoCheckout || item.Expired(now):
		return Approval{Ground: NotForSale, Reason: fmt.Sprintf("%s is no longer sold here", name(l, item))}
	case item.Availability == assortment.OutOfStock:
		return Approval{Ground: OutOfStock, Reason: name(l, item) + " is out of stock"}
	}
	return judgePrice(l, item, currency, now)
}

func judgePrice(l Line, item assortment.Item, currency string, now time.Time) Approval {
	price := item.PriceAt(now)
	unit, whole := price.MinorUnits()
	if !whole {
		return Approval{Approved: true} // no price, or one that Stripe has to round: there is nothing to compare with
	}
	if !strings.EqualFold(price.Currency.String(), currency) {
		return Approval{Ground: OtherCurrency, Reason: fmt.Sprintf("%s is sold in %s", name(l, item), price.Currency)}
	}
	before, _ := item.PriceAt(now.Add(-graceForPrice)).MinorUnits()
	if l.UnitAmount != nil && *l.UnitAmount != unit && *l.UnitAmount != before {
		return Approval{Ground: PriceChanged, Reason: fmt.Sprintf("the price of %s is now %s", name(l, item), price)}
	}
	return Approval{Approved: true}
}

func tooFew(short assortment.Want) Approval {
	if short.Left == 0 {
		return Approval{Ground: OutOfStock, Reason: shown(short.SKU) + " is out of stock"}
	}
	return Approval{Ground: NotEnough, Reason: fmt.Sprintf("only %d of %s are left", short.Left, shown(short.SKU))}
}

func name(l Line, item assortment.Item) string {
	if len(item.Title) > 0 {
		return fmt.Sprintf("%s (%s)", shown(string(item.Title)), shown(l.SKU()))
	}
	return shown(l.SKU())
}

// maxShown is what a reason repeats of a text, in characters: a SKU of the feed has 100 at most.
const maxShown = 100

// shown is a text as a reason may repeat it, short and on one line: a cart names whatever it likes, and agents read
// reasons.
func shown(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxShown {
			return b.String() + "…"
		}
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Finalized is the answer to FinalizeType.
type Finalized struct {
	Manual ManualApproval `json:"manual_approval_details"`
	Fee    *Fee           `json:"application_fee_details,omitempty"`
}

// ManualApproval says yes or no.
type ManualApproval struct {
	Type     string    `json:"type"` // approved or declined
	Declined *Declined `json:"declined,omitempty"`
}

// Declined says why not.
type Declined struct {
	Reason string `json:"reason"`
}

// Fee is what the platform keeps.
type Fee struct {
	Amount int64 `json:"application_fee_amount"`
}

// Approved is a yes; a fee of 0 is none.
func Approved(fee int64) Finalized {
	a := Finalized{Manual: ManualApproval{Type: "approved"}}
	if fee > 0 {
		a.Fee = &Fee{Amount: fee}
	}
	return a
}

// Refused is a no.
func Refused(reason string) Finalized {
	return Finalized{Manual: ManualApproval{Type: "declined", Declined: &Declined{Reason: reason}}}
}
