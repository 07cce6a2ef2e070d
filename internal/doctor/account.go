package doctor

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
	"vitrine/internal/stripeapi"
	"vitrine/internal/utc"
)

// Account is one account, and how to look at what it has. Settings and Orders were read; their errors say why not.
type Account struct {
	ID          string
	Settings    account.Settings
	Stored      bool // it has settings of its own
	SettingsErr error
	Rules       account.Rules // in force, complete
	Orders      order.Settings
	OrdersErr   error

	// Standing says whether the account is parked; its error says why that is not known.
	Standing    account.Standing
	StandingErr error

	Stripe   AtStripe // nil: there is no client
	Layout   statestore.Layout
	Objects  statestore.Objects
	State    func(context.Context) error // as the storage's
	Schedule func(ctx context.Context, id catalog.ID) (Schedule, error)
	Fleet    func(ctx context.Context) (Fleet, error) // asked in the place of a schedule, if the fleet has the account
	Last     func(ctx context.Context, id catalog.ID) (catalog.State, error)
	Compare  func(ctx context.Context, s account.Settings, kind feed.Kind) (Catalog, error)
	Ping     func(ctx context.Context, s order.Settings) error
	HasMail  bool // a mail server is set here
	Now      func() time.Time
}

// Schedule is what keeps a catalog synced.
type Schedule struct {
	Found  bool
	Paused bool
	Note   string // why
	Every  string
}

// Catalog is what a sync of a source would make of it.
type Catalog struct {
	Rows, Errors int64
	Holds        []string // why a person would have to look first
}

const mendMerchant = "have the merchant look at their endpoint: docs/orders.md#by-https"

// reading is how long a check may take that reads a whole source.
const reading = 2 * time.Minute

// Checks are those of the account.
func (a Account) Checks() []Check {
	checks := []Check{{Name: "settings", Look: a.settings}, {Name: "standing", Look: a.standing}}
	checks = append(checks, Check{Name: "connected", Look: a.withStripe(a.connected)},
		Check{Name: "charges", Look: a.withStripe(a.charges)},
		Check{Name: "agreements", Look: a.withStripe(func(ctx context.Context) Diagnosis {
			return a.unlessGone(ctx, a.agreements(ctx))
		})})
	for _, p := range stripeapi.ImportPermissions(a.Rules.ImportAPI) {
		checks = append(checks, Check{Name: "may: " + p.Name, Look: a.withStripe(func(ctx context.Context) Diagnosis {
			return a.unlessGone(ctx, mayRead(ctx, a.Stripe, a.ID, p))
		})})
	}
	if a.SettingsErr == nil {
		for _, kind := range a.Settings.FeedKinds() {
			checks = append(checks, a.feedChecks(kind)...)
		}
	}
	checks = append(checks, Check{Name: "orders", Look: a.orders})
	if a.OrdersErr == nil && a.Orders.Enabled {
		checks = append(checks,
			Check{Name: "merchant", Within: 35 * time.Second, Look: a.merchant, Silent: silent(mendMerchant)},
			Check{Name: "mail sender", Look: a.sender})
	}
	for i := range checks {
		checks[i].Subject = a.ID
	}
	return checks
}

func (a Account) withStripe(look func(context.Context) Diagnosis) func(context.Context) Diagnosis {
	if a.Stripe == nil {
		return func(context.Context) Diagnosis { return unseen("", "not looked at: Stripe cannot be asked") }
	}
	return look
}

// unlessGone leaves to the check of the connection what Stripe refuses of an account that it does not show at all.
func (a Account) unlessGone(ctx context.Context, f Diagnosis) Diagnosis {
	if f.Severity == Right || f.Remedy == "" {
		return f
	}
	if _, err := a.Stripe.Account(ctx, a.ID); refused(err) {
		return unseen("", "not asked: the account is not shown")
	}
	return f
}

