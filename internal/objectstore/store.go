package objectstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"vitrine/internal/fault"
	"vitrine/internal/statestore"
)

// Options say how S3 is reached. Whatever is empty is found as every AWS tool finds it: in AWS_* variables, the shared
// files, or the machine's role.
type Options struct {
	PathStyle bool // http://host/bucket/key, which most servers other than Amazon's want

	Endpoint        string
	Region          string
	AccessKeyID     string
	SecretAccessKey string
}

// Store is statestore.Objects at S3. It is safe for concurrent use.
type Store struct {
	client   *s3.Client
	patience patience
}

// patience is how long S3 may take. The callers' own timeouts are for whole catalogs, and their heartbeats go on while
// no byte moves: a connection that is stuck has to be noticed here.
type patience struct {
	call     time.Duration // a request and its answer, with up to one part in it
	complete time.Duration // putting a large object together
	stall    time.Duration // between two reads of an object on its way
}

var usual = patience{call: 2 * time.Minute, complete: 10 * time.Minute, stall: time.Minute}

var _ statestore.Objects = (*Store)(nil)

// New reads the AWS configuration; it calls nobody.
func New(ctx context.Context, o Options) (*Store, error) {
	loaded, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration (AWS_* variables, shared files): %w", err)
	}
	// The SDK refuses the other switches itself, and passes this one over.
	if off := os.Getenv("AWS_EC2_METADATA_DISABLED"); off != "" && !strings.EqualFold(off, "true") &&
		!strings.EqualFold(off, "false") {
		return nil, fmt.Errorf("AWS_EC2_METADATA_DISABLED=%q: expected true or false", off)
	}
	o.applyTo(&loaded)
	if loaded.Region == "" {
		return nil,
			fmt.Errorf("S3 needs a region: set AWS_REGION, or AWS_ENDPOINT_URL_S3 for a server other than Amazon's")
	}
	return &Store{patience: usual, client: s3.NewFromConfig(loaded, func(so *s3.Options) {
		so.UsePathStyle = o.PathStyle
		if o.Endpoint != "" { // here, because AWS_ENDPOINT_URL_S3 is stronger than the configuration's
			so.BaseEndpoint = aws.String(o.Endpoint)
		}
		// The SDK's own checksums travel as trailers that servers other than Amazon's stumble over. Bodies are
		// protected without them, by TLS or by the request's signature.
		so.HTTPClient = keeping{so.HTTPClient}
		so.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = cmp.Or(loaded.RetryMaxAttempts, o.MaxAttempts)
			first, last := retry.IsErrorRetryableFunc(isDistrusted), retry.IsErrorRetryableFunc(isForeign)
			o.Retryables = append(append([]retry.IsErrorRetryable{first}, o.Retryables...), last)
			o.Backoff = soonAfterPages{retry.NewExponentialJitterBackoff(o.MaxBackoff)}
		})
		so.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		so.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})}, nil
}

func (o Options) applyTo(loaded *aws.Config) {
	// The SDK's retries stay on, at their default of three attempts: they bridge S3's usual short faults within a
	// stream of parts, where a retry by Temporal would begin the whole catalog anew.
	if o.Region != "" {
		loaded.Region = o.Region
	}
	if loaded.Region == "" && o.ownEndpoint() {
		loaded.Region = "us-east-1" // what other servers answer to unless told otherwise
	}
	if o.AccessKeyID != "" {
		loaded.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: o.AccessKeyID, SecretAccessKey: o.SecretAccessKey}, nil
		})
	}
}

// soonAfterPages does not wait long after a page of a proxy: that is no sign of a load.
type soonAfterPages struct{ usual retry.BackoffDelayer }

func (s soonAfterPages) BackoffDelay(attempt int, err error) (time.Duration, error) {
	if isForeign(err) == aws.TrueTernary {
		return 250 * time.Millisecond, nil
	}
	return s.usual.BackoffDelay(attempt, err)
}

