package simcontrol

// Purchase is what an agent is told to buy. All but the account may be left out.
type Purchase struct {
	Account string `json:"account"`
	// Items come from the account's catalog; none means the first product of it that can be bought.
	Items   []Wanted `json:"items,omitempty"`
	Capture string   `json:"capture,omitempty"` // automatic (the default) or manual
	Payment string   `json:"payment,omitempty"` // paid (the default), delayed, declined or abandoned
	Agent   Agent    `json:"agent,omitzero"`
	// Plain makes it a checkout without an agent: no agent details, and no references to the catalog.
	Plain bool `json:"plain,omitempty"`
	// HideAgent leaves out the agent's details alone, which a preview may do.
	HideAgent bool `json:"hide_agent,omitempty"`
	// Hooks calls the merchant's hooks, each HookRepeats times over after the first, with the same body.
	Hooks       bool `json:"hooks,omitempty"`
	HookRepeats int  `json:"hook_repeats,omitempty"`
	// Buyer is Jenny Rosen of South San Francisco if left out.
	Buyer Buyer `json:"buyer,omitzero"`
	// TaxPercent is the rate of all items, until a hook names others.
	TaxPercent float64           `json:"tax_percent,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	// Age is how long ago it was placed and paid; of an authorization, as much of its window is over.
	Age Duration `json:"age,omitempty"`
}

// Agent is who buys.
type Agent struct {
	Name    string `json:"name,omitempty"`
	Profile string `json:"profile,omitempty"` // profile_…
}

// Buyer is for whom.
type Buyer struct {
	Name    string  `json:"name,omitempty"`
	Email   string  `json:"email,omitempty"`
	Phone   string  `json:"phone,omitempty"`
	Address Address `json:"address,omitzero"`
}

// Address is where the goods go.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	State      string `json:"state,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Country    string `json:"country,omitempty"`
}

// Purchased is what became of a purchase.
type Purchased struct {
	Order
	HookCalls []HookCall `json:"hook_calls"`
}

// Wanted is a product that an agent wants.
type Wanted struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity,omitempty"` // 0: one
	// Price, such as "15.00 USD", is what the agent believes that the product costs; empty means what the catalog says.
	// With a price the catalog need not have the product: an agent may know an older catalog.
	Price string `json:"price,omitempty"`
}
