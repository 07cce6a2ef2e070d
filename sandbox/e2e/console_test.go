package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// The tokens of a deployment whose support and whose merchants have a console.
const (
	adasToken   = "a-token-of-ada-that-operates-everything"
	shopsToken  = "a-token-of-another-shop-that-operates-it"
	readsToken  = "a-token-of-the-board-that-reads-all"
	consoleRoot = "/console/"
)

// withConsole is a shop with a catalog, an order, and a server that shows a console.
func withConsole(t *testing.T) (s *shop, ids []string, placed bought) {
	t.Helper()
	ids = numbered(200)
	s = open(t, csv(ids...), nil)
	s.settings["VITRINE_API_TOKENS"] = fmt.Sprintf("ada operate %s, shop operate %s acct_other, board read %s",
		adasToken, shopsToken, readsToken)
	require.NoError(t, s.accounts.SaveSettings(t.Context(), account.Settings{Account: s.account}))
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	placed = s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: ids[0], Quantity: 2}}})
	placed.becomes(order.StateAccepted)
	return s, ids, placed
}

// outOfOrder is what is wrong with a page for those who do not see it, or see it on a telephone: fields without a
// label, more or fewer headings than one, no landmark, no language, and what is wider than the window.
const outOfOrder = `(() => {
	const wrong = [];
	for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
		if (!field.labels.length) wrong.push("no label: " + field.outerHTML);
	for (const link of document.querySelectorAll("a, button"))
		if (!link.textContent.trim()) wrong.push("no name: " + link.outerHTML);
	if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
	if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
	if (document.documentElement.lang !== "en") wrong.push("no language");
	const width = document.documentElement.scrollWidth;
	if (width > innerWidth) wrong.push("wider than the window: " + width);
	for (const image of document.querySelectorAll("svg"))
		if (!image.ariaHidden && !image.ariaLabel) wrong.push("an image without words");
	return wrong;
})()`

// tooFaint is every text that stands out from what is behind it by less than the AA of WCAG 2.2 asks for (1.4.3): 4.5,
// and 3 for what is large. What is disabled is left out, as it is there.
const tooFaint = `(() => {
	const parse = text => {
		const n = text.match(/[-\d.]+/g).map(Number);
		const scale = text.startsWith("color(") ? 255 : 1;
		return {rgb: n.slice(0, 3).map(v => v * scale), a: n.length > 3 ? n[3] : 1};
	};
	const over = (top, below) => top.rgb.map((v, i) => v * top.a + below[i] * (1 - top.a));
	const luminance = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = e => {
		const layers = [];
		for (let at = e; at; at = at.parentElement) {
			const layer = parse(getComputedStyle(at).backgroundColor);
			if (layer.a > 0) layers.push(layer);
			if (layer.a === 1) break;
		}
		const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
		return layers.reverse().reduce((below, layer) => over(layer, below), canvas);
	};
	const faint = [];
	let looked = 0;
	for (const e of document.querySelectorAll("body *")) {
		if (e.closest(".unseen, .skip, svg, :disabled, option") || !e.checkVisibility()) continue;
		const own = [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
		const hint = e.placeholder && !e.value;
		if (!own && !hint) continue;
		looked++;
		const style = getComputedStyle(e, hint ? "::placeholder" : null);
		const below = behind(e), ink = parse(style.color);
		for (let at = e; at; at = at.parentElement) ink.a *= Number(getComputedStyle(at).opacity);
		const [light, dark] = [luminance(over(ink, below)), luminance(below)].sort((a, b) => b - a);
		const ratio = (light + 0.05) / (dark + 0.05);
		const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
		const least = size >= 24 || bold && size >= 18.66 ? 3 : 4.5;
		if (ratio < least)
			faint.push(ratio.toFixed(2) + " of " + least + ": " + (e.placeholder || e.textContent).trim().slice(0, 40) +
				" (" + style.color + " on " + below.map(Math.round) + ")");
	}
	return looked ? faint : ["no text at all"];
})()`

