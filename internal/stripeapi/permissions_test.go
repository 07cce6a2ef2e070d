package stripeapi

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/feed"
	"vitrine/internal/stripesim"
)

// Each permission is tried by a read that the emulator knows, and that finds nothing there.
func TestWhatAKeyMayIsTried(t *testing.T) {
	t.Parallel()
	client, _ := emulator(t, stripesim.Options{})
	for _, p := range slices.Concat(ImportPermissions(feed.V1), ImportPermissions(feed.V2), OrderPermissions(),
		AuditPermissions()) {
		for _, account := range []string{"", testAccount} {
			require.NoError(t, client.MayRead(t.Context(), account, p), "%s of %q", p.Name, account)
		}
	}
	err := client.MayRead(t.Context(), "../acct_1", OrderPermissions()[0])
	requireFault(t, err, fault.Permanent, fault.InputInvalid)
}

// Only what Stripe says of a thing that it looked for is a yes.
func TestAnswersToATriedPermission(t *testing.T) {
	t.Parallel()
	tried := Permission{Name: "Things", path: "/v1/things/none"}
	for name, c := range map[string]struct {
		answer answer
		kind   fault.Kind
		code   fault.Code
	}{
		"found":     {ok(`{"object":"list","data":[]}`), 0, ""},
		"not found": {refused(http.StatusNotFound, "resource_missing", "No such thing"), 0, ""},
		"forbidden": {refused(http.StatusForbidden, "", "The key does not have the required permissions"),
			fault.Permanent, fault.StripeForbidden},
		"unauthorized": {refused(http.StatusUnauthorized, "", "Invalid API Key"), fault.Permanent,
			fault.StripeUnauthorized},
		"no such route": {refused(http.StatusNotFound, "", "Unrecognized request URL"), fault.Permanent,
			fault.StripeRejected},
		"no preview": {refused(http.StatusBadRequest, "", "Unrecognized preview"), fault.Permanent,
			fault.StripeRejected},
		"a page": {answer{status: http.StatusNotFound, body: "<html>"}, fault.Plain, fault.StripeUnclear},
		"throttled": {refused(http.StatusTooManyRequests, "rate_limit", "Slow down"), fault.Throttled,
			fault.StripeThrottled},
		"a page with 200": {ok("<html>hello</html>"), fault.Plain, fault.StripeUnavailable},
		"away":            {answer{status: http.StatusBadGateway}, fault.Plain, fault.StripeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: map[string][]answer{"GET /v1/things/none": {c.answer}}}
			err := stub(t, s.ServeHTTP).MayRead(t.Context(), testAccount, tried)
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			requireFault(t, err, c.kind, c.code)
		})
	}
}
