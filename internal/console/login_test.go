package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/access"
	"vitrine/internal/console"
)

func TestWithoutATokenThereIsNoConsole(t *testing.T) {
	t.Parallel()
	require.Nil(t, console.New(console.Options{}))
}

func TestALoginIsASignedCookie(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.browser(t)
	answer := b.get("/console/accounts/acct_1?x=1")
	require.Equal(t, http.StatusSeeOther, answer.Code)
	require.Equal(t, "/console/login?next=%2Fconsole%2Faccounts%2Facct_1%3Fx%3D1", answer.Header().Get("Location"))
	require.Contains(t, b.page(answer.Header().Get("Location")), `name="next" value="/console/accounts/acct_1?x=1"`)

	form := url.Values{"token": {" " + operatingAll + "\n"}, "next": {"/console/accounts/acct_1"}}
	answer = b.post("/console/login", form)
	require.Equal(t, http.StatusSeeOther, answer.Code)
	require.Equal(t, "/console/accounts/acct_1", answer.Header().Get("Location"))
	set := answer.Header().Get("Set-Cookie")
	require.Regexp(t, `^__Host-vitrine=[\w-]+; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict$`, set)
	require.NotContains(t, set+s.String(), operatingAll)
	require.Contains(t, b.page("/console/accounts/acct_1"), "acct_1")
	require.Equal(t, "/console/", b.get("/console/login").Header().Get("Location"), "who is logged in needs no login")
}

func TestWhoIsNotLoggedIn(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for pattern := range s.console.Patterns() {
		method, path := filled(pattern, "acct_1")
		answer := s.browser(t).ask(pattern, "acct_1", "")
		if method == http.MethodGet {
			require.Equal(t, http.StatusSeeOther, answer.Code, pattern)
			require.Equal(t, "/console/login?next="+url.QueryEscape(path), answer.Header().Get("Location"), pattern)
			continue
		}
		require.Equal(t, http.StatusUnauthorized, answer.Code, pattern)
		require.Contains(t, answer.Body.String(), "Nothing was done. Log in")
	}
	require.Empty(t, s.temporal.Updates)
	require.Empty(t, s.temporal.Listed)
}

func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	upper := strings.ToUpper(operatingAll)
	for _, wrong := range []string{"", " ", "x", operatingAll + "x", operatingAll[1:], upper, "ops"} {
		b := s.browser(t)
		answer := b.post("/console/login", url.Values{"token": {wrong}})
		require.Equal(t, http.StatusUnauthorized, answer.Code, wrong)
		require.Contains(t, answer.Body.String(), "No such token is in use")
		require.Empty(t, b.cookies)
	}
	answer := s.browser(t).get("/console/login?token=" + operatingAll)
	require.Empty(t, answer.Result().Cookies(), "an address would be in histories")
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingAll)
	s.now = s.now.Add(12*time.Hour - time.Second)
	require.Equal(t, http.StatusOK, b.get("/console/").Code)
	s.now = s.now.Add(time.Second)
	require.Equal(t, http.StatusSeeOther, b.get("/console/").Code, "with its time")

	b = s.as(t, operatingAll)
	s.open(append(access.Tokens{access.New("ops", operatingAll+"-next", access.Operate, "")}, tokens()[1:]...))
	require.Equal(t, http.StatusSeeOther, b.get("/console/").Code, "with its token")

	b = s.as(t, readingAll)
	page := b.page("/console/")
	answer := b.post("/console/logout", b.form(page))
	require.Equal(t, "/console/login", answer.Header().Get("Location"))
	require.Empty(t, b.cookies)
}

// What a token opens is asked at every request: a session keeps no scope.
func TestASessionHasWhatItsTokenHasNow(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingAll)
	s.open(access.Tokens{access.New("ops", operatingAll, access.Read, "acct_2")})
	require.Equal(t, http.StatusNotFound, b.get(anAccount).Code)
	require.Equal(t, "/console/accounts/acct_2", b.get("/console/").Header().Get("Location"))
}

func TestCookiesThatNobodySigned(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingAll)
	good := b.cookies["__Host-vitrine"].Value
	for i := range len(good) {
		flipped := []byte(good)
		if flipped[i] = 'A'; good[i] == 'A' {
			flipped[i] = 'B'
		}
		b.cookies["__Host-vitrine"].Value = string(flipped)
		require.Equal(t, http.StatusSeeOther, b.get("/console/").Code, "byte %d", i)
	}
	for _, value := range []string{"", "x", good[:len(good)-4], good + "AAAA", strings.Repeat("A", len(good))} {
		b.cookies["__Host-vitrine"].Value = value
		require.Equal(t, http.StatusSeeOther, b.get("/console/").Code, value)
	}
}

func TestALoginNeedsTLS(t *testing.T) {
	t.Parallel()
	for origin, name := range map[string]string{
		"https://vitrine.example": "__Host-vitrine", "": "__Host-vitrine",
		"http://localhost:8081": "vitrine", "http://127.0.0.1:8081": "vitrine", "http://[::1]:8081": "vitrine",
		"http://vitrine.example": "", "http://10.0.0.7": "", "http://localhost.evil.example": "",
	} {
		b := newStand(t).browser(t)
		b.origin = origin
		answer := b.post("/console/login", url.Values{"token": {operatingAll}})
		if name == "" {
			require.Equal(t, http.StatusUnauthorized, answer.Code, origin)
			require.Contains(t, answer.Body.String(), "without TLS")
			require.Empty(t, b.cookies)
			continue
		}
		require.Contains(t, b.cookies, name, origin)
		require.Equal(t, name == "__Host-vitrine", b.cookies[name].Secure)
		require.Equal(t, http.StatusOK, b.get("/console/").Code)
	}
}

func TestALoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for _, next := range []string{
		"https://evil.example/", "//evil.example/console/", "/\\evil.example", "\\\\evil.example", "/accounts",
		"/console/login", "/console/../openapi.json", "/console/%2e%2e/openapi.json", "console/", "",
		"/console/\r\nSet-Cookie: a=b", "http:/console/", "//console/", "javascript:alert(1)",
	} {
		answer := newStand(t).browser(t).post("/console/login", url.Values{"token": {operatingAll}, "next": {next}})
		require.Equal(t, "/console/", answer.Header().Get("Location"), "%q", next)
	}
}

// A proxy that has logged somebody in adds a token to every request; there is no cookie then.
func TestAProxyLogsIn(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.browser(t)
	b.bearer = readingAll
	page := b.page("/console/")
	require.Contains(t, page, "board")
	require.NotContains(t, page, "Log out")
	require.Empty(t, b.cookies)
	b.bearer = "another"
	answer := b.get("/console/")
	require.Equal(t, http.StatusUnauthorized, answer.Code)
	require.Contains(t, answer.Body.String(), "The proxy before Vitrine adds it")
}
