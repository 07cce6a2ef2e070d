package doctor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/internal/order"
	"vitrine/internal/preflight"
	"vitrine/internal/statestore"
	"vitrine/internal/stripeapi"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// server is a Temporal that is as it should be until a test breaks it.
type server struct {
	version                      string
	kept                         time.Duration
	told                         bool
	lacks                        error
	polled                       time.Time
	pollers                      int
	versionErr, keptErr, pollErr error
}

func (s *server) Version(context.Context) (string, error)          { return s.version, s.versionErr }
func (s *server) Retention(context.Context) (time.Duration, error) { return s.kept, s.keptErr }
func (s *server) SearchAttributes(context.Context, ...temporal.SearchAttributeKey) (bool, error) {
	return s.told, s.lacks
}
func (s *server) LastPoll(context.Context, string, enumspb.TaskQueueType) (time.Time, int, error) {
	return s.polled, s.pollers, s.pollErr
}

// stripes is a Stripe that is as it should be until a test breaks it.
type stripes struct {
	account                   stripeapi.Account
	err                       error // of everybody's account
	platformErr, connectedErr error
	gone                      string           // an account that left
	denied                    map[string]error // by the permission's name
	endpoints                 []stripeapi.WebhookEndpoint
	listErr                   error
	thin                      []stripeapi.EventDestination
	thinErr                   error
	agreed                    []stripeapi.Agreement
	agreedErr                 error
}

func (s *stripes) Account(_ context.Context, id string) (stripeapi.Account, error) {
	if id == "" {
		return s.account, errors.Join(s.err, s.platformErr)
	}
	if id == s.gone {
		return s.account, forbidden()
	}
	return s.account, errors.Join(s.err, s.connectedErr)
}
func (s *stripes) MayRead(_ context.Context, _ string, p stripeapi.Permission) error {
	return s.denied[p.Name]
}
func (s *stripes) WebhookEndpoints(context.Context) ([]stripeapi.WebhookEndpoint, error) {
	return slices.Clone(s.endpoints), s.listErr
}

func (s *stripes) EventDestinations(context.Context) ([]stripeapi.EventDestination, error) {
	return slices.Clone(s.thin), s.thinErr
}

func (s *stripes) Agreements(context.Context, string) ([]stripeapi.Agreement, error) {
	return s.agreed, s.agreedErr
}

type buckets struct {
	days int
	err  error
}

func (b *buckets) UploadsExpire(context.Context, string, string) (int, error) { return b.days, b.err }

// ward is a deployment and an account in which everything is right.
type ward struct {
	t       *testing.T
	server  *server
	stripe  *stripes
	buckets *buckets
	store   *objectstoretest.Memory
	Deployment
	Account
	schedule    Schedule
	state       catalog.State
	found       Catalog
	err         error // of what the account is asked for next: comparing
	scheduleErr error
	lastErr     error
	pinged      error
	fleet       Fleet
	fleetErr    error
	there       Answer // of the address of the endpoints
}

// dispatched makes the account the fleet's, in the second of two shards.
func (w *ward) dispatched() *Fleet {
	w.Settings.StartedBy = account.ByFleet
	w.schedule = Schedule{}
	w.fleet = Fleet{Found: true, Plan: fleet.Plan{Boundaries: []string{"acct_0"}}}
	return &w.fleet
}

// listedAgain has the list of destinations show the endpoint, too, and whose events it gets.
func (w *ward) listedAgain(connected bool) {
	w.stripe.thin = append(w.stripe.thin, stripeapi.EventDestination{
		WebhookEndpoint: w.stripe.endpoints[0], Payload: stripeapi.Snapshot, Connected: &connected,
	})
}

// denies has a bucket keep its objects from whoever asks.
func (w *ward) denies(bucket string) {
	w.store.Before = func(_, asked, _ string) error {
		if asked != bucket {
			return nil
		}
		return storage(fault.SourceForbidden, "AccessDenied")
	}
}

// awayState has the state bucket not answer.
func (w *ward) awayState() {
	away := func(context.Context) error { return errors.New("no answer within 8s") }
	w.Storage.State, w.Account.State = away, away
}

