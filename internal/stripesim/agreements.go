package stripesim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/internal/simcontrol"
)

const (
	agreementsPath = "/v2/orchestrated_commerce/agreements"
	agreementKind  = "v2.orchestrated_commerce.agreement"
	// firstAgreements is the first preview version that has agreements.
	firstAgreements = "2026-04-22"
)

var profilePattern = regexp.MustCompile(`^profile_[A-Za-z0-9_]{1,250}$`)

// agreement is one of an account, the seller, with an agent, the orchestrator.
type agreement struct {
	id, account, agent, profile string
	initiatedBy, terminatedBy   string
	created                     time.Time
	confirmed                   map[string]time.Time // by party
	terminated                  time.Time
}

// agreements are those of all accounts. What Stripe does not document is decided here: an account has one agreement at
// a time with an agent, and one that is over stays so. Who may confirm by the API for a connected account is not
// documented either, so nobody may here: the parties do it by the control API.
type agreements struct {
	*core
	events *events
	all    []*agreement // in the order of creation
}

func (h *agreements) forgetLocked() { h.all = nil }

func (s *Server) agreementRoutes(routes *http.ServeMux) {
	type endpoint func(r *http.Request, body map[string]json.RawMessage) (*agreement, *apiError)
	writing := func(do endpoint) http.HandlerFunc {
		return agreementsPreview(s.idempotency.idempotent(apiV2, v2Keys, s.agreements.writing(do)))
	}
	routes.HandleFunc("GET "+agreementsPath, agreementsPreview(s.agreements.list))
	routes.HandleFunc("POST "+agreementsPath, writing(s.agreements.createLocked))
	routes.HandleFunc("GET "+agreementsPath+"/{id}", agreementsPreview(s.agreements.get))
	routes.HandleFunc("POST "+agreementsPath+"/{id}/terminate", writing(s.agreements.terminateLocked))
}

// agreementsPreview lets a call pass only under a preview version that has agreements.
func agreementsPreview(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		version := r.Header.Get("Stripe-Version")
		if versionOf(r) < firstAgreements || !strings.HasSuffix(version, ".preview") {
			invalid("Stripe-Version",
				"Agreements need a preview version from %s on in the header Stripe-Version; got %q.",
				firstAgreements, version).write(w)
			return
		}
		next(w, r)
	}
}

func (a *agreement) status() string {
	switch {
	case !a.terminated.IsZero():
		return "terminated"
	case len(a.confirmed) == 2:
		return "confirmed"
	case len(a.confirmed) == 1:
		return "partially_confirmed"
	}
	return "initiated"
}

func stampOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

func (a *agreement) details() map[string]any {
	return map[string]any{
		"orchestrator_details": map[string]any{"name": a.agent, "network_business_profile": a.profile},
		"seller_details": map[string]any{
			"network_business_profile": "profile_test_" + strings.TrimPrefix(a.account, "acct_"),
		},
	}
}

func (a *agreement) object() map[string]any {
	object := map[string]any{
		"id": a.id, "object": agreementKind, "created": stamp(a.created), "livemode": false,
		"initiated_by": a.initiatedBy,
		"status":       a.status(), "terminated_by": orNull(a.terminatedBy),
		"status_transitions": map[string]any{
			"seller_confirmed_at":       stampOrNull(a.confirmed[simcontrol.Seller]),
			"orchestrator_confirmed_at": stampOrNull(a.confirmed[simcontrol.Orchestrator]),
			"terminated_at":             stampOrNull(a.terminated),
		},
	}
	maps.Copy(object, a.details())
	return object
}

// tellLocked sends the thin event that an agreement came to be as it is.
func (h *agreements) tellLocked(a *agreement, why cause) {
	step := map[string]string{"initiated": "created"}
	data := a.details()
	switch a.status() {
	case "initiated":
		data["created"], data["initiated_by"] = stamp(a.created), a.initiatedBy
	case "terminated":
		data["terminated_at"], data["terminated_by"] = stamp(a.terminated), a.terminatedBy
	default:
		data["seller_confirmed_at"] = stampOrNull(a.confirmed[simcontrol.Seller])
		data["orchestrator_confirmed_at"] = stampOrNull(a.confirmed[simcontrol.Orchestrator])
	}
	related := map[string]any{"id": a.id, "type": agreementKind, "url": agreementsPath + "/" + a.id}
	kind := agreementKind + "." + cmp.Or(step[a.status()], a.status())
	h.events.emitThinLocked(kind, a.account, a.object(), thinEvent{related: related, data: data}, why)
}

