#!/bin/sh
# Puts Grafana's published types (Python classes) into .grafana/: fetched by pip, checked against the hash in
# grafana-foundation-sdk.txt. Does nothing, quickly, when they are there already. What the test of the dashboards needs;
# so where they cannot be had this says so and succeeds.
set -eu

cd "$(dirname "$0")/.."
pin=scripts/grafana-foundation-sdk.txt
place=.grafana

without() {
    echo "setup: $1: the dashboards will not be checked against Grafana's types"
    exit 0
}

if cmp -s "$pin" "$place/pin"; then
    exit 0
fi
if ! command -v python3 >/dev/null || ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    without "Grafana's types need Python 3.11 or newer"
fi

# Made beside the final place and moved there whole, so that an interrupted run leaves nothing half done.
new=$place.new
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
echo "setup: fetching $(sed -n 's/^\(grafana-foundation-sdk==[^ ]*\).*/\1/p' "$pin")"
if ! python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --root-user-action=ignore --only-binary :all: \
    --require-hashes --requirement "$pin" --target "$new"; then
    without "pip could not fetch Grafana's types (its own reason is above)"
fi
cp "$pin" "$new/pin"
rm -rf "$place"
mv "$new" "$place"
echo "setup: Grafana's types are in $place"
