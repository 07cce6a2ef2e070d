package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// gate stands between a worker and what it writes to. It lets everything through, and notes what was written for which
// account, until an account has come to the write at which it is to stop: that one gets no answer any more, as if the
// worker had died there.
type gate struct {
	url      string
	s3       *httputil.ReverseProxy
	stripe   *httputil.ReverseProxy
	released chan struct{}

	mu      sync.Mutex
	stops   map[string]stop     // by account
	writes  map[string][]string // by account, in order
	arrived map[string]bool
	owner   map[string]string // of signed URLs
}

// stop is the place at which an account stops.
type stop struct {
	write int  // from 0
	after bool // the write was done, only its answer is lost
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{
		s3: forward(t, house.ready.S3), stripe: forward(t, house.ready.Stripe), released: make(chan struct{}),
		stops: map[string]stop{}, writes: map[string][]string{}, arrived: map[string]bool{}, owner: map[string]string{},
	}
	g.stripe.ModifyResponse = g.noteOwner
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	t.Cleanup(g.release)
	g.url = server.URL
	return g
}

// forward keeps the host of a call as it is: signatures of S3 are made for it, and Stripe's signed URLs made of it.
func forward(t *testing.T, target string) *httputil.ReverseProxy {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
	}}
}

// settings lead a worker through the gate.
func (g *gate) settings() []string {
	return []string{"AWS_ENDPOINT_URL_S3=" + g.url, "STRIPE_API_BASE=" + g.url, "STRIPE_FILES_BASE=" + g.url}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := g.s3
	if strings.HasPrefix(r.URL.Path, "/v1/") || strings.HasPrefix(r.URL.Path, "/v2/") ||
		strings.HasPrefix(r.URL.Path, "/_") {
		to = g.stripe
	}
	switch at, stops := g.note(r); {
	case !stops:
		to.ServeHTTP(w, r)
	case at.after:
		to.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		fallthrough
	default:
		g.stay(r)
	}
}

// note counts a write, and says whether it is the one to stop at. A worker that tries once more stops there again.
func (g *gate) note(r *http.Request) (at stop, stops bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	account := g.accountOf(r)
	if account == "" || !isWrite(r) {
		return stop{}, false
	}
	select {
	case <-g.released:
		return stop{}, false
	default:
	}
	at, armed := g.stops[account]
	n := len(g.writes[account])
	if !armed || n < at.write {
		g.writes[account] = append(g.writes[account], r.Method+" "+strings.ReplaceAll(r.URL.Path, account, "…"))
		return stop{}, false
	}
	return at, n == at.write
}

// isWrite includes the read of Stripe's list of refused rows, which is a step of its own. It leaves deletions out: they
// only tidy up.
func isWrite(r *http.Request) bool {
	return r.Method == http.MethodPut || r.Method == http.MethodPost || strings.HasSuffix(r.URL.Path, "/contents") ||
		strings.HasPrefix(r.URL.Path, "/_downloads/")
}

var (
	accountPattern = regexp.MustCompile(`acct_[A-Za-z0-9]+`)
	signedPattern  = regexp.MustCompile(`/_(?:uploads|downloads)/[^"?]+`)
)

func (g *gate) accountOf(r *http.Request) string {
	if account := r.Header.Get("Stripe-Account"); account != "" {
		return account
	}
	if owner, signed := g.owner[r.URL.Path]; signed {
		return owner
	}
	return accountPattern.FindString(r.URL.Path)
}

// noteOwner learns whose the signed URLs of an import are: they name no account.
func (g *gate) noteOwner(response *http.Response) error {
	if !strings.HasPrefix(response.Request.URL.Path, catalogImportsPath) {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, path := range signedPattern.FindAllString(string(body), -1) {
		g.owner[path] = response.Request.Header.Get("Stripe-Account")
	}
	return nil
}

func (g *gate) stay(r *http.Request) {
	g.mu.Lock()
	g.arrived[g.accountOf(r)] = true
	g.mu.Unlock()
	<-g.released
	panic(http.ErrAbortHandler)
}

// release ends the calls that stay, without an answer, and stops nobody any more.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.released:
	default:
		close(g.released)
	}
}

func (g *gate) stopAt(account string, at stop) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stops[account] = at
	delete(g.writes, account)
}

func (g *gate) written(account string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.writes[account]...)
}

func (g *gate) hasArrived(account string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.arrived[account]
}
