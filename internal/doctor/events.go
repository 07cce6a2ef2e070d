package doctor

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"vitrine/internal/fault"
	"vitrine/internal/stripeapi"
)

const (
	mendWebhooks = "https://dashboard.stripe.com/webhooks; types of events: docs/operations.md#receiving-orders"
	mendThin     = "https://dashboard.stripe.com/webhooks, for thin events of connected accounts: " + handbookAgents
	mendListing  = "allow the key to read Webhook Endpoints and Event Destinations, or look there: " +
		"https://dashboard.stripe.com/webhooks"
	mendServer = "start bin/starter serve behind the address, with TLS and without a redirect: " +
		"docs/operations.md#receiving-orders"
)

func (s Stripe) eventChecks() []Check {
	return []Check{
		{Name: "webhook endpoint", Look: s.webhooks},
		{Name: "thin events", Look: s.thin},
		{Name: "webhook address", Look: s.address},
	}
}

// destination is an endpoint or a destination of events, whichever of Stripe's lists has it.
type destination = stripeapi.EventDestination

// snapshots are what gets events with their objects. Those that the dashboard makes nowadays are in the second list
// alone, and whose events one gets, the second list alone says. unread is why one of them is not known.
func (s Stripe) snapshots(ctx context.Context) (all []destination, unread error, err error) {
	endpoints, err := s.WebhookEndpoints(ctx)
	if err != nil {
		return nil, nil, err
	}
	newer, unread := s.EventDestinations(ctx)
	for _, e := range endpoints {
		one := destination{WebhookEndpoint: e, Payload: stripeapi.Snapshot}
		if i := slices.IndexFunc(newer, func(d destination) bool { return d.ID == e.ID }); i >= 0 {
			one.Connected = newer[i].Connected
		}
		all = append(all, one)
	}
	for _, d := range newer {
		known := slices.ContainsFunc(endpoints, func(e stripeapi.WebhookEndpoint) bool { return e.ID == d.ID })
		if d.Payload == stripeapi.Snapshot && !known {
			all = append(all, d)
		}
	}
	return all, unread, nil
}

// unlisted is what is found where one of the lists cannot be had.
func unlisted(err error) Diagnosis {
	switch {
	case fault.Is(err, fault.StripeUnauthorized):
		return unseen("", "not listed: the key is not accepted")
	case fault.Is(err, fault.StripeForbidden):
		return unseen(mendListing, "the key may not list them")
	}
	return unseen("", "%v", err)
}

// webhooks looks for the endpoint that leads to starter serve.
func (s Stripe) webhooks(ctx context.Context) Diagnosis {
	all, unread, err := s.snapshots(ctx)
	if err != nil {
		return unlisted(err)
	}
	lack := doubtful
	if s.Orders {
		lack = wrong
	}
	ours, found := s.leadingHere(all, lack, mendWebhooks, "orders wait for the sweep")
	switch {
	case len(ours) == 0 && unread != nil:
		return unseen(mendListing, "%s; but event destinations were not listed: %v", found.Found, unread)
	case len(ours) == 0:
		return found
	}
	best := fullest(ours, s.Events)
	missing, deaf := missingTypes(best, s.Events), missingTypes(best, s.AccountEvents)
	switch {
	case len(missing) > 0:
		return lack(mendWebhooks, "%s does not send %s", best.ID, strings.Join(missing, ", "))
	case len(deaf) > 0:
		return doubtful(mendWebhooks, "%s does not send %s: of an account that leaves, nobody hears", best.ID,
			strings.Join(deaf, ", "))
	case best.Livemode == nil:
		return unseen(mendWebhooks, "%s sends all %d types; of which mode it is, Stripe does not say", best.ID,
			len(s.Events))
	case best.Connected == nil:
		return right("%s sends all %d types; that it is one for connected accounts, Stripe does not tell", best.ID,
			len(s.Events))
	}
	return right("%s sends all %d types, of connected accounts", best.ID, len(s.Events))
}

// thin looks for the destination that tells of agreements with agents. Nothing waits for it: the agreements themselves
// are read from Stripe.
func (s Stripe) thin(ctx context.Context) Diagnosis {
	all, err := s.EventDestinations(ctx)
	if err != nil {
		return unlisted(err)
	}
	all = slices.DeleteFunc(all, func(d destination) bool { return d.Payload != stripeapi.Thin })
	ours, found := s.leadingHere(all, doubtful, mendThin, "of agreements with agents, nobody hears")
	if len(ours) == 0 {
		return found
	}
	best := fullest(ours, s.ThinEvents)
	missing := missingTypes(best, s.ThinEvents)
	switch {
	case len(missing) > 0:
		return doubtful(mendThin, "%s does not send %s", best.ID, strings.Join(missing, ", "))
	case best.Livemode == nil:
		return unseen(mendThin, "%s sends all %d types; of which mode it is, Stripe does not say", best.ID,
			len(s.ThinEvents))
	case best.Connected == nil:
		return unseen(mendThin, "%s sends all %d types; that it is one for connected accounts, Stripe does not tell",
			best.ID, len(s.ThinEvents))
	}
	return right("%s sends all %d types, of connected accounts", best.ID, len(s.ThinEvents))
}