func newWard(t *testing.T) *ward {
	t.Helper()
	yes, test := true, false
	w := &ward{
		t:      t,
		server: &server{version: "1.32.1", kept: 168 * time.Hour, told: true, polled: noon, pollers: 2},
		stripe: &stripes{
			account: stripeapi.Account{ID: "acct_1", ChargesEnabled: &yes, Answered: noon}, denied: map[string]error{},
			agreed: []stripeapi.Agreement{{ID: "orca_1", Agent: "Ada", Status: stripeapi.AgreementConfirmed}},
			endpoints: []stripeapi.WebhookEndpoint{{ID: "we_1", URL: "https://a.example/webhooks/stripe", Enabled: true,
				Livemode: &test, Events: append(order.EventTypes(), "account.updated")}},
			thin: []stripeapi.EventDestination{{Payload: stripeapi.Thin, Connected: &yes,
				WebhookEndpoint: stripeapi.WebhookEndpoint{ID: "ed_1", URL: "https://a.example/webhooks/stripe",
					Enabled: true, Livemode: &test, Events: []string{"v2.confirmed", "v2.terminated"}}}},
		},
		there:   Answer{Status: http.StatusMethodNotAllowed},
		buckets: &buckets{days: 1}, store: objectstoretest.NewMemory("c", "s"),
		schedule: Schedule{Found: true, Every: "15m"},
		state:    catalog.State{Last: &catalog.Last{Outcome: catalog.Succeeded}}, found: Catalog{Rows: 3},
	}
	layout := statestore.Layout{SourceBucket: "c", SourceKey: "{account}/{feed}.csv", StateBucket: "s",
		StatePrefix: "state/"}
	_, err := w.store.Put(t.Context(), "c", "acct_1/product.csv", "text/csv", []byte("id"), "")
	require.NoError(t, err)
	now := func() time.Time { return noon }
	w.Deployment = Deployment{
		Temporal: Temporal{
			Open: func() (Inspector, error) { return w.server, nil }, Namespace: "shops", Now: now,
			Queues: []Queue{{"vitrine", enumspb.TASK_QUEUE_TYPE_WORKFLOW}},
		},
		Storage: Storage{Objects: w.store, Buckets: w.buckets, Layout: layout, State: func(ctx context.Context) error {
			return preflight.State(w.store, w.Storage.Layout).Ask(ctx)
		}},
		Stripe: Stripe{AtStripe: w.stripe, API: feed.V1, Events: order.EventTypes(),
			AccountEvents: []string{"account.updated"}, ThinEvents: []string{"v2.confirmed", "v2.terminated"},
			Ask:    func(context.Context, string) Answer { return w.there },
			Orders: true, Now: now},
		Mail:  func(context.Context) error { return nil },
		Fleet: func(context.Context) (Fleet, error) { return w.fleet, w.fleetErr },
	}
	w.Account = Account{
		ID: "acct_1", Settings: account.Settings{Account: "acct_1"}, Stored: true, Rules: account.DefaultRules(),
		HasMail: true, Now: now,
		Orders: order.Settings{
			Account: "acct_1", Enabled: true, Mail: order.Mail{From: "a@b.example"},
			Fulfillment: order.Fulfillment{Kind: order.HTTPS, URL: "https://shop.example/orders?token=pa55"},
		},
		Stripe: w.stripe, Layout: layout, Objects: w.store, State: w.Deployment.Storage.State,
		Schedule: func(context.Context, catalog.ID) (Schedule, error) { return w.schedule, w.scheduleErr },
		Fleet:    w.Deployment.Fleet,
		Last:     func(context.Context, catalog.ID) (catalog.State, error) { return w.state, w.lastErr },
		Compare:  func(context.Context, account.Settings, feed.Kind) (Catalog, error) { return w.found, w.err },
		Ping:     func(context.Context, order.Settings) error { return w.pinged },
	}
	return w
}

// examine makes all checks, and returns those that are not right.
func (w *ward) examine() (amiss []Result) {
	w.t.Helper()
	checks := append(w.Deployment.Checks(), w.Account.Checks()...)
	made := 0
	Examine(w.t.Context(), checks, 4, func(r Result) {
		require.Equal(w.t, checks[made].Name, r.Check, "in the order of the table")
		require.NotEmpty(w.t, r.Found, r.Check)
		made++
		if r.Severity != Right {
			amiss = append(amiss, r)
		}
	})
	require.Equal(w.t, len(checks), made)
	return slices.DeleteFunc(amiss,
		func(r Result) bool { return strings.Contains(r.Found, "does not tell whether it is on") })
}

func storage(code fault.Code, text string) error { return fault.NewPermanent(code, errors.New(text)) }

func forbidden() error { return fault.NewPermanent(fault.StripeForbidden, errors.New("no")) }

// broken is a ward that is spoiled, and what has to be said of it.
type broken struct {
	spoil    func(w *ward)
	check    string
	severity Severity
	found    string
	remedy   string
}

