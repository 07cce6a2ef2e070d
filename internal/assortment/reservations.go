package assortment

import (
	"container/list"
	"sync"
	"time"
)

// ReserveFor is how long an approved checkout has its pieces reserved: time to pay, and for the merchant's next export
// to tell that they are sold.
const ReserveFor = 15 * time.Minute

// maxReservations bounds the memory: beyond that many checkouts in ReserveFor the oldest reservations go first.
const maxReservations = 100_000

// Reservations are the pieces that approved checkouts will take, so that the last one is not promised twice. They live
// in the memory of one server: two servers may promise it twice, and the order's own checks find that out.
type Reservations struct {
	now func() time.Time

	mu       sync.Mutex
	checkout map[cart]*list.Element // of *reservation, the oldest in front
	oldest   list.List
	pieces   map[stocked]int64
}

type (
	cart        struct{ account, checkout string }
	stocked     struct{ account, sku string }
	reservation struct {
		by    cart
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

// NewReservations has none; now is the clock.
func NewReservations(now func() time.Time) *Reservations {
	return &Reservations{now: now, checkout: map[cart]*list.Element{}, pieces: map[stocked]int64{}}
}

// Reserve puts aside what a checkout wants, all or nothing, in place of what it had before. Each SKU is wanted once. If
// there is not enough, short is the want that fails, with what is left of it.
func (r *Reservations) Reserve(account, checkout string, wants []Want) (short Want, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	by := cart{account, checkout}
	if at, had := r.checkout[by]; had {
		r.release(at)
	}
	for _, w := range wants {
		if !w.Limited {
			continue
		}
		w.Left = max(w.Left-r.pieces[stocked{account, w.SKU}], 0)
		if w.Quantity > w.Left {
			return w, false
		}
	}
	for _, w := range wants {
		r.pieces[stocked{account, w.SKU}] += w.Quantity
	}
	r.checkout[by] = r.oldest.PushBack(&reservation{by: by, until: r.now().Add(ReserveFor), wants: wants})
	if r.oldest.Len() > maxReservations {
		r.release(r.oldest.Front())
	}
	return Want{}, true
}

// Reserved is how many pieces are.
func (r *Reservations) Reserved(account, sku string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	return r.pieces[stocked{account, sku}]
}

// Release lets go of what a checkout has.
func (r *Reservations) Release(account, checkout string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, had := r.checkout[cart{account, checkout}]; had {
		r.release(at)
	}
}

func (r *Reservations) expire() {
	for at := r.oldest.Front(); at != nil && !r.now().Before(at.Value.(*reservation).until); at = r.oldest.Front() {
		r.release(at)
	}
}

func (r *Reservations) release(at *list.Element) {
	gone := r.oldest.Remove(at).(*reservation)
	delete(r.checkout, gone.by)
	for _, w := range gone.wants {
		sku := stocked{gone.by.account, w.SKU}
		if r.pieces[sku] -= w.Quantity; r.pieces[sku] <= 0 {
			delete(r.pieces, sku)
		}
	}
}
