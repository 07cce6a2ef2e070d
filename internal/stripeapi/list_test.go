package stripeapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
)

func TestAListSaysWhetherItGoesOn(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]any{
		`{"data":[1],"has_more":true}`:    true,
		`{"data":[1],"has_more":false}`:   false,
		`{"data":[],"has_more":false}`:    false,
		`{"data":[]}`:                     false,
		`{"data":[1]}`:                    false,
		`{"data":[1,2]}`:                  true, // it is full, and does not say
		`{"data":[1,2],"has_more":null}`:  true,
		`{"data":[1,2],"has_more":"no"}`:  true,
		`{"data":[1,2],"has_more":false}`: false,
		`{"data":[],"has_more":true}`:     errNoList,
		`{"has_more":false}`:              errNoList,
		`{"data":null,"has_more":false}`:  errNoList,
	} {
		var l list[json.Number]
		require.NoError(t, decodeObject([]byte(body), &l), body)
		more, err := l.goesOn(2)
		if wrong, is := want.(error); is {
			require.Equal(t, wrong, err, body)
			continue
		}
		require.NoError(t, err, body)
		require.Equal(t, want, more, body)
	}
}

// Behind a full page that does not say whether it is the last one, there may be the refund that was made already.
func TestAFullPageOfRefundsIsNotTakenForTheLast(t *testing.T) {
	t.Parallel()
	refunds := make([]string, refundsPerPage)
	for i := range refunds {
		refunds[i] = fmt.Sprintf(`{"id":"re_%d","amount":1,"status":"succeeded"}`, i+2)
	}
	orders, stripe := ordersFor(t, map[string][]answer{"GET /v1/refunds": {
		ok(`{"data":[` + strings.Join(refunds, ",") + `]}`),
		ok(`{"data":[{"id":"re_1","amount":1,"status":"succeeded","metadata":{"vitrine_key":"key-1"}}]}`),
	}})
	all, err := orders.listRefunds(t.Context(), testAccount, "pi_1")
	require.NoError(t, err)
	require.Len(t, all, refundsPerPage+1)
	require.Equal(t, "key-1", all[refundsPerPage].Key)
	require.Equal(t, []string{"re_101"}, stripe.named("GET /v1/refunds")[1].form["starting_after"])
}

// A session that was bought has lines; one that sells nothing need not.
func TestASessionThatDoesNotSayWhatWasBought(t *testing.T) {
	t.Parallel()
	const path = "GET /v1/checkout/sessions/cs_test_1"
	for mode, readable := range map[string]bool{"payment": false, "setup": true} {
		orders, _ := ordersFor(t, map[string][]answer{path: {ok(`{"id":"cs_test_1","mode":"` + mode + `"}`)}})
		_, err := orders.Session(t.Context(), testAccount, "cs_test_1")
		require.Equal(t, readable, err == nil, mode)
		require.Equal(t, !readable, fault.Is(err, fault.StripeUnavailable), mode)
	}
}
