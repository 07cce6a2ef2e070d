package simcontrol

import "time"

// Request is one call under /v1 or /v2, or to a signed URL.
type Request struct {
	RequestID string    `json:"request_id"`
	At        time.Time `json:"at"`
	Method    string    `json:"method"`
	Path      string    `json:"path"` // of a signed URL: what stands before the secret
	// of the header Stripe-Account, or of the import that a signed URL is for
	Account        string            `json:"account,omitempty"`
	IdempotencyKey string            `json:"idempotency_key,omitempty"`
	AuthScheme     string            `json:"auth_scheme,omitempty"` // Bearer or Basic, never the key
	ContentLength  int64             `json:"content_length"`        // -1 if the call came chunked
	Headers        map[string]string `json:"headers"`
	// Status is the answer's; 0 while the call is running, or if the client left or the connection was cut before one.
	Status   int     `json:"status"`
	Replayed bool    `json:"replayed,omitempty"`
	Cut      bool    `json:"cut,omitempty"` // a fault cut the connection
	Fault    string  `json:"fault,omitempty"`
	Seconds  float64 `json:"seconds"`
}

// Stats counts what the emulator saw since it started or was reset.
type Stats struct {
	Requests         int            `json:"requests"` // under /v1 and /v2, and to signed URLs
	Replayed         int            `json:"replayed"`
	RequestsByStatus map[int]int    `json:"requests_by_status"` // 0: no answer was sent
	Files            int            `json:"files"`              // uploaded; files of refused rows do not count
	FileBytes        int64          `json:"file_bytes"`
	Imports          int            `json:"imports"`
	ImportsByStatus  map[string]int `json:"imports_by_status"`
	Products         map[string]int `json:"products"` // by account
	// InFlight and MaxInFlight count imports that have their file and have not ended, now and at the worst, by
	// "account/standard_data_format" (v1) or "account/feed_type" (v2).
	InFlight    map[string]int `json:"in_flight"`
	MaxInFlight map[string]int `json:"max_in_flight"`
}