// faults are provoked one by one.
func faults() map[string]broken {
	return map[string]broken{
		"configuration": {func(w *ward) { w.Problems = []error{errors.New("X: is not set")} }, "configuration",
			Wrong, "X: is not set", "starter env"},
		"mistyped": {func(w *ward) { w.Mistyped = []string{"VITRINE_X"} }, "variables", Doubtful, "VITRINE_X",
			"starter env"},
		"temporal away": {func(w *ward) {
			w.Temporal.Open = func() (Inspector, error) { return nil, errors.New("away") }
		}, "temporal", Wrong, "away", "TEMPORAL_ADDRESS"},
		"no version": {func(w *ward) { w.server.versionErr = errors.New("no") }, "temporal", Doubtful, "version",
			""},
		"old server": {func(w *ward) { w.server.version = "1.28.4" }, "fairness", Doubtful, "1.28.4", "upgrade"},
		"short retention": {func(w *ward) { w.server.kept = time.Hour }, "retention", Doubtful, "1h0m0s",
			"--namespace shops"},
		"no attributes": {func(w *ward) { w.server.lacks = errors.New("lacks A; add them: temporal operator x") },
			"search attributes", Wrong, "lacks A", "temporal operator x"},
		"hidden list": {func(w *ward) { w.server.told, w.server.lacks = false, errors.New("denied") },
			"search attributes", Unseen, "denied", "docs/"},
		"no worker": {func(w *ward) { w.server.pollers = 0 }, "queue vitrine", Wrong, "no worker asks",
			"bin/worker"},
		"worker gone": {func(w *ward) { w.server.polled = noon.Add(-4 * time.Minute) }, "queue vitrine", Wrong,
			"4m0s", "bin/worker"},
		"no storage": {func(w *ward) { w.Storage.Err = errors.New("region") }, "s3", Wrong, "region",
			"starter env"},
		"no state bucket": {func(w *ward) { w.Storage.Layout.StateBucket = "gone" }, "state bucket", Wrong, "gone",
			"s3 mb"},
		"no source bucket": {func(w *ward) { w.Storage.Layout.SourceBucket = "gone" }, "source bucket", Wrong, "gone",
			"s3 mb"},
		"uploads kept": {func(w *ward) { w.buckets.days = 0 }, "broken uploads", Doubtful, "for ever",
			"put-bucket-lifecycle"},
		"no rules": {func(w *ward) { w.buckets.err = storage(fault.StorageUnusable, "no lifecycle rules") },
			"broken uploads", Unseen, "no lifecycle rules", ""},
		"rules untold": {func(w *ward) { w.buckets.err = storage(fault.SourceForbidden, "denied") },
			"broken uploads", Unseen, "does not tell", "s3:GetLifecycleConfiguration"},
		"rules of nobody": {func(w *ward) { w.buckets.err = storage(fault.BucketMissing, "bucket s does not exist") },
			"broken uploads", Unseen, "does not exist", ""},
		"no key": {func(w *ward) { w.Deployment.Stripe.Err = errors.New("not set") }, "stripe key", Wrong,
			"not set", "dashboard.stripe.com/apikeys"},
		"clock": {func(w *ward) { w.stripe.account.Answered = noon.Add(-time.Hour) }, "clock", Wrong, "59m59s",
			"NTP"},
		"clock a bit": {func(w *ward) { w.stripe.account.Answered = noon.Add(30 * time.Second) }, "clock", Doubtful,
			"30s", "NTP"},
		"no time told": {func(w *ward) { w.stripe.account.Answered = time.Time{} }, "clock", Unseen, "did not tell",
			""},
		"may not orders": {func(w *ward) { w.stripe.denied["Disputes"] = forbidden() }, "may: Disputes", Wrong,
			"may not write", "apikeys"},
		"may not audit": {func(w *ward) { w.stripe.denied["Reporting"] = forbidden() }, "may: Reporting", Doubtful,
			"may not write", "apikeys"},
		"no endpoint": {func(w *ward) { w.stripe.endpoints = nil }, "webhook endpoint", Wrong, "none leads",
			"webhooks"},
		"elsewhere": {func(w *ward) { w.stripe.endpoints[0].URL = "https://a.example/hooks" }, "webhook endpoint",
			Wrong, "none leads", "webhooks"},
		"no orders yet": {func(w *ward) { w.stripe.endpoints, w.Deployment.Stripe.Orders = nil, false },
			"webhook endpoint", Doubtful, "none leads", "webhooks"},
		"disabled": {func(w *ward) { w.stripe.endpoints[0].Enabled = false }, "webhook endpoint", Wrong, "disabled",
			"webhooks"},
		"other mode": {func(w *ward) { live := true; w.stripe.endpoints[0].Livemode = &live }, "webhook endpoint",
			Wrong, "other mode", "webhooks"},
		"mode unsaid": {func(w *ward) { w.stripe.endpoints[0].Livemode = nil }, "webhook endpoint", Unseen,
			"does not say", "webhooks"},
		"type missing": {func(w *ward) { w.stripe.endpoints[0].Events = order.EventTypes()[1:] }, "webhook endpoint",
			Wrong, "does not send checkout.session.completed", "webhooks"},
		"may not list": {func(w *ward) { w.stripe.listErr = forbidden() }, "webhook endpoint", Unseen, "may not list",
			"Webhook Endpoints"},
		"of the platform alone": {func(w *ward) { w.listedAgain(false) }, "webhook endpoint", Wrong,
			"we_1 sends the events of the platform itself alone", "webhooks"},
		"live by http": {func(w *ward) {
			live := true
			w.Deployment.Stripe.Livemode, w.stripe.endpoints[0].Livemode = true, &live
			w.stripe.thin[0].Livemode, w.stripe.endpoints[0].URL = &live, "http://a.example/webhooks/stripe"
		}, "webhook endpoint", Wrong, "https:// alone", "webhooks"},
		"newer ones unlisted": {func(w *ward) { w.stripe.endpoints, w.stripe.thinErr = nil, forbidden() },
			"webhook endpoint", Unseen, "event destinations were not listed", "Event Destinations"},
		"no thin events": {func(w *ward) { w.stripe.thin = nil }, "thin events", Doubtful, "nobody hears",
			"#agreements-with-agents"},
		"thin ones are snapshots": {func(w *ward) { w.stripe.thin[0].Payload = stripeapi.Snapshot }, "thin events",
			Doubtful, "none leads to", "#agreements-with-agents"},
		"thin ones elsewhere": {func(w *ward) { w.stripe.thin[0].URL = "https://a.example/hooks" }, "thin events",
			Doubtful, "none leads to", "#agreements-with-agents"},
		"thin ones unshown": {func(w *ward) { w.stripe.thin[0].URL = "" }, "thin events", Doubtful, "none leads to",
			"#agreements-with-agents"},
		"thin ones disabled": {func(w *ward) { w.stripe.thin[0].Enabled = false }, "thin events", Doubtful,
			"ed_1 is disabled", "#agreements-with-agents"},
		"thin ones of the other mode": {func(w *ward) { live := true; w.stripe.thin[0].Livemode = &live },
			"thin events", Doubtful, "ed_1 is of the other mode", "#agreements-with-agents"},
		"thin ones of no said mode": {func(w *ward) { w.stripe.thin[0].Livemode = nil }, "thin events", Unseen,
			"does not say", "#agreements-with-agents"},
		"thin ones of the platform": {func(w *ward) { no := false; w.stripe.thin[0].Connected = &no }, "thin events",
			Doubtful, "of the platform itself alone", "#agreements-with-agents"},
		"thin ones of nobody said": {func(w *ward) { w.stripe.thin[0].Connected = nil }, "thin events", Unseen,
			"does not tell", "#agreements-with-agents"},
		"half of the thin ones": {func(w *ward) { w.stripe.thin[0].Events = []string{"v2.confirmed"} }, "thin events",
			Doubtful, "ed_1 does not send v2.terminated", "#agreements-with-agents"},
		"thin ones unlisted": {func(w *ward) { w.stripe.thinErr = forbidden() }, "thin events", Unseen, "may not list",
			"Event Destinations"},
		"nobody at the address": {func(w *ward) { w.there.Status = http.StatusNotFound }, "webhook address", Wrong,
			"answers 404", "starter serve"},
		"no server behind it": {func(w *ward) { w.there.Status = http.StatusBadGateway }, "webhook address", Wrong,
			"answers 502", "starter serve"},
		"no server, and no orders": {func(w *ward) {
			w.there.Status, w.Deployment.Stripe.Orders = http.StatusBadGateway, false
		}, "webhook address", Doubtful, "answers 502", "starter serve"},
		"a redirect": {func(w *ward) { w.there.Status = http.StatusMovedPermanently }, "webhook address", Wrong,
			"redirects (301)", "starter serve"},
		"somebody else": {func(w *ward) { w.there.Status = http.StatusOK }, "webhook address", Doubtful,
			"answers GET with 200", "starter serve"},
		"a bad certificate": {func(w *ward) { w.there.Untrusted = errors.New("it has expired") }, "webhook address",
			Wrong, "has expired", "TLS"},
		"out of reach": {func(w *ward) { w.there.Away = errors.New("no route") }, "webhook address", Unseen,
			"cannot be reached from here: no route", "starter serve"},
		"mail away": {func(w *ward) { w.Mail = func(context.Context) error { return errors.New("away") } },
			"mail server", Wrong, "away", "VITRINE_SMTP_URL"},
		"no mail": {func(w *ward) { w.Mail = nil }, "mail server", Unseen, "not set here", "VITRINE_SMTP_URL"},

		"settings": {func(w *ward) { w.SettingsErr = storage(fault.SettingsInvalid, "not readable") },
			"settings", Wrong, "not readable", "accounts apply"},
		"settings unread": {func(w *ward) { w.SettingsErr = storage(fault.SourceForbidden, "denied") }, "settings",
			Wrong, "denied", "#s3"},
		"none of its own": {func(w *ward) { w.Stored = false }, "settings", Doubtful, "none of its own",
			"accounts apply"},
		"charges off": {func(w *ward) {
			no := false
			w.stripe.account.ChargesEnabled, w.stripe.account.Due = &no, []string{"tos"}
		}, "charges", Wrong, "asks for tos", "acct_1"},
		"charges unsaid": {func(w *ward) { w.stripe.account.ChargesEnabled = nil }, "charges", Unseen, "does not say",
			"acct_1"},
		"something due": {func(w *ward) { w.stripe.account.Due = []string{"tos"} }, "charges", Doubtful, "tos",
			"acct_1"},
		"leaves unheard": {func(w *ward) { w.stripe.endpoints[0].Events = order.EventTypes() }, "webhook endpoint",
			Doubtful, "does not send account.updated", "webhooks"},
		"parked": {func(w *ward) { w.Standing.Parked = &account.Parking{By: "ada", Why: "closed"} },
			"standing", Wrong, "closed", "accounts resume acct_1"},
		"refused": {func(w *ward) { w.Standing.Refusal = &account.Refusal{Code: fault.StripeForbidden} },
			"standing", Doubtful, "after a day", "#parked-accounts"},
		"refused for long": {func(w *ward) { w.Standing.Refusal = &account.Refusal{Spared: "the key"} }, "standing",
			Doubtful, "the key", "#parked-accounts"},
		"standing unread": {func(w *ward) { w.StandingErr = storage(fault.StorageFailed, "HTTP 500") }, "standing",
			Wrong, "HTTP 500", "#s3"},
		"standing unusable": {func(w *ward) { w.StandingErr = storage(fault.SettingsInvalid, "bad") }, "standing",
			Wrong, "bad", "#parked-accounts"},
		"an export waits": {func(w *ward) {
			w.state.Accepted = &catalog.Accepted{Source: statestore.Object{ETag: "another"}}
			w.Now = func() time.Time { return time.Now().Add(time.Hour) }
		}, "product last sync", Doubtful, "is not sent yet", "starter sync acct_1"},
		"no agreement": {func(w *ward) { w.stripe.agreed = nil }, "agreements", Doubtful, "no agent may sell",
			"#agreements-with-agents"},
		"all over": {func(w *ward) { w.stripe.agreed[0].Status = stripeapi.AgreementTerminated }, "agreements",
			Wrong, "ended with Ada", "#agreements-with-agents"},
		"half agreed": {func(w *ward) { w.stripe.agreed[0].Status = stripeapi.AgreementPartlyConfirmed },
			"agreements", Doubtful, "by both", "agreements show acct_1"},
		"not shown": {func(w *ward) { w.stripe.agreedErr = forbidden() }, "agreements", Unseen, "no", "apikeys"},
		"no such preview": {func(w *ward) { w.stripe.agreedErr = storage(fault.StripeRejected, "unrecognized") },
			"agreements", Unseen, "unrecognized", "ask Stripe"},
		"Stripe away": {func(w *ward) { w.stripe.agreedErr = errors.New("away") }, "agreements", Unseen, "away",
			""},
		"no source": {func(w *ward) { w.Settings.SourceKey = "none.csv" }, "product source", Wrong,
			"does not exist", "starter source put acct_1"},
		"no bucket of its own": {func(w *ward) {
			w.Settings.SourceBucket, w.err = "gone", storage(fault.BucketMissing, "bucket gone does not exist")
		}, "product source", Wrong, "gone", "source_bucket"},
		"source unusable": {func(w *ward) { w.err = errors.New("no header") }, "product catalog", Wrong, "no header",
			"--dry-run"},
		"rows with errors": {func(w *ward) { w.found.Errors = 2 }, "product catalog", Doubtful, "2 of 3 rows",
			"--dry-run"},
		"would be held": {func(w *ward) { w.found.Holds = []string{"all free"} }, "product catalog", Doubtful,
			"all free", "--dry-run"},
		"no schedule": {func(w *ward) { w.schedule = Schedule{} }, "product schedule", Wrong, "nothing syncs it",
			"accounts apply"},
		"paused": {func(w *ward) { w.schedule.Paused = true }, "product schedule", Doubtful, "paused",
			"schedule resume acct_1"},
		"never synced": {func(w *ward) { w.state = catalog.State{} }, "product last sync", Doubtful, "never",
			"starter sync acct_1"},
		"sync failed": {func(w *ward) { w.state.Last = &catalog.Last{Outcome: catalog.Failed, Reason: "why"} },
			"product last sync", Wrong, "why", "starter report"},
		"state unusable": {func(w *ward) { w.lastErr = storage(fault.SettingsInvalid, "bad") }, "product last sync",
			Wrong, "bad", "#lost-state"},
		"state unread": {func(w *ward) { w.lastErr = storage(fault.StorageFailed, "HTTP 500") },
			"product last sync", Wrong, "HTTP 500", "#s3"},
		"orders unusable": {func(w *ward) { w.OrdersErr = storage(fault.SettingsInvalid, "bad") }, "orders", Wrong,
			"bad", "order settings set"},
		"orders unread": {func(w *ward) { w.OrdersErr = storage(fault.StorageFailed, "HTTP 500") }, "orders", Wrong,
			"HTTP 500", "#s3"},
		"orders off": {func(w *ward) { w.Orders.Enabled = false }, "orders", Doubtful, "not fulfilled",
			"order settings set"},
		"merchant away": {func(w *ward) { w.pinged = errors.New("HTTP 500") }, "merchant", Wrong,
			"shop.example: HTTP 500", "docs/orders.md"},
		"secret elsewhere": {func(w *ward) { w.pinged = fault.NewPermanent(fault.SecretMissing, errors.New("empty")) },
			"merchant", Unseen, "empty", "worker"},
		"no sender": {func(w *ward) { w.Orders.Mail.From = "" }, "mail sender", Doubtful, "nobody writes", "mail.from"},
		"the region told late": {func(w *ward) { w.server.keptErr = errors.New("no region") }, "retention", Unseen,
			"no region", ""},
		"retention unsaid": {func(w *ward) { w.server.kept = 0 }, "retention", Unseen, "does not say how long",
			"--retention 168h"},
		"fairness of no version": {func(w *ward) { w.server.versionErr = errors.New("no") }, "fairness", Unseen,
			"does not say its version", "enableFairness"},
		"pollers untold": {func(w *ward) { w.server.pollErr = errors.New("denied") }, "queue vitrine", Unseen, "denied",
			""},
		"state forbidden": {func(w *ward) { w.denies("s") }, "state bucket", Wrong, "AccessDenied", "AWS_REGION"},
		"rules of a bucket that is away": {func(w *ward) {
			w.buckets.err = errors.New("away")
			w.awayState()
		}, "broken uploads", Unseen, "cannot be used", ""},
		"Stripe is away": {func(w *ward) { w.stripe.err = errors.New("no such host") }, "stripe key", Wrong,
			"no such host", "STRIPE_API_BASE"},
		"the platform unshown": {func(w *ward) { w.stripe.platformErr = forbidden() }, "stripe key", Doubtful,
			"does not show the platform's account", "apikeys"},
		"Stripe away of a permission": {func(w *ward) { w.stripe.denied["Disputes"] = errors.New("HTTP 502") },
			"may: Disputes", Unseen, "HTTP 502", ""},
		"no orders, and may not": {func(w *ward) {
			w.stripe.denied["Disputes"], w.Deployment.Stripe.Orders = forbidden(), false
		}, "may: Disputes", Doubtful, "may not write", "apikeys"},
		"endpoints unlisted by an outage": {func(w *ward) { w.stripe.listErr = errors.New("HTTP 502") },
			"webhook endpoint", Unseen, "HTTP 502", ""},
		"nobody is asked": {func(w *ward) { w.stripe.listErr = errors.New("HTTP 502") }, "webhook address", Unseen,
			"are not known", ""},
		"no address to ask": {func(w *ward) { w.stripe.endpoints, w.stripe.thin = nil, nil }, "webhook address", Unseen,
			"no endpoint leads here", ""},
		"no client": {func(w *ward) { w.Account.Stripe = nil }, "connected", Unseen, "cannot be asked", ""},
		"not connected": {func(w *ward) { w.stripe.connectedErr = forbidden() }, "connected", Wrong, "no",
			"connect/accounts"},
		"the account unanswered": {func(w *ward) { w.stripe.connectedErr = errors.New("HTTP 502") }, "connected",
			Unseen, "HTTP 502", ""},
		"permissions of one that left": {func(w *ward) {
			w.stripe.connectedErr, w.stripe.denied["Files"], w.stripe.agreedErr = forbidden(), forbidden(), forbidden()
			w.Deployment.Stripe.Samples = []string{"acct_1"}
		}, "connected", Wrong, "no", "connect/accounts"},
		"a sample that left": {func(w *ward) {
			w.Deployment.Stripe.Samples, w.stripe.gone = []string{"acct_9"}, "acct_9"
		}, "may: Files", Unseen, "shows none of the accounts", "starter doctor ACCOUNT"},
		"parked, and so paused": {func(w *ward) {
			w.Standing.Parked = &account.Parking{By: "ada", Why: "closed"}
			w.schedule.Paused = true
		}, "product schedule", Unseen, "as long as the account is parked", ""},
		"charges of nobody": {func(w *ward) { w.stripe.connectedErr = forbidden() }, "charges", Unseen, "not known",
			""},
		"an empty source": {func(w *ward) {
			_, err := w.store.Put(w.t.Context(), "c", "acct_1/product.csv", "text/csv", nil, "")
			require.NoError(w.t, err)
		}, "product source", Wrong, "is empty", "anew"},
		"a forbidden source": {func(w *ward) {
			w.Settings.SourceBucket, w.err = "elsewhere", storage(fault.SourceForbidden, "AccessDenied")
			w.denies("elsewhere")
		}, "product source", Wrong, "AccessDenied", "#s3"},
		"the catalog of a forbidden source": {func(w *ward) {
			w.Settings.SourceKey, w.err = "none.csv", storage(fault.SourceForbidden, "AccessDenied")
		}, "product catalog", Unseen, "cannot be read", ""},
		"the catalog of no source": {func(w *ward) {
			w.Settings.SourceKey, w.err = "none.csv", storage(fault.SourceMissing, "gone")
		}, "product catalog", Unseen, "no source", ""},
		"the catalog, with the state away": {func(w *ward) { w.awayState() }, "product catalog", Unseen,
			"cannot be used", ""},
		"settings, with the state away": {func(w *ward) {
			w.awayState()
			w.SettingsErr = errors.New("away")
		}, "settings", Unseen, "not read", ""},
		"schedules untold": {func(w *ward) { w.scheduleErr = errors.New("denied") }, "product schedule", Unseen,
			"denied", ""},
		"held": {func(w *ward) {
			w.state.Held = &catalog.Hold{Reasons: []catalog.HoldReason{{Text: "the source is empty"}}}
		}, "product last sync", Doubtful, "the source is empty", "status --held"},
		"refused in part": {func(w *ward) { w.state.Last.Outcome = catalog.SucceededWithErrors }, "product last sync",
			Doubtful, string(catalog.SucceededWithErrors), "starter report"},
		"mail set elsewhere": {func(w *ward) { w.HasMail = false }, "mail sender", Unseen, "no mail server is set",
			"VITRINE_SMTP_URL"},
	}
}

