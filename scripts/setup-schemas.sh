#!/bin/sh
# Puts the published schemas of SARIF 2.1.0 (OASIS) and JUnit's XML (Jenkins), and what validates with them, into .schemas/:
# fetched by pip and cargo, checked against the hashes in report-schemas.txt. Does nothing, quickly, when they are there
# already. What the test of pop check's reports needs; so where they cannot be had this says so and succeeds.
set -eu

cd "$(dirname "$0")/.."
pin=scripts/report-schemas.txt
place=.schemas

without() {
    echo "setup: $1: the reports of pop check will not be validated"
    exit 0
}

if cmp -s "$pin" "$place/pin"; then
    exit 0
fi
if ! command -v python3 >/dev/null || ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    without "the validators need Python 3.10 or newer"
fi

# Made beside the final place and moved there whole, so that an interrupted run leaves nothing half done.
new=$place.new
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
echo "setup: fetching the schemas of reports"
if ! python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --root-user-action=ignore --only-binary :all: \
    --require-hashes --requirement "$pin" --target "$new"; then
    without "pip could not fetch the validators (its own reason is above)"
fi
grep '^# crate ' "$pin" | while read -r _ _ crate version file hash name; do
    cargo info --quiet "$crate@$version" >/dev/null || exit 1
    for found in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$crate-$version/$file"; do
        cp "$found" "$new/$name" || exit 1
    done
    python3 -c 'import hashlib, sys; sys.exit(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest() != sys.argv[2])' \
        "$new/$name" "$hash" || exit 1
done || without "cargo could not fetch the schemas, or they are others than expected"
cp "$pin" "$new/pin"
rm -rf "$place"
mv "$new" "$place"
echo "setup: the schemas of reports are in $place"
