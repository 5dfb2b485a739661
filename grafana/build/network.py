"""The dashboard *Network*: all validators of a job together. Every validator counts the same final blocks, so that what the network
did is what the validator saw that saw most of it; what a validator is or has is shown by its name."""

import alerts
from dashboard import Row, annotation, dashboard, data_source, job, runbook
from panels import (BAD, DOUBTFUL, GOOD, LAST_EXIT, LAST_EXIT_WORDS, NEUTRAL, NONE_IS_GOOD, YES_IS_GOOD, bars, column, counts, heatmap,
                    lines, percentiles, stat, steps, table, timeline, views, words)
from queries import (INTERVAL, RANGE, by_name, fuller_mempool, height_now, increase, known, mean, named, named_though_down, or_zero,
                     or_zero_of_each_validator, processor, quantile, rate, share_of_blocks)

UID = "pop-network"

FINAL = "pop_consensus_proposed_to_final_seconds"
FASTEST, SLOWEST = "pop_consensus_proposed_to_final_min_seconds", "pop_consensus_proposed_to_final_max_seconds"
PROOF = "pop_proofs_submitted_to_final_seconds"
VOTE_LOG = rate('pop_storage_sync_seconds_bucket{file="vote_log"}', "job, instance, le")
FINALITY = steps(GOOD, (5, DOUBTFUL), (10, BAD))
SILENCE = steps(GOOD, (30, DOUBTFUL), (120, BAD))
FREE = steps(BAD, (0.05, DOUBTFUL), (0.15, GOOD))
CAN_FAIL = "max(pop_consensus_total_stake_tokens) - max(pop_consensus_quorum_stake_tokens)"
MARGIN = "pop_consensus_reachable_stake_tokens - pop_consensus_quorum_stake_tokens"
# 0: no block for two minutes; 1: it works, but not all of it; 2: every validator answers, signs and reaches all others.
STATUS = ("(min(pop_consensus_last_final_age_seconds) < bool 120) * (1 + (min(up) == bool 1) * (min(pop_consensus_is_signing) == bool 1) "
          "* (min(pop_consensus_reachable_stake_tokens / pop_consensus_total_stake_tokens) == bool 1))")
TO_VALIDATOR = {"title": "This validator", "targetBlank": False,
                "url": "/d/pop-validator?${datasource:queryparam}&${job:queryparam}&var-instance=${__data.fields.Instance}&${__url_time_range}"}


def fastest(counter, over=INTERVAL):
    """What the network did, by the validator that saw most of it."""
    return f"max(rate({counter}{over}))"


def most(counter, by):
    """The same for what validators count of each other, in the time shown."""
    return f"max by ({by}) (increase({counter}{RANGE}))"


def of_each(expression):
    """A table's column: a value for each validator and its address."""
    return f"max by (validator, instance) ({named(expression)})"


HEALTH = [
    stat("Status", "HEALTHY: every validator answers, signs, and reaches all others. DEGRADED: not all of that, but blocks become final. "
         "HALTED: none for two minutes, or no validator answers. Alerts are counted beside it: some are about less than this, or more.",
         [(STATUS, "")], thresholds=steps(BAD, (1, DOUBTFUL), (2, GOOD)),
         mappings=words(_0="HALTED", _1="DEGRADED", _2="HEALTHY"), filled=True, none="no validator answers"),
    alerts.number(width=4),
    stat("Active validators", "Those that answer Prometheus, of those that it asks.", [
        ("sum(up)", "answer"), ("count(up)", "of")], "short", decimals=0, thresholds=NEUTRAL, text="value_and_name", none="no target"),
    stat("Fault tolerance", "How many of the largest validators may be faulty: by the genesis, and beyond those that are out already. "
         "Below 0 the network is halted.", [
             (f"floor(({CAN_FAIL}) / max(pop_consensus_largest_stake_tokens))", "by genesis"),
             (f"floor(min({MARGIN}) / max(pop_consensus_largest_stake_tokens))", "more, now")], "none", decimals=0,
         thresholds=steps(BAD, (0, DOUBTFUL), (1, GOOD)), text="value_and_name"),
    stat("Since the last final block", "At the validator that saw it first. An idle network makes an empty one every 10 s, as "
         "configured by default.", [("min(pop_consensus_last_final_age_seconds)", "")], "s", decimals=1, thresholds=SILENCE),
    stat("Consensus rounds", "Sequence (height) of the last final block: blocks since genesis.", [("max(pop_consensus_sequence)", "")],
         "locale", thresholds=NEUTRAL),
    alerts.firing(16, 8, "What to act on now is first. The name of an alert leads to its section in the runbook. Alerts of one name are one "
                  "line, with all validators that they are about. The watchdog, which always fires, is left out."),
    timeline("Who answers", "A strip for each validator; red where Prometheus could not read its metrics.",
             [(f"max by (validator) ({named_though_down('up')})", "{{validator}}")], thresholds=YES_IS_GOOD, mappings=words(_0="down", _1="up"), none="no target",
             width=8),
]

