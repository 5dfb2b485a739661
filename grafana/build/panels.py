"""Panels as Grafana's JSON has them. A function for each type; all else is the same for all of them."""

from queries import INTERVAL, increase, or_none, quantile

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
DOWN = "no answer"  # what a panel says in place of data: the validator, or every validator, does not answer

GOOD, DOUBTFUL, BAD, PLAIN = "green", "yellow", "red", "blue"


def steps(first, *others):
    """Thresholds: a colour, then (value, colour) from each value on."""
    return [{"color": first, "value": None}] + [{"color": colour, "value": value} for value, colour in others]


NEUTRAL = steps(PLAIN)
NONE_IS_GOOD = steps(GOOD, (0.5, BAD))
SOME_IS_DOUBTFUL = steps(GOOD, (0.5, DOUBTFUL), (10, BAD))
YES_IS_GOOD = steps(BAD, (1, GOOD))


def words(**texts):
    """Value mappings, `_0="down"`: what is written in place of a number."""
    options = {name[1:]: {"index": index, "text": text} for index, (name, text) in enumerate(texts.items())}
    return [{"type": "value", "options": options}]


# pop_last_exit_code, of which two values are no codes.
LAST_EXIT = steps(PLAIN, (-1, DOUBTFUL), (0, GOOD), (1, BAD))
LAST_EXIT_WORDS = words(**{"_-2": "none known", "_-1": "killed"})


def _targets(queries, instant, form):
    if isinstance(queries, str):
        queries = [(queries, "")]
    targets = []
    for index, (expression, legend) in enumerate(queries):
        targets.append({
            "refId": chr(ord("A") + index), "datasource": DATA_SOURCE, "editorMode": "code", "expr": expression,
            "legendFormat": legend or "__auto", "format": form, "instant": instant, "range": not instant,
        })
    return targets


def _panel(kind, title, description, queries, *, unit, width, height, options, custom=None, instant=False, form="time_series",
           thresholds=NEUTRAL, mappings=(), decimals=None, least=None, most=None, none=DOWN, overrides=(), by_threshold=False):
    defaults = {
        "unit": unit, "noValue": none, "mappings": list(mappings), "custom": custom or {},
        "color": {"mode": "thresholds" if by_threshold else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": thresholds},
    }
    for name, value in (("decimals", decimals), ("min", least), ("max", most)):
        if value is not None:
            defaults[name] = value
    return {
        "type": kind, "title": title, "description": description, "datasource": DATA_SOURCE,
        "gridPos": {"h": height, "w": width, "x": 0, "y": 0},
        "targets": _targets(queries, instant, form),
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
    }


_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def stat(title, description, queries, unit="none", *, width=4, height=4, text="auto", filled=False, **rest):
    """What is so now: asked for this moment, so that a validator that went down does not show its last value."""
    options = {
        "reduceOptions": _LAST, "orientation": "auto", "textMode": text, "justifyMode": "auto", "graphMode": "none",
        "colorMode": "background" if filled else "value", "wideLayout": True, "showPercentChange": False,
    }
    return _panel("stat", title, description, queries, unit=unit, width=width, height=height, options=options, instant=True,
                  by_threshold=True, **rest)


def bars(title, description, queries, unit="none", *, width=8, height=8, **rest):
    """A bar for each, now."""
    options = {
        "reduceOptions": _LAST, "orientation": "horizontal", "displayMode": "basic", "valueMode": "color", "showUnfilled": True,
        "namePlacement": "auto", "sizing": "auto", "minVizHeight": 16, "minVizWidth": 8, "maxVizHeight": 60,
    }
    return _panel("bargauge", title, description, queries, unit=unit, width=width, height=height, options=options, instant=True,
                  by_threshold=True, **rest)


_LEGEND = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
_AT_THE_SIDE = {**_LEGEND, "placement": "right"}

# Every reason and kind is counted from the start, so that most of them are 0 all the time: those are drawn, and not in the legend.
_ALL_ZERO = {
    "matcher": {"id": "byValue", "options": {"reducer": "allIsZero", "op": "gte", "value": 0}},
    "properties": [{"id": "custom.hideFrom", "value": {"legend": True, "tooltip": True, "viz": False}}],
}


def lines(title, description, queries, unit="short", *, width=8, height=8, axis="", stacked=False, bars=False, logarithmic=False,
          limits=False, least=0, by_kind=False, at_the_side=False, overrides=(), **rest):
    """Lines over time. `axis` says what the unit does not; `limits` draws the thresholds; `by_kind` leaves kinds that did not occur
    out of the legend."""
    custom = {
        "drawStyle": "bars" if bars else "line", "lineWidth": 1, "fillOpacity": 60 if bars else 15 if stacked else 5,
        "showPoints": "never", "spanNulls": False, "lineInterpolation": "linear", "axisLabel": axis, "axisPlacement": "auto",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "scaleDistribution": {"type": "log", "log": 10} if logarithmic else {"type": "linear"},
        "thresholdsStyle": {"mode": "dashed" if limits else "off"},
    }
    options = {"legend": _AT_THE_SIDE if at_the_side else _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}}
    return _panel("timeseries", title, description, queries, unit=unit, width=width, height=height, options=options, custom=custom,
                  least=None if logarithmic else least, overrides=[*overrides, *([_ALL_ZERO] if by_kind else [])], **rest)


