package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATokenOfOneAccountOpensNoPageOfAnother(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for _, token := range []string{operatingOne, readingOne} {
		b := s.as(t, token)
		form := b.form(b.page(anAccount)).Get("form")
		for pattern := range s.console.Patterns() {
			if !strings.Contains(pattern, "{account}") {
				continue
			}
			for _, other := range []string{"acct_2", "acct_11", "acct_0", "ACCT_1", "acct_1%20", "acct_1%2f"} {
				answer := b.ask(pattern, other, form)
				require.Equal(t, http.StatusNotFound, answer.Code, "%s of %s", pattern, other)
				require.Contains(t, answer.Body.String(), "There is no such account.", "whether it exists or not")
				require.NotContains(t, answer.Body.String(), "LAMP-1")
			}
		}
		require.Equal(t, anAccount, b.get("/console/").Header().Get("Location"))
	}
	require.Empty(t, s.temporal.Updates)
	require.Empty(t, s.temporal.Started)
	for _, query := range s.temporal.Listed {
		require.Contains(t, query, "'acct_1'")
	}
}

// What is of no account is a page that has to be looked at by itself: a new one is not to be forgotten.
func TestAPageOfNoAccountIsOneOfThree(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	var of []string
	for pattern := range s.console.Patterns() {
		if !strings.Contains(pattern, "{account}") {
			of = append(of, pattern)
		}
	}
	require.ElementsMatch(t, []string{"GET /console/{$}", "GET /console/waiting", "POST /console/logout"}, of)
	b := s.as(t, operatingOne)
	for _, path := range []string{"/console/", "/console/?search=acct_2", "/console/waiting",
		"/console/?after=acct_1"} {
		require.NotContains(t, b.get(path).Body.String(), "acct_2", path)
	}
}

// However an address of another account is written, it leads nowhere, and neither does where it is sent on to.
func TestNoWritingOfAnAddressOpensAnotherPage(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingOne)
	form := b.form(b.page(anAccount)).Get("form")
	for pattern := range s.console.Patterns() {
		method, path := filled(pattern, "{}")
		before, after, found := strings.Cut(path, "/{}")
		if !found {
			continue
		}
		for _, middle := range []string{
			"//acct_2", "/./acct_2", "/acct_1/../acct_2", "/acct_1/%2e%2e/acct_2", "/acct_1%2f..%2facct_2", "/%61cct_2",
			"/acct_1%00acct_2", "/acct_2%20", "/acct_1\\..\\acct_2", "/acct_1%252f..%252facct_2", "/acct_1;acct_2",
		} {
			for _, end := range []string{after, after + "/", "/" + after} {
				at := before + middle + end
				for range 3 { // as far as it is sent on
					answer := b.get(at)
					if method == http.MethodPost {
						answer = b.post(at, url.Values{"form": {form}, "why": {"mine"}, "version": {"v"}})
					}
					require.NotContains(t, answer.Body.String(), "LAMP-1", at)
					if answer.Code < 300 || answer.Code >= 400 {
						require.Equal(t, http.StatusNotFound, answer.Code, "%s %s", method, at)
						break
					}
					at = answer.Header().Get("Location")
				}
			}
		}
	}
	require.Empty(t, s.temporal.Updates)
	require.Empty(t, s.temporal.Started)
}

// A browser sends a form as a page asks it to: as text, as parts, with a method hidden in it, or by GET. None of it
// changes anything.
func TestFormsInOtherClothesDoNothing(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for pattern := range s.console.Patterns() {
		b := s.as(t, operatingAll)
		form := b.form(b.page(anAccount)).Get("form")
		method, path := filled(pattern, "acct_1")
		body := url.Values{"form": {form}, "why": {"mine"}, "_method": {"POST"}, "version": {"v"},
			"how": {"all"}}.Encode()
		send := func(method, path, kind, body string, header ...string) int {
			r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
			r.Header.Set("Content-Type", kind)
			for i := 0; i+1 < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			return b.send(r).Code
		}
		const usual = "application/x-www-form-urlencoded"
		if method == http.MethodPost {
			for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x", "application/json", ""} {
				require.Equal(t, http.StatusUnsupportedMediaType, send(method, path, kind, body),
					"%s as %s", pattern, kind)
			}
			require.Equal(t, http.StatusForbidden, send(method, path, usual, "", "Sec-Fetch-Site", "same-origin"),
				"what goes with a form is in its body, never in the address")
			require.Equal(t, http.StatusForbidden, send(method, path+"?"+body, usual, ""))
		}
		for _, other := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete,
			http.MethodPatch, http.MethodOptions} {
			send(other, path+"?"+body, usual, body, "X-HTTP-Method-Override", "POST", "X-HTTP-Method", "POST")
			require.NotEmpty(t, b.cookies, "%s %s", other, path)
		}
	}
	require.Empty(t, s.temporal.Updates)
	require.Empty(t, s.temporal.Started)
}

