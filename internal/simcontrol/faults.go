package simcontrol

import "encoding/json"

// FaultKind says what goes wrong; the package comment of stripesim describes each one.
type FaultKind string

// The kinds of faults.
const (
	FaultStatus          FaultKind = "status"
	FaultLatency         FaultKind = "latency"
	FaultCutRequestAfter FaultKind = "cut_request_after"
	FaultCutResponse     FaultKind = "cut_response"
	FaultLoseResponse    FaultKind = "lose_response"
	FaultImportFail      FaultKind = "import_fail"
	FaultImportStuck     FaultKind = "import_stuck"
	FaultImportStatus    FaultKind = "import_status"
	FaultPage            FaultKind = "page"
	FaultImportResult    FaultKind = "import_result"
	FaultImportRefuse    FaultKind = "import_refuse"
	FaultErrorFile       FaultKind = "error_file"
	FaultReportFail      FaultKind = "report_fail"
	FaultReportStuck     FaultKind = "report_stuck"
)

// Match picks the calls that a fault strikes; an empty field fits every call.
type Match struct {
	Method     string `json:"method,omitempty"`
	PathPrefix string `json:"path_prefix,omitempty"`
	Account    string `json:"account,omitempty"`
}

// Fault is something that goes wrong.
type Fault struct {
	Match      Match     `json:"match"`
	Kind       FaultKind `json:"kind"`
	Status     int       `json:"status,omitempty"` // of FaultStatus
	Type       string    `json:"type,omitempty"`   // empty: the one that goes with the status
	Code       string    `json:"code,omitempty"`
	Message    string    `json:"message,omitempty"`
	RetryAfter string    `json:"retry_after,omitempty"`
	// LimitedBy is the header Stripe-Rate-Limited-Reason of a 429; without it, it is a lock.
	LimitedBy string `json:"limited_by,omitempty"`
	// under the idempotency key of /v1; nil: as Stripe does for the status
	Stored     *bool    `json:"stored,omitempty"`
	Bytes      int64    `json:"bytes,omitempty"`
	Delay      Duration `json:"delay,omitempty"`
	StatusText string   `json:"status_text,omitempty"` // of FaultImportStatus and FaultImportResult
	// Result takes the place of what FaultImportResult's import did.
	Result json.RawMessage `json:"result,omitempty"`
	IDs    []string        `json:"ids,omitempty"`    // of the rows of FaultImportRefuse
	Odd    string          `json:"odd,omitempty"`    // how FaultErrorFile's file is; one of stripesim.OddErrorFiles
	Listed bool            `json:"listed,omitempty"` // FaultImportFail lists the rows that it would have refused
	Skip   int             `json:"skip,omitempty"`   // calls that pass first
	Times  int             `json:"times,omitempty"`  // 0: once, -1: until disarmed
}

// ArmedFault is a fault and how often it struck.
type ArmedFault struct {
	ID string `json:"id"`
	Fault
	Struck int `json:"struck"`
}
