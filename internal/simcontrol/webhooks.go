package simcontrol

import (
	"encoding/json"
	"time"
)

// Event is an event, seen from the inside.
type Event struct {
	ID      string          `json:"id"`
	Account string          `json:"account"`
	Type    string          `json:"type"`
	Created time.Time       `json:"created"`
	Pending int             `json:"pending"` // endpoints that did not take it
	Object  json.RawMessage `json:"object"`
}

// RawEvent is a body to send as it is.
type RawEvent struct {
	Payload json.RawMessage `json:"payload"`
	Secret  string          `json:"secret,omitempty"` // empty: those of the endpoint
}

// Endpoint is where events go.
type Endpoint struct {
	ID  string `json:"id"` // given by the emulator
	URL string `json:"url"`
	// Secrets sign each delivery once; several of them are a secret that is being rolled.
	Secrets []string `json:"secrets"`
	// Connect makes it a platform's endpoint for the events of all connected accounts.
	Connect bool `json:"connect"`
	// Account owns an endpoint that is not for Connect; empty means the platform, whose own events are none here.
	Account string `json:"account,omitempty"`
	// Thin makes it a destination of thin events, which gets no snapshots; the others get no thin events.
	Thin bool `json:"thin,omitempty"`
	// EnabledEvents are types, or "*" or "charge.*"; empty means all.
	EnabledEvents []string `json:"enabled_events"`
	// Livemode endpoints get no event, as all of the emulator's are of test mode, unless the settings say so.
	Livemode bool `json:"livemode"`
	// Disabled endpoints get no event: Stripe disables those that fail for days.
	Disabled bool `json:"disabled,omitempty"`
	// APIVersion is what its events name as theirs; empty means that of the settings. Their objects are the same.
	APIVersion string `json:"api_version,omitempty"`
}

// The states of a delivery.
const (
	DeliveryPending   = "pending"
	DeliveryDelivered = "delivered"
	DeliveryFailed    = "failed"  // after its last attempt
	DeliveryDropped   = "dropped" // never attempted: the settings wanted it so
)

// Delivery is an event on its way to an endpoint.
type Delivery struct {
	Event     string    `json:"event"`
	Type      string    `json:"type"`
	Account   string    `json:"account"`
	Endpoint  string    `json:"endpoint"`
	Duplicate bool      `json:"duplicate,omitempty"` // of another delivery
	Status    string    `json:"status"`
	Attempts  []Attempt `json:"attempts"`
}

// Attempt is a try to deliver.
type Attempt struct {
	At      time.Time `json:"at"`
	Status  int       `json:"status"` // 0: no answer
	Error   string    `json:"error,omitempty"`
	Seconds float64   `json:"seconds"`
}
