package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/news"
	"vitrine/internal/order"
	"vitrine/workflows"
)

func TestAHeldOrderIsToldOnceAndWhenItGoesOn(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	refused := fault.NewPermanent(fault.MerchantRejected, errors.New("HTTP 401"))
	s.shop.errors["submit"] = []error{refused, refused}
	var first, second reply
	s.ends(order.StateAccepted,
		s.hears(time.Hour, "evt_2", "payment_intent.succeeded", theSale.Session), // it is held all the same
		s.asks(2*time.Hour, workflows.UpdateRetry, ada, &first),
		s.asks(3*time.Hour, workflows.UpdateRetry, ada, &second))
	require.Equal(t, []string{"order.held began", "order.held over", "order.held began", "order.held over"},
		s.news.wordsOf())
	began, over := s.news.taken[0], s.news.taken[1]
	require.Equal(t, began.ID+"-over", over.ID)
	require.NotEqual(t, began.ID, s.news.taken[2].ID)
	require.Equal(t, theSale.Session, began.Data.Session)
	require.Contains(t, began.Data.Reason, "MerchantRejected")
	require.Equal(t, string(order.StateSubmitting), s.news.taken[3].Data.State)
	for _, n := range s.news.taken {
		require.NoError(t, n.Check())
		require.Equal(t, news.OrderHeld, n.Type)
	}
}

// What the platform is told stays in order, and an order does not wait for it.
func TestAnOrderGoesOnWhileThePlatformCannotBeTold(t *testing.T) {
	t.Parallel()
	s := newOrderStage(t, order.Paid)
	s.shop.errors["submit"] = []error{fault.NewPermanent(fault.MerchantRejected, errors.New("HTTP 401"))}
	s.news.answers = []error{
		fault.NewThrottled(fault.StorageFailed, 3*time.Hour, errors.New("S3 is away")),
		fault.NewThrottled(fault.StorageFailed, 3*time.Hour, errors.New("S3 is away")),
	}
	var retried reply
	s.ends(order.StateAccepted,
		s.asks(time.Hour, workflows.UpdateRetry, ada, &retried),
		s.expects(2*time.Hour, order.StateAccepted, func() { require.Empty(t, s.news.taken) }))
	require.Equal(t, []string{"order.held began", "order.held over"}, s.news.wordsOf())
}
