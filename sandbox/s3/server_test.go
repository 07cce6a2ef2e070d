package s3_test

import (
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"vitrine/internal/fault"
	"vitrine/internal/objectstore"
	"vitrine/internal/objectstore/objectstoretest"
	"vitrine/sandbox/ports"
	"vitrine/sandbox/s3"
)

// The store that the product uses keeps its promises against this server, so tests that use the server mean something.
func TestTheObjectStoreKeepsItsPromises(t *testing.T) {
	endpoint := start(t, s3.Bucket{Name: "plain"}, s3.Bucket{Name: "versioned", Versioned: true})
	store, err := objectstore.New(t.Context(), objectstore.Options{
		PathStyle: true, Endpoint: endpoint.URL(), Region: s3.Region, AccessKeyID: s3.AccessKey,
		SecretAccessKey: s3.SecretKey,
	})
	require.NoError(t, err)
	for _, bucket := range []string{"plain", "versioned"} {
		t.Run(bucket, func(t *testing.T) { objectstoretest.Run(t, store, bucket) })
	}
}

func TestOneEndpointFollowsAnother(t *testing.T) {
	before, err := os.Getwd()
	require.NoError(t, err)
	for range 2 {
		port, err := ports.Pick(0)
		require.NoError(t, err)
		endpoint, err := s3.Start(t.Context(), s3.Options{Port: port, Dir: t.TempDir()})
		require.NoError(t, err)
		require.NoError(t, endpoint.Stop())
		_, err = net.Dial("tcp", ports.Address(port))
		require.Error(t, err, "nobody listens any more")
		after, err := os.Getwd()
		require.NoError(t, err)
		require.Equal(t, before, after, "the working directory")
	}
}

func TestAWrongSecretIsRefused(t *testing.T) {
	endpoint := start(t, s3.Bucket{Name: "plain"})
	store, err := objectstore.New(t.Context(), objectstore.Options{
		PathStyle: true, Endpoint: endpoint.URL(), Region: s3.Region, AccessKeyID: s3.AccessKey,
		SecretAccessKey: "a guess",
	})
	require.NoError(t, err)
	_, err = store.Head(t.Context(), "plain", "anything")
	require.True(t, fault.Is(err, fault.SourceForbidden), "%v", err)
}

func start(t *testing.T, buckets ...s3.Bucket) *s3.Server {
	t.Helper()
	port, err := ports.Pick(0)
	require.NoError(t, err)
	endpoint, err := s3.Start(t.Context(), s3.Options{Port: port, Dir: t.TempDir(), Buckets: buckets})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, endpoint.Stop()) })
	return endpoint
}

// Users may do what their policies say, and nothing else.
func TestAUserIsHeldToThePolicy(t *testing.T) {
	port, err := ports.Pick(0)
	require.NoError(t, err)
	options := s3.Options{Port: port, Dir: t.TempDir(), Buckets: []s3.Bucket{{Name: "plain"}}, Users: []s3.User{{
		AccessKey: "reader", SecretKey: "reader-secret", Policy: []byte(`{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::plain/open/*"},
			{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::plain/*"},
			{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::plain/never/*"},
			{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-central-1:111122223333:key/some"}]}`),
	}}}
	endpoint, err := s3.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, endpoint.Stop()) })
	store, err := objectstore.New(t.Context(), objectstore.Options{
		PathStyle: true, Endpoint: endpoint.URL(), Region: s3.Region, AccessKeyID: "reader",
		SecretAccessKey: "reader-secret",
	})
	require.NoError(t, err)
	for key, allowed := range map[string]struct{ write, read bool }{
		"open/a": {true, true}, "closed/a": {true, false}, "never/a": {false, false},
	} {
		_, err := store.Put(t.Context(), "plain", key, "", []byte("x"), "")
		require.Equal(t, !allowed.write, fault.Is(err, fault.SourceForbidden), "write %s: %v", key, err)
		_, _, err = store.Get(t.Context(), "plain", key)
		require.Equal(t, !allowed.read, fault.Is(err, fault.SourceForbidden), "read %s: %v", key, err)
	}
	_, err = store.List(t.Context(), "plain", "")
	require.True(t, fault.Is(err, fault.SourceForbidden), "%v", err)
	require.True(t, fault.Is(store.Delete(t.Context(), "plain", "open/a"), fault.SourceForbidden))

	options.Users[0].Policy = []byte(
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps", "Action": "*", "Resource": "*"}]}`)
	_, err = s3.Start(t.Context(), options)
	require.ErrorContains(t, err, "the policy of reader")
}
