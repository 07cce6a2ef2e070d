package desk

import (
	"context"
	"sync"
	"time"

	"vitrine/internal/fleet"
)

// marksLast is how long it counts what dispatchers saw: they look once a minute, so it is older than that anyway.
const marksLast = 15 * time.Second

// Marks remember for a moment which accounts of the fleet a list marks. What a dispatcher saw is one document of its
// whole shard, megabytes with thousands of accounts, and a page has fifty.
type Marks struct {
	mu     sync.Mutex
	shards map[int]*shardMarks
}

// shardMarks are those of a shard. Pages that ask at once read it once.
type shardMarks struct {
	mu       sync.Mutex
	read     time.Time
	accounts map[string]fleet.Account // that may be marked: of most there is nothing to say
}

// of are the accounts of a shard that may be marked. Without marks to remember they are read.
func (m *Marks) of(
	ctx context.Context, documents fleet.Documents, shard int, now time.Time,
) (map[string]fleet.Account, error) {
	if m == nil {
		return readMarks(ctx, documents, shard)
	}
	s := m.shard(shard)
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.read); s.accounts != nil && age >= 0 && age < marksLast {
		return s.accounts, nil
	}
	accounts, err := readMarks(ctx, documents, shard)
	if err == nil {
		s.read, s.accounts = now, accounts
	}
	return accounts, err
}

func (m *Marks) shard(number int) *shardMarks {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shards == nil {
		m.shards = map[int]*shardMarks{}
	}
	if m.shards[number] == nil {
		m.shards[number] = &shardMarks{}
	}
	return m.shards[number]
}

func readMarks(ctx context.Context, documents fleet.Documents, shard int) (map[string]fleet.Account, error) {
	seen, _, _, err := documents.Snapshot(ctx, shard)
	if err != nil {
		return nil, err
	}
	accounts := map[string]fleet.Account{}
	for _, a := range seen.Accounts {
		if mayBeMarked(a) {
			accounts[a.ID] = a
		}
	}
	return accounts, nil
}

func mayBeMarked(a fleet.Account) bool {
	for _, c := range a.Catalogs {
		if c.Condition == fleet.Missing || !c.Changed.IsZero() {
			return true
		}
	}
	return a.Settings.Paused != nil
}
