package intake

import (
	"context"
	"sync"
	"time"
)

// memory keeps answers for a while. Errors are not answers: they are asked again.
type memory[K comparable, V any] struct {
	ask func(context.Context, K) (V, error)
	now func() time.Time

	mu      sync.Mutex
	answers map[K]answer[V]
}

type answer[V any] struct {
	value V
	until time.Time
}

func newMemory[K comparable, V any](ask func(context.Context, K) (V, error)) *memory[K, V] {
	return &memory[K, V]{ask: ask, now: time.Now, answers: map[K]answer[V]{}}
}

// get does not hold the lock while it asks: one slow question must not stop all others.
func (m *memory[K, V]) get(ctx context.Context, key K) (V, error) {
	m.mu.Lock()
	had, ok := m.answers[key]
	m.mu.Unlock()
	if ok && m.now().Before(had.until) {
		return had.value, nil
	}
	value, err := m.ask(ctx, key)
	if err == nil {
		m.keep(key, value)
	}
	return value, err
}

// keep forgets everything when it is full: to ask again costs less than to keep an order of eviction.
func (m *memory[K, V]) keep(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.answers) >= rememberMax {
		clear(m.answers)
	}
	m.answers[key] = answer[V]{value, m.now().Add(rememberFor)}
}
