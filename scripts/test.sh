#!/bin/sh
# Runs every test, keeps what they print in the file given, and ends by saying what was not run and why.
set -u

cd "$(dirname "$0")/.."
log=${1:-target/test.log}

{ cargo test --workspace --locked --no-fail-fast -- --nocapture 2>&1; echo "exit $?" >"$log.exit"; } | tee "$log"
read -r _ code <"$log.exit"
rm -f "$log.exit"

not_run=$(grep -o 'NOT RUN: .*' "$log" || true)
if [ -n "$not_run" ]; then
    printf '\n%s\n' "$not_run"
fi
# What the reader of the end of a long log looks for: which tests failed, and the first lines of why.
if [ "$code" != 0 ]; then
    printf '\nFailed:\n'
    # What did not compile has no tests.
    grep -m 20 -A 6 -E '^error(\[|: could not compile)' "$log" || true
    sed -n '/^failures:$/,/^test result:/s/^    \([^ ]*\)$/\1/p' "$log" | sort -u | while read -r name; do
        printf '\n%s\n' "$name"
        # Names are paths of Rust: nothing in them means more to grep than itself.
        grep -A 12 -E "^thread ['\"]$name['\"].*panicked at" "$log" | grep -v -E '^ +([0-9]+:|at) ' | head -n 40
    done
fi
[ "$code" = 0 ] || echo "make test: failed; all of its output is in $log" >&2
exit "$code"
