package stripesim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
	"vitrine/internal/simcontrol"
)

func (s *Server) controlRoutes() *http.ServeMux {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /_sim/accounts/{account}/catalog", s.showCatalog)
	routes.HandleFunc("GET /_sim/accounts/{account}/catalog/{id}", s.showProduct)
	routes.HandleFunc("GET /_sim/accounts/{account}/promotions", func(w http.ResponseWriter, r *http.Request) { list(w, s.promotions(r.PathValue("account"))) })
	routes.HandleFunc("GET /_sim/files", func(w http.ResponseWriter, r *http.Request) { list(w, s.files(narrowedTo(r))) })
	routes.HandleFunc("GET /_sim/imports", func(w http.ResponseWriter, r *http.Request) { list(w, s.importJobs(narrowedTo(r))) })
	routes.HandleFunc("GET /_sim/requests", func(w http.ResponseWriter, r *http.Request) { list(w, s.requestLog(narrowedTo(r))) })
	routes.HandleFunc("GET /_sim/stats", func(w http.ResponseWriter, _ *http.Request) { show(w, s.stats()) })
	routes.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { list(w, s.armedFaults()) })
	routes.HandleFunc("POST /_sim/faults", s.postFault)
	routes.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { s.disarm(); show(w, struct{}{}) })
	routes.HandleFunc("GET /_sim/settings", func(w http.ResponseWriter, _ *http.Request) { show(w, s.settings()) })
	routes.HandleFunc("POST /_sim/settings", s.postSettings)
	routes.HandleFunc("PATCH /_sim/settings", s.postSettings)
	routes.HandleFunc("POST /_sim/keys/revoke", s.postRevoke)
	routes.HandleFunc("POST /_sim/reset", s.postReset)
	s.orderControlRoutes(routes)
	return routes
}

func narrowedTo(r *http.Request) func(account string) bool {
	wanted := r.URL.Query().Get("account")
	return func(account string) bool { return wanted == "" || wanted == account }
}

func show(w http.ResponseWriter, object any) { okAnswer(object).write(w, "") }

func list[T any](w http.ResponseWriter, data []T) { show(w, map[string][]T{"data": data}) }

func complain(w http.ResponseWriter, status int, format string, values ...any) {
	answer{status: status, body: encode(map[string]string{"error": fmt.Sprintf(format, values...)})}.write(w, "")
}

// readControl reads a JSON body strictly, so that a mistyped field of a test does not pass in silence.
func readControl(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxFormBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		complain(w, http.StatusBadRequest, "body: %v", err)
		return false
	}
	return true
}

func (s *Server) showCatalog(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("limit"), "100"))
	if err != nil || limit < 1 || limit > simcontrol.MaxPage {
		complain(w, http.StatusBadRequest, "limit %q is not a number from 1 to %d", r.URL.Query().Get("limit"), simcontrol.MaxPage)
		return
	}
	show(w, s.catalog(r.PathValue("account"), r.URL.Query().Get("after"), limit))
}

func (s *Server) catalog(id, after string, limit int) simcontrol.Catalog {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := simcontrol.Catalog{Account: id, Products: []simcontrol.Product{}}
	a, found := s.accounts[id]
	if !found {
		return page
	}
	page.Count = len(a.catalog)
	ids := make([]string, 0, len(a.catalog))
	for id := range a.catalog {
		if id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids[:min(limit, len(ids))] {
		page.Products = append(page.Products, a.catalog[id])
	}
	return page
}

func (s *Server) showProduct(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	var product simcontrol.Product
	a, found := s.accounts[r.PathValue("account")]
	if found {
		product, found = a.catalog[r.PathValue("id")]
	}
	s.mu.Unlock()
	if !found {
		complain(w, http.StatusNotFound, "account %s has no product %s", r.PathValue("account"), r.PathValue("id"))
		return
	}
	show(w, product)
}

func (s *Server) files(wanted func(string) bool) []simcontrol.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := []simcontrol.File{}
	for _, f := range s.fileOrder {
		if wanted(f.Account) {
			files = append(files, simcontrol.File{
				ID: f.ID, Account: f.Account, Filename: f.Filename, Purpose: f.Purpose,
				ContentType: f.ContentType, Size: f.Size, SHA256: f.SHA256, Created: f.Created,
			})
		}
	}
	return files
}

func (s *Server) promotions(id string) []simcontrol.Promotion {
	s.mu.Lock()
	defer s.mu.Unlock()
	promotions := []simcontrol.Promotion{}
	if a, found := s.accounts[id]; found {
		for _, id := range slices.Sorted(maps.Keys(a.promotions)) {
			promotions = append(promotions, a.promotions[id])
		}
	}
	return promotions
}

