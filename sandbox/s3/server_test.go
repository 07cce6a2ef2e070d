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
		PathStyle: true, Endpoint: endpoint.URL(), Region: s3.Region, AccessKeyID: s3.AccessKey, SecretAccessKey: s3.SecretKey,
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
		PathStyle: true, Endpoint: endpoint.URL(), Region: s3.Region, AccessKeyID: s3.AccessKey, SecretAccessKey: "a guess",
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
