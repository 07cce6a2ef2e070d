package order

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/statestore"
	"vitrine/internal/utc"
)

// Settings say what becomes of an account's orders. An account without a document has none fulfilled: Enabled is false.
type Settings struct {
	Account    string     `json:"account"`
	Enabled    bool       `json:"enabled"`
	Which      Which      `json:"which,omitempty"`       // empty: agent
	Capture    Capture    `json:"capture,omitempty"`     // empty: on_acceptance
	Expiring   Expiring   `json:"expiring,omitempty"`    // empty: capture
	UnknownSKU UnknownWay `json:"unknown_sku,omitempty"` // empty: hold
	// Since is when Vitrine took the account's orders over, AllSince when it took over those that no agent placed: what
	// was placed before is somebody else's, whatever is heard of it later. Inherit fills them in.
	Since    time.Time `json:"since,omitzero"`
	AllSince time.Time `json:"all_since,omitzero"`
	// DecideWithin is how long a merchant may leave an order pending; zero: 72h.
	DecideWithin account.Interval `json:"decide_within,omitzero"`
	// SettleWindow is how long after its last news an order is watched for refunds and disputes; zero: 120 days, the
	// time that most card networks give a buyer for a dispute.
	SettleWindow account.Interval `json:"settle_window,omitzero"`
	Checkout     Checkout         `json:"checkout,omitzero"`
	// InventoryAfterOrder has Stripe told how much is left of what an accepted order took, before the merchant's own
	// export says so.
	InventoryAfterOrder bool        `json:"inventory_after_order,omitempty"`
	Fulfillment         Fulfillment `json:"fulfillment,omitzero"`
	Mail                Mail        `json:"mail,omitzero"`
}

// Which orders are fulfilled.
type Which string

const (
	AgentOrders Which = "agent" // those that Stripe says an agent placed, or that name a row of a feed
	AllOrders   Which = "all"   // every completed checkout of the account
)

// Capture is when an authorised payment is captured.
type Capture string

const (
	OnAcceptance Capture = "on_acceptance" // as soon as the merchant takes the order
	OnShipment   Capture = "on_shipment"   // with the first parcel
)

// Expiring is what becomes of an accepted order that has not been shipped when its authorisation is about to expire.
type Expiring string

const (
	CaptureExpiring Expiring = "capture" // the merchant has accepted: take the money while it is there
	CancelExpiring  Expiring = "cancel"  // nothing was shipped: let the buyer go
)

// UnknownWay is what becomes of an order with a SKU that the catalog does not have.
type UnknownWay string

const (
	HoldUnknown   UnknownWay = "hold"   // until a person decides
	FulfilUnknown UnknownWay = "fulfil" // the merchant knows their products
	RejectUnknown UnknownWay = "reject" // as if the merchant had said so
)

// FulfillmentKind is the way to the merchant.
type FulfillmentKind string

const (
	HTTPS FulfillmentKind = "https" // a request to the merchant's endpoint
	S3    FulfillmentKind = "s3"    // an object in a bucket
)

// Fulfillment says how orders reach the merchant. A secret is named here and stands elsewhere.
type Fulfillment struct {
	Kind FulfillmentKind `json:"kind,omitempty"`

	URL string `json:"url,omitempty"` // https: where orders are posted to
	// https: variable with the signing secret (whsec_…), MERCHANT_SECRET_…
	SecretEnv  string `json:"secret_env,omitempty"`
	SecretFile string `json:"secret_file,omitempty"` // https: or the name of a file in the folder of secrets

	Bucket string `json:"bucket,omitempty"` // s3: empty means the state bucket
	Prefix string `json:"prefix,omitempty"` // s3: what the keys begin with; empty means orders/
	// AwaitAnswer (s3) leaves an order pending until the merchant answers by other means. Otherwise, what lies in the
	// bucket counts as accepted.
	AwaitAnswer bool `json:"await_answer,omitempty"`
}

// Mail says who writes to the buyer. Without a sender there is no mail.
type Mail struct {
	From     string `json:"from,omitempty"`      // address of the sender
	Name     string `json:"name,omitempty"`      // the shop's name
	ReplyTo  string `json:"reply_to,omitempty"`  // address for answers
	Language string `json:"language,omitempty"`  // folder of templates; empty: the deployment's own
	OrderURL string `json:"order_url,omitempty"` // a page about the order; {CHECKOUT_SESSION_ID} is filled in
}

const (
	defaultDecideWithin = 72 * time.Hour
	defaultSettleWindow = 120 * 24 * time.Hour
)