func (a Account) settings(ctx context.Context) Diagnosis {
	const remedy = "starter accounts apply -f FILE"
	switch {
	case a.SettingsErr != nil:
		return unread(ctx, a.State, a.SettingsErr, remedy)
	case !a.Stored:
		return doubtful(remedy, "it has none of its own: it is synced by hand, by the deployment's defaults")
	}
	return right("its own")
}

// standing looks whether anything is done for the account.
func (a Account) standing(ctx context.Context) Diagnosis {
	refusal := a.Standing.Refusal
	switch {
	case a.StandingErr != nil:
		return unread(ctx, a.State, a.StandingErr, handbookParked)
	case a.Standing.Parked != nil:
		return wrong("starter accounts resume "+a.ID+` --why "…"`, "%s", a.Standing.Parked.Text())
	case refusal != nil && refusal.Spared != "":
		return doubtful(handbookParked, "Stripe has refused it since %s; %s",
			utc.Text(refusal.Since),
			refusal.Spared)
	case refusal != nil:
		return doubtful(handbookParked, "Stripe has refused it since %s (%s); after a day it is parked",
			utc.Text(refusal.Since), refusal.Code)
	}
	return right("not parked")
}

func (a Account) page() string { return "https://dashboard.stripe.com/connect/accounts/" + a.ID }

func (a Account) connected(ctx context.Context) Diagnosis {
	found, err := a.Stripe.Account(ctx, a.ID)
	switch {
	case err == nil:
		return right("%s",
			strings.Join(slices.DeleteFunc([]string{found.ID, found.Name, found.Country}, isEmpty), ", "))
	case fault.Is(err, fault.StripeUnauthorized):
		return unseen("", "not asked: the key is not accepted")
	case refused(err):
		return wrong("connect it to the platform whose key this is, in the mode of the key: "+
			"https://dashboard.stripe.com/connect/accounts", "%v", err)
	}
	return unseen("", "%v", err)
}

func isEmpty(text string) bool { return text == "" }

func (a Account) charges(ctx context.Context) Diagnosis {
	found, err := a.Stripe.Account(ctx, a.ID)
	switch {
	case err != nil:
		return unseen("", "not known: the account was not shown")
	case found.ChargesEnabled == nil:
		return unseen(a.page(), "Stripe does not say whether it may take charges")
	case !*found.ChargesEnabled:
		text := "Stripe lets it take no charges"
		if found.DisabledReason != "" {
			text += " (" + found.DisabledReason + ")"
		}
		if len(found.Due) > 0 {
			text += "; it asks for " + strings.Join(found.Due, ", ")
		}
		return wrong(a.page(), "%s", text)
	case len(found.Due) > 0:
		return doubtful(a.page(), "enabled; Stripe asks for %s", strings.Join(found.Due, ", "))
	}
	return right("enabled")
}

// agreements looks for an agent that may sell for the account.
func (a Account) agreements(ctx context.Context) Diagnosis {
	all, err := a.Stripe.Agreements(ctx, a.ID)
	switch {
	case fault.Is(err, fault.StripeUnauthorized):
		return unseen("", "not asked: the key is not accepted")
	case fault.Is(err, fault.StripeForbidden):
		return unseen(mendAgreements, "%v", err)
	case refused(err):
		return unseen(mendPreview, "Stripe does not show agreements here: %v", err)
	case err != nil:
		return unseen("", "%v", err)
	case len(all) == 0:
		return doubtful(handbookAgents, "none: no agent may sell for it yet")
	}
	by := map[stripeapi.AgreementStatus][]string{}
	for _, one := range all {
		agent := one.Agent
		if agent == "" {
			agent = one.Profile
		}
		by[one.Status] = append(by[one.Status], agent)
	}
	confirmed, ended := by[stripeapi.AgreementConfirmed], by[stripeapi.AgreementTerminated]
	switch {
	case len(confirmed) > 0:
		return right("confirmed with %s", strings.Join(confirmed, ", "))
	case len(ended) == len(all):
		return wrong(handbookAgents, "ended with %s, and none is left: no agent may sell for it",
			strings.Join(ended, ", "))
	}
	return doubtful("starter agreements show "+a.ID, "none is confirmed by both: no agent may sell for it yet")
}

