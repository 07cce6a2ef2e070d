package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"vitrine/internal/assortment"
	"vitrine/internal/catalog"
	"vitrine/internal/checkout"
	"vitrine/internal/order"
	"vitrine/internal/stripeapi"
)

const (
	maxHookBytes = 256 << 10
	// hookDeadline is what an answer may take; Stripe waits four seconds and then declines the payment.
	hookDeadline = 2 * time.Second
)

// hookOptions is what the hooks answer by.
type hookOptions struct {
	Secrets    []string // of the Agentic Commerce endpoints; several while one replaces another
	Approve    bool     // what is answered when nothing is known
	CacheBytes int64    // of assortments

	Documents assortment.Documents
	Settings  func(ctx context.Context, account string) (order.Settings, error)
	// Merchant has the last word on what would be approved; nil if none is asked.
	Merchant merchantApproval
	Now      func() time.Time
	Log      *slog.Logger
	// Count is told of every answer; nil if nobody counts.
	Count func(hook, outcome string, took time.Duration)
}

// merchantApproval asks the merchant whether a cart may be sold. It answers within ctx, or with an error: then what the
// assortment says holds.
type merchantApproval interface {
	ApproveCheckout(ctx context.Context, account string, r checkout.Request) (approved bool, reason string, err error)
}

// hooks answers Stripe's synchronous hooks: POST /hooks/stripe.
type hooks struct {
	hookOptions
	assortments *assortment.Store[*assortment.Index]
	settings    *assortment.Store[order.Settings]
	holds       *assortment.Holds
	answers     *answers
}

// newHooks is the handler for Stripe's synchronous hooks.
func newHooks(o hookOptions) http.Handler {
	lost := func(account string, err error) {
		o.Log.Warn("hooks cannot read what they answer by", "account", account, "error", err)
	}
	return &hooks{
		hookOptions: o,
		assortments: assortment.NewStore(o.Documents.Assortments(o.CacheBytes), o.CacheBytes, o.Now, lost),
		settings:    assortment.NewStore(loadOrderSettings(o.Settings), maxSettingsBytes, o.Now, lost),
		holds:       assortment.NewHolds(o.Now),
		answers:     newAnswers(o.Now),
	}
}

const (
	maxSettingsBytes = 16 << 20
	settingsBytes    = 4 << 10 // of one account's, generously
)

func loadOrderSettings(read func(context.Context, string) (order.Settings, error)) assortment.Load[order.Settings] {
	return func(ctx context.Context, account, _ string) (order.Settings, string, int64, error) {
		s, err := read(ctx, account)
		return s, "", settingsBytes, err
	}
}

// hookEvent is the envelope that all hooks share.
type hookEvent struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Context string          `json:"context"` // the connected account
	Data    json.RawMessage `json:"data"`
}

// ServeHTTP trusts nothing before the signature is verified on the bytes as they came, and tells a stranger nothing.
func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := h.Now()
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, began, http.StatusMethodNotAllowed, "method")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHookBytes))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			h.refuse(w, began, http.StatusRequestEntityTooLarge, "too_large")
		} else {
			h.refuse(w, began, http.StatusBadRequest, "unreadable")
		}
		return
	}
	if err := stripeapi.VerifySignature(body, r.Header.Get("Stripe-Signature"), h.Secrets, stripeapi.SignatureTolerance, began); err != nil {
		var why *stripeapi.SignatureError
		reason := "signature"
		if errors.As(err, &why) {
			reason += "_" + string(why.Reason)
		}
		h.refuse(w, began, http.StatusBadRequest, reason)
		return
	}
	var e hookEvent
	if err := json.Unmarshal(body, &e); err != nil || e.ID == "" || len(e.ID) > 255 || e.Type == "" {
		h.refuse(w, began, http.StatusBadRequest, "malformed")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), hookDeadline)
	defer cancel()
	a, again := h.answers.once(ctx, e.Context+" "+e.ID, func() answer { return h.answer(ctx, e) })
	if again {
		a.outcome = "again"
	}
	h.write(w, began, hookName(e.Type), a)
}

// hookName keeps what strangers to this code are called out of the counters' labels.
func hookName(kind string) string {
	switch kind {
	case checkout.FinalizeType:
		return "finalize"
	case checkout.CustomizeType:
		return "customize"
	case checkout.AvailabilityType:
		return "availability"
	}
	return "unknown"
}

func (h *hooks) refuse(w http.ResponseWriter, began time.Time, status int, outcome string) {
	h.write(w, began, "refused", answer{status: status, outcome: outcome})
}

func (h *hooks) write(w http.ResponseWriter, began time.Time, hook string, a answer) {
	if len(a.body) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
	if h.Count != nil {
		h.Count(hook, a.outcome, h.Now().Sub(began))
	}
}

// answer is what a hook is answered; outcome says it in a word, for counters.
type answer struct {
	status  int
	body    []byte
	outcome string
}

func jsonAnswer(outcome string, v any) answer {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return answer{status: http.StatusInternalServerError, outcome: "encoding"}
	}
	return answer{http.StatusOK, bytes.TrimSpace(b.Bytes()), outcome}
}

// answer decides. A type that this code does not know gets an empty object: it leaves everything as it is, where an error
// would end the checkout.
func (h *hooks) answer(ctx context.Context, e hookEvent) answer {
	switch e.Type {
	case checkout.FinalizeType:
		return h.finalize(ctx, e)
	case checkout.CustomizeType:
		return h.customize(ctx, e)
	case checkout.AvailabilityType:
		return h.availability(ctx, e)
	}
	return jsonAnswer("unknown_type", struct{}{})
}

// assortment is that of the account; nil if nothing is known.
func (h *hooks) assortment(ctx context.Context, account string) *assortment.Index {
	if catalog.CheckAccount(account) != nil {
		return nil
	}
	x, _ := h.assortments.Get(ctx, account)
	return x
}
