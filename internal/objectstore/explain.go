package objectstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	a, answered := answerOf(err)
	if !answered {
		return unanswered(c, err)
	}
	text := fmt.Errorf("%s %s: %s", c.verb, c.address(), a.brief())
	switch {
	case a.Code == "NoSuchBucket":
		return missingBucket(c)
	case a.Code == "NoSuchVersion":
		return fault.NewPlain(fault.SourceChanged, fmt.Errorf("%s: this version is gone", c.address()))
	case a.Code == "NoSuchKey" || a.Code == "NoSuchUpload":
		return missing(c)
	case a.status == http.StatusPreconditionFailed || a.status == http.StatusConflict:
		return changed(c, text)
	case a.asksForPause():
		return fault.NewThrottled(fault.StorageFailed, a.retryAfter(), text)
	case s.passes(ctx, a):
		return fault.NewPlain(fault.StorageFailed, fmt.Errorf("%w%s", text, passing[a.Code]))
	}
	code, advice := s.never(c, a)
	return fault.NewPermanent(code, fmt.Errorf("%w; %s", text, advice))
}

// unanswered is a server that could not be asked. One that cannot be believed will not do by being asked again.
func unanswered(c call, err error) error {
	text := fmt.Errorf("%s %s: %w", c.verb, c.address(), withoutFrame(err))
	switch {
	case distrusted(err):
		return fault.NewPermanent(fault.StorageUnusable,
			fmt.Errorf("%w; if the server's certificate is of your own authority, name its file in AWS_CA_BUNDLE",
				text))
	case speaksPlain(err):
		return fault.NewPermanent(fault.StorageUnusable,
			fmt.Errorf("%w; the server does not speak TLS: does AWS_ENDPOINT_URL_S3 begin with http://?", text))
	}
	return fault.NewPlain(fault.StorageFailed, text)
}

// distrusted reports whether the server's certificate does not hold.
func distrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// speaksPlain reports whether the server does not speak TLS.
func speaksPlain(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

func missing(c call) error {
	switch {
	case c.conditional: // the object that the condition named was deleted
		return fault.NewPlain(fault.StateConflict, fmt.Errorf("%s was deleted by somebody else", c.address()))
	case c.writes: // a multipart upload that somebody cleaned away
		return fault.NewPlain(fault.StorageFailed, fmt.Errorf("%s %s: the upload is gone", c.verb, c.address()))
	}
	return fault.NewPermanent(fault.SourceMissing, fmt.Errorf("%s does not exist", c.address()))
}

func missingBucket(c call) error {
	return fault.NewPermanent(fault.BucketMissing, fmt.Errorf("bucket %s does not exist", c.bucket))
}

func changed(c call, text error) error {
	if c.writes {
		return fault.NewPlain(fault.StateConflict, fmt.Errorf("%w; somebody else wrote it at the same time", text))
	}
	return fault.NewPlain(fault.SourceChanged, fmt.Errorf("%w; it was replaced since it was described", text))
}

// asksForPause knows the names too: keys of KMS are throttled with HTTP 400.
func (a answer) asksForPause() bool {
	switch a.status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return true
	}
	return a.Code == "SlowDown" || a.Code == "RequestLimitExceeded" || strings.Contains(a.Code, "Throttl")
}

// passing are answers that look like a refusal and are none, with what a person could do.
var passing = map[string]string{
	"RequestTimeTooSkewed":           "; set the clock of the machine that asked",
	"ExpiredToken":                   "; the credentials have to be renewed",
	"ExpiredTokenException":          "; the credentials have to be renewed",
	"TokenRefreshRequired":           "; the credentials have to be renewed",
	"RequestExpired":                 "",
	"RequestTimeout":                 "",
	"IncompleteBody":                 "",
	"BadDigest":                      "",
	"XAmzContentSHA256Mismatch":      "",
	"XAmzContentChecksumMismatch":    "",
	"InvalidPart":                    "",
	"InvalidPartOrder":               "",
	"OperationAborted":               "",
	"KMS.KMSInternalException":       "",
	"KMS.InternalException":          "",
	"KMS.DependencyTimeoutException": "",
	"KMS.KeyUnavailableException":    "",
}

// passes reports whether the same call may succeed later. A failure of the server's passes, unless it says that it
// lacks a feature; a token that nobody renews does not.
func (s *Store) passes(ctx context.Context, a answer) bool {
	if _, listed := passing[a.Code]; listed {
		return !strings.Contains(a.Code, "Token") || s.renews(ctx)
	}
	switch a.status {
	case http.StatusNotImplemented:
		return false
	case http.StatusNotModified, http.StatusTemporaryRedirect, http.StatusRequestTimeout, http.StatusTooEarly:
		return true
	}
	return a.status >= 500 || a.status < 300
}

// renews reports whether the credentials are of a kind that is renewed: a token from the environment is not.
func (s *Store) renews(ctx context.Context) bool {
	had, err := s.client.Options().Credentials.Retrieve(ctx)
	return err != nil || had.CanExpire || had.SessionToken == ""
}

