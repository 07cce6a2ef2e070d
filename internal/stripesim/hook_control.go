package stripesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

func (s *Server) postHook(w http.ResponseWriter, r *http.Request) {
	var hook Hook
	if !readControl(w, r, &hook) {
		return
	}
	if hook.URL != "" && (isURL(hook.URL) != "" || hook.Secret == "") {
		complain(w, http.StatusBadRequest, "a hook needs a URL and a secret")
		return
	}
	s.mu.Lock()
	s.ledger.hooks[hook.Account] = hook
	if hook.URL == "" {
		delete(s.ledger.hooks, hook.Account)
	}
	s.mu.Unlock()
	show(w, hook)
}

func (s *Server) postAvailability(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Account string `json:"account"`
		SKU     string `json:"sku"`
	}
	if !readControl(w, r, &asked) {
		return
	}
	s.mu.Lock()
	hook, registered := s.hookLocked(asked.Account)
	orders := s.orders
	s.mu.Unlock()
	if !registered || !hook.answers(HookAvailability) {
		complain(w, http.StatusBadRequest, "account %s has no hook for this", asked.Account)
		return
	}
	var told Availability
	_, refused := s.callHook(r.Context(), hook, orders, asked.Account, HookAvailability, map[string]any{"sku_id": asked.SKU}, 0, &told)
	if refused != nil {
		complain(w, refused.status, "%s", refused.message)
		return
	}
	if err := told.check(asked.Account, asked.SKU); err != nil {
		complain(w, http.StatusFailedDependency, "the answer is not as documented: %v", err)
		return
	}
	show(w, told)
}

// Availability is a merchant's answer about one product.
type Availability struct {
	SKU          string `json:"sku_id"`
	Merchant     string `json:"merchant_id"`
	Deleted      bool   `json:"deleted,omitempty"`
	Availability *struct {
		Status   string `json:"status"`
		Quantity *int64 `json:"quantity,omitempty"`
	} `json:"availability,omitempty"`
	Price     *UnitPrice `json:"price,omitempty"`
	SalePrice *UnitPrice `json:"sale_price,omitempty"`
	AsOf      int64      `json:"as_of,omitempty"`
}

// UnitPrice is a price in a merchant's answer.
type UnitPrice struct {
	UnitAmount int64           `json:"unit_amount"`
	Currency   string          `json:"currency"`
	StartDate  json.RawMessage `json:"start_date,omitempty"`
	EndDate    json.RawMessage `json:"end_date,omitempty"`
}

func (a Availability) check(account, sku string) error {
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
