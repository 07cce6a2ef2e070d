package console_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/feed"
	"vitrine/internal/fleet"
	"vitrine/internal/order"
	"vitrine/internal/statestore"
	"vitrine/workflows"
)

// listed is a run as Temporal lists it, of a sync that has ended.
func listed(t testing.TB, account, kind string, outcome catalog.Outcome) *workflowpb.WorkflowExecutionInfo {
	t.Helper()
	return desktest.Sync(t, account, kind, outcome, desktest.Noon, desktest.Noon)
}

var nextPage = regexp.MustCompile(`rel="next" href="([^"]+)"`)

// Of ten thousand accounts a page is a read or two of S3's list, none of an account, and one of Temporal's list.
func TestTheListOfTenThousandAccounts(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for i := range 10_000 {
		settings := account.Settings{Account: fmt.Sprintf("acct_5%05d", i)}
		require.NoError(t, account.Documents{Store: s.desk.Documents.Store}.SaveSettings(t.Context(), settings))
	}
	s.temporal.Syncs = append(s.temporal.Syncs, listed(t, "acct_500007", "product", catalog.Failed))
	b := s.as(t, readingAll)
	reads := 0
	s.store.Before = func(operation, _, key string) error {
		if !strings.Contains(key, "/fleet/") {
			require.Contains(t, operation, "List", "no account is read")
		}
		reads++
		return nil
	}
	pages, path, seen := 0, "/console/?search=acct_5", 0
	for path != "" && pages < 3 {
		text := b.page(path)
		seen += strings.Count(text, `<th scope="row">`)
		next := nextPage.FindStringSubmatch(text)
		require.NotNil(t, next)
		if pages++; pages == 1 {
			require.Regexp(t, `acct_500007</a></th><td><a class="chip bad"[^>]+>.*<strong>failed</strong>`, text)
		}
		path = "/console/" + strings.ReplaceAll(next[1], "&amp;", "&")
	}
	require.Equal(t, 150, seen)
	require.Len(t, s.temporal.Listed, 3, "one for each page")
	// The store of the tests lists three keys at once, S3 a thousand.
	require.LessOrEqual(t, reads, 3*(50/3+4))
	require.Equal(t, 50, strings.Count(b.page("/console/?search=acct_5&after=acct_505000"), `<th scope="row">`))
}

func TestSearching(t *testing.T) {
	t.Parallel()
	b := newStand(t).as(t, readingAll)
	for search, found := range map[string]int{
		"": 3, "acct": 3, "acct_": 3, "acct_1": 1, "1": 1, "%20acct_2%20": 1,
		"acct_9": 0, "'": 0, "<b>": 0, "acct_1/": 0, "acct_1%00": 0, strings.Repeat("9", 300): 0,
	} {
		text := b.page("/console/?search=" + search)
		require.Equal(t, found, strings.Count(text, `<th scope="row">`), search)
		require.NotContains(t, text, "<b>")
	}
	require.Equal(t, http.StatusBadRequest, b.get("/console/?after=x").Code)
}