// never says what kind of refusal it is that no repetition heals, and what to do about it.
func (s *Store) never(c call, a answer) (fault.Code, string) {
	region := a.region()
	switch name := a.Code; {
	case a.foreign:
		return fault.StorageUnusable,
			"that is not S3's answer: is AWS_ENDPOINT_URL_S3 the address of an S3 server, and does a proxy stand " +
				"before it?"
	case region != "" && region != s.client.Options().Region:
		return fault.StorageUnusable, fmt.Sprintf("bucket %s is in the region %s, and %s was asked: set AWS_REGION=%s",
			c.bucket, region, s.client.Options().Region, region)
	case name == "PermanentRedirect" || name == "IllegalLocationConstraintException" ||
		name == "AuthorizationHeaderMalformed" || a.status/100 == 3:
		return fault.StorageUnusable,
			fmt.Sprintf("bucket %s is in another region than %s, or at another address: check AWS_REGION and "+
				"AWS_ENDPOINT_URL_S3", c.bucket, s.client.Options().Region)
	case a.status == http.StatusNotImplemented || a.status == http.StatusMethodNotAllowed:
		return fault.StorageUnusable, "the server lacks what Vitrine needs: " + c.feature()
	case name == "InvalidObjectState":
		return fault.StorageUnusable,
			fmt.Sprintf("the object is archived%s: restore it, or export it to a class that can be read at once",
				inClass(a.StorageClass))
	case strings.HasPrefix(name, "KMS."):
		return fault.StorageUnusable,
			"the KMS key that encrypts it is disabled, deleted or not usable: enable it, or encrypt with another one"
	case name == "InvalidBucketName":
		return fault.StorageUnusable,
			fmt.Sprintf("%q is no name of a bucket: check VITRINE_SOURCE_BUCKET, VITRINE_STATE_BUCKET and the "+
				"account's source_bucket", c.bucket)
	case strings.Contains(a.Message, "Object Lock"):
		return fault.StorageUnusable,
			"Vitrine replaces and deletes what it keeps: use a state bucket without Object Lock"
	case a.status == http.StatusNotFound:
		return fault.StorageUnusable,
			"the server does not say whether the key or the bucket is missing: is AWS_ENDPOINT_URL_S3 the address of " +
				"an S3 server?"
	}
	return forbidden(a)
}

func (c call) feature() string {
	if c.conditional {
		return "conditional writes (PUT with If-Match and If-None-Match)"
	}
	return c.verb + " by S3's API"
}

func inClass(class string) string {
	if class == "" {
		return ""
	}
	return " (storage class " + class + ")"
}

// forbidden are refusals of whoever asks; what nobody knows is a refusal too.
func forbidden(a answer) (fault.Code, string) {
	switch name := a.Code; {
	case name == "InvalidAccessKeyId":
		return fault.SourceForbidden,
			"the server does not know this access key: check AWS_ACCESS_KEY_ID, or the profile or role in use"
	case name == "SignatureDoesNotMatch":
		return fault.SourceForbidden, "the secret does not fit the access key: check AWS_SECRET_ACCESS_KEY"
	case name == "InvalidToken" || strings.Contains(name, "Token"):
		return fault.SourceForbidden,
			"the session token is no longer valid and nothing renews it: set AWS_SESSION_TOKEN anew, or use a role"
	case name == "AccountProblem" || name == "AllAccessDisabled" || name == "NotSignedUp" || name == "InvalidPayer":
		return fault.SourceForbidden,
			"the owner of the bucket has a problem with their account at the provider: ask there"
	case strings.Contains(strings.ToLower(a.Message), "requester pays"):
		return fault.SourceForbidden,
			"whoever asks pays for this bucket (requester pays), which Vitrine does not: turn that off, or export to " +
				"another bucket"
	case strings.Contains(strings.ToLower(a.Message), "kms"):
		return fault.SourceForbidden,
			"the KMS key that encrypts it may not be used: allow kms:Decrypt and kms:GenerateDataKey"
	case a.status == http.StatusForbidden || a.status == http.StatusUnauthorized:
		return fault.SourceForbidden, "check the credentials, the bucket's policy, its KMS key, and whether " +
			"requesters pay for it (S3 says the same of a key that does not exist to whoever may not list the bucket)"
	}
	return fault.StorageUnusable, "asking again does not help"
}

// reason asks for the object itself why it could not be described: an answer to HEAD has no body to say so.
func (s *Store) reason(ctx context.Context, c call, err error) error {
	a, answered := answerOf(err)
	if !answered || a.status >= 500 && a.status != http.StatusNotImplemented || ctx.Err() != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, s.patience.call)
	defer cancel()
	out, told := s.client.GetObject(limited,
		&s3.GetObjectInput{Bucket: &c.bucket, Key: &c.key, Range: aws.String("bytes=0-0")})
	if told == nil {
		_ = out.Body.Close()
		return err // it may be read, and not described; or it has come since
	}
	return told
}

// brief is S3's message.
func (a answer) brief() string {
	end := fmt.Sprintf("(HTTP %d", a.status)
	if id := a.requestID(); id != "" {
		end += ", request " + id
	}
	end += ")"
	switch {
	case a.foreign:
		return "the answer is " + a.kindOfContent() + " " + end
	case a.Code == "":
		return http.StatusText(a.status) + " " + end
	}
	return a.Code + ": " + a.Message + " " + end
}

func (a answer) kindOfContent() string {
	if kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); kind != "" {
		return kind
	}
	return "of no known kind"
}

// withoutFrame is why S3 did not answer, without the SDK's frame around it.
func withoutFrame(err error) error {
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
