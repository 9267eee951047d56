#!/usr/bin/env bash
# The survey archives on loopback: a real TAP server (GAVO DaCHS, port 8080) and a front that speaks the archives'
# dialects and injects faults (port 8081), filled from a landing of `stellarfm ingest`.  README.md says more.
#
#   setup.sh install            packages and database, nothing running afterwards that was not before
#   setup.sh start [LANDING]    install, start, and serve a landing (without one: what was served last)
#   setup.sh stop | status | purge-data
#   setup.sh settings           print the stellarfm.toml that takes everything from these archives
#
# PERF_ROWS=100000             also fill perf.wide (130 real columns) for measurements of speed
# ARCHIVE_USER, ARCHIVE_PASSWORD  the one login of ESA's archive; without them every login is refused
# PYTHON=.venv/bin/python      a Python with pyarrow and astropy, which reads the landing
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
CALLED_FROM="$PWD"
PERF_ROWS="${PERF_ROWS:-0}"
STATE=/var/lib/stellarfm-archives   # what is served, the front's process, logs, and the files of /sas and /cdn
INPUTS=/var/gavo/inputs
TAP=http://127.0.0.1:8080/tap
FRONT=http://127.0.0.1:8081
SCHEMAS=(gaiadr1 gaiadr3 gaiadr4 irsa apogeedr17 perf)
export DEBIAN_FRONTEND=noninteractive

say() { printf '[archive-server %3ds] %s\n' "$SECONDS" "$*"; }
fail() { printf 'archive-server: %s\n' "$*" >&2; exit 1; }
answers() { curl --fail --silent --output /dev/null --max-time 20 "$1"; }
as_dachs() { su dachsroot -s /bin/sh -c "$1"; }
query() { su postgres -c "psql --set ON_ERROR_STOP=1 --quiet --no-align --tuples-only ${2:-gavo}" <<<"$1"; }

wait_for() { # what it is called, how to ask it
    for _ in $(seq 600); do
        if eval "$2" >/dev/null 2>&1; then return; fi
        sleep 0.2
    done
    fail "$1 does not answer after two minutes; its log is in $STATE/log"
}

# ---------------------------------------------------------------------------------------------------------- install

