package console_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/access"
	"vitrine/internal/console"
	"vitrine/internal/desk"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/objectstore/objectstoretest"
)

const (
	operatingAll = "a-token-that-operates-everything"
	readingAll   = "a-token-that-reads-everything"
	operatingOne = "a-token-that-operates-one-account"
	readingOne   = "a-token-that-reads-one-account"
)

func tokens() access.Tokens {
	return access.Tokens{
		access.New("ops", operatingAll, access.Operate, ""),
		access.New("board", readingAll, access.Read, ""),
		access.New("shop", operatingOne, access.Operate, "acct_1"),
		access.New("shop-board", readingOne, access.Read, "acct_1"),
	}
}

// stand is a console in the world of the tests, an hour after noon.
type stand struct {
	console  *console.Console
	desk     desk.Desk
	store    *objectstoretest.Memory
	temporal *desktest.Temporal
	now      time.Time
	logs     strings.Builder
}

func newStand(t testing.TB) *stand {
	t.Helper()
	s := &stand{now: desktest.Noon.Add(time.Hour)}
	s.desk, s.store, s.temporal = desktest.New(t)
	s.open(tokens())
	return s
}

// open starts the console anew, with other tokens: a deployment that is restarted.
func (s *stand) open(given access.Tokens) {
	s.console = console.New(console.Options{
		Tokens: given, Desk: s.desk, Now: func() time.Time { return s.now },
		Logger: slog.New(slog.NewTextHandler(&s.logs, nil)),
	})
}

// browser is somebody with a browser: it keeps cookies, and says where its forms come from.
type browser struct {
	t       testing.TB
	stand   *stand
	cookies map[string]*http.Cookie
	bearer  string // what a proxy adds
	site    string // Sec-Fetch-Site of what it sends
	origin  string
}

func (s *stand) browser(t testing.TB) *browser {
	return &browser{
		t: t, stand: s, cookies: map[string]*http.Cookie{}, site: "same-origin", origin: "https://vitrine.example",
	}
}

// as is a browser that has logged in.
func (s *stand) as(t testing.TB, token string) *browser {
	t.Helper()
	b := s.browser(t)
	answer := b.post("/console/login", url.Values{"token": {token}})
	require.Equal(t, http.StatusSeeOther, answer.Code, answer.Body)
	return b
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	return b.send(httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, path, nil))
}

func (b *browser) post(path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.site != "" {
		r.Header.Set("Sec-Fetch-Site", b.site)
	}
	if b.origin != "" {
		r.Header.Set("Origin", b.origin)
	}
	return b.send(r)
}

func (b *browser) send(r *http.Request) *httptest.ResponseRecorder {
	r.Host = "vitrine.example"
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	if b.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+b.bearer)
	}
	recorder := httptest.NewRecorder()
	b.stand.console.ServeHTTP(recorder, r)
	for _, c := range recorder.Result().Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return recorder
}

// page is a page that has to be there.
func (b *browser) page(path string) string {
	b.t.Helper()
	answer := b.get(path)
	require.Equal(b.t, http.StatusOK, answer.Code, "%s: %s", path, answer.Body)
	return answer.Body.String()
}

var formTokens = regexp.MustCompile(`name="form" value="([^"]+)"`)

// form is a form of a page, filled in; it has what goes with every form of the session.
func (b *browser) form(page string, pairs ...string) url.Values {
	b.t.Helper()
	found := formTokens.FindStringSubmatch(page)
	require.NotNil(b.t, found, "there is no form: %s", page)
	form := url.Values{"form": {found[1]}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

const (
	anAccount = "/console/accounts/acct_1"
	aCatalog  = anAccount + "/catalogs/product"
	anOrder   = anAccount + "/orders/cs_1"
)

// filled is the address of a route with everything named, of one account.
func filled(pattern, account string) (method, path string) {
	method, path, found := strings.Cut(pattern, " ")
	if !found {
		method, path = http.MethodGet, pattern
	}
	return method, strings.NewReplacer("{account}", account, "{session}", "cs_1", "{feed}", "product", "{number}", "1",
		"{command}", "refund", "{$}", "").Replace(path)
}

// ask sends what a route is for; a form lacks everything but what goes with every form.
func (b *browser) ask(pattern, account, form string) *httptest.ResponseRecorder {
	method, path := filled(pattern, account)
	if method == http.MethodPost {
		return b.post(path, url.Values{"form": {form}})
	}
	return b.get(path)
}

func (s *stand) String() string { return fmt.Sprint(s.logs.String()) }
