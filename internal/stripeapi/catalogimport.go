package stripeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/stripe/stripe-go/v83"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
	"vitrine/internal/feed"
)

const catalogImportsPath = "/v2/commerce/product_catalog/imports"

var catalogImportID = regexp.MustCompile(`^pcimprt_[A-Za-z0-9_-]{1,250}$`)

// ProductCatalogImports is Stripe's second way to import a feed: an import of the Product Catalog Import API, which
// asks for the bytes at a signed URL and starts as soon as it has them
// (https://docs.stripe.com/api/v2/commerce/product-catalog-imports).
type ProductCatalogImports struct{ client *Client }

// V2 is the way that [feed.V2] names.
func (c *Client) V2() *ProductCatalogImports { return &ProductCatalogImports{client: c} }

// Upload creates an import, streams the part to it and returns its id: with the last byte, Stripe starts to process it.
//
// A retry under the same idempotency key finds the import that an earlier try created (Stripe remembers the key for 30
// days) and sends the part only if that import still waits for it. If it has failed meanwhile, or its URL has expired
// for good, the error is StripeKeySpent: it never gets anywhere, and only another key makes another one.
//
// As with V1, one read of u.Body may still be under way when Upload returns early.
func (p *ProductCatalogImports) Upload(ctx context.Context, u catalog.Upload) (string, error) {
	if err := errors.Join(checkUpload(u), checkFeedType(u.Feed), checkMode(u)); err != nil {
		return "", err
	}
	imp, err := p.begin(ctx, u)
	if err != nil {
		return "", err
	}
	switch url := imp.Details.AwaitingUpload.UploadURL; {
	case imp.status() == catalog.StatusFailed:
		return "", keySpent(imp.ID, "failed: "+imp.failedReason(p.client.redactor))
	case !imp.awaitsUpload():
		return imp.ID, nil // an earlier try has sent it, and did not live to hear so
	case url.Address == "":
		return "", unavailable(&Error{Message: "import " + imp.ID + " awaits its upload, but has no URL for it"})
	case url.expired(imp.at):
		return "", keySpent(imp.ID, "never got its upload, and its URL has expired")
	default:
		if err := p.client.put(ctx, u, url); err != nil {
			return "", err
		}
		return imp.ID, nil
	}
}

func checkFeedType(k feed.Kind) error {
	if _, err := feed.ParseKind(string(k)); err != nil || k == "" {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("%.40q is not the type of a feed", string(k)))
	}
	return nil
}

func checkMode(u catalog.Upload) error {
	switch {
	case u.Mode == "" || u.Mode == catalog.Upsert:
		return nil
	case u.Mode != catalog.Replace:
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("%.40q is not the mode of an import", string(u.Mode)))
	case u.Feed != feed.Product:
		return fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("the %s feed cannot be replaced, only the product feed can", u.Feed))
	}
	return nil
}

func keySpent(id, why string) error {
	return fault.NewPermanent(fault.StripeKeySpent, &Error{
		Replayed: true,
		Message: "import " + id + ", which belongs to this idempotency key, " + why +
			"; only a new attempt with a new key can succeed",
	})
}

// begin creates the import, or finds the one that an earlier try created. What Stripe replays is that import as it was
// at its beginning, so it is read anew.
func (p *ProductCatalogImports) begin(ctx context.Context, u catalog.Upload) (catalogImport, error) {
	mode := u.Mode
	if mode == "" {
		mode = catalog.Upsert
	}
	content, err := json.Marshal(struct {
		FeedType feed.Kind         `json:"feed_type"`
		Mode     catalog.Mode      `json:"mode"`
		Metadata map[string]string `json:"metadata"`
	}{u.Feed, mode, map[string]string{}})
	if err != nil {
		return catalogImport{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("create product catalog import: %w", err))
	}
	params := p.client.params(u.Account, p.client.options.V2Version)
	params.IdempotencyKey = stripe.String(u.IdempotencyKey)
	created, err := p.call(ctx, "create product catalog import", http.MethodPost, catalogImportsPath, string(content),
		params)
	if err != nil {
		return catalogImport{}, err
	}
	if created.replayed || created.Details.AwaitingUpload.UploadURL.expired(created.at) {
		return p.read(ctx, u.Account, created.ID)
	}
	return created, nil
}

// CreateImport reads the import, which the upload has started. Neither the feed nor the key matter any more.
func (p *ProductCatalogImports) CreateImport(
	ctx context.Context, id catalog.ID, uploaded, _ string,
) (catalog.Import, error) {
	return p.Import(ctx, id.Account, uploaded)
}

// Import reads an import.
func (p *ProductCatalogImports) Import(ctx context.Context, account, id string) (catalog.Import, error) {
	imp, err := p.read(ctx, account, id)
	if err != nil {
		return catalog.Import{}, err
	}
	return imp.outcome(p.client.redactor), nil
}

// Refused streams the rows that an import refused, by the import's id: the URL of the file lives for five minutes, so
// every call asks for a new one. Stripe does not say which columns the file has; it is taken to be like V1's, with
// stripe_error_message before the columns of the feed.
func (p *ProductCatalogImports) Refused(ctx context.Context, account, errorFile string) (io.ReadCloser, error) {
	imp, err := p.read(ctx, account, errorFile)
	if err != nil {
		return nil, err
	}
	file := imp.errorFile()
	if file == nil || file.DownloadURL.Address == "" {
		return nil, fault.NewPermanent(fault.StripeRejected, &Error{
			Message: fmt.Sprintf("import %s, which is %q, has no file of refused rows", imp.ID,
				p.client.redactor.clean(string(imp.Status))),
		})
	}
	return p.client.download(ctx, "read the refused rows of import "+imp.ID, file.DownloadURL)
}

func (p *ProductCatalogImports) read(ctx context.Context, account, id string) (catalogImport, error) {
	if err := checkAccount(account); err != nil {
		return catalogImport{}, err
	}
	if !catalogImportID.MatchString(id) {
		return catalogImport{}, fault.NewPermanent(fault.InputInvalid,
			fmt.Errorf("%.40q is not the id of a product catalog import (pcimprt_…)", id))
	}
	params := p.client.params(account, p.client.options.V2Version)
	imp, err := p.call(ctx, "read product catalog import "+id, http.MethodGet, catalogImportsPath+"/"+id, "", params)
	if err != nil {
		return catalogImport{}, err
	}
	return imp, checkAnswered(id, imp.ID)
}

func (p *ProductCatalogImports) call(
	ctx context.Context, doing, method, path, content string, params stripe.Params,
) (catalogImport, error) {
	response, err := p.client.raw(ctx, doing, method, path, content, params)
	if err != nil {
		return catalogImport{}, err
	}
	imp, err := decodeCatalogImport(response.RawJSON, p.client.redactor)
	if err != nil {
		return catalogImport{}, unreadable(doing, response, err)
	}
	imp.replayed = response.Header.Get("Idempotent-Replayed") == "true"
	if imp.at, err = http.ParseTime(response.Header.Get("Date")); err != nil {
		imp.at = time.Now()
	}
	return imp, nil
}