has_package() { [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

apt_install() { # PostgreSQL and DaCHS both write config files and talk to running services: keep what they said
    if ! apt-get install --yes --no-install-recommends "$@" >>"$STATE/log/apt.log" 2>&1; then
        dpkg --configure -a >>"$STATE/log/apt.log" 2>&1 || fail "could not install $*: see $STATE/log/apt.log"
    fi
}

start_database() {
    pg_lsclusters --no-header | grep --quiet '^15 *main ' || pg_createcluster 15 main >>"$STATE/log/apt.log"
    pg_lsclusters --no-header | grep --quiet '^15 *main .* online' || pg_ctlcluster 15 main start 9>&-
    wait_for PostgreSQL 'query "select 1" postgres'
}

install() {
    if ! is_installed; then
        apt-get update >>"$STATE/log/apt.log" 2>&1 || fail "apt-get update failed: see $STATE/log/apt.log"
    fi
    # PostgreSQL first and running: the scripts of gavodachs2-server make a database in it
    if ! has_package postgresql-15-q3c || ! has_package postgresql-15-pgsphere; then
        say "installing PostgreSQL 15 with q3c and pg_sphere"
        apt_install postgresql-15 postgresql-15-q3c postgresql-15-pgsphere
    fi
    start_database
    /usr/bin/python3 "$HERE/fix_pgsphere.py"
    if ! has_package gavodachs2-server; then
        say "installing gavodachs2-server"
        apt_install gavodachs2-server curl
    fi
    if [ -z "$(query "select 1 from pg_database where datname = 'gavo'" postgres)" ]; then
        say "making DaCHS' database"
        su postgres -c "createdb --encoding=UTF-8 --template=template0 gavo"
        su postgres -c "createuser --superuser dachsroot" 2>/dev/null || true
        install_folder /var/gavo dachsroot
        as_dachs "dachs init" >>"$STATE/log/dachs.log" 2>&1 || fail "dachs init failed: see $STATE/log/dachs.log"
    fi
    cp "$HERE/gavo.rc" /etc/gavo.rc
}

install_folder() { mkdir -p "$1" && chown "$2" "$1"; }

is_installed() { has_package gavodachs2-server && has_package postgresql-15-q3c && has_package postgresql-15-pgsphere; }

# ------------------------------------------------------------------------------------------------------------- load

find_python() { # the landing is Parquet, which Debian's own Python cannot read
    local candidate
    for candidate in "${PYTHON:-}" "$HERE/../../.venv/bin/python" python3; do
        if [ -n "$candidate" ] && "$candidate" -c "import astropy, pyarrow" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python with pyarrow and astropy; give one: PYTHON=.venv/bin/python $0 start LANDING"
}

content_of() { # a landing is known by what its manifests vouch for, what is made of it by this folder's code
    { grep --no-filename --only-matching '"sha256": *"[0-9a-f]*"' "$1"/*/*.json; cat "$HERE"/archive_tables/*.py; echo "$PERF_ROWS"; } \
        | sha256sum | cut -c1-32
}

load() { # a landing
    local landing="$1" content python
    [ -d "$landing/gaia_source" ] || fail "$landing is no landing of \`stellarfm ingest\`: it has no gaia_source folder"
    content="$(content_of "$landing")"
    if [ "$(cat "$STATE/content" 2>/dev/null)" = "$content" ]; then return; fi
    rm -f "$STATE/content"
    python="$(find_python)"
    rm -rf "$STATE/next"
    (cd "$HERE" && PYTHONDONTWRITEBYTECODE=1 "$python" -m archive_tables "$landing" "$STATE/next" "$PERF_ROWS")
    make_tables
    (cd "$STATE/next/copy" && su postgres -c "psql --quiet --set ON_ERROR_STOP=1 --file load.sql gavo" >>"$STATE/log/load.log" 2>&1) \
        || fail "could not fill the tables: see $STATE/log/load.log"
    rm -rf "$STATE/files"
    mv "$STATE/next/files" "$STATE/files"
    rm -rf "$STATE/next"
    echo "$content" >"$STATE/content"
    say "loaded $landing"
}

make_tables() { # empty ones, and only where the columns have changed: each takes DaCHS seconds
    local schema made=""
    for descriptor in "$STATE"/next/descriptors/*.rd; do
        schema="$(basename "$descriptor" .rd)"
        if cmp --silent "$descriptor" "$INPUTS/$schema/q.rd"; then continue; fi
        install_folder "$INPUTS/$schema" dachsroot:gavo
        # under its name only when it is imported: an interrupted import is done again
        cp "$descriptor" "$INPUTS/$schema/q.rd"
        if ! as_dachs "cd $INPUTS/$schema && dachs imp q" >"$STATE/log/import-$schema.log" 2>&1; then
            rm -f "$INPUTS/$schema/q.rd"
            fail "could not make the tables of $schema: see $STATE/log/import-$schema.log"
        fi
        made="$made $schema"
    done
    if [ -n "$made" ]; then
        say "made the tables of$made"
        dachs serve stop >/dev/null 2>&1 || true # it remembers the columns of tables
    fi
}

purge_data() {
    start_database
    dachs serve stop >/dev/null 2>&1 || true
    for schema in "${SCHEMAS[@]}"; do
        if [ -f "$INPUTS/$schema/q.rd" ]; then
            as_dachs "dachs drop --all $schema/q" >>"$STATE/log/dachs.log" 2>&1 || true
        fi
        rm -rf "${INPUTS:?}/$schema"
    done
    rm -rf "$STATE/content" "$STATE/files" "$STATE/next"
    say "data dropped"
}

# ----------------------------------------------------------------------------------------------------- start and stop

start_servers() {
    if ! answers $TAP/availability; then
        say "starting DaCHS"
        dachs serve stop >/dev/null 2>&1 || true # what a killed one left
        dachs serve start >>"$STATE/log/dachs.log" 2>&1 3>&- 9>&- || fail "DaCHS does not start: see $STATE/log/dachs.log"
        wait_for DaCHS "answers $TAP/availability"
    fi
    local version
    version="$({ cat "$HERE"/archive_front/*.py; echo "${ARCHIVE_USER:-}"; } | sha256sum | cut -c1-32)"
    if [ "$(curl --silent --max-time 20 $FRONT/_health)" != "$version" ]; then
        stop_front # another version of it, or a dead one
        PYTHONPATH="$HERE" PYTHONDONTWRITEBYTECODE=1 setsid nohup /usr/bin/python3 -m archive_front "$STATE/files" "$version" \
            >>"$STATE/log/front.log" 2>&1 </dev/null 3>&- 9>&- &
        echo $! >"$STATE/front.pid"
        wait_for "the front" "answers $FRONT/_health"
    fi
}

stop_front() { # and wait until its port is free
    local pid
    pid="$(cat "$STATE/front.pid" 2>/dev/null || true)"
    rm -f "$STATE/front.pid"
    # the number may be another's by now
    if [ -z "$pid" ] || ! grep --quiet --null-data archive_front "/proc/$pid/cmdline" 2>/dev/null; then return; fi
    kill "$pid"
    for _ in $(seq 50); do
        if [ ! -e "/proc/$pid" ]; then return; fi
        sleep 0.1
    done
    kill -9 "$pid"
}

stop() {
    stop_front
    dachs serve stop >/dev/null 2>&1 || true
    pg_ctlcluster 15 main stop --mode fast 2>/dev/null || true
    say "stopped"
}

status() {
    if ! is_installed; then echo "not installed"; return 1; fi
    pg_lsclusters
    answers $TAP/availability && echo "DaCHS answers at $TAP" || { echo "DaCHS does not answer"; return 1; }
    answers $FRONT/_health && echo "the front answers at $FRONT" || { echo "the front does not answer"; return 1; }
    [ -f "$STATE/content" ] && echo "data: $(cat "$STATE/content")" || { echo "no data: $0 start LANDING"; return 1; }
}

settings() { # stdout is the file: nothing else may be said there
    cat <<EOF
# Gaia, 2MASS and APOGEE from the archives on loopback ($HERE/README.md).
# Made by \`setup.sh settings\`; \`stellarfm run --dry-run\` says what these settings would fetch.

[archive]
name = "esa"

[gaia]
tap_url = "$FRONT/tap-server/tap"
data_url = "$FRONT/data-server/data"
bulk_url = "$FRONT/cdn/Gaia/gdr3/Spectroscopy/xp_continuous_mean_spectrum"
# Without a condition the stars are those of APOGEE, as in the paper. One of your own, for example:
# where = "phot_g_mean_mag < 13 and parallax > 0.5"

[twomass]
# the server also has Gaia's table of best neighbours: by = "neighbours"
by = "position"
irsa_url = "$FRONT/irsa/TAP"

[apogee]
url = "$FRONT/sas/dr17/apogee/spectro/aspcap/dr17/synspec_rev1/allStar-dr17-synspec_rev1.fits"

[retry]
# loopback is near: an archive in the world is given more time
attempts = 4
wait_s = 0.1
timeout_s = 20
deadline_s = 300
EOF
}

command="${1:-}" landing="${2:-}"
case "$command" in
    install | start | stop | status | purge-data) ;;
    settings) settings; exit ;; # needs neither root nor a server
    *) echo "usage: $0 install | start [LANDING] | stop | status | purge-data | settings" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || fail "needs root, for PostgreSQL and DaCHS are system services; try: sudo $0 $command"
command -v apt-get >/dev/null || fail "needs Debian 12 with apt-get, from which PostgreSQL and DaCHS come"
if [ -n "$landing" ]; then landing="$(cd "$CALLED_FROM" && realpath "$landing")"; fi
cd / # dachs fails in a folder that its user may not enter
mkdir -p "$STATE/log"
exec 9>"$STATE/lock"
flock --timeout 300 9 || fail "another setup.sh is at work; wait for it, or see who holds $STATE/lock"

case "$command" in
    install) install; say "installed" ;;
    start)
        install
        if [ -n "$landing" ]; then load "$landing"; fi
        start_servers
        say "ready: DaCHS $TAP, archives $FRONT" ;;
    stop) stop ;;
    status) status ;;
    purge-data) purge_data ;;
esac
