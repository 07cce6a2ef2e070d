package order

import "vitrine/internal/account"

// Endpoint is an address of the merchant's.
type Endpoint = account.Endpoint

// Endpoint is where orders are posted to.
func (f Fulfillment) Endpoint() Endpoint {
	return Endpoint{URL: f.URL, SecretEnv: f.SecretEnv, SecretFile: f.SecretFile}
}
