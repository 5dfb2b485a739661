"""Grafana's published types: the classes that grafana-foundation-sdk generates from Grafana's own schemas.

They read JSON without a complaint whatever it holds, so that what they have read is walked here beside the JSON: a field that they do not
know, a value of another type than the field has, a word outside a closed set, an unknown type of panel or query is a finding each.

What the types leave open stays unchecked: transformations, by their id, and what is in the union of a variable's query.
"""

import enum
import json
import re
import sys
import typing

PLACE = ".grafana"

# What Grafana's data source for Prometheus reads from an annotation (public/app/plugins/datasource/prometheus, annotations), and
# the general type does not list.
BEYOND = {"AnnotationQuery": {"titleFormat", "textFormat", "step", "useValueForTime"}}


def findings(dashboard, project):
    sys.path.insert(0, str(project / PLACE))
    try:
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.cog.plugins import register_default_plugins
        from grafana_foundation_sdk.models import units
        from grafana_foundation_sdk.models.dashboard import Dashboard
    except ImportError:
        return [], "the dashboards against Grafana's types: grafana-foundation-sdk is not in .grafana (make setup fetches it)"
    register_default_plugins()
    walk = Walk()
    unknown = list(_unknown_panels(dashboard.get("panels", [])))
    if unknown:
        return unknown, None
    try:
        read = Dashboard.from_json(dashboard)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return [f"Grafana's types cannot read it: {type(error).__name__}: {error}"], None
    walk.value(read, Dashboard, dashboard, "")
    known = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
    for panel in _panels(dashboard["panels"]):
        walk.overrides(panel)
        walk.units(panel, known)
    written = json.loads(json.dumps(read, cls=JSONEncoder))
    walk.lost(dashboard, written, "")
    return list(dict.fromkeys(walk.found)), None


def _panels(panels):
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))


def _unknown_panels(panels):
    """The classes keep options of a panel, and a query, that they do not know as they are."""
    from grafana_foundation_sdk.cog.runtime import Runtime

    for panel in _panels(panels):
        kind, title = panel.get("type"), panel.get("title")
        if kind != "row" and Runtime().panelcfg_config(kind) is None:
            yield f"panel «{title}»: there is no type of panel {kind!r}"
        for target in panel.get("targets", []):
            source = (target.get("datasource") or {}).get("type")
            if source not in Runtime().dataquery_variants:
                yield f"panel «{title}», query {target.get('refId')}: there is no type of data source {source!r}"


def _key(attribute):
    """`id_val` of a class is `id` of the JSON, `no_value` is `noValue`."""
    head, *rest = re.sub(r"_val$", "", attribute).split("_")
    return head + "".join(word.capitalize() for word in rest)


class Walk:
    def __init__(self):
        self.found = []

    def say(self, place, what):
        self.found.append(f"{place or 'the dashboard'}: {what}")

    def value(self, value, hint, data, place):
        """`data` is the JSON from which `value` was read. Some lists are left unread by the classes."""
        kinds = [part for part in _parts(hint) if hasattr(part, "from_json")]
        if isinstance(value, dict) and len(kinds) == 1:
            value = kinds[0].from_json(value)
        if hasattr(value, "to_json"):
            return self.object(value, data, place)
        if not self.fits(value, hint):
            self.say(place, f"{json.dumps(value)} is not {_name(hint)}")
        elif isinstance(value, list):
            inner = [part for part in _parts(hint) if typing.get_origin(part) is list]
            for index, item in enumerate(value):
                self.value(item, typing.get_args(inner[0])[0] if inner else typing.Any, data[index], f"{place}[{_title(item, index)}]")
        elif isinstance(value, dict):
            for key, item in value.items():
                self.value(item, _values_of(hint), data[key], f"{place}.{key}")

    def object(self, value, data, place):
        kind, written = type(value), value.to_json()
        for key in data.keys() - written.keys() - BEYOND.get(kind.__name__, set()):
            self.say(place, f"Grafana's {kind.__name__} has no field {key!r}")
        hints = typing.get_type_hints(kind, vars(sys.modules[kind.__module__]))
        for attribute, inner in vars(value).items():
            key = _key(attribute)
            if key in data and attribute in hints:
                self.value(inner, hints[attribute], data[key], f"{place}.{key}".lstrip("."))

    def fits(self, value, hint):
        return any(_fits(value, part) for part in _parts(hint))

    def overrides(self, panel):
        """An override sets a field of FieldConfig, or of the panel's own part of it; the type of its value is that field's."""
        from grafana_foundation_sdk.cog import runtime
        from grafana_foundation_sdk.models.dashboard import FieldConfig

        for override in panel.get("fieldConfig", {}).get("overrides", []):
            for one in override["properties"]:
                place = f"panel «{panel['title']}», override of {override['matcher'].get('options')!r}"
                name, value = one["id"], one["value"]
                if name.startswith("custom."):
                    data, own = {name.removeprefix("custom."): value}, runtime.panelcfg_config(panel["type"])
                    read = own.field_config_from_json_hook and own.field_config_from_json_hook(data)
                else:
                    data = {name: value}
                    read = FieldConfig.from_json(data)
                if read is None:
                    self.say(place, f"panels of type {panel['type']!r} have nothing to override by {name!r}")
                else:
                    self.object(read, data, place)

    def units(self, panel, known):
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        overrides = [one["value"] for override in config["overrides"] for one in override["properties"] if one["id"] == "unit"]
        for unit in [config["defaults"].get("unit")] + overrides:
            if unit is not None and unit not in known:
                self.say(f"panel «{panel.get('title')}»", f"there is no unit {unit!r}")

    def lost(self, data, written, place):
        """What was in the JSON and is not in what the classes write again."""
        if isinstance(data, dict) and isinstance(written, dict):
            for key, value in data.items():
                if key in written:
                    self.lost(value, written[key], f"{place}.{key}".lstrip("."))
        elif isinstance(data, list) and isinstance(written, list) and len(data) == len(written):
            for index, (value, again) in enumerate(zip(data, written)):
                self.lost(value, again, f"{place}[{_title(value, index)}]")
        elif data != written:
            self.say(place, f"{json.dumps(data)} becomes {json.dumps(written)}")


def _title(item, index):
    get = item.get if isinstance(item, dict) else lambda name: getattr(item, name, None)
    return next((f"«{get(name)}»" for name in ("title", "name") if get(name)), index)


def _parts(hint):
    """The types of a union, else the type alone."""
    if typing.get_origin(hint) is typing.Union:
        return [inner for part in typing.get_args(hint) for inner in _parts(part)]
    return [hint]


def _values_of(hint):
    inner = [typing.get_args(part)[1] for part in _parts(hint) if typing.get_origin(part) is dict]
    return inner[0] if inner else typing.Any


def _fits(value, hint):
    if hint in (typing.Any, object):
        return True
    if hint is type(None):
        return value is None
    if typing.get_origin(hint) in (list, dict):
        return isinstance(value, typing.get_origin(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return any(value == member.value for member in hint)
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    if hint in (int, float):
        return isinstance(value, (int, float) if hint is float else int) and not isinstance(value, bool)
    if hint in (str, bool):
        return isinstance(value, hint)
    return hasattr(value, "to_json")


def _name(hint):
    def one(part):
        closed = [member.value for member in part] if isinstance(part, type) and issubclass(part, enum.Enum) else typing.get_args(part)
        name = getattr(part, "__name__", str(part))
        return f"{name} ({', '.join(map(str, closed))})" if closed and typing.get_origin(part) not in (list, dict) else name
    return "of type " + " or ".join(one(part) for part in _parts(hint) if part is not type(None))
