"""The dashboard *Validator*: one validator from top to bottom. Its rows are asked in the order in which an operator asks."""

from dashboard import annotation, dashboard, data_source, instance, job, runbook
from validator import actors, consensus, economics, health, mempool, network, proofs, storage

UID = "pop-validator"

ANNOTATIONS = [
    annotation("Actor restarts", "sum by (instance, actor, reason) (increase(pop_actor_restarts_total[2m])) > 0",
               "Actor {{actor}} was restarted", "{{reason}}, at {{instance}}", "orange"),
    annotation("Validator starts", "time() - process_start_time_seconds < 120", "The validator was started", "{{instance}}", "blue"),
    annotation("View changes", "sum by (instance, reason) (increase(pop_consensus_view_changes_total[2m])) > 0",
               "A view ended without a block", "{{reason}}, as {{instance}} saw it", "purple"),
    annotation("Leader failures", "max by (validator) (increase(pop_consensus_blocks_missed_total[2m])) > 0",
               "{{validator}} led a view that ended without a block", "", "red"),
]


def made():
    rows = [("Is it healthy", health.PANELS), ("Consensus", consensus.PANELS), ("Proofs and solver", proofs.PANELS),
            ("Mempool", mempool.PANELS), ("Network", network.PANELS), ("Actors and restarts", actors.PANELS),
            ("Storage and process", storage.PANELS), ("Economics", economics.PANELS)]
    return dashboard(
        UID, "Proof-of-Proof / Validator", "One validator: is it healthy, and if not, why. Where several are chosen, counts are "
        "added up, and ages and states are those of the worst.", rows, [data_source(), job(), instance(), runbook()], ANNOTATIONS,
        {"job": 'job=~"$job"', "instance": 'instance=~"$instance"'})