func (h *agreements) findLocked(account, id string) (*agreement, *apiError) {
	i := slices.IndexFunc(h.all,
		func(a *agreement) bool { return a.id == id && (account == "" || a.account == account) })
	if i < 0 {
		return nil, missingObject("agreement", "id", id)
	}
	return h.all[i], nil
}

func (h *agreements) get(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, failed := h.findLocked(stateOf(r).account, r.PathValue("id"))
	if failed != nil {
		failed.write(w)
		return
	}
	okAnswer(found.object()).write(w, "")
}

// list is an account's agreements, the newest first. A page is a place in that order.
func (h *agreements) list(w http.ResponseWriter, r *http.Request) {
	page, profile := pageV2{}, ""
	failed := page.read(r, func(name, value string) bool {
		profile = value
		return name == "network_business_profile"
	})
	if failed != nil {
		failed.write(w)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	own := []any{}
	for _, a := range slices.Backward(h.all) {
		if a.account == stateOf(r).account && (profile == "" || a.profile == profile) {
			own = append(own, a.object())
		}
	}
	okAnswer(page.of(r, own)).write(w, "")
}

// pageV2 is the part of a list of v2's that is asked for. A page is a place in the list's order.
type pageV2 struct{ limit, offset int }

// read takes the parameters; other is told of those that are no page's, and says whether it knows them.
func (p *pageV2) read(r *http.Request, other func(name, value string) bool) *apiError {
	p.limit = 20
	for name, values := range r.URL.Query() {
		var err error
		switch name {
		case "limit":
			p.limit, err = strconv.Atoi(values[0])
		case "page":
			p.offset, err = strconv.Atoi(strings.TrimPrefix(values[0], "page_"))
		default:
			if !other(name, values[0]) {
				return unknownParameter(name)
			}
		}
		if err != nil || p.limit < 1 || p.limit > 100 || p.offset < 0 {
			return invalid(name, "Invalid %s: %q.", name, values[0])
		}
	}
	return nil
}

func (p *pageV2) of(r *http.Request, all []any) map[string]any {
	page := all[min(p.offset, len(all)):]
	answer := map[string]any{"data": page, "next_page_url": nil, "previous_page_url": nil}
	if len(page) > p.limit {
		answer["data"], answer["next_page_url"] = page[:p.limit], pageURL(r, p.offset+p.limit)
	}
	return answer
}

// writing reads the JSON of a POST, and does the work under the lock.
func (h *agreements) writing(endpoint func(*http.Request, map[string]json.RawMessage) (*agreement, *apiError)) prepare {
	return func(r *http.Request) (operation, *apiError) {
		mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		if mediaType != "application/json" {
			return operation{}, invalid("", "Invalid request: parameters under /v2 are JSON, got Content-Type %q.",
				r.Header.Get("Content-Type"))
		}
		text, err := io.ReadAll(io.LimitReader(r.Body, maxFormBytes+1))
		body := map[string]json.RawMessage{}
		if err != nil || len(text) > maxFormBytes || len(text) > 0 && json.Unmarshal(text, &body) != nil {
			return operation{}, invalid("", "Invalid request: the body is not a JSON object, or too long.")
		}
		sum := sha256.New()
		addToDigest(sum, r.Method, r.URL.Path, string(text))
		return operation{digest: hex.EncodeToString(sum.Sum(nil)), drop: func() {}, run: func() outcome {
			h.mu.Lock()
			defer h.mu.Unlock()
			made, failed := endpoint(r, body)
			if failed != nil {
				return refused(*failed)
			}
			state := stateOf(r)
			h.tellLocked(made, cause{request: state.request.RequestID, key: r.Header.Get("Idempotency-Key")})
			return outcome{answer: okAnswer(made.object()), stored: true}
		}}, nil
	}
}

func (h *agreements) createLocked(r *http.Request, body map[string]json.RawMessage) (*agreement, *apiError) {
	for name := range body {
		if name != "orchestrator" {
			return nil, unknownParameter(name)
		}
	}
	var profile string
	if body["orchestrator"] == nil {
		return nil, missing("orchestrator")
	}
	if json.Unmarshal(body["orchestrator"], &profile) != nil || !profilePattern.MatchString(profile) {
		return nil, invalid("orchestrator", "Invalid orchestrator: expected a Network ID.")
	}
	account := stateOf(r).account
	if h.liveLocked(account, profile) != nil {
		return nil, invalid("orchestrator", "There is an agreement with this orchestrator already.")
	}
	return h.addLocked(account, simcontrol.Agreement{Profile: profile}, simcontrol.Seller), nil
}

func (h *agreements) liveLocked(account, profile string) *agreement {
	for _, a := range h.all {
		if a.account == account && a.profile == profile && a.terminated.IsZero() {
			return a
		}
	}
	return nil
}

func (h *agreements) addLocked(account string, wanted simcontrol.Agreement, by string) *agreement {
	a := &agreement{
		id: newID("orca_test_"), account: account, agent: cmp.Or(wanted.Agent, "Test Agent"), initiatedBy: by,
		profile: cmp.Or(wanted.Profile, newID("profile_test_")), created: h.options.Now(),
		confirmed: map[string]time.Time{},
	}
	h.all = append(h.all, a)
	return a
}

func (h *agreements) terminateLocked(r *http.Request, body map[string]json.RawMessage) (*agreement, *apiError) {
	for name := range body {
		return nil, unknownParameter(name)
	}
	found, failed := h.findLocked(stateOf(r).account, r.PathValue("id"))
	if failed != nil {
		return nil, failed
	}
	if err := h.changeLocked(found, simcontrol.Seller, simcontrol.TerminateAgreement); err != nil {
		return nil, invalid("", "%v.", err)
	}
	return found, nil
}

func (h *agreements) changeLocked(a *agreement, by, what string) error {
	switch {
	case by != simcontrol.Seller && by != simcontrol.Orchestrator:
		return fmt.Errorf("%q is no party: expected %s or %s", by, simcontrol.Seller, simcontrol.Orchestrator)
	case !a.terminated.IsZero():
		return errors.New("the agreement is over")
	case what == simcontrol.TerminateAgreement:
		a.terminated, a.terminatedBy = h.options.Now(), by
	case what != simcontrol.ConfirmAgreement:
		return fmt.Errorf("%q: expected %s or %s", what, simcontrol.ConfirmAgreement, simcontrol.TerminateAgreement)
	case !a.confirmed[by].IsZero():
		return fmt.Errorf("the %s has confirmed it already", by)
	default:
		a.confirmed[by] = h.options.Now()
	}
	return nil
}

func (a *agreement) inside() simcontrol.Agreement {
	return simcontrol.Agreement{ID: a.id, Agent: a.agent, Profile: a.profile, Status: a.status()}
}

// postMade is the control call that makes an agreement, as Stripe does with an agent's first payment.
func (h *agreements) postMade(w http.ResponseWriter, r *http.Request) {
	var wanted simcontrol.Agreement
	if !readControl(w, r, &wanted) {
		return
	}
	account := r.PathValue("account")
	switch {
	case !accountID.MatchString(account):
		complain(w, http.StatusBadRequest, "%q is not an account: expected acct_…", account)
		return
	case wanted.Profile != "" && !profilePattern.MatchString(wanted.Profile):
		complain(w, http.StatusBadRequest, "%q is not a Network ID: expected profile_…", wanted.Profile)
		return
	case !slices.Contains([]string{"", "initiated", "confirmed"}, wanted.Status):
		complain(w, http.StatusBadRequest, "status %q: expected initiated or confirmed", wanted.Status)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	made := h.addLocked(account, wanted, simcontrol.Orchestrator)
	h.tellLocked(made, cause{})
	if wanted.Status == "confirmed" {
		for _, party := range []string{simcontrol.Orchestrator, simcontrol.Seller} {
			made.confirmed[party] = h.options.Now()
			h.tellLocked(made, cause{})
		}
	}
	show(w, made.inside())
}

// postChange is the control call by which one of the two parties confirms or ends an agreement.
func (h *agreements) postChange(w http.ResponseWriter, r *http.Request) {
	var change struct {
		By string `json:"by"`
		Do string `json:"do"`
	}
	if !readControl(w, r, &change) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	found, failed := h.findLocked("", r.PathValue("id"))
	if failed != nil {
		complain(w, http.StatusNotFound, "there is no agreement %s", r.PathValue("id"))
		return
	}
	if err := h.changeLocked(found, change.By, change.Do); err != nil {
		complain(w, http.StatusConflict, "%v", err)
		return
	}
	h.tellLocked(found, cause{})
	show(w, found.inside())
}
