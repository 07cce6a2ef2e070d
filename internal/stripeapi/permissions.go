package stripeapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"vitrine/internal/drift"
	"vitrine/internal/feed"
)

// Permission is something that a key has to be allowed, tried by a read that finds little and changes nothing. What it
// may write shows when it is used.
type Permission struct {
	Name  string // of the resource, as the dashboard calls it for restricted keys
	Needs string // what the key has to be allowed: read or write
	path  string
	query url.Values
	api   version
}

type version int

const (
	ordersVersion version = iota
	importsVersion
	catalogsVersion
)

// nothing is the id of an import that nobody made: that Stripe does not know it shows that it was asked.
const nothing = "impset_none"

// ImportPermissions are what imports by an API take; the last one exists for those who have access to the preview.
func ImportPermissions(api feed.API) []Permission {
	one := url.Values{"limit": {"1"}}
	if api == feed.V2 {
		return []Permission{{"Product Catalog Imports", "write", catalogImportsPath, one, catalogsVersion}}
	}
	return []Permission{
		{"Files", "write", "/v1/files", one, importsVersion},
		{"Data management", "write", importSetsPath + "/" + nothing, nil, importsVersion},
	}
}

// OrderPermissions are what orders take.
func OrderPermissions() []Permission {
	one := url.Values{"limit": {"1"}}
	return []Permission{
		{"Checkout Sessions", "read", sessionsPath, one, ordersVersion},
		{"Events", "read", "/v1/events", one, ordersVersion},
		{"PaymentIntents", "write", "/v1/payment_intents/pi_none", nil, ordersVersion},
		{"Charges and Refunds", "write", "/v1/refunds", one, ordersVersion},
		{"Disputes", "write", "/v1/disputes", one, ordersVersion},
	}
}

// AuditPermissions are what audits take, which look for drift.
func AuditPermissions() []Permission {
	return []Permission{{"Reporting", "write", reportTypesPath + "/" + drift.ReportType, nil, importsVersion}}
}

// MayRead tries a permission for a connected account, or for the platform itself if account is empty. An error that is
// fault.StripeForbidden says that the key may not, another permanent one that there is no such thing for it: a preview
// that the account is not in, or a version that Stripe does not know.
func (c *Client) MayRead(ctx context.Context, account string, p Permission) error {
	if account != "" {
		if err := checkAccount(account); err != nil {
			return err
		}
	}
	path := p.path
	if len(p.query) > 0 {
		path += "?" + p.query.Encode()
	}
	params := c.params(account, map[version]string{
		ordersVersion: c.options.OrdersVersion, importsVersion: c.options.Version, catalogsVersion: c.options.V2Version,
	}[p.api])
	if account == "" {
		params.StripeAccount = nil
	}
	response, err := c.raw(ctx, "try "+p.Name, http.MethodGet, path, "", params)
	if err == nil { // a page of a proxy allows nothing
		if err := decodeObject(response.RawJSON, &struct{}{}); err != nil {
			return unreadable("try "+p.Name, response, err)
		}
		return nil
	}
	if said := new(Error); errors.As(err, &said) && said.Status == http.StatusNotFound &&
		said.Code == "resource_missing" {
		return nil
	}
	return withoutMessage(err)
}
