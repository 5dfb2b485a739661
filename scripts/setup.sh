#!/bin/sh
# Fetches what the project does not build itself into its folder, one script a part: `sh scripts/setup.sh` all of it,
# `sh scripts/setup.sh solver` only what a build needs. Quick when everything is there.
set -eu

cd "$(dirname "$0")"
if [ $# = 0 ]; then
    set -- solver prometheus grafana solc schemas
fi
for part in "$@"; do
    if [ ! -f "setup-$part.sh" ]; then
        echo "setup: there is no part $part; there are solver, prometheus, grafana, solc and schemas" >&2
        exit 2
    fi
    sh "setup-$part.sh"
done
