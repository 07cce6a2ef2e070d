package telemetry

import (
	"slices"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/news"
	"vitrine/internal/order"
	"vitrine/internal/stripeapi"
)

// Service is one of the processes that stay.
type Service string

// The services, as their metrics name them.
const (
	Worker Service = "vitrine-worker"
	Serve  Service = "vitrine-starter" // starter serve
)

// Kind is what a metric is to Prometheus.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Label tells the series of a metric apart. No label bears an account, an order or anything of a buyer: with thousands
// of accounts it would sink a Prometheus.
type Label struct {
	Name    string
	Meaning string
	// Values are those that have a series from the start, so that the first increase is seen as one. Others may come.
	Values []string
	// Closed: there are no others, and what else is reported becomes other.
	Closed bool
}

// Definition is one metric of Vitrine's own.
type Definition struct {
	Name     string // as /metrics has it
	Kind     Kind
	Labels   []Label
	Help     string
	Services []Service
	// Bounds of a histogram, in seconds.
	Bounds []float64
	// Awaited: it has no series before something is known. The others have one from the start.
	Awaited bool
}

// On reports whether a process has the metric.
func (d Definition) On(s Service) bool { return slices.Contains(d.Services, s) }

var (
	onWorker = []Service{Worker}
	onServe  = []Service{Serve}
	onBoth   = []Service{Worker, Serve}
)

// The bounds of histograms. OpenTelemetry's and Prometheus' own reach neither to an import that takes an hour nor to an
// order that waits for days.
var (
	// seconds reach from a task's start to an import that takes an hour.
	seconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
	calls   = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 80, 300}
	imports = []float64{1, 5, 15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 14400, 86400}
	ages    = []float64{15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 259200, 604800}
	waits   = []float64{1, 10, 60, 300, 900, 3600, 14400, 43200, 86400, 259200, 604800, 2592000, 7776000}
)

// Definitions are all metrics of Vitrine's own, as docs/metrics.md lists them.
func Definitions() []Definition {
	return slices.Concat(
		processMetrics(), catalogMetrics(), fleetMetrics(), orderMetrics(), newsMetrics(), stripeMetrics(),
		stepMetrics(),
		receptionMetrics(),
	)
}

func processMetrics() []Definition {
	return []Definition{{
		Name: "vitrine_build_info", Kind: Gauge, Services: onBoth,
		Help:   "The release and commit that runs; its value is 1.",
		Labels: []Label{label("version", "what `worker --version` says", nil)},
	}}
}

func feedLabel() Label {
	l := label("feed", "of the account", texts(feed.Kinds()))
	l.Closed = true
	return l
}

// label is one whose values are those, or begin with them.
func label(name, meaning string, values []string) Label {
	return Label{Name: name, Meaning: meaning, Values: values}
}

// The meanings of labels that take more than a word. What stands in quotes are their values.
const (
	outcomeOfSync = "how it ended; `canceled`: somebody ended it"
	longerAgo     = "an age, such as `1h`"
	foundByLook   = "`changed`; `unchanged`; `failing`: this version failed before, and is not due for another try; " +
		"`rejected` by a person; `parked`: the account is; `waiting`: rows or deletions are, or Stripe's 15 minutes " +
		"are not over; `held`; `interrupted`: what an earlier run began is finished first"
	fateOfRow = "`accepted`; `refused` by Stripe; `still_refused`: before, and not changed since; `kept_back` by " +
		"Vitrine; `superseded` by another row of the same id; `unchanged`; `unknown`: nobody knows whether Stripe " +
		"took it; `deleted`; `not_deleted`: the deletions among those that were refused, or are unknown"
	routeOfCall = "method and path, with `{id}` where an id is; `PUT signed` and `GET signed` are files at the " +
		"addresses that Stripe hands out; `other`: none that Vitrine knows"
	outcomeOfCall  = "`ok`, `canceled` by us, or an [error code](operations.md#error-codes)"
	outcomeOfStep  = "`ok`, `canceled`, an [error code](operations.md#error-codes), or `unclassified`"
	outcomeOfNews  = "`delivered`; `given_up`: nobody took it within days; `unheard`: nobody listens any more"
	outcomeOfEvent = "see [Receiving orders](operations.md#receiving-orders)"
	outcomeOfHook  = "see [Hooks](operations.md#hooks)"
	kindOfHook     = "which question; `unknown`: none that Vitrine knows; `refused`: not Stripe's"
	kindOfEvent    = "of the event, if Vitrine knows it; `other`, or `unverified`"
)