func (a Account) feedChecks(kind feed.Kind) []Check {
	id := catalog.ID{Account: a.ID, Feed: kind}
	return []Check{
		{Name: string(kind) + " source", Look: func(ctx context.Context) Diagnosis { return a.source(ctx, kind) }},
		{Name: string(kind) + " catalog", Within: reading, Alone: true,
			Look: func(ctx context.Context) Diagnosis { return a.catalog(ctx, kind) }, Silent: a.unended(kind)},
		{Name: string(kind) + " schedule", Look: func(ctx context.Context) Diagnosis { return a.schedule(ctx, id) }},
		{Name: string(kind) + " last sync", Look: func(ctx context.Context) Diagnosis { return a.last(ctx, id) }},
	}
}

func (a Account) source(ctx context.Context, kind feed.Kind) Diagnosis {
	bucket, key := a.Settings.Source(a.Layout, kind)
	found, err := a.Objects.Head(ctx, bucket, key)
	switch {
	case fault.Is(err, fault.SourceMissing):
		return wrong("starter source put "+a.ID+" FILE, or let the merchant export it there",
			"s3://%s/%s does not exist", bucket, key)
	case fault.Is(err, fault.BucketMissing):
		return wrong("create the bucket, or name another one by source_bucket: starter accounts apply -f FILE",
			"%v", err)
	case err != nil:
		return wrong(handbookS3, "%v", err)
	case found.Size == 0:
		return wrong("let the merchant export it anew", "s3://%s/%s is empty", bucket, key)
	}
	return right("s3://%s/%s, of %s", bucket, key, found.LastModified.UTC().Format(time.DateTime))
}

func (a Account) dryRun(kind feed.Kind) string {
	return "starter sync " + a.ID + " --feed " + string(kind) + " --dry-run"
}

// unended is what is found of a catalog that takes long to read, which is no fault of it.
func (a Account) unended(kind feed.Kind) func(time.Duration) Diagnosis {
	return func(within time.Duration) Diagnosis {
		return unseen(a.dryRun(kind), "not read to its end within %s", within)
	}
}

func (a Account) catalog(ctx context.Context, kind feed.Kind) Diagnosis {
	remedy := a.dryRun(kind)
	if err := a.State(ctx); err != nil && !refused(err) { // nothing of a server that is away can be read
		return unseen("", "not read: the state bucket cannot be used")
	}
	found, err := a.Compare(ctx, a.Settings, kind)
	switch {
	case fault.Is(err, fault.SourceMissing):
		return unseen("", "not read: there is no source")
	case fault.Is(err, fault.BucketMissing), fault.Is(err, fault.SourceForbidden):
		return unseen("", "not read: the source cannot be read")
	case err != nil:
		return wrong(remedy, "%v", err)
	case len(found.Holds) > 0:
		return doubtful(remedy, "a sync would be held: %s", strings.Join(found.Holds, "; "))
	case found.Errors > 0:
		return doubtful(remedy, "%d of %d rows have errors and are kept back", found.Errors, found.Rows)
	}
	return right("%d rows without errors", found.Rows)
}

func (a Account) schedule(ctx context.Context, id catalog.ID) Diagnosis {
	if a.Settings.InFleet() {
		return a.dispatched(ctx)
	}
	found, err := a.Schedule(ctx, id)
	switch {
	case err != nil:
		return unseen("", "not looked at: %v", err)
	case !found.Found:
		return wrong("starter accounts apply -f FILE", "there is none: nothing syncs it")
	case found.Paused && a.Standing.Parked != nil:
		return unseen("", "paused, as long as the account is parked")
	case found.Paused:
		return doubtful("starter schedule resume "+a.ID, "paused: %s", found.Note)
	}
	return right("every %s", found.Every)
}

