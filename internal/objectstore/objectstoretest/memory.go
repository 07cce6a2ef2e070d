package objectstoretest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Memory is statestore.Objects in memory. Like an unversioned S3 bucket it keeps one version per key and gives the MD5
// of the content as the ETag, so writing the same bytes again does not change it.
type Memory struct {
	// Before, if set, is asked before every operation (Head, Open, Get, Put, Write, Delete, List, Versions,
	// DeleteVersion; key is the prefix for List and Versions); an error ends the operation with it. Set it before the
	// store is shared.
	Before func(operation, bucket, key string) error
	// Clock says when objects are written; nil: now.
	Clock func() time.Time

	mu      sync.Mutex
	buckets map[string]map[string]stored
}

type stored struct {
	object      statestore.Object
	contentType string
	body        []byte
}

var _ statestore.Objects = (*Memory)(nil)

// NewMemory has the named buckets, empty. As at S3, nothing can be read or written where there is no bucket.
func NewMemory(buckets ...string) *Memory {
	m := &Memory{buckets: map[string]map[string]stored{}}
	for _, bucket := range buckets {
		m.buckets[bucket] = map[string]stored{}
	}
	return m
}

// Head describes the current version of an object.
func (m *Memory) Head(ctx context.Context, bucket, key string) (statestore.Object, error) {
	found, err := m.find(ctx, "Head", bucket, key)
	return found.object, err
}

// Open reads exactly the version that o names.
func (m *Memory) Open(ctx context.Context, o statestore.Object) (io.ReadCloser, error) {
	found, err := m.find(ctx, "Open", o.Bucket, o.Key)
	if err != nil {
		return nil, err
	}
	if o.ETag != "" && o.ETag != found.object.ETag {
		return nil, fault.NewPlain(fault.SourceChanged,
			fmt.Errorf("%s was replaced: expected ETag %s, found %s", o.URI(), o.ETag, found.object.ETag))
	}
	return io.NopCloser(bytes.NewReader(found.body)), nil
}

// Get reads an object whole.
func (m *Memory) Get(ctx context.Context, bucket, key string) ([]byte, statestore.Object, error) {
	found, err := m.find(ctx, "Get", bucket, key)
	return bytes.Clone(found.body), found.object, err
}

