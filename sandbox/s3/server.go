package s3

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"

	"vitrine/sandbox/ports"
)

// The one account of the endpoint. The endpoint listens on the loopback interface only.
const (
	AccessKey = "vitrine-sandbox"
	SecretKey = "vitrine-sandbox-secret"
	Region    = "us-east-1"
)

// healthPath hides a bucket of this name; an underscore cannot begin one.
const healthPath = "/_health"

// Bounds that one developer's machine does not reach; the library demands some.
const (
	maxConnections = 4096
	maxParts       = 10000 // of a multipart upload, as at AWS
)

// Options shape an endpoint.
type Options struct {
	Port    int
	Dir     string   // absolute path of an existing directory; objects go below it
	LogFile string   // absolute path of the access log; empty for none
	Buckets []Bucket // that exist from the start
	Users   []User   // beside the one account; without any there is no access control
}

// Bucket is a bucket to create.
type Bucket struct {
	Name      string
	Versioned bool
}

// Server is a running S3 endpoint.
type Server struct {
	url      string
	stop     context.CancelFunc
	ended    chan error
	returnTo string // the working directory before versitygw changed it
}

// Start serves an endpoint and returns once it answers and its buckets exist.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("start the S3 endpoint: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	before, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	backend, err := openBackend(o.Dir)
	if err != nil {
		return nil, err
	}
	identities, err := newUsers(
		auth.NewIAMServiceSingle(auth.Account{Access: AccessKey, Secret: SecretKey, Role: auth.RoleAdmin}), o.Users)
	if err != nil {
		return nil, err
	}
	// it ends with Stop, not with the call that began it
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Server{url: "http://" + ports.Address(o.Port), stop: stop, ended: make(chan error, 1), returnTo: before}
	go func() {
		s.ended <- embedgw.RunVersityGW(serving, backend, &embedgw.Config{
			RootUserAccess:    AccessKey,
			RootUserSecret:    SecretKey,
			Region:            Region,
			IAMService:        identities,
			Ports:             []string{ports.Address(o.Port)},
			MaxConnections:    maxConnections,
			MaxRequests:       maxConnections,
			MultipartMaxParts: maxParts,
			AccessLog:         o.LogFile,
			HealthPath:        healthPath,
			KeepAlive:         true,
			Quiet:             true,
		})
	}()
	if err := s.awaitHealth(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := CreateBuckets(ctx, Client(s.url), o.Buckets); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// openBackend keeps objects as files, their metadata beside them instead of in extended attributes (which temporary
// file systems often lack), and old versions of versioned buckets in a third place.
func openBackend(dir string) (*posix.Posix, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("directory %q: the path must be absolute", dir)
	}
	objects, metadata, versions := filepath.Join(dir, "objects"), filepath.Join(dir, "metadata"), filepath.Join(dir,
		"versions")
	for _, d := range []string{objects, metadata, versions} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	sidecar, err := meta.NewSideCar(metadata)
	if err != nil {
		return nil, err
	}
	return posix.New(objects, sidecar, posix.PosixOpts{
		SideCarDir: metadata, VersioningDir: versions,
		CopyObjectThreshold: 5 << 30, // as Amazon has it; without it no object can be copied
	})
}

// URL is the endpoint, for AWS_ENDPOINT_URL_S3.
func (s *Server) URL() string { return s.url }

// Stop stops serving and goes back to the directory that the process was in.
func (s *Server) Stop() error {
	s.stop()
	return errors.Join(<-s.ended, os.Chdir(s.returnTo))
}

func (s *Server) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		err := ports.Answers(ctx, s.url+healthPath)
		if err == nil {
			return nil
		}
		select {
		case ended := <-s.ended:
			s.ended <- ended // Stop wants it too
			return fmt.Errorf("it ended at once: %w", ended)
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
