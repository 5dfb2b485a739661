"""A dashboard as a page: panels in their places, each with what Prometheus answers."""

import html
import math
import time

import charts
import tables
from prometheus import Refused, Variables, legend, seconds
from values import Field, colour

WIDTH, CELL, GAP = 1580, 38, 8  # as Grafana's grid on a screen of that width
HEAD = 30

STYLE = """
body { background: #111217; color: #ccccdc; font: 12px sans-serif; margin: 10px; }
.notice { background: #5c4813; padding: 8px; border-radius: 3px; margin-bottom: 8px; }
.bar span { margin-right: 20px; } .bar b { color: #8e8e99; font-weight: normal; }
.grid { position: relative; } summary { font-size: 15px; padding: 8px 0; cursor: pointer; } .panel { position: absolute; background: #181b1f; border: 1px solid #2c3235; box-sizing: border-box; overflow: hidden; }
.legend div { height: 16px; white-space: nowrap; overflow: hidden; }
.panel h3 { font-size: 13px; margin: 6px 8px; font-weight: 500; height: 17px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.none { display: flex; align-items: center; justify-content: center; color: #8e8e99; font-size: 16px; }
.error { color: #f2495c; padding: 8px; }
.stats { display: flex; } .stat { flex: 1; display: flex; flex-direction: column; align-items: center; justify-content: center; overflow: hidden; white-space: nowrap; }
.stat small { color: #ccccdc; font-size: 12px; } .legend { padding: 0 10px; overflow: hidden; } .legend span { margin-right: 12px; white-space: nowrap; display: inline-block; }
.legend i { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin-right: 5px; vertical-align: middle; }
svg text { fill: #a0a0ab; font: 11px sans-serif; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 5px 8px; border-bottom: 1px solid #2c3235; white-space: nowrap; }
th { color: #6e9fff; font-weight: 500; } td.number { font-variant-numeric: tabular-nums; } a { text-decoration: underline; }
.bars div { display: flex; align-items: center; } .bars span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: 0 8px; box-sizing: border-box; }
"""


def drawn(dashboard, prometheus, chosen):
    """The page, and what is wrong with it."""
    variables = Variables(dashboard, prometheus, chosen)
    drawing = Drawing(prometheus, variables)
    marks = drawing.annotations(dashboard["annotations"]["list"])
    parts = [drawing.row(row, panels) for row, panels in rows(dashboard)]
    bar = "".join(f"<span><b>{html.escape(label)}</b> {html.escape(shown)}</span>" for label, shown in variables.labels)
    bar += "".join(f'<span style="color:{shade}">◆ {html.escape(name)} ({count})</span>' for name, shade, count in marks)
    shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(prometheus.end))
    notice = (f"<b>Preview, not Grafana.</b> {html.escape(dashboard['title'])}: the {prometheus.span / 60:g} minutes until {shown}, from the "
              f"dashboard's JSON and {html.escape(prometheus.address)}, a step of at least {prometheus.scrape:g} s. Tooltips, links, zoom and menus are left out; "
              "fonts, colours and the fitting of text are not Grafana's.")
    page = (f'<!doctype html><meta charset="utf-8"><title>Preview: {html.escape(dashboard["title"])}</title><style>{STYLE}</style>'
            f'<div class="notice">{notice}</div><div class="bar">{bar}</div>'
            f'{"".join(parts)}')
    return page, drawing.problems


def rows(dashboard):
    """Each heading with what is below it: for an open one the panels up to the next, for a closed one those within it."""
    found = []
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            found.append((panel, panel["panels"]))
        else:
            found[-1] = (found[-1][0], [*found[-1][1], panel])
    return found


