package account

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"vitrine/internal/feed"
	"vitrine/internal/feed/lines"
	"vitrine/internal/statestore"
)

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// CheckSourceKey returns an error if template cannot become an S3 key: it may hold {account} and {feed}, and nothing
// that a file system behind an S3 server could take for a way out of its root.
func CheckSourceKey(template string) error {
	switch {
	case template == "":
		return fmt.Errorf("source key is empty")
	case len(template) > 900: // S3 allows 1,024 bytes; the placeholders need room
		return fmt.Errorf("source key is %d bytes long: at most 900", len(template))
	case strings.HasPrefix(template, "/"):
		return fmt.Errorf("source key %q begins with a slash: S3 keys do not", template)
	}
	for _, segment := range strings.Split(template, "/") {
		if segment == ".." || segment == "." {
			return fmt.Errorf("source key %q has the segment %q", template, segment)
		}
	}
	for _, r := range template {
		if r < ' ' || r == 0x7f {
			return fmt.Errorf("source key %q has a control character", template)
		}
	}
	for _, p := range placeholder.FindAllString(template, -1) {
		if p != "{account}" && p != "{feed}" {
			return fmt.Errorf("source key %q has the placeholder %s: only {account} and {feed} are known", template, p)
		}
	}
	if _, _, err := lines.FormatOf(template); err != nil {
		return err
	}
	return nil
}

// CheckBucket returns an error if name cannot be a bucket. It leaves the fine print of bucket names to the server:
// other servers than Amazon's have their own.
func CheckBucket(name string) error {
	if strings.HasPrefix(name, "arn:") { // an access point
		return nil
	}
	if strings.ContainsAny(name, "/\\ ?#:") {
		return errors.New("expected the name of a bucket alone, such as acme-catalogs, not an address or path")
	}
	return nil
}

// Source is where a feed of the account is exported to: in its own bucket and under its own key, or the deployment's.
func (s Settings) Source(l statestore.Layout, kind feed.Kind) (bucket, key string) {
	bucket, template := l.SourceBucket, l.SourceKey
	if s.SourceBucket != "" {
		bucket = s.SourceBucket
	}
	if s.SourceKey != "" {
		template = s.SourceKey
	}
	return bucket, strings.NewReplacer("{account}", s.Account, "{feed}", string(kind)).Replace(template)
}
