package stripesim

import (
	"errors"
	"fmt"
	"net/http"

	"vitrine/internal/simcontrol"
)

func (h *hooks) postHook(w http.ResponseWriter, r *http.Request) {
	var hook simcontrol.Hook
	if !readControl(w, r, &hook) {
		return
	}
	if hook.URL != "" && (isURL(hook.URL) != "" || hook.Secret == "") {
		complain(w, http.StatusBadRequest, "a hook needs a URL and a secret")
		return
	}
	h.mu.Lock()
	h.registered[hook.Account] = hook
	if hook.URL == "" {
		delete(h.registered, hook.Account)
	}
	h.mu.Unlock()
	show(w, hook)
}

func (h *hooks) postAvailability(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Account string `json:"account"`
		SKU     string `json:"sku"`
	}
	if !readControl(w, r, &asked) {
		return
	}
	h.mu.Lock()
	hook, registered := h.hookLocked(asked.Account)
	orders := h.orders
	h.mu.Unlock()
	if !registered || !answersHook(hook, simcontrol.HookAvailability) {
		complain(w, http.StatusBadRequest, "account %s has no hook for this", asked.Account)
		return
	}
	var told simcontrol.Availability
	_, refused := h.callHook(r.Context(), hook, orders, asked.Account, simcontrol.HookAvailability,
		map[string]any{"sku_id": asked.SKU}, 0, &told)
	if refused != nil {
		complain(w, refused.status, "%s", refused.message)
		return
	}
	if err := checkAvailability(told, asked.Account, asked.SKU); err != nil {
		complain(w, http.StatusFailedDependency, "the answer is not as documented: %v", err)
		return
	}
	show(w, told)
}

func checkAvailability(a simcontrol.Availability, account, sku string) error {
	switch {
	case a.SKU != sku, a.Merchant != account:
		return fmt.Errorf("it is about %q of %q, asked was %q of %q", a.SKU, a.Merchant, sku, account)
	case a.Deleted:
		return nil
	case a.Availability == nil || a.Availability.Status == "":
		return errors.New("availability.status is missing")
	case a.Price == nil || a.Price.UnitAmount < 0 || len(a.Price.Currency) != 3:
		return errors.New("price is missing, or has no amount and currency")
	case a.AsOf <= 0:
		return errors.New("as_of is missing")
	}
	return nil
}
