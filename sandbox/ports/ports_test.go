package ports

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever gets a port listens on it only later.
func TestNoPortIsGivenAwayTwice(t *testing.T) {
	t.Parallel()
	var given sync.Map
	var picking sync.WaitGroup
	for range 20 {
		picking.Go(func() {
			some, err := Several(50)
			if err != nil {
				t.Error(err)
				return
			}
			for _, port := range some {
				if _, before := given.LoadOrStore(port, true); before {
					t.Errorf("%d is given away twice", port)
				}
			}
		})
	}
	picking.Wait()
	port, err := Pick(0)
	require.NoError(t, err)
	preferred, err := Pick(port)
	require.NoError(t, err)
	require.Equal(t, port, preferred, "who asks for one gets it, as long as nobody listens there")
}
