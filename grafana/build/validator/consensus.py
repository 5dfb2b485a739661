"""Does it agree with the others, and how fast?"""

from panels import (BAD, DOUBTFUL, GOOD, NEUTRAL, bars, column, counts, lines, percentiles, stat, steps, table, views)
from queries import RANGE, increase, mean, named, or_zero_of_each_validator, quantile, rate

FINAL = "pop_consensus_proposed_to_final_seconds"
PREPARED = "pop_consensus_proposed_to_prepared_seconds"
COMMITTED = "pop_consensus_prepared_to_final_seconds"
SLOWEST = "pop_consensus_proposed_to_final_max_seconds"
FINALITY = steps(GOOD, (5, DOUBTFUL), (10, BAD))

PANELS = [
    lines("Proposal to final", "From a proposal's arrival, or sending, until its block is final here.", [
        *percentiles(FINAL, 99, 90, 50), (mean(FINAL), "mean")], "s", thresholds=FINALITY),
    lines("Final blocks and proofs", "A second.", [
        (rate("pop_consensus_blocks_final_total"), "blocks"), (rate("pop_consensus_proofs_final_total"), "proofs")],
        axis="a second"),
    lines("Vote path", "Mean of each step: verifying a vote's signature, waiting in the queue, deciding, writing "
          "to the vote log, sending. `log` is the disk, `queue` a processor that is too busy.",
          [(mean("pop_consensus_step_seconds", "step"), "{{step}}")], "s", logarithmic=True),
    views("Views that ended without a block", "By a ViewChange certificate. `others`: this validator had no reason of its own.",
          "pop_consensus_view_changes_total"),
    lines("Stake that is missing", "Stake of validators whose vote of this kind was not heard lately. Above the dashed line, which is "
          "what a quorum can miss, nothing becomes final.", [
              ("max by (kind) (pop_consensus_missing_stake_tokens)", "{{kind}}"),
              ("max(pop_consensus_total_stake_tokens) - max(pop_consensus_quorum_stake_tokens)", "can be missing")], "short",
          axis="tokens", overrides=[{"matcher": {"id": "byName", "options": "can be missing"}, "properties": [
              {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
              {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}]}]),
    bars("Since a vote was heard", "The ten validators that have been silent longest, as this one hears them.",
         [("topk(10, max by (validator) (pop_consensus_last_vote_age_seconds))", "{{validator}}")], "s",
         thresholds=steps(GOOD, (30, DOUBTFUL), (120, BAD)), decimals=0, least=0, most=120),
]

MORE = [
    stat("Epoch", "The validator set is the same within an epoch.", [(named("pop_consensus_epoch"), "{{validator}}")], "none", thresholds=NEUTRAL, width=3),
    stat("View", "It goes up with each attempt at a block.", [(named("pop_consensus_view"), "{{validator}}")], "none", thresholds=NEUTRAL, width=3),
    stat("Leader", "Who leads the current view, as this validator sees it.",
         [("max by (validator) (pop_consensus_leader == 1)", "{{validator}}")], text="name", width=6),
    stat("Proposal to final, now", "In the last minutes, from a proposal's arrival until its block is final.",
         percentiles(FINAL, 50, 99), "s", thresholds=FINALITY, width=4, none="no block", text="value_and_name"),
    stat("Slowest block", "In the time shown, from proposal to final, exactly.",
         [(f"max(max_over_time({SLOWEST}{RANGE}))", "")], "s", thresholds=FINALITY, width=4, none="no block"),
    stat("View timer", "How long the current view may last before this validator votes ViewChange. It doubles with each view that failed.",
         [(named("pop_consensus_view_timer_seconds"), "{{validator}}")], "s", thresholds=steps(GOOD, (20, DOUBTFUL), (60, BAD)), width=4),
    lines("Prepare time and commit time", "From proposal to the Prepare certificate, and from there to final.", [
        (quantile(0.99, PREPARED), "prepare p99"), (quantile(0.5, PREPARED), "prepare p50"),
        (quantile(0.99, COMMITTED), "commit p99"), (quantile(0.5, COMMITTED), "commit p50")], "s"),
    lines("Since the last final block", "It falls back with each block. After the view timer this validator votes ViewChange.", [
        ("max(pop_consensus_last_final_age_seconds)", "since a block"), ("max(pop_consensus_view_timer_seconds)", "view timer")], "s"),
    lines("Epoch, view and height", "Heights go up with each block. Views that go up alone are views that failed.", [
        ("max(pop_consensus_sequence)", "height"), ("max(pop_consensus_view)", "view"), ("max(pop_consensus_epoch)", "epoch")],
        "locale", least=None),
    views("ViewChange votes", "Of this validator, by its reason. Compare with Views that ended: others may have gone on.",
          "pop_consensus_view_change_votes_total"),
    counts("Own votes", "Made durable, a second, by kind.", rate("pop_consensus_votes_total", "kind"), "kind", axis="votes a second"),
    lines("Stake that is reached", "This validator's and that of those to whom a session is open. Below the quorum nothing becomes final.", [
        ("min(pop_consensus_reachable_stake_tokens)", "reached"), ("max(pop_consensus_quorum_stake_tokens)", "quorum"),
        ("max(pop_consensus_total_stake_tokens)", "total")], "short", axis="tokens"),
    counts("Retransmissions", "Sent again to peers that lacked something, and requested because this validator lacked it.",
           'label_replace(' + rate("pop_consensus_retransmissions_total", "kind") + ', "what", "$1 rebroadcast", "kind", "(.*)") or '
           'label_replace(' + rate("pop_consensus_resolver_requests_total", "kind") + ', "what", "$1 requested", "kind", "(.*)")',
           "what", axis="a second"),
    table("The validators, as this one counted", "In the time shown: blocks whose certificate holds the validator's vote, proposals "
          "seen from it, views that it led and that ended without a block; and whether a session to it is open now.", [
              or_zero_of_each_validator(increase("pop_consensus_rounds_total", "validator")),
              or_zero_of_each_validator(increase("pop_consensus_blocks_proposed_total", "validator")),
              or_zero_of_each_validator(increase("pop_consensus_blocks_missed_total", "validator")),
              "max by (validator) (pop_consensus_last_vote_age_seconds)", "min by (validator) (pop_network_connected)"],
          {"validator": "Validator", "Value #A": "Rounds", "Value #B": "Proposed", "Value #C": "Missed", "Value #D": "Last vote",
           "Value #E": "Session"}, sort="Rounds", width=16, columns=[
               column("Rounds", "short", decimals=0), column("Proposed", "short", decimals=0),
               column("Missed", "short", decimals=0, thresholds=steps(GOOD, (0.5, DOUBTFUL))),
               column("Last vote", "s", decimals=0, thresholds=steps(GOOD, (30, DOUBTFUL), (120, BAD))),
               column("Session", "none", thresholds=steps(BAD, (1, GOOD)),
                      mappings=[{"type": "value", "options": {"0": {"index": 0, "text": "none"}, "1": {"index": 1, "text": "open"}}}])]),
]
