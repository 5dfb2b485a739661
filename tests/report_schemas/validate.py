"""Validates reports of `pop check` against the published schemas: `validate.py JUNIT SARIF`. Ends with 77 if there are none."""

import json
import sys
from pathlib import Path

SCHEMAS = Path(__file__).resolve().parents[2] / ".schemas"
sys.path.insert(0, str(SCHEMAS))

try:
    import fastjsonschema
    import xmlschema
except ImportError as error:
    print(f"{error}; make setup fetches it")
    sys.exit(77)

junit, sarif = sys.argv[1:]
faults = [f"{junit}: {error.path}: {error.reason}" for error in xmlschema.XMLSchema(SCHEMAS / "junit.xsd").iter_errors(junit)]
try:
    fastjsonschema.compile(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))(json.loads(Path(sarif).read_text()))
except fastjsonschema.JsonSchemaException as error:
    faults.append(f"{sarif}: {error}")
print("\n".join(faults))
sys.exit(bool(faults))
