package mail

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

func (b *box) routes() *http.ServeMux {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", b.showList)
	routes.HandleFunc("GET /mails/{id}", b.onMail(showMail))
	routes.HandleFunc("GET /mails/{id}/html", b.onMail(showHTML))
	routes.HandleFunc("GET /mails/{id}/source", b.onMail(showSource))
	routes.HandleFunc("GET /_sim/mails", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, data(b.matching(Match{From: r.FormValue("from"), To: r.FormValue("to")})))
	})
	routes.HandleFunc("GET /_sim/faults",
		func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, data(b.list())) })
	routes.HandleFunc("POST /_sim/faults", b.postFault)
	routes.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		b.disarm()
		answer(w, http.StatusOK, struct{}{})
	})
	return routes
}

// onMail finds the mail that a path names.
func (b *box) onMail(show func(http.ResponseWriter, Mail)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.Atoi(r.PathValue("id")) // what is no number is no mail's
		m, found := b.find(id)
		if !found {
			http.Error(w, "there is no such mail, or not any more", http.StatusNotFound)
			return
		}
		show(w, m)
	}
}

// postFault reads strictly, so that a mistyped field of a test does not pass in silence.
func (b *box) postFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxBytes))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&f)
	var armed ArmedFault
	if err == nil {
		armed, err = b.arm(f)
	}
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, armed)
}

func data[T any](all []T) map[string][]T { return map[string][]T{"data": all} }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone then
}
