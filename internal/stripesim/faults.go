package stripesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// FaultKind says what goes wrong; the package comment describes each one.
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
	Stored     *bool     `json:"stored,omitempty"` // under the idempotency key of /v1; nil: as Stripe does for the status
	Bytes      int64     `json:"bytes,omitempty"`
	Delay      Duration  `json:"delay,omitempty"`
	StatusText string    `json:"status_text,omitempty"` // of FaultImportStatus and FaultImportResult
	// Result takes the place of what FaultImportResult's import did.
	Result json.RawMessage `json:"result,omitempty"`
	IDs    []string        `json:"ids,omitempty"`    // of the rows of FaultImportRefuse
	Odd    string          `json:"odd,omitempty"`    // how FaultErrorFile's file is; see [OddErrorFiles]
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

type armedFault struct {
	ArmedFault
	skipped int
}

// Duration is a time.Duration that reads and writes as text in JSON: "250ms".
type Duration time.Duration

// MarshalJSON writes the duration as text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads what MarshalJSON and people write.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("duration: expected text such as \"250ms\": %w", err)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("duration: %w", err)
	}
	*d = Duration(parsed)
	return nil
}

func (f Fault) check() error {
	switch f.Kind {
	case FaultStatus:
		if f.Status < 400 || f.Status > 599 {
			return fmt.Errorf("status %d is not one of an error: 400 to 599", f.Status)
		}
	case FaultLatency:
		if f.Delay <= 0 {
			return errors.New("latency needs a delay, such as \"2s\"")
		}
	case FaultCutRequestAfter, FaultCutResponse:
		if f.Bytes < 0 {
			return fmt.Errorf("bytes %d is negative", f.Bytes)
		}
	case FaultPage:
		if f.Status < 200 || f.Status > 599 {
			return fmt.Errorf("status %d is not one of an answer: 200 to 599", f.Status)
		}
	case FaultErrorFile:
		if !slices.Contains(OddErrorFiles(), f.Odd) {
			return fmt.Errorf("an error file that is %q is not known: expected one of %s", f.Odd, strings.Join(OddErrorFiles(), ", "))
		}
	case FaultImportRefuse:
		if len(f.IDs) == 0 {
			return errors.New("import_refuse needs the ids of the rows")
		}
	case FaultLoseResponse, FaultImportFail, FaultImportStuck, FaultImportStatus, FaultImportResult:
	default:
		return fmt.Errorf("fault kind %q is not known", f.Kind)
	}
	return nil
}

func (s *Server) arm(f Fault) (ArmedFault, error) {
	if err := f.check(); err != nil {
		return ArmedFault{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nextFault++
	armed := &armedFault{ArmedFault: ArmedFault{ID: fmt.Sprintf("fault_%d", s.nextFault), Fault: f}}
	s.faults = append(s.faults, armed)
	return armed.ArmedFault, nil
}

// strike returns the fault that this call meets, and counts it; nil if the call is spared.
func (s *Server) strike(r *http.Request, q *Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, armed := range s.faults {
		if armed.spent() || !armed.fits(r, q.Account) {
			continue
		}
		if armed.skipped < armed.Skip {
			armed.skipped++
			continue
		}
		armed.Struck++
		q.Fault = string(armed.Kind)
		struck := armed.Fault
		return &struck
	}
	return nil
}

func (f *armedFault) spent() bool { return f.Times >= 0 && f.Struck >= max(f.Times, 1) }

func (f *armedFault) fits(r *http.Request, account string) bool {
	switch {
	case f.Match.Method != "" && !strings.EqualFold(f.Match.Method, r.Method),
		f.Match.Account != "" && f.Match.Account != account,
		!strings.HasPrefix(r.URL.Path, f.Match.PathPrefix):
		return false
	case f.ofImport():
		return r.Method == http.MethodPost && (r.URL.Path == importSetsPath || r.URL.Path == catalogImportsPath)
	case f.Kind == FaultImportStatus:
		return r.Method == http.MethodGet && (strings.HasPrefix(r.URL.Path, importSetsPath+"/") || strings.HasPrefix(r.URL.Path, catalogImportsPath+"/"))
	}
	return true
}

// ofImport: the fault strikes the call that creates an import, and shows in what becomes of it.
func (f *armedFault) ofImport() bool {
	return slices.Contains([]FaultKind{FaultImportFail, FaultImportStuck, FaultImportResult, FaultImportRefuse, FaultErrorFile}, f.Kind)
}

// serveWithFaults answers a call, or does to it what the fault says that it meets.
func (s *Server) serveWithFaults(w *answerWriter, r *http.Request) {
	state := stateOf(r)
	fault := s.strike(r, state.request)
	if fault == nil {
		s.routes.ServeHTTP(w, r)
		return
	}
	switch fault.Kind {
	case FaultStatus:
		s.answerWithStatus(w, r, fault)
	case FaultPage:
		w.Header().Del("Request-Id") // a proxy knows nothing of it
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(fault.Status)
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>proxy</title></head><body>Not here.</body></html>") // a client that left misses nothing
	case FaultLatency:
		if !wait(r, time.Duration(fault.Delay)) {
			s.cut(state.request)
		}
		s.routes.ServeHTTP(w, r)
	case FaultCutRequestAfter:
		_, _ = io.CopyN(io.Discard, r.Body, fault.Bytes) // a shorter body is cut at its end
		s.cut(state.request)
	case FaultCutResponse:
		w.limit = fault.Bytes
		s.routes.ServeHTTP(w, r)
		_ = http.NewResponseController(w).Flush() // the bytes before the cut; a client that left does not miss them
		s.cut(state.request)
	case FaultLoseResponse:
		w.lose = true
		s.routes.ServeHTTP(w, r)
		s.cut(state.request)
	default:
		state.fault = fault
		s.routes.ServeHTTP(w, r)
	}
}

// answerWithStatus fails a call before its endpoint sees it, or, where the answer is to be stored, in the endpoint's place.
func (s *Server) answerWithStatus(w *answerWriter, r *http.Request, fault *Fault) {
	if r.Method == http.MethodPost && fault.stored() {
		stateOf(r).fault = fault
		s.routes.ServeHTTP(w, r)
		return
	}
	fault.apiError().write(w)
}

// stored follows Stripe: an endpoint that failed has an answer to replay, a limit or a gateway in front of it has none.
func (f *Fault) stored() bool {
	if f.Stored != nil {
		return *f.Stored
	}
	return f.Status == http.StatusInternalServerError
}

func (f *Fault) apiError() apiError {
	e := apiError{Status: f.Status, Type: f.Type, Code: f.Code, Message: f.Message, RetryAfter: f.RetryAfter}
	if e.Type == "" {
		e.Type = invalidRequest
		if f.Status >= 500 {
			e.Type = apiFailure
		}
	}
	if e.Code == "" && f.Status == http.StatusTooManyRequests {
		e.Code = "rate_limit"
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("Injected fault: %d %s.", f.Status, http.StatusText(f.Status))
	}
	return e
}

// cut ends the connection under the call; it does not return.
func (s *Server) cut(q *Request) {
	s.mu.Lock()
	q.Cut = true
	s.mu.Unlock()
	panic(http.ErrAbortHandler)
}

// wait lets d pass; it returns false if the client left first.
func wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Server) armedFaults() []ArmedFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]ArmedFault, 0, len(s.faults))
	for _, f := range s.faults {
		list = append(list, f.ArmedFault)
	}
	return list
}

func (s *Server) disarm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = slices.Delete(s.faults, 0, len(s.faults))
}
