package objectstore

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"vitrine/internal/statestore"
)

// partSize is how much of a stream is in memory at once. S3 wants at least 5 MiB, and takes 10,000 parts: 80 GB.
const partSize = 8 << 20

// abortTimeout bounds the clean-up after a failed upload, which runs even if the caller has given up.
const abortTimeout = 10 * time.Second

var buffers = sync.Pool{New: func() any { b := make([]byte, partSize); return &b }}

// Write streams content, whose length nobody knows, into an object, one part in memory at a time. What fits one part is
// written by one request. S3 shows nothing before the last request, so a content that fails leaves nothing; only a
// process killed in between leaves parts, which nobody sees but the bill (a lifecycle rule removes them).
//
// Parts go one after another: what is written here is read from S3 as it goes, and waits for that anyway.
func (s *Store) Write(
	ctx context.Context, bucket, key, contentType string, content io.Reader,
) (statestore.Object, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	n, err := fill(*buffer, content)
	if err != nil {
		return statestore.Object{}, err
	}
	if n < partSize {
		return s.Put(ctx, bucket, key, contentType, (*buffer)[:n], "")
	}
	up := &upload{store: s, call: call{verb: "write", bucket: bucket, key: key, writes: true}}
	return up.run(ctx, contentType, *buffer, content)
}

// fill reads until buffer is full or content ends. io.ReadFull will not do: it reports an end within the buffer as
// io.ErrUnexpectedEOF, which is also what a broken gzip stream says, and half a catalog would be written as a whole
// one.
func fill(buffer []byte, content io.Reader) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = content.Read(buffer[n:])
		n += m
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// upload is one multipart upload.
type upload struct {
	store *Store
	call  call
	id    *string
	parts []types.CompletedPart
	size  int64
}

func (u *upload) run(ctx context.Context, contentType string, first []byte, rest io.Reader) (statestore.Object, error) {
	if err := u.create(ctx, contentType); err != nil {
		return statestore.Object{}, err
	}
	object, err := u.send(ctx, first, rest)
	if err != nil {
		u.abort(ctx)
	}
	return object, err
}

func (u *upload) create(ctx context.Context, contentType string) error {
	limited, cancel := context.WithTimeout(ctx, u.store.patience.call)
	defer cancel()
	out, err := u.store.client.CreateMultipartUpload(limited, &s3.CreateMultipartUploadInput{
		Bucket: &u.call.bucket, Key: &u.call.key, ContentType: nonEmpty(contentType),
	})
	if err != nil {
		return u.store.explain(ctx, u.call, err)
	}
	u.id = out.UploadId
	return nil
}

// send sends the full buffer and fills it again, until the content ends.
func (u *upload) send(ctx context.Context, buffer []byte, rest io.Reader) (statestore.Object, error) {
	n := len(buffer)
	for n > 0 {
		if err := u.part(ctx, buffer[:n]); err != nil {
			return statestore.Object{}, err
		}
		var err error
		if n, err = fill(buffer, rest); err != nil {
			return statestore.Object{}, err
		}
	}
	return u.complete(ctx)
}

func (u *upload) part(ctx context.Context, content []byte) error {
	limited, cancel := context.WithTimeout(ctx, u.store.patience.call)
	defer cancel()
	number := aws.Int32(int32(len(u.parts) + 1))
	out, err := u.store.client.UploadPart(limited, &s3.UploadPartInput{
		Bucket: &u.call.bucket, Key: &u.call.key, UploadId: u.id, PartNumber: number, Body: bytes.NewReader(content),
	})
	if err != nil {
		return u.store.explain(ctx, u.call, err)
	}
	u.parts = append(u.parts, types.CompletedPart{PartNumber: number, ETag: out.ETag})
	u.size += int64(len(content))
	return nil
}

func (u *upload) complete(ctx context.Context) (statestore.Object, error) {
	limited, cancel := context.WithTimeout(ctx, u.store.patience.complete)
	defer cancel()
	out, err := u.store.client.CompleteMultipartUpload(limited, &s3.CompleteMultipartUploadInput{
		Bucket: &u.call.bucket, Key: &u.call.key, UploadId: u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	})
	if err != nil {
		return statestore.Object{}, u.store.explain(ctx, u.call, err)
	}
	return written(u.call.bucket, u.call.key, out.VersionId, out.ETag, u.size), nil
}

// abort says nothing if it fails: the caller's error matters more, and the parts left behind are harmless.
func (u *upload) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, _ = u.store.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &u.call.bucket, Key: &u.call.key, UploadId: u.id,
	})
}
