package activities

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A heartbeat is billed as a step is, and most steps are over before anybody could miss one.
func TestAStepBeatsOnlyOnceItTakesLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		beats := make(chan UploadProgress, 10)
		ctx, stop := context.WithCancel(t.Context())
		p := new(pulse)
		p.expect(100)
		go p.beat(ctx, func(u UploadProgress) { beats <- u })
		_, err := p.reading(strings.NewReader("0123456789")).Read(make([]byte, 10))
		require.NoError(t, err)
		<-time.After(pulseEvery - time.Millisecond)
		synctest.Wait()
		require.Empty(t, beats)
		<-time.After(2 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, UploadProgress{Bytes: 10, Total: 100}, <-beats)
		p.set(50)
		<-time.After(pulseEvery)
		synctest.Wait()
		require.Equal(t, UploadProgress{Bytes: 50, Total: 100}, <-beats)
		stop()
		<-time.After(time.Minute)
		synctest.Wait()
		require.Empty(t, beats)
	})
}