// looksWell looks at the page as a desk and as a telephone show it, by day and by night.
func (b *browser) looksWell(name string) {
	b.t.Helper()
	html := asks(b, chromedp.OuterHTML(chromedp.CSS("html")))
	for _, personal := range []string{"Wilhelmina", "erschwiegen", buyer.Phone, "Heimliche", "Stillstadt"} {
		require.NotContains(b.t, html, personal, name)
	}
	for _, token := range []string{adasToken, shopsToken, readsToken} {
		require.NotContains(b.t, html, token, name)
	}
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			sends(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500,
			})
			sends(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			wrong := asks(b, chromedp.Evaluate[[]string](outOfOrder))
			require.Empty(b.t, wrong, "%s at %d", name, width)
			faint := asks(b, chromedp.Evaluate[[]string](tooFaint))
			require.Empty(b.t, faint, "%s at %d, %s", name, width, scheme)
			b.pictured(fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
	sends(b, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
	sends(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.troubles, name)
}

func (b *browser) logsIn(token string) {
	b.t.Helper()
	b.fills("Token", token)
	b.follows("Log in")
}

// Somebody approves a held sync and refunds an order, by clicking; and a stranger to the account sees none of it.
func TestTheConsoleIsClickedThrough(t *testing.T) {
	chromium(t)
	s, ids, placed := withConsole(t)
	s.exportText(csv(ids[:50]...))
	run := s.holds()

	b := s.browser()
	b.address = "http://" + s.address
	b.opens(consoleRoot + "accounts/" + s.account)
	b.sees("Log in")
	b.looksWell("login")
	b.logsIn("a-token-that-nobody-gave-out-to-anybody")
	b.sees("No such token is in use.")
	b.logsIn(adasToken)
	b.sees("waits for a decision")
	b.looksWell("account")
	b.follows("Waiting")
	b.sees(s.account)
	b.looksWell("waiting")
	b.follows(s.account)
	b.sees("A decision is needed")
	b.sees("150 of 200 rows would be deleted")
	b.looksWell("held")
	b.fills("Why", "the winter range is gone")
	b.follows("Approve: send 0, delete 150")
	b.sees("Approved.")
	result, err := s.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	require.Equal(t, ids[:50], s.ids())
	verdict := s.report().Verdict
	require.Equal(t, "ada: the winter range is gone", verdict.By+": "+verdict.Why)
	b.opens(consoleRoot + "accounts/" + s.account + "/catalogs/product")
	b.sees("in order")
	b.looksWell("catalog")
	b.follows(s.report().At.UTC().Format("2006-01-02 15:04"))
	b.sees("Approved by ada")
	b.looksWell("report")

	b.follows("Accounts")
	b.fills("Find an account", s.account)
	b.follows("Find")
	b.sees("1 account.")
	b.sees("product in order")
	b.looksWell("accounts")
	b.follows(s.account)
	b.follows("Orders")
	b.sees(placed.Session)
	b.looksWell("orders")
	b.follows(placed.Session)
	b.sees("What happened")
	b.looksWell("order")
	b.follows("Refund")
	b.looksWell("refund")
	b.fills("Amount", "12.50")
	b.fills("Why", "one was broken")
	b.follows("Go on")
	b.sees("12.50 USD go back to the buyer")
	b.looksWell("confirm")
	require.Zero(t, s.writes("/refunds"), "nothing moves before it is confirmed")
	b.follows("Refund it")
	b.sees("The refund is made.")
	b.sees("Refund of 12.50 USD")
	view := placed.comes("the refund", func(v workflows.OrderView) bool { return v.Refunded == 1250 })
	require.Len(t, view.Refunds, 1)
	require.EqualValues(t, 1250, placed.atStripe().Refunded)
	require.Equal(t, 1, s.writes("/refunds"))

	b.follows("Log out")
	b.sees("Log in")
	b.logsIn(shopsToken)
	b.opens(consoleRoot + "accounts/" + s.account + "/orders/" + placed.Session)
	b.sees("There is no such account.")
	b.looksWell("error")
	require.NotContains(t, s.serve.output.String(), adasToken)
	require.Contains(t, s.serve.output.String(), "by=ada")
	s.requireNobody()
}

// Without a browser: what a page is answered with by the binary, to whom.
func TestTheConsoleIsShut(t *testing.T) {
	s := open(t, csv("sku1"), nil)
	s.settings["VITRINE_API_TOKENS"] = "board read " + readsToken
	s.startServe(false)
	ask := func(path, token string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+path, nil)
		require.NoError(t, err)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}).Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response
	}
	require.Equal(t, http.StatusSeeOther, ask(consoleRoot, "").StatusCode)
	require.Equal(t, http.StatusUnauthorized, ask(consoleRoot, "another-token-that-nobody-gave-out").StatusCode)
	require.Equal(t, http.StatusForbidden, ask(consoleRoot+"accounts/acct_1/orders/cs_1/refund", readsToken).StatusCode)
	page := ask(consoleRoot, readsToken)
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'")
}
