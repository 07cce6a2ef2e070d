package stripesim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/simcontrol"
)

const catalogImportsPath = "/v2/commerce/product_catalog/imports"

const (
	// firstV2Version is the first one that has product catalog imports.
	firstV2Version = "2026-04-22"
	// modeVersion is the first one under which an import has a mode, and promotions a feed.
	modeVersion = "2026-06-24"
)

const (
	modeUpsert  = "upsert"
	modeReplace = "replace"
)

// sinceVersion lets a call pass only under a version that has the endpoint. What Stripe answers under an older one, or
// without any, is not documented; a 400 that names the header is the stricter and kinder reading.
func sinceVersion(first string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if versionOf(r) < first {
			invalid("Stripe-Version",
				"Product catalog imports need a version from %s on in the header Stripe-Version; got %q.",
				first, r.Header.Get("Stripe-Version")).write(w)
			return
		}
		next(w, r)
	}
}

// versionOf is the date of a call's Stripe-Version: the train behind it does not matter. Dates compare as text.
func versionOf(r *http.Request) string {
	date, _, _ := strings.Cut(r.Header.Get("Stripe-Version"), ".")
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return ""
	}
	return date
}

// importParams are the parameters of a new product catalog import.
type importParams struct {
	FeedType string            `json:"feed_type"`
	Mode     string            `json:"mode"`
	Metadata map[string]string `json:"metadata"`
}

// catalogImports is v2's way to import.
type catalogImports struct {
	*core
	imports    *imports
	signedURLs *signedURLs
}

// prepareCatalogImport reads the parameters of a new import.
func (h *catalogImports) prepareCatalogImport(r *http.Request) (operation, *apiError) {
	params, failed := readImportParams(r)
	if failed != nil {
		return operation{}, failed
	}
	state, base, version := stateOf(r), baseOf(r), versionOf(r)
	sum := sha256.New()
	addToDigest(sum, r.Method, r.URL.Path, string(encode(params)))
	return operation{
		digest: hex.EncodeToString(sum.Sum(nil)),
		drop:   func() {},
		run: func() outcome {
			if failed := params.check(version); failed != nil {
				return refused(*failed)
			}
			return h.createCatalogImport(state, params, base)
		},
	}, nil
}

func readImportParams(r *http.Request) (params importParams, failed *apiError) {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if mediaType != "application/json" {
		return params, invalid("", "Invalid request: parameters under /v2 are JSON, got Content-Type %q.",
			r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxFormBytes+1))
	if err != nil {
		return params, unreadable(err)
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &members); err != nil || len(body) > maxFormBytes {
		return params, invalid("", "Invalid request: the body is not a JSON object, or too long.")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains([]string{"feed_type", "mode", "metadata"}, name) {
			return params, unknownParameter(name)
		}
	}
	if err := json.Unmarshal(body, &params); err != nil {
		return params, invalid("", "Invalid request: a parameter has another type than expected.")
	}
	return params, nil
}

// check judges the parameters. metadata is optional, as in Stripe's own command line.
func (p importParams) check(version string) *apiError {
	feed := feedByType(p.FeedType)
	switch hasMode := version >= modeVersion; {
	case p.FeedType == "":
		return missing("feed_type")
	case feed == nil || (feed == &promotionFeed && !hasMode):
		return invalid("feed_type", "Invalid feed_type: %q.", p.FeedType)
	case !hasMode && p.Mode != "":
		return unknownParameter("mode")
	case hasMode && p.Mode == "":
		return missing("mode")
	case hasMode && p.Mode != modeUpsert && p.Mode != modeReplace:
		return invalid("mode", "Invalid mode: must be upsert or replace, got %q.", p.Mode)
	case p.Mode == modeReplace && feed != &productFeed:
		return invalid("mode", "Invalid mode: only a product feed can replace.")
	}
	return nil
}

func (h *catalogImports) createCatalogImport(state *callState, params importParams, base string) outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	imp := &importJob{
		id: newID("pcimprt_test_"), account: state.account, api: apiV2, feed: feedByType(params.FeedType),
		replace: params.Mode == modeReplace, metadata: params.Metadata,
		created: h.options.Now(), status: statusAwaitingUpload, fault: state.fault,
	}
	h.imports.admitLocked(h.accountLocked(state.account), imp)
	return outcome{answer: okAnswer(h.catalogImportLocked(imp, base)), stored: true}
}

// catalogImportLocked is Stripe's object. It is the same under every version here, while the real one has no mode
// before 2026-06-24. Every look at it brings a new URL; that an upload's URL can be renewed so is not documented, an
// error file's is.
func (h *catalogImports) catalogImportLocked(imp *importJob, base string) map[string]any {
	mode := modeUpsert
	if imp.replace {
		mode = modeReplace
	}
	metadata := imp.metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	status, details := imp.status, any(h.statusDetailsLocked(imp, base))
	if f := imp.fault; f != nil && f.Kind == simcontrol.FaultImportResult && imp.done != nil {
		status, details = cmp.Or(f.StatusText, status), json.RawMessage(cmp.Or(string(f.Result), "null"))
	}
	return map[string]any{
		"id": imp.id, "object": "v2.commerce.product_catalog_import", "created": stamp(imp.created), "livemode": false,
		"feed_type": imp.feed.feedType, "mode": mode, "metadata": metadata, "status": status,
		"status_details": map[string]any{status: details},
	}
}

