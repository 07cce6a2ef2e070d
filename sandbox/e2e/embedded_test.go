package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
)

const (
	connectHost = "https://connect-js.stripe.com/"
	// connectStub stands in for Connect.js, by what its documentation says of it: it asks for a secret when a component
	// is made, keeps it to itself, sends it to Stripe alone, and asks anew when the session has expired.
	connectStub = `(() => {
	const arrived = (kind, text) => fetch("https://connect-js.stripe.com/" + kind, {
		method: "POST", mode: "no-cors", body: text,
	});
	window.StripeConnect.init = ({publishableKey, fetchClientSecret}) => ({
		create(name) {
			const element = document.createElement("div");
			element.textContent = name;
			const begin = async () => {
				const secret = await fetchClientSecret();
				await arrived(secret ? "secret" : "none", secret || "none");
			};
			element.setOnAgreementUpdated = changed => { element.agree = id => changed({agreementId: id}); };
			document.addEventListener("stub-expired", begin);
			document.addEventListener("stub-agreed", () => element.agree("orca_test_1"));
			begin();
			return element;
		},
	});
	window.StripeConnect.onLoad();
})()`
	// keptByPage is all that a page has kept: what it shows, and every storage of its origin.
	keptByPage = `(async () => JSON.stringify([document.documentElement.outerHTML, {...localStorage}, {...sessionStorage},
		document.cookie, location.href, window.name, await indexedDB.databases(), await caches.keys()]))()`
)

// embedder is a platform's backend, with the page of our documentation.
type embedder struct {
	*httptest.Server
	mu    sync.Mutex
	token string // what it asks starter serve by
}

func (s *shop) embeds() *embedder {
	t := s.t
	t.Helper()
	text, err := os.ReadFile("../../docs/embedded-settings.md")
	require.NoError(t, err)
	page := regexp.MustCompile("(?s)```html\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, page, "the documentation has no page")
	p := &embedder{token: apiToken}
	target, err := url.Parse("http://" + s.address)
	require.NoError(t, err)
	ask := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.URL.Path = "/accounts/" + s.account + "/account_sessions"
		r.Out.Header = http.Header{"Authorization": {"Bearer " + p.current()}, "Content-Type": {"application/json"}}
		r.Out.Body, r.Out.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page[1])
	})
	mux.Handle("POST /agentic-settings/session", ask)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *embedder) current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

func (p *embedder) asksBy(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = token
}

// connectScript answers for Stripe's script and takes what it sends.
type connectScript struct {
	mu      sync.Mutex
	secrets []string
	refused int
	blocked bool
}

// servedBy has the browser ask s for everything of Connect.js's host, so that nothing leaves this machine.
func (b *browser) servedBy(s *connectScript) {
	b.t.Helper()
	sends(b, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: connectHost + "*"}}})
	require.NoError(b.t, chromedp.Listen(b.ctx, func(event any) {
		if paused, ok := event.(*fetch.EventRequestPaused); ok {
			go s.answer(b.ctx, paused)
		}
	}))
}

func (s *connectScript) answer(ctx context.Context, paused *fetch.EventRequestPaused) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocked {
		_, _ = chromedp.Call(ctx, fetch.FailRequest, fetch.FailRequestParams{
			RequestID: paused.RequestID, ErrorReason: network.ErrorReasonBlockedByClient,
		})
		return
	}
	var script []byte
	switch strings.TrimPrefix(paused.Request.URL, connectHost) {
	case "v1.0/connect.js":
		script = []byte(connectStub)
	case "secret":
		s.secrets = append(s.secrets, string(paused.Request.PostDataEntries[0].Bytes))
	case "none":
		s.refused++
	}
	_, _ = chromedp.Call(ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{
		RequestID: paused.RequestID, ResponseCode: http.StatusOK, Body: script,
		ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/javascript"}},
	})
}

func (s *connectScript) got() (secrets []string, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets), s.refused
}

// The page of our documentation, in a browser: the secret goes from starter serve to Stripe's script, each time a new
// one, and stays nowhere; and who is refused reads so.
func TestThePageThatEmbedsTheSettings(t *testing.T) {
	chromium(t)
	s := open(t, csv("sku1"), nil)
	s.startServe(false, "VITRINE_API_TOKEN="+apiToken, "VITRINE_LOG_LEVEL=debug")
	p, stub, b := s.embeds(), &connectScript{}, s.browser()
	b.servedBy(stub)
	for _, width := range []int64{1280, 390} {
		sends(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500,
		})
		secrets, _ := stub.got()
		b.visits(p.URL)
		s.await("a secret", func() bool { now, _ := stub.got(); return len(now) == len(secrets)+1 })
		require.Empty(t, asks(b, chromedp.Evaluate[[]string](outOfOrder)), "at %d", width)
		b.pictured(fmt.Sprintf("embedded-%d", width))
	}
	dispatches := func(event string) {
		asks(b, chromedp.Evaluate[bool](fmt.Sprintf("document.dispatchEvent(new Event(%q))", event)))
	}
	dispatches("stub-agreed")
	dispatches("stub-expired")
	s.await("another secret", func() bool { now, _ := stub.got(); return len(now) == 3 })
	secrets, refused := stub.got()
	require.Zero(t, refused)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(secrets))), 3, "each is good once")
	require.Contains(t, b.reads(), "agentic-commerce-settings")
	require.NotContains(t, b.reads(), "Please try again")
	all := asks(b, chromedp.Evaluate[string](keptByPage, chromedp.EvalAwaitPromise))
	for _, secret := range secrets {
		require.Regexp(t, `^accs_secret__`, secret)
		require.NotContains(t, all, secret)
		require.NotContains(t, s.serve.output.String(), secret)
	}

	says := func(text string) {
		t.Helper()
		s.await("the page saying "+text, func() bool { return strings.Contains(b.reads(), text) })
	}
	p.asksBy("a-token-that-was-taken-away-from-it")
	dispatches("stub-expired")
	says("The settings cannot be shown now")
	require.NotContains(t, b.text(), "taken-away")
	p.asksBy(apiToken)
	dispatches("stub-expired")
	s.await("the message going away", func() bool { return !strings.Contains(b.reads(), "cannot be shown") })
	require.NoError(t, s.emulator.SetStanding(t.Context(), s.account, simcontrol.Standing{Disconnected: true}))
	b.visits(p.URL)
	says("The settings cannot be shown now")
	p.Close()
	dispatches("stub-expired")
	s.await("three refusals", func() bool { _, refused := stub.got(); return refused == 3 })
	says("The settings cannot be shown now")
}

// Where Stripe's script is blocked, the page says so.
func TestThePageWithoutStripesScript(t *testing.T) {
	chromium(t)
	s := open(t, csv("sku1"), nil)
	s.startServe(false, "VITRINE_API_TOKEN="+apiToken)
	p, b := s.embeds(), s.browser()
	b.servedBy(&connectScript{blocked: true})
	b.visits(p.URL)
	s.await("the page saying so", func() bool { return strings.Contains(b.reads(), "cannot be loaded") })
}