// Every fault is provoked alone: what it is about says so, and nothing else is called wrong for it.
func TestWhatIsBrokenIsSaid(t *testing.T) {
	t.Parallel()
	require.Empty(t, newWard(t).examine())
	for name, c := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			c.spoil(w)
			var said *Result
			for _, r := range w.examine() {
				if r.Check == c.check {
					said = &r
					continue
				}
				require.False(t, r.Severity == Wrong && c.severity != Unseen,
					"%s is not to blame: %s", r.Check, r.Found)
			}
			require.NotNil(t, said, "nobody noticed")
			require.Equal(t, c.severity, said.Severity, said.Found)
			require.Contains(t, said.Found, c.found)
			require.Contains(t, said.Remedy, c.remedy)
		})
	}
}

// brokenFleet is a fleet that is spoiled, and what has to be said of it and of the account.
type brokenFleet struct {
	spoil              func(w *ward, f *Fleet)
	ofFleet, ofAccount Severity
	found, remedy      string // of the account
}

func fleetFaults() map[string]brokenFleet {
	return map[string]brokenFleet{
		"no fleet": {func(_ *ward, f *Fleet) { *f = Fleet{} }, Right, Wrong,
			"there is none", "starter fleet apply"},
		"its shard": {func(_ *ward, f *Fleet) { f.Missing = []int{1} }, Wrong, Wrong,
			"nothing looks at shard 1", "starter fleet apply"},
		"another shard": {func(_ *ward, f *Fleet) { f.Missing = []int{0} }, Wrong, Right, "", ""},
		"behind": {func(_ *ward, f *Fleet) { f.Behind = []int{0, 1} }, Wrong, Wrong,
			"not looked at lately", "#the-fleet"},
		"all paused": {func(_ *ward, f *Fleet) { f.Paused = []int{1} }, Doubtful, Doubtful,
			"is paused", "fleet resume --all"},
		"unknown": {func(_ *ward, f *Fleet) { f.Unknown = errors.New("away") }, Unseen, Right, "", ""},
		"it is paused": {func(w *ward, _ *Fleet) {
			w.Settings.Paused = &account.Pause{Note: "rebuilds"}
		}, Right, Doubtful, "rebuilds", "fleet resume acct_1"},
		"not read": {func(w *ward, _ *Fleet) {
			w.fleetErr = storage(fault.StorageFailed, "HTTP 500")
		}, Wrong, Unseen, "HTTP 500", ""},
		"unreadable": {func(w *ward, _ *Fleet) {
			w.fleetErr = storage(fault.SettingsInvalid, "bad plan")
		}, Wrong, Unseen, "bad plan", ""},
	}
}

