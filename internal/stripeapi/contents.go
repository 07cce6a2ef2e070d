package stripeapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v83"
)

// Refused streams the rows that an import refused, by the id of the file that has them. There is no limit for the
// whole, only for standing still. A read that fails carries a fault; the caller closes the reader.
func (s *ImportSets) Refused(ctx context.Context, account, errorFile string) (io.ReadCloser, error) {
	if err := errors.Join(checkAccount(account), checkFileID(errorFile)); err != nil {
		return nil, err
	}
	return s.client.fileContents(ctx, account, errorFile)
}

// fileContents streams a file of the Files API.
func (c *Client) fileContents(ctx context.Context, account, file string) (io.ReadCloser, error) {
	return c.stream(ctx, "read file "+file, func(ctx context.Context) (io.ReadCloser, error) {
		params := c.params(account, c.options.Version)
		params.Context = ctx
		stream := &stripe.APIStream{}
		if err := c.files.CallStreaming(http.MethodGet, "/v1/files/"+file+"/contents", c.options.Key, &params,
			stream); err != nil {
			return nil, err
		}
		return stream.LastResponse.Body, nil
	})
}

// stream opens what takes long to read, and watches over its reading.
func (c *Client) stream(
	ctx context.Context, doing string, open func(context.Context) (io.ReadCloser, error),
) (io.ReadCloser, error) {
	limit := c.options.StallTimeout
	watched, dog, done := watch(ctx, limit, func() string { return doing + ": no byte came for " + limit.String() })
	f := &contents{client: c, ctx: ctx, watched: watched, doing: doing, watchdog: dog, limit: limit, done: done}
	body, err := open(watched)
	if err != nil {
		defer done()
		return nil, f.failed(err)
	}
	dog.timer.Stop() // until somebody reads
	f.body = body
	return f, nil
}

// contents is a file on its way here.
type contents struct {
	client       *Client
	ctx, watched context.Context //nolint:containedctx // a reader has no other way to know its caller's context
	doing        string
	body         io.ReadCloser
	watchdog     *watchdog
	limit        time.Duration
	done         context.CancelFunc
}

// Read watches Stripe only: the time that the caller takes between two reads does not count.
func (f *contents) Read(p []byte) (int, error) {
	f.watchdog.progress(f.limit)
	n, err := f.body.Read(p)
	f.watchdog.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = f.failed(err)
	}
	return n, err
}

func (f *contents) failed(err error) error {
	if cause := context.Cause(f.watched); cause != nil && f.ctx.Err() == nil {
		return cause
	}
	return f.client.failed(f.ctx, f.doing, err)
}

func (f *contents) Close() error {
	f.done()
	return f.body.Close()
}
