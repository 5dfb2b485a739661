"""How a number is written and coloured: units, decimals, mappings, thresholds."""

import math

COLOURS = {"green": "#73bf69", "yellow": "#fade2a", "red": "#f2495c", "blue": "#5794f2", "orange": "#ff9830", "purple": "#b877d9",
           "text": "#ccccdc"}
CLASSIC = ["#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d", "#fade2a", "#447ebc",
           "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477", "#b7dbab", "#f4d598", "#70dbed", "#f9ba8f"]
_TIMES = [(1e-6, 1e9, "ns"), (1e-3, 1e6, "µs"), (1, 1e3, "ms"), (60, 1, "s"), (3600, 1 / 60, "min"), (86400, 1 / 3600, "hour"),
          (604800, 1 / 86400, "day"), (math.inf, 1 / 604800, "week")]
_SPANS = [("year", 31536000), ("month", 2628000), ("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)]


def colour(name):
    return COLOURS.get(name, name)


def _decimals(value):
    """Three digits that count; none behind the point for a whole number."""
    if value == 0 or value % 1 == 0:
        return 0
    return max(0, 2 - math.floor(math.log10(abs(value))))


def _number(value, decimals):
    return f"{value:.{_decimals(value) if decimals is None else int(decimals)}f}"


def _scaled(value, decimals, base, names):
    power = 0
    while abs(value) >= base and power + 1 < len(names):
        value, power = value / base, power + 1
    return _number(value, decimals) + names[power]


def _spelt(value):
    parts, rest = [], abs(value)
    for name, length in _SPANS:
        count, rest = divmod(rest, length)
        if count and len(parts) < 2:
            parts.append(f"{int(count)} {name}{'s' if count > 1 else ''}")
    return ", ".join(parts) or "0 seconds"


def written(value, unit="none", decimals=None):
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf"
    if unit == "s":
        factor, name = next((factor, name) for limit, factor, name in _TIMES if abs(value) < limit) if value else (1, "s")
        return f"{_number(value * factor, decimals)} {name}"
    if unit == "percentunit":
        return _number(value * 100, decimals) + "%"
    if unit == "bytes":
        return _scaled(value, decimals, 1024, [" B", " KiB", " MiB", " GiB", " TiB"])
    if unit == "Bps":
        return _scaled(value, decimals, 1000, [" B/s", " kB/s", " MB/s", " GB/s"])
    if unit == "short":
        return _scaled(value, decimals, 1000, ["", " K", " Mil", " Bil", " Tri"])
    if unit == "locale":
        return f"{value:,.{_decimals(value) if decimals is None else int(decimals)}f}"
    if unit == "dtdurations":
        return _spelt(value)
    if unit == "none":
        return _number(value, decimals)
    raise ValueError(f"the unit {unit!r} is not known here")


class Field:
    """The configuration of one series or column: the panel's, with the overrides that are meant for its name, or for series that are
    always 0."""

    def __init__(self, panel, name, values=()):
        self.settings = dict(panel["fieldConfig"]["defaults"])
        self.custom = dict(self.settings.get("custom", {}))
        for override in panel["fieldConfig"]["overrides"]:
            kind, options = override["matcher"]["id"], override["matcher"]["options"]
            if (options == name) if kind == "byName" else (options["reducer"] == "allIsZero" and not any(values)):
                for one in override["properties"]:
                    if one["id"].startswith("custom."):
                        self.custom[one["id"].removeprefix("custom.")] = one["value"]
                    else:
                        self.settings[one["id"]] = one["value"]

    def text(self, value):
        found = self._mapped(value)
        if found:
            return found["text"]
        if isinstance(value, list):
            return ", ".join(value)
        return value if isinstance(value, str) else written(value, self.settings["unit"], self.settings.get("decimals"))

    def _mapped(self, value):
        key = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else ""
        return next((mapping["options"][key] for mapping in self.settings["mappings"] if key in mapping["options"]), None)

    def steps(self):
        return [(-math.inf if step["value"] is None else step["value"], colour(step["color"]))
                for step in self.settings["thresholds"]["steps"]]

    def by_threshold(self, value):
        mapped = self._mapped(value) or {}
        if "color" in mapped or not isinstance(value, float):
            return colour(mapped.get("color", "text"))
        return [shade for least, shade in self.steps() if not value < least][-1] if not math.isnan(value) else COLOURS["text"]

    def colour(self, value, index=0):
        """Of a value, or of the series by its place."""
        mode = self.settings["color"]["mode"]
        if mode == "fixed":
            return colour(self.settings["color"]["fixedColor"])
        return self.by_threshold(value) if mode == "thresholds" else CLASSIC[index % len(CLASSIC)]