func catalogMetrics() []Definition {
	outcomes := append(texts(catalog.Outcomes()), "canceled")
	looks := []string{"changed", "unchanged", "failing", "rejected", "parked", "waiting", "held", "interrupted"}
	fates := []string{
		"accepted", "refused", "still_refused", "kept_back", "superseded", "unchanged", "unknown", "deleted",
		"not_deleted",
	}
	apis := texts([]feed.API{feed.V1, feed.V2})
	ends := texts([]catalog.ImportStatus{catalog.StatusSucceeded, catalog.StatusSucceededWithErrors,
		catalog.StatusFailed})
	return []Definition{
		{
			Name: "vitrine_catalog_syncs_total", Kind: Counter, Services: onWorker,
			Help:   "Syncs that ended, and syncs that were held for a person: one that is held ends later.",
			Labels: []Label{feedLabel(), label("outcome", outcomeOfSync, outcomes)},
		},
		{
			Name: "vitrine_catalog_looks_total", Kind: Counter, Services: onWorker,
			Help:   "Looks at a source. A feed is looked at every 15 minutes, so that the looks within them are feeds.",
			Labels: []Label{feedLabel(), label("found", foundByLook, looks)},
		},
		{
			Name: "vitrine_catalog_holds_total", Kind: Counter, Services: onWorker,
			Help: "Guards that held a sync, each version of a source once.",
			Labels: []Label{feedLabel(),
				label("guard", "see [Held syncs](operations.md#held-syncs)", catalog.Guards())},
		},
		{
			Name: "vitrine_catalog_rows_total", Kind: Counter, Services: onWorker,
			Help:   "Rows of the sources that syncs dealt with, by what became of them.",
			Labels: []Label{feedLabel(), label("fate", fateOfRow, fates)},
		},
		{
			Name: "vitrine_catalog_source_bytes_total", Kind: Counter, Services: onWorker,
			Help: "Bytes of sources that were read, as they lie in S3.", Labels: []Label{feedLabel()},
		},
		{
			Name: "vitrine_catalog_sent_bytes_total", Kind: Counter, Services: onWorker,
			Help: "Bytes that were uploaded to Stripe.", Labels: []Label{feedLabel()},
		},
		{
			Name: "vitrine_catalog_import_duration_seconds", Kind: Histogram, Services: onWorker, Bounds: imports,
			Help:   "How long Stripe took for an import.",
			Labels: []Label{label("api", "of the import", apis), label("status", "Stripe's, at its end", ends)},
		},
		{
			Name: "vitrine_catalog_freshness_seconds", Kind: Histogram, Services: onWorker, Bounds: ages,
			Help:   "How long after a changed source was written Stripe had taken all of it that it would take.",
			Labels: []Label{feedLabel()},
		},
		{
			Name: "vitrine_accounts_parked_total", Kind: Counter, Services: onWorker,
			Help: "Accounts that were parked.",
			Labels: []Label{label("cause", "see [Parked accounts](operations.md#parked-accounts)",
				[]string{"deauthorized", "person", "refused"})},
		},
		{
			Name: "vitrine_catalog_syncs_held", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Syncs that wait for a person now. Every worker counts the same ones: take the maximum.",
		},
		{
			Name: "vitrine_catalog_syncs_held_older", Kind: Gauge, Services: onWorker, Awaited: true,
			Help:   "Those of them whose run began longer ago. A run that was continued as a new one begins anew.",
			Labels: []Label{label("than", longerAgo, []string{"4h", "1d"})},
		},
	}
}

