package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"vitrine/internal/fault"
)

// errStalled ends a stream on which nothing comes any more.
var errStalled = errors.New("nothing came for too long")

// body is an object on its way. A connection that breaks or stands still is worth another try, which its reader could
// not know.
type body struct {
	stream  io.ReadCloser
	caller  context.Context // its end is returned as it is
	reading context.Context // ends with the caller's, or by the watch
	cancel  context.CancelCauseFunc
	watch   *time.Timer
	stall   time.Duration
	call    call
}

// get begins to read an object. The body is to be closed.
func (s *Store) get(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, *body, error) {
	reading, cancel := context.WithCancelCause(ctx)
	b := &body{caller: ctx, reading: reading, cancel: cancel, stall: s.patience.stall,
		call: call{verb: "read", bucket: *in.Bucket, key: *in.Key}}
	b.watch = time.AfterFunc(s.patience.call, func() { cancel(errStalled) })
	out, err := s.client.GetObject(reading, in)
	b.watch.Stop()
	if err != nil {
		cancel(nil)
		return nil, nil, s.explain(ctx, b.call, err)
	}
	b.stream = out.Body
	return out, b, nil
}

// Read is watched, the time between two reads is not: a reader may be slow.
func (b *body) Read(p []byte) (int, error) {
	b.watch.Reset(b.stall)
	n, err := b.stream.Read(p)
	b.watch.Stop()
	if err == nil || err == io.EOF {
		return n, err
	}
	if b.caller.Err() != nil {
		return n, b.caller.Err()
	}
	if context.Cause(b.reading) == errStalled {
		err = errStalled
	}
	return n, fault.NewPlain(fault.StorageFailed,
		fmt.Errorf("read %s: the connection broke: %w", b.call.address(), err))
}

func (b *body) Close() error {
	b.watch.Stop()
	err := b.stream.Close()
	b.cancel(nil)
	return err
}
