"""The alerts that fire: how many, and a table in which what somebody must act on now is first.

Prometheus keeps an alert's labels as series (`ALERTS`, `ALERTS_FOR_STATE`), not its annotations. The reason is therefore written here,
once more and without figures; the build fails where one is missing.
"""

import pathlib
import re

from panels import BAD, DOUBTFUL, GOOD, column, stat, steps, table
from queries import last_name

RULES = pathlib.Path(__file__).resolve().parent.parent / "prometheus" / "alerts.yml"
WATCHDOG = "PopWatchdog"

REASONS = {
    "PopNoFinalBlock": "no block final for two minutes",
    "PopTargetDown": "does not answer",
    "PopNoTargets": "Prometheus has no validator to watch",
    "PopQuorumMarginLow": "one validator less, and no quorum",
    "PopViewChangesFrequent": "more than a third of the views end without a block",
    "PopKeyInUse": "refuses a second process with a validator's key",
    "PopTurnsMissed": "misses most of its turns as leader",
    "PopFinalityLatencyHigh": "one block in twenty takes over 1 s to final",
    "PopPeersFew": "connected to less than two thirds of its peers",
    "PopSolverPinDiffers": "different solvers are in use",
    "PopEquivocation": "saw a validator sign two histories",
    "PopConservationBroken": "tokens too many or too few",
    "PopDisagreement": "did not confirm proofs that are final",
    "PopAccuracyLow": "confirmed less than 95% of the final proofs",
    "PopProcessRestarts": "its process starts again and again",
    "PopActorRestarts": "an actor fails again and again",
    "PopActorStalled": "an actor is stalled, and was not replaced",
    "PopStarved": "its threads wait for a processor",
    "PopNotSigning": "runs, and signs nothing",
    "PopWorkersCrash": "its solver processes fail",
    "PopFilesNearLimit": "over 80% of its file descriptors are open",
    "PopMempoolFull": "its mempool is over 80% full",
    "PopSubmissionsRefused": "no room for one submission in twenty",
    "PopDiskFullSoon": "its disk is full within 48 hours",
    "PopSyncSlow": "writes to the vote log take over 100 ms",
    "PopClockSkew": "its clock is off by more than 2 s",
}

# Alerts of the whole network have no label job, as those of other programs may: ours go by their names.
_OURS = 'job=~"$job|", alertname=~"Pop.+"'


def _firing(matcher):
    return f'ALERTS{{{_OURS}, alertstate="firing", {matcher}}}'


# Seconds for which the condition holds; the watchdog, of severity none, is no alert that anybody has to read.
_AGE = f"""(time() - (ALERTS_FOR_STATE{{{_OURS}}} and ignoring (alertstate) {_firing('severity!="none"')}))"""


def _by_validator():
    """Each firing alert, its age in seconds, with the name of the validator; what is nobody's is the network's."""
    named = f"{_AGE} * on (job, instance) group_left (validator) {last_name()}"
    rest = f'label_replace({_AGE}, "validator", "$1", "instance", "(.+)")'
    return f'label_replace({named} or on (job, instance) {rest}, "validator", "network", "validator", "")'


def _table_query():
    """What is shown by a mapping needs a label of its own: the reason, and the anchor in the runbook, both by the alert's name."""
    query = _by_validator()
    for label in ("reason", "anchor"):
        query = f'label_replace({query}, "{label}", "$1", "alertname", "(.*)")'
    return query


def _reasons():
    alerts = set(re.findall(r"^ *- alert: (\w+)", RULES.read_text(encoding="utf-8"), re.M)) - {WATCHDOG}
    if alerts != REASONS.keys():
        raise SystemExit(f"grafana/build/alerts.py: REASONS and {RULES.name} differ: {', '.join(sorted(alerts ^ REASONS.keys()))}")
    return REASONS


def _words(texts, colours=None):
    options = {name: {"index": index, "text": text, **({"color": colours[name]} if colours else {})}
               for index, (name, text) in enumerate(texts.items())}
    return [{"type": "value", "options": options}]


def number(width):
    """Beside the status, which does not judge them."""
    # The watchdog fires wherever the rules run. It has no instance: the matcher keeps the dashboard's own away.
    rules_run = f'count(ALERTS{{job=~"$job|", instance=~".*", alertname="{WATCHDOG}"}})'

    def count(severity):
        matcher = f'severity="{severity}"'
        return f"count({_firing(matcher)}) or 0 * {rules_run}"

    return stat("Alerts", "How many fire: to act on now (page), and within days (ticket). The table Firing alerts names them.", [
        (count("page"), "page"), (count("ticket"), "ticket")], "none", decimals=0, text="value_and_name", width=width,
        thresholds=steps(GOOD, (0.5, DOUBTFUL)), none="no rules run", overrides=[{
            "matcher": {"id": "byName", "options": "page"}, "properties": [
                {"id": "thresholds", "value": {"mode": "absolute", "steps": steps(GOOD, (0.5, BAD))}}]}])


def firing(width, height, description):
    """A line for each alert, with all validators that it is about: `page` first, then by how many."""
    reasons = _reasons()
    runbook = {"title": "What to do", "targetBlank": True,
               # The anchor for a runbook that is rendered, the text for one that is served as it is written.
               "url": "${runbook:raw}#${__data.fields.Anchor}:~:text=%23%23%23%20${__data.fields.Alert}"}
    by = {"operation": "groupby", "aggregations": []}
    shaping = [
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "validator", "desc": False}]}},
        {"id": "groupBy", "options": {"fields": {
            "severity": by, "alertname": by, "reason": by, "anchor": by,
            "validator": {"operation": "aggregate", "aggregations": ["count", "uniqueValues"]},
            "Value": {"operation": "aggregate", "aggregations": ["max"]}}}},
        # Sorting keeps what it does not tell apart in its order; «page» is before «ticket» by the alphabet.
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "validator (count)", "desc": True}]}},
        {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "severity", "desc": False}]}},
    ]
    # A cell in colour writes a list as words, any other as JSON.
    return table("Firing alerts", description, [_table_query()], {
        "severity": "Severity", "alertname": "Alert", "reason": "Reason", "validator (uniqueValues)": "Validators",
        "validator (count)": "Firing", "Value (max)": "Longest for", "anchor": "Anchor"},
        shaping=shaping, none="none fires", width=width, height=height, columns=[
            column("Severity", mappings=_words({"page": "page", "ticket": "ticket"}, {"page": "red", "ticket": "yellow"}),
                   thresholds=steps("text"), width=80),
            column("Alert", link=runbook, width=190),
            column("Reason", mappings=_words(reasons), width=330),
            column("Validators", thresholds=steps("text")),
            column("Firing", "none", decimals=0, width=70), column("Longest for", "s", decimals=0, width=100),
            column("Anchor", mappings=_words({name: name.lower() for name in reasons}), hidden=True)])
