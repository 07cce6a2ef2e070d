package simcontrol

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Client drives an emulator over HTTP, wherever it runs.
type Client struct {
	BaseURL string
	Client  *http.Client // nil means http.DefaultClient
}

// AddFault arms a fault.
func (c Client) AddFault(ctx context.Context, f Fault) (ArmedFault, error) {
	var armed ArmedFault
	err := c.call(ctx, http.MethodPost, "/_sim/faults", f, &armed)
	return armed, err
}

// Faults lists the armed faults and how often each one struck.
func (c Client) Faults(ctx context.Context) ([]ArmedFault, error) {
	return fetch[ArmedFault](ctx, c, "/_sim/faults")
}

// ClearFaults disarms all faults.
func (c Client) ClearFaults(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/_sim/faults", nil, nil)
}

// Catalog reads the whole catalog of an account, ordered by id.
func (c Client) Catalog(ctx context.Context, account string) ([]Product, error) {
	products := []Product{}
	after := ""
	for {
		page, err := c.CatalogPage(ctx, account, after, MaxPage)
		if err != nil {
			return nil, err
		}
		products = append(products, page.Products...)
		if len(page.Products) < MaxPage {
			return products, nil
		}
		after = products[len(products)-1].ID
	}
}

// CatalogPage reads up to limit products of an account whose id comes behind after.
func (c Client) CatalogPage(ctx context.Context, account, after string, limit int) (Catalog, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("after", after)
	}
	var page Catalog
	err := c.call(ctx, http.MethodGet, "/_sim/accounts/"+url.PathEscape(account)+"/catalog?"+query.Encode(), nil, &page)
	return page, err
}

// Product reads one product of an account; found is false if there is none with this id.
func (c Client) Product(ctx context.Context, account, id string) (product Product, found bool, err error) {
	path := "/_sim/accounts/" + url.PathEscape(account) + "/catalog/" + url.PathEscape(id)
	err = c.call(ctx, http.MethodGet, path, nil, &product)
	if failed, ok := err.(*Error); ok && failed.Status == http.StatusNotFound {
		return Product{}, false, nil
	}
	return product, err == nil, err
}

// PutProduct changes or adds a product of an account behind everybody's back; row has its columns.
func (c Client) PutProduct(ctx context.Context, account, id string, row map[string]string) error {
	return c.call(ctx, http.MethodPost, "/_sim/accounts/"+url.PathEscape(account)+"/catalog/"+url.PathEscape(id), row,
		nil)
}

// DeleteProduct takes a product of an account away behind everybody's back.
func (c Client) DeleteProduct(ctx context.Context, account, id string) error {
	return c.call(ctx, http.MethodDelete, "/_sim/accounts/"+url.PathEscape(account)+"/catalog/"+url.PathEscape(id), nil,
		nil)
}

// Promotions lists the promotions of an account, ordered by id.
func (c Client) Promotions(ctx context.Context, account string) ([]Promotion, error) {
	return fetch[Promotion](ctx, c, "/_sim/accounts/"+url.PathEscape(account)+"/promotions")
}

// Files lists the files of an account, or of all if account is empty.
func (c Client) Files(ctx context.Context, account string) ([]File, error) {
	return fetch[File](ctx, c, "/_sim/files?account="+url.QueryEscape(account))
}

// Imports lists the imports, by either API, of an account, or of all if account is empty.
func (c Client) Imports(ctx context.Context, account string) ([]Import, error) {
	return fetch[Import](ctx, c, "/_sim/imports?account="+url.QueryEscape(account))
}

// Requests lists the calls for an account, or all if account is empty.
func (c Client) Requests(ctx context.Context, account string) ([]Request, error) {
	return fetch[Request](ctx, c, "/_sim/requests?account="+url.QueryEscape(account))
}

// Stats counts what the emulator saw.
func (c Client) Stats(ctx context.Context) (Stats, error) {
	var stats Stats
	err := c.call(ctx, http.MethodGet, "/_sim/stats", nil, &stats)
	return stats, err
}

// SetImportDelay changes how long imports that are created from now on stay pending.
func (c Client) SetImportDelay(ctx context.Context, delay time.Duration) error {
	return c.call(ctx, http.MethodPost, "/_sim/settings", map[string]Duration{"import_delay": Duration(delay)}, nil)
}

// RevokeKey makes the emulator answer a key with 401.
func (c Client) RevokeKey(ctx context.Context, key string) error {
	return c.call(ctx, http.MethodPost, "/_sim/keys/revoke", map[string]string{"key": key}, nil)
}

// Reset makes the emulator forget everything.
func (c Client) Reset(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/_sim/reset", struct{}{}, nil)
}

// Error is an answer of the control API that refuses.
type Error struct {
	Status  int
	Code    string // of a purchase that was refused, such as out_of_stock
	Message string
}

// Error is the emulator's message with its status.
func (e *Error) Error() string {
	return fmt.Sprintf("stripe emulator: %s (HTTP %d)", e.Message, e.Status)
}

func fetch[T any](ctx context.Context, c Client, path string) ([]T, error) {
	var page struct {
		Data []T `json:"data"`
	}
	err := c.call(ctx, http.MethodGet, path, nil, &page)
	return page.Data, err
}

func (c Client) call(ctx context.Context, method, path string, body, into any) error {
	var payload io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("stripe emulator: encode: %w", err)
		}
		payload = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, payload)
	if err != nil {
		return fmt.Errorf("stripe emulator: %w", err)
	}
	client := c.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("stripe emulator: %w", err)
	}
	defer response.Body.Close()
	return readAnswer(response, into)
}

func readAnswer(response *http.Response, into any) error {
	if response.StatusCode != http.StatusOK {
		var refusal struct {
			Error string `json:"error"`
			Code  string `json:"code"`
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
			refusal.Error = "answer without a reason"
		}
		return &Error{Status: response.StatusCode, Code: refusal.Code, Message: refusal.Error}
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("stripe emulator: read the answer: %w", err)
	}
	return nil
}
