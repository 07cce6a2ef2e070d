package stripesim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/simcontrol"
)

var agreementsHeader = map[string]string{"Stripe-Version": "2026-05-27.preview"}

func (d developer) postJSON(path, body string, headers map[string]string) reply {
	d.t.Helper()
	return d.call(http.MethodPost, path, "application/json", strings.NewReader(body), headers)
}

func TestAgreementsRefuse(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	for name, c := range map[string]struct {
		path, body string
		headers    map[string]string
		status     int
		param      string
	}{
		"no version": {agreementsPath, `{"orchestrator":"profile_1"}`,
			map[string]string{"Stripe-Version": "2026-06-24.dahlia"}, 400, "Stripe-Version"},
		"no agent":   {agreementsPath, `{}`, agreementsHeader, 400, "orchestrator"},
		"an account": {agreementsPath, `{"orchestrator":"acct_1"}`, agreementsHeader, 400, "orchestrator"},
		"unknown parameter": {agreementsPath, `{"orchestrator":"profile_1","seller":"profile_2"}`, agreementsHeader,
			400, "seller"},
		"no JSON":         {agreementsPath, `orchestrator=profile_1`, agreementsHeader, 400, ""},
		"nothing to end":  {agreementsPath + "/orca_test_1/terminate", ``, agreementsHeader, 404, "id"},
		"nobody confirms": {agreementsPath + "/orca_test_1/confirm", ``, agreementsHeader, 404, ""},
	} {
		r := d.postJSON(c.path, c.body, c.headers)
		require.Equal(t, c.status, r.status, "%s: %s", name, r.body)
		require.Equal(t, c.param, r.failure.Param, name)
	}
	_, err := d.control.MakeAgreement(t.Context(), "acme", simcontrol.Agreement{})
	require.ErrorContains(t, err, "not an account")
	_, err = d.control.MakeAgreement(t.Context(), shop, simcontrol.Agreement{Status: "terminated"})
	require.ErrorContains(t, err, "expected initiated or confirmed")
	_, err = d.control.ChangeAgreement(t.Context(), "orca_test_none", simcontrol.Seller, simcontrol.ConfirmAgreement)
	require.ErrorContains(t, err, "no agreement")
	made, err := d.control.MakeAgreement(t.Context(), shop, simcontrol.Agreement{})
	require.NoError(t, err)
	_, err = d.control.ChangeAgreement(t.Context(), made.ID, "somebody", simcontrol.ConfirmAgreement)
	require.ErrorContains(t, err, "no party")
}

// Thin events go to destinations of their own, and are in no list of snapshots.
func TestAgreementsTellOfThemselves(t *testing.T) {
	t.Parallel()
	d, thin, snapshots := serve(t, Options{}), receive(t), receive(t)
	d.endpoint(simcontrol.Endpoint{URL: thin.url, Connect: true, Thin: true, Secrets: []string{"whsec_thin"}})
	d.endpoint(simcontrol.Endpoint{URL: snapshots.url, Connect: true, Secrets: []string{"whsec_snapshots"}})
	made, err := d.control.MakeAgreement(t.Context(), shop,
		simcontrol.Agreement{Agent: "Ada", Profile: "profile_1", Status: "confirmed"})
	require.NoError(t, err)
	require.Equal(t, "confirmed", made.Status)
	_, err = d.control.ChangeAgreement(t.Context(), made.ID, simcontrol.Orchestrator, simcontrol.TerminateAgreement)
	require.NoError(t, err)
	_, err = d.control.ChangeAgreement(t.Context(), made.ID, simcontrol.Seller, simcontrol.ConfirmAgreement)
	require.ErrorContains(t, err, "is over")
	require.Eventually(t, func() bool { return thin.count() == 4 }, time.Minute, time.Millisecond)
	require.Zero(t, snapshots.count())

	kinds := map[string]bool{}
	for _, body := range thin.bodies {
		var e struct {
			Object, Type, Context string
			Related               struct{ ID, Type, URL string } `json:"related_object"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &e))
		require.Equal(t, "v2.core.event", e.Object)
		require.Equal(t, shop, e.Context)
		require.Equal(t, made.ID, e.Related.ID)
		require.Equal(t, agreementsPath+"/"+made.ID, e.Related.URL)
		kinds[strings.TrimPrefix(e.Type, agreementKind+".")] = true
	}
	require.Equal(t,
		map[string]bool{"created": true, "partially_confirmed": true, "confirmed": true, "terminated": true}, kinds)
	require.NotContains(t, d.get("/v1/events?limit=100", nil).body, "agreement")
	require.NotContains(t, d.get("/v1/webhook_endpoints", map[string]string{"Stripe-Account": ""}).body, thin.url)
	require.NoError(t, d.control.Reset(t.Context()))
	require.NotContains(t, d.get(agreementsPath, agreementsHeader).body, made.ID)
}

// Where a destination leads is shown to those who ask for it, and its secret to nobody.
func TestDestinationsShowWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	d := serve(t, Options{})
	for range 3 {
		d.endpoint(simcontrol.Endpoint{URL: "http://127.0.0.1:9/hook", Connect: true, Secrets: []string{"whsec_own"}})
	}
	newest := map[string]string{"Stripe-Version": "2026-06-24.dahlia", "Stripe-Account": ""}
	require.NotContains(t, d.get(destinationsPath, newest).body, "127.0.0.1")
	shown := d.get(destinationsPath+"?include[0]=webhook_endpoint.url&limit=2", newest).body
	require.Equal(t, 2, strings.Count(shown, `"url": "http://127.0.0.1:9/hook"`), shown)
	require.Contains(t, shown, "page=page_2")
	require.NotContains(t, shown, "whsec_own")
	for _, query := range []string{"?include[0]=webhook_endpoint.signing_secret", "?limit=0", "?starting_after=ed_1"} {
		require.Equal(t, 400, d.get(destinationsPath+query, newest).status, query)
	}
	require.Equal(t, 400, d.get(destinationsPath, map[string]string{"Stripe-Version": "2024-06-20"}).status)
}
