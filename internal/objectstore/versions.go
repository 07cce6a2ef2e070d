package objectstore

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"vitrine/internal/statestore"
)

// Versions describes every version of the objects under a prefix, by key. A bucket that was never versioned has one of
// each. Markers that say that an object was deleted are none of them: they hold nothing.
func (s *Store) Versions(ctx context.Context, bucket, prefix string) ([]statestore.Object, error) {
	var versions []statestore.Object
	pages := s3.NewListObjectVersionsPaginator(s.client,
		&s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: nonEmpty(prefix)})
	for pages.HasMorePages() {
		page, err := s.versionPage(ctx, pages)
		if err != nil {
			return nil, s.explain(ctx, call{verb: "list the versions of", bucket: bucket, key: prefix}, err)
		}
		for _, v := range page.Versions {
			versions = append(versions, version(bucket, v))
		}
	}
	slices.SortStableFunc(versions, func(a, b statestore.Object) int { return strings.Compare(a.Key, b.Key) })
	return versions, nil
}

func (s *Store) versionPage(
	ctx context.Context, pages *s3.ListObjectVersionsPaginator,
) (*s3.ListObjectVersionsOutput, error) {
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	return pages.NextPage(limited)
}

func version(bucket string, v types.ObjectVersion) statestore.Object {
	return statestore.Object{
		Bucket: bucket, Key: aws.ToString(v.Key), VersionID: aws.ToString(v.VersionId), ETag: aws.ToString(v.ETag),
		Size: aws.ToInt64(v.Size), LastModified: aws.ToTime(v.LastModified),
	}
}

// DeleteVersion removes one version for good. The object as it is now goes with its last version, and no marker takes
// its place. Of a version that is not there Amazon's S3 says nothing, others that the id is wrong.
func (s *Store) DeleteVersion(ctx context.Context, o statestore.Object) error {
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	_, err := s.client.DeleteObject(limited,
		&s3.DeleteObjectInput{Bucket: &o.Bucket, Key: &o.Key, VersionId: nonEmpty(o.VersionID)})
	if err == nil || code(err) == "NoSuchKey" || code(err) == "NoSuchVersion" {
		return nil
	}
	return s.explain(ctx, call{verb: "delete a version of", bucket: o.Bucket, key: o.Key, writes: true}, err)
}