// isForeign lets the SDK ask again after a page of a proxy: one of them says nothing, three say that this is no S3.
func isForeign(err error) aws.Ternary {
	if a, answered := answerOf(err); answered && a.foreign {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// isDistrusted keeps the SDK from asking again where asking again changes nothing: seconds pass between its tries.
func isDistrusted(err error) aws.Ternary {
	if distrusted(err) || speaksPlain(err) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

func (o Options) ownEndpoint() bool {
	return o.Endpoint != "" || os.Getenv("AWS_ENDPOINT_URL_S3") != "" || os.Getenv("AWS_ENDPOINT_URL") != ""
}

// Head describes the current version of an object.
func (s *Store) Head(ctx context.Context, bucket, key string) (statestore.Object, error) {
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	out, err := s.client.HeadObject(limited, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		c := call{verb: "describe", bucket: bucket, key: key}
		return statestore.Object{}, s.explain(ctx, c, s.reason(ctx, c, err))
	}
	return statestore.Object{
		Bucket:       bucket,
		Key:          key,
		VersionID:    aws.ToString(out.VersionId),
		ETag:         aws.ToString(out.ETag),
		Size:         aws.ToInt64(out.ContentLength),
		LastModified: aws.ToTime(out.LastModified),
	}, nil
}

// Open reads exactly the version that o names.
func (s *Store) Open(ctx context.Context, o statestore.Object) (io.ReadCloser, error) {
	_, content, err := s.get(ctx,
		&s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key, VersionId: nonEmpty(o.VersionID), IfMatch: nonEmpty(o.ETag)})
	if err != nil {
		return nil, err
	}
	return content, nil
}

// maxGet bounds what Get takes into memory; Vitrine's own documents are far below it.
const maxGet = 64 << 20

// Get reads a small object whole, with its description.
func (s *Store) Get(ctx context.Context, bucket, key string) ([]byte, statestore.Object, error) {
	out, stream, err := s.get(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, statestore.Object{}, err
	}
	object := statestore.Object{
		Bucket:       bucket,
		Key:          key,
		VersionID:    aws.ToString(out.VersionId),
		ETag:         aws.ToString(out.ETag),
		LastModified: aws.ToTime(out.LastModified),
	}
	content, err := readAll(stream, object)
	object.Size = int64(len(content))
	return content, object, err
}

func readAll(r io.ReadCloser, o statestore.Object) ([]byte, error) {
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(io.LimitReader(r, maxGet+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxGet {
		return nil, fault.NewPermanent(fault.StorageFailed,
			fmt.Errorf("%s is larger than %d bytes: it is not a document of Vitrine's", o.URI(), maxGet))
	}
	return content, nil
}

// Put writes a small object if ifMatch allows it.
func (s *Store) Put(
	ctx context.Context, bucket, key, contentType string, content []byte, ifMatch string,
) (statestore.Object, error) {
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, ContentType: nonEmpty(contentType),
		Body: bytes.NewReader(content)}
	var options []func(*s3.Options)
	if ifMatch != "" {
		setCondition(in, ifMatch)
		options = append(options, once)
	}
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	out, err := s.client.PutObject(limited, in, options...)
	if err != nil {
		return statestore.Object{}, s.explain(ctx,
			call{verb: "write", bucket: bucket, key: key, writes: true, conditional: ifMatch != ""}, err)
	}
	return written(bucket, key, out.VersionId, out.ETag, int64(len(content))), nil
}

func setCondition(in *s3.PutObjectInput, ifMatch string) {
	if ifMatch == statestore.IfAbsent {
		in.IfNoneMatch = aws.String("*")
		return
	}
	in.IfMatch = &ifMatch
}

// once turns the SDK's retries off for conditional writes: were the answer to the first try lost, the second would meet
// what the first wrote and call it a conflict. Whoever asked reads the document again before trying again.
func once(o *s3.Options) { o.RetryMaxAttempts = 1 }

// Delete removes an object; one that is not there is no error.
func (s *Store) Delete(ctx context.Context, bucket, key string) error {
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	_, err := s.client.DeleteObject(limited, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	if err == nil || code(err) == "NoSuchKey" { // Amazon's S3 says nothing, some other servers do
		return nil
	}
	return s.explain(ctx, call{verb: "delete", bucket: bucket, key: key, writes: true}, err)
}

// List names the keys under a prefix, in order.
func (s *Store) List(ctx context.Context, bucket, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: nonEmpty(prefix)})
	for pages.HasMorePages() {
		page, err := s.page(ctx, pages)
		if err != nil {
			return nil, s.explain(ctx, call{verb: "list", bucket: bucket, key: prefix}, err)
		}
		for _, object := range page.Contents {
			keys = append(keys, aws.ToString(object.Key))
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Folders names what stands between a prefix and the slash after it.
func (s *Store) Folders(ctx context.Context, bucket, prefix string) ([]string, error) {
	var names []string
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
		Bucket: &bucket, Prefix: nonEmpty(prefix), Delimiter: aws.String("/"),
	})
	for pages.HasMorePages() {
		page, err := s.page(ctx, pages)
		if err != nil {
			return nil, s.explain(ctx, call{verb: "list", bucket: bucket, key: prefix}, err)
		}
		names = append(names, foldersOf(page, prefix)...)
	}
	slices.Sort(names)
	return names, nil
}

func foldersOf(page *s3.ListObjectsV2Output, within string) (names []string) {
	for _, folder := range page.CommonPrefixes {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(folder.Prefix), within), "/"))
	}
	return names
}

