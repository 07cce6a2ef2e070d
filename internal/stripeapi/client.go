package stripeapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v83"
	"github.com/stripe/stripe-go/v83/rawrequest"

	"vitrine/internal/account"
	"vitrine/internal/budget"
	"vitrine/internal/fault"
)

// The defaults of Options.
const (
	DefaultAPIBase   = "https://api.stripe.com"
	DefaultFilesBase = "https://files.stripe.com"
	// DefaultVersion is the preview version under which the Data Management API exists.
	DefaultVersion = "2025-09-30.clover;udap_beta=v1"
	// DefaultV2Version is the first version under which a product catalog import has a mode, and promotions a feed.
	DefaultV2Version = "2026-06-24.dahlia"
	// DefaultOrdersVersion is a preview version under which a price has an external reference, and a payment an agent.
	DefaultOrdersVersion = "2025-12-15.preview"
	// DefaultAgreementsVersion is a preview version under which accounts have agreements with agents.
	DefaultAgreementsVersion = "2026-05-27.preview"
	// DefaultEmbeddedVersion is a preview version under which an account session has the settings of agentic commerce.
	DefaultEmbeddedVersion = "2026-06-24.preview; embedded_connect_beta=v2"
	// DefaultCallTimeout bounds a plain call.
	DefaultCallTimeout = 80 * time.Second
	// DefaultStallTimeout is how long a transfer may stand still. A transfer as a whole has no limit.
	DefaultStallTimeout = 60 * time.Second
	// DefaultAnswerTimeout is how long Stripe may think about an upload once it has every byte.
	DefaultAnswerTimeout = 3 * time.Minute
)

const userAgent = "Vitrine"

// Options say how to reach Stripe. Only Key is required.
type Options struct {
	Key       string
	APIBase   string
	FilesBase string
	Version   string // of the header Stripe-Version under /v1
	V2Version string // of the same header under /v2
	// OrdersVersion is that header for orders: sessions, payments, refunds, disputes and events.
	OrdersVersion string
	// AgreementsVersion is that header for agreements with agents, and EmbeddedVersion for account sessions.
	AgreementsVersion string
	EmbeddedVersion   string
	// HTTPClient lends its transport; its own timeout and redirect policy do not apply. Nil means a transport made for
	// large uploads.
	HTTPClient *http.Client

	// Called is told of every request, if it is set; it must not block.
	Called func(Call)
	// Budget is what requests are spent from; nil: there is no end to it.
	Budget *budget.Calls
	// Traced is told of a request's route before it is made, and what it returns of its end; nil: nobody is.
	Traced func(ctx context.Context, route string) func(Call)

	CallTimeout   time.Duration
	StallTimeout  time.Duration
	AnswerTimeout time.Duration
}

// Client calls Stripe. It is safe for concurrent use.
type Client struct {
	options  Options
	redactor redactor
	http     *http.Client // for streams to and from Stripe
	signed   *http.Client // for streams to and from the signed URLs that Stripe hands out
	api      stripe.RawRequestBackend
	files    stripe.Backend
}

// New checks the options and makes a client; it calls nobody.
func New(o Options) (*Client, error) {
	o.setDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Client{options: o, redactor: redactor{key: o.Key}}
	transport := o.transport()
	c.http = &http.Client{
		Transport:     o.observed(routeOf, &answerReader{next: transport, redactor: c.redactor}),
		CheckRedirect: redirectWithoutKey,
	}
	c.signed = &http.Client{Transport: o.observed(signedRouteOf, &signedReader{next: transport}),
		CheckRedirect: redirectWithoutKey}
	plain := &http.Client{
		Transport:     o.observed(routeOf, &answerReader{next: transport, redactor: c.redactor, limit: maxAnswer}),
		CheckRedirect: redirectWithoutKey,
	}
	api, ok := backend(stripe.APIBackend, o.APIBase, plain).(stripe.RawRequestBackend)
	if !ok {
		return nil, errors.New("stripe: stripe-go's backend takes no raw requests")
	}
	c.api = api
	c.files = backend(stripe.UploadsBackend, o.FilesBase, c.http)
	return c, nil
}

func (o Options) observed(route func(*http.Request) string, next http.RoundTripper) http.RoundTripper {
	if o.Called != nil {
		next = observer{next: next, route: route, tell: o.Called, traced: o.Traced}
	}
	if o.Budget != nil {
		next = spender{next: next, route: route, budget: o.Budget}
	}
	return next
}

