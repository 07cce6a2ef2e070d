package assortment

import (
	"container/list"
	"sync"
	"time"
)

// HoldFor is how long an approved checkout holds its pieces: time to pay, and for the merchant's next export to tell that
// they are sold.
const HoldFor = 15 * time.Minute

// maxHolds bounds the memory: beyond that many checkouts in HoldFor the oldest holds go first.
const maxHolds = 100_000

// Holds are the pieces that approved checkouts will take, so that the last one is not promised twice. They live in the
// memory of one server: two servers may promise it twice, and the order's own checks find that out.
type Holds struct {
	now func() time.Time

	mu       sync.Mutex
	checkout map[heldBy]*list.Element // of *hold, the oldest in front
	oldest   list.List
	pieces   map[held]int64
}

type (
	heldBy struct{ account, checkout string }
	held   struct{ account, sku string }
	hold   struct {
		by    heldBy
		until time.Time
		wants []Want
	}
)

// Want is how many pieces a checkout wants, and how many there are to be had: of limited ones Left.
type Want struct {
	SKU      string
	Quantity int64
	Left     int64
	Limited  bool
}

// NewHolds has no holds; now is the clock.
func NewHolds(now func() time.Time) *Holds {
	return &Holds{now: now, checkout: map[heldBy]*list.Element{}, pieces: map[held]int64{}}
}

// Take holds what a checkout wants, all or nothing, in place of what it held before. Each SKU is wanted once. If there is
// not enough, short is the want that fails, with what is left of it.
func (h *Holds) Take(account, checkout string, wants []Want) (short Want, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expire()
	by := heldBy{account, checkout}
	if at, held := h.checkout[by]; held {
		h.release(at)
	}
	for _, w := range wants {
		if !w.Limited {
			continue
		}
		w.Left = max(w.Left-h.pieces[held{account, w.SKU}], 0)
		if w.Quantity > w.Left {
			return w, false
		}
	}
	for _, w := range wants {
		h.pieces[held{account, w.SKU}] += w.Quantity
	}
	h.checkout[by] = h.oldest.PushBack(&hold{by: by, until: h.now().Add(HoldFor), wants: wants})
	if h.oldest.Len() > maxHolds {
		h.release(h.oldest.Front())
	}
	return Want{}, true
}

// Held is how many pieces are held.
func (h *Holds) Held(account, sku string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expire()
	return h.pieces[held{account, sku}]
}

// Release lets go of what a checkout holds.
func (h *Holds) Release(account, checkout string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at, held := h.checkout[heldBy{account, checkout}]; held {
		h.release(at)
	}
}

func (h *Holds) expire() {
	for at := h.oldest.Front(); at != nil && !h.now().Before(at.Value.(*hold).until); at = h.oldest.Front() {
		h.release(at)
	}
}

func (h *Holds) release(at *list.Element) {
	gone := h.oldest.Remove(at).(*hold)
	delete(h.checkout, gone.by)
	for _, w := range gone.wants {
		sku := held{gone.by.account, w.SKU}
		if h.pieces[sku] -= w.Quantity; h.pieces[sku] <= 0 {
			delete(h.pieces, sku)
		}
	}
}
