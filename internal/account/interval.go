package account

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// MinInterval is how often Stripe takes an update of a catalog
// (https://docs.stripe.com/connect/saas/tasks/enable-in-context-selling-on-ai-agents).
const MinInterval = 15 * time.Minute

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

// Interval is a duration that reads and writes as text in JSON: "15m0s".
type Interval time.Duration

// String writes the duration as people type it: 15m, 1h30m.
func (i Interval) String() string {
	text := time.Duration(i).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

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