func TestTheListMarksWhatIsParkedPausedAndStale(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	documents := account.Documents{Store: s.desk.Documents.Store}
	for _, name := range []string{"acct_1", "acct_3"} {
		_, err := documents.ChangeStanding(t.Context(), name, func(standing *account.Standing) bool {
			standing.Parked = &account.Parking{Trigger: account.ByPerson, Why: "<left> us", Since: desktest.Noon}
			if name == "acct_3" {
				standing.Parked = nil // it came back
			}
			return true
		})
		require.NoError(t, err)
	}
	long, lately := time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)
	fleets := fleet.Documents{Store: s.desk.Documents.Store}
	require.NoError(t, fleets.SavePlan(t.Context(), fleet.Plan{}, statestore.IfAbsent))
	require.NoError(t, fleets.SaveSnapshot(t.Context(), 0, fleet.Snapshot{Accounts: []fleet.Account{
		{ID: "acct_2", Settings: account.Settings{Account: "acct_2", Paused: &account.Pause{Note: "sale"}},
			Catalogs: []fleet.Catalog{
				{Feed: feed.Product, Condition: fleet.Due, Changed: long},
				{Feed: feed.Pricing, Condition: fleet.Waiting, Changed: lately},
				{Feed: feed.Inventory, Condition: fleet.Missing},
				{Feed: feed.Promotion, Condition: fleet.Held, Changed: long},
			}},
		{ID: "acct_9", Settings: account.Settings{Account: "acct_9", Paused: &account.Pause{}}},
	}}, statestore.IfAbsent))
	text := s.as(t, readingAll).page("/console/")
	require.Regexp(t, `acct_1</a></th><td><span class="chip wait">.*<strong>parked</strong><span class="unseen">: &lt;left&gt; us`, text)
	require.Equal(t, 1, strings.Count(text, "<strong>parked</strong>"))
	require.Regexp(t, `acct_2</a></th><td><span class="chip wait">.*<strong>paused</strong><span class="unseen">: sale`, text)
	require.Equal(t, 1, strings.Count(text, "<strong>paused</strong>"))
	require.Equal(t, 2, strings.Count(text, "<strong>stale</strong>"))
	require.Contains(t, text, `href="/console/accounts/acct_2/catalogs/inventory"`)

	s.store.Before = func(operation, _, key string) error {
		if operation == "Get" && strings.Contains(key, "standings/") {
			return errors.New("S3 is away")
		}
		return nil
	}
	text = s.as(t, readingAll).page("/console/")
	require.Contains(t, text, "cannot be read just now")
	require.Contains(t, text, "acct_3", "the list is there all the same")
}

func TestTheListWithoutTemporal(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, readingAll)
	s.temporal.Away = desktest.ErrAway
	text := b.page("/console/")
	require.Contains(t, text, "nothing is known of syncs")
	require.NotContains(t, text, "none lately", "nobody knows that")
	require.Contains(t, text, "acct_3")
}

func TestWhatWaitsForAPerson(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for _, name := range []string{"acct_1", "acct_2"} {
		held := listed(t, name, "product", catalog.Held)
		held.Status, held.CloseTime = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
		s.temporal.Syncs = append(s.temporal.Syncs, held, listed(t, name, "pricing", catalog.Failed))
	}
	text := s.as(t, readingAll).page("/console/waiting")
	const second = "/console/accounts/acct_2"
	for _, says := range []string{aCatalog, second + "/catalogs/product", anOrder, second + "/orders/cs_1"} {
		require.Contains(t, text, `href="`+says+`"`)
	}
	require.NotContains(t, text, "pricing")
	require.Len(t, s.temporal.Listed, 3, "a read of the syncs, and one for each page of the orders that there is")
	require.Contains(t, s.temporal.Listed[0], "VitrineOutcome = 'held'")
	require.Contains(t, s.temporal.Listed[1], "VitrineOrderState = 'held'")

	text = s.as(t, readingOne).page("/console/waiting")
	require.Contains(t, text, aCatalog)
	require.NotContains(t, text, "acct_2", "whatever the list says")
	s.temporal.Syncs, s.temporal.Orders = nil, nil
	require.Contains(t, s.as(t, readingAll).page("/console/waiting"), "Nothing waits")
	s.temporal.Away = desktest.ErrAway
	answer := s.as(t, readingAll).get("/console/waiting")
	require.Equal(t, http.StatusServiceUnavailable, answer.Code, "that is not nothing")
}

func TestWhatAnAccountPageSays(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	text := s.as(t, readingOne).page(anAccount)
	for _, says := range []string{
		"waits for a decision", "1,000 rows", "every 15m, by schedules", "s3://source/catalogs/acct_1/product.csv",
		`aria-label="2 syncs: at most 1,000 rows, 1,000 rows at the last one. `,
		`Rows that need repair: 3 at the last one, at most 3."`,
	} {
		require.Contains(t, text, says)
	}
	require.NotContains(t, text, ">Accounts</a>", "a token of one account has no list")
	answer := s.as(t, readingAll).get("/console/accounts/acct_9")
	require.Equal(t, http.StatusNotFound, answer.Code)
	require.Contains(t, answer.Body.String(), "There is no such account.")

	text = s.as(t, readingAll).page("/console/accounts/acct_3")
	require.Contains(t, text, "never synced")
	require.Contains(t, text, "nothing yet")

	s.temporal.Away = desktest.ErrAway
	answer = s.as(t, readingAll).get(anAccount)
	require.Equal(t, http.StatusServiceUnavailable, answer.Code)
	require.Contains(t, answer.Body.String(), "Load the page again in a moment")
	require.NotContains(t, answer.Body.String(), "10.0.0.7", "what is away is for the log")
	require.Contains(t, s.String(), "10.0.0.7")
}

