"""Makes grafana/dashboards/*.json. With --check it changes nothing, and ends with 1 if a file is not as it is made here."""

import json
import pathlib
import sys

# Its folder holds sources only.
sys.dont_write_bytecode = True

import network
import validator

PLACE = pathlib.Path(__file__).resolve().parent.parent / "dashboards"


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit("usage: python3 grafana/build [--check]")
    differ = []
    for name, made in (("validator", validator.made), ("network", network.made)):
        path, text = PLACE / f"{name}.json", json.dumps(made(), indent=2, ensure_ascii=False) + "\n"
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            differ.append(path.name)
    if differ:
        sys.exit(f"{', '.join(differ)}: not as python3 grafana/build makes it")


main()
