package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/fault"
)

const (
	destinationsPath = "/v2/core/event_destinations"
	// destinationPages bounds what is read: Stripe allows 16 destinations that are webhook endpoints.
	destinationPages = 10
)

// Payload is what a destination is sent of an event.
type Payload string

// The payloads that Stripe has: events with their object as it was, and events that name it alone.
const (
	Snapshot Payload = "snapshot"
	Thin     Payload = "thin"
)

// EventDestination is where Stripe sends events of its newer kind of endpoint, which the list of webhook endpoints does
// not show (https://docs.stripe.com/api/v2/core/event-destinations/object).
type EventDestination struct {
	WebhookEndpoint
	Payload Payload
	// Connected says whether it gets the events of connected accounts; nil: Stripe does not say.
	Connected *bool
}

// The words by which a destination says so, since 2026-03-25 and before. Those of organizations say neither.
var (
	ofAccounts = []string{"@accounts", "other_accounts"}
	ofPlatform = []string{"@self", "self"}
)

// EventDestinations lists the platform's destinations that are webhook endpoints.
func (c *Client) EventDestinations(ctx context.Context) ([]EventDestination, error) {
	const doing = "list event destinations"
	all := []EventDestination{}
	// Stripe shows where one leads only to those who ask for it.
	query := url.Values{"limit": {"100"}, "include[0]": {"webhook_endpoint.url"}}
	for range destinationPages {
		params := c.params("", c.options.V2Version)
		params.StripeAccount = nil
		response, err := c.raw(ctx, doing, http.MethodGet, destinationsPath+"?"+query.Encode(), "", params)
		if err != nil {
			return nil, err
		}
		found, next, err := c.destinationsOf(response)
		if err != nil {
			return nil, unreadable(doing, response, err)
		}
		all = append(all, found...)
		if next == nil {
			return all, nil
		}
		query = next
	}
	return nil, fault.NewPermanent(fault.StripeRejected, &Error{Message: doing + ": there are more than 1000"})
}

// destinationsOf reads a page, and by what the next one is asked for; nil: it is the last.
func (c *Client) destinationsOf(response *stripe.APIResponse) (found []EventDestination, next url.Values, err error) {
	var list struct {
		Data []struct {
			ID       text            `json:"id"`
			Status   text            `json:"status"`
			Livemode saidYes         `json:"livemode"`
			Payload  text            `json:"event_payload"`
			From     json.RawMessage `json:"events_from"`
			Events   []string        `json:"enabled_events"`
			Endpoint struct {
				URL text `json:"url"`
			} `json:"webhook_endpoint"`
		} `json:"data"`
		Next text `json:"next_page_url"`
	}
	if err := decodeObject(response.RawJSON, &list); err != nil {
		return nil, nil, err
	}
	if list.Data == nil {
		return nil, nil, errNoList
	}
	for _, d := range list.Data {
		found = append(found, EventDestination{
			WebhookEndpoint: WebhookEndpoint{
				ID: c.redactor.clean(string(d.ID)), URL: c.redactor.clean(string(d.Endpoint.URL)),
				Enabled: d.Status == "enabled", Livemode: d.Livemode.said, Events: d.Events,
			},
			Payload: Payload(c.redactor.clean(string(d.Payload))), Connected: connected(d.From),
		})
	}
	next, err = nextPage(string(list.Next))
	return found, next, err
}

// nextPage is what the next page of a list of v2's is asked by; nil: there is none. Only the query goes on: whatever
// host the address names, the key is for Stripe's.
func nextPage(address string) (url.Values, error) {
	if address == "" {
		return nil, nil
	}
	next, err := url.Parse(address)
	if err != nil || len(next.Query()) == 0 {
		return nil, errors.New("the next page has no address")
	}
	return next.Query(), nil
}

// connected reads whose events a destination gets. That it gets nobody's is not said by null or an empty list.
func connected(from json.RawMessage) *bool {
	var whose []string
	if json.Unmarshal(from, &whose) != nil || len(whose) == 0 {
		return nil
	}
	yes, alone := true, false
	unknown := false
	for _, one := range whose {
		switch {
		case slices.Contains(ofAccounts, one):
			return &yes
		case !slices.Contains(ofPlatform, one):
			unknown = true
		}
	}
	if unknown {
		return nil
	}
	return &alone
}