// An account of the fleet's has no schedule, and that is right; what it needs is somebody who looks at its shard.
func TestTheFleetIsExamined(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.dispatched()
	require.Empty(t, w.examine())
	for name, c := range fleetFaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			c.spoil(w, w.dispatched())
			said := map[string]Result{}
			for _, r := range w.examine() {
				said[r.Check] = r
			}
			verdict := func(check string) Severity {
				if r, amiss := said[check]; amiss {
					return r.Severity
				}
				return Right
			}
			require.Equal(t, c.ofFleet, verdict("fleet"), said["fleet"].Found)
			require.Equal(t, c.ofAccount, verdict("product schedule"))
			require.Contains(t, said["product schedule"].Found, c.found)
			require.Contains(t, said["product schedule"].Remedy, c.remedy)
		})
	}
}

// A new export is not late before its turn, and one that was refused is not to be sent at all.
func TestAnExportThatWaitsIsDueFirst(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	object, err := w.store.Head(t.Context(), "c", "acct_1/product.csv")
	require.NoError(t, err)
	id := catalog.ID{Account: "acct_1", Feed: feed.Product}
	look := func(after time.Duration) Severity {
		w.Now = func() time.Time { return object.LastModified.Add(after) }
		return w.last(t.Context(), id).Severity
	}
	require.Equal(t, Right, look(time.Hour), "nothing was sent yet: the outcome says so")
	w.state.Accepted = &catalog.Accepted{Source: statestore.Object{ETag: "another"}}
	require.Equal(t, Right, look(44*time.Minute))
	require.Equal(t, Doubtful, look(46*time.Minute))
	w.Settings.Every = account.Interval(time.Hour)
	require.Equal(t, Right, look(46*time.Minute))
	require.Equal(t, Doubtful, look(4*time.Hour))
	w.state.Rejected = &catalog.Decided{Version: object.Version()}
	require.Equal(t, Right, look(4*time.Hour))
	w.state.Rejected, w.state.Accepted.Source = nil, object
	require.Equal(t, Right, look(4*time.Hour))
}

