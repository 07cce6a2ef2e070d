package stripesim

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"vitrine/internal/simcontrol"
)

// DefaultMaxFileBytes is Stripe's "200 MB" for one file. Whether that means 200·10⁶ or 200·2²⁰ bytes is not documented;
// a client that keeps to the smaller one passes either way, so the larger is the emulator's limit and tests of the edge
// set Options.MaxFileBytes.
const DefaultMaxFileBytes = 200 * 1024 * 1024

const (
	// DefaultMaxImportBytes is Stripe's "4 GB" for one file of a product catalog import, in its larger reading as well.
	DefaultMaxImportBytes = 4 * 1024 * 1024 * 1024
	// DefaultURLLifetime is how long signed URLs live in Stripe's guide. Its API reference shows an hour for uploads.
	DefaultURLLifetime = 5 * time.Minute
	// DefaultUploadWindow is how long a product catalog import waits for its upload. Stripe says only that it does not
	// wait for ever.
	DefaultUploadWindow = time.Hour
)

// Options shape an emulator. The zero value works.
type Options struct {
	// Dir is where uploaded files go, in a directory of their own that Close removes; empty means the system's
	// directory for temporary files.
	Dir string
	// Accounts are the connected accounts; empty means every well-formed acct_….
	Accounts []string
	// Keys are the API keys that are accepted; empty means every sk_test_… and rk_test_….
	Keys []string
	// ImportDelay is how long an import stays pending before it is processed.
	ImportDelay time.Duration
	// ReportDelay is how old the data of reports is, at most 15 minutes; ReportTime is how long one is made.
	ReportDelay, ReportTime time.Duration
	// MaxFileBytes is the limit for one file of the Files API; zero means DefaultMaxFileBytes.
	MaxFileBytes int64
	// MaxImportBytes is the limit for the file of a product catalog import; zero means DefaultMaxImportBytes.
	MaxImportBytes int64
	// URLLifetime is how long signed URLs live; zero means DefaultURLLifetime.
	URLLifetime time.Duration
	// UploadWindow is how long a product catalog import waits for its upload; zero means DefaultUploadWindow.
	UploadWindow time.Duration
	// Orders are the settings of orders, webhooks and hooks to begin with, and after each reset.
	Orders simcontrol.OrderSettings
	// Now is the clock of timestamps, idempotency keys, signed URLs and authorizations; nil means time.Now.
	Now func() time.Time
	// Logger gets a line per call; nil discards them.
	Logger *slog.Logger
}

// Server is the emulator. It is safe for concurrent use.
type Server struct {
	*core
	control *http.ServeMux // of the emulator's own calls, under /_sim/

	// Before an endpoint.
	access      *access
	calls       *calls
	idempotency *idempotency
	faults      *faults

	// Catalogs.
	files          *files
	imports        *imports
	importSets     *importSets
	catalogImports *catalogImports
	signedURLs     *signedURLs
	catalogs       *catalogs
	reports        *reports

	standings  *standings
	agreements *agreements

	// Orders.
	sessions     *sessions
	payments     *payments
	refunds      *refunds
	disputes     *disputes
	events       *events
	webhooks     *webhooks
	sender       *sender
	hooks        *hooks
	agents       *agents
	orderCalls   *orderCalls
	orderControl *orderControl

	settings *settings
}

// New makes an emulator. Close it to end its imports and to remove its files.
func New(options Options) (*Server, error) {
	options.MaxFileBytes = cmp.Or(options.MaxFileBytes, DefaultMaxFileBytes)
	options.MaxImportBytes = cmp.Or(options.MaxImportBytes, DefaultMaxImportBytes)
	options.URLLifetime = cmp.Or(options.URLLifetime, DefaultURLLifetime)
	options.UploadWindow = cmp.Or(options.UploadWindow, DefaultUploadWindow)
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if err := checkOrders(options.Orders); err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	dir, err := os.MkdirTemp(options.Dir, "stripesim-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for uploaded files: %w", err)
	}
	s := assemble(&core{options: options, dir: dir})
	s.mu.Lock()
	s.forgetLocked()
	s.mu.Unlock()
	return s, nil
}

