package stripesim

import (
	"fmt"
	"net/http"
	"regexp"
	"time"
)

// embeddedVersion is a version under which the settings of agentic commerce can be embedded. What Stripe answers under
// another one is not documented.
var embeddedVersion = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}\.preview; embedded_connect_beta=v\d+$`)

// secretLifetime of a client secret is the emulator's own: Stripe says only that it is short.
const secretLifetime = 5 * time.Minute

// postAccountSession makes an account session. That a platform makes it for itself alone, without Stripe-Account, is
// the stricter reading of Stripe's examples.
func (h *standings) postAccountSession(c orderCall) (func() (any, *apiError), *apiError) {
	const component = "components[agentic_commerce_settings][enabled]"
	account, enabled := c.text("account"), c.flag(component, false)
	version := c.request.Header.Get("Stripe-Version")
	switch {
	case !embeddedVersion.MatchString(version):
		c.fail(invalid("Stripe-Version",
			"The component needs a version such as 2026-06-24.preview; embedded_connect_beta=v2; got %q.", version))
	case c.account != platformAccount:
		c.fail(invalid("", "An account session is made by the platform, without Stripe-Account."))
	case account == "":
		c.fail(missing("account"))
	case !enabled:
		c.fail(missing(component))
	}
	if failed := c.done(); failed != nil {
		return nil, failed
	}
	return func() (any, *apiError) {
		if !h.knowsAccount(account) || h.all[account].Disconnected {
			return nil, &apiError{
				Status: http.StatusForbidden, Type: invalidRequest, Code: "account_invalid",
				Message: fmt.Sprintf("The provided key does not have access to account '%s'.", account),
			}
		}
		settings := map[string]any{"enabled": true, "features": map[string]any{}}
		return map[string]any{
			"object": "account_session", "account": account, "client_secret": newID("accs_secret__"), "livemode": false,
			"expires_at": h.options.Now().Add(secretLifetime).Unix(),
			"components": map[string]any{"agentic_commerce_settings": settings},
		}, nil
	}, nil
}
