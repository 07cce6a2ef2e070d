package simcontrol

// Spellings of the line items in hooks: the documentation has one, clients in production read the other.
const (
	LineItemsDeployed   = "line_item_details"
	LineItemsDocumented = "line_items_details"
)

// OrderSettings say how orders, webhooks and hooks go. A zero field means its default.
type OrderSettings struct {
	// APIVersion is what events name as their version: 2025-10-29.clover.
	APIVersion string `json:"api_version"`
	// Seed draws drops, duplicates and delays.
	Seed uint64 `json:"seed"`
	// Jitter is how long a delivery is delayed at most, so that later events overtake earlier ones: 20ms. Without any,
	// -1ns, the order is still not guaranteed.
	Jitter Duration `json:"jitter"`
	// Duplicates is the share of deliveries that come twice, from 0 to 1.
	Duplicates float64 `json:"duplicates"`
	// Drops is the share of deliveries that are never attempted, from 0 to 1: GET /v1/events has them.
	Drops float64 `json:"drops"`
	// DropNext is how many of the next deliveries are not attempted; it counts down.
	DropNext int `json:"drop_next"`
	// Retries is how many attempts follow the first: 3, as in a sandbox of Stripe's; -1 for none.
	Retries int `json:"retries"`
	// RetryDelay is how long the first retry waits; each later one waits twice as long: 1s, for Stripe's hours.
	RetryDelay Duration `json:"retry_delay"`
	// DeliveryTimeout is how long an endpoint may take to answer: 10s.
	DeliveryTimeout Duration `json:"delivery_timeout"`
	// TestEventsToLive sends events of test mode to endpoints of live mode as well, as Connect endpoints see them.
	TestEventsToLive bool `json:"test_events_to_live"`
	// SignatureAge is by how much signatures, of hooks too, are too old.
	SignatureAge Duration `json:"signature_age"`
	// AuthorizationWindow is how long an authorization waits for its capture, for payments from now on: 168h.
	AuthorizationWindow Duration `json:"authorization_window"`
	// RefundDelay is how long refunds stay pending; 0 means that they succeed at once.
	RefundDelay Duration `json:"refund_delay"`
	// HookTimeout is how long a hook may take to answer: 4s.
	HookTimeout Duration `json:"hook_timeout"`
	// HookLineItems is how the approval hook spells its line items: line_item_details.
	HookLineItems string `json:"hook_line_items"`
}

// Settings can be changed while the emulator runs.
type Settings struct {
	ImportDelay Duration `json:"import_delay"`
	// ReportDelay is how old the data of reports is: 0s, at most 15m.
	ReportDelay Duration `json:"report_delay"`
	// ReportTime is how long a report is made: 0s.
	ReportTime Duration      `json:"report_time"`
	Orders     OrderSettings `json:"orders"`
}
