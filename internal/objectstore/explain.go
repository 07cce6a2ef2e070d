package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"vitrine/internal/fault"
)

// call is what was asked of S3 when it failed.
type call struct {
	verb        string // describe, read, write, delete, list
	bucket, key string
	writes      bool
	conditional bool // the write had a condition
}

func (c call) address() string { return "s3://" + c.bucket + "/" + c.key }

// explain turns an error of the SDK into one that says what failed in people's words and what that means for a retry.
// A context that ended is returned as it is.
func (s *Store) explain(ctx context.Context, c call, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := fmt.Errorf("%s %s: %w", c.verb, c.address(), brief(err))
	switch status := status(err); {
	case code(err) == "NoSuchBucket":
		return missingBucket(c)
	case code(err) == "NoSuchVersion":
		return fault.NewPlain(fault.SourceChanged, fmt.Errorf("%s: this version is gone", c.address()))
	case status == http.StatusNotFound:
		return s.missing(ctx, c)
	case status == http.StatusPreconditionFailed || status == http.StatusConflict:
		return changed(c, text)
	case code(err) == "RequestTimeTooSkewed": // a 403 about the clock, not about permissions
		return fault.NewPlain(fault.StorageFailed, text)
	case status == http.StatusForbidden:
		return fault.NewPermanent(fault.SourceForbidden, fmt.Errorf("%w; check the credentials and the bucket's policy (S3 says the same of a key that does not exist to whoever may not list the bucket)", text))
	case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
		return fault.NewThrottled(fault.StorageFailed, retryAfter(err), text)
	default:
		return fault.NewPlain(fault.StorageFailed, text)
	}
}

// missing says whether it is the key or the bucket that does not exist: the answer to HEAD has no body to say so.
func (s *Store) missing(ctx context.Context, c call) error {
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	_, err := s.client.HeadBucket(limited, &s3.HeadBucketInput{Bucket: &c.bucket})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case status(err) == http.StatusNotFound:
		return missingBucket(c)
	case c.conditional: // the object that the condition named was deleted
		return fault.NewPlain(fault.StateConflict, fmt.Errorf("%s was deleted by somebody else", c.address()))
	case c.writes: // a multipart upload that somebody cleaned away
		return fault.NewPlain(fault.StorageFailed, fmt.Errorf("%s %s: the upload is gone", c.verb, c.address()))
	default:
		return fault.NewPermanent(fault.SourceMissing, fmt.Errorf("%s does not exist", c.address()))
	}
}

func missingBucket(c call) error {
	return fault.NewPermanent(fault.SourceMissing, fmt.Errorf("bucket %s does not exist", c.bucket))
}

func changed(c call, text error) error {
	if c.writes {
		return fault.NewPlain(fault.StateConflict, fmt.Errorf("%w; somebody else wrote it at the same time", text))
	}
	return fault.NewPlain(fault.SourceChanged, fmt.Errorf("%w; it was replaced since it was described", text))
}

// code is S3's own name for an error; empty if S3 did not answer.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func status(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// brief is S3's message without the SDK's frame around it.
func brief(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("%s: %s (HTTP %d%s)", api.ErrorCode(), api.ErrorMessage(), status(err), requestID(err))
	}
	var unsent *smithyhttp.RequestSendError
	if errors.As(err, &unsent) {
		return fmt.Errorf("S3 does not answer: %w", unsent.Err)
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		return operation.Err
	}
	return err
}

func requestID(err error) string {
	var answer interface{ ServiceRequestID() string }
	if errors.As(err, &answer) && answer.ServiceRequestID() != "" {
		return ", request " + answer.ServiceRequestID()
	}
	return ""
}

// retryAfter is the pause that the server asks for in seconds; zero if it names none.
func retryAfter(err error) time.Duration {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil {
		return 0
	}
	seconds, err := strconv.Atoi(answer.Response.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, 10*time.Minute)
}