// FoldersAfter names up to a thousand folders.
func (s *Store) FoldersAfter(ctx context.Context, bucket, prefix, after string) ([]string, error) {
	within := prefix[:strings.LastIndex(prefix, "/")+1]
	if after != "" {
		after = within + after + "0" // which follows the slash, and everything behind it
	}
	for {
		page, err := s.page(ctx, s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
			Bucket: &bucket, Prefix: nonEmpty(prefix), Delimiter: aws.String("/"), StartAfter: nonEmpty(after),
		}))
		if err != nil {
			return nil, s.explain(ctx, call{verb: "list", bucket: bucket, key: prefix}, err)
		}
		names := foldersOf(page, within)
		if len(names) > 0 || !aws.ToBool(page.IsTruncated) {
			return names, nil
		}
		// a page of nothing but objects beside the folders
		after = aws.ToString(page.Contents[len(page.Contents)-1].Key)
	}
}

// ListAfter names up to a thousand keys under a prefix that come after a key.
func (s *Store) ListAfter(ctx context.Context, bucket, prefix, after string) ([]string, error) {
	page, err := s.page(ctx, s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
		Bucket: &bucket, Prefix: nonEmpty(prefix), StartAfter: nonEmpty(after),
	}))
	if err != nil {
		return nil, s.explain(ctx, call{verb: "list", bucket: bucket, key: prefix}, err)
	}
	var keys []string
	for _, object := range page.Contents {
		keys = append(keys, aws.ToString(object.Key))
	}
	return keys, nil
}

// ListPage describes up to a thousand objects under a prefix whose keys come after a key; end says that there are no
// more. A listing knows no version ids.
func (s *Store) ListPage(
	ctx context.Context, bucket, prefix, after string,
) (objects []statestore.Object, end bool, err error) {
	page, err := s.page(ctx, s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
		Bucket: &bucket, Prefix: nonEmpty(prefix), StartAfter: nonEmpty(after),
	}))
	if err != nil {
		return nil, false, s.explain(ctx, call{verb: "list", bucket: bucket, key: prefix}, err)
	}
	for _, o := range page.Contents {
		objects = append(objects, statestore.Object{
			Bucket: bucket, Key: aws.ToString(o.Key), ETag: aws.ToString(o.ETag), Size: aws.ToInt64(o.Size),
			LastModified: aws.ToTime(o.LastModified),
		})
	}
	return objects, !aws.ToBool(page.IsTruncated), nil
}

func (s *Store) page(ctx context.Context, pages *s3.ListObjectsV2Paginator) (*s3.ListObjectsV2Output, error) {
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	return pages.NextPage(limited)
}

// written describes what was just written. S3 does not say when it noted the object; asking would cost another call,
// and might describe another version by then.
func written(bucket, key string, versionID, etag *string, size int64) statestore.Object {
	return statestore.Object{
		Bucket:       bucket,
		Key:          key,
		VersionID:    aws.ToString(versionID),
		ETag:         aws.ToString(etag),
		Size:         size,
		LastModified: time.Now().UTC().Truncate(time.Second),
	}
}

func nonEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
