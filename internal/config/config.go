package config

import (
	"log/slog"
	"strings"
	"time"

	"vitrine/internal/access"
	"vitrine/internal/account"
	"vitrine/internal/keyring"
	"vitrine/internal/statestore"
)

// Config is everything an operator can set, by concern. Its values are checked: whoever holds one need not ask again.
type Config struct {
	Stripe  Stripe
	Storage Storage
	Import  Import
	Rules   account.Rules // complete: what holds for accounts that have no rule of their own
	Canary  account.Canary
	Orders  Orders
	News    News
	Worker  Worker
	Serve   Serve
	Hooks   Hooks
	Codec   Codec
	Log     Log

	Traces bool // they are sent

	// PayloadKeys are what Temporal's payloads are read with; the first one writes. None: they are in clear text.
	PayloadKeys keyring.Keys
}

// Stripe says how Stripe is reached.
type Stripe struct {
	Key       Secret
	APIBase   string // without a slash at its end
	FilesBase string // without a slash at its end
	Version   string // Stripe-Version of the Data Management API
	V2Version string // Stripe-Version of the Product Catalog Import API
	// OrdersVersion is the Stripe-Version for sessions, payments, refunds, disputes and events.
	OrdersVersion     string
	AgreementsVersion string  // Stripe-Version for agreements with agents
	EmbeddedVersion   string  // Stripe-Version for account sessions
	Rate              float64 // activities a second that call Stripe, for the whole fleet
	// Concurrency is how many activities that call Stripe one worker runs at once.
	Concurrency int
}

// OrderRate is the share of Rate that orders have for themselves, and CatalogRate what is left to catalogs and sweeps:
// the server counts by queue, so neither can have what the other does not need.
func (s Stripe) OrderRate() float64 { return s.Rate / 2 }

// CatalogRate is Rate without OrderRate.
func (s Stripe) CatalogRate() float64 { return s.Rate - s.OrderRate() }

// stepsOfImport are the activities that call Stripe for an import of one part: upload, create, await.
const stepsOfImport = 3

// Imports is how many imports a minute CatalogRate lets through.
func (s Stripe) Imports() float64 { return s.CatalogRate() * 60 / stepsOfImport }

// Storage says where things are in S3.
type Storage struct {
	SourceBucket string
	SourceKey    string // template with {account} and {feed}
	StateBucket  string
	StatePrefix  string // ends in a slash
	PathStyle    bool   // http://host/bucket/key instead of http://bucket.host/key
	Concurrency  int    // activities that read and write S3 which one worker runs at once
}

// Import bounds every import.
type Import struct {
	Interval     time.Duration
	Deadline     time.Duration
	MaxPartBytes int64 // 0: what the import API in use takes; the smaller of the two holds
	// MaxSourceBytes is the largest source, after decompression: a zip bomb is not unpacked to its end.
	MaxSourceBytes int64
}

// Orders says how merchants and buyers are reached.
type Orders struct {
	SecretsDir    string // of merchants' secrets; empty: there are none in files
	AllowPrivate  bool   // merchants' endpoints may be in private networks
	Concurrency   int    // activities that wait for merchants and mail servers which one worker runs at once
	SMTP          Secret // the mail server's address, which holds a password; empty: no mail
	MailTemplates string // empty: Vitrine's own
	// ReportsFrom is whom reports to merchants are from, such as Acme <catalogs@acme.example>; empty: none is mailed.
	ReportsFrom string
}

// Worker is about the process; starter serve is one too.
type Worker struct {
	Listen          string // address of /livez, /readyz and /metrics
	ShutdownTimeout time.Duration

	// Deployment is the Worker Deployment that the worker is a version of; empty: it is not versioned.
	Deployment string
	BuildID    string // which version; empty: the one that the binary names
}

// Serve says how starter serve is reached.
type Serve struct {
	Listen   string        // address for Stripe's webhooks and merchants' requests
	Secrets  []Secret      // of the webhook endpoints; one of them must fit
	APIToken Secret        // operates everything; empty: there is no such token
	Tokens   access.Tokens // the others
}

// APITokenName is who decided where VITRINE_API_TOKEN did.
const APITokenName = "api"

// AllTokens are the tokens that open the API, none of which says its text.
func (s Serve) AllTokens() access.Tokens {
	if s.APIToken == "" {
		return s.Tokens
	}
	return append(access.Tokens{access.New(APITokenName, s.APIToken.Reveal(), access.Operate, "")}, s.Tokens...)
}

// Hooks is about answering Stripe's synchronous hooks.
type Hooks struct {
	Secrets    []Secret // of the endpoint; several while one replaces another
	Fallback   string   // FallbackApprove or FallbackDecline
	CacheBytes int64    // of assortments in memory
}

