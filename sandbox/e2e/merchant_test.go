package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
)

// merchant is a shop system with an endpoint for orders: it verifies signatures by the specification of Standard
// Webhooks, and remembers what it was sent.
type merchant struct {
	url string

	mu       sync.Mutex
	orders   map[string]*delivered // by Webhook-Id
	notices  []order.Notice        // one for each id
	problems []string
	decide   func(order.Document) map[string]any
	faults   float64 // the share of requests that go wrong: half of them before the order is booked, half after
	luck     *rand.Rand
	struck   int
	arrived  chan string // if set: orders that wait here, until whoever sent them gives up
	sequence []string    // ids of what was taken, in order
}

// delivered is an order as the merchant has it.
type delivered struct {
	document order.Document
	answer   map[string]any // the decision, which is taken once
	times    int
	bodies   map[string]bool // different ones
}

func openMerchant(t *testing.T) *merchant {
	t.Helper()
	m := &merchant{orders: map[string]*delivered{}, luck: rand.New(rand.NewPCG(7, 11))}
	served := httptest.NewServer(m)
	t.Cleanup(func() {
		served.CloseClientConnections()
		served.Close()
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, problem := range m.problems {
			t.Errorf("the merchant got %s", problem)
		}
	})
	m.url = served.URL + "/orders"
	return m
}

// decides has the merchant answer orders by a rule; without one they are accepted.
func (m *merchant) decides(rule func(order.Document) map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.decide = rule
}

// answers has the merchant give another answer to the orders that they have, as once their system is repaired.
func (m *merchant) answers(answer map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, had := range m.orders {
		had.answer = answer
	}
}

// away has the merchant answer 503 to everything, or be back.
func (m *merchant) away(is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = map[bool]float64{true: 2}[is]
}

func (m *merchant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // a worker died
	}
	id := r.Header.Get("Webhook-Id")
	if m.arrived != nil && strings.Count(id, "/") == 2 {
		m.arrived <- id
		<-r.Context().Done()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if problem := verify(r.Header, body); problem != "" {
		m.problems = append(m.problems, problem)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if strings.HasPrefix(id, "ping/") {
		return
	}
	fate := m.luck.Float64()
	if fate < m.faults/2 {
		m.struck++
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	answer := m.take(id, body)
	if fate < m.faults {
		m.struck++
		panic(http.ErrAbortHandler) // booked, but nobody hears of it
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// verify is the receiver's side of Standard Webhooks.
func verify(h http.Header, body []byte) (problem string) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(merchantSecret, "whsec_"))
	if err != nil {
		return err.Error()
	}
	at, err := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64)
	if age := time.Since(time.Unix(at, 0)); err != nil || age > 5*time.Minute || age < -time.Minute {
		return "a timestamp that is not now: " + h.Get("Webhook-Timestamp")
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if !slices.Contains(strings.Fields(h.Get("Webhook-Signature")), want) {
		return "a signature that does not fit"
	}
	if h.Get("Idempotency-Key") != h.Get("Webhook-Id") {
		return "an idempotency key that is not the id"
	}
	return ""
}

func (m *merchant) take(id string, body []byte) map[string]any {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		m.problems = append(m.problems, err.Error())
		return nil
	}
	m.sequence = append(m.sequence, id)
	if kind.Type == "notice" {
		return m.note(id, body)
	}
	var document order.Document
	if err := json.Unmarshal(body, &document); err != nil || document.ID != id || kind.Type != "order" {
		m.problems = append(m.problems, fmt.Sprintf("what is no order: %v, %s, %s", err, kind.Type, id))
		return nil
	}
	had := m.orders[id]
	if had == nil {
		had = &delivered{document: document,
			answer: map[string]any{"status": "accepted", "reference": fmt.Sprintf("SO-%d", len(m.orders)+1)},
			bodies: map[string]bool{}}
		if m.decide != nil {
			if answer := m.decide(document); answer != nil {
				had.answer = answer
			}
		}
		m.orders[id] = had
	}
	had.times++
	had.bodies[string(body)] = true
	return had.answer
}

func (m *merchant) note(id string, body []byte) map[string]any {
	var notice order.Notice
	if err := json.Unmarshal(body, &notice); err != nil || notice.Order+"/"+notice.ID != id {
		m.problems = append(m.problems, "a notice that cannot be read: "+id)
		return nil
	}
	if !slices.ContainsFunc(m.notices,
		func(had order.Notice) bool { return had.Order == notice.Order && had.ID == notice.ID }) {
		m.notices = append(m.notices, notice)
	}
	return map[string]any{}
}

// has is the order as the merchant has it; nil if they have not.
func (m *merchant) has(id order.ID) *delivered {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.orders[id.String()]
}

// took are the ids of what the merchant was sent and took, in order.
func (m *merchant) took() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sequence)
}

func (m *merchant) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.orders)
}

// noticesOf are the kinds of notices that came of an order, in order.
func (m *merchant) noticesOf(id order.ID) []order.NoticeKind {
	m.mu.Lock()
	defer m.mu.Unlock()
	kinds := []order.NoticeKind{}
	for _, n := range m.notices {
		if n.Order == id.String() {
			kinds = append(kinds, n.Kind)
		}
	}
	return kinds
}

// notice is what a notice of an order said; the zero value if none of the kind came.
func (m *merchant) notice(id order.ID, kind order.NoticeKind) order.Notice {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.notices, func(n order.Notice) bool { return n.Order == id.String() && n.Kind == kind })
	if i < 0 {
		return order.Notice{}
	}
	return m.notices[i]
}

// leavesPending is a rule: the merchant decides later about orders with this product.
func leavesPending(sku string) func(order.Document) map[string]any {
	return func(d order.Document) map[string]any {
		if d.Lines[0].SKU == sku {
			return map[string]any{"status": "pending"}
		}
		return nil
	}
}

// rejects is a rule: what the merchant says to an order with this product.
func rejects(sku string) func(order.Document) map[string]any {
	return func(d order.Document) map[string]any {
		if d.Lines[0].SKU == sku {
			return map[string]any{"status": "rejected", "reason": "out_of_stock"}
		}
		return nil
	}
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, content, 0o600))
}
