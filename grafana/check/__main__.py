"""Checks dashboards without Grafana: against its published types, and by the rules of its dashboard linter.

    python3 grafana/check [FILE…]    without a file: both of grafana/dashboards

A sentence for each finding, and exit code 1 if there is one. What cannot be checked here, because `make setup` could not fetch what it
needs, is told by a line that starts with NOT RUN.
"""

import json
import pathlib
import sys

# Its folder holds sources only.
sys.dont_write_bytecode = True

import published
import promql
import rules

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    files = [pathlib.Path(name) for name in sys.argv[1:]] or sorted((PROJECT / "grafana" / "dashboards").glob("*.json"))
    findings, not_run = [], []
    for file in files:
        try:
            dashboard = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            sys.exit(f"{file} is no dashboard that can be read: {error}")
        for check in (published.findings, promql.findings, rules.findings):
            found, missing = check(dashboard, PROJECT)
            findings += [f"{file.name}: {finding}" for finding in found]
            not_run += [missing] if missing and missing not in not_run else []
    if len(sys.argv) == 1:
        findings += [f"exclusions.py: nothing breaks {rule}, so it needs no exclusion" for rule in rules.unused_exclusions()]
    for missing in not_run:
        print(f"NOT RUN: {missing}")
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


main()
