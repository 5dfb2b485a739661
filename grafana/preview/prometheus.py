"""What Grafana's data source does: variables into expressions, expressions to Prometheus, samples into named series."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request

VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$([A-Za-z_]\w*)")


class Refused(Exception):
    pass


class Prometheus:
    """A server, and the time that is shown."""

    def __init__(self, address, end, span, scrape):
        self.address, self.end, self.span = address.rstrip("/"), int(end), int(span)
        # What Grafana takes for the scrape interval: the data source's timeInterval.
        self.scrape = scrape

    def _get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/{path}?{query}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error).get("error", str(error))) from error

    def step(self, points):
        return max(self.span / points, self.scrape)

    def now(self, expression):
        result = self._get("query", query=expression, time=self.end)
        samples = result["result"] if result["resultType"] == "vector" else [{"metric": {}, "value": result["result"]}]
        return [(sample["metric"], float(sample["value"][1])) for sample in samples]

    def over_time(self, expression, step):
        # As Grafana aligns it, so that a picture does not tremble with each refresh.
        end = self.end // step * step
        result = self._get("query_range", query=expression, start=end - self.span // step * step, end=end, step=step)["result"]
        return [(series["metric"], [(at, float(value)) for at, value in series["values"]]) for series in result]

    def values(self, query, regex):
        """(text, value) of what a variable offers: label_values(selector, label), or query_result(expression) with a regex that takes both
        from each result as Grafana writes it."""
        labels = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", query)
        if labels:
            selector, label = labels.groups()
            found = self._get(f"label/{label}/values", **{"match[]": selector, "start": self.end - self.span, "end": self.end})
            return [(value, value) for value in found]
        pattern = re.compile(regex.removeprefix("/").removesuffix("/g").replace("(?<", "(?P<"))
        offered = []
        for own, value in self.now(re.fullmatch(r"query_result\((.+)\)", query).group(1)):
            text = "{" + ",".join(f'{name}="{label}"' for name, label in own.items()) + f"}} {value:g}"
            named = {name: part for match in pattern.finditer(text) for name, part in match.groupdict().items() if part}
            offered.append((named["text"], named["value"]))
        return sorted(offered, key=lambda one: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", one[0])])


def seconds(text):
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", text))


class Variables:
    def __init__(self, dashboard, prometheus, chosen):
        self.raw, self.labels = {}, []
        for variable in dashboard["templating"]["list"]:
            name, kind = variable["name"], variable["type"]
            if kind == "query":
                offered = prometheus.values(self.replaced(variable["query"]["query"], prometheus, 1), variable["regex"])
                asked = chosen[name].split(",") if name in chosen else None
                if asked is None and variable["includeAll"]:
                    self.raw[name], shown = variable["allValue"], "All"
                else:
                    # By its name or by its value, as somebody knows it.
                    picked = [dict(offered).get(one, one) for one in asked or [text for text, _ in offered[:1]]]
                    if not picked:
                        raise Refused(f"the variable {name} finds nothing: {variable['query']['query']}")
                    escaped = [re.sub(r"([\\^$*+?.()|\[\]{}])", r"\\\\\1", value) for value in picked]
                    self.raw[name], shown = (escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"), " + ".join(
                        next((text for text, value in offered if value == one), one) for one in picked)
            else:
                self.raw[name] = chosen.get(name, variable["query"])
                shown = self.raw[name]
            self.labels.append((variable["label"], shown))

    def replaced(self, text, prometheus, step):
        rate = max(step + prometheus.scrape, 4 * prometheus.scrape)
        own = {"__interval": f"{round(step * 1000)}ms", "__interval_ms": str(round(step * 1000)), "__rate_interval": f"{round(rate * 1000)}ms",
               "__range": f"{prometheus.span}s", "__range_s": str(prometheus.span), "__range_ms": str(prometheus.span * 1000)}
        known = {**own, **self.raw}
        return VARIABLE.sub(lambda found: known.get(found.group(1) or found.group(2), found.group()), text)


def legend(form, labels, expression, alone):
    if form != "__auto":
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found.group(1), ""), form)
    own = {name: value for name, value in labels.items() if name != "__name__"}
    if alone or not own:
        return labels.get("__name__", "Value") if alone or not own else ""
    return ", ".join(f'{name}="{value}"' for name, value in sorted(own.items()))
