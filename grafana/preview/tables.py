"""Tables, and the transformations that make them."""

import html
import math

from values import Field


def frames(queries, results):
    """Rows of each query: labels, and the value in a column that is named after the query if there are several."""
    for (letter, _), samples in zip(queries, results):
        column = f"Value #{letter}" if len(queries) > 1 else "Value"
        yield [{**labels, column: value} for labels, value in samples]


def transformed(rows_of_queries, transformations):
    rows = [row for rows in rows_of_queries for row in rows]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for one in transformations:
        options = one["options"]
        if one["id"] == "merge":
            rows = _merged(rows_of_queries)
        elif one["id"] == "sortBy":
            by, falls = options["sort"][0]["field"], options["sort"][0].get("desc", False)
            missing = "" if any(isinstance(row.get(by), str) for row in rows) else -math.inf
            rows = sorted(rows, key=lambda row: row.get(by, missing), reverse=falls)
        elif one["id"] == "groupBy":
            rows = list(_grouped(rows, options["fields"]))
        elif one["id"] == "calculateField" and options["mode"] == "index":
            rows = [{**row, options["alias"]: float(index)} for index, row in enumerate(rows)]
        elif one["id"] == "calculateField" and options["mode"] == "binary" and options["binary"]["operator"] == "+":
            left, right = options["binary"]["left"], float(options["binary"]["right"])
            rows = [{**row, options["alias"]: row[left] + right} for row in rows]
        elif one["id"] == "filterFieldsByName":
            columns = [name for name in options["include"]["names"]]
        elif one["id"] == "organize":
            columns.sort(key=lambda name: options["indexByName"].get(name, math.inf))
            rows = [{options["renameByName"].get(name, name): value for name, value in row.items()} for row in rows]
            columns = [options["renameByName"].get(name, name) for name in columns]
        else:
            raise ValueError(f"the transformation {one['id']} is not known here")
    return columns, rows


def _merged(rows_of_queries):
    """Rows that agree in all labels that the queries have in common are one."""
    filled = [rows for rows in rows_of_queries if rows]
    common = [name for name in (filled[0][0] if filled else {}) if all(name in rows[0] for rows in filled)]
    merged = {}
    for rows in filled:
        for row in rows:
            merged.setdefault(tuple(row[name] for name in common), {}).update(row)
    return list(merged.values())


REDUCERS = {"count": lambda values: float(len(values)), "max": max, "uniqueValues": lambda values: list(dict.fromkeys(values))}


def _grouped(rows, fields):
    """A row for each group, in the order in which they come."""
    keys, groups = [name for name, field in fields.items() if field["operation"] == "groupby"], {}
    for row in rows:
        groups.setdefault(tuple(row.get(name, "") for name in keys), []).append(row)
    for values, group in groups.items():
        reduced = {f"{name} ({reducer})": REDUCERS[reducer]([row[name] for row in group])
                   for name, field in fields.items() for reducer in field["aggregations"]}
        yield {**dict(zip(keys, values)), **reduced}


def drawn(panel, columns, rows):
    fields = {name: Field(panel, name) for name in columns}
    columns = [name for name in columns if not fields[name].custom.get("hidden")]
    head = "".join(f"<th{_width(fields[name])}>{html.escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(_cell(fields[name], row.get(name)) for name in columns)}</tr>" for row in rows)
    return f'<table><tr>{head}</tr>{body}</table>'


def _width(field):
    return f' style="width:{field.custom["width"]}px"' if "width" in field.custom else ""


def _cell(field, value):
    if value is None:
        return "<td></td>"
    shade = f' style="color:{field.by_threshold(value)}"' if field.custom["cellOptions"]["type"] == "color-text" else ""
    if not isinstance(value, float):
        words = html.escape(field.text(value))
        return f'<td{shade}>{f"<a>{words}</a>" if field.settings.get("links") else words}</td>'
    return f"<td class=number{shade}>{html.escape(field.text(value))}</td>"