// WithDefaults fills in what the document leaves open.
func (s Settings) WithDefaults() Settings {
	s.Which = cmp.Or(s.Which, AgentOrders)
	s.Capture = cmp.Or(s.Capture, OnAcceptance)
	s.Expiring = cmp.Or(s.Expiring, CaptureExpiring)
	s.UnknownSKU = cmp.Or(s.UnknownSKU, HoldUnknown)
	s.DecideWithin = cmp.Or(s.DecideWithin, account.Interval(defaultDecideWithin))
	s.SettleWindow = cmp.Or(s.SettleWindow, account.Interval(defaultSettleWindow))
	s.Checkout.NoRate = cmp.Or(s.Checkout.NoRate, DeclineCheckout)
	s.Checkout.OtherShipping = cmp.Or(s.Checkout.OtherShipping, ApproveCheckout)
	s.Checkout.Discount = cmp.Or(s.Checkout.Discount, ApproveCheckout)
	if s.Fulfillment.Kind == S3 {
		s.Fulfillment.Prefix = cmp.Or(s.Fulfillment.Prefix, statestore.OrdersPrefix)
	}
	if s.Checkout.Merchant.URL != "" {
		s.Checkout.Merchant.Within = cmp.Or(s.Checkout.Merchant.Within, account.Interval(defaultWithin))
	}
	return s
}

// Wants reports whether these settings have the order fulfilled.
func (s Settings) Wants(o Summary) bool { return s.Unwanted(o) == "" }

// Unwanted says why these settings do not have the order fulfilled; empty: they do.
func (s Settings) Unwanted(o Summary) string {
	since := s.AllSince
	if o.Agentic() {
		since = s.Since
	}
	switch {
	case !s.Enabled:
		return "the account has no orders fulfilled: its settings are not enabled, or not there"
	case !o.Agentic() && s.Which != AllOrders:
		return "not an agent's order: Stripe names no agent, no line names a row of the feed, and the settings want " +
			"agents' alone (which)"
	case o.PlacedAt().Before(since):
		return fmt.Sprintf("placed at %s, before Vitrine took over at %s (since)",
			utc.Text(o.PlacedAt()), utc.Text(since))
	}
	return ""
}

// CheckTakeover returns an error if Vitrine would take the orders over in the future: every order until then would be
// nobody's.
func (s Settings) CheckTakeover(now time.Time) error {
	var errs []error
	for _, moment := range []struct {
		name string
		at   time.Time
	}{{"since", s.Since}, {"all_since", s.AllSince}} {
		if moment.at.After(now.Add(time.Minute)) {
			errs = append(errs,
				fmt.Errorf("%s %s is in the future: orders that are placed until then would be fulfilled by nobody; "+
					"set it once the time has come",
					moment.name, moment.at.UTC().Format(time.RFC3339)))
		}
	}
	return errors.Join(errs...)
}

// CheckClear returns an error if the settings name what does not hold beside what else they say: somebody meant it.
func (s Settings) CheckClear() error {
	var errs []error
	f := s.Fulfillment
	switch {
	case f.Kind != HTTPS && f.Endpoint() != (Endpoint{}):
		errs = append(errs, errors.New("fulfillment: url, secret_env and secret_file belong to the kind https"))
	case f.Kind != S3 && (f.Bucket != "" || f.Prefix != "" || f.AwaitAnswer):
		errs = append(errs, errors.New("fulfillment: bucket, prefix and await_answer belong to the kind s3"))
	}
	if m := s.Checkout.Merchant; m.URL == "" && (len(m.Asked) > 0 || m.Within != 0) {
		errs = append(errs, errors.New("checkout.merchant: asked and within are of an endpoint, and there is no url"))
	}
	if fee := s.Checkout.Fee; fee.Currency != "" && fee.Fixed == 0 {
		errs = append(errs, errors.New("checkout.application_fee: currency is that of fixed, which is not there"))
	}
	if m := s.Mail; m.From == "" && m != (Mail{}) {
		errs = append(errs, errors.New("mail: without from nobody writes to the buyer: give it, or leave mail away"))
	}
	return errors.Join(errs...)
}

// Inherit is the settings as they follow on the ones before: what those had fulfilled goes on, what they had not begins
// now. Times that the settings name themselves stay.
func (s Settings) Inherit(before Settings, now time.Time) Settings {
	s.Since = takenOver(s.Since, s.Enabled, before.Since, before.Enabled, now)
	s.AllSince = takenOver(s.AllSince, s.Enabled && s.Which == AllOrders, before.AllSince,
		before.Enabled && before.Which == AllOrders, now)
	return s
}

