package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vitrine/internal/feed"
)

// MinInterval is how often Stripe takes an update of a catalog
// (https://docs.stripe.com/connect/saas/tasks/enable-in-context-selling-on-ai-agents).
const MinInterval = 15 * time.Minute

// Settings are an account's own settings, kept as accounts/<account>.json in the state bucket. Activities read them
// at every run and never copy them into a workflow's input, so a change holds from the next run on. An account
// without a document has the default settings.
type Settings struct {
	Account      string      `json:"account"`
	Feeds        []feed.Kind `json:"feeds,omitempty"`         // empty: product
	Every        Interval    `json:"every,omitzero"`          // zero: MinInterval
	SourceBucket string      `json:"source_bucket,omitempty"` // empty: the deployment's
	SourceKey    string      `json:"source_key,omitempty"`    // template with {account} and {feed}; empty: the deployment's
}

// Check returns every problem of the settings, joined.
func (s Settings) Check() error {
	errs := []error{CheckAccount(s.Account)}
	for _, k := range s.Feeds {
		if _, err := feed.ParseKind(string(k)); err != nil {
			errs = append(errs, err)
		}
	}
	if s.Every != 0 {
		errs = append(errs, CheckInterval(time.Duration(s.Every)))
	}
	if s.SourceKey != "" {
		errs = append(errs, CheckSourceKey(s.SourceKey))
	}
	return errors.Join(errs...)
}

// CheckInterval refuses an interval that Stripe does not allow.
func CheckInterval(every time.Duration) error {
	if every < MinInterval {
		return fmt.Errorf("interval %s is too short: Stripe takes an update of a catalog every 15 minutes", every)
	}
	if every > 7*24*time.Hour {
		return fmt.Errorf("interval %s is too long: at most 7 days, or agents sell what is long gone", every)
	}
	return nil
}

// FeedKinds are the feeds to sync, product if none is named.
func (s Settings) FeedKinds() []feed.Kind {
	if len(s.Feeds) == 0 {
		return []feed.Kind{feed.Product}
	}
	return s.Feeds
}

// Interval is a duration that reads and writes as text in JSON: "15m0s".
type Interval time.Duration

// MarshalJSON writes the duration as text.
func (i Interval) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(i).String()) }

// UnmarshalJSON reads what MarshalJSON and people write: "15m", "1h30m".
func (i *Interval) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("interval: expected text such as \"15m\": %w", err)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("interval: %w", err)
	}
	*i = Interval(d)
	return nil
}