// dispatched looks for what is in the place of a schedule.
func (a Account) dispatched(ctx context.Context) Diagnosis {
	if p := a.Settings.Paused; p != nil {
		return doubtful("starter fleet resume "+a.ID, "paused: %s", p.Note)
	}
	found, err := a.Fleet(ctx)
	if err != nil {
		return unseen("", "not looked at: %v", err)
	}
	return found.dispatched(a.ID)
}

func (a Account) last(ctx context.Context, id catalog.ID) Diagnosis {
	state, err := a.Last(ctx, id)
	switch {
	case err != nil:
		return unread(ctx, a.State, err, "docs/operations.md#lost-state")
	case state.Held != nil:
		return doubtful("starter status --held", "held for a person: %s", state.Held.Text())
	case state.Last == nil:
		return doubtful("starter sync "+a.ID+" --feed "+string(id.Feed)+" --follow", "never")
	case state.Last.Outcome == catalog.Failed:
		return wrong("starter report "+a.ID+" --feed "+string(id.Feed), "failed: %s", state.Last.Reason)
	case state.Last.Outcome == catalog.SucceededWithErrors:
		return doubtful("starter report "+a.ID+" --feed "+string(id.Feed), "%s", state.Last.Outcome)
	}
	if since := a.waiting(ctx, state, id.Feed); !since.IsZero() {
		return doubtful("starter sync "+a.ID+" --feed "+string(id.Feed)+" --follow",
			"%s, but the export of %s is not sent yet", state.Last.Outcome, utc.Text(since))
	}
	return right("%s", state.Last.Outcome)
}

// looks is within how many of its intervals an export is to be sent: one is the usual wait for the next look.
const looks = 3

// waiting is since when an export waits that should have been sent; zero: none does, or it is not known.
func (a Account) waiting(ctx context.Context, state catalog.State, kind feed.Kind) time.Time {
	bucket, key := a.Settings.Source(a.Layout, kind)
	found, err := a.Objects.Head(ctx, bucket, key)
	switch {
	case err != nil || state.Accepted == nil || state.Accepted.Source.Version() == found.Version():
		return time.Time{}
	case state.Rejected != nil && state.Rejected.Version == found.Version():
		return time.Time{}
	case a.Now().Sub(found.LastModified) < looks*a.Settings.Interval():
		return time.Time{}
	}
	return found.LastModified
}

func (a Account) orders(ctx context.Context) Diagnosis {
	remedy := "starter order settings set " + a.ID + " -f FILE: docs/orders.md"
	switch {
	case a.OrdersErr != nil:
		return unread(ctx, a.State, a.OrdersErr, remedy)
	case !a.Orders.Enabled:
		return doubtful(remedy, "what agents buy is not fulfilled: its settings are not enabled, or not there")
	}
	return right("enabled, by %s", a.Orders.Fulfillment.Kind)
}

func (a Account) merchant(ctx context.Context) Diagnosis {
	if a.Orders.Fulfillment.Kind != order.HTTPS {
		return right("orders are laid into a bucket: there is no endpoint")
	}
	err := a.Ping(ctx, a.Orders)
	switch {
	case err == nil:
		return right("its endpoint takes a signed ping")
	case fault.Is(err, fault.SecretMissing):
		return unseen("run this where the worker runs", "%v", err)
	}
	// The host alone: what stands behind it in a merchant's address may be a secret.
	host := "its endpoint"
	if u, err := url.Parse(a.Orders.Fulfillment.URL); err == nil {
		host = u.Host
	}
	return wrong(mendMerchant, "%s: %v", host, err)
}

func (a Account) sender(context.Context) Diagnosis {
	switch {
	case a.Orders.Mail.From == "":
		return doubtful("mail.from in starter order settings set "+a.ID, "none: nobody writes to its buyers")
	case !a.HasMail:
		return unseen("set VITRINE_SMTP_URL where the worker runs", "it has one, and no mail server is set here")
	}
	return right("it has one")
}
