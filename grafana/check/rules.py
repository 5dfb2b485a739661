"""The rules of Grafana's dashboard linter, by the linter's own names, and one of ours. https://github.com/grafana/dashboard-linter

The linter looks at some types of panels only, and lets a panel without unit pass that has an empty list of mappings; here every
panel is looked at. Its rule target-promql-rule is promql.py; its two rules for Loki have nothing to look at. What a rule
does not fit is in exclusions.py.
"""

import re

from exclusions import EXCLUSIONS
from promql import VARIABLE, asked, panels, queries, selectors

DATA_SOURCES = {"$datasource", "${datasource}"}
# https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables, and those of links.
GLOBAL = {"__dashboard", "__from", "__to", "__interval", "__interval_ms", "__name", "__org", "__user", "__range", "__range_s",
          "__range_ms", "__rate_interval", "timeFilter", "__timeFilter", "__data", "__field", "__series", "__value", "__url_time_range",
          "__all_variables"}

_used = set()


def findings(dashboard, _project):
    found = []
    for rule, check in RULES.items():
        for panel, sentence in check(dashboard):
            if not _is_excluded(rule, dashboard.get("title"), panel, sentence):
                found.append(f"{sentence} ({rule})")
    return found, None


def _is_excluded(rule, title, panel, sentence):
    for exclusion in EXCLUSIONS:
        of_rule, of_dashboard, of_panels, words, _reason = exclusion
        if (of_rule == rule and of_dashboard in (None, title) and (not of_panels or panel in of_panels) and words in sentence):
            _used.add(exclusion)
            return True
    return False


def unused_exclusions():
    return sorted({f"{rule} of {title or 'both'} {', '.join(places)}".strip() for rule, title, places, words, reason in EXCLUSIONS
                   if (rule, title, places, words, reason) not in _used})


def _variable(dashboard, name):
    return next((one for one in dashboard["templating"]["list"] if one["name"] == name), None)


def template_datasource(dashboard):
    variable = next((one for one in dashboard["templating"]["list"] if one["type"] == "datasource"), None)
    if variable is None:
        yield None, "no variable chooses the data source"
    elif (variable["name"], variable.get("label"), variable.get("query")) != ("datasource", "Data source", "prometheus"):
        yield None, "the variable for the data source is not «datasource», labelled «Data source», of type prometheus"


def template_label(name):
    def check(dashboard):
        variable = _variable(dashboard, name)
        if variable is None:
            yield None, f"there is no variable «{name}»"
            return
        if (variable.get("datasource") or {}).get("uid") not in DATA_SOURCES:
            yield None, f"variable «{name}» does not ask the data source that is chosen"
        if variable["type"] != "query":
            yield None, f"variable «{name}» is of type {variable['type']}, not query"
        if variable.get("label") != name.capitalize():
            yield None, f"variable «{name}» is labelled «{variable.get('label')}»"
        if not variable.get("multi"):
            yield None, f"several cannot be chosen by variable «{name}»"
        if variable.get("allValue") != ".+":
            yield None, f"variable «{name}» has allValue {variable.get('allValue')!r}, not '.+'"
    return check


def template_label_promql(dashboard):
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and not re.fullmatch(r"(label_names|label_values|metrics|query_result)\(.+\)", asked(variable)):
            yield None, f"variable «{variable['name']}»: no function of the data source: {asked(variable)}"


def template_on_time_change_reload(dashboard):
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and variable.get("refresh") != 2:
            yield None, f"variable «{variable['name']}» is not asked for again when the time shown changes"


def panel_datasource(dashboard):
    for panel in panels(dashboard):
        for source in [panel.get("datasource")] + [target.get("datasource") for target in panel.get("targets", [])]:
            if (source or {}).get("uid") not in DATA_SOURCES:
                yield panel.get("title"), f"panel «{panel.get('title')}» does not ask the data source that is chosen"


def panel_title_description(dashboard):
    for panel in panels(dashboard):
        if not panel.get("title"):
            yield None, f"panel {panel.get('id')} has no title"
        if not panel.get("description"):
            yield panel.get("title"), f"panel «{panel.get('title')}» has no description"


def panel_units(dashboard):
    for panel in panels(dashboard):
        if not panel.get("fieldConfig", {}).get("defaults", {}).get("unit"):
            yield panel.get("title"), f"panel «{panel.get('title')}» has no unit"


def panel_no_targets(dashboard):
    for panel in panels(dashboard):
        if not panel.get("targets"):
            yield panel.get("title"), f"panel «{panel.get('title')}» asks for nothing"


def target_rate_interval(dashboard):
    for query in queries(dashboard):
        for selector in selectors(query.expression):
            if query.panel and selector.function in ("rate", "irate") and selector.range != "$__rate_interval":
                yield query.panel, f"{query.place}: {selector.function} of {selector.name} is over {selector.range}, not $__rate_interval"


def target_matcher(label):
    def check(dashboard):
        for query in queries(dashboard):
            for selector in selectors(query.expression):
                if f'{label}=~"${label}"' not in selector.matchers.strip("{}").replace(" ", "").split(","):
                    yield query.panel, f'{query.place}: {selector.name} is asked for without {label}=~"${label}"'
    return check


def target_counter_agg(dashboard):
    for query in queries(dashboard):
        for selector in selectors(query.expression):
            if selector.name.endswith("_total") and (selector.range is None or selector.function not in ("rate", "irate", "increase")):
                yield query.panel, f"{query.place}: the counter {selector.name} is used without rate or increase"


def uneditable(dashboard):
    if dashboard.get("editable") is not False:
        yield None, "it can be edited in the browser, where changes are lost"


def variable_exists(dashboard):
    """Ours: an unknown variable stays as it is, and Prometheus refuses the query or finds nothing."""
    known = GLOBAL | {one["name"] for one in dashboard["templating"]["list"]}

    def texts(value, place):
        if isinstance(value, str):
            yield place, value
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for _, item in inner:
            named = isinstance(item, dict) and (item.get("title") or item.get("name"))
            yield from texts(item, f"«{named}»" if named else place)

    for place, text in texts(dashboard, "the dashboard"):
        for found in VARIABLE.finditer(text):
            name = found.group(1) or found.group(2)
            if name not in known:
                yield None, f"{place}: there is no variable ${name}"


RULES = {
    "template-datasource-rule": template_datasource, "template-job-rule": template_label("job"),
    "template-instance-rule": template_label("instance"), "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload, "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description, "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets, "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": target_matcher("job"), "target-instance-rule": target_matcher("instance"),
    "target-counter-agg-rule": target_counter_agg, "uneditable-dashboard": uneditable, "variable-exists": variable_exists,
}
