#!/bin/bash
# What the official image's entrypoint does, as far as our compose file relies on it.
set -Eeuo pipefail

run_scripts() {
    local script
    for script in /docker-entrypoint-initdb.d/*; do
        case $script in
            *.sh) if [[ -x $script ]]; then "$script"; else . "$script"; fi ;;
            *) echo "$script: only shell scripts are run here" >&2; exit 1 ;;
        esac
    done
}

if [[ $1 == postgres && ! -s $PGDATA/PG_VERSION ]]; then
    : "${POSTGRES_PASSWORD:?}"
    eval "initdb --username=postgres --pwfile=<(printf '%s\n' \"\$POSTGRES_PASSWORD\") ${POSTGRES_INITDB_ARGS:-}"
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    # TCP stays closed until the scripts have run.
    pg_ctl start --wait -o "-c listen_addresses=''"
    run_scripts
    pg_ctl stop --wait --mode=fast
fi
exec "$@"