// Put writes an object if ifMatch allows it.
func (m *Memory) Put(
	ctx context.Context, bucket, key, contentType string, body []byte, ifMatch string,
) (statestore.Object, error) {
	if err := m.begin(ctx, "Put", bucket, key); err != nil {
		return statestore.Object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, err := m.bucket(bucket)
	if err != nil {
		return statestore.Object{}, err
	}
	current, exists := objects[key]
	if !allowed(ifMatch, exists, current.object.ETag) {
		return statestore.Object{}, fault.NewPlain(fault.StateConflict,
			fmt.Errorf("s3://%s/%s was changed by somebody else: expected ETag %s, found %q", bucket, key, ifMatch,
				current.object.ETag))
	}
	return m.write(objects, bucket, key, contentType, bytes.Clone(body)), nil
}

func allowed(ifMatch string, exists bool, etag string) bool {
	switch ifMatch {
	case "":
		return true
	case statestore.IfAbsent:
		return !exists
	default:
		return exists && ifMatch == etag
	}
}

// Write reads body to its end and then writes the object; if body fails, nothing is written.
func (m *Memory) Write(
	ctx context.Context, bucket, key, contentType string, body io.Reader,
) (statestore.Object, error) {
	if err := m.begin(ctx, "Write", bucket, key); err != nil {
		return statestore.Object{}, err
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return statestore.Object{}, err
	}
	if err := ctx.Err(); err != nil {
		return statestore.Object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, err := m.bucket(bucket)
	if err != nil {
		return statestore.Object{}, err
	}
	return m.write(objects, bucket, key, contentType, content), nil
}

// Delete removes an object; one that is not there is no error.
func (m *Memory) Delete(ctx context.Context, bucket, key string) error {
	if err := m.begin(ctx, "Delete", bucket, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, err := m.bucket(bucket)
	if err != nil {
		return err
	}
	delete(objects, key)
	return nil
}

// List names the keys under a prefix, in order.
func (m *Memory) List(ctx context.Context, bucket, prefix string) ([]string, error) {
	if err := m.begin(ctx, "List", bucket, prefix); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, err := m.bucket(bucket)
	if err != nil {
		return nil, err
	}
	var keys []string
	for key := range objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys, nil
}

// ListAfter names three keys at most, so that whoever lists has to go on.
func (m *Memory) ListAfter(ctx context.Context, bucket, prefix, after string) ([]string, error) {
	keys, err := m.List(ctx, bucket, prefix)
	if err != nil {
		return nil, err
	}
	from := sort.Search(len(keys), func(i int) bool { return keys[i] > after })
	return keys[from:min(from+3, len(keys))], nil
}

// Folders names what stands between a prefix and the slash after it.
func (m *Memory) Folders(ctx context.Context, bucket, prefix string) (names []string, err error) {
	keys, err := m.List(ctx, bucket, prefix)
	for _, key := range keys {
		if name, _, isFolder := strings.Cut(strings.TrimPrefix(key, prefix), "/"); isFolder {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// FoldersAfter names two folders at most, so that whoever lists has to go on.
func (m *Memory) FoldersAfter(ctx context.Context, bucket, prefix, after string) (names []string, err error) {
	within := prefix[:strings.LastIndex(prefix, "/")+1]
	all, err := m.Folders(ctx, bucket, within)
	for _, name := range all {
		if strings.HasPrefix(within+name, prefix) && name > after && len(names) < 2 {
			names = append(names, name)
		}
	}
	return names, err
}

// ListPage describes three objects at most, so that whoever lists has to go on.
func (m *Memory) ListPage(
	ctx context.Context, bucket, prefix, after string,
) (objects []statestore.Object, end bool, err error) {
	keys, err := m.List(ctx, bucket, prefix)
	if err != nil {
		return nil, false, err
	}
	from := sort.Search(len(keys), func(i int) bool { return keys[i] > after })
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range keys[from:min(from+3, len(keys))] {
		if found, ok := m.buckets[bucket][key]; ok {
			objects = append(objects, found.object)
		}
	}
	return objects, from+3 >= len(keys), nil
}

// Versions describes the one version that there is of each object.
func (m *Memory) Versions(ctx context.Context, bucket, prefix string) ([]statestore.Object, error) {
	if err := m.begin(ctx, "Versions", bucket, prefix); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, err := m.bucket(bucket)
	if err != nil {
		return nil, err
	}
	var versions []statestore.Object
	for key, found := range objects {
		if strings.HasPrefix(key, prefix) {
			versions = append(versions, found.object)
		}
	}
	slices.SortFunc(versions, func(a, b statestore.Object) int { return strings.Compare(a.Key, b.Key) })
	return versions, nil
}

// DeleteVersion removes an object.
func (m *Memory) DeleteVersion(ctx context.Context, o statestore.Object) error {
	if err := m.begin(ctx, "DeleteVersion", o.Bucket, o.Key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, err := m.bucket(o.Bucket)
	if err != nil {
		return err
	}
	delete(objects, o.Key)
	return nil
}

// ContentType is what an object was written with, for assertions; empty if it is not there.
func (m *Memory) ContentType(bucket, key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.buckets[bucket][key].contentType
}

func (m *Memory) begin(ctx context.Context, operation, bucket, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.Before != nil {
		return m.Before(operation, bucket, key)
	}
	return nil
}

func (m *Memory) find(ctx context.Context, operation, bucket, key string) (stored, error) {
	if err := m.begin(ctx, operation, bucket, key); err != nil {
		return stored{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, err := m.bucket(bucket)
	if err != nil {
		return stored{}, err
	}
	found, ok := objects[key]
	if !ok {
		return stored{}, fault.NewPermanent(fault.SourceMissing, fmt.Errorf("s3://%s/%s does not exist", bucket, key))
	}
	return found, nil
}

func (m *Memory) bucket(name string) (map[string]stored, error) {
	objects, ok := m.buckets[name]
	if !ok {
		return nil, fault.NewPermanent(fault.BucketMissing, fmt.Errorf("bucket %s does not exist", name))
	}
	return objects, nil
}

func (m *Memory) now() time.Time {
	if m.Clock != nil {
		return m.Clock()
	}
	return time.Now()
}

func (m *Memory) write(objects map[string]stored, bucket, key, contentType string, body []byte) statestore.Object {
	sum := md5.Sum(body)
	object := statestore.Object{
		Bucket:       bucket,
		Key:          key,
		ETag:         `"` + hex.EncodeToString(sum[:]) + `"`,
		Size:         int64(len(body)),
		LastModified: m.now().UTC().Truncate(time.Second), // S3 knows no fractions
	}
	objects[key] = stored{object: object, contentType: contentType, body: body}
	return object
}
