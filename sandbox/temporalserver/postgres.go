package temporalserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/schema"
	postgresschema "go.temporal.io/server/schema/postgresql/v12"
)

// As docker-compose.yml has it: two databases, and 512 shards. A database of two cores takes some dozen connections.
const (
	postgresUser        = "postgres"
	postgresShards      = 512
	postgresConnections = 20
)

// postgresStores makes Temporal's two databases, with their schemas.
func postgresStores(address string) (config.Persistence, error) {
	histories := postgresDatabase(address, "temporal")
	visibility := postgresDatabase(address, "temporal_visibility")
	for _, database := range []struct {
		*config.SQL
		schema, version string
	}{
		{histories, "temporal", postgresschema.Version},
		{visibility, "visibility", postgresschema.VisibilityVersion},
	} {
		if err := createPostgresDatabase(database.SQL, database.schema, database.version); err != nil {
			return config.Persistence{}, fmt.Errorf("create the database %s: %w", database.DatabaseName, err)
		}
	}
	return config.Persistence{
		DefaultStore: "histories", VisibilityStore: "visibility", NumHistoryShards: postgresShards,
		DataStores: map[string]config.DataStore{"histories": {SQL: histories}, "visibility": {SQL: visibility}},
	}, nil
}

func postgresDatabase(address, name string) *config.SQL {
	return &config.SQL{
		PluginName: postgresql.PluginName, ConnectAddr: address, ConnectProtocol: "tcp", DatabaseName: name,
		User: postgresUser, ConnectAttributes: map[string]string{"sslmode": "disable"},
		MaxConns: postgresConnections, MaxIdleConns: postgresConnections,
	}
}

// createPostgresDatabase does what temporal-sql-tool does, in one step from nothing to the newest version.
func createPostgresDatabase(database *config.SQL, name, version string) error {
	whole := *database
	whole.DatabaseName = "" // the plugin finds one that is always there
	err := onPostgres(&whole, func(db sqlplugin.AdminDB) error {
		return db.CreateDatabase(database.DatabaseName)
	})
	if err != nil {
		return err
	}
	text, err := fs.ReadFile(schema.Assets(), "postgresql/v12/"+name+"/schema.sql")
	if err != nil {
		return err
	}
	statements, err := persistence.LoadAndSplitQueryFromReaders([]io.Reader{bytes.NewReader(text)})
	if err != nil {
		return err
	}
	return onPostgres(database, func(db sqlplugin.AdminDB) error {
		for _, statement := range statements {
			if err := db.Exec(statement); err != nil {
				return fmt.Errorf("%w in %q", err, statement)
			}
		}
		if err := db.CreateSchemaVersionTables(); err != nil {
			return err
		}
		return db.UpdateSchemaVersion(database.DatabaseName, version, version)
	})
}

func onPostgres(database *config.SQL, do func(sqlplugin.AdminDB) error) error {
	db, err := sql.NewSQLAdminDB(sqlplugin.DbKindUnknown, database, resolver.NewNoopResolver(), log.NewNoopLogger(),
		metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}
