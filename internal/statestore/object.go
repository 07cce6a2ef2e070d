package statestore

import (
	"context"
	"io"
	"strings"
	"time"
)

// Object names one version of one object in S3, so that whoever reads it later reads the same bytes.
type Object struct {
	Bucket       string    `json:"bucket"`
	Key          string    `json:"key"`
	VersionID    string    `json:"version_id,omitempty"` // empty unless the bucket is versioned
	ETag         string    `json:"etag"`                 // with its quotes, as S3 gives it
	Size         int64     `json:"size"`                 // bytes
	LastModified time.Time `json:"last_modified"`
}

// Version identifies the content of the object: the version id of a versioned bucket, otherwise the ETag.
func (o Object) Version() string {
	if o.VersionID != "" && o.VersionID != "null" {
		return o.VersionID
	}
	return strings.Trim(o.ETag, `"`)
}

// Same reports whether two objects are the same version of the same object.
func (o Object) Same(other Object) bool {
	return o.Bucket == other.Bucket && o.Key == other.Key && o.Version() == other.Version()
}

// URI is the object's address for people: s3://bucket/key.
func (o Object) URI() string { return "s3://" + o.Bucket + "/" + o.Key }

// Objects is what Vitrine needs of S3 to keep its documents. Errors carry a fault: a missing object is
// fault.SourceMissing, a failed precondition fault.StateConflict for writes and fault.SourceChanged for reads.
type Objects interface {
	// Head describes the current version of an object.
	Head(ctx context.Context, bucket, key string) (Object, error)
	// Open reads exactly the version that o names; it fails with fault.SourceChanged if that one is gone.
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
	// Get reads a small object whole, with its description.
	Get(ctx context.Context, bucket, key string) ([]byte, Object, error)
	// Put writes a small object. ifMatch is the ETag that must still be current: empty means "whatever is there",
	// IfAbsent means "only if nothing is there".
	Put(ctx context.Context, bucket, key, contentType string, body []byte, ifMatch string) (Object, error)
	// Write streams body, whose length nobody knows, into an object in bounded memory. If body fails, nothing is
	// written.
	Write(ctx context.Context, bucket, key, contentType string, body io.Reader) (Object, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, bucket, key string) error
	// List names the keys under a prefix, in order.
	List(ctx context.Context, bucket, prefix string) ([]string, error)
	// ListAfter names the first of the keys under a prefix that come after a key, in order: one call's worth, or less.
	// None: there are no more.
	ListAfter(ctx context.Context, bucket, prefix, after string) ([]string, error)
	// Folders names what stands between a prefix and the slash after it, each once, in order. It costs a call for every
	// thousand of them, however much lies there.
	Folders(ctx context.Context, bucket, prefix string) ([]string, error)
	// FoldersAfter names the first of the folders that begin with a prefix and come after one of them, as Folders does:
	// one call's worth, or less. None: there are no more. Prefix may end within a name.
	FoldersAfter(ctx context.Context, bucket, prefix, after string) ([]string, error)
	// Versions describes every version of the objects under a prefix, by key; a bucket without versions has one of
	// each.
	Versions(ctx context.Context, bucket, prefix string) ([]Object, error)
	// DeleteVersion removes one version for good.
	DeleteVersion(ctx context.Context, o Object) error
}

// IfAbsent as the ifMatch of Objects.Put writes only where there is nothing yet.
const IfAbsent = "*"
