package stripesim

import (
	"time"

	"vitrine/internal/simcontrol"
)

// The two APIs that import a feed.
const (
	apiV1 = "v1"
	apiV2 = "v2"
)

// The statuses of an import. "validating_records" is one of the words that Stripe has used for import sets without
// documenting it: a client has to wait through every word that it does not know, so the emulator uses one.
const (
	statusPending             = "pending"            // v1
	statusValidating          = "validating_records" // v1
	statusAwaitingUpload      = "awaiting_upload"    // v2
	statusProcessing          = "processing"         // v2
	statusSucceeded           = "succeeded"
	statusSucceededWithErrors = "succeeded_with_errors"
	statusFailed              = "failed"
)

// importJob is one import of an account: an import set (v1) or a product catalog import (v2).
type importJob struct {
	id       string
	account  string
	api      string
	feed     *feedSpec
	replace  bool              // v2: what the file does not name is removed
	metadata map[string]string // v2
	file     *storedFile       // v2: nil until it was uploaded
	created  time.Time
	finished time.Time
	status   string
	failed   failure
	done     *tally // nil until it succeeded, with errors or without
	fault    *simcontrol.Fault
}

// failure is why an import ended failed, in v2's words; v1 shows the message alone. The zero value is none.
type failure struct {
	code    string
	kind    string
	message string
}

func invalidFile(message string) failure {
	return failure{code: "invalid_file", kind: "cannot_proceed", message: message}
}

func internalError(message string) failure {
	return failure{code: "internal_error", kind: "transient_failure", message: message}
}

// tally is what an import did.
type tally struct {
	rows, succeeded, failed int64
	created                 int64
	deleted                 int64 // by rows with delete=true
	removed                 int64 // because a file in mode replace did not name them
	duplicates              int64
	errorFile               *storedFile // nil if no row failed
	samples                 []sample
}

// flight is what imports in flight are counted by.
func (i *importJob) flight() string {
	if i.api == apiV1 {
		return i.feed.format
	}
	return i.feed.feedType
}

// imports are those of both APIs at work. What each API shows of them is in importSets and catalogImports.
type imports struct {
	*core
	files  *files
	events *events
	all    []*importJob // in the order of creation
}

func (h *imports) forgetLocked() { h.all = nil }

func (h *imports) admitLocked(owner *account, imp *importJob) {
	owner.imports[imp.id] = imp
	h.all = append(h.all, imp)
}

// startLocked lets an import run on its own, once it has its file. Imports of an account are not put in a row: as at
// Stripe, a later one may end first, so how many were in flight at once is counted for tests to look at.
func (h *imports) startLocked(owner *account, imp *importJob) {
	owner.inFlight[imp.flight()]++
	owner.maxInFlight[imp.flight()] = max(owner.maxInFlight[imp.flight()], owner.inFlight[imp.flight()])
	if imp.fault != nil && imp.fault.Kind == simcontrol.FaultImportStuck {
		return
	}
	ctx, delay, generation := h.ctx, h.importDelay, h.generation
	h.background.Go(func() {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			h.process(ctx, imp, generation)
		case <-ctx.Done():
		}
	})
}

// tellLocked tells that an import has ended. v1 has two such events: an import set that refused rows has succeeded.
func (h *imports) tellLocked(imp *importJob) {
	if imp.api == apiV1 {
		kind := statusSucceeded
		if imp.status == statusFailed {
			kind = statusFailed
		}
		h.events.emitLocked("data_management.import_set."+kind, imp.account, imp.importSet(), cause{})
		return
	}
	related := map[string]any{
		"id": imp.id, "type": "v2.commerce.product_catalog.imports", "url": catalogImportsPath + "/" + imp.id,
	}
	h.events.emitThinLocked("v2.commerce.product_catalog.imports."+imp.status, imp.account, related,
		thinEvent{related: related}, cause{})
}

// findImportLocked finds an import of the caller's own account; the imports of one API do not exist for the other.
func (h *imports) findImportLocked(account, api, id string) (*importJob, bool) {
	imp, found := h.accountLocked(account).imports[id]
	if !found || imp.api != api {
		return nil, false
	}
	h.expireLocked(imp)
	return imp, true
}

// expireLocked fails an import whose upload never came. It is asked whenever somebody looks, so that it goes by the
// emulator's clock and needs no timer.
func (h *imports) expireLocked(imp *importJob) {
	now := h.options.Now()
	if imp.status != statusAwaitingUpload || now.Before(imp.created.Add(h.options.UploadWindow)) {
		return
	}
	imp.status, imp.finished = statusFailed, now
	imp.failed = failure{code: "file_not_found", kind: "cannot_proceed", message: "No file was uploaded in time."}
}

func (h *imports) listed(wanted func(string) bool) []simcontrol.Import {
	h.mu.Lock()
	defer h.mu.Unlock()
	imports := []simcontrol.Import{}
	for _, i := range h.all {
		if h.expireLocked(i); wanted(i.account) {
			imports = append(imports, i.inside())
		}
	}
	return imports
}
