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
	// State says whether state can be kept in its bucket; it looks once, for all who ask. See preflight.State.
	State func(context.Context) error
	Err   error // why it could not be opened
}

// Buckets tells how a bucket is set up.
type Buckets interface {
	// UploadsExpire returns after how many days the bucket gives up uploads in parts that nobody ended; 0: never. The
	// error is fault.StorageUnusable if the server has no such rules, and fault.SourceForbidden if it does not tell.
	UploadsExpire(ctx context.Context, bucket, prefix string) (days int, err error)
}

const (
	handbookS3     = "docs/operations.md#s3"
	mendAccess     = "check AWS_ENDPOINT_URL_S3, AWS_REGION, and the credentials and their permissions: " + handbookS3
	mendUploads    = "aws s3api put-bucket-lifecycle-configuration, with the rules of " + handbookS3
	conditionsHold = "readable, and conditional writes hold"
)

// checks look at the buckets that the deployment itself names.
func (s Storage) checks() []Check {
	if s.Err != nil {
		return []Check{{Name: "s3", Look: func(context.Context) Diagnosis { return wrong("starter env", "%v", s.Err) }}}
	}
	checks := []Check{
		{Name: "state bucket", Silent: silent(mendAccess),
			Look: asked(s.State, s.Layout.StateBucket+": "+conditionsHold, mendBucket("VITRINE_STATE_BUCKET"))},
		{Name: "broken uploads", Look: s.uploads},
	}
	if s.Layout.SourceBucket == "" {
		return checks // the configuration says that it is missing
	}
	source := Check{Name: "source bucket", Silent: silent(mendAccess),
		Look: asked(preflight.Source(s.Objects, s.Layout).Ask, s.Layout.SourceBucket+": readable",
			mendBucket("VITRINE_SOURCE_BUCKET"))}
	return append([]Check{source}, checks...)
}

// mendBucket is the remedy for a bucket that cannot be used, which a variable names.
func mendBucket(variable string) func(error) string {
	return func(err error) string {
		if fault.Is(err, fault.BucketMissing) {
			return "set " + variable + ", or create the bucket: aws s3 mb s3://BUCKET; permissions: " + handbookS3
		}
		return mendAccess
	}
}

// unread is what is found where a document cannot be used. What is wrong with the bucket itself, its own check says.
func unread(ctx context.Context, state func(context.Context) error, err error, remedy string) Diagnosis {
	switch {
	case state(ctx) != nil: // a page in place of S3's answer is no document either
		return unseen("", "not read: the state bucket cannot be used")
	case fault.Is(err, fault.SettingsInvalid):
		return wrong(remedy, "%v", err)
	}
	return wrong(handbookS3, "%v", err)
}

// uploads looks whether the state bucket gives up what a killed worker leaves: nobody sees it, and it is billed.
func (s Storage) uploads(ctx context.Context) Diagnosis {
	days, err := s.Buckets.UploadsExpire(ctx, s.Layout.StateBucket, s.Layout.PreflightKey(""))
	switch {
	case err != nil && s.State(ctx) != nil:
		return unseen("", "not looked at: the state bucket cannot be used")
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