// An account that left is no reason to doubt the key: the next one is tried.
func TestPermissionsAreTriedForOneThatIsConnected(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.Deployment.Stripe.Samples, w.stripe.gone = []string{"acct_9", "acct_1"}, "acct_9"
	for _, check := range w.Deployment.Stripe.checks() {
		if check.Name == "may: Files" {
			require.Equal(t, "reads it of acct_1; writing it was not tried", check.Look(t.Context()).Found)
			return
		}
	}
	require.Fail(t, "nobody tries")
}

// What one cause breaks twice is called wrong where it is.
func TestOneCauseOfManyFaults(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	revokedKey(w)
	var broken []string
	for _, r := range w.examine() {
		if r.Severity != Unseen {
			broken = append(broken, r.Check)
		}
	}
	require.Equal(t, []string{"stripe key"}, broken)

	w = newWard(t)
	away := storage(fault.StorageUnusable, "another region")
	state := func(context.Context) error { return away }
	page := storage(fault.SettingsInvalid, "not readable: '<'") // what stands in the place of a document
	w.Storage.State, w.Account.State, w.fleetErr, w.lastErr = state, state, page, away
	w.SettingsErr, w.StandingErr, w.OrdersErr = page, away, page
	broken = nil
	for _, r := range w.examine() {
		if r.Severity != Unseen {
			broken = append(broken, r.Check)
			require.Contains(t, r.Remedy, "AWS_REGION")
		}
	}
	require.Equal(t, []string{"state bucket"}, broken)

	w = newWard(t)
	w.stripe.denied["Data management"] = fault.NewPermanent(fault.StripeRejected, errors.New("unrecognized"))
	amiss := w.examine()
	require.Len(t, amiss, 2, "of the platform, and of the account")
	require.Contains(t, amiss[1].Remedy, "ask Stripe for the preview")

	w = newWard(t)
	w.stripe.err = forbidden()
	for _, r := range w.examine() {
		if r.Check == "connected" {
			require.Equal(t, Wrong, r.Severity)
			return
		}
	}
	require.Fail(t, "an account that is not connected passes")
}

