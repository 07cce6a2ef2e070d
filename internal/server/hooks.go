package server

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"regexp"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"vitrine/internal/assortment"
	"vitrine/internal/checkout"
	"vitrine/internal/order"
	"vitrine/internal/strictjson"
	"vitrine/internal/stripeapi"
)

const (
	maxHookBytes = 256 << 10
	// hookDeadline is what an answer may take; Stripe waits four seconds and then declines the payment.
	hookDeadline = 2 * time.Second
)

// HookOptions is what the hooks answer by.
type HookOptions struct {
	Secrets    []string // of the Agentic Commerce endpoints; several while one replaces another
	Approve    bool     // what is answered when nothing is known
	CacheBytes int64    // of assortments

	Assortments assortment.Documents
	Settings    func(ctx context.Context, account string) (order.Settings, error)
	Merchants   checkoutMerchants
	Now         func() time.Time
	Log         *slog.Logger
	Count       hookCounts
}

// hookCounts is told of every answer, and of every merchant who was asked for one.
type hookCounts interface {
	answered(hook, outcome string, took time.Duration)
	asked(question order.CheckoutQuestion, outcome string, took time.Duration)
}

// HookMetrics counts as metrics.
type HookMetrics struct{ client.MetricsHandler }

func (m HookMetrics) answered(hook, outcome string, took time.Duration) {
	labels := m.WithTags(map[string]string{"hook": hook, "outcome": outcome})
	labels.Counter("vitrine_hooks_total").Inc(1)
	labels.Timer("vitrine_hook_duration_seconds").Record(took)
}

func (m HookMetrics) asked(question order.CheckoutQuestion, outcome string, took time.Duration) {
	labels := m.WithTags(map[string]string{"question": string(question), "outcome": outcome})
	labels.Timer("vitrine_hook_merchant_duration_seconds").Record(took)
}

// Hooks answers Stripe's synchronous hooks: POST /hooks/stripe.
type Hooks struct {
	HookOptions
	assortments  *assortment.Store[*assortment.Index]
	settings     *assortment.Store[order.Settings]
	sold         *assortment.Store[*assortment.Sold]
	reservations *assortment.Reservations
	answers      *answers
	turns        *turns
	slots        Slots
}

// NewHooks is the handler for Stripe's synchronous hooks.
func NewHooks(o HookOptions) *Hooks {
	lost := func(account string, err error) {
		o.Log.Warn("hooks cannot read what they answer by", "account", account, "error", err)
	}
	return &Hooks{
		HookOptions:  o,
		assortments:  assortment.NewStore(o.Assortments.Assortments(o.CacheBytes), o.CacheBytes, o.Now, lost),
		settings:     assortment.NewStore(loadOrderSettings(o.Settings), maxSettingsBytes, o.Now, lost),
		sold:         assortment.NewStore(o.Assortments.LoadSold, maxSoldBytes, o.Now, lost),
		reservations: assortment.NewReservations(o.Now),
		answers:      newAnswers(o.Now),
		turns:        newTurns(),
		slots:        NewSlots(maxHooks),
	}
}

const (
	maxSettingsBytes = 64 << 20
	maxSoldBytes     = 64 << 20
	settingsBytes    = 4 << 10 // of one account's, generously
)

func loadOrderSettings(read func(context.Context, string) (order.Settings, error)) assortment.Load[order.Settings] {
	return func(ctx context.Context, account, _ string) (order.Settings, string, int64, error) {
		s, err := read(ctx, account)
		return s, "", settingsBytes, err
	}
}

// Warm loads what the first hooks of these accounts would wait for, as far as there is room.
func (h *Hooks) Warm(ctx context.Context, accounts []string) {
	var both sync.WaitGroup
	both.Go(func() { h.settings.Warm(ctx, accounts) })
	both.Go(func() { h.assortments.Warm(ctx, accounts) })
	both.Wait()
}

// hookEvent is the envelope that all hooks share.
type hookEvent struct {
	Type     string          `json:"type"`
	ID       string          `json:"id"`
	Livemode bool            `json:"livemode"`
	Context  string          `json:"context"` // the connected account, or a path that ends with it
	Data     json.RawMessage `json:"data"`

	account string // empty: the context names none
}

// ServeHTTP answers Stripe's synchronous hooks, from memory.
func (h *Hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := h.Now()
	hook, a := h.receive(w, r, began)
	if len(a.body) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
	h.Count.answered(hook, a.outcome, h.Now().Sub(began))
}

// receive trusts nothing before the signature is verified on the bytes as they came, and tells a stranger nothing.
func (h *Hooks) receive(w http.ResponseWriter, r *http.Request, now time.Time) (hook string, a answer) {
	const refused = "refused"
	body, status, refusal := receiveSigned(w, r, maxHookBytes, h.Secrets, now)
	if status != http.StatusOK {
		return refused, noAnswer(status, refusal)
	}
	e, ok := readHook(body)
	if !ok {
		return refused, noAnswer(http.StatusBadRequest, "malformed")
	}
	if !h.slots.Take() {
		w.Header().Set("Retry-After", "1")
		return hookName(e.Type), noAnswer(http.StatusServiceUnavailable, "busy")
	}
	defer h.slots.Leave()
	ctx, cancel := context.WithTimeout(r.Context(), hookDeadline)
	defer cancel()
	a, again := h.answers.once(ctx, e.Context+" "+e.ID, func() answer { return h.answer(ctx, e) })
	if again {
		a.outcome = "again"
	}
	return hookName(e.Type), a
}

// hookIDPattern is what can stand in a header and in an id of ours.
var hookIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

func readHook(body []byte) (e hookEvent, ok bool) {
	err := strictjson.DecodeOpen(body, &e)
	e.account, _ = stripeapi.AccountIn(e.Context)
	return e, err == nil && e.Type != "" && hookIDPattern.MatchString(e.ID)
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

// answer is what a hook is answered; outcome says it in a word, for counters.
type answer struct {
	status  int
	body    []byte
	outcome string
}

func noAnswer(status int, outcome string) answer { return answer{status: status, outcome: outcome} }

func success(outcome string, v any) answer {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return noAnswer(http.StatusInternalServerError, "encoding")
	}
	return answer{http.StatusOK, bytes.TrimSpace(b.Bytes()), outcome}
}

// answer decides. A type that this code does not know gets an empty object: it leaves everything as it is, where an
// error would end the checkout.
func (h *Hooks) answer(ctx context.Context, e hookEvent) answer {
	switch e.Type {
	case checkout.FinalizeType:
		return h.aboutCart(ctx, e, h.finalize)
	case checkout.CustomizeType:
		return h.aboutCart(ctx, e, h.customize)
	case checkout.AvailabilityType:
		return h.availability(ctx, e)
	}
	return success("unknown_type", struct{}{})
}

// assortment is that of the account; nil if nothing is known.
func (h *Hooks) assortment(ctx context.Context, account string) *assortment.Index {
	if account == "" {
		return nil
	}
	h.sold.Expect(account)
	x, _ := h.assortments.Get(ctx, account)
	return h.lessSold(ctx, account, x)
}

// lessSold is an assortment without what was sold since the merchant last said what there is. Who bought it needs no
// reservation any more. What was sold as far as is known counts if that cannot be looked up.
func (h *Hooks) lessSold(ctx context.Context, account string, x *assortment.Index) *assortment.Index {
	sold, _ := h.sold.Get(ctx, account)
	for _, session := range sold.Orders(h.Now()) {
		h.reservations.Release(account, session)
	}
	return x.Less(sold)
}
