package stripeapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"regexp"
	"sync"
	"time"

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// uploadPurpose is the purpose of a file that an import set may take.
const uploadPurpose = "data_management_manual_upload"

var (
	fileID      = regexp.MustCompile(`^file_[A-Za-z0-9_]+$`)
	importSetID = regexp.MustCompile(`^impset_[A-Za-z0-9_]+$`)
)

// UploadFile streams a part to the Files API in memory that does not depend on its size, and returns the file's id.
// The same upload under the same idempotency key is the same request byte for byte. When it returns early, because the
// context ended or Stripe refused the call, one read of u.Body may still be under way: close it, do not reuse it.
func (c *Client) UploadFile(ctx context.Context, u catalog.Upload) (string, error) {
	if err := checkUpload(u); err != nil {
		return "", err
	}
	form, err := newUploadForm(u)
	if err != nil {
		return "", err
	}
	body := &uploadBody{upload: u, form: form, stall: c.options.StallTimeout, answer: c.options.AnswerTimeout}
	watched, dog, done := watch(ctx, c.options.StallTimeout, body.stalledAt)
	defer done()
	body.watchdog = dog
	defer body.detach()

	request, err := c.uploadRequest(watched, u, form, body)
	if err != nil {
		return "", err
	}
	response, err := c.send(request)
	if err != nil {
		return "", c.uploadFailed(ctx, watched, body, err)
	}
	defer response.Body.Close()
	id, err := readFileID(response)
	if err != nil {
		return "", c.uploadFailed(ctx, watched, body, err)
	}
	return id, nil
}

// send does the request, but leaves as soon as its context ends. net/http would wait for a read of the body that is
// under way, and a source that stalls may never end it.
func (c *Client) send(request *http.Request) (*http.Response, error) {
	type answer struct {
		response *http.Response
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		response, err := c.http.Do(request)
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

func checkUpload(u catalog.Upload) error {
	if err := errors.Join(checkAccount(u.Account), checkIdempotencyKey(u.IdempotencyKey)); err != nil {
		return err
	}
	switch {
	case u.Filename == "":
		return fault.NewPermanent(fault.InputInvalid, errors.New("upload has no filename"))
	case u.ContentType == "":
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("upload %q has no content type", u.Filename))
	case u.Size <= 0 || u.Body == nil:
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("upload %q is empty", u.Filename))
	}
	return nil
}

// uploadForm is the multipart form around the file.
type uploadForm struct {
	contentType string
	before      []byte
	after       []byte
}

// newUploadForm writes the form with a boundary that the idempotency key determines, so that a retry repeats it.
func newUploadForm(u catalog.Upload) (uploadForm, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	sum := sha256.Sum256([]byte(u.IdempotencyKey))
	if err := w.SetBoundary("vitrine" + hex.EncodeToString(sum[:20])); err != nil {
		return uploadForm{}, fmt.Errorf("upload form: %w", err)
	}
	if err := w.WriteField("purpose", uploadPurpose); err != nil {
		return uploadForm{}, fmt.Errorf("upload form: %w", err)
	}
	header := textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", u.Filename)},
		"Content-Type":        {u.ContentType},
	}
	if _, err := w.CreatePart(header); err != nil {
		return uploadForm{}, fmt.Errorf("upload form: %w", err)
	}
	before := bytes.Clone(b.Bytes())
	if err := w.Close(); err != nil {
		return uploadForm{}, fmt.Errorf("upload form: %w", err)
	}
	return uploadForm{contentType: w.FormDataContentType(), before: before, after: b.Bytes()[len(before):]}, nil
}

func (f uploadForm) length(size int64) int64 {
	return int64(len(f.before)) + size + int64(len(f.after))
}

func (c *Client) uploadRequest(ctx context.Context, u catalog.Upload, form uploadForm, body *uploadBody) (*http.Request, error) {
	content := io.MultiReader(bytes.NewReader(form.before), body, bytes.NewReader(form.after))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.FilesBase+"/v1/files", io.NopCloser(content))
	if err != nil {
		return nil, fault.NewPermanent(fault.InputInvalid, fmt.Errorf("upload: %w", err))
	}
	request.ContentLength = form.length(u.Size)
	request.Header = http.Header{
		"Authorization":   {"Bearer " + c.options.Key},
		"Content-Type":    {form.contentType},
		"Idempotency-Key": {u.IdempotencyKey},
		"Stripe-Account":  {u.Account},
		"Stripe-Version":  {c.options.Version},
		"User-Agent":      {userAgent},
	}
	return request, nil
}

// uploadFailed names the side that failed. What the source said comes before what the connection said of it.
func (c *Client) uploadFailed(ctx, watched context.Context, body *uploadBody, err error) error {
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

func readFileID(response *http.Response) (string, error) {
	var file struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&file); err != nil {
		return "", fmt.Errorf("the answer cannot be read: %w", err)
	}
	if !fileID.MatchString(file.ID) {
		return "", errors.New("the answer names no file")
	}
	return file.ID, nil
}

// uploadBody reads the file for the transport: exactly its size, with every step reported and watched.
type uploadBody struct {
	upload   catalog.Upload
	form     uploadForm
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

// readSource reads what is left of the file. At its end it asks the source for one byte more: there must not be one.
func (b *uploadBody) readSource(p []byte) (int, error) {
	left := b.upload.Size - b.sent
	if left == 0 {
		return 0, b.checkEnd()
	}
	n, err := b.upload.Body.Read(p[:min(int64(len(p)), left)])
	if errors.Is(err, io.EOF) {
		if int64(n) < left {
			return n, fault.NewPlain(fault.StorageFailed, fmt.Errorf("upload %q: the source ended after %d of %d bytes: %w", b.upload.Filename, b.sent+int64(n), b.upload.Size, io.ErrUnexpectedEOF))
		}
		err = nil // the end is found by the next read
	}
	if err != nil {
		err = sourceFailed(b.upload.Filename, err)
	}
	return n, err
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
			return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("upload %q: the source is longer than the %d bytes announced", b.upload.Filename, b.upload.Size))
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return sourceFailed(b.upload.Filename, err)
		}
	}
	return sourceFailed(b.upload.Filename, io.ErrNoProgress)
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
		return fmt.Sprintf("upload: the source gave no byte for %s, after %d of %d bytes", b.stall, b.sent, b.upload.Size)
	}
	return fmt.Sprintf("upload: no byte left for %s, after %d of %d bytes", b.stall, b.sent, b.upload.Size)
}