class Drawing:
    def __init__(self, prometheus, variables):
        self.prometheus, self.variables, self.marks, self.problems = prometheus, variables, [], []

    def annotations(self, annotations):
        """Where each begins; samples that follow each other are one mark."""
        found = []
        for one in annotations:
            step, count = max(seconds(one["step"]), self.prometheus.step(1000)), 0
            for _, points in self.ask(one["expr"], step):
                before = -math.inf
                for at, _ in points:
                    if at - before > 1.5 * step:
                        self.marks.append((at, colour(one["iconColor"])))
                        count += 1
                    before = at
            found.append((one["name"], colour(one["iconColor"]), count))
        return found

    def ask(self, expression, step=None):
        """Over time if there is a step, else now."""
        text = self.variables.replaced(expression, self.prometheus, step or self.prometheus.step(1000))
        return self.prometheus.over_time(text, step) if step else self.prometheus.now(text)

    def row(self, row, panels):
        """Closed as in Grafana, until somebody opens it; drawn in any case, so that what is wrong in it is told."""
        top = row["gridPos"]["y"] + 1
        bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) - top
        inside = "".join(self.placed(panel, top) for panel in panels)
        count = f" <small>({len(panels)} panels)</small>" if row["collapsed"] else ""
        return (f'<details{"" if row["collapsed"] else " open"}><summary>{html.escape(row["title"])}{count}</summary>'
                f'<div class="grid" style="width:{WIDTH}px;height:{bottom * CELL}px">{inside}</div></details>')

    def placed(self, panel, top):
        place = panel["gridPos"]
        width, height = WIDTH * place["w"] // 24 - GAP, place["h"] * CELL - GAP
        box = f'left:{WIDTH * place["x"] / 24:.0f}px;top:{(place["y"] - top) * CELL}px;width:{width}px;height:{height}px'
        try:
            inside = getattr(self, "_" + panel["type"].replace("-", "_"))(panel, width - 2, height - HEAD - 2)
        except Refused as error:
            self.problems.append(f"{panel['title']}: {error}")
            inside = f'<div class="error">{html.escape(str(error))}</div>'
        if inside is None:
            words = panel["fieldConfig"]["defaults"].get("noValue") or "No data"
            self.problems.append(f"{panel['title']}: no data, it says «{words}»")
            inside = f'<div class="none" style="height:{height - HEAD - 2}px">{html.escape(words)}</div>'
        title = html.escape(panel["title"])
        return f'<div class="panel" style="{box}"><h3 title="{html.escape(panel["description"])}">{title}</h3>{inside}</div>'

    def _now(self, panel):
        """(name, field, value) of each series that a panel asks for."""
        asked = [(target, self.ask(target["expr"])) for target in panel["targets"]]
        alone = sum(len(samples) for _, samples in asked) == 1
        found = [(legend(target["legendFormat"], labels, target["expr"], alone), value) for target, samples in asked for labels, value in samples]
        return [(name, Field(panel, name), value) for name, value in found]

    def _over_time(self, panel, width):
        step = self.prometheus.step(width)
        asked = [(target, self.ask(target["expr"], step)) for target in panel["targets"]]
        alone = sum(len(series) for _, series in asked) == 1
        return step, [(legend(target["legendFormat"], labels, target["expr"], alone), labels, points)
                      for target, series in asked for labels, points in series]

    def _stat(self, panel, width, height):
        values, options = self._now(panel), panel["options"]
        if not values:
            return None
        mode = options["textMode"]
        across = width / height >= 1 or len(values) == 1
        parts = []
        for name, field, value in values:
            words = name if mode == "name" else field.text(value)
            small = name if mode == "value_and_name" or (mode == "auto" and len(values) > 1) else ""
            shade, filled = field.by_threshold(value), options["colorMode"] == "background"
            room = (width / len(values) if across else width) - 16
            size = max(12, min(40, room / max(1, len(words)) * 1.7, (height if across else height / len(values)) * 0.55))
            look = f"background:{shade};color:#111217" if filled else f"color:{shade}"
            parts.append(f'<div class="stat" style="{look};font-size:{size:.0f}px">{f"<small>{html.escape(small)}</small>" if small else ""}'
                         f'{html.escape(words)}</div>')
        return f'<div class="stats" style="height:{height}px;flex-direction:{"row" if across else "column"}">{"".join(parts)}</div>'

    def _bargauge(self, panel, width, height):
        values = self._now(panel)
        if not values:
            return None
        high = min(panel["options"]["maxVizHeight"], max(panel["options"]["minVizHeight"], height / len(values) - 6))
        if (high + 6) * len(values) > height + 6:
            self.problems.append(f"{panel['title']}: {len(values)} bars, some of them out of sight")
        least, most = panel["fieldConfig"]["defaults"].get("min", 0), panel["fieldConfig"]["defaults"].get("max")
        most = most if most is not None else max(value for _, _, value in values) or 1
        named, rest = width * 0.3, width * 0.5
        rows = "".join(
            f'<div style="height:{high:.0f}px;margin-bottom:6px"><span style="width:{named:.0f}px">{html.escape(name)}</span>'
            f'{charts.bar(int(rest), int(high), (value - least) / (most - least), field.by_threshold(value))}'
            f'<span style="color:{field.by_threshold(value)};font-size:16px">{html.escape(field.text(value))}</span></div>'
            for name, field, value in values)
        return f'<div class="bars" style="height:{height}px;overflow:hidden">{rows}</div>'

    def _timeseries(self, panel, width, height):
        step, found = self._over_time(panel, width)
        if not any(math.isfinite(value) for _, _, points in found for _, value in points):
            return None
        fields = [(name, Field(panel, name, [value for _, value in points]), points) for name, _, points in found]
        series = [(name, field, field.colour(0, index), points) for index, (name, field, points) in enumerate(fields)]
        told = [(name, shade) for name, field, shade, _ in series if not field.custom.get("hideFrom", {}).get("legend")]
        wide, tall, words = self._legend(panel, told, width, height)
        frame = charts.Frame(width - wide, height - tall, self.prometheus)
        return charts.lines(frame, series, self.marks, step) + words

    def _legend(self, panel, entries, width, height):
        """What it takes of width and height, and itself. Grafana scrolls what is more."""
        words = [f'<span><i style="background:{shade}"></i>{html.escape(name)}</span>' for name, shade in entries]
        if panel["options"]["legend"]["placement"] == "right":
            wide = min(max((len(name) for name, _ in entries), default=0) * 6.5 + 44, width * 0.35)
            room, needed = height, len(entries) * 16
            look = f"position:absolute;right:0;top:{HEAD}px;width:{wide:.0f}px;height:{height}px"
            taken, words = (round(wide), 0), [f"<div>{word}</div>" for word in words]
        else:
            lines, used = 1, 0
            for name, _ in entries:
                used += len(name) * 6.2 + 34
                if used > width - 20:
                    lines, used = lines + 1, len(name) * 6.2 + 34
            room, needed = height * 0.35, lines * 17
            look = f"height:{min(needed, room):.0f}px"
            taken = 0, round(min(needed, room))
        if needed > room:
            self.problems.append(f"{panel['title']}: {len(entries)} series, their legend is cut off")
        return *taken, f'<div class="legend" style="{look}">{"".join(words)}</div>'

    def _heatmap(self, panel, width, height):
        step, found = self._over_time(panel, width / 8)
        if not any(value > 0 for _, _, points in found for _, value in points):
            return None
        frame = charts.Frame(width, height, self.prometheus)
        return charts.heatmap(frame, [(labels, points) for _, labels, points in found], panel["options"], self.marks, step)

    def _state_timeline(self, panel, width, height):
        step, found = self._over_time(panel, width)
        if not found:
            return None
        series = [(name, Field(panel, name), points) for name, _, points in found]
        _, tall, words = self._legend(panel, charts.state_legend(series), width, height)
        left = min(width * 0.3, 20 + max(len(name) for name, _, _ in series) * 7)
        frame = charts.Frame(width, height - tall, self.prometheus, left)
        return charts.states(frame, series, self.marks, step) + words

    def _table(self, panel, width, height):
        queries = [(target["refId"], target["expr"]) for target in panel["targets"]]
        results = [self.ask(expression) for _, expression in queries]
        columns, rows = tables.transformed(list(tables.frames(queries, results)), panel["transformations"])
        if not rows:
            return None
        if (len(rows) + 1) * 27 > height:
            self.problems.append(f"{panel['title']}: {len(rows)} rows, some of them out of sight")
        return tables.drawn(panel, columns, rows)