// fleetMetrics are of the whole fleet, as the dispatchers' last looks found it. A look that takes place or fails is a
// step: LookAtShard.
func fleetMetrics() []Definition {
	const same = " Every worker tells the same: take the maximum."
	conditions := label("condition", "see [The fleet](operations.md#the-fleet)", texts(fleet.Conditions()))
	share := label("share", "`0.5`, `0.99`, or `1` for the longest", []string{"0.5", "0.99", "1"})
	return []Definition{
		{
			Name: "vitrine_fleet_shards", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Shards that the fleet is divided into; 0: there is no fleet." + same,
		},
		{
			Name: "vitrine_fleet_shards_never_looked_at", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Shards that nobody has looked at yet." + same,
		},
		{
			Name: "vitrine_fleet_accounts", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Accounts of the fleet." + same,
		},
		{
			Name: "vitrine_fleet_feeds", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Feeds of the fleet, by where they stand." + same, Labels: []Label{conditions},
		},
		{
			Name: "vitrine_fleet_feeds_late", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Feeds with a change that Stripe does not have 20 minutes after it, or after the account's `every` " +
				"was over if that is above 15 minutes, though nothing holds it." + same,
		},
		{
			Name: "vitrine_fleet_lateness_seconds", Kind: Gauge, Services: onWorker, Awaited: true,
			Help:   "How long ago came up, or was due by its account's `every`, what is on its way to Stripe." + same,
			Labels: []Label{share},
		},
		{
			Name: "vitrine_fleet_oldest_look_timestamp_seconds", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "When the shard was looked at that was looked at least lately, in seconds since 1970." + same,
		},
		{
			Name: "vitrine_fleet_stripe_reads", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Reads of Stripe within 30 days that count against its ration, as far as dispatchers know." + same,
		},
		{
			Name: "vitrine_fleet_starts_total", Kind: Counter, Services: onWorker,
			Help: "Syncs that dispatchers started.",
			Labels: []Label{label("outcome", "`started`; `joined`: it was under way; `refused` by Temporal",
				[]string{"started", "joined", "refused"})},
		},
		{
			Name: "vitrine_fleet_start_delay_seconds", Kind: Histogram, Services: onWorker, Bounds: ages,
			Help: "How long a sync that a dispatcher started was due.",
		},
		{
			Name: "vitrine_breaker_open", Kind: Gauge, Services: onWorker,
			Help:   "1 while something fails for everybody and the worker keeps attempts to a few.",
			Labels: []Label{label("dependency", "`Stripe` or `S3`", []string{"Stripe", "S3"})},
		},
	}
}

func orderMetrics() []Definition {
	states := label("state", "see [Orders](orders.md#the-steps-of-an-order)", texts(order.States()))
	waiting := label("state", "in which they are", texts(append(order.Waiting(), order.StateLoading)))
	return []Definition{
		{
			Name: "vitrine_orders", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Orders that wait for somebody, or to be read from Stripe (`loading`), now. Every worker counts " +
				"the same ones: take the maximum.",
			Labels: []Label{waiting},
		},
		{
			Name: "vitrine_orders_older", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Those of them whose run began longer ago: the age is the order's, and not how long it has been in " +
				"the state. In states in which buyers, parcels or banks are waited for, age is not counted.",
			Labels: []Label{waiting, label("than", longerAgo, []string{"30m", "1h", "1d"})},
		},
		{
			Name: "vitrine_order_states_total", Kind: Counter, Services: onWorker,
			Help: "How often an order came into a state.", Labels: []Label{states},
		},
		{
			Name: "vitrine_order_state_duration_seconds", Kind: Histogram, Services: onWorker, Bounds: waits,
			Help: "How long an order was in a state, when it left it.", Labels: []Label{states},
		},
		{
			Name: "vitrine_census_timestamp_seconds", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "When orders and held syncs were counted last, the older ones among them too, in seconds since 1970.",
		},
	}
}

func newsMetrics() []Definition {
	return []Definition{{
		Name: "vitrine_news_total", Kind: Counter, Services: onWorker,
		Help: "News for the platform, when it was dealt with.",
		Labels: []Label{
			label("type", "see [News](operations.md#news)", texts(news.Types())),
			label("outcome", outcomeOfNews, []string{"delivered", "given_up"}),
		},
	}}
}

func stripeMetrics() []Definition {
	route := label("route", routeOfCall, stripeapi.Routes())
	// Those that alerts are about; the others come when they occur.
	outcomes := []string{
		stripeapi.CallOK, string(fault.StripeUnavailable), string(fault.StripeUnclear), string(fault.StripeThrottled),
		string(fault.StripeUnauthorized),
	}
	return []Definition{
		{
			Name: "vitrine_stripe_requests_total", Kind: Counter, Services: onBoth,
			Help:   "Requests to Stripe.",
			Labels: []Label{route, label("outcome", outcomeOfCall, outcomes)},
		},
		{
			Name: "vitrine_stripe_request_duration_seconds", Kind: Histogram, Services: onBoth, Bounds: calls,
			Help: "How long Stripe took to begin its answer, an upload's bytes included.", Labels: []Label{route},
		},
		{
			Name: "vitrine_stripe_step_rate_limit_hertz", Kind: Gauge, Services: onWorker,
			Help:   "Steps a second that the whole fleet may begin, as configured: half of VITRINE_STRIPE_RATE each.",
			Labels: []Label{label("task_queue", "whose", []string{"vitrine-stripe", "vitrine-stripe-orders"})},
		},
		{
			Name: "vitrine_stripe_call_rate_limit_hertz", Kind: Gauge, Services: onWorker, Awaited: true,
			Help: "Calls a second that the worker allows itself now. At VITRINE_STRIPE_RATE nothing is held back; " +
				"less where Stripe has refused calls because they were too many, and back within a minute of it.",
			Labels: []Label{label("route", "`all` of them together, or one that was called: the lower one counts",
				nil)},
		},
	}
}

