package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/order"
)

type quickStripe struct{ calls int }

func (q *quickStripe) Events(context.Context, string, time.Time, []string, string) (order.EventsPage, error) {
	q.calls++
	return order.EventsPage{Next: "evt_1"}, nil
}

func (q *quickStripe) SessionOf(context.Context, string, string) (string, error) {
	q.calls++
	return "cs_1", nil
}

func TestSweepsKeepToTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stripe := &quickStripe{}
		sweep, began := newPaced(stripe, 20), time.Now()
		for range 20 {
			page, err := sweep.Events(t.Context(), "acct_1", began, nil, "")
			require.NoError(t, err)
			require.Equal(t, "evt_1", page.Next)
			session, err := sweep.SessionOf(t.Context(), "acct_1", "pi_1")
			require.NoError(t, err)
			require.Equal(t, "cs_1", session)
		}
		require.Equal(t, 40, stripe.calls)
		require.InDelta(t, 1.95, time.Since(began).Seconds(), 0.01, "the first call waits for nothing")

		ended, end := context.WithCancel(t.Context())
		end()
		_, err := sweep.Events(ended, "acct_1", began, nil, "")
		require.ErrorIs(t, err, context.Canceled)
		_, err = sweep.SessionOf(ended, "acct_1", "pi_1")
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 40, stripe.calls)
	})
}
