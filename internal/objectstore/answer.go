package objectstore

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// answer is what a server said when it refused.
type answer struct {
	status  int
	header  http.Header
	foreign bool // a body that is not S3's: a page of a proxy, or of a server that is no S3 at all

	refusal
}

// refusal is the body of S3's errors. An answer to HEAD has none.
type refusal struct {
	XMLName      xml.Name `xml:"Error"`
	Code         string
	Message      string
	Region       string
	Endpoint     string
	StorageClass string
	RequestID    string `xml:"RequestId"`
}

// answerOf is what S3 said; false: it said nothing.
func answerOf(err error) (answer, bool) {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() == 0 {
		return answer{}, false
	}
	a := answer{status: response.HTTPStatusCode(), header: response.Response.Header}
	body, kept := response.Response.Body.(*keptBody)
	if kept && len(bytes.TrimSpace(body.content)) > 0 {
		a.foreign = xml.Unmarshal(body.content, &a.refusal) != nil || a.Code == ""
	}
	if a.foreign {
		a.refusal = refusal{}
	}
	var api smithy.APIError
	if a.Code == "" && !a.foreign && a.status == http.StatusOK && errors.As(err, &api) {
		// S3 may begin with 200, and fail while it puts parts together
		a.Code, a.Message = api.ErrorCode(), api.ErrorMessage()
	}
	return a, true
}

// code is S3's own name for an error; empty if S3 did not answer, or answered without a body.
func code(err error) string {
	a, _ := answerOf(err)
	return a.Code
}

func (a answer) requestID() string {
	if id := a.header.Get("x-amz-request-id"); id != "" {
		return id
	}
	return a.RequestID
}

var (
	expectedRegion   = regexp.MustCompile(`expecting '([a-z0-9-]+)'`)
	regionOfEndpoint = regexp.MustCompile(`\bs3[.-]([a-z]{2}(?:-[a-z]+)+-\d+)\.`)
)

// region is where S3 says that the bucket is; empty if it does not.
func (a answer) region() string {
	for _, named := range []string{a.header.Get("x-amz-bucket-region"), a.Region} {
		if named != "" {
			return named
		}
	}
	for pattern, text := range map[*regexp.Regexp]string{expectedRegion: a.Message, regionOfEndpoint: a.Endpoint} {
		if found := pattern.FindStringSubmatch(text); found != nil {
			return found[1]
		}
	}
	return ""
}

// retryAfter is the pause that the server asks for in seconds; zero if it names none.
func (a answer) retryAfter() time.Duration {
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, 10*time.Minute)
}

// maxRefusal is far above what S3 says when it refuses.
const maxRefusal = 64 << 10

// keeping is a client that keeps what is said with a refusal: the SDK drops all of it but code and message, and with it
// the region and the class that an object is archived in.
type keeping struct{ client s3.HTTPClient }

func (k keeping) Do(r *http.Request) (*http.Response, error) {
	response, err := k.client.Do(r)
	if err != nil || response.StatusCode < 300 {
		return response, err
	}
	content, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // what was cut off is not S3's
	_ = response.Body.Close()
	response.Body = &keptBody{Reader: bytes.NewReader(content), content: content}
	return response, nil
}

type keptBody struct {
	*bytes.Reader
	content []byte
}

func (*keptBody) Close() error { return nil }
