package stripeapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v83"
)

// FileContents streams a file, such as an import's list of refused rows. There is no limit for the whole, only for
// standing still. A read that fails carries a fault; the caller closes the reader.
func (c *Client) FileContents(ctx context.Context, account, id string) (io.ReadCloser, error) {
	if err := errors.Join(checkAccount(account), checkFileID(id)); err != nil {
		return nil, err
	}
	limit := c.options.StallTimeout
	watched, dog, done := watch(ctx, limit, func() string { return "read file " + id + ": no byte came for " + limit.String() })
	params := c.params(watched, account)
	stream := &stripe.APIStream{}
	err := c.files.CallStreaming(http.MethodGet, "/v1/files/"+id+"/contents", c.options.Key, &params, stream)
	if err != nil {
		defer done()
		return nil, c.readFailed(ctx, watched, id, err)
	}
	dog.timer.Stop() // until somebody reads
	return &contents{client: c, ctx: ctx, watched: watched, id: id, body: stream.LastResponse.Body, watchdog: dog, limit: limit, done: done}, nil
}

func (c *Client) readFailed(ctx, watched context.Context, id string, err error) error {
	if cause := context.Cause(watched); cause != nil && ctx.Err() == nil {
		return cause
	}
	return c.failed(ctx, "read file "+id, err)
}

// contents is a file on its way here.
type contents struct {
	client       *Client
	ctx, watched context.Context //nolint:containedctx // a reader has no other way to know its caller's context
	id           string
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
		err = f.client.readFailed(f.ctx, f.watched, f.id, err)
	}
	return n, err
}

func (f *contents) Close() error {
	f.done()
	return f.body.Close()
}
