package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/catalog"
	"vitrine/internal/news"
	"vitrine/internal/order"
	"vitrine/internal/simcontrol"
	"vitrine/workflows"
)

// platform hears news, and verifies its signatures.
type platform struct {
	url string

	mu    sync.Mutex
	down  bool
	lose  int // that many answers are lost: it has the news, and says 500
	tries int
	heard []news.News
}

// listens gives a room a platform that hears its news. A worker that starts afterwards tells it.
func (r *room) listens() *platform {
	r.t.Helper()
	p := &platform{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return // a worker died
		}
		var n news.News
		if verify(q.Header, body) != "" || json.Unmarshal(body, &n) != nil || n.ID != q.Header.Get("Webhook-Id") {
			r.t.Errorf("the platform got what is no news: %s", body)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(p.hears(n))
	}))
	r.t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	p.url = server.URL
	for name, value := range map[string]string{
		"VITRINE_NEWS_URL": p.url, "VITRINE_NEWS_SECRETS": merchantSecret, "VITRINE_ALLOW_PRIVATE_ENDPOINTS": "true",
	} {
		r.settings[name] = value
	}
	return p
}

func (p *platform) hears(n news.News) (status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if p.down {
		return http.StatusBadGateway
	}
	p.heard = append(p.heard, n)
	if p.lose > 0 {
		p.lose--
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

func (p *platform) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// told is what was heard, in words, each id once: in the order in which they first came.
func (p *platform) told() (texts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []string
	for _, n := range p.heard {
		if slices.Contains(ids, n.ID) {
			continue
		}
		ids, texts = append(ids, n.ID), append(texts, n.Text())
	}
	return texts
}

// hears waits until the platform has heard as much.
func (r *room) learns(p *platform, want ...string) {
	r.t.Helper()
	r.await("the platform's news", func() bool { return len(p.told()) >= len(want) })
	require.Equal(r.t, want, p.told())
}

// The endpoint is down, and worker after worker is killed. Everything arrives, once and in order, when it is back.
func TestNewsSurvivesAnEndpointThatIsDownAndWorkersThatAreKilled(t *testing.T) {
	m := enter(t)
	m.races()
	p := m.listens()
	p.down = true
	w := m.startWorker()
	_, got := m.sync("--follow")
	require.NotZero(t, got.code, "there is no source")
	m.await("a try", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.tries > 0 })
	w.Kill()
	w = m.startWorker()
	m.sells(numbered(100))
	w.Kill()
	w = m.startWorker()
	m.exportText(csv(numbered(3)...))
	held := m.holds()
	w.Kill()
	m.startWorker()
	m.await("another try", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.tries > 1 })
	require.Empty(t, p.told())
	m.keeps("account_news_waiting", workflows.AccountNewsInput{Account: m.account}.WorkflowID(), "")
	p.set(func() { p.down, p.lose = false, 1 })
	m.learns(p, "catalog.failed product began", "catalog.failed product over", "catalog.synced product",
		"catalog.held product began")
	m.decides("reject", "cut off")
	_, err := m.ends(held)
	require.NoError(t, err)
	m.learns(p, "catalog.failed product began", "catalog.failed product over", "catalog.synced product",
		"catalog.held product began",
		"catalog.held product over")
	m.keeps("account_news", workflows.AccountNewsInput{Account: m.account}.WorkflowID(), "")
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Len(t, p.heard, 6, "the one whose answer was lost came again, and nothing else did")
	require.Equal(t, p.heard[0].ID, p.heard[1].ID)
}

func TestAnOrderThatIsHeldIsNews(t *testing.T) {
	s := open(t, csv("sku1", "sku2", "sku3"), nil)
	p := s.listens()
	s.startWorker()
	s.startServe(false)
	s.subscribe()
	s.stocked()
	s.merchant.decides(func(order.Document) map[string]any { return map[string]any{"status": "perhaps"} })
	b := s.buys(simcontrol.Purchase{})
	s.learns(p, "catalog.synced product", "order.held "+b.id().Session+" began")
	s.merchant.decides(nil)
	s.succeeds("order", "cancel", s.account, b.id().Session, "--why", "sold out")
	s.learns(p, "catalog.synced product", "order.held "+b.id().Session+" began", "order.held "+b.id().Session+" over")
	s.succeeds("accounts", "park", s.account, "--why", "closed")
	s.learns(p, "catalog.synced product", "order.held "+b.id().Session+" began", "order.held "+b.id().Session+" over",
		"account.parked began")
	require.Equal(t, catalog.Succeeded, p.heard[0].Data.Outcome)
}
