package activities

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// pulse tells Temporal how far a step has come. It goes on beating while no byte moves: Stripe may take its time to
// answer when a large file is complete, and S3 to put a large object together. A connection that is stuck is the
// adapters' to notice; a worker that is dead is what Temporal notices when the beat stops.
type pulse struct {
	bytes, total atomic.Int64 // total is zero if unknown
}

// pulseEvery is well below deadWorker, the heartbeat timeout in workflows/options.go.
const pulseEvery = 4 * time.Second

type pulseKey struct{}

// pulseOf returns the pulse of the step that ctx belongs to, for a step that knows how far it is. Outside of a worker
// nobody listens.
func pulseOf(ctx context.Context) *pulse {
	if p, beating := ctx.Value(pulseKey{}).(*pulse); beating {
		return p
	}
	return new(pulse)
}

// beat beats until the context ends, but not at once: a beat that reaches the server is billed like a step of its own,
// so what ends sooner has none.
func (p *pulse) beat(ctx context.Context, record func(UploadProgress)) {
	ticker := time.NewTicker(pulseEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			record(UploadProgress{Bytes: p.bytes.Load(), Total: p.total.Load()})
		}
	}
}

// expect notes how many bytes there are to move.
func (p *pulse) expect(bytes int64) { p.total.Store(bytes) }

// set notes how many bytes were moved so far.
func (p *pulse) set(bytes int64) { p.bytes.Store(bytes) }

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