// Stripe has two lists, and an endpoint may be in the newer one alone.
func TestAnEndpointOfTheNewerListAlone(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.listedAgain(true)
	w.stripe.endpoints = nil
	require.Empty(t, w.examine())
	require.Contains(t, w.Deployment.Stripe.webhooks(t.Context()).Found, "of connected accounts")
}

// Who does not answer is wrong after the time of their own check, and of that alone; nobody hides another.
func TestACheckThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		defer close(hold)
		hangs := func(context.Context) Diagnosis { <-hold; return right("late") }
		checks := []Check{
			{Name: "hangs", Look: hangs, Silent: silent("call them")},
			{Name: "hangs with it", Look: hangs},
			{Name: "is told so", Look: func(ctx context.Context) Diagnosis {
				<-ctx.Done()
				return wrong("the wrong page", "%v", ctx.Err())
			}},
			{Name: "works", Look: func(context.Context) Diagnosis { return right("fine") }},
		}
		var all []string
		began := time.Now()
		Examine(t.Context(), checks, 4,
			func(r Result) { all = append(all, r.Check+": "+string(r.Severity)+", "+r.Found+r.Remedy) })
		require.Equal(t, []string{"hangs: wrong, no answer within 10scall them",
			"hangs with it: unseen, no answer within 10s", "is told so: unseen, no answer within 10s",
			"works: right, fine"}, all)
		require.Equal(t, usual, time.Since(began))
	})
}

