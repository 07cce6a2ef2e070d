package doctor

import (
	"context"

	"vitrine/internal/fault"
	"vitrine/internal/preflight"
	"vitrine/internal/statestore"
)

// Storage is S3, as far as it could be opened.
type Storage struct {
	Objects statestore.Objects
	Buckets Buckets
	Layout  statestore.Layout
	Err     error // why it could not be opened
}

// Buckets tells how a bucket is set up.
type Buckets interface {
	// UploadsExpire returns after how many days the bucket gives up uploads in parts that nobody ended; 0: never. The
	// error is fault.StorageUnusable if the server has no such rules, and fault.SourceForbidden if it does not tell.
	UploadsExpire(ctx context.Context, bucket, prefix string) (days int, err error)
}

const (
	handbookS3 = "docs/operations.md#s3"
	mendSource = "set VITRINE_SOURCE_BUCKET, or create the bucket: aws s3 mb s3://BUCKET; permissions: " +
		handbookS3
	mendState      = "set VITRINE_STATE_BUCKET, or create the bucket: aws s3 mb s3://BUCKET; permissions: " + handbookS3
	mendUploads    = "aws s3api put-bucket-lifecycle-configuration, with the rules of " + handbookS3
	conditionsHold = "readable, and conditional writes hold"
)

// checks look at the buckets that the deployment itself names.
func (s Storage) checks() []Check {
	if s.Err != nil {
		return []Check{{Name: "s3", Look: func(context.Context) Finding { return wrong("starter env", "%v", s.Err) }}}
	}
	checks := []Check{
		{Name: "state bucket",
			Look: asked(preflight.State(s.Objects, s.Layout), s.Layout.StateBucket+": "+conditionsHold, mendState)},
		{Name: "broken uploads", Look: s.uploads},
	}
	if s.Layout.SourceBucket == "" {
		return checks // the configuration says that it is missing
	}
	source := Check{Name: "source bucket",
		Look: asked(preflight.Source(s.Objects, s.Layout), s.Layout.SourceBucket+": readable", mendSource)}
	return append([]Check{source}, checks...)
}

// uploads looks whether the state bucket gives up what a killed worker leaves: nobody sees it, and it is billed.
func (s Storage) uploads(ctx context.Context) Finding {
	days, err := s.Buckets.UploadsExpire(ctx, s.Layout.StateBucket, s.Layout.PreflightKey(""))
	switch {
	case fault.Is(err, fault.SourceForbidden):
		return unseen("allow s3:GetLifecycleConfiguration here, or look there: "+handbookS3,
			"%s does not tell its lifecycle rules", s.Layout.StateBucket)
	case err != nil:
		return unseen("", "%v", err)
	case days == 0:
		return doubtful(mendUploads, "%s keeps uploads that were broken off for ever, unseen and billed",
			s.Layout.StateBucket)
	}
	return right("%s gives up uploads that were broken off after %d days", s.Layout.StateBucket, days)
}
