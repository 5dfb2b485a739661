"""The expressions of a dashboard: that they are PromQL, by promtool, and what is in them."""

from __future__ import annotations  # for Python 3.9

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|([A-Za-z_]\w*))")
LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = LABEL_LISTS | {"and", "or", "unless", "bool", "offset", "inf", "nan", "atan2"}
TOKEN = re.compile(r'(?P<text>"(?:\\.|[^"\\])*")|(?P<range>\[[^\]]*\])|(?P<braces>\{(?:"(?:\\.|[^"\\])*"|[^}"])*\})'
                   r"|(?P<word>[A-Za-z_:][\w:]*)|(?P<other>\d[\w.]*|\S)")


@dataclass(frozen=True)
class Query:
    """`panel` is None for an annotation or a variable, which `place` names."""
    panel: str | None
    place: str
    expression: str


@dataclass(frozen=True)
class Selector:
    name: str
    matchers: str
    range: str | None
    function: str | None


def panels(dashboard):
    """All but the headings of rows."""
    def inside(panel):
        return [panel] + [deeper for inner in panel.get("panels", []) for deeper in inside(inner)]
    return [panel for top in dashboard.get("panels", []) for panel in inside(top) if panel.get("type") != "row"]


def queries(dashboard):
    """Of panels and annotations."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            yield Query(panel.get("title"), f"panel «{panel.get('title')}», query {target.get('refId')}", target.get("expr", ""))
    for annotation in dashboard["annotations"]["list"]:
        if annotation.get("builtIn") != 1:
            yield Query(None, f"annotation «{annotation['name']}»", annotation.get("expr", ""))


def asked(variable):
    """The query of a variable."""
    query = variable.get("query", "")
    return query.get("query", "") if isinstance(query, dict) else query


def selectors(expression):
    """Every selector of series, with the function whose argument it is."""
    tokens = [(found.lastgroup, found.group()) for found in TOKEN.finditer(expression)] + [("end", "")] * 3
    calls, index = [], 0
    while tokens[index][0] != "end":
        (kind, text), (_, after) = tokens[index], tokens[index + 1]
        if kind == "word" and text in LABEL_LISTS and after == "(":
            while tokens[index][1] not in (")", ""):
                index += 1
        elif text == "(":
            before = tokens[index - 1] if index else ("other", "")
            calls.append(before[1] if before[0] == "word" and before[1] not in WORDS else None)
        elif text == ")" and calls:
            calls.pop()
        elif (kind == "word" and text.lower() not in WORDS and after != "(" and after not in LABEL_LISTS) or kind == "braces":
            name = text if kind == "word" else ""
            matchers = text if kind == "braces" else ""
            if name and tokens[index + 1][0] == "braces":
                index, matchers = index + 1, tokens[index + 1][1]
            over = tokens[index + 1][1][1:-1] if tokens[index + 1][0] == "range" else None
            yield Selector(name, matchers, over, calls[-1] if calls else None)
        index += 1


def findings(dashboard, project):
    """What promtool does not take for PromQL. It reads rules, so that each query is given to it as one."""
    tool = next((str(path) for path in [project / ".prometheus" / "bin" / "promtool"] if path.is_file()), shutil.which("promtool"))
    if tool is None:
        return [], "the dashboards' queries as PromQL: there is no promtool here"
    asks = list(queries(dashboard))
    for variable in dashboard["templating"]["list"]:
        inside = re.fullmatch(r"label_values\((.+),\s*\w+\)|query_result\((.+)\)", asked(variable)) if variable["type"] == "query" else None
        if inside:
            asks.append(Query(None, f"variable «{variable['name']}»", inside.group(1) or inside.group(2)))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "rules.json"
        # One rule is quick to write and not to run: only when all of them together are refused, one after the other.
        for batch in [asks] if _taken(tool, file, asks) is None else [[ask] for ask in asks]:
            problem = _taken(tool, file, batch)
            if problem is not None:
                found.append(f"{batch[0].place}: no PromQL: {batch[0].expression}: {problem}")
    return found, None


def _taken(tool, file, asks):
    rules = [{"record": f"query:{index}", "expr": _replaced(ask.expression)} for index, ask in enumerate(asks)]
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([tool, "check", "rules", "--lint=none", str(file)], capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "rule " in line or "error" in line.lower()]
    return None if done.returncode == 0 else (said[-1] if said else "refused")


def _replaced(expression):
    """Any duration and any text do for the grammar."""
    def value(found):
        name = found.group(1) or found.group(2)
        return ("60" if name.endswith(("_s", "_ms")) else "60s") if name.startswith("__") else name
    return VARIABLE.sub(value, expression)