// hanging is a Stripe that does not answer.
type hanging struct{ AtStripe }

func (hanging) Account(ctx context.Context, _ string) (stripeapi.Account, error) {
	<-ctx.Done()
	return stripeapi.Account{}, ctx.Err()
}

// However many accounts are looked at, who does not answer is waited for once.
func TestAStripeThatHangsIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t)
		away := Reached(hanging{w.stripe}, usual-time.Second)
		w.Deployment.Stripe.AtStripe, w.Account.Stripe = away, away
		checks := w.Deployment.Checks()
		for range 50 {
			checks = append(checks, w.Account.Checks()...)
		}
		began, wrongs := time.Now(), 0
		Examine(t.Context(), checks, 12, func(r Result) {
			if r.Severity == Wrong {
				wrongs++
				require.Equal(t, "stripe key", r.Check)
				require.Contains(t, r.Found, "no answer within 9s")
			}
		})
		require.Equal(t, 1, wrongs)
		require.Equal(t, usual-time.Second, time.Since(began))
	})
	answering := Reached(&stripes{err: forbidden()}, usual)
	_, err := answering.WebhookEndpoints(t.Context())
	require.NoError(t, err, "a refusal is an answer")
}

// However many accounts are looked at, one source is read at a time, and those that wait lose no time of their own.
func TestSourcesAreReadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reading, made := 0, 0
		read := Check{Name: "catalog", Alone: true, Look: func(context.Context) Diagnosis {
			reading++
			defer func() { reading-- }()
			require.Equal(t, 1, reading)
			<-time.After(usual - time.Second)
			return right("read")
		}}
		quick := Check{Name: "quick", Look: func(context.Context) Diagnosis { return right("fine") }}
		began := time.Now()
		Examine(t.Context(), []Check{quick, read, read, read, quick}, 2, func(r Result) {
			require.Equal(t, Right, r.Severity, r.Found)
			made++
		})
		require.Equal(t, 5, made)
		require.Equal(t, 3*(usual-time.Second), time.Since(began))
	})
}

func TestVersionsAreCompared(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{"1.28.9": true, "1.29.0": false, "1.32.1": false, "0.99.0": true,
		"2.0.0": false, "cloud": false, "": false} {
		require.Equal(t, old, before(version, 1, 29), version)
	}
	require.True(t, leadsHere("https://a.example/x/webhooks/stripe/"))
	require.False(t, leadsHere("https://a.example/webhooks/stripe2"))
}
