package stripesim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	importSetsPath = "/v1/data_management/import_sets"
	// productFeed is the only standard_data_format that the emulator imports.
	productFeed = "product_catalog_feed"
	// maxFormBytes bounds a form that is not an upload.
	maxFormBytes = 64 * 1024
)

// The statuses of an import. "validating_records" is one of the words that Stripe has used without documenting it: a
// client has to wait through every word that it does not know, so the emulator uses one.
const (
	statusPending             = "pending"
	statusValidating          = "validating_records"
	statusSucceeded           = "succeeded"
	statusSucceededWithErrors = "succeeded_with_errors"
	statusFailed              = "failed"
)

// importSet is one import of an account.
type importSet struct {
	id           string
	account      string
	format       string
	file         *storedFile
	created      time.Time
	finished     time.Time
	status       string
	failedReason string
	result       *importResult
	fault        *Fault
}

// importResult is what an import did, in Stripe's shape.
type importResult struct {
	RowsProcessed     int64         `json:"rows_processed"`
	Successes         rowCount      `json:"successes"`
	Errors            *importErrors `json:"errors,omitempty"` // only if there are any
	ObjectsCreated    int64         `json:"objects_created"`
	SkippedByFilter   rowCount      `json:"skipped_by_filter"`
	SkippedDuplicates rowCount      `json:"skipped_duplicates"`
}

type rowCount struct {
	RowCount int64 `json:"row_count"`
}

type importErrors struct {
	File     string `json:"file"`
	RowCount int64  `json:"row_count"`
}

// object is Stripe's import set. Whether result is null or absent before the end is not documented: it is null here.
func (i *importSet) object() map[string]any {
	object := map[string]any{
		"id": i.id, "object": "data_management.import_set", "created": i.created.Unix(), "livemode": false,
		"file": i.file.ID, "standard_data_format": i.format, "status": i.status, "result": nil,
	}
	if i.result != nil {
		object["result"] = i.result
	}
	if i.failedReason != "" {
		object["failed_reason"] = i.failedReason
	}
	return object
}

// prepareImport reads the form of a new import.
func (s *Server) prepareImport(r *http.Request) (operation, *apiError) {
	form, failed := readForm(r)
	if failed != nil {
		return operation{}, failed
	}
	state := stateOf(r)
	sum := sha256.New()
	addToDigest(sum, r.Method, r.URL.Path, form.Encode())
	return operation{
		digest: hex.EncodeToString(sum.Sum(nil)),
		drop:   func() {},
		run:    func() outcome { return s.createImport(state, form) },
	}, nil
}

func readForm(r *http.Request) (url.Values, *apiError) {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if mediaType != "application/x-www-form-urlencoded" {
		return nil, invalid("", "Invalid request: parameters are form-encoded, got Content-Type %q.", r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxFormBytes+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if len(body) > maxFormBytes {
		return nil, invalid("", "Invalid request: the form is too long.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalid("", "Invalid request: the form cannot be read.")
	}
	return form, nil
}

// createImport judges the parameters and starts the import. A file that does not exist is found by the endpoint itself,
// so, unlike a parameter that fails validation, that answer stays under the idempotency key: the stricter reading.
func (s *Server) createImport(state *callState, form url.Values) outcome {
	if failed := checkImportForm(form); failed != nil {
		return refused(*failed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := s.accountLocked(state.account)
	file, found := owner.files[form.Get("file")]
	if !found {
		return outcome{stored: true, answer: apiError{
			Status: http.StatusBadRequest, Type: invalidRequest, Code: "resource_missing", Param: "file",
			Message: fmt.Sprintf("No such file upload: '%s'", form.Get("file")),
		}.answer()}
	}
	if file.Purpose != uploadPurpose {
		return outcome{stored: true, answer: invalid("file", "The file has the purpose %s, expected %s.", file.Purpose, uploadPurpose).answer()}
	}
	imp := &importSet{
		id: newID("impset_"), account: state.account, format: form.Get("standard_data_format"), file: file,
		created: s.options.Now(), status: statusPending, fault: state.fault,
	}
	s.startLocked(owner, imp)
	return outcome{answer: okAnswer(imp.object()), stored: true}
}

func checkImportForm(form url.Values) *apiError {
	known := []string{"file", "standard_data_format"}
	for name, values := range form {
		if !slices.Contains(known, name) {
			return unknownParameter(name)
		}
		if len(values) > 1 {
			return invalid(name, "Invalid request: %s is there twice.", name)
		}
	}
	for _, name := range known {
		if form.Get(name) == "" {
			return missing(name)
		}
	}
	if format := form.Get("standard_data_format"); format != productFeed {
		return invalid("standard_data_format", "Invalid standard_data_format: must be %s, got %q.", productFeed, format)
	}
	return nil
}

// startLocked lets an import run on its own. Imports of an account are not put in a row: as at Stripe, a later one may
// end first, so how many were in flight at once is counted for tests to look at.
func (s *Server) startLocked(owner *account, imp *importSet) {
	owner.imports[imp.id] = imp
	s.importOrder = append(s.importOrder, imp)
	owner.inFlight[imp.format]++
	owner.maxInFlight[imp.format] = max(owner.maxInFlight[imp.format], owner.inFlight[imp.format])
	if imp.fault != nil && imp.fault.Kind == FaultImportStuck {
		return
	}
	ctx, delay, generation := s.ctx, s.importDelay, s.generation
	s.imports.Go(func() {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			s.process(ctx, imp, generation)
		case <-ctx.Done():
		}
	})
}

func (s *Server) getImport(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	state := stateOf(r)
	s.mu.Lock()
	imp, found := s.accountLocked(state.account).imports[id]
	var object map[string]any
	if found {
		object = imp.object()
	}
	s.mu.Unlock()
	if !found {
		apiError{
			Status: http.StatusNotFound, Type: invalidRequest, Code: "resource_missing", Param: "id",
			Message: fmt.Sprintf("No such import set: '%s'", id),
		}.write(w)
		return
	}
	if f := state.fault; f != nil && f.Kind == FaultImportStatus {
		overrideStatus(object, f.StatusText)
	}
	okAnswer(object).write(w, "")
}

// overrideStatus shows an import as it would look in another state.
func overrideStatus(object map[string]any, status string) {
	object["result"] = nil
	delete(object, "failed_reason")
	if status == "" {
		delete(object, "status")
		return
	}
	object["status"] = status
}
