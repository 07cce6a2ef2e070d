package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"vitrine/internal/account"
	"vitrine/internal/catalog"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// apiClient is somebody who knows of the API what its own document says.
type apiClient struct {
	t     *testing.T
	shop  *shop
	judge validator.Validator
	token string
}

// clientOf reads the document from the server that it describes.
func clientOf(s *shop, token string) *apiClient {
	s.t.Helper()
	response, err := http.Get("http://" + s.address + "/openapi.json")
	require.NoError(s.t, err)
	document, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, response.Body.Close())
	parsed, err := libopenapi.NewDocument(document)
	require.NoError(s.t, err)
	judge, problems := validator.NewValidator(parsed)
	require.Empty(s.t, problems)
	return &apiClient{t: s.t, shop: s, judge: judge, token: token}
}

// asks sends a request that is as the document says, and fails unless the answer is. Where nobody knows just now, it
// asks again, as the answer says.
func (c *apiClient) asks(method, path, body string, status int, into any) {
	c.t.Helper()
	good, problems := c.judge.ValidateHttpRequest(c.request(method, path, body))
	require.True(c.t, good, "%s %s: %v", method, path, problems)
	var answer []byte
	c.shop.await("an answer to "+method+" "+path, func() bool {
		var got int
		if got, answer = c.sends(method, path, body); got == http.StatusServiceUnavailable {
			return false
		}
		require.Equal(c.t, status, got, "%s %s: %s", method, path, answer)
		return true
	})
	if into != nil {
		require.NoError(c.t, json.Unmarshal(answer, into), "%s", answer)
	}
}

// sends sends it once. Whatever the answer is, the document has it.
func (c *apiClient) sends(method, path, body string) (status int, answer []byte) {
	c.t.Helper()
	response, err := http.DefaultClient.Do(c.request(method, path, body))
	require.NoError(c.t, err)
	answer, err = io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	response.Body = io.NopCloser(bytes.NewReader(answer))
	good, problems := c.judge.ValidateHttpResponse(c.request(method, path, body), response)
	require.True(c.t, good, "%s %s: %v\n%s", method, path, problems, answer)
	return response.StatusCode, answer
}

func (c *apiClient) request(method, path, body string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.shop.address+path, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header.Set("Authorization", "Bearer "+c.token)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// A platform's dashboard looks at an account, approves what is held, and refunds an order, by the document alone.
func TestTheAPIIsWhatItsDocumentSays(t *testing.T) {
	ids := numbered(200)
	s := open(t, csv(append(ids, "bad1")...), nil)
	s.settings["VITRINE_API_TOKENS"] = "dashboard operate " + adasToken + ", shop operate " + shopsToken + " acct_other"
	require.NoError(t, s.accounts.SaveSettings(t.Context(), account.Settings{Account: s.account}))
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.syncs(catalog.SucceededWithErrors)
	placed := s.buys(simcontrol.Purchase{Items: []simcontrol.Wanted{{SKU: ids[0], Quantity: 2}}})
	placed.becomes(order.StateAccepted)
	s.exportText(csv(ids[:50]...))
	run := s.holds()

	c := clientOf(s, adasToken)
	catalogPath := "/accounts/" + s.account + "/catalogs/product"
	orderPath := "/accounts/" + s.account + "/orders/" + placed.Session
	var page struct {
		Accounts []struct {
			Account string
			Syncs   []struct{ Feed, Outcome string }
		}
	}
	s.await("the list saying that the sync is held", func() bool {
		c.asks("GET", "/accounts?prefix="+s.account, "", 200, &page)
		return len(page.Accounts[0].Syncs) == 1 && page.Accounts[0].Syncs[0].Outcome == "held"
	})
	require.Len(t, page.Accounts, 1)
	c.asks("GET", "/accounts/"+s.account, "", 200, nil)
	var now struct{ Held catalog.Hold }
	c.asks("GET", catalogPath, "", 200, &now)
	require.EqualValues(t, 150, now.Held.Rows.Deleted)
	c.asks("POST", catalogPath+"/approve", `{"why":"checked","version":"another"}`, 409, nil)
	c.asks("POST", catalogPath+"/approve", `{"why":"checked","version":"`+now.Held.Version+`"}`, 200, nil)
	result, err := s.ends(run)
	require.NoError(t, err)
	require.Equal(t, catalog.Succeeded, result.Outcome)
	c.asks("POST", catalogPath+"/approve", `{"why":"checked","version":"`+now.Held.Version+`"}`, 200, nil)
	require.Equal(t, "dashboard", s.report().Verdict.By)

	var listed struct {
		Reports []struct {
			Number int
			Rows   catalog.ReportRows
		}
	}
	c.asks("GET", catalogPath+"/reports?limit=2", "", 200, &listed)
	require.EqualValues(t, 50, listed.Reports[0].Rows.Source)
	c.asks("GET", catalogPath+"/reports/0", "", 200, nil)
	c.asks("GET", catalogPath+"/reports/77", "", 404, nil)
	c.asks("POST", catalogPath+"/sync", `{"force":true}`, 202, nil)

	c.asks("GET", "/accounts/"+s.account+"/orders?state=accepted", "", 200, nil)
	c.asks("GET", orderPath, "", 200, nil)
	for range 2 { // once, whoever repeats it
		c.asks("POST", orderPath+"/refund", `{"why":"broken","amount":1250,"currency":"usd"}`, 200, nil)
	}
	require.Equal(t, 1, s.writes("/refunds"))
	c.asks("POST", orderPath+"/refund", `{"why":"late","amount":1250,"currency":"eur"}`, 422, nil)
	c.asks("POST", orderPath+"/shipments", `{"id":"P-1","carrier":"UPS","tracking":"1Z999"}`, 202, nil)
	placed.comes("shipped", func(v workflows.OrderView) bool { return v.State == order.StateShipped })
	c.asks("POST", orderPath+"/cancel", `{"why":"sold out"}`, 409, nil)
	c.asks("POST", orderPath+"/retry", `{"why":"to be sure"}`, 409, nil)
	c.asks("POST", orderPath+"/decision", `{"status":"accepted","lines":[{"sku":"`+ids[0]+`","quantity":1}]}`, 409, nil)

	c.token = shopsToken
	c.asks("GET", "/accounts/"+s.account, "", 404, nil)
	c.asks("GET", orderPath, "", 404, nil)
	c.asks("POST", orderPath+"/refund", `{"why":"mine","all":true}`, 404, nil)
	c.token = "a-token-that-nobody-gave-out-to-anybody"
	c.asks("GET", "/accounts", "", 401, nil)
	s.requireNobody()
}
