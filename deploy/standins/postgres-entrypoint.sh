#!/bin/sh
# The part of PostgreSQL's official entrypoint that docker-compose.yml uses: the first start makes the cluster and its superuser
# of POSTGRES_USER and POSTGRES_PASSWORD, and every start listens on all addresses, by password.
set -eu

if [ "$(id -u)" = 0 ]; then
	chown postgres:postgres "$PGDATA"
	chmod 700 "$PGDATA"
	exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	user=${POSTGRES_USER:-postgres}
	secret=$(mktemp)
	printf '%s\n' "${POSTGRES_PASSWORD:?is needed to make the cluster}" >"$secret"
	initdb --username "$user" --pwfile "$secret" --auth-host scram-sha-256 --auth-local trust --encoding UTF8 --locale C.UTF-8
	rm "$secret"
	printf "host all all all scram-sha-256\n" >>"$PGDATA/pg_hba.conf"
	printf 'CREATE DATABASE "%s"\n' "${POSTGRES_DB:-$user}" | postgres --single -jE postgres >/dev/null
fi
exec "$@" -c listen_addresses='*'
