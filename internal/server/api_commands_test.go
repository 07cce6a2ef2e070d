package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/desk"
	"vitrine/internal/desk/desktest"
	"vitrine/internal/feed"
	"vitrine/internal/order"
	"vitrine/workflows"
)

func TestAVerdictSaysWhoseTokenItWas(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	c.temporal.Answer = workflows.VerdictResult{Version: "v7"}
	answer := c.ask(t, http.MethodPost, aCatalog+"/approve", `{"why":" checked ","version":"v7"}`, operatingOne)
	require.Equal(t, http.StatusOK, answer.Code, answer.Body)
	var taken desk.TakenVerdict
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &taken))
	require.Equal(t, "approved by shop: checked", taken.Verdict+" by "+taken.By+": "+taken.Why)
	update := c.temporal.Updates[0]
	require.Equal(t, workflows.VerdictID(workflows.UpdateApprove, *desktest.HeldState("acct_1").Held), update.UpdateID,
		"as the command line names it")
	require.Equal(t, []any{workflows.VerdictInput{By: "shop", Why: "checked", Version: "v7"}}, update.Args)
	require.Contains(t, c.logs.String(), "by=shop")
	require.NotContains(t, c.logs.String(), operatingOne)
}

func TestAVerdictThatIsRepeatedIsDone(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	state := desktest.HeldState("acct_2")
	state.Held, state.Approved = nil, &catalog.Decided{Version: "v7",
		Verdict: catalog.Verdict{Approved: true, By: "ada", Why: "checked", At: noon}}
	_, err := c.desk.Documents.SaveState(t.Context(), state, "*")
	require.NoError(t, err)
	const path = "/accounts/acct_2/catalogs/product/"
	answer := c.ask(t, http.MethodPost, path+"approve", `{"why":"checked","version":"v7"}`, token)
	require.Equal(t, http.StatusOK, answer.Code, answer.Body)
	require.Contains(t, answer.Body.String(), `"decided_before"`)
	require.NotContains(t, answer.Body.String(), `"held"`, "there is no run and no hold any more")
	good, problems := held(t).ValidateHttpResponse(requestOf(t, http.MethodPost, path+"approve", "", token),
		answer.Result())
	require.True(t, good, "%v\n%s", problems, answer.Body)
	require.Equal(t, http.StatusConflict,
		c.ask(t, http.MethodPost, path+"reject", `{"why":"checked","version":"v7"}`, token).Code)
	require.Empty(t, c.temporal.Updates)
}

func TestARefundIsABusinessFact(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	answer := c.ask(t, http.MethodPost, anOrder+"/refund",
		`{"why":"broken","amount":1250,"currency":"EUR","id":"lamp-2"}`, operatingOne)
	require.Equal(t, http.StatusOK, answer.Code, answer.Body)
	want := workflows.OrderRefund{OrderCommand: workflows.OrderCommand{By: "shop", Why: "broken"}, Amount: 1250,
		ID: "lamp-2"}
	require.Equal(t, []any{want}, c.temporal.Updates[0].Args)

	view := desktest.ShippedOrder("acct_1")
	made := workflows.OrderRefund{OrderCommand: workflows.OrderCommand{By: "ada", Why: "Broken"}, Amount: 1250}
	view.Refunds = append(view.Refunds, order.Refund{
		ID: "re_2", Amount: 1250, Currency: "eur", Status: "succeeded", Created: noon,
		Key: view.ID.KeyOf(made.Step(), 0),
	})
	c.temporal.Orders["order/acct_1/cs_1"] = view
	answer = c.ask(t, http.MethodPost, anOrder+"/refund", `{"why":"broken","amount":1250,"currency":"eur"}`, token)
	require.Equal(t, http.StatusOK, answer.Code, answer.Body)
	require.Contains(t, answer.Body.String(), `"already":true`)
	require.Len(t, c.temporal.Updates, 1, "nothing moved")

	view.RefundsOnce = false
	c.temporal.Orders["order/acct_1/cs_1"] = view
	answer = c.ask(t, http.MethodPost, anOrder+"/refund", `{"why":"late","amount":1250,"currency":"eur"}`, token)
	require.Equal(t, http.StatusConflict, answer.Code)
}

