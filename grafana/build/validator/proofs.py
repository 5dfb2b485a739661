"""Are proofs taken, checked, and confirmed?"""

from panels import BAD, DOUBTFUL, GOOD, NONE_IS_GOOD, bars, counts, lines, percentiles, stat, steps
from queries import INTERVAL, increase, mean, named, or_none, or_zero, or_zero_each, rate

FINAL = "pop_proofs_submitted_to_final_seconds"
PROCESSOR = "pop_verifier_processor_seconds"
RESOURCES = "pop_verifier_resource_counts"

PANELS = [
    lines("Submissions", "A second: what reached this validator's API, and what it took from submitters and from peers.", [
        (or_zero(rate("pop_proofs_submitted_total")), "submitted here"),
        (or_none(rate("pop_proofs_accepted_total", "source"), "source"), "accepted from {{source}}")], axis="proofs a second", by_kind=True),
    lines("Submission to final", "Of proofs that were submitted to this validator.", percentiles(FINAL, 99, 90, 50), "s",
          none="no proof submitted here"),
    lines("Verdicts", "Checks that ended, a second, and proofs whose statement was checked before.", [
        (or_none(rate("pop_verifier_verdicts_total", "verdict"), "verdict"), "{{verdict}}"),
        (or_zero(rate("pop_verifier_verdicts_remembered_total")), "remembered")], axis="a second", by_kind=True),
]

MORE = [
    counts("Submissions refused", "`full`, `share_full` and `source_full`: no room; `busy`: too many at once; `displaced`: gave way to "
           "others; the rest are faults of the submission.", rate("pop_proofs_refused_total", "reason"), "reason",
           axis="proofs a second"),
    lines("Processor time of a check", "The solver's own time, not the wait for a worker.", percentiles(PROCESSOR, 99, 90, 50), "s",
        logarithmic=True, none="no check"),
    lines("The solver's resource count", "The deterministic measure by which a check is limited, the same on every machine.", [
        *percentiles(RESOURCES, 99, 50), (mean(RESOURCES), "mean")], "short", logarithmic=True,
        axis="count of a check", none="no check"),
    lines("Waiting for a worker", "Statements that wait, and Ready announcements whose proofs have not ended.", [
        ("sum(pop_verifier_jobs_waiting)", "wait for a worker"), ("sum(pop_proofs_ready)", "announced Ready, not ended")],
        axis="proofs"),
    lines("Age of the oldest waiting statement", "0 if none waits. It grows where workers are too few or do not end.",
          [("max(pop_verifier_oldest_job_age_seconds)", "oldest")], "s", thresholds=steps(GOOD, (30, DOUBTFUL), (120, BAD))),
    lines("Workers", "Processes that run the solver, by what they do.", [("sum by (state) (pop_verifier_workers)", "{{state}}")],
          axis="processes", stacked=True),
    lines("Memory of the workers", "Of all worker processes together.",
          [(named("pop_verifier_workers_resident_bytes"), "{{validator}}")], "bytes"),
    counts("Workers ended", "By reason. `recycled`, `not_needed` and the like are housekeeping; the others cost a check.",
           increase("pop_verifier_workers_ended_total", "reason", INTERVAL), "reason", axis="processes", bars=True,
           stacked=True),
    lines("Workers started", "And those that could not be started: no memory, no processes, or a program that is missing.", [
        (or_zero(increase("pop_verifier_workers_started_total", "", INTERVAL)), "started"),
        (or_zero(increase("pop_verifier_workers_not_started_total", "", INTERVAL)), "could not be started")],
        axis="processes", bars=True),
    bars("The last 1,000 final proofs", "How this validator's own checks of them ended. All but `agreed` lower its accuracy.",
         [("sum by (outcome) (pop_verifier_accuracy_window)", "{{outcome}}")], "short", decimals=0, thresholds=steps("blue"), least=0,
         most=1000),
    lines("Accuracy", "Agreed, of all that it checked of the last 1,000 final proofs.",
          [(named("pop_verifier_accuracy_ratio"), "{{validator}}")], "percentunit", thresholds=steps(BAD, (0.95, GOOD)), limits=True, least=0.9,
          most=1),
    stat("Disagreements", "Proofs that became final in the time shown although this validator's own check did not confirm them: its "
         "solver, or the others', is at fault.", [(or_zero_each(increase("pop_proofs_disagreements_total", "job, instance")), "{{validator}}")],
         "short", decimals=0, thresholds=NONE_IS_GOOD, width=8, height=8),
]