LATENCY = [
    stat("Block latency, in the time shown", "From proposal to final, over all validators. Minimum and maximum are exact; p99 is within its bucket.", [
        (mean(FINAL, over=RANGE), "average"), (f"min(min_over_time({FASTEST}{RANGE}))", "minimum"),
        (f"max(max_over_time({SLOWEST}{RANGE}))", "maximum"), (quantile(0.99, FINAL, over=RANGE), "p99")], "s",
         thresholds=FINALITY, none="no block", text="value_and_name", width=12),
    stat("Proof latency, in the time shown", "From submission to final, over all proofs and validators.", [
        (mean(PROOF, over=RANGE), "average"), (quantile(0.5, PROOF, over=RANGE), "p50"), (quantile(0.99, PROOF, over=RANGE), "p99")], "s",
         thresholds=FINALITY, none="no proof", text="value_and_name", width=12),
    lines("Block latency", "From proposal to final, over all validators.", [*percentiles(FINAL, 99, 90, 50), (mean(FINAL), "mean")], "s",
          width=12),
    lines("Proof latency", "From submission to final, over all validators.", percentiles(PROOF, 99, 90, 50), "s",
          none="no proof was submitted", width=12),
]

LATENCY_DETAIL = [
    heatmap("Block latency, distribution", "How many blocks took how long; each validator measures each block.",
            increase(f"{FINAL}_bucket", "le", INTERVAL), "blocks"),
    heatmap("Proof latency, distribution", "How many proofs took how long, at the validators that they were submitted to.",
            increase(f"{PROOF}_bucket", "le", INTERVAL), "proofs"),
    lines("Block latency by validator, p50", "From proposal to final. One that is slower than the rest is late, or far away.", [(by_name(
        quantile(0.5, FINAL, 'job, instance')), "{{validator}}")], "s", width=12),
    lines("Slowest block by validator", "Of the last one to two minutes, exactly.", [(by_name(SLOWEST), "{{validator}}")], "s", width=12,
          none="no block"),
]

THROUGHPUT = [
    stat("Proofs processed", "Final proofs since genesis.", [("max(pop_state_final_proofs)", "")], "locale", thresholds=NEUTRAL, height=8),
    stat("Proofs a second", "Now, and on average in the time shown.", [
        (fastest("pop_consensus_proofs_final_total"), "now"), (fastest("pop_consensus_proofs_final_total", RANGE), "average")], "short",
         decimals=2, thresholds=NEUTRAL, text="value_and_name", height=8),
    lines("Final blocks and proofs", "A second.", [
        (fastest("pop_consensus_blocks_final_total"), "blocks"), (fastest("pop_consensus_proofs_final_total"), "proofs")],
        axis="a second"),
    lines("Submissions", "A second, at all validators together.", [
        (or_zero(rate("pop_proofs_submitted_total")), "submitted"),
        (or_zero(rate('pop_proofs_accepted_total{source="submitter"}')), "accepted"),
        (or_zero(rate("pop_proofs_refused_total")), "refused")], axis="proofs a second"),
]

