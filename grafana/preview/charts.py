"""What is drawn as SVG: lines over time, heat map, states over time."""

import html
import math
import time

from values import written

AXIS, BOTTOM, TOP, RIGHT = 64, 20, 8, 10
GREY = "#8e8e99"


class Frame:
    """The place of a picture within its panel, and its times."""

    def __init__(self, width, height, prometheus, left=AXIS):
        self.width, self.height, self.left = width, height, left
        self.start, self.end = prometheus.end - prometheus.span, prometheus.end
        self.right, self.bottom = width - RIGHT, height - BOTTOM

    def x(self, at):
        """What lies before, because of the alignment of steps, is drawn at the edge."""
        share = (at - self.start) / (self.end - self.start)
        return self.left + min(max(share, 0), 1) * (self.right - self.left)

    def wide(self, time):
        return time / (self.end - self.start) * (self.right - self.left)

    def times(self):
        step = next(step for step in (15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600) if (self.end - self.start) / step <= 7)
        at = math.ceil(self.start / step) * step
        while at < self.end:
            shown = time.strftime("%H:%M:%S" if step < 60 else "%H:%M", time.localtime(at))
            yield line(self.x(at), TOP, self.x(at), self.bottom, "#2c3235")
            yield text(self.x(at), self.height - 6, shown, "middle")
            at += step

    def marks(self, annotations):
        for at, shade in annotations:
            yield line(self.x(at), TOP, self.x(at), self.bottom, shade, 'stroke-dasharray="4 3"')
            yield f'<path d="M{self.x(at) - 4:.1f} {self.bottom + 6}h8l-4 -6z" fill="{shade}"/>'

    def svg(self, parts):
        return f'<svg width="{self.width}" height="{self.height}">{"".join(parts)}</svg>'