// statusDetailsLocked is what goes with the status. Counts are strings, as everywhere under /v2.
func (h *catalogImports) statusDetailsLocked(imp *importJob, base string) map[string]any {
	switch imp.status {
	case statusAwaitingUpload:
		return map[string]any{"upload_url": h.signedURLs.signLocked(imp, base, uploadsPath)}
	case statusProcessing:
		return map[string]any{"success_count": "0", "error_count": "0"}
	case statusFailed:
		details := map[string]any{"code": imp.failed.code, "type": imp.failed.kind,
			"failure_message": imp.failed.message}
		if imp.done != nil && imp.done.errorFile != nil {
			details["error_file"] = map[string]any{"download_url": h.signedURLs.signLocked(imp, base, downloadsPath)}
		}
		return details
	}
	details := map[string]any{"success_count": decimal(imp.done.accepted())}
	if file := imp.done.errorFile; file != nil {
		details["error_count"] = decimal(imp.done.failed)
		details["error_file"] = map[string]any{
			"content_type": file.ContentType, "size": decimal(file.Size),
			"download_url": h.signedURLs.signLocked(imp, base, downloadsPath),
		}
		details["samples"] = imp.done.samples
	}
	return details
}

// accepted counts duplicates as successes: v2 has no other place for them.
func (t *tally) accepted() int64 { return t.succeeded + t.duplicates }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (h *catalogImports) getCatalogImport(w http.ResponseWriter, r *http.Request) {
	state, id := stateOf(r), r.PathValue("id")
	h.mu.Lock()
	imp, found := h.imports.findImportLocked(state.account, apiV2, id)
	var object map[string]any
	if found {
		object = h.catalogImportLocked(imp, baseOf(r))
	}
	h.mu.Unlock()
	if !found {
		apiError{
			Status: http.StatusNotFound, Type: invalidRequest, Code: "resource_missing", Param: "id",
			Message: fmt.Sprintf("No such product catalog import: '%s'", id),
		}.write(w)
		return
	}
	if f := state.fault; f != nil && f.Kind == simcontrol.FaultImportStatus {
		overrideCatalogStatus(object, f.StatusText)
	}
	okAnswer(object).write(w, "")
}

// overrideCatalogStatus shows an import as it would look in another state.
func overrideCatalogStatus(object map[string]any, status string) {
	object["status_details"] = nil
	object["status"] = status
	if status == "" {
		delete(object, "status")
	}
}

// listQuery is what a list is narrowed to.
type listQuery struct {
	feedType, status string
	limit, offset    int
}

// readListQuery reads the query of a list. The filters by creation time are not emulated, so they are refused rather
// than ignored.
func readListQuery(r *http.Request) (q listQuery, failed *apiError) {
	q.limit = 20
	for name, values := range r.URL.Query() {
		value, err := values[0], error(nil)
		switch name {
		case "feed_type":
			q.feedType = value
		case "status":
			q.status = value
		case "limit":
			q.limit, err = strconv.Atoi(value)
		case "page":
			q.offset, err = strconv.Atoi(strings.TrimPrefix(value, "page_"))
		default:
			return q, unknownParameter(name)
		}
		if err != nil || q.limit < 1 || q.limit > 100 || q.offset < 0 {
			return q, invalid(name, "Invalid %s: %q.", name, value)
		}
	}
	return q, nil
}

// listCatalogImports lists an account's imports, the newest first. A page is a place in that order, so imports that
// begin meanwhile move it; what Stripe's pages are made of is not documented.
func (h *catalogImports) listCatalogImports(w http.ResponseWriter, r *http.Request) {
	query, failed := readListQuery(r)
	if failed != nil {
		failed.write(w)
		return
	}
	imports, more := h.page(stateOf(r).account, query, baseOf(r))
	list := map[string]any{"data": imports, "next_page_url": nil, "previous_page_url": nil}
	if more {
		list["next_page_url"] = pageURL(r, query.offset+query.limit)
	}
	if query.offset > 0 {
		list["previous_page_url"] = pageURL(r, max(query.offset-query.limit, 0))
	}
	okAnswer(list).write(w, "")
}

func (h *catalogImports) page(account string, query listQuery, base string) (page []map[string]any, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	page = []map[string]any{}
	passed := 0
	for _, imp := range slices.Backward(h.imports.all) {
		h.imports.expireLocked(imp)
		if imp.api != apiV2 || imp.account != account || !query.fits(imp) {
			continue
		}
		if passed++; passed <= query.offset {
			continue
		}
		if len(page) == query.limit {
			return page, true
		}
		page = append(page, h.catalogImportLocked(imp, base))
	}
	return page, false
}

func (q listQuery) fits(imp *importJob) bool {
	return (q.feedType == "" || q.feedType == imp.feed.feedType) && (q.status == "" || q.status == imp.status)
}

func pageURL(r *http.Request, offset int) string {
	query := r.URL.Query()
	query.Set("page", "page_"+strconv.Itoa(offset))
	return r.URL.Path + "?" + query.Encode()
}
