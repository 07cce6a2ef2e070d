package order

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryNoticeHasWords(t *testing.T) {
	t.Parallel()
	for _, kind := range noticeKinds {
		text := Notice{Kind: kind}.Text()
		require.Regexp(t, `^(that|how|to) `, text, kind)
		require.NotContains(t, text, "_")
	}
	refunded := Notice{Kind: NoticeRefunded, Amount: 1250, Currency: "eur", Refund: "re_1"}
	require.Equal(t, "that money went back to the buyer (12.50 EUR, re_1)", refunded.Text())
}
