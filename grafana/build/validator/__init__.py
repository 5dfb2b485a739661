"""The dashboard *Validator*: one validator from top to bottom. Its rows are asked in the order in which an operator asks; what is asked
only once something is wrong is in a closed row below."""

from dashboard import Row, annotation, dashboard, data_source, instance, job, runbook
from queries import named
from validator import actors, consensus, economics, health, mempool, network, proofs, storage

UID = "pop-validator"

ANNOTATIONS = [
    annotation("Actor restarts", f"sum by (validator, actor, reason) ({named('increase(pop_actor_restarts_total[2m])')}) > 0",
               "Actor {{actor}} was restarted", "{{reason}}, at {{validator}}", "orange"),
    annotation("Validator starts", named("time() - process_start_time_seconds < 120"), "The validator was started", "{{validator}}", "blue"),
    annotation("View changes", f"sum by (validator, reason) ({named('increase(pop_consensus_view_changes_total[2m])')}) > 0",
               "A view ended without a block", "{{reason}}, as {{validator}} saw it", "purple"),
    annotation("Leader failures", "max by (validator) (increase(pop_consensus_blocks_missed_total[2m])) > 0",
               "{{validator}} led a view that ended without a block", "", "red"),
]


def made():
    rows = [Row("Is it healthy", health.PANELS)]
    for title, module in [("Consensus", consensus), ("Proofs and solver", proofs), ("Mempool", mempool), ("Network", network),
                          ("Actors and restarts", actors), ("Storage and process", storage)]:
        rows += [Row(title, module.PANELS), Row(f"{title}: more", module.MORE, closed=True)]
    rows.append(Row("Economics", economics.PANELS, closed=True))
    return dashboard(
        UID, "Proof-of-Proof / Validator", "One validator: is it healthy, and if not, why. Where several are chosen, counts are "
        "added up, and ages, shares and states are those of the worst.", rows, [data_source(), job(), instance(), runbook()], ANNOTATIONS,
        {"job": 'job=~"$job"', "instance": 'instance=~"$instance"'})
