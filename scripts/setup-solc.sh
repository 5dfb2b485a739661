#!/bin/sh
# Puts Solidity's compiler into .solc/: the npm package solc, checked against the hashes in scripts/solc. Does nothing,
# quickly, when it is there already. What the test of generated obligations needs; where it cannot be had this says so and
# succeeds.
set -eu

cd "$(dirname "$0")/.."
pin=scripts/solc/package-lock.json
place=.solc

without() {
    echo "setup: $1: obligations of Solidity will be reported as not run"
    exit 0
}

if cmp -s "$pin" "$place/package-lock.json"; then
    exit 0
fi
if ! command -v npm >/dev/null; then
    without "Solidity's compiler needs Node.js and npm"
fi

# Made beside the final place and moved there whole, so that an interrupted run leaves nothing half done.
new=$place.new
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
mkdir "$new"
cp scripts/solc/package.json "$pin" "$new/"
echo "setup: fetching npm's package solc"
if ! npm ci --prefix "$new" --ignore-scripts --no-audit --no-fund --silent; then
    without "npm could not fetch Solidity's compiler"
fi
rm -rf "$place"
mv "$new" "$place"
echo "setup: Solidity's compiler is in $place"
