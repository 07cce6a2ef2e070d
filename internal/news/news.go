package news

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

// Type is what a piece of news is about.
type Type string

// The types. All but CatalogSynced are troubles.
const (
	CatalogSynced Type = "catalog.synced" // Stripe has taken what changed, or what of it could be taken
	CatalogHeld   Type = "catalog.held"   // a sync waits for a person
	CatalogFailed Type = "catalog.failed" // a sync could not be done, and is tried again
	CatalogStale  Type = "catalog.stale"  // Stripe lacks what the merchant wrote, and nothing says why
	OrderHeld     Type = "order.held"     // an order waits for a person
	AccountParked Type = "account.parked" // nothing is brought to Stripe for the account
)

// Types lists them.
func Types() []Type {
	return []Type{CatalogSynced, CatalogHeld, CatalogFailed, CatalogStale, OrderHeld, AccountParked}
}

// ParseTypes reads types with commas between them; none are all.
func ParseTypes(text string) (types []Type, err error) {
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
		case !slices.Contains(Types(), Type(name)):
			return nil, fmt.Errorf("%.40q is no type of news: expected %s", name, spelled(Types()))
		case !slices.Contains(types, Type(name)):
			types = append(types, Type(name))
		}
	}
	return types, nil
}

func spelled(types []Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// Phase is where a trouble stands.
type Phase string

// The phases.
const (
	Began Phase = "began"
	Over  Phase = "over"
)

// News is one piece of it, as it is posted; docs/news.schema.json describes its JSON. It holds nothing personal.
type News struct {
	ID        string    `json:"id"` // the same news has the same id
	Type      Type      `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of what it is about
	Account   string    `json:"account"`
	Data      Data      `json:"data"`
}

// Data is what there is to say of it; which fields it has depends on the type.
type Data struct {
	Phase   Phase      `json:"phase,omitempty"`   // of a trouble
	Since   time.Time  `json:"since,omitzero"`    // a trouble's beginning
	Feed    feed.Kind  `json:"feed,omitempty"`    // of a catalog
	Session string     `json:"session,omitempty"` // of an order
	State   string     `json:"state,omitempty"`   // of an order that goes on: where it stands now
	Reason  string     `json:"reason,omitempty"`  // for people
	Code    fault.Code `json:"code,omitempty"`    // of a failure, for machines
	Cause   string     `json:"cause,omitempty"`   // of a parking or of staleness, for machines

	Source  string          `json:"source,omitempty"` // version of the source
	Guards  []string        `json:"guards,omitempty"` // that struck
	Sends   int64           `json:"sends,omitempty"`  // rows, if a held sync is approved
	Deletes int64           `json:"deletes,omitempty"`
	Outcome catalog.Outcome `json:"outcome,omitempty"` // of a sync
	Report  string          `json:"report,omitempty"`  // key of its report in the state bucket
	Rows    *Rows           `json:"rows,omitempty"`
	Errors  *Errors         `json:"errors,omitempty"`
}

// Rows counts what became of a source's rows.
type Rows struct {
	Source   int64 `json:"source"`
	Accepted int64 `json:"accepted"` // of those that were sent
	Deleted  int64 `json:"deleted"`
	Refused  int64 `json:"refused"`   // by Stripe
	KeptBack int64 `json:"kept_back"` // by Vitrine
}

// Errors compares a report with the one before it: errors are counted by row, column and cause.
type Errors struct {
	New   int64 `json:"new"`
	Fixed int64 `json:"fixed"`
	Still int64 `json:"still"`
}

// maxReason is how much of a reason is told, in bytes; the report and the desk have the whole.
const maxReason = 500

// idPattern is what can stand in a header, and has no full stop: signatures put those around the id.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_/-]{1,200}$`)

// Check returns a permanent error if the news could not be delivered.
func (n News) Check() error {
	errs := []error{account.Check(n.Account)}
	if !idPattern.MatchString(n.ID) {
		errs = append(errs, errors.New("the id of the news is none"))
	}
	if !slices.Contains(Types(), n.Type) {
		errs = append(errs, fmt.Errorf("%.40q is no type of news", string(n.Type)))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.NewPermanent(fault.InputInvalid, err)
	}
	return nil
}

// Text is the news in a few words, for the Web UI.
func (n News) Text() string {
	text := string(n.Type)
	for _, about := range []string{string(n.Data.Feed), n.Data.Session, string(n.Data.Phase)} {
		if about != "" {
			text += " " + about
		}
	}
	return text
}

// trouble is news of one that began at a time.
func trouble(account string, kind Type, about string, p Phase, since, at time.Time, d Data) News {
	d.Phase, d.Since, d.Reason = p, since.UTC(), shortened(d.Reason)
	id := account + "/" + about + "-" + stamp(since)
	if p == Over {
		id += "-over"
	}
	return News{ID: id, Type: kind, Timestamp: at.UTC(), Account: account, Data: d}
}

// stamp tells times apart by their microseconds, without a full stop.
func stamp(at time.Time) string {
	return strings.ReplaceAll(at.UTC().Format("20060102T150405.000000Z"), ".", "-")
}

func shortened(text string) string {
	if len(text) <= maxReason {
		return text
	}
	return strings.ToValidUTF8(text[:maxReason], "") + "…"
}
