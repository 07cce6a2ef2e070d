package e2e

import (
	"bytes"
	"cmp"
	csvfile "encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// independentStripe is Stripe's way to import products, v1 and v2, as an account alone needs it. It shares no code with
// the emulator, so that an assumption of the emulator's is not met by itself, and says whatever a test wants it to say.
type independentStripe struct {
	t   *testing.T
	url string

	mu       sync.Mutex
	products map[string]string // price by id
	files    map[string][][]string
	imports  []*independentImport

	// refuses says why a row is not taken; empty: it is.
	refuses func(id string, deletes bool) string
	// tells changes what is said of an import that has ended. What it did stays.
	tells func(object map[string]any, i *independentImport)
	// lists answers in place of the file of refused rows, of which it gets the one that is meant.
	lists func(w http.ResponseWriter, honest []byte)
	// takes is how long an import is under way.
	takes time.Duration
	// shows answers in place of an import; false: as ever.
	shows func(w http.ResponseWriter, i *independentImport) bool
}

// independentImport is an import and what it did, which need not be what is said of it.
type independentImport struct {
	ID      string
	rows    [][]string // without the header
	refused [][]string // with the reason before the rows' own cells
	header  []string
	created time.Time
	read    int // how often it was asked for
}

func (i *independentImport) reasons() []byte {
	return commaSeparated(append([][]string{append([]string{"stripe_error_message"}, i.header...)}, i.refused...))
}

func commaSeparated(rows [][]string) []byte {
	var out bytes.Buffer
	if err := csvfile.NewWriter(&out).WriteAll(rows); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}

func newIndependentStripe(t *testing.T) *independentStripe {
	t.Helper()
	s := &independentStripe{t: t, products: map[string]string{}, files: map[string][][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/files", s.upload)
	mux.HandleFunc("GET /v1/files/{file}/contents", s.list)
	mux.HandleFunc("POST /v1/data_management/import_sets", s.create)
	mux.HandleFunc("GET /v1/data_management/import_sets/{id}", s.show)
	mux.HandleFunc("POST /v2/commerce/product_catalog/imports", s.begin)
	mux.HandleFunc("PUT /bytes/{id}", s.receive)
	mux.HandleFunc("GET /bytes/{id}", s.list)
	mux.HandleFunc("GET /v2/commerce/product_catalog/imports/{id}", s.show)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		stripeError(w, http.StatusNotFound, "Unrecognized request URL ("+r.Method+": "+r.URL.Path+").")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// settings lead a worker to it.
func (s *independentStripe) settings() []string {
	return []string{"STRIPE_API_BASE=" + s.url, "STRIPE_FILES_BASE=" + s.url}
}

// say changes what it answers from now on.
func (s *independentStripe) say(change func(*independentStripe)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tells, s.lists, s.shows = nil, nil, nil
	change(s)
}

// ids are the products that it has.
func (s *independentStripe) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.products))
}

// reads are how often each import was asked for.
func (s *independentStripe) reads() (reads []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.imports {
		reads = append(reads, i.read)
	}
	return reads
}

func stripeError(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Request-Id", "req_independent")
	stripeJSON(w, status, map[string]any{"error": map[string]any{"type": "invalid_request_error", "message": message}})
}

func stripeJSON(w http.ResponseWriter, status int, object any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_independent")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object)
}

func tableOf(r io.Reader) ([][]string, error) {
	table := csvfile.NewReader(r)
	table.FieldsPerRecord = -1
	return table.ReadAll()
}

func (s *independentStripe) upload(w http.ResponseWriter, r *http.Request) {
	parts, err := r.MultipartReader()
	if err != nil {
		stripeError(w, http.StatusBadRequest, err.Error())
		return
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			stripeError(w, http.StatusBadRequest, "no file")
			return
		}
		if part.FormName() != "file" {
			continue
		}
		rows, err := tableOf(part)
		if err != nil {
			stripeError(w, http.StatusBadRequest, err.Error())
			return
		}
		s.mu.Lock()
		id := fmt.Sprintf("file_in-%d", len(s.files)+1)
		s.files[id] = rows
		s.mu.Unlock()
		stripeJSON(w, http.StatusOK, map[string]any{"id": id, "object": "file"})
		return
	}
}

