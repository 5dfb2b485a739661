#!/bin/sh
# Puts Prometheus and Alertmanager into .prometheus/bin: Debian's packages, fetched by apt and unpacked there. Nothing is
# installed. Does nothing, quickly, when they are there already. What tests of the rules need; a network runs without,
# so where they cannot be had this says so and succeeds.
set -eu

cd "$(dirname "$0")/.."
place=.prometheus
programs="prometheus promtool alertmanager amtool"

complete() {
    for program in $programs; do
        [ -x "$1/bin/$program" ] || return 1
    done
}

# The path's own ones do as well; Debian gives alertmanager another name.
without() {
    if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
        echo "setup: $1: the prometheus on the PATH will be used"
    else
        echo "setup: $1, and there is no prometheus on the PATH: the tests that need it will be reported as not run"
    fi
    exit 0
}

if complete "$place"; then
    exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    without "Prometheus is fetched on Debian and Ubuntu only"
fi

# Made beside the final place and moved there whole, so that an interrupted run leaves nothing half done.
new=$place.new
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$new/download" "$new/lists/partial" "$new/cache/archives/partial" "$new/bin"
here=$PWD/$new

# Only this user writes to these folders. A machine without a network says so after seconds.
apt() {
    (cd "$here/download" && apt-get -qq -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@")
}
with_lists() {
    apt -o Dir::State::lists="$here/lists" -o Dir::Cache="$here/cache" "$@"
}

echo "setup: fetching Debian's packages prometheus and prometheus-alertmanager"
packages="prometheus prometheus-alertmanager"
# A machine's lists may be empty, or older than what the archive still has; they are left as they are.
if ! apt download $packages >"$new/log" 2>&1 &&
    ! { with_lists update && with_lists download $packages; } >>"$new/log" 2>&1; then
    tail -n 3 "$new/log" >&2
    without "apt could not fetch Prometheus"
fi
for package in "$new"/download/*.deb; do
    dpkg-deb -x "$package" "$new/unpacked"
done
for program in prometheus promtool amtool; do
    mv "$new/unpacked/usr/bin/$program" "$new/bin/"
done
mkdir "$new/libexec"
mv "$new/unpacked/usr/bin/prometheus-alertmanager" "$new/libexec/alertmanager"
mv "$new/unpacked/usr/share/prometheus/alertmanager" "$new/share"
# Debian's Alertmanager reads its templates at one place only, where the package would be installed: this process alone sees
# them there.
cat >"$new/bin/alertmanager" <<'WRAPPER'
#!/bin/sh
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
namespaces=--mount
unshare --mount true 2>/dev/null || namespaces="--map-root-user --mount"
exec unshare $namespaces sh -c '
    set -eu
    here=$1
    shift
    mount -t tmpfs tmpfs /usr/share
    mkdir -p /usr/share/prometheus
    cp -r "$here/share" /usr/share/prometheus/alertmanager
    exec "$here/libexec/alertmanager" "$@"
' sh "$here" "$@"
WRAPPER
chmod 755 "$new/bin/alertmanager"
for program in $programs; do
    "$new/bin/$program" --version >/dev/null 2>&1 || without "$program of Debian's package does not run here"
done
rm -rf "$new/download" "$new/lists" "$new/cache" "$new/unpacked" "$new/log"
rm -rf "$place"
mv "$new" "$place"
echo "setup: prometheus, promtool, alertmanager and amtool are in $place/bin"
