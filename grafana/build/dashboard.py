"""What both dashboards are: rows of panels one below the other, variables, annotations, links."""

import itertools
from dataclasses import dataclass

from panels import DATA_SOURCE
from queries import matched, named_though_down

SCHEMA_VERSION = 41  # Grafana 11.6, as in compose.yml
RUNBOOK = "/public/proof-of-proof/RUNBOOK.txt"  # where compose.yml puts docs/RUNBOOK.md into Grafana
COLUMNS = 24
# Grafana's numbers: what a variable's query is, and how its values are sorted (node_2 before node_10).
LABEL_VALUES, QUERY_RESULT, NATURAL = 1, 3, 7


@dataclass(frozen=True)
class Row:
    """A heading, and what is below it; closed until somebody opens it, which also asks its queries only then."""
    title: str
    panels: list
    closed: bool = False


def data_source():
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "", "hide": 0,
            "refresh": 1, "multi": False, "includeAll": False, "current": {}, "options": []}


def _asked(name, label, description, query, everything, all_first, kind=LABEL_VALUES, regex=""):
    return {"name": name, "label": label, "description": description, "type": "query", "datasource": DATA_SOURCE, "query": {
        "qryType": kind, "query": query, "refId": f"Variable-{name}"}, "regex": regex, "sort": NATURAL, "hide": 0,
        "refresh": 2, "multi": True, "includeAll": all_first, "allValue": everything, "current": {}, "options": []}


def job():
    """`up` is there for a target that does not answer, too. Other jobs of the same Prometheus are none of ours, so that «All» is
    not everything."""
    return _asked("job", "Job", "The scrape job of the validators: its name begins with «pop».",
                   'label_values(up{job=~"pop.*"}, job)', "pop.*", True)


def instance():
    """One validator, until others are chosen besides: by name, whose value is the address."""
    names = matched(named_though_down("up"), {"job": 'job=~"$job"'})
    return _asked("instance", "Validator", "One validator; several are added up. One that was not up within a day has its address for a name.",
                  f"query_result({names})", ".+", False, QUERY_RESULT, '/instance="(?<value>[^"]+)"|validator="(?<text>[^"]+)"/g')


def runbook():
    """A link of a dashboard is relative to Grafana, so that by itself it leads to what Grafana serves."""
    chosen = {"selected": True, "text": RUNBOOK, "value": RUNBOOK}
    return {"name": "runbook", "label": "Runbook", "description": "Where docs/RUNBOOK.md can be read: an address, or a path in this Grafana.",
            "type": "textbox", "query": RUNBOOK, "hide": 0, "current": chosen, "options": [chosen]}


def annotation(name, expression, title, text, colour):
    """Marks in every graph, where the expression has a value. Samples that follow each other are one mark."""
    return {"name": name, "datasource": DATA_SOURCE, "enable": True, "hide": False, "iconColor": colour, "expr": expression,
            "titleFormat": title, "textFormat": text, "step": "15s", "useValueForTime": False}


def _links():
    return [
        {"type": "dashboards", "title": "Proof-of-Proof", "tags": ["proof-of-proof"], "asDropdown": False, "includeVars": True,
         "keepTime": True, "targetBlank": False, "icon": "external link", "tooltip": "The other dashboard", "url": ""},
        {"type": "link", "title": "Runbook", "tags": [], "asDropdown": False, "includeVars": False, "keepTime": False,
         "targetBlank": True, "icon": "doc", "tooltip": "What each alert means and what to do; the variable Runbook says where it is",
         "url": "${runbook}"},
    ]


def _laid_out(rows):
    """Rows under their headings, panels from left to right as they fit, numbered in that order. The panels of a closed row are within
    its heading, at their places below it; the next row is where they are not."""
    panels, top, numbers = [], 0, itertools.count(1)
    for row in rows:
        inside = row.panels if row.closed else []
        panels.append({"type": "row", "title": row.title, "collapsed": row.closed, "panels": inside, "id": next(numbers),
                       "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top}})
        top += 1
        below, left, height = top, 0, 0
        for panel in row.panels:
            place = panel["gridPos"]
            if left + place["w"] > COLUMNS:
                below, left, height = below + height, 0, 0
            place.update(x=left, y=below)
            panel["id"] = next(numbers)
            left, height = left + place["w"], max(height, place["h"])
        if not row.closed:
            panels += row.panels
            top = below + height
    return panels


def dashboard(uid, title, description, rows, variables, annotations, matchers):
    panels = _laid_out(rows)
    for query in [target for row in rows for panel in row.panels for target in panel["targets"]] + annotations:
        query["expr"] = matched(query["expr"], matchers)
    return {
        "uid": uid, "title": title, "description": description, "tags": ["proof-of-proof"], "schemaVersion": SCHEMA_VERSION,
        "version": 1, "editable": False, "graphTooltip": 1, "timezone": "browser", "weekStart": "", "fiscalYearStartMonth": 0,
        "liveNow": False, "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "timepicker": {}, "links": _links(),
        "templating": {"list": variables}, "annotations": {"list": annotations}, "panels": panels,
    }