// leadingHere are those that lead to starter serve, send at all, and what the key's mode and connected accounts need.
// If there is none, what is found says where the nearest one fails, and what that means.
func (s Stripe) leadingHere(
	all []destination, lack func(string, string, ...any) Diagnosis, remedy, means string,
) (ours []destination, found Diagnosis) {
	for _, step := range []struct {
		fits func(destination) bool
		none func(nearest destination) string
	}{
		{func(d destination) bool { return leadsHere(d.URL) },
			func(destination) string { return "none leads to /webhooks/stripe" }},
		{func(d destination) bool { return d.Livemode == nil || *d.Livemode == s.Livemode },
			func(d destination) string {
				return fmt.Sprintf("%s is of the other mode than the key, which is %s", d.ID, s.mode())
			}},
		{func(d destination) bool { return d.Enabled },
			func(d destination) string { return d.ID + " is disabled: it sends nothing" }},
		{func(d destination) bool { return d.Connected == nil || *d.Connected },
			func(d destination) string {
				return d.ID + " sends the events of the platform itself alone, and none of connected accounts"
			}},
		{func(d destination) bool { return !s.Livemode || strings.HasPrefix(d.URL, "https://") },
			func(d destination) string {
				return d.ID + " leads to http://, and live events are sent by https:// alone"
			}},
	} {
		fitting := slices.DeleteFunc(slices.Clone(all), func(d destination) bool { return !step.fits(d) })
		if len(fitting) == 0 {
			var nearest destination
			if len(all) > 0 {
				nearest = all[0]
			}
			return nil, lack(remedy, "%s: %s", step.none(nearest), means)
		}
		all = fitting
	}
	return all, Diagnosis{}
}

// leadsHere goes by the path: the host is the load balancer's.
func leadsHere(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/webhooks/stripe")
}

func fullest(all []destination, needed []string) destination {
	return slices.MinFunc(all, func(a, b destination) int {
		return len(missingTypes(a, needed)) - len(missingTypes(b, needed))
	})
}

func missingTypes(d destination, needed []string) (missing []string) {
	for _, kind := range needed {
		if !slices.Contains(d.Events, kind) && !slices.Contains(d.Events, "*") {
			missing = append(missing, kind)
		}
	}
	return missing
}

// address asks where the events go whether somebody is there: starter serve takes POST alone, and says so.
func (s Stripe) address(ctx context.Context) Diagnosis {
	all, _, err := s.snapshots(ctx)
	if err != nil {
		return unseen("", "not asked: the endpoints are not known")
	}
	newer, _ := s.EventDestinations(ctx) // what cannot be listed, the check of thin events says
	addresses := map[string]bool{}
	for _, d := range append(all, newer...) {
		if d.Enabled && leadsHere(d.URL) && (d.Livemode == nil || *d.Livemode == s.Livemode) {
			addresses[d.URL] = true
		}
	}
	if len(addresses) == 0 {
		return unseen("", "not asked: no endpoint leads here")
	}
	worst := right("all of them lead to a server that takes events")
	for address := range addresses {
		f := s.Ask(ctx, address).diagnosis(address)
		if f.Severity == Wrong && !s.Orders {
			f.Severity = Doubtful
		}
		if worse(f.Severity, worst.Severity) {
			worst = f
		}
	}
	return worst
}

// Answer is what an address said to GET.
type Answer struct {
	Status    int   // of HTTP
	Untrusted error // why its certificate does not hold
	Away      error // why there was no answer
}

// takesPost is the status by which starter serve says that there is such an address, and not for GET.
const takesPost = 405

func (a Answer) diagnosis(address string) Diagnosis {
	switch {
	case a.Untrusted != nil:
		return wrong(mendServer, "%s: Stripe will not trust its certificate: %v", address, a.Untrusted)
	case a.Away != nil:
		return unseen(mendServer, "%s cannot be reached from here: %v", address, a.Away)
	case a.Status == takesPost:
		return right("%s takes events", address)
	case a.Status >= 300 && a.Status < 400:
		return wrong(mendServer, "%s redirects (%d), which Stripe takes for a failure", address, a.Status)
	case a.Status == 404 || a.Status == 410 || a.Status >= 500:
		return wrong(mendServer, "%s answers %d: no server takes events there", address, a.Status)
	}
	return doubtful(mendServer, "%s answers GET with %d, which starter serve does not", address, a.Status)
}

var severities = []Severity{Right, Unseen, Doubtful, Wrong}

func worse(a, b Severity) bool { return slices.Index(severities, a) > slices.Index(severities, b) }
