package stripeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// transfer sends a part in the request that build makes around its body, and hands the answer to read. The part is sent
// as it comes: what is in memory of it does not depend on its size.
func (c *Client) transfer(ctx context.Context, client *http.Client, u catalog.Upload,
	build func(ctx context.Context, body io.Reader) (*http.Request, error), read func(*http.Response) error,
) error {
	body := &uploadBody{upload: u, stall: c.options.StallTimeout, answer: c.options.AnswerTimeout}
	watched, dog, done := watch(ctx, c.options.StallTimeout, body.stalledAt)
	defer done()
	body.watchdog = dog
	defer body.detach()

	request, err := build(watched, body)
	if err != nil {
		return err
	}
	response, err := send(client, request)
	if err != nil {
		return c.transferFailed(ctx, watched, body, err)
	}
	defer response.Body.Close()
	if err := read(response); err != nil {
		return c.transferFailed(ctx, watched, body, err)
	}
	return body.finish()
}

// send does the request, but leaves as soon as its context ends. net/http would wait for a read of the body that is
// under way, and a source that stalls may never end it.
func send(client *http.Client, request *http.Request) (*http.Response, error) {
	type answer struct {
		response *http.Response
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		response, err := client.Do(request)
		answers <- answer{response, err}
	}()
	select {
	case a := <-answers:
		return a.response, a.err
	case <-request.Context().Done():
		go func() {
			if late := <-answers; late.response != nil {
				_ = late.response.Body.Close() // nobody waits for it any more
			}
		}()
		return nil, context.Cause(request.Context())
	}
}

// transferFailed names the side that failed. What the source said comes before what the connection said of it.
func (c *Client) transferFailed(ctx, watched context.Context, body *uploadBody, err error) error {
	if ctx.Err() == nil {
		if known, ok := fault.Of(err); ok {
			return known
		}
		if source := body.sourceError(); source != nil {
			return source
		}
		if cause := context.Cause(watched); cause != nil {
			return cause
		}
	}
	return c.failed(ctx, "upload", err)
}

// uploadBody reads the file for the transport: exactly its size, with every step reported and watched.
type uploadBody struct {
	upload   catalog.Upload
	watchdog *watchdog
	stall    time.Duration
	answer   time.Duration

	mu       sync.Mutex
	sent     int64 // bytes of the file that the transport took
	reading  bool
	complete bool
	detached bool // the call is over
	failure  error
}

// Read reports what was handed out before: that the transport comes back for more means that it has sent it.
func (b *uploadBody) Read(p []byte) (int, error) {
	if err := b.begin(); err != nil {
		return 0, err
	}
	n, err := b.readSource(p)
	return b.end(n, err)
}

func (b *uploadBody) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.detached {
		return errors.New("the upload is over")
	}
	b.reading = true
	if b.sent > 0 && b.upload.Sent != nil {
		b.upload.Sent(b.sent)
	}
	return b.failure
}

// readSource reads what is left of the file. Before it hands out the last byte it asks the source for one more, which
// there must not be: a request that has all its bytes is a request that Stripe acts on.
func (b *uploadBody) readSource(p []byte) (int, error) {
	left := b.upload.Size - b.sent
	if left == 0 {
		return 0, io.EOF
	}
	n, err := b.upload.Body.Read(p[:min(int64(len(p)), left)])
	if errors.Is(err, io.EOF) {
		if int64(n) < left {
			return n, fault.NewPlain(fault.StorageFailed,
				fmt.Errorf("upload %q: the source ended after %d of %d bytes: %w", b.upload.Filename, b.sent+int64(n),
					b.upload.Size, io.ErrUnexpectedEOF))
		}
		return n, nil // the next read says that this was the end
	}
	if err == nil && int64(n) == left {
		err = b.checkEnd()
	}
	if err != nil {
		return 0, sourceFailed(b.upload.Filename, err)
	}
	return n, nil
}

func sourceFailed(filename string, err error) error {
	if _, known := fault.Of(err); known {
		return err
	}
	// Only the text goes on: a context that ended inside the source would pass for the caller's.
	return fault.NewPlain(fault.StorageFailed, fmt.Errorf("upload %q: read the source: %s", filename, err.Error()))
}

func (b *uploadBody) checkEnd() error {
	var extra [1]byte
	for range 100 { // as bufio does with a reader that gives neither bytes nor an error
		n, err := b.upload.Body.Read(extra[:])
		switch {
		case n > 0:
			return fault.NewPermanent(fault.InputInvalid,
				fmt.Errorf("upload %q: the source is longer than the %d bytes announced", b.upload.Filename,
					b.upload.Size))
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
	return io.ErrNoProgress
}

func (b *uploadBody) end(n int, err error) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = false
	b.sent += int64(n)
	switch {
	case b.detached:
		return n, errors.New("the upload is over")
	case errors.Is(err, io.EOF):
		b.complete = true
		b.watchdog.progress(b.answer) // from here on it is Stripe's turn
	case err != nil:
		b.failure = err
	case n > 0:
		b.watchdog.progress(b.stall)
	}
	return n, err
}

// detach keeps a transport that lags behind from reading on, and from reporting, after the call has returned.
func (b *uploadBody) detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.detached = true
}

// finish reports the last bytes: the answer may be here before the transport comes back for more. An answer that came
// before them is none to trust, whatever it says.
func (b *uploadBody) finish() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.detached = true
	if b.sent < b.upload.Size {
		return unavailable(&Error{
			Message: fmt.Sprintf("upload: it was answered after %d of %d bytes", b.sent, b.upload.Size),
		})
	}
	if b.upload.Sent != nil {
		b.upload.Sent(b.sent)
	}
	return nil
}

func (b *uploadBody) sourceError() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failure
}

// stalledAt says who kept the upload waiting.
func (b *uploadBody) stalledAt() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.complete:
		return fmt.Sprintf("upload: no answer within %s of the last byte", b.answer)
	case b.reading:
		return fmt.Sprintf("upload: the source gave no byte for %s, after %d of %d bytes", b.stall, b.sent,
			b.upload.Size)
	}
	return fmt.Sprintf("upload: no byte left for %s, after %d of %d bytes", b.stall, b.sent, b.upload.Size)
}
