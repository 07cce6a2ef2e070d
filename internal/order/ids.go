package order

import (
	"fmt"
	"regexp"

	"vitrine/internal/fault"
)

// kind is a kind of Stripe's objects. Their ids become parts of paths, workflow ids and S3 keys, so nothing that does
// not look like one may pass.
type kind struct {
	name, example string // the name with its article
	pattern       *regexp.Regexp
}

var (
	sessionKind = kind{"a checkout session", "cs_…", regexp.MustCompile(`^cs_[A-Za-z0-9_]{1,200}$`)}
	paymentKind = kind{"a payment intent", "pi_…", regexp.MustCompile(`^pi_[A-Za-z0-9_]{1,100}$`)}
	// Payments other than by card are charges that begin with py_, their refunds begin with pyr_.
	chargeKind  = kind{"a charge", "ch_… or py_…", regexp.MustCompile(`^(ch|py)_[A-Za-z0-9_]{1,100}$`)}
	refundKind  = kind{"a refund", "re_… or pyr_…", regexp.MustCompile(`^(re|pyr)_[A-Za-z0-9_]{1,100}$`)}
	disputeKind = kind{"a dispute", "du_… or dp_…", regexp.MustCompile(`^(du|dp)_[A-Za-z0-9_]{1,100}$`)}
	eventKind   = kind{"an event", "evt_…", regexp.MustCompile(`^evt_[A-Za-z0-9_]{1,100}$`)}
	lineKind    = kind{"a line item", "li_…", regexp.MustCompile(`^li_[A-Za-z0-9_]{1,100}$`)}
	noticeKind  = kind{"a notice", "letters, digits, - and _", regexp.MustCompile(`^[A-Za-z0-9_-]{1,150}$`)}
)

func (k kind) check(id string) error {
	if k.pattern.MatchString(id) {
		return nil
	}
	return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("%.40q is not the id of %s (%s)", id, k.name, k.example))
}

// CheckSession returns a permanent error if id is not the id of a checkout session; so do the others for theirs.
func CheckSession(id string) error { return sessionKind.check(id) }

// CheckPaymentIntent is CheckSession for payment intents.
func CheckPaymentIntent(id string) error { return paymentKind.check(id) }

// CheckCharge is CheckSession for charges.
func CheckCharge(id string) error { return chargeKind.check(id) }

// CheckRefund is CheckSession for refunds.
func CheckRefund(id string) error { return refundKind.check(id) }

// CheckDispute is CheckSession for disputes.
func CheckDispute(id string) error { return disputeKind.check(id) }

// CheckEvent is CheckSession for events.
func CheckEvent(id string) error { return eventKind.check(id) }

// CheckLineItem is CheckSession for line items.
func CheckLineItem(id string) error { return lineKind.check(id) }