func (s *Server) importJobs(wanted func(string) bool) []simcontrol.Import {
	s.mu.Lock()
	defer s.mu.Unlock()
	imports := []simcontrol.Import{}
	for _, i := range s.importOrder {
		if s.expireLocked(i); wanted(i.account) {
			imports = append(imports, i.inside())
		}
	}
	return imports
}

func (i *importJob) inside() simcontrol.Import {
	inside := simcontrol.Import{
		ID: i.id, Account: i.account, API: i.api, Feed: i.feed.feedType, Mode: modeUpsert, Status: i.status,
		FailedReason: i.failed.message, Created: i.created,
	}
	if i.api == apiV1 {
		inside.StandardDataFormat = i.feed.format
	}
	if i.replace {
		inside.Mode = modeReplace
	}
	if i.file != nil {
		inside.File = i.file.ID
	}
	if !i.finished.IsZero() {
		finished := i.finished
		inside.Finished = &finished
	}
	if t := i.done; t != nil {
		inside.RowsProcessed, inside.RowsSucceeded, inside.RowsFailed = t.rows, t.succeeded, t.failed
		inside.RowsDeleted, inside.ObjectsCreated, inside.ObjectsRemoved = t.deleted, t.created, t.removed
		inside.SkippedDuplicates = t.duplicates
		if t.errorFile != nil {
			inside.ErrorFile = t.errorFile.ID
		}
	}
	return inside
}

func (s *Server) requestLog(wanted func(string) bool) []simcontrol.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := []simcontrol.Request{}
	for _, q := range s.requests {
		if wanted(q.Account) {
			log = append(log, q.Request)
		}
	}
	return log
}

func (s *Server) stats() simcontrol.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := simcontrol.Stats{
		Requests: s.counts.requests, Replayed: s.counts.replayed, RequestsByStatus: map[int]int{},
		Imports: len(s.importOrder), ImportsByStatus: map[string]int{}, Products: map[string]int{},
		InFlight: map[string]int{}, MaxInFlight: map[string]int{},
	}
	for status, n := range s.counts.byStatus {
		stats.RequestsByStatus[status] = n
	}
	for _, f := range s.fileOrder {
		if f.Purpose != errorFilePurpose {
			stats.Files++
			stats.FileBytes += f.Size
		}
	}
	for _, i := range s.importOrder {
		s.expireLocked(i)
		stats.ImportsByStatus[i.status]++
	}
	for id, a := range s.accounts {
		stats.Products[id] = len(a.catalog)
		for format, n := range a.maxInFlight {
			stats.InFlight[id+"/"+format] = a.inFlight[format]
			stats.MaxInFlight[id+"/"+format] = n
		}
	}
	return stats
}

func (s *Server) postFault(w http.ResponseWriter, r *http.Request) {
	var fault simcontrol.Fault
	if !readControl(w, r, &fault) {
		return
	}
	armed, err := s.arm(fault)
	if err != nil {
		complain(w, http.StatusBadRequest, "%v", err)
		return
	}
	show(w, armed)
}

func (s *Server) settings() simcontrol.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return simcontrol.Settings{ImportDelay: simcontrol.Duration(s.importDelay), Orders: s.orders}
}

// postSettings changes what the body names, and nothing else.
func (s *Server) postSettings(w http.ResponseWriter, r *http.Request) {
	settings := s.settings()
	if !readControl(w, r, &settings) {
		return
	}
	if settings.ImportDelay < 0 {
		complain(w, http.StatusBadRequest, "import_delay is negative")
		return
	}
	if err := checkOrders(settings.Orders); err != nil {
		complain(w, http.StatusBadRequest, "orders: %v", err)
		return
	}
	s.mu.Lock()
	s.importDelay, s.orders = time.Duration(settings.ImportDelay), withDefaults(settings.Orders)
	s.mu.Unlock()
	show(w, s.settings())
}

func (s *Server) postRevoke(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Key string `json:"key"`
	}
	if !readControl(w, r, &body) {
		return
	}
	if body.Key == "" {
		complain(w, http.StatusBadRequest, "key is missing")
		return
	}
	s.mu.Lock()
	s.revoked[body.Key] = true
	s.mu.Unlock()
	show(w, struct{}{})
}

func (s *Server) postReset(w http.ResponseWriter, _ *http.Request) {
	if err := s.Reset(); err != nil {
		complain(w, http.StatusInternalServerError, "%v", err)
		return
	}
	show(w, struct{}{})
}
