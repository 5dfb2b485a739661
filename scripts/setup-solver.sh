#!/bin/sh
# Puts the pinned solver into .z3/ beside the project: fetched by pip, checked against the hashes in z3-solver.txt.
# Does nothing, quickly, when it is there already. Writes only into the project's folder and pip's cache.
set -eu

cd "$(dirname "$0")/.."
pin=scripts/z3-solver.txt
place=.z3

case "$(uname -s)" in
Linux) library=libz3.so.5.3 link=libz3.so ;;
Darwin) library=libz3.dylib link= ;;
*)
    echo "setup: there is no pinned solver for $(uname -s), only for Linux and macOS" >&2
    exit 2
    ;;
esac

if cmp -s "$pin" "$place/pin" && [ -f "$place/lib/$library" ]; then
    exit 0
fi

python=$(command -v python3 || command -v python || true)
if [ -z "$python" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
    echo "setup: Python 3 with pip is needed to fetch the solver (Debian: apt install python3-pip)" >&2
    exit 2
fi

# Made beside the final place and moved there whole, so that an interrupted run leaves nothing half done.
new=$place.new
rm -rf "$new"
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$new/download" "$new/lib"
echo "setup: fetching $(sed -n 's/^\(z3-solver==[^ ]*\).*/\1/p' "$pin")"
if ! "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes --requirement "$pin" --dest "$new/download"; then
    echo "setup: pip could not fetch the pinned solver (its own reason is above; Linux ARM needs glibc 2.38 or newer)" >&2
    exit 4
fi
"$python" - "$new" "$library" <<'PYTHON'
import glob, os, shutil, sys, zipfile

place, library = sys.argv[1:]
(wheel,) = glob.glob(os.path.join(place, "download", "*.whl"))
with zipfile.ZipFile(wheel) as archive:
    target = os.path.join(place, "lib", library)
    with archive.open("z3/lib/" + library) as source, open(target, "wb") as copy:
        shutil.copyfileobj(source, copy)
    os.chmod(target, 0o755)
    for name in archive.namelist():
        if name.startswith("z3/include/") and name.endswith(".h"):
            archive.extract(name, place)
os.rename(os.path.join(place, "z3", "include"), os.path.join(place, "include"))
os.rmdir(os.path.join(place, "z3"))
PYTHON
if [ -n "$link" ]; then
    ln -s "$library" "$new/lib/$link"
fi
rm -rf "$new/download"
cp "$pin" "$new/pin"
rm -rf "$place"
mv "$new" "$place"
echo "setup: the solver is in $place/lib/$library"
