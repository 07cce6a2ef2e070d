package bench

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"vitrine/internal/order"
)

// buying has somebody buy so often, until what it returns is called: that waits for the orders' merchant to have them
// all, and says how long each took to get there.
func (f *measuredFleet) buying(every time.Duration) (ended func() map[string]any) {
	f.Helper()
	done := make(chan struct{})
	at := map[string]time.Time{}
	var failed error
	var all sync.WaitGroup
	all.Go(func() {
		http := newClient()
		defer http.CloseIdleConnections()
		tick := time.NewTicker(every)
		defer tick.Stop()
		for len(f.orders) >= 2 && failed == nil {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			events := f.orders[:2]
			f.orders = f.orders[2:]
			began := time.Now()
			for _, event := range events {
				failed = errors.Join(failed, post(http, f.server, event))
			}
			for _, event := range events {
				if id := sessionOf(event); id != "" {
					at[id] = began
				}
			}
		}
	})
	return func() map[string]any {
		f.Helper()
		close(done)
		all.Wait()
		require.NoError(f, failed)
		var took []time.Duration
		for id, began := range at {
			took = append(took, f.submitted(id).Sub(began))
		}
		return map[string]any{"orders": len(took), "submitted p50/p99/max": quantiles(took)}
	}
}

// sessionOf is the checkout session that an event is about; empty: it is about something else.
func sessionOf(event []byte) string {
	var e struct {
		Type string
		Data struct{ Object struct{ ID string } }
	}
	if json.Unmarshal(event, &e) != nil || e.Type != "checkout.session.completed" {
		return ""
	}
	return e.Data.Object.ID
}

// submitted is when an order's merchant had it.
func (f *measuredFleet) submitted(session string) (at time.Time) {
	f.Helper()
	id := order.ID{Account: account, Session: session}.String()
	require.Eventually(f, func() bool {
		var submitting int64
		history := f.temporal.GetWorkflowHistory(f.Context(), id, "", false,
			enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for history.HasNext() {
			event, err := history.Next()
			require.NoError(f, err)
			if event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "SubmitOrder" {
				submitting = event.GetEventId()
			}
			if completed := event.GetActivityTaskCompletedEventAttributes(); completed != nil && submitting > 0 &&
				completed.GetScheduledEventId() == submitting {
				at = event.GetEventTime().AsTime()
			}
		}
		return !at.IsZero()
	}, 10*time.Minute, 100*time.Millisecond)
	return at
}
