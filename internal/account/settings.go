package account

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
)

// Settings are an account's own settings, kept as accounts/<account>.json in the state bucket. Activities read them
// at every run and never copy them into a workflow's input, so a change holds from the next run on. An account
// without a document has the default settings.
type Settings struct {
	Account      string      `json:"account"`
	Feeds        []feed.Kind `json:"feeds,omitempty"`         // empty: product
	Every        Interval    `json:"every,omitzero"`          // zero: MinInterval
	SourceBucket string      `json:"source_bucket,omitempty"` // empty: the deployment's
	// template with {account} and {feed}; empty: the deployment's
	SourceKey string `json:"source_key,omitempty"`
	// SharedSource says that another account reads the same source, and that this is meant: both sell the same catalog.
	SharedSource bool `json:"shared_source,omitempty"`

	// StartedBy says what starts the account's syncs; empty: BySchedules.
	StartedBy StartedBy `json:"started_by,omitempty"`
	// Paused says that the fleet starts no sync of the account; nil: it does. Schedules know themselves that they are
	// paused.
	Paused *Pause `json:"paused,omitempty"`

	// News is where news of the account is posted to; without a URL it goes to the deployment's endpoint, if there is
	// one.
	News Endpoint `json:"news,omitzero"`
	// ReportTo is the address that reports are mailed to which have something new; empty: none is.
	ReportTo string `json:"report_to,omitempty"`

	// Rules are the account's own way of being checked and sent; what is not set in them is the deployment's.
	Rules Rules `json:"rules,omitzero"`
}

// StartedBy is what starts an account's syncs.
type StartedBy string

const (
	// BySchedules: a schedule for each of its feeds starts a run at each tick.
	BySchedules StartedBy = "schedules"
	// ByFleet: the dispatcher of the account's shard starts a run when there is something to do.
	ByFleet StartedBy = "fleet"
)

// Pause is a person's word that no sync of an account is to be started.
type Pause struct {
	Note string    `json:"note,omitempty"` // why, in their words
	At   time.Time `json:"at"`
}

// InFleet reports whether the dispatcher starts the account's syncs.
func (s Settings) InFleet() bool { return s.StartedBy == ByFleet }

// Interval is how often the feeds of the account are synced at most.
func (s Settings) Interval() time.Duration {
	if s.Every == 0 {
		return MinInterval
	}
	return time.Duration(s.Every)
}

// Rules say how a feed is read, checked and sent. The deployment has a complete set (internal/config), an account
// overrides single ones; Over puts the two together.
type Rules struct {
	ImportAPI   feed.API     `json:"import_api,omitempty"`
	Dialect     feed.Dialect `json:"dialect,omitempty"`      // how the source is written; stripe or google
	Quotes      lines.Quotes `json:"quotes,omitempty"`       // what double quotes mean in the source
	InvalidRows InvalidRows  `json:"invalid_rows,omitempty"` // what becomes of rows that Stripe would refuse
	// what becomes of columns that Stripe does not document
	UnknownColumns UnknownColumns `json:"unknown_columns,omitempty"`
	// what the source is: the whole catalog, or changes to it
	Source        SourceKind `json:"source,omitempty"`
	FullSendEvery Interval   `json:"full_send_every,omitzero"` // after which every row is sent again, to heal drift
	Heal          Heal       `json:"heal,omitempty"`           // what becomes of drift that an audit finds

	// Guards, in percent: nil is the deployment's, 0 holds at the first row, 100 never holds.
	// of the accepted rows vanish, or rows lose their id to another
	MaxShrink        *Percent `json:"max_shrink,omitempty"`
	MaxInvalid       *Percent `json:"max_invalid,omitempty"`        // of the rows have errors
	MaxPriceMoves    *Percent `json:"max_price_moves,omitempty"`    // of the prices moved by more than PriceMove
	PriceMove        *Percent `json:"price_move,omitempty"`         // what counts as a moved price
	MaxCurrencyFlips *Percent `json:"max_currency_flips,omitempty"` // of the prices are in another currency than before
	MaxFree          *Percent `json:"max_free,omitempty"`           // of the rows cost nothing, and did not before

	lenient lenient
}

// lenient are the guards that let a few rows pass whatever their share is: those that are as DefaultRules has them.
type lenient struct{ shrink, free bool }

