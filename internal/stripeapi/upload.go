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

	"vitrine/internal/catalog"
	"vitrine/internal/fault"
)

// uploadPurpose is the purpose of a file that an import set may take.
const uploadPurpose = "data_management_manual_upload"

var fileID = regexp.MustCompile(`^file_[A-Za-z0-9_-]{1,250}$`)

// Upload streams a part to the Files API in memory that does not depend on its size, and returns the file's id.
// The same upload under the same idempotency key is the same request byte for byte. When it returns early, because the
// context ended or Stripe refused the call, one read of u.Body may still be under way: close it, do not reuse it.
func (s *ImportSets) Upload(ctx context.Context, u catalog.Upload) (string, error) {
	if err := errors.Join(checkUpload(u), checkFormat(u.Feed), checkUpsert(u.Mode)); err != nil {
		return "", err
	}
	form, err := newUploadForm(u)
	if err != nil {
		return "", err
	}
	c, id := s.client, ""
	err = c.transfer(ctx, c.http, u, func(ctx context.Context, body io.Reader) (*http.Request, error) {
		return c.uploadRequest(ctx, u, form, body)
	}, func(response *http.Response) (err error) {
		id, err = readFileID(response)
		return err
	})
	return id, err
}

func checkUpsert(m catalog.Mode) error {
	if m != "" && m != catalog.Upsert {
		return fault.NewPermanent(fault.InputInvalid, fmt.Errorf("an import set cannot %s a catalog, only upsert", m))
	}
	return nil
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

func (c *Client) uploadRequest(
	ctx context.Context, u catalog.Upload, form uploadForm, body io.Reader,
) (*http.Request, error) {
	content := io.MultiReader(bytes.NewReader(form.before), body, bytes.NewReader(form.after))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.FilesBase+"/v1/files",
		io.NopCloser(content))
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
