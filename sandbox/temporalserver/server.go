package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"

	"vitrine/sandbox/ports"
)

// Namespace is the one that always exists.
const Namespace = "default"

// clusterName is the name that Temporal gives to a cluster which replicates to no other.
const clusterName = "active"

// shards spread the histories over locks. SQLite writes one transaction at a time, so more of them buy nothing.
const shards = 4

// Options shape a server.
type Options struct {
	Port int // of the frontend
	// absolute path of the SQLite file, which is made if it is not there; empty keeps everything in memory
	Database string
	// Postgres is host:port of a PostgreSQL to use instead, which has no databases of Temporal's yet.
	Postgres string
	LogFile  string // absolute path; empty discards the log
	LogLevel string // debug, info, warn or error; empty means warn
	// Namespaces exist from the start, beside Namespace, with the same search attributes.
	Namespaces []string
}

// Server is a running Temporal server.
type Server struct {
	address string
	server  temporal.Server
	log     *logFile
}

// Start starts a server and returns once it takes calls.
func Start(ctx context.Context, o Options) (*Server, error) {
	logs, err := openLog(o.LogFile, o.LogLevel)
	if err != nil {
		return nil, err
	}
	started := &Server{address: ports.Address(o.Port), log: logs}
	if err := started.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("start the Temporal server: %w", err), started.Stop())
	}
	return started, nil
}

func (s *Server) start(ctx context.Context, o Options) error {
	stores, err := prepare(o)
	if err != nil {
		return err
	}
	cfg, hosts, err := configure(o.Port, stores)
	if err != nil {
		return err
	}
	if s.server, err = temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(s.log.logger),
		temporal.WithDynamicConfigClient(dynamicSettings()),
		temporal.WithCustomMetricsHandler(metrics.NoopMetricsHandler),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
	); err != nil {
		return err
	}
	if err := s.server.Start(); err != nil {
		return err
	}
	return s.awaitNamespace(ctx)
}

// Address is host:port of the frontend.
func (s *Server) Address() string { return s.address }

// Stop stops the server. Workers should be gone by then: their long polls delay it.
func (s *Server) Stop() error {
	var err error
	if s.server != nil {
		err = s.server.Stop()
	}
	return errors.Join(err, s.log.Close())
}

// awaitNamespace asks until the frontend knows the namespace: it listens some time before it does.
func (s *Server) awaitNamespace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	silent := log.NewStructuredLogger(slog.New(slog.DiscardHandler)) // its failed attempts are expected
	c, err := client.NewLazyClient(client.Options{HostPort: s.address, Namespace: Namespace, Logger: silent})
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		_, err := c.WorkflowService().DescribeNamespace(ctx,
			&workflowservice.DescribeNamespaceRequest{Namespace: Namespace})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it did not take calls in time: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// prepare makes what the server keeps things in, and the namespaces with their search attributes.
func prepare(o Options) (stores config.Persistence, err error) {
	if o.Postgres != "" {
		stores, err = postgresStores(o.Postgres)
	} else {
		stores, err = sqliteStores(o.Database)
	}
	if err != nil {
		return stores, err
	}
	return stores, createNamespaces(stores.DataStores[stores.DefaultStore].SQL,
		append([]string{Namespace}, o.Namespaces...))
}

// sqliteStores makes the schema in a new file.
func sqliteStores(path string) (config.Persistence, error) {
	database := &config.SQL{PluginName: sqliteplugin.PluginName, DatabaseName: path}
	if path == "" {
		// The plugin keeps databases by name for as long as the process lives, so every server needs a name of its own.
		database.DatabaseName = "vitrine-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		database.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
	} else {
		// Without these two a commit waits for the disk: 4 workflows a second instead of 43.
		database.ConnectAttributes = map[string]string{"mode": "rwc", "journal_mode": "wal", "synchronous": "1"}
		if err := createSchema(database); err != nil {
			return config.Persistence{}, err
		}
	}
	return config.Persistence{
		DefaultStore: sqliteplugin.PluginName, VisibilityStore: sqliteplugin.PluginName, NumHistoryShards: shards,
		DataStores: map[string]config.DataStore{sqliteplugin.PluginName: {SQL: database}},
	}, nil
}

// createSchema does nothing for a file that exists: the server migrates no SQLite schema, so a file from another
// version of the server has to be deleted.
func createSchema(database *config.SQL) error {
	if !filepath.IsAbs(database.DatabaseName) {
		return fmt.Errorf("database %q: the path must be absolute", database.DatabaseName)
	}
	if _, err := os.Stat(database.DatabaseName); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := sqliteschema.SetupSchema(database); err != nil {
		return fmt.Errorf("create the database schema: %w", err)
	}
	return nil
}

// createNamespaces skips those that are there already.
func createNamespaces(database *config.SQL, names []string) error {
	var namespaces []*sqliteschema.NamespaceConfig
	for _, name := range names {
		namespace, err := sqliteschema.NewNamespaceConfig(clusterName, name, false, searchAttributes())
		if err != nil {
			return fmt.Errorf("describe the namespace %s: %w", name, err)
		}
		namespaces = append(namespaces, namespace)
	}
	if err := sqliteschema.CreateNamespaces(database, namespaces...); err != nil {
		return fmt.Errorf("create the namespaces: %w", err)
	}
	return nil
}

// configure wires the four services of one server, each at a loopback port of its own.
func configure(
	frontend int, stores config.Persistence,
) (*config.Config, map[primitives.ServiceName]static.Hosts, error) {
	inner, err := ports.Several(3)
	if err != nil {
		return nil, nil, err
	}
	cfg := &config.Config{
		Persistence: stores,
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: ports.Address(frontend)},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: ports.Address(frontend)},
		Archival: config.Archival{History: config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"}},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		Services: map[string]config.Service{},
	}
	cfg.Global.Membership = config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: ports.Host}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for service, port := range map[primitives.ServiceName]int{
		primitives.FrontendService: frontend,
		primitives.HistoryService:  inner[0],
		primitives.MatchingService: inner[1],
		primitives.WorkerService:   inner[2],
	} {
		cfg.Services[string(service)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: ports.Host}}
		hosts[service] = static.SingleLocalHost(net.JoinHostPort(ports.Host, strconv.Itoa(port)))
	}
	return cfg, hosts, nil
}

// dynamicSettings differ from a production server's only where one small server is the point.
func dynamicSettings() dynamicconfig.Client {
	return dynamicconfig.StaticClient{
		// Fair shares per account and priorities are off in a self-hosted server unless they are asked for.
		dynamicconfig.MatchingUseNewMatcher.Key():  true,
		dynamicconfig.MatchingEnableFairness.Key(): true,
		// Fairness holds within a partition. One is enough for a laptop, and makes the shares exact.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
	}
}