// Corrected is the settings with the right time where they have it by a clock that was wrong: of what they took over
// "now", and of what is still to come. Clocks may differ by less than a minute.
func (s Settings) Corrected(wrong, right time.Time) Settings {
	now, right := wrong.UTC().Truncate(time.Second), right.UTC().Truncate(time.Second)
	off := wrong.Sub(right).Abs() > time.Minute
	for _, moment := range []*time.Time{&s.Since, &s.AllSince} {
		if off && moment.Equal(now) || moment.After(right.Add(time.Minute)) {
			*moment = right
		}
	}
	return s
}

func takenOver(named time.Time, wanted bool, since time.Time, hadBeen bool, now time.Time) time.Time {
	switch {
	case !named.IsZero() || !wanted:
		return named
	case hadBeen:
		return since
	}
	return now.UTC().Truncate(time.Second)
}

var (
	pagePattern     = regexp.MustCompile(`^https://[^\s/?#@\\<>"]+(/[^\s<>"]*)?$`)
	bucketPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$`)
	prefixPattern   = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]{0,99}/){1,6}$`)
	languagePattern = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$`)
)

// Check returns every problem of the settings, joined.
func (s Settings) Check() error {
	errs := []error{
		account.Check(s.Account),
		oneOf("which", s.Which, AgentOrders, AllOrders),
		oneOf("capture", s.Capture, OnAcceptance, OnShipment),
		oneOf("expiring", s.Expiring, CaptureExpiring, CancelExpiring),
		oneOf("unknown_sku", s.UnknownSKU, HoldUnknown, FulfilUnknown, RejectUnknown),
		within("decide_within", s.DecideWithin, time.Minute, 30*24*time.Hour),
		within("settle_window", s.SettleWindow, time.Minute, 540*24*time.Hour),
		s.Checkout.check(), s.Fulfillment.check(s.Enabled), s.Mail.check(),
	}
	return errors.Join(errs...)
}

func oneOf[T ~string](name string, value T, known ...T) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	return fmt.Errorf("%s %.40q is not known: expected %s", name, string(value), strings.Join(names, " or "))
}

func within(name string, value account.Interval, least, most time.Duration) error {
	if d := time.Duration(value); value != 0 && (d < least || d > most) {
		return fmt.Errorf("%s %s is out of bounds: from %s to %s", name, value, account.Interval(least),
			account.Interval(most))
	}
	return nil
}

func (f Fulfillment) check(needed bool) error {
	switch f.Kind {
	case "":
		if needed {
			return errors.New("fulfillment.kind is not set: expected https or s3")
		}
		return nil
	case HTTPS:
		return f.Endpoint().Check("fulfillment")
	case S3:
		return f.checkDrop()
	}
	return fmt.Errorf("fulfillment.kind %.40q is not known: expected https or s3", string(f.Kind))
}

func (f Fulfillment) checkDrop() (err error) {
	if f.Bucket != "" && !bucketPattern.MatchString(f.Bucket) {
		err = errors.New("fulfillment.bucket is not the name of a bucket")
	}
	if f.Prefix != "" && !prefixPattern.MatchString(f.Prefix) {
		err = errors.Join(err,
			errors.New("fulfillment.prefix: expected something like orders/, of letters, digits, dots and hyphens, "+
				"with a slash at its end"))
	}
	return err
}

func (m Mail) check() error {
	var errs []error
	for _, address := range []struct{ name, value string }{{"from", m.From}, {"reply_to", m.ReplyTo}} {
		if address.value != "" && !account.IsAddress(address.value) {
			errs = append(errs, fmt.Errorf("mail.%s is not an address such as shop@example.com", address.name))
		}
	}
	if strings.ContainsFunc(m.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(m.Name) > 100 {
		errs = append(errs, errors.New("mail.name: expected the shop's name, at most 100 bytes on one line"))
	}
	if m.Language != "" && !languagePattern.MatchString(m.Language) {
		errs = append(errs, fmt.Errorf("mail.language %.20q: expected a language such as de or pt-BR", m.Language))
	}
	if m.OrderURL != "" && !pagePattern.MatchString(m.OrderURL) {
		errs = append(errs,
			errors.New("mail.order_url is not an address such as https://shop.example/orders/{CHECKOUT_SESSION_ID}"))
	}
	return errors.Join(errs...)
}
