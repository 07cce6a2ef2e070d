package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"go.temporal.io/sdk/client"

	"vitrine/internal/intake"
	"vitrine/internal/order"
	"vitrine/internal/stripeapi"
)

// maxEvent is far above what Stripe sends: an event holds one object, without its lists.
const maxEvent = 512 << 10

// webhook receives Stripe's events. Whatever it answers with 2xx, Stripe does not send again.
type webhook struct {
	secrets  []string
	livemode bool
	deliver  func(context.Context, order.Event) (intake.Outcome, error)
	within   time.Duration
	slots    slots
	now      func() time.Time
	metrics  client.MetricsHandler
	logger   *slog.Logger
}

// reception is what became of a request: what Stripe is told, and what is counted.
type reception struct {
	status  int
	kind    string // of the event; one of order.EventTypes, or other, or unverified
	outcome string
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	got := h.receive(w, r)
	labels := h.metrics.WithTags(map[string]string{"type": got.kind, "outcome": got.outcome})
	labels.Counter("vitrine_webhook_events").Inc(1)
	h.metrics.WithTags(map[string]string{"outcome": got.outcome}).Timer("vitrine_webhook_duration").Record(time.Since(began))
	if got.outcome == "busy" {
		w.Header().Set("Retry-After", "1")
	}
	if got.status != http.StatusOK {
		http.Error(w, http.StatusText(got.status), got.status)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, got.outcome+"\n") // Stripe's dashboard shows it
}

// receive trusts nothing in the body before its signature fits.
func (h *webhook) receive(w http.ResponseWriter, r *http.Request) reception {
	const unverified = "unverified"
	body, status, refusal := receiveSigned(w, r, maxEvent, h.secrets, h.now())
	if status != http.StatusOK {
		h.logger.DebugContext(r.Context(), "webhook refused", "reason", refusal)
		return reception{status, unverified, refusal}
	}
	event, err := stripeapi.DecodeEvent(body)
	if err != nil {
		h.logger.WarnContext(r.Context(), "a signed webhook is no event", "error", err)
		return reception{http.StatusBadRequest, "other", "unreadable"}
	}
	return h.take(r.Context(), event)
}

// take acknowledges what is none of ours: an endpoint may get more types than it needs, and one for live events of
// connected accounts gets those of their sandboxes too.
func (h *webhook) take(ctx context.Context, event order.Event) reception {
	switch {
	case !slices.Contains(order.EventTypes(), event.Type):
		return reception{http.StatusOK, "other", "other_type"}
	case event.Livemode != h.livemode:
		return reception{http.StatusOK, event.Type, "other_mode"}
	}
	if !h.slots.take() {
		return reception{http.StatusServiceUnavailable, event.Type, "busy"}
	}
	defer h.slots.leave()
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	outcome, err := h.deliver(ctx, event)
	log := h.logger.With("event", event.ID, "type", event.Type, "account", event.Account, "object", event.Object)
	switch {
	case outcome == intake.Undeliverable:
		// Stripe disables an endpoint that fails for days, and with it everybody's orders. The sweep stops at the account, and
		// goes on from there.
		log.ErrorContext(ctx, "event not delivered, and never will be by Stripe's trying again: the sweep delivers it once the cause is gone", "error", err)
	case err != nil:
		log.WarnContext(ctx, "event not delivered; Stripe sends it again", "error", err)
		return reception{http.StatusServiceUnavailable, event.Type, "failed"}
	default:
		log.InfoContext(ctx, "event", "outcome", outcome)
	}
	return reception{http.StatusOK, event.Type, string(outcome)}
}
