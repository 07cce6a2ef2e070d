package doctor

import (
	"context"
	"sync"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/stripeapi"
)

// AtStripe is what is asked of Stripe; see stripeapi.Client.
type AtStripe interface {
	Account(ctx context.Context, id string) (stripeapi.Account, error)
	MayRead(ctx context.Context, account string, p stripeapi.Permission) error
	WebhookEndpoints(ctx context.Context) ([]stripeapi.WebhookEndpoint, error)
	EventDestinations(ctx context.Context) ([]stripeapi.EventDestination, error)
	Agreements(ctx context.Context, account string) ([]stripeapi.Agreement, error)
}

// Stripe is Stripe with the deployment's key.
type Stripe struct {
	AtStripe
	Livemode bool
	API      feed.API // by which the deployment imports
	// Samples are connected accounts: permissions are tried for the first that Stripe answers for. None: for the
	// platform itself, whose permissions a restricted key has apart.
	Samples []string
	// Events are the types that orders need, AccountEvents those that say that an account leaves, and ThinEvents those
	// that come as thin events alone, of agreements with agents.
	Events, AccountEvents, ThinEvents []string
	Orders                            bool // some account has settings for orders
	// Ask asks an address by GET, and follows no redirect.
	Ask func(ctx context.Context, address string) Answer
	Now func() time.Time
	Err error // why there is no client
}

const (
	handbookStripe = "docs/operations.md#stripe"
	handbookParked = "docs/operations.md#parked-accounts"
	handbookAgents = "docs/operations.md#agreements-with-agents"
	mendKey        = "set STRIPE_API_KEY: https://dashboard.stripe.com/apikeys"
	mendReach      = "check STRIPE_API_BASE, proxies and https://status.stripe.com"
	mendPermission = "allow it for the key, for connected accounts too: https://dashboard.stripe.com/apikeys"
	mendAgreements = "allow the key to read Agreements (Orchestrated Commerce): https://dashboard.stripe.com/apikeys"
	mendPreview    = "ask Stripe for the preview (starter platform), and compare VITRINE_STRIPE_…VERSION with " +
		handbookStripe
	// skewed and untrusted are how far this machine's clock may be off: Stripe's signatures are believed for five
	// minutes.
	skewed    = 10 * time.Second
	untrusted = 4 * time.Minute
)

func (s Stripe) checks() []Check {
	if s.Err != nil {
		return []Check{{Name: "stripe key",
			Look: func(context.Context) Diagnosis { return wrong(mendKey, "%v", s.Err) }}}
	}
	checks := []Check{{Name: "stripe key", Look: s.key, Silent: silent(mendReach)}, {Name: "clock", Look: s.clock}}
	sample := s.sampler()
	for _, p := range stripeapi.ImportPermissions(s.API) {
		checks = append(checks, s.tries(p, sample, Wrong))
	}
	need := Doubtful
	if s.Orders {
		need = Wrong
	}
	for _, p := range stripeapi.OrderPermissions() {
		checks = append(checks, s.tries(p, sample, need))
	}
	for _, p := range stripeapi.AuditPermissions() {
		checks = append(checks, s.tries(p, sample, Doubtful))
	}
	return append(checks, s.eventChecks()...)
}

func (s Stripe) mode() string {
	if s.Livemode {
		return "live"
	}
	return "a sandbox's"
}

func (s Stripe) key(ctx context.Context) Diagnosis {
	own, err := s.Account(ctx, "")
	switch {
	case err == nil:
		return right("%s, of %s", s.mode(), own.ID)
	case fault.Is(err, fault.StripeUnauthorized):
		return wrong(mendKey, "%v", err)
	case refused(err):
		return doubtful(mendPermission, "Stripe knows it, and does not show the platform's account: %v", err)
	}
	return wrong(mendReach, "%v", err)
}

func (s Stripe) clock(ctx context.Context) Diagnosis {
	const remedy = "set this machine's clock, and let NTP keep it: timedatectl set-ntp true"
	began := s.Now()
	own, err := s.Account(ctx, "")
	if err != nil || own.Answered.IsZero() {
		return unseen("", "not compared: Stripe did not tell the time")
	}
	// The header has whole seconds, and Stripe wrote it between the two looks at our clock.
	ended := s.Now()
	skew := time.Duration(0)
	switch {
	case own.Answered.Add(time.Second).Before(began):
		skew = began.Sub(own.Answered.Add(time.Second))
	case own.Answered.After(ended):
		skew = own.Answered.Sub(ended)
	}
	switch {
	case skew > untrusted:
		return wrong(remedy, "%s off Stripe's: signatures of webhooks are refused as too old", skew.Round(time.Second))
	case skew > skewed:
		return doubtful(remedy, "%s off Stripe's", skew.Round(time.Second))
	}
	return right("agrees with Stripe's")
}

// sampler finds the account to try permissions for, once for all. One that has left the platform would be refused
// whatever the key may do.
func (s Stripe) sampler() func(context.Context) (account string, err error) {
	var once sync.Once
	var found string
	var no error
	return func(ctx context.Context) (string, error) {
		once.Do(func() {
			for _, account := range s.Samples {
				if _, no = s.Account(ctx, account); !refused(no) {
					found, no = account, nil
					return
				}
			}
		})
		return found, no
	}
}

// tries makes a check of a permission; need is what its lack means.
func (s Stripe) tries(p stripeapi.Permission, sample func(context.Context) (string, error), need Severity) Check {
	return Check{Name: "may: " + p.Name, Look: func(ctx context.Context) Diagnosis {
		account, err := sample(ctx)
		switch {
		case fault.Is(err, fault.StripeUnauthorized):
			return unseen("", "not tried: the key is not accepted")
		case err != nil:
			return unseen("name an account that is connected: starter doctor ACCOUNT",
				"not tried: Stripe shows none of the accounts that were asked for")
		}
		f := mayRead(ctx, s.AtStripe, account, p)
		if f.Severity == Wrong {
			f.Severity = need
		}
		return f
	}}
}

func mayRead(ctx context.Context, stripe AtStripe, account string, p stripeapi.Permission) Diagnosis {
	whose := account
	if whose == "" {
		whose = "the platform itself"
	}
	err := stripe.MayRead(ctx, account, p)
	switch {
	case err == nil && p.Needs == "write":
		return right("reads it of %s; writing it was not tried", whose)
	case err == nil:
		return right("reads it of %s", whose)
	case fault.Is(err, fault.StripeUnauthorized):
		return unseen("", "not tried: the key is not accepted")
	case fault.Is(err, fault.StripeForbidden):
		return wrong(mendPermission, "the key may not %s it of %s: %v", p.Needs, whose, err)
	case refused(err):
		return wrong(mendPreview, "Stripe does not know it of %s: %v", whose, err)
	}
	return unseen("", "%v", err)
}