func (s *independentStripe) create(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := &independentImport{ID: fmt.Sprintf("impset_%d", len(s.imports)+1), created: time.Now()}
	s.imports = append(s.imports, i)
	s.take(i, s.files[r.FormValue("file")])
	stripeJSON(w, http.StatusOK, map[string]any{"id": i.ID, "status": "pending", "created": i.created.Unix()})
}

func (s *independentStripe) begin(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := &independentImport{ID: fmt.Sprintf("pcimprt_%d", len(s.imports)+1), created: time.Now()}
	s.imports = append(s.imports, i)
	stripeJSON(w, http.StatusOK, map[string]any{
		"id": i.ID, "status": "awaiting_upload", "created": i.created.UTC().Format(time.RFC3339),
		"status_details": map[string]any{"awaiting_upload": map[string]any{"upload_url": s.signed(i.ID)}},
	})
}

func (s *independentStripe) signed(id string) map[string]any {
	expires := time.Now().Add(5 * time.Minute).UTC().Format(time.RFC3339)
	return map[string]any{"url": s.url + "/bytes/" + id, "expires_at": expires}
}

func (s *independentStripe) receive(w http.ResponseWriter, r *http.Request) {
	rows, err := tableOf(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(r.PathValue("id"))
	if err != nil || i == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.take(i, rows)
}

func (s *independentStripe) find(id string) *independentImport {
	for _, i := range s.imports {
		if i.ID == id {
			return i
		}
	}
	return nil
}

// take brings rows into the catalog.
func (s *independentStripe) take(i *independentImport, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	i.header, i.rows = rows[0], rows[1:]
	id, price, gone := slices.Index(i.header, "id"), slices.Index(i.header, "price"), slices.Index(i.header, "delete")
	for _, row := range i.rows {
		deletes := gone >= 0 && row[gone] == "true"
		switch why := s.reason(row[id], deletes); {
		case why != "":
			i.refused = append(i.refused, append([]string{why}, row...))
		case deletes:
			delete(s.products, row[id])
		default:
			s.products[row[id]] = row[price]
		}
	}
}

func (s *independentStripe) reason(id string, deletes bool) string {
	if s.refuses == nil {
		return ""
	}
	return s.refuses(id, deletes)
}

func (s *independentStripe) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(r.PathValue("id"))
	switch {
	case i == nil:
		stripeError(w, http.StatusNotFound, "No such import")
		return
	case s.shows != nil && s.shows(w, i):
		return
	case time.Since(i.created) < s.takes:
		i.read++
		under := map[string]any{"id": i.ID, "created": i.created.Unix(), "status": "validating_records"}
		stripeJSON(w, http.StatusOK, under)
		return
	}
	i.read++
	object := s.object(i, strings.HasPrefix(r.URL.Path, "/v2/"))
	if s.tells != nil {
		s.tells(object, i)
	}
	stripeJSON(w, http.StatusOK, object)
}

// object is what an honest Stripe says of an import.
func (s *independentStripe) object(i *independentImport, v2 bool) map[string]any {
	status, taken := "succeeded", len(i.rows)-len(i.refused)
	if len(i.refused) > 0 {
		status = "succeeded_with_errors"
	}
	if !v2 {
		result := map[string]any{"rows_processed": len(i.rows), "successes": map[string]any{"row_count": taken}}
		if len(i.refused) > 0 {
			result["errors"] = map[string]any{"row_count": len(i.refused), "file": "file_errors-" + i.ID}
		}
		return map[string]any{"id": i.ID, "created": i.created.Unix(), "status": status, "result": result}
	}
	details := map[string]any{"success_count": fmt.Sprint(taken), "error_count": fmt.Sprint(len(i.refused))}
	if len(i.refused) > 0 {
		details["error_file"] = map[string]any{"content_type": "text/csv", "size": "1", "download_url": s.signed(i.ID)}
	}
	return map[string]any{
		"id": i.ID, "created": i.created.UTC().Format(time.RFC3339), "status": status,
		"status_details": map[string]any{status: details},
	}
}

func (s *independentStripe) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Request-Id", "req_independent")
	i := s.find(strings.TrimPrefix(cmp.Or(r.PathValue("file"), r.PathValue("id")), "file_errors-"))
	switch {
	case i == nil:
		stripeError(w, http.StatusNotFound, "No such file upload")
	case s.lists != nil:
		s.lists(w, i.reasons())
	default:
		_, _ = w.Write(i.reasons())
	}
}
