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
	r := NewReservations(time.Now)
	var sold atomic.Int64
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			if _, ok := r.Reserve("acct_1", fmt.Sprintf("cs_%d", n), []Want{want("a", 1, 1)}); ok {
				sold.Add(1)
			}
		})
	}
	all.Wait()
	require.Equal(t, int64(1), sold.Load())
}

func TestReservationsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	r := NewReservations(time.Now)
	short, ok := r.Reserve("acct_1", "cs_1", []Want{want("a", 1, 5), want("b", 3, 2)})
	require.False(t, ok)
	require.Equal(t, want("b", 3, 2), short)
	require.Zero(t, r.Reserved("acct_1", "a"))
	require.Empty(t, r.pieces)
}

func TestACheckoutReservesOnce(t *testing.T) {
	t.Parallel()
	r := NewReservations(time.Now)
	for range 3 {
		_, ok := r.Reserve("acct_1", "cs_1", []Want{want("a", 2, 3)})
		require.True(t, ok, "the same checkout asks again")
	}
	require.Equal(t, int64(2), r.Reserved("acct_1", "a"))
	require.Zero(t, r.Reserved("acct_2", "a"))
	short, ok := r.Reserve("acct_1", "cs_2", []Want{want("a", 2, 3)})
	require.False(t, ok)
	require.Equal(t, int64(1), short.Left)
	_, ok = r.Reserve("acct_1", "cs_2", []Want{{SKU: "a", Quantity: 100}})
	require.True(t, ok, "nobody counts")
	r.Release("acct_1", "cs_2")
	r.Release("acct_1", "cs_2")
	require.Equal(t, int64(2), r.Reserved("acct_1", "a"))
}

func TestReservationsEnd(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	r := NewReservations(func() time.Time { return now })
	_, ok := r.Reserve("acct_1", "cs_1", []Want{want("a", 1, 1)})
	require.True(t, ok)
	now = now.Add(ReserveFor - 1)
	_, ok = r.Reserve("acct_1", "cs_2", []Want{want("a", 1, 1)})
	require.False(t, ok)
	now = now.Add(1)
	_, ok = r.Reserve("acct_1", "cs_2", []Want{want("a", 1, 1)})
	require.True(t, ok)
	require.Len(t, r.checkout, 1)
}

func TestReservationsAreBounded(t *testing.T) {
	t.Parallel()
	r := NewReservations(time.Now)
	for n := range maxReservations + 10 {
		r.Reserve("acct_1", fmt.Sprint(n), []Want{want("a", 1, 1<<40)})
	}
	require.Equal(t, int64(maxReservations), r.Reserved("acct_1", "a"))
	require.Len(t, r.checkout, maxReservations)
}