LEADERBOARD = [
    table("Validator leaderboard", "Rounds: blocks in the time shown whose certificate holds the validator's vote. Share: of all blocks, "
          "as all validators together counted them. Proposed and Missed: views that it led, with a block and without. Rewards: tokens earned "
          "since genesis. Accuracy is empty where the validator does not answer.", [
              most("pop_consensus_rounds_total", "validator"), share_of_blocks(RANGE),
              by_name("pop_verifier_accuracy_ratio"),
              "max by (validator) (pop_state_rewards_tokens)", "max by (validator) (pop_state_stake_tokens)",
              or_zero_of_each_validator(most("pop_consensus_blocks_proposed_total", "validator")),
              or_zero_of_each_validator(most("pop_consensus_blocks_missed_total", "validator"))],
          {"validator": "Validator", "Value #A": "Rounds", "Value #B": "Share", "Value #C": "Accuracy", "Value #D": "Rewards",
           "Value #E": "Stake", "Value #F": "Proposed", "Value #G": "Missed"}, sort="Rounds", ranked=True, width=24, height=8, columns=[
              column("Rank", "none", decimals=0), column("Rounds", "locale", decimals=0),
              column("Share", "percentunit", decimals=1, thresholds=steps(BAD, (0.5, DOUBTFUL), (0.9, GOOD))),
              column("Accuracy", "percentunit", decimals=1, thresholds=steps(BAD, (0.95, DOUBTFUL), (0.99, GOOD))),
              column("Rewards", "locale", decimals=2), column("Stake", "locale", decimals=0),
              column("Proposed", "locale", decimals=0),
              column("Missed", "locale", decimals=0, thresholds=steps(GOOD, (0.5, DOUBTFUL)))]),
]

MEMPOOL = [
    lines("Pending proofs", "By validator. They agree where validators hear of the same proofs.",
          [(by_name("sum by (job, instance) (pop_mempool_proofs)"), "{{validator}}")], axis="proofs", width=12),
    lines("How full", "By number or by bytes, whichever is fuller. Above 80% new proofs may be refused.", [(by_name(
        fuller_mempool("job, instance")), "{{validator}}")], "percentunit", most=1, width=12),
]

MACHINES = [
    table("Validators", "What each runs on. The address leads to the validator's own dashboard. Processor: of the process and of the checks of "
          "its workers, in processors. Memory: of the process and its workers. Last exit: the exit code of the process before this one, or that it "
          "was killed. Only what answers has figures.", [
              f"max by (validator, instance) ({named_though_down('up')})", of_each("pop_consensus_sequence"),
              of_each("time() - process_start_time_seconds"), of_each(processor("job, instance")),
              of_each("process_resident_memory_bytes + pop_verifier_workers_resident_bytes"),
              of_each("pop_storage_free_bytes / pop_storage_size_bytes"), of_each("pop_storage_free_bytes"), of_each("pop_last_exit_code")],
          {"validator": "Validator", "instance": "Instance", "Value #A": "Answers", "Value #B": "Height", "Value #C": "Runs for",
           "Value #D": "Processor", "Value #E": "Memory", "Value #F": "Free disk", "Value #G": "Free bytes", "Value #H": "Last exit"}, sort="Validator",
          falling=False, width=24, height=8, columns=[
              column("Instance", link=TO_VALIDATOR),
              column("Answers", "none", thresholds=YES_IS_GOOD, mappings=words(_0="no", _1="yes")), column("Height", "locale", decimals=0),
              column("Runs for", "dtdurations", decimals=0), column("Processor", "none", decimals=2), column("Memory", "bytes", decimals=0),
              column("Free disk", "percentunit", decimals=0, thresholds=FREE), column("Free bytes", "bytes", decimals=1),
              column("Last exit", "none", decimals=0, thresholds=LAST_EXIT, mappings=LAST_EXIT_WORDS)]),
    lines("Processor", "By validator, in processors: of the process, and of its workers' checks as they end.",
          [(by_name(processor("job, instance")), "{{validator}}")], axis="processors", width=12),
    lines("Free disk", "By validator: share of the file system of the data directory. At 0 the validator ends with exit code 3.",
          [(by_name("pop_storage_free_bytes / pop_storage_size_bytes"), "{{validator}}")], "percentunit", most=1, width=12),
]

