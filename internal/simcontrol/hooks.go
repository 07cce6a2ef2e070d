package simcontrol

import (
	"encoding/json"
	"time"
)

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

// The hooks of a merchant.
const (
	HookCustomize    = "v1.delegated_checkout.customize_checkout"
	HookFinalize     = "v1.delegated_checkout.finalize_checkout"
	HookAvailability = "delegated_commerce.product_price_availability"
)

// Hook is where a merchant answers synchronously.
type Hook struct {
	Account string   `json:"account"` // empty: all that have none of their own
	URL     string   `json:"url"`     // empty takes the hook away
	Secret  string   `json:"secret"`
	Types   []string `json:"types,omitempty"` // those it answers; empty means all
}

// HookCall is one call of a hook.
type HookCall struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Account  string          `json:"account"`
	At       time.Time       `json:"at"`
	Status   int             `json:"status"` // 0: no answer
	Error    string          `json:"error,omitempty"`
	Seconds  float64         `json:"seconds"`
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response,omitempty"` // if it is JSON
}
