package activities

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
)

// pulse tells Temporal how far a long step has come. It goes on beating while no byte moves: Stripe may take its time to
// answer when a large file is complete, and S3 to put a large object together. A connection that is stuck is the
// adapters' to notice; a worker that is dead is what Temporal notices when the beat stops.
type pulse struct {
	bytes atomic.Int64
	total int64
	beat  func(UploadProgress)
	stop  context.CancelFunc
}

// pulseEvery is well below deadWorker, the heartbeat timeout in workflows/options.go.
const pulseEvery = 4 * time.Second

// startPulse begins to beat after a while; total is zero if unknown. The caller stops it. A beat that reaches the server is
// billed like a step of its own, so what ends sooner has none.
func startPulse(ctx context.Context, total int64) *pulse {
	return beatWith(ctx, total, func(u UploadProgress) { activity.RecordHeartbeat(ctx, u) })
}

func beatWith(ctx context.Context, total int64, beat func(UploadProgress)) *pulse {
	beating, stop := context.WithCancel(ctx)
	p := &pulse{total: total, stop: stop, beat: beat}
	go func() {
		ticker := time.NewTicker(pulseEvery)
		defer ticker.Stop()
		for {
			select {
			case <-beating.Done():
				return
			case <-ticker.C:
				p.report()
			}
		}
	}()
	return p
}

// set notes how many bytes were moved so far.
func (p *pulse) set(bytes int64) { p.bytes.Store(bytes) }

func (p *pulse) report() { p.beat(UploadProgress{Bytes: p.bytes.Load(), Total: p.total}) }

// reading counts what is read of r.
func (p *pulse) reading(r io.Reader) io.Reader { return pulsedReader{p, r} }

type pulsedReader struct {
	p *pulse
	r io.Reader
}

func (r pulsedReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.p.bytes.Add(int64(n))
	return n, err
}
