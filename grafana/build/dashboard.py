"""What both dashboards are: rows of panels one below the other, variables, annotations, links."""

from panels import DATA_SOURCE
from queries import matched

SCHEMA_VERSION = 41  # Grafana 11.6, as in compose.yml
RUNBOOK = "/public/proof-of-proof/RUNBOOK.txt"  # where compose.yml puts docs/RUNBOOK.md into Grafana
COLUMNS = 24


def data_source():
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "", "hide": 0,
            "refresh": 1, "multi": False, "includeAll": False, "current": {}, "options": []}


def _labels(name, label, description, query, everything, all_first):
    return {"name": name, "label": label, "description": description, "type": "query", "datasource": DATA_SOURCE, "query": {
        "qryType": 1, "query": query, "refId": f"Variable-{name}"}, "regex": "", "sort": 1, "hide": 0,
        "refresh": 2, "multi": True, "includeAll": all_first, "allValue": everything, "current": {}, "options": []}


def job():
    """`up` is there for a target that does not answer, too. Other jobs of the same Prometheus are none of ours, so that «All» is
    not everything."""
    return _labels("job", "Job", "The scrape job of the validators: its name begins with «pop».",
                   'label_values(up{job=~"pop.*"}, job)', "pop.*", True)


def instance():
    """One validator, until others are chosen besides."""
    return _labels("instance", "Instance", "Address of a validator, as Prometheus scrapes it; several are added up.",
                   'label_values(up{job=~"$job"}, instance)', ".+", False)


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
    """Rows under their headings, panels from left to right as they fit, numbered in that order."""
    panels, top = [], 0
    for title, content in rows:
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top}})
        top, left, height = top + 1, 0, 0
        for panel in content:
            place = panel["gridPos"]
            if left + place["w"] > COLUMNS:
                top, left, height = top + height, 0, 0
            place.update(x=left, y=top)
            left, height = left + place["w"], max(height, place["h"])
            panels.append(panel)
        top += height
    for index, panel in enumerate(panels):
        panel["id"] = index + 1
    return panels


def dashboard(uid, title, description, rows, variables, annotations, matchers):
    panels = _laid_out(rows)
    for query in [target for panel in panels for target in panel.get("targets", [])] + annotations:
        query["expr"] = matched(query["expr"], matchers)
    return {
        "uid": uid, "title": title, "description": description, "tags": ["proof-of-proof"], "schemaVersion": SCHEMA_VERSION,
        "version": 1, "editable": False, "graphTooltip": 1, "timezone": "browser", "weekStart": "", "fiscalYearStartMonth": 0,
        "liveNow": False, "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "timepicker": {}, "links": _links(),
        "templating": {"list": variables}, "annotations": {"list": annotations}, "panels": panels,
    }
