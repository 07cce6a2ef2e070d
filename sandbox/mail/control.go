package mail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Control drives a mail catcher over HTTP, wherever it runs.
type Control struct {
	BaseURL string
}

// Mails are the mails that match, the oldest first.
func (c Control) Mails(ctx context.Context, m Match) ([]Mail, error) {
	return fetch[Mail](ctx, c, "/_sim/mails?"+url.Values{"from": {m.From}, "to": {m.To}}.Encode())
}

// Page is where a browser finds a mail.
func (c Control) Page(m Mail) string { return fmt.Sprintf("%s/mails/%d", c.BaseURL, m.ID) }

// AddFault arms a fault.
func (c Control) AddFault(ctx context.Context, f Fault) (ArmedFault, error) {
	var armed ArmedFault
	err := c.call(ctx, http.MethodPost, "/_sim/faults", f, &armed)
	return armed, err
}

// Faults lists the armed faults and how often each one struck.
func (c Control) Faults(ctx context.Context) ([]ArmedFault, error) {
	return fetch[ArmedFault](ctx, c, "/_sim/faults")
}

// ClearFaults disarms all faults.
func (c Control) ClearFaults(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/_sim/faults", nil, &struct{}{})
}

func fetch[T any](ctx context.Context, c Control, path string) ([]T, error) {
	var page struct {
		Data []T `json:"data"`
	}
	err := c.call(ctx, http.MethodGet, path, nil, &page)
	return page.Data, err
}

func (c Control) call(ctx context.Context, method, path string, body, into any) error {
	payload, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("mail catcher: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, bytes.NewReader(payload))
	if err != nil {
		return fmt.Errorf("mail catcher: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("mail catcher: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(response.Body, maxBytes))
		return fmt.Errorf("mail catcher: %s: %s", response.Status, bytes.TrimSpace(reason))
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("mail catcher: read the answer: %w", err)
	}
	return nil
}