// assemble gives each handler the ones that it stands on.
func assemble(c *core) *Server {
	s := &Server{core: c}
	s.standings = &standings{core: c}
	s.access, s.calls, s.idempotency = &access{core: c, standings: s.standings}, &calls{core: c}, &idempotency{core: c}
	s.files = &files{core: c}
	s.imports = &imports{core: c, files: s.files}
	s.importSets = &importSets{core: c, imports: s.imports}
	s.signedURLs = &signedURLs{core: c, files: s.files, imports: s.imports}
	s.catalogImports = &catalogImports{core: c, imports: s.imports, signedURLs: s.signedURLs}
	s.catalogs = &catalogs{core: c}
	s.sender = newSender(c)
	s.webhooks = &webhooks{core: c, sender: s.sender, sending: make(chan struct{}, maxSending)}
	s.events = &events{core: c, webhooks: s.webhooks}
	s.standings.events, s.imports.events = s.events, s.events
	s.agreements = &agreements{core: c, events: s.events}
	s.sessions = &sessions{core: c, events: s.events}
	s.reports = &reports{core: c, files: s.files, events: s.events}
	s.refunds = &refunds{core: c, events: s.events}
	s.disputes = &disputes{core: c, events: s.events}
	s.payments = &payments{core: c, events: s.events, sessions: s.sessions, refunds: s.refunds}
	s.hooks = &hooks{core: c, sender: s.sender}
	s.agents = &agents{core: c, hooks: s.hooks, payments: s.payments}
	s.orderCalls = &orderCalls{core: c, idempotency: s.idempotency, payments: s.payments}
	s.orderControl = &orderControl{core: c, payments: s.payments, refunds: s.refunds, disputes: s.disputes}
	s.settings = &settings{core: c}
	s.faults = &faults{core: c, routes: s.apiRoutes()}
	s.control = s.controlRoutes()
	return s
}

// Close ends the imports and deliveries in flight, and removes the uploaded files.
func (s *Server) Close() error {
	s.mu.Lock()
	stop := s.stop
	s.mu.Unlock()
	stop()
	s.background.Wait()
	s.sender.caller.CloseIdleConnections()
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("remove uploaded files: %w", err)
	}
	return nil
}

// Reset forgets files, imports, catalogs, orders, webhook endpoints, requests, idempotency keys, faults and revoked
// keys.
func (s *Server) Reset() error {
	s.mu.Lock()
	stop, files := s.stop, s.files.all
	s.forgetLocked()
	s.mu.Unlock()
	stop()
	for _, f := range files {
		if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("remove an uploaded file: %w", err)
		}
	}
	return nil
}

func (s *Server) forgetLocked() {
	s.core.forgetLocked()
	s.access.forgetLocked()
	s.calls.forgetLocked()
	s.idempotency.forgetLocked()
	s.faults.forgetLocked()
	s.files.forgetLocked()
	s.imports.forgetLocked()
	s.signedURLs.forgetLocked()
	s.standings.forgetLocked()
	s.reports.forgetLocked()
	s.agreements.forgetLocked()
	s.refunds.forgetLocked()
	s.disputes.forgetLocked()
	s.events.forgetLocked()
	s.webhooks.forgetLocked()
	s.hooks.forgetLocked()
}

// ServeHTTP answers calls for api.stripe.com and files.stripe.com alike, for signed URLs, and the control API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/_sim/"):
		s.control.ServeHTTP(w, r)
	case isSigned(r.URL.Path):
		s.serveSigned(w, r)
	default:
		s.serveAPI(w, r)
	}
}

