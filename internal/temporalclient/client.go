package temporalclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc/codes"

	"vitrine/internal/fault"
	"vitrine/internal/keyring"
	"vitrine/internal/payload"
)

// dialTimeout is how long a server may take to answer for the first time. It leaves room in fx's start timeout of 15 s.
const dialTimeout = 8 * time.Second

// Options reads the settings. Metrics may be nil. What is sent is encrypted with the first of the keys, if there are
// any.
func Options(logger *slog.Logger, metrics client.MetricsHandler, keys keyring.Keys) (client.Options, error) {
	if err := checkSwitches(os.LookupEnv); err != nil {
		return client.Options{}, err
	}
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{})
	if err != nil {
		return client.Options{}, fmt.Errorf("settings for Temporal (TEMPORAL_* variables, temporal.toml): %w", err)
	}
	if o.HostPort == "" {
		o.HostPort = client.DefaultHostPort
	}
	if o.Namespace == "" {
		o.Namespace = client.DefaultNamespace
	}
	o.Logger = log.NewStructuredLogger(logger)
	o.MetricsHandler = metrics
	o.DataConverter, o.FailureConverter = payload.NewConverter(keys), payload.Failures(keys)
	return o, nil
}

// checkSwitches refuses what envconfig passes over in silence: TEMPORAL_TLS=yes would be a connection in plain text.
func checkSwitches(lookup func(string) (string, bool)) error {
	var errs []error
	for _, name := range []string{"TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION"} {
		value, set := lookup(name)
		if set && value != "" && !slices.Contains([]string{"true", "false", "1", "0"}, strings.ToLower(value)) {
			errs = append(errs, fmt.Errorf("%s=%q: expected true or false", name, value))
		}
	}
	return errors.Join(errs...)
}

// Dial connects and makes sure that the server answers and knows the namespace.
func Dial(ctx context.Context, o client.Options) (client.Client, error) {
	c, err := client.NewLazyClient(o)
	if err != nil {
		return nil, unreachable(o, err)
	}
	if err := Check(ctx, c, o); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Check makes sure that the server behind a lazy client answers and knows the namespace. A server that answers, and
// will give the same answer again, is a permanent fault; one that is away is none.
func Check(ctx context.Context, c client.Client, o client.Options) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if _, err := c.CheckHealth(ctx, &client.CheckHealthRequest{}); denied(err) {
		return refused("Temporal at %s refuses these credentials: check TEMPORAL_API_KEY, or the client's certificate "+
			"(TEMPORAL_TLS_CLIENT_CERT_PATH), and that they are for namespace %q: %w", o.HostPort, o.Namespace, err)
	} else if err != nil {
		return unreachable(o, err)
	}
	_, err := c.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: o.Namespace})
	var unknown *serviceerror.NamespaceNotFound
	if errors.As(err, &unknown) {
		return refused("Temporal at %s has no namespace %q: check TEMPORAL_NAMESPACE, or create it: temporal "+
			"operator namespace create --namespace %s", o.HostPort, o.Namespace, o.Namespace)
	}
	return nil // whoever may not describe the namespace may still work in it
}

// refused is what no second question mends.
func refused(format string, a ...any) error {
	return fault.NewPermanent(fault.SettingsInvalid, fmt.Errorf(format, a...))
}

// denied reports whether a server answered, and lets nobody in with these credentials.
func denied(err error) bool {
	code := serviceerror.ToStatus(err).Code()
	return code == codes.Unauthenticated || code == codes.PermissionDenied
}

func unreachable(o client.Options, err error) error {
	if no := unresolved(o.HostPort); no != nil {
		err = no
	}
	return fmt.Errorf("Temporal at %s does not answer: check that it is up, and TEMPORAL_ADDRESS, TEMPORAL_TLS and "+
		"TEMPORAL_API_KEY (namespace %q): %w", o.HostPort, o.Namespace, err)
}

// unresolved says what a name lacks that nobody knows: gRPC tells of such a one that it has "no children to pick from".
func unresolved(hostPort string) error {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil // gRPC has names of its own
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err = net.DefaultResolver.LookupHost(ctx, host)
	if unknown := new(net.DNSError); errors.As(err, &unknown) && unknown.IsNotFound {
		return unknown
	}
	return nil
}
