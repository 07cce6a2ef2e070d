package assortment

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func want(sku string, quantity, left int64) Want {
	return Want{SKU: sku, Quantity: quantity, Left: left, Limited: true}
}

func TestTheLastPieceIsPromisedOnce(t *testing.T) {
	t.Parallel()
	h := NewHolds(time.Now)
	var sold atomic.Int64
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			if _, ok := h.Take("acct_1", fmt.Sprintf("cs_%d", n), []Want{want("a", 1, 1)}); ok {
				sold.Add(1)
			}
		})
	}
	all.Wait()
	require.Equal(t, int64(1), sold.Load())
}

func TestHoldsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	h := NewHolds(time.Now)
	short, ok := h.Take("acct_1", "cs_1", []Want{want("a", 1, 5), want("b", 3, 2)})
	require.False(t, ok)
	require.Equal(t, want("b", 3, 2), short)
	require.Zero(t, h.Held("acct_1", "a"))
	require.Empty(t, h.pieces)
}

func TestACheckoutHoldsOnce(t *testing.T) {
	t.Parallel()
	h := NewHolds(time.Now)
	for range 3 {
		_, ok := h.Take("acct_1", "cs_1", []Want{want("a", 2, 3)})
		require.True(t, ok, "the same checkout asks again")
	}
	require.Equal(t, int64(2), h.Held("acct_1", "a"))
	require.Zero(t, h.Held("acct_2", "a"))
	short, ok := h.Take("acct_1", "cs_2", []Want{want("a", 2, 3)})
	require.False(t, ok)
	require.Equal(t, int64(1), short.Left)
	_, ok = h.Take("acct_1", "cs_2", []Want{{SKU: "a", Quantity: 100}})
	require.True(t, ok, "nobody counts")
	h.Release("acct_1", "cs_2")
	h.Release("acct_1", "cs_2")
	require.Equal(t, int64(2), h.Held("acct_1", "a"))
}

func TestHoldsEnd(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	h := NewHolds(func() time.Time { return now })
	_, ok := h.Take("acct_1", "cs_1", []Want{want("a", 1, 1)})
	require.True(t, ok)
	now = now.Add(HoldFor - 1)
	_, ok = h.Take("acct_1", "cs_2", []Want{want("a", 1, 1)})
	require.False(t, ok)
	now = now.Add(1)
	_, ok = h.Take("acct_1", "cs_2", []Want{want("a", 1, 1)})
	require.True(t, ok)
	require.Len(t, h.checkout, 1)
}

func TestHoldsAreBounded(t *testing.T) {
	t.Parallel()
	h := NewHolds(time.Now)
	for n := range maxHolds + 10 {
		h.Take("acct_1", fmt.Sprint(n), []Want{want("a", 1, 1<<40)})
	}
	require.Equal(t, int64(maxHolds), h.Held("acct_1", "a"))
	require.Len(t, h.checkout, maxHolds)
}