def counts(title, description, expression, label, unit="short", *, legend="", **rest):
    """Lines by a label, whose events may never have happened: then there is a line at 0 and no empty panel."""
    return lines(title, description, [(or_none(expression, label), legend or f"{{{{{label}}}}}")], unit, by_kind=True, **rest)


def percentiles(histogram, *shares):
    """Queries for `lines`, the largest first: p99, p90, p50."""
    return [(quantile(share / 100, histogram), f"p{share}") for share in shares]


def views(title, description, counter):
    """Views that went wrong, by reason, in each step of the picture."""
    return counts(title, description, increase(counter, "reason", INTERVAL), "reason", axis="views", bars=True, stacked=True)


def heatmap(title, description, expression, what, *, width=12, height=8):
    """How many observations were in which bucket of a histogram. `what` was observed."""
    options = {
        "calculate": False, "cellGap": 1, "showValue": "never", "rowsFrame": {"layout": "auto", "value": what},
        "color": {"mode": "scheme", "scheme": "Blues", "exponent": 0.5, "steps": 64, "reverse": False, "scale": "exponential",
                  "fill": "dark-blue"},
        "filterValues": {"le": 1e-9}, "legend": {"show": True}, "tooltip": {"mode": "single", "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "unit": "s", "reverse": False}, "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    custom = {"scaleDistribution": {"type": "linear"}, "hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    return _panel("heatmap", title, description, [(expression, "{{le}}")], unit="short", width=width, height=height,
                  options=options, custom=custom, form="heatmap")


def timeline(title, description, queries, unit="none", *, width=12, height=8, **rest):
    """States over time, a strip for each."""
    options = {
        "mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.8, "perPage": 20,
        "legend": _LEGEND, "tooltip": {"mode": "single", "sort": "none"},
    }
    return _panel("state-timeline", title, description, queries, unit=unit, width=width, height=height, options=options,
                  custom={"lineWidth": 0, "fillOpacity": 80}, by_threshold=True, **rest)


def column(name, unit=None, *, thresholds=None, mappings=None, decimals=None, link=None, width=None, hidden=False):
    """How a column of a table is shown, by its name there."""
    properties = []
    if unit:
        properties.append({"id": "unit", "value": unit})
    if decimals is not None:
        properties.append({"id": "decimals", "value": decimals})
    if mappings:
        properties.append({"id": "mappings", "value": mappings})
    if thresholds:
        properties += [
            {"id": "thresholds", "value": {"mode": "absolute", "steps": thresholds}},
            {"id": "color", "value": {"mode": "thresholds"}},
            {"id": "custom.cellOptions", "value": {"type": "color-text"}},
        ]
    if link:
        properties.append({"id": "links", "value": [link]})
    if width:
        properties.append({"id": "custom.width", "value": width})
    if hidden:
        properties.append({"id": "custom.hidden", "value": True})
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def table(title, description, queries, names, *, width=12, height=8, columns=(), sort=None, falling=True, ranked=False,
          shaping=(), unit="short", **rest):
    """A line for each set of labels. `queries` are joined by what they have in common; `names`, in order, gives the columns
    that are shown: {"validator": "Validator", "Value #A": "Rounds"}. `sort` is a column's name there, `falling` the largest first. `shaping` are transformations before all others."""
    shaping = [*shaping, *([{"id": "merge", "options": {}}] if len(queries) > 1 else [])]
    shown = dict(names)
    if sort:
        field = next(name for name, column in names.items() if column == sort)
        shaping.append({"id": "sortBy", "options": {"fields": {}, "sort": [{"field": field, "desc": falling}]}})
    if ranked:
        # Grafana's row numbers begin at 0.
        shaping.append({"id": "calculateField", "options": {"mode": "index", "alias": "index", "index": {"asPercentile": False}}})
        shaping.append({"id": "calculateField", "options": {
            "mode": "binary", "alias": "Rank", "binary": {"left": "index", "operator": "+", "right": "1"}}})
        shown = {"Rank": "Rank", **shown}
    shaping.append({"id": "filterFieldsByName", "options": {"include": {"names": list(shown)}}})
    shaping.append({"id": "organize", "options": {
        "excludeByName": {}, "indexByName": {name: index for index, name in enumerate(shown)}, "renameByName": shown}})
    options = {"showHeader": True, "cellHeight": "sm"}
    panel = _panel("table", title, description, [(expression, "") for expression in queries], unit=unit, width=width,
                   height=height, options=options, custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
                   instant=True, form="table", overrides=columns, **rest)
    panel["transformations"] = shaping
    return panel
