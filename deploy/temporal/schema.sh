#!/bin/sh
# Creates Temporal's two databases and brings their schemas to this version. It may run any number of times.
# SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD and SQL_PLUGIN say where; temporal-sql-tool reads them itself.
set -eu

schemas=${SCHEMA_DIR:-/etc/temporal/schema/postgresql/v12}

# A server that is being started or restarted refuses connections for a moment. A database that is there already is no error.
create() { # DATABASE
	attempt=0
	until temporal-sql-tool --db "$1" create >/dev/null 2>&1; do
		attempt=$((attempt + 1))
		if [ "$attempt" -ge 60 ]; then
			temporal-sql-tool --db "$1" create
			exit 1
		fi
		sleep 1
	done
}

prepare() { # DATABASE SCHEMA
	create "$1"
	temporal-sql-tool --db "$1" setup-schema -v 0.0
	temporal-sql-tool --db "$1" update-schema -d "$schemas/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