func (o *Options) setDefaults() {
	o.Key = strings.TrimSpace(o.Key)
	o.APIBase = strings.TrimSuffix(cmp.Or(o.APIBase, DefaultAPIBase), "/")
	o.FilesBase = strings.TrimSuffix(cmp.Or(o.FilesBase, DefaultFilesBase), "/")
	o.Version = cmp.Or(o.Version, DefaultVersion)
	o.V2Version = cmp.Or(o.V2Version, DefaultV2Version)
	o.OrdersVersion = cmp.Or(o.OrdersVersion, DefaultOrdersVersion)
	o.AgreementsVersion = cmp.Or(o.AgreementsVersion, DefaultAgreementsVersion)
	o.EmbeddedVersion = cmp.Or(o.EmbeddedVersion, DefaultEmbeddedVersion)
	o.CallTimeout = cmp.Or(o.CallTimeout, DefaultCallTimeout)
	o.StallTimeout = cmp.Or(o.StallTimeout, DefaultStallTimeout)
	o.AnswerTimeout = cmp.Or(o.AnswerTimeout, DefaultAnswerTimeout)
}

func (o Options) check() error {
	var errs []error
	if o.Key == "" {
		errs = append(errs, errors.New("stripe: the API key is empty"))
	} else if strings.ContainsFunc(o.Key, notVisible) {
		errs = append(errs, errors.New("stripe: the API key has a space or a control character in it"))
	}
	for _, version := range []string{o.Version, o.V2Version, o.OrdersVersion, o.AgreementsVersion, o.EmbeddedVersion} {
		if strings.ContainsFunc(version, notVisible) && !embeddedVersion.MatchString(version) {
			errs = append(errs, fmt.Errorf("stripe: version %q has a space or a control character in it", version))
		}
	}
	return errors.Join(append(errs, checkBase("API base", o.APIBase), checkBase("files base", o.FilesBase))...)
}

// embeddedVersion is the one form of a version that has a space in it: that of embedded components which are a preview.
var embeddedVersion = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}\.preview; embedded_connect_beta=v\d{1,3}$`)

// checkBase accepts scheme and host alone: paths are ours, and a user in the URL would end up in error messages.
func checkBase(what, base string) error {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Path != "" ||
		u.RawQuery != "" {
		return fmt.Errorf("stripe: %s is not an address such as https://api.stripe.com", what)
	}
	return nil
}

func notVisible(r rune) bool { return r <= ' ' || r > '~' }

func backend(kind stripe.SupportedBackend, base string, client *http.Client) stripe.Backend {
	return stripe.GetBackendWithConfig(kind, &stripe.BackendConfig{
		URL:               stripe.String(base),
		HTTPClient:        client,
		MaxNetworkRetries: stripe.Int64(0), // its pauses ignore the context, and Temporal is the one who retries
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
}

// params are what every call of stripe-go is made with. Stripe-Account names the account for /v2 as well. Stripe's page
// on contexts says that Stripe-Context supersedes it, and both are understood; only this place would change.
func (c *Client) params(account, version string) stripe.Params {
	return stripe.Params{
		StripeAccount: stripe.String(account),
		Headers:       http.Header{"Stripe-Version": {version}},
	}
}

// raw makes a call that stripe-go has no types for.
func (c *Client) raw(
	ctx context.Context, doing, method, path, content string, params stripe.Params,
) (*stripe.APIResponse, error) {
	bounded, cancel := context.WithTimeout(ctx, c.options.CallTimeout)
	defer cancel()
	params.Context = bounded
	client := rawrequest.Client{B: c.api, Key: c.options.Key}
	response, err := client.RawRequest(method, path, content, &stripe.RawParams{Params: params})
	if err != nil {
		if bounded.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("no answer within %s", c.options.CallTimeout)
		}
		return nil, c.failed(ctx, doing, err)
	}
	return response, nil
}

// unreadable is an answer that agrees to the call but does not say what it should.
func unreadable(doing string, response *stripe.APIResponse, err error) error {
	return unavailable(&Error{Status: response.StatusCode, RequestID: response.RequestID,
		Message: doing + ": " + err.Error()})
}

// failed gives an error of a call its final form: the caller's own cancellation as it is, a refusal as the fault that
// the transport made of it, and everything else as Stripe being out of reach.
func (c *Client) failed(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if known, ok := fault.Of(err); ok {
		return known
	}
	if urlError := new(url.Error); errors.As(err, &urlError) {
		err = urlError.Err // its URL says nothing that doing does not
	}
	// Only the text of err goes on: a deadline of our own inside of it would pass for the caller's.
	return unavailable(&Error{Message: c.redactor.clean(doing + ": " + err.Error())})
}

// checkAccount guards the header Stripe-Account: an empty one would act on the platform itself.
func checkAccount(id string) error { return account.Check(id) }

func checkIdempotencyKey(key string) error {
	if key == "" || len(key) > 255 || strings.ContainsFunc(key, notVisible) {
		return fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("idempotency key of %d bytes: expected 1 to 255 visible characters", len(key)))
	}
	return nil
}