// S3 names a thousand keys at once, the store of the tests three.
func TestTheListReadsNoAccount(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	for i := range 250 {
		name := fmt.Sprintf("acct_4%04d", i)
		require.NoError(t,
			account.Documents{Store: c.desk.Documents.Store}.SaveSettings(t.Context(), account.Settings{Account: name}))
	}
	seen, after := []string{}, ""
	c.store.Before = func(operation, _, key string) error {
		if !strings.HasPrefix(key, "state/fleet/") { // what the dispatchers saw of all accounts is one document
			require.Contains(t, operation, "List")
		}
		return nil
	}
	for pages := 1; ; pages++ {
		answer := c.ask(t, http.MethodGet, "/accounts?limit=50&after="+after, "", readingAll)
		require.Equal(t, http.StatusOK, answer.Code, answer.Body)
		var page AccountPage
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
		for _, row := range page.Accounts {
			seen = append(seen, row.Account)
		}
		if after = page.Next; after == "" {
			require.Equal(t, 6, pages)
			break
		}
	}
	require.Len(t, seen, 253)
	require.IsIncreasing(t, seen)
	answer := c.ask(t, http.MethodGet, "/accounts", "", readingOne)
	require.JSONEq(t, `{"accounts":[{"account":"acct_1","stored":true}]}`, answer.Body.String())
	answer = c.ask(t, http.MethodGet, "/accounts?prefix=acct_2", "", readingOne)
	require.JSONEq(t, `{"accounts":[]}`, answer.Body.String())
}

// Whoever syncs by hand, or has orders alone, has no settings that 'starter accounts apply' wrote.
func TestTheListHasAccountsWithoutSettings(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	for _, key := range []string{"accounts/acct_5/orders.json", "accounts/acct_50.json", "accounts/acct_50/orders.json",
		"state/acct_500/product/state.json", "state/acct_50/product/state.json",
		"state/acct_5_a/orders/cs_1/record.json",
		"state/sources/acct_5x", "state/acct_5y", "state/acct_6/product/manifest"} {
		_, err := c.store.Put(t.Context(), "state", key, "application/json", []byte(`{"account":"acct_50"}`), "")
		require.NoError(t, err)
	}
	want := []string{`{"account":"acct_5","stored":false}`, `{"account":"acct_50","stored":true}`,
		`{"account":"acct_500","stored":false}`, `{"account":"acct_5_a","stored":false}`}
	answer := c.ask(t, http.MethodGet, "/accounts?prefix=acct_5", "", readingAll)
	require.JSONEq(t, `{"accounts":[`+strings.Join(want, ",")+`]}`, answer.Body.String())
	after := ""
	for i, row := range want {
		answer := c.ask(t, http.MethodGet, "/accounts?prefix=acct_5&limit=1&after="+after, "", readingAll)
		var page AccountPage
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
		shown, err := json.Marshal(page.Accounts)
		require.NoError(t, err)
		require.JSONEq(t, "["+row+"]", string(shown))
		require.Equal(t, i < len(want)-1, page.Next != "")
		after = page.Next
		known := c.ask(t, http.MethodGet, "/accounts/"+page.Accounts[0].Account, "", readingAll)
		require.Equal(t, http.StatusOK, known.Code, "what the list has is there")
	}
	require.Equal(t, http.StatusNotFound, c.ask(t, http.MethodGet, "/accounts/acct_55", "", readingAll).Code)
}

func TestListsAskForOneAccount(t *testing.T) {
	t.Parallel()
	c := withTokens(t)
	require.Equal(t, http.StatusOK, c.ask(t, http.MethodGet, "/accounts/acct_1/orders", "", readingOne).Code)
	require.Equal(t, http.StatusOK, c.ask(t, http.MethodGet, "/accounts/acct_1", "", readingOne).Code)
	for _, query := range c.temporal.Listed {
		require.Contains(t, query, "VitrineAccount = 'acct_1'")
	}
}

func FuzzTheAPI(f *testing.F) {
	for _, ask := range asks {
		f.Add(ask.method == http.MethodPost, ask.path, ask.body)
	}
	f.Add(false, "/accounts/acct_1' OR '1/orders", "")
	f.Fuzz(func(t *testing.T, post bool, path, body string) {
		method := http.MethodGet
		if post {
			method = http.MethodPost
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://vitrine.example/", strings.NewReader(body))
		require.NoError(t, err)
		if r.URL, err = r.URL.Parse("/" + strings.TrimLeft(path, "/")); err != nil {
			t.Skip()
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+operatingOne)
		c := withTokens(t)
		recorder := httptest.NewRecorder()
		Routes(newDoor().Webhook, c.API, nil, client.MetricsNopHandler, c.logger).ServeHTTP(recorder, r)
		require.NotContains(t, recorder.Body.String(), "acct_2/", "nothing of another account")
		for _, query := range c.temporal.Listed {
			require.Equal(t, 1, strings.Count(query, "'acct_1'"), query)
		}
		for _, update := range c.temporal.Updates {
			require.Contains(t,
				[]string{"order/acct_1/cs_1", workflows.ScheduleID(catalog.ID{Account: "acct_1", Feed: feed.Product})},
				update.WorkflowID)
		}
		if recorder.Code >= 500 {
			t.Fatal(errors.New(recorder.Body.String()))
		}
	})
}