func TestWhatACatalogPageSays(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	b := s.as(t, readingOne)
	text := b.page(aCatalog)
	require.Contains(t, text, "some rows refused")
	require.Contains(t, text, "2026-11-24 11:00 UTC")
	for _, none := range []string{"/catalogs/pricing", "/catalogs/shoes", "/catalogs/..%2f..%2forders"} {
		require.Equal(t, http.StatusNotFound, b.get(anAccount+none).Code, none)
	}
}

// attacks are what somebody might call a product, or an agent.
var attacks = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `javascript:alert(1)`,
	`{{.Form}}`, `</title><svg/onload=alert(1)>`, `<!--`, "\x00\x1b[31m", "\u202egnp.exe", "\xff\xfe", `&lt;b&gt;`,
}

var element = regexp.MustCompile(`<(/?[a-zA-Z!][a-zA-Z0-9-]*)`)

func elements(html string) (names []string) {
	for _, match := range element.FindAllStringSubmatch(html, -1) {
		names = append(names, match[1])
	}
	return names
}

// hostilePages are pages on which strangers' texts stand.
var hostilePages = []string{anAccount, aCatalog, anOrder, anOrder + "/ship", anOrder + "/decide", anAccount + "/orders"}

func TestNothingThatAStrangerWroteBecomesMarkup(t *testing.T) {
	t.Parallel()
	harmless := map[string][]string{}
	for _, attack := range append([]string{"text"}, attacks...) {
		b := hostile(t, attack).as(t, operatingAll)
		for _, path := range hostilePages {
			text := b.page(path)
			if attack == "text" {
				harmless[path] = elements(text)
			}
			require.Equal(t, harmless[path], elements(text), "%s: %q", path, attack)
			require.NotRegexp(t, `[\x00\x1b\x{202e}]`, text, path)
			require.NotContains(t, text, "ZgotmplZ", "html/template gave up on a place that a text stands in")
			require.NotContains(t, text, `href="javascript`)
		}
	}
}

// hostile is a stand where the text is wherever a text can be.
func hostile(t testing.TB, text string) *stand {
	t.Helper()
	s := newStand(t)
	docs, id := s.desk.Documents, catalog.ID{Account: "acct_1", Feed: feed.Product}
	state, etag, err := docs.State(t.Context(), id)
	require.NoError(t, err)
	state.Held.Reasons = []catalog.HoldReason{{Guard: text, Text: text}}
	state.Last.Reason, state.Rejected.Verdict = text, catalog.Verdict{By: text, Why: text, At: desktest.Noon}
	_, err = docs.SaveState(t.Context(), state, etag)
	require.NoError(t, err)
	accounts := account.Documents{Store: docs.Store}
	_, err = accounts.ChangeStanding(t.Context(), "acct_1", func(st *account.Standing) bool {
		st.Parked = &account.Parking{Trigger: account.ByPerson, By: text, Why: text,
			Since: desktest.Noon.Add(-time.Hour)}
		return true
	})
	require.NoError(t, err)
	orderIn(s, func(v *workflows.OrderView) {
		v.State, v.Reason, v.PassedOver, v.Undelivered = order.State(text), text, []string{text}, []string{text}
		v.Summary.Agent.Name, v.Summary.Lines[0].SKU, v.Summary.PaymentIntent = text, text, text
		v.Decision.Reference, v.Decision.Lines = text, []order.AcceptedLine{{SKU: text, Quantity: 1}}
		v.Shipments[0].ID, v.Shipments[0].Carrier, v.Shipments[0].Tracking = text, text, text
		v.Refunds[0].Status, v.Disputes[0].Reason, v.Disputes[0].Status = text, text, text
	})
	return s
}