func TestWhoMayLookDecidesNothing(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for _, token := range []string{readingAll, readingOne} {
		b := s.as(t, token)
		form := b.form(b.page(anAccount)).Get("form")
		for pattern, decides := range s.console.Patterns() {
			if strings.Contains(pattern, "logout") {
				continue
			}
			answer := b.ask(pattern, "acct_1", form)
			require.Equal(t, decides, answer.Code == http.StatusForbidden, "%s: %d", pattern, answer.Code)
		}
	}
	require.Empty(t, s.temporal.Updates)
	require.Empty(t, s.temporal.Started)
}

// What another site sends, or was on a page of another session, does nothing: each way alone suffices.
func TestFormsOfOthersDoNothing(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	other := s.as(t, operatingAll)
	foreign := other.form(other.page(anAccount)).Get("form")
	for name, change := range map[string]func(b *browser, form *string){
		"another site":             func(b *browser, _ *string) { b.site = "cross-site" },
		"a sister site":            func(b *browser, _ *string) { b.site = "same-site" },
		"an old browser":           func(b *browser, _ *string) { b.site, b.origin = "", "https://evil.example" },
		"nobody says from where":   func(b *browser, form *string) { b.site, b.origin, *form = "", "", "" },
		"a form without its token": func(_ *browser, form *string) { *form = "" },
		"a form of another":        func(_ *browser, form *string) { *form = foreign },
	} {
		for pattern := range s.console.Patterns() {
			if !strings.HasPrefix(pattern, "POST ") {
				continue
			}
			b := s.as(t, operatingAll)
			form := b.form(b.page(anAccount)).Get("form")
			change(b, &form)
			answer := b.ask(pattern, "acct_1", form)
			require.Equal(t, http.StatusForbidden, answer.Code, "%s: %s", name, pattern)
			require.Contains(t, answer.Body.String(), "Nothing was done.", name)
			require.NotEmpty(t, b.cookies, name)
		}
	}
	require.Empty(t, s.temporal.Updates)
	require.Empty(t, s.temporal.Started)
}

func TestEveryAnswerIsShut(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingAll)
	for _, path := range []string{
		"/console/", "/console/login", "/console/nowhere", "/console/static/none.css", anAccount, aCatalog,
		"/console/accounts/acct_9", "/console/accounts/%3Cscript%3E", "/console/accounts/acct_1/catalogs/shoes",
	} {
		answer := b.get(path)
		h := answer.Header()
		require.Equal(t, "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'", h.Get("Content-Security-Policy"), path)
		require.Equal(t, "DENY", h.Get("X-Frame-Options"))
		require.Equal(t, "same-origin", h.Get("Referrer-Policy"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "no-store", h.Get("Cache-Control"))
		for _, inline := range []string{"<style", " style=", " on[a-z]+=", "javascript:", "<script>", "https?:"} {
			require.NotRegexp(t, inline, answer.Body.String(), path)
		}
	}
	answer := b.get("/console/nowhere")
	require.Equal(t, http.StatusNotFound, answer.Code)
	require.Contains(t, answer.Body.String(), "Go on from the first page.")
	put := b.send(httptest.NewRequestWithContext(t.Context(), http.MethodPut, anAccount, nil))
	require.Equal(t, http.StatusNotFound, put.Code)
}

func TestAFormThatIsNone(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, operatingAll)
	for name, change := range map[string]func(r *http.Request){
		"JSON":     func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		"no kind":  func(r *http.Request) { r.Header.Del("Content-Type") },
		"a book":   func(r *http.Request) { r.ContentLength = 64<<10 + 1 },
		"half one": func(r *http.Request) { r.Body = http.NoBody; r.URL.RawQuery = "form=x" },
	} {
		body := strings.NewReader("form=%zz")
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/console/logout", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r)
		answer := b.send(r)
		require.GreaterOrEqual(t, answer.Code, 400, name)
		require.Contains(t, answer.Body.String(), "Nothing was done.", name)
	}
}
