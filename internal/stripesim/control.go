package stripesim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"vitrine/internal/simcontrol"
)

func (s *Server) controlRoutes() *http.ServeMux {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /_sim/accounts/{account}/catalog", s.catalogs.showCatalog)
	routes.HandleFunc("GET /_sim/accounts/{account}/catalog/{id}", s.catalogs.showProduct)
	routes.HandleFunc("POST /_sim/accounts/{account}/catalog/{id}", s.catalogs.putProduct)
	routes.HandleFunc("DELETE /_sim/accounts/{account}/catalog/{id}", s.catalogs.deleteProduct)
	routes.HandleFunc("GET /_sim/accounts/{account}/promotions", func(w http.ResponseWriter, r *http.Request) {
		list(w, s.catalogs.promotions(r.PathValue("account")))
	})
	routes.HandleFunc("POST /_sim/accounts/{account}", s.standings.postStanding)
	routes.HandleFunc("POST /_sim/accounts/{account}/agreements", s.agreements.postMade)
	routes.HandleFunc("POST /_sim/agreements/{id}", s.agreements.postChange)
	routes.HandleFunc("GET /_sim/files", func(w http.ResponseWriter, r *http.Request) {
		list(w, s.files.listed(narrowedTo(r)))
	})
	routes.HandleFunc("GET /_sim/imports", func(w http.ResponseWriter, r *http.Request) {
		list(w, s.imports.listed(narrowedTo(r)))
	})
	routes.HandleFunc("GET /_sim/requests", func(w http.ResponseWriter, r *http.Request) {
		list(w, s.calls.listed(narrowedTo(r)))
	})
	routes.HandleFunc("GET /_sim/stats", func(w http.ResponseWriter, _ *http.Request) { show(w, s.stats()) })
	routes.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { list(w, s.faults.listed()) })
	routes.HandleFunc("POST /_sim/faults", s.faults.postFault)
	routes.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.faults.disarm()
		show(w, struct{}{})
	})
	routes.HandleFunc("GET /_sim/settings",
		func(w http.ResponseWriter, _ *http.Request) { show(w, s.settings.current()) })
	routes.HandleFunc("POST /_sim/settings", s.settings.postSettings)
	routes.HandleFunc("PATCH /_sim/settings", s.settings.postSettings)
	routes.HandleFunc("POST /_sim/keys/revoke", s.access.postRevoke)
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

func (s *Server) stats() simcontrol.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := simcontrol.Stats{
		Requests: s.calls.counts.requests, Replayed: s.calls.counts.replayed, RequestsByStatus: map[int]int{},
		Imports: len(s.imports.all), ImportsByStatus: map[string]int{}, Products: map[string]int{},
		InFlight: map[string]int{}, MaxInFlight: map[string]int{},
	}
	for status, n := range s.calls.counts.byStatus {
		stats.RequestsByStatus[status] = n
	}
	for _, f := range s.files.all {
		if f.Purpose != errorFilePurpose && f.Purpose != reportPurpose {
			stats.Files++
			stats.FileBytes += f.Size
		}
	}
	for _, i := range s.imports.all {
		s.imports.expireLocked(i)
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

func (s *Server) postReset(w http.ResponseWriter, _ *http.Request) {
	if err := s.Reset(); err != nil {
		complain(w, http.StatusInternalServerError, "%v", err)
		return
	}
	show(w, struct{}{})
}
