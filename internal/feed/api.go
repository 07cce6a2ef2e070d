package feed

import "fmt"

// API is one of Stripe's two ways to import a feed.
type API string

const (
	// V1 is the Files API with import sets of the Data Management API: a private preview, files up to 200 MB.
	V1 API = "v1"
	// V2 is the Product Catalog Import API: files up to 4 GB, every feed
	// (https://docs.stripe.com/api/v2/commerce/product-catalog-imports).
	V2 API = "v2"
)

// ParseAPI reads the name of an API.
func ParseAPI(name string) (API, error) {
	switch a := API(name); a {
	case V1, V2:
		return a, nil
	}
	return "", fmt.Errorf("import API %q is not known: expected v1 or v2", name)
}

// Takes reports whether the API has a format for a feed.
func (a API) Takes(k Kind) bool { return a == V2 || k == Product || k == Inventory }

// For is the API that a feed is imported by: this one if it takes the feed, otherwise V2.
func (a API) For(k Kind) API {
	if a.Takes(k) {
		return a
	}
	return V2
}

// MaxPartBytes is the largest file that the API takes. Stripe says "200 MB" and "4 GB": these are the smaller readings,
// since a file between them might be refused after it was sent.
func (a API) MaxPartBytes() int64 {
	if a == V2 {
		return 4_000_000_000
	}
	return 200_000_000
}