func stepMetrics() []Definition {
	step := label("step", "the activity's type", steps)
	// Those that alerts are about; the others come when they occur.
	outcomes := []string{
		"ok", string(fault.StorageFailed), string(fault.StripeUnavailable), string(fault.ImportDeadline),
	}
	return []Definition{
		{
			Name: "vitrine_steps_total", Kind: Counter, Services: onWorker,
			Help: "Attempts of steps. One that means to look again later (`ImportPending`, `RunWaiting`) is no " +
				"failure.",
			Labels: []Label{step, label("outcome", outcomeOfStep, outcomes)},
		},
		{
			Name: "vitrine_step_duration_seconds", Kind: Histogram, Services: onWorker, Bounds: seconds,
			Help: "How long an attempt of a step took.", Labels: []Label{step},
		},
		{
			Name: "vitrine_worker_clock_ahead_seconds", Kind: Gauge, Services: onWorker,
			Help: "How far the worker's clock is ahead of Temporal's, as the last step began; below 0: behind.",
		},
	}
}

// steps are the activities; a test of the worker compares.
var steps = []string{
	"Approve", "AwaitImportSet", "CreateImportSet", "FetchCatalog", "FetchImportErrors", "RecordFailure", "SendPart",
	"Settle", "SettleLast", "SettlePart", "UploadFile", "ParkAccount", "ResumeAccount",
	"AwaitReport", "AwaitReportData", "BeginAudit", "BeginReport", "CompareReport", "HealCatalog", "SetCopyAside",
	"LookAtShard",
	"StageInventory", "SettleInventory", "CloseInventory", "MailReport",
	"CancelPayment", "CapturePayment", "CheckOrder", "LoadOrder", "NoteSale", "NotifyMerchant", "ReadDispute",
	"ReadPayment",
	"ReadRefunds", "RefundPayment", "SaveRecord", "SendMail", "SubmitEvidence", "SubmitOrder", "WriteEvidence",
	"ListSwept", "SweepAccount", "DeliverNews", "TellNews",
}

func receptionMetrics() []Definition {
	route := label("route", "method and pattern; `none`: no such route", []string{"POST /webhooks/stripe"})
	hook := label("hook", kindOfHook, []string{"finalize", "customize", "availability"})
	return []Definition{
		{
			Name: "vitrine_http_request_duration_seconds", Kind: Histogram, Services: onServe, Bounds: seconds,
			Help:   "Requests from the internet.",
			Labels: []Label{route, label("status", "of the answer", []string{"200"})},
		},
		{
			Name: "vitrine_http_turned_away_total", Kind: Counter, Services: onServe,
			Help: "Connections of strangers that were cut off because there were too many.",
		},
		{
			Name: "vitrine_webhook_events_total", Kind: Counter, Services: onServe, Help: "Events that Stripe posted.",
			Labels: []Label{
				label("type", kindOfEvent,
					append(order.EventTypes(), "account.application.deauthorized", "other", "unverified")),
				label("outcome", outcomeOfEvent,
					[]string{"delivered", "failed", "busy", "undeliverable", "unknown_account", "parking",
						"signature_mismatch", "signature_too_new"}),
			},
		},
		{
			Name: "vitrine_webhook_duration_seconds", Kind: Histogram, Services: onServe, Bounds: seconds,
			Help:   "How long an event took until Temporal had it.",
			Labels: []Label{label("outcome", outcomeOfEvent, []string{"delivered", "failed"})},
		},
		{
			Name: "vitrine_hooks_total", Kind: Counter, Services: onServe,
			Help: "Stripe's questions during a checkout, as they were answered.",
			Labels: []Label{hook, label("outcome", outcomeOfHook,
				[]string{"busy", "approved_no_settings", "declined_no_settings"})},
		},
		{
			Name: "vitrine_hook_duration_seconds", Kind: Histogram, Services: onServe, Bounds: seconds,
			Help:   "How long Stripe, and the buyer, waited for the answer.",
			Labels: []Label{hook, label("outcome", outcomeOfHook, []string{"busy"})},
		},
		{
			Name: "vitrine_hook_merchant_duration_seconds", Kind: Histogram, Services: onServe, Bounds: seconds,
			Help: "How long a merchant took for their say during a checkout.",
			Labels: []Label{
				label("question", "`approval` or `customization`", []string{"approval", "customization"}),
				label("outcome", outcomeOfHook, []string{"answered", "late", "down"}),
			},
		},
	}
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}
