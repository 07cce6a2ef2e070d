package stripesim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"vitrine/internal/simcontrol"
)

const (
	importSetsPath = "/v1/data_management/import_sets"
	// maxFormBytes bounds a form that is not an upload.
	maxFormBytes = 64 * 1024
)

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

// importSet is Stripe's object. Whether result is null or absent before the end is not documented: it is null here.
func (i *importJob) importSet() map[string]any {
	object := map[string]any{
		"id": i.id, "object": "data_management.import_set", "created": i.created.Unix(), "livemode": false,
		"file": i.file.ID, "standard_data_format": i.feed.format, "status": i.status, "result": nil,
	}
	if i.done != nil {
		object["result"] = i.done.importResult()
	}
	if f := i.fault; f != nil && f.Kind == simcontrol.FaultImportResult && i.done != nil {
		object["result"] = json.RawMessage(cmp.Or(string(f.Result), "null"))
		object["status"] = cmp.Or(f.StatusText, i.status)
	}
	if i.failed != (failure{}) {
		object["failed_reason"] = i.failed.message
	}
	return object
}

func (t *tally) importResult() importResult {
	result := importResult{
		RowsProcessed: t.rows, Successes: rowCount{t.succeeded}, ObjectsCreated: t.created,
		SkippedDuplicates: rowCount{t.duplicates},
	}
	if t.errorFile != nil {
		result.Errors = &importErrors{File: t.errorFile.ID, RowCount: t.failed}
	}
	return result
}

// importSets is v1's way to import.
type importSets struct {
	*core
	imports *imports
}

// prepareImport reads the form of a new import.
func (h *importSets) prepareImport(r *http.Request) (operation, *apiError) {
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
		run:    func() outcome { return h.createImport(state, form) },
	}, nil
}

func readForm(r *http.Request) (url.Values, *apiError) {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if mediaType != "application/x-www-form-urlencoded" {
		return nil, invalid("", "Invalid request: parameters are form-encoded, got Content-Type %q.",
			r.Header.Get("Content-Type"))
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
func (h *importSets) createImport(state *callState, form url.Values) outcome {
	if failed := checkImportForm(form); failed != nil {
		return refused(*failed)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	owner := h.accountLocked(state.account)
	file, found := owner.files[form.Get("file")]
	if !found {
		return outcome{stored: true, answer: apiError{
			Status: http.StatusBadRequest, Type: invalidRequest, Code: "resource_missing", Param: "file",
			Message: fmt.Sprintf("No such file upload: '%s'", form.Get("file")),
		}.answer()}
	}
	if file.Purpose != uploadPurpose {
		return outcome{stored: true,
			answer: invalid("file", "The file has the purpose %s, expected %s.", file.Purpose, uploadPurpose).answer()}
	}
	imp := &importJob{
		id: newID("impset_"), account: state.account, api: apiV1, feed: feedByFormat(form.Get("standard_data_format")),
		file:    file,
		created: h.options.Now(), status: statusPending, fault: state.fault,
	}
	h.imports.admitLocked(owner, imp)
	h.imports.startLocked(owner, imp)
	return outcome{answer: okAnswer(imp.importSet()), stored: true}
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
	if format := form.Get("standard_data_format"); feedByFormat(format) == nil {
		return invalid("standard_data_format", "Invalid standard_data_format: must be %s or %s, got %q.",
			productFeed.format, inventoryFeed.format, format)
	}
	return nil
}

func (h *importSets) getImport(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	state := stateOf(r)
	h.mu.Lock()
	imp, found := h.imports.findImportLocked(state.account, apiV1, id)
	var object map[string]any
	if found {
		object = imp.importSet()
	}
	h.mu.Unlock()
	if !found {
		apiError{
			Status: http.StatusNotFound, Type: invalidRequest, Code: "resource_missing", Param: "id",
			Message: fmt.Sprintf("No such import set: '%s'", id),
		}.write(w)
		return
	}
	if f := state.fault; f != nil && f.Kind == simcontrol.FaultImportStatus {
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
