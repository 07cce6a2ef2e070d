#!/bin/sh
# Creates Temporal's two databases and brings their schemas to this version. It may run any number of times.
# SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD and SQL_PLUGIN say where; temporal-sql-tool reads them itself.
set -eu

schemas=${SCHEMA_DIR:-/etc/temporal/schema/postgresql/v12}

prepare() { # DATABASE SCHEMA
	temporal-sql-tool --db "$1" create
	temporal-sql-tool --db "$1" setup-schema -v 0.0
	temporal-sql-tool --db "$1" update-schema -d "$schemas/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