// Codec is about decrypting payloads for Temporal's Web UI and CLI.
type Codec struct {
	Listen  string
	Origins []string // of the Web UIs
	Tokens  access.Tokens
}

// What an approval is answered when nothing is known.
const (
	FallbackApprove = "approve"
	FallbackDecline = "decline"
)

// Log says what is logged, and how.
type Log struct {
	Level  slog.Level
	Format string // FormatText or FormatJSON
}

// The two formats of the log.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// Layout says where the catalogs, the settings and the state are.
func (c Config) Layout() statestore.Layout {
	return statestore.Layout{
		SourceBucket: c.Storage.SourceBucket,
		SourceKey:    c.Storage.SourceKey,
		StateBucket:  c.Storage.StateBucket,
		StatePrefix:  c.Storage.StatePrefix,
	}
}

// Deployment is what is said of rules.
func (c Config) Deployment() account.Deployment {
	return account.Deployment{Rules: c.Rules, Canary: c.Canary}
}

// Store is the state bucket, reached through objects.
func (c Config) Store(objects statestore.Objects) statestore.Store {
	return statestore.Store{Objects: objects, Layout: c.Layout()}
}

// Livemode reports whether the key is a live one: then events of a sandbox are none of ours, and the other way round.
func (c Config) Livemode() bool { return strings.Contains(c.Stripe.Key.Reveal(), "_live_") }

var _ slog.LogValuer = Config{}

// LogValue is the configuration as the log shows it, without secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Group("stripe",
			"key", c.Stripe.Key,
			"api_base", c.Stripe.APIBase,
			"files_base", c.Stripe.FilesBase,
			"version", c.Stripe.Version,
			"v2_version", c.Stripe.V2Version,
			"orders_version", c.Stripe.OrdersVersion,
			"agreements_version", c.Stripe.AgreementsVersion,
			"embedded_version", c.Stripe.EmbeddedVersion,
			"rate", c.Stripe.Rate,
			"concurrency", c.Stripe.Concurrency),
		slog.Group("storage",
			"source_bucket", c.Storage.SourceBucket,
			"source_key", c.Storage.SourceKey,
			"state_bucket", c.Storage.StateBucket,
			"state_prefix", c.Storage.StatePrefix,
			"path_style", c.Storage.PathStyle,
			"concurrency", c.Storage.Concurrency),
		slog.Group("import",
			"interval", c.Import.Interval,
			"deadline", c.Import.Deadline,
			"max_part_bytes", c.Import.MaxPartBytes,
			"max_source_bytes", c.Import.MaxSourceBytes),
		slog.Group("rules", ruleAttributes(c.Rules)...),
		slog.Group("canary",
			"rules", c.Canary.String(),
			"share", float64(c.Canary.Share),
			"accounts", len(c.Canary.Accounts)),
		slog.Group("orders",
			"secrets_dir", c.Orders.SecretsDir,
			"allow_private", c.Orders.AllowPrivate,
			"concurrency", c.Orders.Concurrency,
			"smtp", c.Orders.SMTP,
			"mail_templates", c.Orders.MailTemplates,
			"reports_from", c.Orders.ReportsFrom),
		slog.Group("news",
			"url", c.News.URL,
			"secrets", c.News.Secrets,
			"types", c.News.Types,
			"stale_after", c.News.StaleAfter),
		slog.Group("worker",
			"listen", c.Worker.Listen,
			"shutdown_timeout", c.Worker.ShutdownTimeout,
			"deployment", c.Worker.Deployment,
			"build_id", c.Worker.BuildID),
		slog.Group("serve",
			"listen", c.Serve.Listen,
			"webhook_secrets", len(c.Serve.Secrets),
			"api_token", c.Serve.APIToken,
			"api_tokens", len(c.Serve.Tokens)),
		slog.Group("hooks",
			"secrets", len(c.Hooks.Secrets),
			"fallback", c.Hooks.Fallback,
			"cache_bytes", c.Hooks.CacheBytes),
		slog.Group("codec",
			"listen", c.Codec.Listen,
			"origins", c.Codec.Origins,
			"tokens", len(c.Codec.Tokens)),
		slog.Bool("traces", c.Traces),
		slog.Any("payload_keys", c.PayloadKeys.IDs()),
		slog.Group("log",
			"level", c.Log.Level,
			"format", c.Log.Format),
	)
}

func ruleAttributes(r account.Rules) (attributes []any) {
	for _, name := range account.RuleNames() {
		attributes = append(attributes, name, r.Text(name))
	}
	return attributes
}