// FewMayVanish reports whether a few rows may be deleted whatever their share is: nobody has set MaxShrink.
func (r Rules) FewMayVanish() bool { return r.lenient.shrink }

// FewMayBeFree reports whether a few rows may come to cost nothing whatever their share is: nobody has set MaxFree.
func (r Rules) FewMayBeFree() bool { return r.lenient.free }

// Percent is a share, from 0 to 100; PriceMove may be more.
type Percent float64

// InvalidRows says what becomes of rows that Stripe would refuse.
type InvalidRows string

const (
	HoldBack InvalidRows = "hold_back" // the default: they are reported, and the rest is sent
	SendAll  InvalidRows = "send"      // Stripe decides
)

// UnknownColumns says what becomes of columns that Stripe does not document.
type UnknownColumns string

const (
	SendUnknown UnknownColumns = "send" // the default: whether Stripe ignores them is not documented, and it knows best
	DropUnknown UnknownColumns = "drop" // send the columns that Stripe documents, and no other
)

// Heal says what becomes of it where an audit finds that Stripe has something else than it should.
type Heal string

const (
	HealReport Heal = "report" // nothing: a person reads it
	// HealResend, the default: the next sync sends again what Stripe lacks, or has otherwise.
	HealResend Heal = "resend"
	// HealResendAndDelete also deletes, through the guards, what Stripe has and the source does not: for catalogs that
	// nobody else puts products into.
	HealResendAndDelete Heal = "resend_and_delete"
)

// SourceKind says what a source has, and so what it means that a row is not in it. It is the one place that does.
type SourceKind string

const (
	// WholeSource, the default: the source is the whole catalog. A row that is not in it any more is deleted at Stripe;
	// a row with delete=true counts as not in it. A file that is made of deletions, or contradicts itself about one, is
	// no catalog: nothing is deleted for it before a person has looked.
	WholeSource SourceKind = "whole"
	// ChangesSource: the source has rows that are new or changed, and rows to delete, with delete=true. What is not in
	// it stays. Of several rows of an id the last one counts. Only feeds that can delete know a difference.
	ChangesSource SourceKind = "changes"
)

// DefaultRules are a deployment's unless its configuration says otherwise.
func DefaultRules() Rules {
	percent := func(p Percent) *Percent { return &p }
	return Rules{
		ImportAPI: feed.V1, Dialect: feed.StripeDialect, Quotes: lines.AutoQuotes, InvalidRows: HoldBack,
		UnknownColumns: SendUnknown,
		Source:         WholeSource,
		FullSendEvery:  Interval(7 * 24 * time.Hour), Heal: HealResend,
		MaxShrink: percent(20), MaxInvalid: percent(50), MaxPriceMoves: percent(20), PriceMove: percent(60),
		MaxCurrencyFlips: percent(1),
		MaxFree:          percent(1), lenient: lenient{shrink: true, free: true},
	}
}

// Over returns r with what it leaves open filled in from below.
func (r Rules) Over(below Rules) Rules {
	r.ImportAPI = cmp.Or(r.ImportAPI, below.ImportAPI)
	r.Dialect = cmp.Or(r.Dialect, below.Dialect)
	r.Quotes = cmp.Or(r.Quotes, below.Quotes)
	r.InvalidRows = cmp.Or(r.InvalidRows, below.InvalidRows)
	r.UnknownColumns = cmp.Or(r.UnknownColumns, below.UnknownColumns)
	r.Source = cmp.Or(r.Source, below.Source)
	r.FullSendEvery = cmp.Or(r.FullSendEvery, below.FullSendEvery)
	r.Heal = cmp.Or(r.Heal, below.Heal)
	if r.MaxShrink == nil {
		r.MaxShrink, r.lenient.shrink = below.MaxShrink, below.lenient.shrink
	}
	if r.MaxFree == nil {
		r.MaxFree, r.lenient.free = below.MaxFree, below.lenient.free
	}
	r.MaxInvalid = cmp.Or(r.MaxInvalid, below.MaxInvalid)
	r.MaxPriceMoves = cmp.Or(r.MaxPriceMoves, below.MaxPriceMoves)
	r.PriceMove = cmp.Or(r.PriceMove, below.PriceMove)
	r.MaxCurrencyFlips = cmp.Or(r.MaxCurrencyFlips, below.MaxCurrencyFlips)
	return r
}

