"""Does it agree with the others, and how fast?"""

from panels import BAD, DOUBTFUL, GOOD, NEUTRAL, bars, column, counts, lines, stat, steps, table, views
from queries import increase, mean, or_zero_of_each_validator, quantile, rate

FINAL = "pop_consensus_proposed_to_final_seconds"
PREPARED = "pop_consensus_proposed_to_prepared_seconds"
COMMITTED = "pop_consensus_prepared_to_final_seconds"
FINALITY = steps(GOOD, (5, DOUBTFUL), (10, BAD))

PANELS = [
    stat("Epoch", "The validator set is the same within an epoch.", [("pop_consensus_epoch", "{{instance}}")], "none", thresholds=NEUTRAL, width=3),
    stat("View", "It goes up with each attempt at a block.", [("pop_consensus_view", "{{instance}}")], "none", thresholds=NEUTRAL, width=3),
    stat("Leader", "Who leads the current view, as this validator sees it.",
         [("max by (validator) (pop_consensus_leader == 1)", "{{validator}}")], text="name", width=6),
    stat("Proposal to final", "Median in the last minutes, from a proposal's arrival until its block is final.",
         [(quantile(0.5, FINAL), "")], "s", thresholds=FINALITY, width=4, none="no block"),
    stat("The slowest hundredth", "99th percentile of the same.",
         [(quantile(0.99, FINAL), "")], "s", thresholds=FINALITY, width=4, none="no block"),
    stat("View timer", "How long the current view may last before this validator gives it up. It doubles with each view that failed.",
         [("pop_consensus_view_timer_seconds", "{{instance}}")], "s", thresholds=steps(GOOD, (20, DOUBTFUL), (60, BAD)), width=4),
    lines("Final blocks and proofs", "A second.", [
        (rate("pop_consensus_blocks_final_total"), "blocks"), (rate("pop_consensus_proofs_final_total"), "proofs")],
        axis="a second"),
    lines("From proposal to final", "Percentiles of a block's way at this validator.", [
        (quantile(0.99, FINAL), "99%"), (quantile(0.9, FINAL), "90%"), (quantile(0.5, FINAL), "50%"), (mean(FINAL), "mean")],
        "s", thresholds=FINALITY),
    lines("The two halves of that way", "From proposal to the Prepare certificate, and from there to final.", [
        (quantile(0.99, PREPARED), "to prepared, 99%"), (quantile(0.5, PREPARED), "to prepared, 50%"),
        (quantile(0.99, COMMITTED), "prepared to final, 99%"), (quantile(0.5, COMMITTED), "prepared to final, 50%")], "s"),
    lines("The vote's way, step by step", "Mean of each step: checking a vote's signature, waiting in the queue, deciding, writing "
          "to the vote log, sending. `log` is the disk, `queue` a processor that is too busy.",
          [(mean("pop_consensus_step_seconds", "step"), "{{step}}")], "s", logarithmic=True),
    lines("Since the last final block", "It falls back with each block. The view timer is what may pass before the view is given up.", [
        ("max(pop_consensus_last_final_age_seconds)", "since a block"), ("max(pop_consensus_view_timer_seconds)", "view timer")], "s"),
    lines("Epoch, view and height", "Heights go up with each block. Views that go up alone are views that failed.", [
        ("max(pop_consensus_sequence)", "height"), ("max(pop_consensus_view)", "view"), ("max(pop_consensus_epoch)", "epoch")],
        "locale", least=None),
    views("Views given up, by this validator", "Its own reason. Compare with Views that ended: others may have gone on.",
          "pop_consensus_views_given_up_total"),
    views("Views that ended without a block", "By a ViewChange certificate. `others`: this validator had no reason of its own.",
          "pop_consensus_view_changes_total"),
    counts("Own votes", "Made durable, a second, by kind.", rate("pop_consensus_votes_total", "kind"), "kind", axis="votes a second"),
    lines("Stake that is reached", "This validator's and that of those to whom a session is open. Below the quorum nothing becomes final.", [
        ("min(pop_consensus_reachable_stake_tokens)", "reached"), ("max(pop_consensus_quorum_stake_tokens)", "quorum"),
        ("max(pop_consensus_total_stake_tokens)", "total")], "short", axis="tokens"),
    lines("Stake that is missing", "Stake of validators whose vote of this kind was not heard lately. Above the dashed line, which is "
          "what a quorum can miss, nothing becomes final.", [
              ("max by (kind) (pop_consensus_missing_stake_tokens)", "{{kind}}"),
              ("max(pop_consensus_total_stake_tokens) - max(pop_consensus_quorum_stake_tokens)", "can be missing")], "short",
          axis="tokens", overrides=[{"matcher": {"id": "byName", "options": "can be missing"}, "properties": [
              {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}},
              {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}]}]),
    counts("Told again, and asked for", "Retransmissions to peers that lacked something, and requests for what this validator lacked.",
           'label_replace(' + rate("pop_consensus_retransmissions_total", "kind") + ', "what", "$1 told again", "kind", "(.*)") or '
           'label_replace(' + rate("pop_consensus_resolver_requests_total", "kind") + ', "what", "$1 asked for", "kind", "(.*)")',
           "what", axis="a second"),
    bars("Since a vote was heard", "The ten validators that have been silent longest, as this one hears them.",
         [("topk(10, max by (validator) (pop_consensus_last_vote_age_seconds))", "{{validator}}")], "s",
         thresholds=steps(GOOD, (30, DOUBTFUL), (120, BAD)), decimals=0, least=0, most=120),
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