MACHINES_DETAIL = [
    lines("Memory", "By validator: the process and its workers, resident.",
          [(by_name("process_resident_memory_bytes + pop_verifier_workers_resident_bytes"), "{{validator}}")], "bytes"),
    lines("Writes to the vote log, p99", "By validator, fsync included. Every vote waits for one.", [(by_name(
        known(f"histogram_quantile(0.99, {VOTE_LOG})")), "{{validator}}")], "s", logarithmic=True),
    counts("Actors restarted, by validator", "The dashboard Validator has the actor and the reason.",
           f"sum by (validator) ({named(increase('pop_actor_restarts_total', 'job, instance', INTERVAL))})", "validator",
           axis="restarts", bars=True, stacked=True),
    lines("Age of the oldest pending proof", "By validator; 0 if none is pending.",
          [(by_name("pop_mempool_oldest_age_seconds"), "{{validator}}")], "s", width=24),
]

MISSING = [
    bars("Since a vote was heard, by anybody", "The ten validators whose last vote is longest ago, at the validator that heard it last.",
         [("topk(10, min by (validator) (pop_consensus_last_vote_age_seconds))", "{{validator}}")], "s", decimals=0, least=0, most=120,
         thresholds=SILENCE),
    bars("Sessions with others", "The ten validators to whom the smallest share of the validators that answer has a session.",
         [("bottomk(10, avg by (validator) (pop_network_connected))", "{{validator}}")], "percentunit", decimals=0, least=0, most=1,
         thresholds=steps(BAD, (0.67, DOUBTFUL), (1, GOOD))),
    lines("Stake that is missing", "Of votes not heard lately, at the validator that misses most. Above the dashed line, which is what a "
          "quorum can miss, nothing becomes final.", [
              ("max by (kind) (pop_consensus_missing_stake_tokens)", "{{kind}}"), (CAN_FAIL, "can be missing")],
          axis="tokens", overrides=[{"matcher": {"id": "byName", "options": "can be missing"}, "properties": [
              {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
              {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}]}]),
    stat("Furthest behind", "Blocks between the highest and the lowest validator that answer.",
         [(f"max({height_now()}) - min({height_now()})", "")], "short", decimals=0,
         thresholds=steps(GOOD, (50, DOUBTFUL), (500, BAD)), height=8),
    lines("Share of blocks with its vote", "Of each validator, in the last minutes. Quorums need no late votes: somewhat less than 100% is "
          "well, 0% is out.", [(share_of_blocks(INTERVAL), "{{validator}}")], "percentunit", most=1, width=10),
    lines("Stake that is reached", "By validator. Below the quorum it cannot take part in anything that becomes final.", [
        (by_name("pop_consensus_reachable_stake_tokens"), "{{validator}}"), ("max(pop_consensus_quorum_stake_tokens)", "quorum")],
        axis="tokens", width=10),
]

VIEWS = [
    timeline("Leader", "Who led the view, as most validators see it.", [
        ("max by (validator) (pop_consensus_leader == 1)", "{{validator}}")], thresholds=NEUTRAL, mappings=words(_1="leads")),
    lines("View and height", "By the validator that is furthest. Views that go up alone are views that failed.", [
        ("max(pop_consensus_view)", "view"), ("max(pop_consensus_sequence)", "height")], "locale", least=None, width=12),
    views("Views that ended without a block", "By the reason of each validator; each counts it once.",
          "pop_consensus_view_changes_total"),
    views("ViewChange votes", "By the reason of each validator for its vote; each counts it once.",
          "pop_consensus_view_change_votes_total"),
    counts("Leader failures", "Views that ended without a block, by who led.",
           "max by (validator) (increase(pop_consensus_blocks_missed_total[$__rate_interval]))", "validator", axis="views", bars=True,
           stacked=True),
]

DISAGREEMENT = [
    stat("Disagreements", "In the time shown: proofs that became final although a validator's own check did not confirm them.",
         [(or_zero(increase("pop_proofs_disagreements_total")), "")], "short", decimals=0, thresholds=NONE_IS_GOOD),
    stat("Contradicting votes", "In the time shown, at the validator that saw most. Any is an attack, or a validator that runs twice.",
         [(or_zero(f"max(increase(pop_consensus_contradictions_total{RANGE}))"), "")], "short", decimals=0, thresholds=NONE_IS_GOOD),
    stat("Supply", "The largest difference between what the genesis issued and what a validator's state holds. Anything but 0 is a fault.",
         [("max(abs(pop_state_supply_difference_tokens))", "")], "locale", thresholds=steps(GOOD, (1e-9, BAD))),
    stat("Solvers", "Different fingerprints among the validators. There must be one.",
         [("count(count by (solver_pin) (pop_build_info))", "")], "short", decimals=0, thresholds=steps(GOOD, (1.5, BAD))),
    stat("Clocks", "The largest difference between a validator's clock and the median of its peers' clocks.",
         [("max(abs(pop_network_clock_ahead_seconds))", "")], "s", thresholds=steps(GOOD, (0.5, DOUBTFUL), (2, BAD))),
    stat("Lowest accuracy", "Of the last 1,000 final proofs, at the validator that confirmed fewest of them.",
         [("min(pop_verifier_accuracy_ratio)", "")], "percentunit", decimals=1,
         thresholds=steps(BAD, (0.95, DOUBTFUL), (0.99, GOOD))),
    lines("Accuracy by validator", "Of the last 1,000 final proofs. Below the line the log warns, too.",
          [(by_name("pop_verifier_accuracy_ratio"), "{{validator}}")], "percentunit", thresholds=steps(BAD, (0.95, GOOD)), limits=True,
          least=0.9, most=1, width=12),
    counts("Disagreements by validator", "Each is in that validator's log, with the proof's name.",
           f"sum by (validator) ({named('increase(pop_proofs_disagreements_total[$__rate_interval])')})", "validator", axis="proofs",
           bars=True, stacked=True, width=12),
    table("Programs and solvers", "Which program and solver each validator runs. The address leads to its own dashboard.", [
        f"max by (validator, instance, version, solver, solver_pin) ({named('pop_build_info')})"],
        {"validator": "Validator", "instance": "Instance", "version": "Version", "solver": "Solver", "solver_pin": "Solver pin"},
        sort="Validator", falling=False, width=24, columns=[column("Instance", link=TO_VALIDATOR)]),
]

ANNOTATIONS = [
    annotation("Actor restarts", f"sum by (validator, actor, reason) ({named('increase(pop_actor_restarts_total[2m])')}) > 0",
               "Actor {{actor}} was restarted", "{{reason}}, at {{validator}}", "orange"),
    annotation("Validator starts", named("time() - process_start_time_seconds < 120"), "A validator was started", "{{validator}}",
               "blue"),
    annotation("View changes", "sum by (reason) (increase(pop_consensus_view_changes_total[2m])) > 0", "A view ended without a block",
               "{{reason}}", "purple"),
    annotation("Leader failures", "max by (validator) (increase(pop_consensus_blocks_missed_total[2m])) > 0",
               "{{validator}} led a view that ended without a block", "", "red"),
]


def made():
    rows = [Row("Network health", HEALTH), Row("Consensus latency", LATENCY), Row("Proof throughput", THROUGHPUT),
            Row("Validator leaderboard", LEADERBOARD), Row("Mempool status", MEMPOOL), Row("Machines", MACHINES),
            Row("Who is missing", MISSING, closed=True), Row("View changes", VIEWS, closed=True),
            Row("Disagreement", DISAGREEMENT, closed=True), Row("Latency in detail", LATENCY_DETAIL, closed=True),
            Row("Machines in detail", MACHINES_DETAIL, closed=True)]
    return dashboard(
        UID, "Proof-of-Proof / Network", "All validators together: does the network work, how fast, and who is missing.", rows,
        [data_source(), job(), runbook()], ANNOTATIONS, {"job": 'job=~"$job"'})