def line(x1, y1, x2, y2, shade, more=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{shade}" {more}/>'


def text(x, y, words, anchor="end", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{html.escape(words)}</text>'


class Scale:
    """Values up the picture: linear with round ticks, or by powers of ten."""

    def __init__(self, frame, values, field):
        self.frame, self.logarithmic = frame, field.custom["scaleDistribution"]["type"] == "log"
        values = [value for value in values if math.isfinite(value) and (value > 0 or not self.logarithmic)]
        low, high = min(values, default=0), max(values, default=1)
        low, high = field.settings.get("min", low), field.settings.get("max", high)
        if self.logarithmic:
            self.low, self.high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high) + 1e-9)
            self.ticks = [10 ** power for power in range(round(math.log10(self.low)), round(math.log10(self.high)) + 1)]
            self.ticks = self.ticks[::math.ceil(len(self.ticks) / 6)]
        else:
            if high <= low:
                high = low + (abs(low) or 1)
            rough = (high - low) / 4
            base = 2 if field.settings["unit"] == "bytes" else 10
            size = base ** math.floor(math.log(rough, base))
            step = next(size * factor for factor in ((1, 2) if base == 2 else (1, 2, 2.5, 5, 10)) if size * factor >= rough * 0.999)
            self.low = low if "min" in field.settings else math.floor(low / step + 1e-9) * step
            self.high = high if "max" in field.settings else math.ceil(high / step - 1e-9) * step
            count = int((self.high - self.low) / step + 1e-9)
            self.ticks = [round(self.low + index * step, 12) for index in range(count + 1)]

    def y(self, value):
        if self.logarithmic:
            share = (math.log10(max(value, self.low)) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.frame.bottom - min(max(share, -0.02), 1.02) * (self.frame.bottom - TOP)


def lines(frame, series, annotations, step):
    """`series`: (name, field, colour, points)."""
    field = series[0][1]
    stacked = field.custom["stacking"]["mode"] == "normal"
    below, drawn = {}, []
    for name, own, shade, points in series:
        # What is below zero is stacked on its own.
        floor = [(below.get((at, value < 0), 0) if stacked else 0) for at, value in points]
        tops = [(at, value + base) for (at, value), base in zip(points, floor)]
        if stacked:
            below.update({(at, value < 0): top for (at, value), (_, top) in zip(points, tops) if math.isfinite(top)})
        drawn.append((own, shade, tops, floor))
    scale = Scale(frame, [value for _, _, tops, _ in drawn for _, value in tops], field)
    parts = list(frame.times())
    for tick in scale.ticks:
        parts.append(line(frame.left, scale.y(tick), frame.right, scale.y(tick), "#2c3235"))
        parts.append(text(frame.left - 6, scale.y(tick) + 4, field.text(tick) if not field.settings["mappings"] else f"{tick:g}"))
    if field.custom["axisLabel"]:
        parts.append(text(0, 0, field.custom["axisLabel"], "middle", f'transform="translate(11,{(frame.bottom + TOP) / 2:.0f}) rotate(-90)"'))
    for own, shade, tops, floor in drawn:
        if own.custom["drawStyle"] == "bars":
            wide = max(1.5, frame.wide(step) * 0.7)
            for (at, value), base in zip(tops, floor):
                if math.isfinite(value) and value != base:
                    top, bottom = scale.y(max(value, base)), scale.y(min(value, base))
                    parts.append(f'<rect x="{frame.x(at) - wide / 2:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{bottom - top:.1f}" '
                                 f'fill="{shade}" fill-opacity="0.7" stroke="{shade}"/>')
        else:
            parts += _strokes(frame, scale, own, shade, tops, floor, step)
    if field.custom["thresholdsStyle"]["mode"] == "dashed":
        parts += [line(frame.left, scale.y(least), frame.right, scale.y(least), shade, 'stroke-dasharray="8 6"')
                  for least, shade in field.steps() if math.isfinite(least)]
    return frame.svg(parts + list(frame.marks(annotations)))


def _strokes(frame, scale, own, shade, tops, floor, step):
    """A line for each run of samples without a gap."""
    run, before = [], None
    dash = 'stroke-dasharray="8 8"' if own.custom.get("lineStyle", {}).get("fill") == "dash" else ""
    for (at, value), base in list(zip(tops, floor)) + [((math.inf, math.nan), 0)]:
        if run and (not math.isfinite(value) or at - before > 1.5 * step):
            path = "L".join(f"{frame.x(when):.1f} {scale.y(top):.1f}" for when, top, _ in run)
            if own.custom["fillOpacity"] and not dash:
                back = "L".join(f"{frame.x(when):.1f} {scale.y(low):.1f}" for when, _, low in reversed(run))
                yield f'<path d="M{path}L{back}Z" fill="{shade}" fill-opacity="{own.custom["fillOpacity"] / 100}"/>'
            if len(run) == 1:
                yield f'<circle cx="{frame.x(run[0][0]):.1f}" cy="{scale.y(run[0][1]):.1f}" r="2" fill="{shade}"/>'
            yield f'<path d="M{path}" fill="none" stroke="{shade}" {dash}/>'
            run = []
        if math.isfinite(value):
            run.append((at, value, base))
        before = at


def heatmap(frame, series, options, annotations, step):
    """`series`: (labels, points), a bucket each, which counts what is in the smaller ones, too."""
    buckets = sorted((float(labels["le"].replace("+Inf", "inf")), dict(points)) for labels, points in series)
    parts, below, cells = list(frame.times()), {}, []
    for row, (_, points) in enumerate(buckets):
        cells += [(row, at, value - below.get(at, 0)) for at, value in points.items()]
        below = points
    shown = [cell for cell in cells if cell[2] > options["filterValues"]["le"]]
    most = max((count for _, _, count in shown), default=1)
    high = (frame.bottom - TOP) / len(buckets)
    wide = max(2, frame.wide(step))
    for row, at, count in shown:
        light = 25 + 60 * (count / most) ** options["color"]["exponent"]
        parts.append(f'<rect x="{frame.x(at) - wide:.1f}" y="{frame.bottom - (row + 1) * high:.1f}" width="{wide - 1:.1f}" '
                     f'height="{max(high - 1, 1):.1f}" fill="hsl(210 70% {light:.0f}%)"/>')
    every = math.ceil(len(buckets) * 13 / (frame.bottom - TOP))
    for row in range(0, len(buckets), every):
        le = buckets[row][0]
        words = "+Inf" if math.isinf(le) else written(le, options["yAxis"]["unit"])
        parts.append(text(frame.left - 6, frame.bottom - (row + 1) * high + 4, words))
    legend = text(frame.right, TOP + 6, f"brightest: {most:.3g} {options['rowsFrame']['value']}")
    return frame.svg(parts + [legend] + list(frame.marks(annotations)))


def states(frame, series, annotations, step):
    """`series`: (name, field, points)."""
    parts, high = list(frame.times()), (frame.bottom - TOP) / len(series)
    for row, (name, field, points) in enumerate(series):
        y = TOP + row * high
        parts.append(text(frame.left - 6, y + high / 2 + 4, name))
        for run in _runs(points, step):
            begin, value, end = run
            parts.append(f'<rect x="{frame.x(begin):.1f}" y="{y + high * 0.1:.1f}" width="{max(1, frame.x(end) - frame.x(begin)):.1f}" '
                         f'height="{high * 0.8:.1f}" fill="{field.by_threshold(value)}" fill-opacity="0.8"/>')
    return frame.svg(parts + list(frame.marks(annotations)))


def _runs(points, step):
    runs = []
    for at, value in points:
        if runs and runs[-1][1] == value and at - runs[-1][2] < step / 2:
            runs[-1][2] = at + step
        else:
            runs.append([at, value, at + step])
    return runs


def state_legend(series):
    """What the colours mean, each once."""
    return list(dict.fromkeys((field.text(value), field.by_threshold(value)) for _, field, points in series for _, value in points))


def bar(width, height, share, shade):
    return (f'<svg width="{width}" height="{height}"><rect width="{width}" height="{height}" fill="#22252b"/>'
            f'<rect width="{max(2, min(max(share, 0), 1) * width):.1f}" height="{height}" fill="{shade}" fill-opacity="0.45" stroke="{shade}"/></svg>')
