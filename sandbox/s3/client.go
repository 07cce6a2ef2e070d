package s3

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The buckets that the sandbox has from the start.
const (
	SourceBucket = "catalogs"
	StateBucket  = "vitrine-state"
)

// Client talks to the endpoint at url as its one account.
func Client(url string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(url),
		Region:       Region,
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
		UsePathStyle: true,
	})
}

// CreateBuckets makes buckets that are not there yet.
func CreateBuckets(ctx context.Context, client *s3.Client, buckets []Bucket) error {
	for _, bucket := range buckets {
		if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket.Name}); err != nil {
			return fmt.Errorf("create the bucket %s: %w", bucket.Name, err)
		}
		if bucket.Versioned {
			if err := Version(ctx, client, bucket.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Version makes a bucket keep old versions of its objects.
func Version(ctx context.Context, client *s3.Client, bucket string) error {
	_, err := client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		return fmt.Errorf("turn on the versions of the bucket %s: %w", bucket, err)
	}
	return nil
}
