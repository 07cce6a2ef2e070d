package objectstore

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"vitrine/internal/fault"
)

// UploadsExpire returns after how many days a bucket gives up uploads in parts below a prefix that nobody ended; 0: it
// keeps them. The error is fault.StorageUnusable if the server has no such rules.
func (s *Store) UploadsExpire(ctx context.Context, bucket, prefix string) (days int, err error) {
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	out, err := s.client.GetBucketLifecycleConfiguration(limited,
		&s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket})
	if err != nil {
		a, answered := answerOf(err)
		switch {
		case answered && a.Code == "NoSuchLifecycleConfiguration":
			return 0, nil
		case answered && (a.status == http.StatusNotImplemented || a.status == http.StatusMethodNotAllowed):
			return 0, fault.NewPermanent(fault.StorageUnusable, fmt.Errorf(
				"the server of bucket %s has no lifecycle rules: it may keep uploads that were broken off", bucket))
		}
		return 0, s.explain(ctx, call{verb: "read the lifecycle of", bucket: bucket}, err)
	}
	for _, rule := range out.Rules {
		abort := rule.AbortIncompleteMultipartUpload
		if abort == nil || rule.Status != types.ExpirationStatusEnabled || !covers(rule, prefix) {
			continue
		}
		if after := int(aws.ToInt32(abort.DaysAfterInitiation)); days == 0 || after < days {
			days = after
		}
	}
	return days, nil
}

// covers reports whether a rule is about everything below prefix. Rules about tags or sizes are not: an upload has
// none.
func covers(rule types.LifecycleRule, prefix string) bool {
	if f := rule.Filter; f != nil {
		narrowed := f.And != nil || f.Tag != nil || f.ObjectSizeGreaterThan != nil || f.ObjectSizeLessThan != nil
		return !narrowed && strings.HasPrefix(prefix, aws.ToString(f.Prefix))
	}
	//lint:ignore SA1019 rules written before there were filters have their prefix here, and are still in force
	return strings.HasPrefix(prefix, aws.ToString(rule.Prefix))
}