func (s *Server) apiRoutes() *http.ServeMux {
	routes := http.NewServeMux()
	routes.HandleFunc("POST /v1/files", s.idempotency.idempotent(apiV1, v1Keys, s.files.prepareUpload))
	routes.HandleFunc("GET /v1/files", s.orderCalls.reading(s.files.listFiles))
	routes.HandleFunc("GET /v1/files/{id}", s.files.getFile)
	routes.HandleFunc("GET /v1/files/{id}/contents", s.files.getFileContents)
	create := s.idempotency.idempotent(apiV1, v1Keys, s.importSets.prepareImport)
	routes.HandleFunc("POST /v1/data_management/import_sets", previewOnly(create))
	routes.HandleFunc("GET /v1/data_management/import_sets/{id}", previewOnly(s.importSets.getImport))
	v2 := func(next http.HandlerFunc) http.HandlerFunc { return sinceVersion(firstV2Version, next) }
	begin := s.idempotency.idempotent(apiV2, v2Keys, s.catalogImports.prepareCatalogImport)
	routes.HandleFunc("POST "+catalogImportsPath, v2(begin))
	routes.HandleFunc("GET "+catalogImportsPath, v2(s.catalogImports.listCatalogImports))
	routes.HandleFunc("GET "+catalogImportsPath+"/{id}", v2(s.catalogImports.getCatalogImport))
	routes.HandleFunc("GET /v1/reporting/report_types/{id}", s.orderCalls.reading(s.reports.getType))
	routes.HandleFunc("POST "+reportRunsPath, s.orderCalls.writing(s.reports.postRun))
	routes.HandleFunc("GET "+reportRunsPath+"/{id}", s.orderCalls.reading(s.reports.getRun))
	s.agreementRoutes(routes)
	s.orderRoutes(routes)
	routes.HandleFunc("PUT "+uploadsPath+"{token}", s.signedURLs.putUpload)
	routes.HandleFunc("GET "+downloadsPath+"{token}", s.signedURLs.getDownload)
	routes.HandleFunc("/", unknownURL)
	return routes
}

// serveAPI takes a call through the steps that come before its endpoint, in Stripe's order: request id, key, account,
// then (here) faults.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	call := s.calls.record(r)
	answer := &answerWriter{ResponseWriter: w, limit: -1}
	defer func() { s.calls.finish(call, answer, started) }()

	answer.Header().Set("Request-Id", call.RequestID)
	if version := r.Header.Get("Stripe-Version"); version != "" {
		answer.Header().Set("Stripe-Version", version)
	}
	caller, refused := s.access.authenticate(r)
	if refused != nil {
		refused.write(answer)
		return
	}
	if caller.connected {
		answer.Header().Set("Stripe-Account", caller.account)
	}
	ctx := context.WithValue(r.Context(), callKey{}, &callState{account: caller.account, request: call})
	r = r.WithContext(ctx)
	s.faults.serveWithFaults(answer, r)
}

// callState is what the steps before an endpoint know about a call.
type callState struct {
	account string
	request *loggedCall
	fault   *simcontrol.Fault // armed for the endpoint itself to act on; nil for none
}

type callKey struct{}

func stateOf(r *http.Request) *callState { return r.Context().Value(callKey{}).(*callState) }

func unknownURL(w http.ResponseWriter, r *http.Request) {
	apiError{
		Status: http.StatusNotFound, Type: invalidRequest,
		Message: fmt.Sprintf("Unrecognized request URL (%s: %s).", r.Method, r.URL.Path),
	}.write(w)
}

// previewOnly lets a call pass only under a preview version: the Data Management API does not exist outside of it.
// What Stripe answers without one is not documented; a 400 that names the header is the stricter and kinder reading.
func previewOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		version := r.Header.Get("Stripe-Version")
		if !strings.Contains(version, "udap_beta=v1") && !strings.HasSuffix(version, ".preview") {
			apiError{
				Status: http.StatusBadRequest, Type: invalidRequest, Param: "Stripe-Version",
				Message: fmt.Sprintf("Data management needs a preview version in the header Stripe-Version, such as "+
					"2025-09-30.clover;udap_beta=v1; got %q.", version),
			}.write(w)
			return
		}
		next(w, r)
	}
}
