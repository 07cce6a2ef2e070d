package stripeapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/order"
)

// eventsPerPage keeps a page of events, which hold whole objects, below what a plain call may answer.
const eventsPerPage = 50

// Events lists the events of an account, or of the platform itself if account is empty, that happened since then, page
// by page back in time: after is Next of the page before. No types means all. Stripe keeps events for 30 days.
func (o *Orders) Events(
	ctx context.Context, account string, since time.Time, types []string, after string,
) (order.EventsPage, error) {
	query, err := eventsQuery(account, since, types, after)
	if err != nil {
		return order.EventsPage{}, err
	}
	const doing = "list events"
	response, err := o.get(ctx, doing, account, "/v1/events", query)
	if err != nil {
		return order.EventsPage{}, err
	}
	var events list[json.RawMessage]
	if err := decodeObject(response.RawJSON, &events); err != nil {
		return order.EventsPage{}, unreadable(doing, response, err)
	}
	more, err := events.goesOn(eventsPerPage)
	if err != nil { // a sweep that took it for an empty one would never come back
		return order.EventsPage{}, unreadable(doing, response, err)
	}
	var page order.EventsPage
	var last string
	for _, raw := range events.Data {
		event, err := DecodeEvent(raw)
		if err != nil {
			page.Unread++
			continue
		}
		if event.Account == "" {
			event.Account = account // the list of an account does not repeat it
		}
		page.Events, last = append(page.Events, event), event.ID
	}
	if more && last == "" {
		return order.EventsPage{}, unreadable(doing, response, errors.New("the answer has no event to go on from"))
	}
	if more {
		page.Next = last
	}
	return page, nil
}

func eventsQuery(account string, since time.Time, types []string, after string) (url.Values, error) {
	query := url.Values{"limit": {strconv.Itoa(eventsPerPage)}}
	var errs []error
	if account != "" {
		errs = append(errs, checkAccount(account))
	}
	if after != "" {
		errs = append(errs, order.CheckEvent(after))
		query.Set("starting_after", after)
	}
	if !since.IsZero() {
		query.Set("created[gte]", strconv.FormatInt(since.Unix(), 10))
	}
	if len(types) > 20 {
		errs = append(errs, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("%d types of events: Stripe takes 20 at once", len(types))))
	}
	if len(types) > 0 {
		query["types[]"] = types
	}
	return query, errors.Join(errs...)
}

// rawEvent is an event of either of Stripe's two shapes, as far as Vitrine looks: snapshots of objects, and thin
// events, which name an object only.
type rawEvent struct {
	Object   string `json:"object"` // event or v2.core.event
	ID       string `json:"id"`
	Type     string `json:"type"`
	Account  string `json:"account"`
	Context  string `json:"context"` // what thin events call the account
	Livemode bool   `json:"livemode"`
	Created  moment `json:"created"`
	Data     struct {
		Object struct {
			ID            string `json:"id"`
			PaymentIntent object `json:"payment_intent"`
			Charge        object `json:"charge"`
			// ChargesEnabled is of an account.
			ChargesEnabled saidYes `json:"charges_enabled"`
		} `json:"object"`
	} `json:"data"`
	Related struct {
		ID string `json:"id"`
	} `json:"related_object"`
}

// moment is seconds since 1970 in snapshots, text in thin events.
type moment time.Time

// UnmarshalJSON never fails.
func (m *moment) UnmarshalJSON(data []byte) error {
	var at timestamp
	_ = at.UnmarshalJSON(data)
	var seconds count
	_ = seconds.UnmarshalJSON(data)
	*m = moment(at)
	if seconds > 0 {
		*m = moment(unix(seconds))
	}
	return nil
}

// DecodeEvent reads the ids out of an event, and nothing else: what the object says is older than what Stripe says when
// asked, is written in the endpoint's own version, and is about a buyer. Ids that do not look like Stripe's are left
// out, because they become parts of paths. Check the signature first.
func DecodeEvent(payload []byte) (order.Event, error) {
	var raw rawEvent
	if err := decodeObject(payload, &raw); err != nil {
		return order.Event{}, fault.NewPermanent(fault.InputInvalid, errors.New("the event is not JSON"))
	}
	if raw.Object != "event" && raw.Object != "v2.core.event" {
		return order.Event{}, fault.NewPermanent(fault.InputInvalid,
			errors.New("the payload is not an event of Stripe's"))
	}
	account, err := AccountIn(cmp.Or(raw.Account, raw.Context))
	errs := errors.Join(order.CheckEvent(raw.ID), err)
	if len(raw.Type) == 0 || len(raw.Type) > 100 || strings.ContainsFunc(raw.Type, notVisible) {
		errs = errors.Join(errs, fault.NewPermanent(fault.InputInvalid, errors.New("the event has no type")))
	}
	if errs != nil {
		return order.Event{}, errs
	}
	event := order.Event{ID: raw.ID, Type: raw.Type, Account: account, Created: time.Time(raw.Created),
		Livemode: raw.Livemode}
	if enabled := raw.Data.Object.ChargesEnabled.said; raw.Type == "account.updated" && enabled != nil {
		event.ChargesDisabled = !*enabled
	}
	refer(&event, raw.Data.Object.ID, raw.Related.ID, string(raw.Data.Object.PaymentIntent),
		string(raw.Data.Object.Charge))
	return event, nil
}

// AccountIn is the account that a context is about. A context is an account, or the path that leads there, from an
// organisation or a platform down (https://docs.stripe.com/context). Empty: none, as with the organisation's own.
func AccountIn(context string) (string, error) {
	if context == "" {
		return "", nil
	}
	if len(context) > maxContext || !contextPattern.MatchString(context) {
		return "", fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("context %.60q names no account: expected acct_…, or org_…/acct_…", context))
	}
	last := context[strings.LastIndexByte(context, '/')+1:]
	if !strings.HasPrefix(last, "acct_") {
		return "", nil
	}
	if err := checkAccount(last); err != nil {
		return "", err
	}
	return last, nil
}

const maxContext = 300

var contextPattern = regexp.MustCompile(`^(org|acct)_[A-Za-z0-9_]+(/(org|acct)_[A-Za-z0-9_]+)*$`)

// refer sorts ids by what they name; the first that is an id of a known kind is the event's object.
func refer(event *order.Event, ids ...string) {
	for _, id := range ids {
		switch {
		case order.CheckSession(id) == nil:
			event.Session = id
		case order.CheckPaymentIntent(id) == nil:
			event.PaymentIntent = id
		case order.CheckCharge(id) == nil:
			event.Charge = id
		case order.CheckRefund(id) != nil && order.CheckDispute(id) != nil && CheckAgreement(id) != nil &&
			!isImport(id):
			continue
		}
		if event.Object == "" {
			event.Object = id
		}
	}
}