// Check returns every problem of the rules that are set, joined.
func (r Rules) Check() error {
	var errs []error
	if r.ImportAPI != "" {
		_, err := feed.ParseAPI(string(r.ImportAPI))
		errs = append(errs, err)
	}
	if !slices.Contains([]feed.Dialect{"", feed.StripeDialect, feed.GoogleDialect}, r.Dialect) {
		errs = append(errs, fmt.Errorf("dialect %q is not known: expected stripe or google", r.Dialect))
	}
	if _, err := lines.ParseQuotes(string(r.Quotes)); err != nil {
		errs = append(errs, err)
	}
	if !slices.Contains([]InvalidRows{"", HoldBack, SendAll}, r.InvalidRows) {
		errs = append(errs, fmt.Errorf("invalid_rows %q is not known: expected hold_back or send", r.InvalidRows))
	}
	if !slices.Contains([]UnknownColumns{"", SendUnknown, DropUnknown}, r.UnknownColumns) {
		errs = append(errs, fmt.Errorf("unknown_columns %q is not known: expected send or drop", r.UnknownColumns))
	}
	if !slices.Contains([]SourceKind{"", WholeSource, ChangesSource}, r.Source) {
		errs = append(errs, fmt.Errorf("source %q is not known: expected whole or changes", r.Source))
	}
	if every := time.Duration(r.FullSendEvery); every != 0 && every < time.Hour {
		errs = append(errs, fmt.Errorf("full_send_every %s is too short: at least 1h", every))
	}
	if !slices.Contains([]Heal{"", HealReport, HealResend, HealResendAndDelete}, r.Heal) {
		errs = append(errs, fmt.Errorf("heal %q is not known: expected report, resend or resend_and_delete", r.Heal))
	}
	for _, guard := range []struct {
		name  string
		value *Percent
		most  Percent
	}{
		{"max_shrink", r.MaxShrink, 100}, {"max_invalid", r.MaxInvalid, 100}, {"max_price_moves", r.MaxPriceMoves, 100},
		{"price_move", r.PriceMove, 10_000}, {"max_currency_flips", r.MaxCurrencyFlips, 100},
		{"max_free", r.MaxFree, 100},
	} {
		if p := guard.value; p != nil && !(*p >= 0 && *p <= guard.most) {
			errs = append(errs, fmt.Errorf("%s %v is not a percentage from 0 to %v", guard.name, *p, guard.most))
		}
	}
	return errors.Join(errs...)
}

// Check returns every problem of the settings, joined.
func (s Settings) Check() error {
	errs := []error{Check(s.Account)}
	for _, k := range s.Feeds {
		if _, err := feed.ParseKind(string(k)); err != nil {
			errs = append(errs, err)
		}
	}
	if s.Every != 0 {
		errs = append(errs, CheckInterval(time.Duration(s.Every)))
	}
	if s.SourceKey != "" {
		errs = append(errs, CheckSourceKey(s.SourceKey))
	}
	if s.SourceBucket != "" {
		errs = append(errs, CheckBucket(s.SourceBucket))
	}
	if !slices.Contains([]StartedBy{"", BySchedules, ByFleet}, s.StartedBy) {
		errs = append(errs, fmt.Errorf("started_by %q is not known: expected schedules or fleet", s.StartedBy))
	}
	if s.News != (Endpoint{}) {
		errs = append(errs, s.News.Check("news"))
	}
	if s.ReportTo != "" {
		errs = append(errs, CheckReportTo(s.ReportTo))
	}
	errs = append(errs, s.Rules.Check())
	return errors.Join(errs...)
}

var addressPattern = regexp.MustCompile(`^[^\s@<>"',;:]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}$`)

// IsAddress reports whether text is one address for mail, such as shop@example.com, and nothing beside it.
func IsAddress(text string) bool { return addressPattern.MatchString(text) }

// CheckReportTo returns an error if reports cannot be mailed there.
func CheckReportTo(address string) error {
	if !IsAddress(address) {
		return errors.New("report_to is not an address such as catalog@shop.example")
	}
	return nil
}

// FeedKinds are the feeds to sync, product if none is named.
func (s Settings) FeedKinds() []feed.Kind {
	if len(s.Feeds) == 0 {
		return []feed.Kind{feed.Product}
	}
	return s.Feeds
}
