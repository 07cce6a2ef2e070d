package server

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

// WebhookOptions is what the webhook works with.
type WebhookOptions struct {
	Secrets  []string // of the endpoints that send here; several while one replaces another
	Livemode bool     // whose events are taken
	Deliver  func(context.Context, order.Event) (intake.Outcome, error)
	Metrics  client.MetricsHandler
	Logger   *slog.Logger
}

// Webhook receives Stripe's events: POST /webhooks/stripe. Whatever it answers with 2xx, Stripe does not send again.
type Webhook struct {
	WebhookOptions
	within time.Duration
	slots  Slots
	now    func() time.Time
}

// NewWebhook is the handler for Stripe's events.
func NewWebhook(o WebhookOptions) *Webhook {
	return &Webhook{WebhookOptions: o, within: deliverWithin, slots: NewSlots(maxEvents), now: time.Now}
}

// reception is what became of a request: what Stripe is told, and what is counted.
type reception struct {
	status  int
	kind    string // of the event; one of intake.EventTypes, or other, or unverified
	outcome string
}

// ServeHTTP takes an event: 200 only once it is delivered or nobody wants it.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	got := h.receive(w, r)
	labels := h.Metrics.WithTags(map[string]string{"type": got.kind, "outcome": got.outcome})
	labels.Counter("vitrine_webhook_events_total").Inc(1)
	duration := h.Metrics.WithTags(map[string]string{"outcome": got.outcome}).Timer("vitrine_webhook_duration_seconds")
	duration.Record(time.Since(began))
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
func (h *Webhook) receive(w http.ResponseWriter, r *http.Request) reception {
	const unverified = "unverified"
	body, status, refusal := receiveSigned(w, r, maxEvent, h.Secrets, h.now())
	if status != http.StatusOK {
		h.Logger.DebugContext(r.Context(), "webhook refused", "reason", refusal)
		return reception{status, unverified, refusal}
	}
	event, err := stripeapi.DecodeEvent(body)
	if err != nil {
		h.Logger.WarnContext(r.Context(), "a signed webhook is no event", "error", err)
		return reception{http.StatusBadRequest, "other", "unreadable"}
	}
	return h.take(r.Context(), event)
}

// take acknowledges what is none of ours: an endpoint may get more types than it needs, and one for live events of
// connected accounts gets those of their sandboxes too.
func (h *Webhook) take(ctx context.Context, event order.Event) reception {
	switch {
	case !slices.Contains(intake.EventTypes(), event.Type):
		return reception{http.StatusOK, "other", "other_type"}
	case event.Livemode != h.Livemode:
		return reception{http.StatusOK, event.Type, "other_mode"}
	}
	if !h.slots.Take() {
		return reception{http.StatusServiceUnavailable, event.Type, "busy"}
	}
	defer h.slots.Leave()
	ctx, cancel := context.WithTimeout(ctx, h.within)
	defer cancel()
	outcome, err := h.Deliver(ctx, event)
	log := h.Logger.With("event", event.ID, "type", event.Type, "account", event.Account, "object", event.Object)
	switch {
	case outcome == intake.Undeliverable:
		// Stripe disables an endpoint that fails for days, and with it everybody's orders. The sweep stops at the
		// account, and goes on from there.
		log.ErrorContext(ctx, "event not delivered, and never will be by Stripe's trying again: "+
			"the sweep delivers it once the cause is gone", "error", err)
	case outcome == intake.NotAwaited && err != nil:
		log.WarnContext(ctx, "a sync does not hear of its import's end, and looks itself", "error", err)
	case err != nil:
		log.WarnContext(ctx, "event not delivered; Stripe sends it again", "error", err)
		return reception{http.StatusServiceUnavailable, event.Type, "failed"}
	case outcome == intake.ChargesDisabled:
		log.WarnContext(ctx,
			"Stripe lets the account take no charges: no agent can pay it until that is mended at Stripe")
	case outcome == intake.Parking:
		log.WarnContext(ctx, "the account has disconnected from the platform, and is parked")
	default:
		log.InfoContext(ctx, "event", "outcome", outcome)
	}
	return reception{http.StatusOK, event.Type, string(outcome)}
}
