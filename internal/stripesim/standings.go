package stripesim

import (
	"cmp"
	"net/http"

	"vitrine/internal/simcontrol"
)

// standings are how accounts stand with Stripe, where somebody said so. The others may take charges.
type standings struct {
	*core
	events *events
	all    map[string]simcontrol.Standing
}

func (h *standings) forgetLocked() { h.all = map[string]simcontrol.Standing{} }

// disconnected reports whether the platform's keys are refused for an account.
func (h *standings) disconnected(account string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[account].Disconnected
}

// getAccount is the account that the call acts for: that of the key, or the one that Stripe-Account names. It shows
// what Stripe's object has for every account of a platform; the rest of it depends on how the account was made.
func (h *standings) getAccount(call orderCall) (any, *apiError) {
	if failed := call.done(); failed != nil {
		return nil, failed
	}
	return h.objectLocked(call.account), nil
}

func (h *standings) objectLocked(account string) map[string]any {
	standing, said := h.all[account]
	if !said {
		standing = simcontrol.Standing{ChargesEnabled: true}
	}
	due := append([]string{}, standing.CurrentlyDue...)
	return map[string]any{
		"id": account, "object": "account", "type": "standard", "country": cmp.Or(standing.Country, "US"),
		"charges_enabled": standing.ChargesEnabled, "payouts_enabled": standing.ChargesEnabled,
		"details_submitted": true,
		"business_profile":  map[string]any{"name": orNull(standing.Name)},
		"requirements": map[string]any{
			"currently_due": due, "past_due": []string{}, "eventually_due": due, "pending_verification": []string{},
			"disabled_reason": orNull(standing.DisabledReason), "current_deadline": nil, "alternatives": []any{},
			"errors": []any{},
		},
		"metadata": map[string]string{},
	}
}

// tellLocked emits what a change of standing makes happen. What is left of an account that disconnects is the
// application's own id.
func (h *standings) tellLocked(id string, before, after simcontrol.Standing) {
	switch {
	case after.Disconnected && !before.Disconnected:
		h.events.emitLocked("account.application.deauthorized", id,
			map[string]any{"id": "ca_emulated", "object": "application", "name": nil}, cause{})
	case !after.Disconnected:
		h.events.emitLocked("account.updated", id, h.objectLocked(id), cause{})
	}
}

// postStanding is the control call that sets one.
func (h *standings) postStanding(w http.ResponseWriter, r *http.Request) {
	var standing simcontrol.Standing
	if !readControl(w, r, &standing) {
		return
	}
	id := r.PathValue("account")
	if !accountID.MatchString(id) {
		complain(w, http.StatusBadRequest, "%q is not an account: expected acct_…", id)
		return
	}
	h.mu.Lock()
	before := h.all[id]
	h.all[id] = standing
	h.tellLocked(id, before, standing)
	h.mu.Unlock()
	show(w, standing)
}
