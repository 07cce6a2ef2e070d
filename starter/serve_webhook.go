package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
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
	body, status := readJSON(w, r, maxEvent)
	if status != http.StatusOK {
		return reception{status, unverified, refusals[status]}
	}
	err := stripeapi.VerifySignature(body, r.Header.Get("Stripe-Signature"), h.secrets, stripeapi.SignatureTolerance, h.now())
	if err != nil {
		reason := signatureReason(err)
		h.logger.DebugContext(r.Context(), "signature refused", "reason", reason)
		return reception{http.StatusBadRequest, unverified, "signature_" + reason}
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

func signatureReason(err error) string {
	var refused *stripeapi.SignatureError
	if errors.As(err, &refused) {
		return string(refused.Reason)
	}
	return "unknown"
}

// refusals are the outcomes of requests whose body is not looked at.
var refusals = map[int]string{
	http.StatusUnsupportedMediaType:  "not_json",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusBadRequest:            "cut_off",
}

// encoded reports whether the body is anything but itself: compressed, for one.
func encoded(h http.Header) bool {
	for _, line := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return true
			}
		}
	}
	return false
}

// readJSON reads a body that says it is JSON, up to a limit. Without http.StatusOK there is none.
func readJSON(w http.ResponseWriter, r *http.Request, most int64) ([]byte, int) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || encoded(r.Header) {
		return nil, http.StatusUnsupportedMediaType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge
	case err != nil:
		return nil, http.StatusBadRequest
	}
	return body, http.StatusOK
}
