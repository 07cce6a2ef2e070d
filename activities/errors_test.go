package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	cause := errors.New("what happened")
	for name, c := range map[string]struct {
		err    error
		final  bool
		code   fault.Code
		after  time.Duration
		benign bool
	}{
		"permanent": {err: fault.NewPermanent(fault.StripeRejected, cause), final: true,
			code: fault.StripeRejected},
		"permanent, wrapped": {err: fmt.Errorf("part 1: %w", fault.NewPermanent(fault.SourceMissing, cause)),
			final: true, code: fault.SourceMissing},
		"throttled": {err: fault.NewThrottled(fault.StripeThrottled, 30*time.Second, cause),
			code: fault.StripeThrottled, after: 30 * time.Second},
		"pending": {err: fault.NewPending(fault.ImportPending, time.Minute, cause),
			code: fault.ImportPending, after: time.Minute, benign: true},
		"plain": {err: fault.NewPlain(fault.StripeUnavailable, cause), code: fault.StripeUnavailable},
		"permanent with time": {
			err:   &fault.Error{Kind: fault.Permanent, Code: fault.ImportFailed, After: time.Hour, Err: cause},
			final: true, code: fault.ImportFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Temporal looks at the outermost error only: it must be the application error itself.
			application, outermost := translate(c.err).(*temporal.ApplicationError)
			require.True(t, outermost)
			require.Equal(t, c.final, application.NonRetryable())
			require.Equal(t, string(c.code), application.Type())
			require.Equal(t, c.after, application.NextRetryDelay())
			require.Equal(t, c.benign, application.Category() == temporal.ApplicationErrorCategoryBenign)
			require.Contains(t, application.Message(), "what happened")
		})
	}
}

func TestTranslateLeavesAlone(t *testing.T) {
	t.Parallel()
	require.NoError(t, translate(nil))
	require.ErrorIs(t, translate(fmt.Errorf("read: %w", context.Canceled)), context.Canceled)
	unknown := errors.New("nobody classified this")
	require.Equal(t, unknown, translate(unknown))
	application := temporal.NewNonRetryableApplicationError("done", "X", nil)
	require.Equal(t, application, translate(application))
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	part := func(account string, sequence int64, number int, digest string) PartInput {
		return PartInput{ID: catalog.ID{Account: account, Feed: "product"}, Delivery: catalog.Delivery{
			Sequence: sequence, Parts: []catalog.Part{{Number: number, Digest: digest}},
		}}
	}
	key := part("acct_1", 3, 1, "d1").idempotencyKey("upload")
	require.LessOrEqual(t, len(key), 255-len("/5"), "Stripe allows 255 characters")
	require.Equal(t, key, part("acct_1", 3, 1, "d1").idempotencyKey("upload"))
	require.Equal(t, part("acct_1", 3, 2, "d2").idempotencyKey("upload"),
		part("acct_1", 4, 1, "d2").idempotencyKey("upload"),
		"a part that is staged again after the one before it was settled is the same upload")
	for name, other := range map[string]string{
		"account":  part("acct_2", 3, 1, "d1").idempotencyKey("upload"),
		"content":  part("acct_1", 3, 1, "d2").idempotencyKey("upload"),
		"sequence": part("acct_1", 4, 1, "d1").idempotencyKey("upload"),
		"part":     part("acct_1", 3, 2, "d1").idempotencyKey("upload"),
		"step":     part("acct_1", 3, 1, "d1").idempotencyKey("import"),
	} {
		require.NotEqual(t, key, other, name)
	}
}

func TestRecheckAfterGrowsToItsBound(t *testing.T) {
	t.Parallel()
	require.Equal(t, 3*time.Second, AwaitImportSetInput{}.recheckAfter(1))
	require.Equal(t, 6*time.Second, AwaitImportSetInput{}.recheckAfter(2))
	require.Equal(t, 96*time.Second, AwaitImportSetInput{}.recheckAfter(6))
	require.Equal(t, 2*time.Minute, AwaitImportSetInput{}.recheckAfter(100))
}
