package stripesim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"vitrine/internal/simcontrol"
)

type armedFault struct {
	simcontrol.ArmedFault
	skipped int
}

func checkFault(f simcontrol.Fault) error {
	switch f.Kind {
	case simcontrol.FaultStatus:
		if f.Status < 400 || f.Status > 599 {
			return fmt.Errorf("status %d is not one of an error: 400 to 599", f.Status)
		}
	case simcontrol.FaultLatency:
		if f.Delay <= 0 {
			return errors.New("latency needs a delay, such as \"2s\"")
		}
	case simcontrol.FaultCutRequestAfter, simcontrol.FaultCutResponse:
		if f.Bytes < 0 {
			return fmt.Errorf("bytes %d is negative", f.Bytes)
		}
	case simcontrol.FaultPage:
		if f.Status < 200 || f.Status > 599 {
			return fmt.Errorf("status %d is not one of an answer: 200 to 599", f.Status)
		}
	case simcontrol.FaultErrorFile:
		if !slices.Contains(OddErrorFiles(), f.Odd) {
			return fmt.Errorf("an error file that is %q is not known: expected one of %s", f.Odd,
				strings.Join(OddErrorFiles(), ", "))
		}
	case simcontrol.FaultImportRefuse:
		if len(f.IDs) == 0 {
			return errors.New("import_refuse needs the ids of the rows")
		}
	case simcontrol.FaultLoseResponse, simcontrol.FaultImportFail, simcontrol.FaultImportStuck,
		simcontrol.FaultImportStatus, simcontrol.FaultImportResult,
		simcontrol.FaultReportFail, simcontrol.FaultReportStuck:
	default:
		return fmt.Errorf("fault kind %q is not known", f.Kind)
	}
	return nil
}

// faults stand between a call and its endpoint.
type faults struct {
	*core
	routes    http.Handler // the endpoints
	armed     []*armedFault
	nextFault int // goes on after a reset
}

func (h *faults) forgetLocked() { h.armed = nil }

func (h *faults) arm(f simcontrol.Fault) (simcontrol.ArmedFault, error) {
	if err := checkFault(f); err != nil {
		return simcontrol.ArmedFault{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nextFault++
	armed := &armedFault{ArmedFault: simcontrol.ArmedFault{ID: fmt.Sprintf("fault_%d", h.nextFault), Fault: f}}
	h.armed = append(h.armed, armed)
	return armed.ArmedFault, nil
}

// strike returns the fault that this call meets, and counts it; nil if the call is spared.
func (h *faults) strike(r *http.Request, q *loggedCall) *simcontrol.Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, armed := range h.armed {
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
	case f.Kind == simcontrol.FaultReportFail, f.Kind == simcontrol.FaultReportStuck:
		return r.Method == http.MethodPost && r.URL.Path == reportRunsPath
	case f.Kind == simcontrol.FaultImportStatus:
		return r.Method == http.MethodGet &&
			(strings.HasPrefix(r.URL.Path, importSetsPath+"/") || strings.HasPrefix(r.URL.Path, catalogImportsPath+"/"))
	}
	return true
}

// ofImport: the fault strikes the call that creates an import, and shows in what becomes of it.
func (f *armedFault) ofImport() bool {
	return slices.Contains([]simcontrol.FaultKind{simcontrol.FaultImportFail, simcontrol.FaultImportStuck,
		simcontrol.FaultImportResult, simcontrol.FaultImportRefuse, simcontrol.FaultErrorFile}, f.Kind)
}

// serveWithFaults answers a call, or does to it what the fault says that it meets.
func (h *faults) serveWithFaults(w *answerWriter, r *http.Request) {
	state := stateOf(r)
	fault := h.strike(r, state.request)
	if fault == nil {
		h.routes.ServeHTTP(w, r)
		return
	}
	switch fault.Kind {
	case simcontrol.FaultStatus:
		h.answerWithStatus(w, r, fault)
	case simcontrol.FaultPage:
		w.Header().Del("Request-Id") // a proxy knows nothing of it
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(fault.Status)
		// a client that left misses nothing
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>proxy</title></head><body>Not here.</body></html>")
	case simcontrol.FaultLatency:
		if !wait(r, time.Duration(fault.Delay)) {
			h.cut(state.request)
		}
		h.routes.ServeHTTP(w, r)
	case simcontrol.FaultCutRequestAfter:
		_, _ = io.CopyN(io.Discard, r.Body, fault.Bytes) // a shorter body is cut at its end
		h.cut(state.request)
	case simcontrol.FaultCutResponse:
		w.limit = fault.Bytes
		h.routes.ServeHTTP(w, r)
		_ = http.NewResponseController(w).Flush() // the bytes before the cut; a client that left does not miss them
		h.cut(state.request)
	case simcontrol.FaultLoseResponse:
		w.lose = true
		h.routes.ServeHTTP(w, r)
		h.cut(state.request)
	default:
		state.fault = fault
		h.routes.ServeHTTP(w, r)
	}
}

// answerWithStatus fails a call before its endpoint sees it, or, where the answer is to be stored, in the endpoint's
// place.
func (h *faults) answerWithStatus(w *answerWriter, r *http.Request, fault *simcontrol.Fault) {
	if r.Method == http.MethodPost && storedUnderKey(fault) {
		stateOf(r).fault = fault
		h.routes.ServeHTTP(w, r)
		return
	}
	faultError(fault).write(w)
}

// storedUnderKey follows Stripe: an endpoint that failed has an answer to replay, a limit or a gateway in front of it
// has none.
func storedUnderKey(f *simcontrol.Fault) bool {
	if f.Stored != nil {
		return *f.Stored
	}
	return f.Status == http.StatusInternalServerError
}

func faultError(f *simcontrol.Fault) apiError {
	e := apiError{Status: f.Status, Type: f.Type, Code: f.Code, Message: f.Message,
		RetryAfter: f.RetryAfter, LimitedBy: f.LimitedBy}
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
func (h *faults) cut(q *loggedCall) {
	h.mu.Lock()
	q.Cut = true
	h.mu.Unlock()
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

func (h *faults) listed() []simcontrol.ArmedFault {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]simcontrol.ArmedFault, 0, len(h.armed))
	for _, f := range h.armed {
		list = append(list, f.ArmedFault)
	}
	return list
}

func (h *faults) disarm() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.armed = slices.Delete(h.armed, 0, len(h.armed))
}

func (h *faults) postFault(w http.ResponseWriter, r *http.Request) {
	var fault simcontrol.Fault
	if !readControl(w, r, &fault) {
		return
	}
	armed, err := h.arm(fault)
	if err != nil {
		complain(w, http.StatusBadRequest, "%v", err)
		return
	}
	show(w, armed)
}
