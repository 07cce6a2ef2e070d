package assortment

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"vitrine/internal/fault"
)

// Store keeps what belongs to accounts in bounded memory: what was asked for longest ago goes first.
//
// Nobody waits for news: a value is given as it is and looked after in the background, at most every revalidateAfter.
// Only one that was not looked after for patience is waited for, since whoever asks rarely would always get the news of
// the time before; and not for longer than newsWithin, since an old value is better than none. What cannot be looked
// after is kept as it is for as long as there is room.
type Store[T any] struct {
	load Load[T]
	most int64
	now  func() time.Time
	lost func(account string, err error)

	mu      sync.Mutex
	entries map[string]*list.Element // of *entry[T]; the front is what was asked for last
	recent  list.List
	bytes   int64
}

const (
	revalidateAfter = 15 * time.Second
	patience        = 5 * time.Minute
	renewAfter      = 2 * time.Second
	newsWithin      = 250 * time.Millisecond
	retryAfter      = 5 * time.Second // there was nothing, or nothing that can be read
	loadTimeout     = time.Minute
	entryBytes      = 512 // of an entry without anything in it
)

type entry[T any] struct {
	account string
	value   T
	found   bool // value is one
	etag    string
	size    int64
	checked time.Time
	flight  chan struct{} // closed once the load under way has ended; nil if there is none
}

// Load reads a value, unless it is the one that etag names (ErrUnchanged). fault.SourceMissing and *FileError mean that
// there is none until that changes; size is what the value takes in memory.
type Load[T any] func(ctx context.Context, account, etag string) (value T, newETag string, size int64, err error)

// NewStore keeps at most so many bytes. lost is told of what cannot be loaded; now is the clock.
func NewStore[T any](load Load[T], most int64, now func() time.Time, lost func(account string, err error)) *Store[T] {
	return &Store[T]{load: load, most: most, now: now, lost: lost, entries: map[string]*list.Element{}}
}

// Get returns what belongs to an account; found is false if there is nothing, or if that cannot be told before ctx
// ends.
func (s *Store[T]) Get(ctx context.Context, account string) (value T, found bool) {
	return s.get(ctx, account, patience)
}

// Renewed is Get for who would say no by what is known: it waits for news of all but what was just looked after.
func (s *Store[T]) Renewed(ctx context.Context, account string) (value T, found bool) {
	return s.get(ctx, account, renewAfter)
}

func (s *Store[T]) get(ctx context.Context, account string, trusted time.Duration) (value T, found bool) {
	e, news, within := s.look(account, trusted)
	if within > 0 {
		ctx, cancel := context.WithTimeout(ctx, within)
		select {
		case <-news:
		case <-ctx.Done():
		}
		cancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.value, e.found
}

// Expect begins to load what Get will be asked for.
func (s *Store[T]) Expect(account string) { s.look(account, patience) }

// Warm loads what belongs to accounts, one after the other, as long as there is room.
func (s *Store[T]) Warm(ctx context.Context, accounts []string) {
	for _, account := range accounts {
		if ctx.Err() != nil || s.Bytes() > s.most/4*3 {
			return
		}
		s.Get(ctx, account)
	}
}

// look finds an entry, and begins to look after it if that is due. news is closed once that is done; within is how long
// it is worth waiting for. A value is trusted for as long after a look.
func (s *Store[T]) look(
	account string, trusted time.Duration,
) (e *entry[T], news <-chan struct{}, within time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e = s.entry(account)
	age := s.now().Sub(e.checked)
	switch {
	case e.found && age < min(trusted, revalidateAfter), !e.found && age < retryAfter:
		return e, nil, 0
	case e.found && age >= trusted:
		within = newsWithin
	case !e.found:
		within = loadTimeout
	}
	if e.flight == nil {
		e.flight = make(chan struct{})
		go s.refresh(e, e.etag, e.flight)
	}
	return e, e.flight, within
}

// entry finds or makes an entry, as the one that was asked for last.
func (s *Store[T]) entry(account string) *entry[T] {
	if at, ok := s.entries[account]; ok {
		s.recent.MoveToFront(at)
		return at.Value.(*entry[T])
	}
	e := &entry[T]{account: account, size: entryBytes}
	s.entries[account] = s.recent.PushFront(e)
	s.bytes += e.size
	s.evict()
	return e
}

// refresh looks after an entry. It belongs to nobody's request: whoever gives up waiting finds it done the next time.
func (s *Store[T]) refresh(e *entry[T], etag string, flight chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	value, newETag, size, err := s.load(ctx, e.account, etag)
	cancel()

	var none *FileError
	absent := fault.Is(err, fault.SourceMissing) || errors.As(err, &none)
	if s.lost != nil && err != nil && !errors.Is(err, ErrUnchanged) && !fault.Is(err, fault.SourceMissing) {
		s.lost(e.account, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(flight)
	e.flight, e.checked = nil, s.now()
	switch {
	case errors.Is(err, ErrUnchanged):
	case err == nil, absent:
		e.value, e.found, e.etag = value, err == nil, newETag
		s.resize(e, entryBytes+size)
	}
}

// resize counts an entry anew, unless it was evicted while it was being loaded.
func (s *Store[T]) resize(e *entry[T], size int64) {
	if at, ok := s.entries[e.account]; !ok || at.Value != any(e) {
		return
	}
	s.bytes += size - e.size
	e.size = size
	s.evict()
}

func (s *Store[T]) evict() {
	for s.bytes > s.most && s.recent.Len() > 1 {
		oldest := s.recent.Back()
		e := s.recent.Remove(oldest).(*entry[T])
		delete(s.entries, e.account)
		s.bytes -= e.size
	}
}

// Bytes is what the store takes in memory, what is being loaded left out.
func (s *Store[T]) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}
