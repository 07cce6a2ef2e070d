package stripeapi

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/simcontrol"
	"vitrine/internal/stripesim"
)

const agent = "profile_test_agent"

func TestAgreementsFromProposalToEnd(t *testing.T) {
	t.Parallel()
	client, sim := emulator(t, stripesim.Options{})
	all, err := client.Agreements(t.Context(), testAccount)
	require.NoError(t, err)
	require.Empty(t, all)
	require.NotNil(t, all)

	proposed, err := client.ProposeAgreement(t.Context(), testAccount, agent, "one")
	require.NoError(t, err)
	require.Equal(t, AgreementInitiated, proposed.Status)
	require.Equal(t, "seller", proposed.InitiatedBy)
	require.Equal(t, proposed.Created, proposed.Since())
	again, err := client.ProposeAgreement(t.Context(), testAccount, agent, "one")
	require.NoError(t, err)
	require.Equal(t, proposed, again, "the same key proposes once")
	_, err = client.ProposeAgreement(t.Context(), testAccount, agent, "two")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)

	for i, party := range []string{simcontrol.Seller, simcontrol.Orchestrator} {
		changed, err := sim.ChangeAgreement(t.Context(), proposed.ID, party, simcontrol.ConfirmAgreement)
		require.NoError(t, err)
		require.Equal(t, []AgreementStatus{AgreementPartlyConfirmed, AgreementConfirmed}[i],
			AgreementStatus(changed.Status))
	}
	found, err := client.Agreement(t.Context(), testAccount, proposed.ID)
	require.NoError(t, err)
	require.Equal(t, AgreementConfirmed, found.Status)
	require.Equal(t, "Test Agent", found.Agent)
	require.Equal(t, agent, found.Profile)
	require.False(t, found.SellerConfirmed.IsZero())
	require.False(t, found.AgentConfirmed.IsZero())
	require.False(t, found.Since().Before(found.Created))

	ended, err := client.TerminateAgreement(t.Context(), testAccount, proposed.ID, "end")
	require.NoError(t, err)
	require.Equal(t, AgreementTerminated, ended.Status)
	require.Equal(t, "seller", ended.TerminatedBy)
	require.Equal(t, ended.Terminated, ended.Since())
	_, err = client.TerminateAgreement(t.Context(), testAccount, proposed.ID, "end-again")
	requireFault(t, err, fault.Permanent, fault.StripeRejected)

	others, err := client.Agreements(t.Context(), "acct_2")
	require.NoError(t, err)
	require.Empty(t, others, "nobody sees those of another account")
	_, err = client.Agreement(t.Context(), "acct_2", proposed.ID)
	requireFault(t, err, fault.Permanent, fault.StripeRejected)
}

func TestAgreementsComeInPages(t *testing.T) {
	t.Parallel()
	client, sim := emulator(t, stripesim.Options{})
	for i := range 205 {
		_, err := sim.MakeAgreement(t.Context(), testAccount,
			simcontrol.Agreement{Agent: fmt.Sprintf("Agent %d", i), Status: "confirmed"})
		require.NoError(t, err)
	}
	all, err := client.Agreements(t.Context(), testAccount)
	require.NoError(t, err)
	require.Len(t, all, 205)
	require.Equal(t, "Agent 204", all[0].Agent)
	require.Equal(t, "Agent 0", all[204].Agent)
}

func TestAgreementsUnderOtherVersions(t *testing.T) {
	t.Parallel()
	_, sim := emulator(t, stripesim.Options{})
	for _, version := range []string{"2026-03-01.preview", "2026-06-24.dahlia"} {
		old := clientFor(t, sim.BaseURL, func(o *Options) { o.AgreementsVersion = version })
		_, err := old.Agreements(t.Context(), testAccount)
		requireFault(t, err, fault.Permanent, fault.StripeRejected)
	}
}

func TestAgreementsOfWhichLittleIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want []Agreement
	}{
		"bare": {`{"data":[{"id":"orca_1"}]}`, []Agreement{{ID: "orca_1"}}},
		"other types": {`{"data":[{"id":"orca_1","status":7,"orchestrator_details":[],"created":1}]}`,
			[]Agreement{{ID: "orca_1", Status: "7"}}},
		"nulls": {`{"data":[{"id":"orca_1","terminated_by":null,"status_transitions":null,"orchestrator_details":{"name":null}}],"next_page_url":null}`,
			[]Agreement{{ID: "orca_1"}}},
		"times": {`{"data":[{"id":"orca_1","created":"2026-04-06T10:00:00Z","status_transitions":{"seller_confirmed_at":"2026-04-07T10:00:00Z"}}]}`,
			[]Agreement{{ID: "orca_1", Created: time.Date(2026, 4, 6, 10, 0, 0, 0, time.UTC),
				SellerConfirmed: time.Date(2026, 4, 7, 10, 0, 0, 0, time.UTC)}}},
		"a key in it": {`{"data":[{"id":"orca_1","orchestrator_details":{"name":"sk_test_abcdefgh"}}]}`,
			[]Agreement{{ID: "orca_1", Agent: "[key removed]"}}},
		"no list":       {`{}`, nil},
		"no id":         {`{"data":[{}]}`, nil},
		"a path as id":  {`{"data":[{"id":"../orca_1"}]}`, nil},
		"no JSON":       {`<html>`, nil},
		"lost its page": {`{"data":[],"next_page_url":"/v2/orchestrated_commerce/agreements"}`, nil},
		"without end":   {`{"data":[],"next_page_url":"/v2/orchestrated_commerce/agreements?page=2"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			found, err := stub(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				require.Equal(t, DefaultAgreementsVersion, r.Header.Get("Stripe-Version"))
				require.Equal(t, testAccount, r.Header.Get("Stripe-Account"))
				_, _ = io.WriteString(w, c.body)
			}).Agreements(t.Context(), testAccount)
			require.LessOrEqual(t, calls, agreementPages)
			if c.want == nil {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, found)
		})
	}
}

// A next page at another host does not get the key.
func TestTheNextPageIsStripes(t *testing.T) {
	t.Parallel()
	var pages []string
	found, err := stub(t, func(w http.ResponseWriter, r *http.Request) {
		pages = append(pages, r.URL.RequestURI())
		if r.URL.Query().Get("page") == "" {
			_, _ = io.WriteString(w,
				`{"data":[],"next_page_url":"https://elsewhere.example/steal?page=page_1&limit=100"}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":[{"id":"orca_1"}]}`)
	}).Agreements(t.Context(), testAccount)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, []string{agreementsPath + "?limit=100", agreementsPath + "?limit=100&page=page_1"}, pages)
}

func TestWhatAgreementsAreAskedFor(t *testing.T) {
	t.Parallel()
	client := stub(t, func(http.ResponseWriter, *http.Request) { require.Fail(t, "nobody is asked") })
	_, err := client.Agreements(t.Context(), "")
	require.Error(t, err, "the platform itself sells nothing")
	_, err = client.Agreement(t.Context(), testAccount, "../orca_1")
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
	_, err = client.ProposeAgreement(t.Context(), testAccount, "acct_2", "key")
	require.ErrorContains(t, err, "Network ID")
	_, err = client.ProposeAgreement(t.Context(), testAccount, agent, "")
	require.ErrorContains(t, err, "idempotency key")
	_, err = client.TerminateAgreement(t.Context(), testAccount, "orca_1/confirm", "key")
	require.ErrorContains(t, err, "not the id of an agreement")
}

func TestThinEventsNameTheirAgreement(t *testing.T) {
	t.Parallel()
	event, err := DecodeEvent(
		[]byte(`{"id":"evt_test_1","object":"v2.core.event","type":"v2.orchestrated_commerce.agreement.confirmed",` +
			`"created":"2026-04-06T10:00:00Z","livemode":false,"context":"acct_1Vitrine","related_object":{"id":"orca_test_1","type":"x"},"data":{}}`))
	require.NoError(t, err)
	require.Equal(t, "orca_test_1", event.Object)
	require.Equal(t, testAccount, event.Account)
	require.Empty(t, event.Session+event.PaymentIntent+event.Charge)
}
