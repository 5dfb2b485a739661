"""Is it healthy?"""

import alerts
from panels import BAD, DOUBTFUL, GOOD, LAST_EXIT, LAST_EXIT_WORDS, NEUTRAL, NONE_IS_GOOD, PLAIN, SOME_IS_DOUBTFUL, YES_IS_GOOD, stat, steps, timeline, words
from queries import fuller_mempool, height_now, increase, last_name, named, named_though_down, or_zero_each

EVERYBODY = '{instance=~".+"}'


def each(expression):
    """A figure for each validator that is chosen, by its name."""
    return [(named(expression), "{{validator}}")]


PANELS = [
    stat("Answers", "Whether Prometheus could read this validator's metrics just now.", [(named_though_down("up"), "{{validator}}")],
         thresholds=YES_IS_GOOD, mappings=words(_0="down", _1="up"), filled=True, none="no such target", width=3),
    alerts.number(width=3),
    stat("Name", "Which validator of the genesis it is; its last name within a day, if it is down.",
         [(f"max by (validator) ({last_name()})", "{{validator}}")], text="name", none="unknown", width=3),
    stat("Signs", "Whether it votes. One that has lost the history of its own votes does not, until the others' answers "
         "show that it is safe.", each("pop_consensus_is_signing"), thresholds=YES_IS_GOOD,
         mappings=words(_0="does not sign", _1="signs"), filled=True, width=3),
    stat("Since the last final block", "An idle network makes an empty block every 10 s, as configured by default. After two "
         "minutes without one the network is halted.", each("pop_consensus_last_final_age_seconds"), "s",
         decimals=1, thresholds=steps(GOOD, (30, DOUBTFUL), (120, BAD)), width=3),
    stat("Height", "Sequence of the last final block.", each("pop_consensus_sequence"), "locale", thresholds=NEUTRAL, width=3),
    stat("Behind the others", "Blocks between the highest validator of the job and this one.",
         each(f"scalar(max({height_now(EVERYBODY)})) - {height_now()}"), "short",
         thresholds=steps(GOOD, (50, DOUBTFUL), (500, BAD)), decimals=0, width=3),
    stat("Quorum margin", "Stake that it reaches beyond a quorum, in stakes of the largest validator. Below 1 the loss of "
         "one more validator may halt the network; below 0 it is halted.", each(
             "(pop_consensus_reachable_stake_tokens - pop_consensus_quorum_stake_tokens) / pop_consensus_largest_stake_tokens"),
         "none", thresholds=steps(BAD, (0, DOUBTFUL), (1, GOOD)), decimals=2, width=3),
    stat("Accuracy", "Share of the last 1,000 final proofs that its own check confirmed. Below 95% the log warns, too.",
         each("pop_verifier_accuracy_ratio"), "percentunit", thresholds=steps(BAD, (0.95, DOUBTFUL), (0.99, GOOD)), decimals=1, width=3),
    stat("Actors", "Whether each actor of its tree runs.", each("min by (job, instance) (pop_actor_up)"),
         thresholds=YES_IS_GOOD, mappings=words(_0="one is down", _1="all run"), width=2),
    stat("Restarts of actors", "In the time shown. Each one has its reason in the row Actors and restarts.",
         [(or_zero_each(increase("pop_actor_restarts_total", "job, instance")), "{{validator}}")], "short", decimals=0,
         thresholds=SOME_IS_DOUBTFUL, width=3),
    stat("Runs for", "Since the process started.", each("time() - process_start_time_seconds"), "s",
         thresholds=steps(DOUBTFUL, (300, GOOD)), decimals=1, width=3),
    stat("Last exit", "Exit code of the process before this one. 0: it was asked to stop; killed: it ended without saying why, or the power failed. "
         "The log of this start and pop status say why.", each("pop_last_exit_code"), thresholds=LAST_EXIT, mappings=LAST_EXIT_WORDS,
         decimals=0, width=3),
    stat("Mempool", "How full it is, by number or by bytes, whichever is fuller. Above 80% new proofs may be refused.",
         each(fuller_mempool("job, instance")), "percentunit",
         thresholds=steps(GOOD, (0.5, DOUBTFUL), (0.8, BAD)), decimals=1, width=2),
    stat("Contradicting votes", "Pairs of votes by one validator that contradict each other, seen here in the time shown. Any is "
         "an attack, or a validator that runs twice.",
         [(or_zero_each(increase("pop_consensus_contradictions_total", "job, instance")), "{{validator}}")], "short", decimals=0,
         thresholds=NONE_IS_GOOD, width=3),
    stat("Program and solver", "The pin is the fingerprint of the solver that the genesis asks for; it must be the same everywhere.",
         [('label_replace(pop_build_info, "pin", "$1", "solver_pin", "(.{0,10}).*")', "{{version}}, Z3 {{solver}}, pin {{pin}}…")],
         text="name", width=5),
    alerts.firing(16, 6, "Those of this validator; what to act on now is first. The name of an alert leads to its section in the runbook. "
                  "Those of the whole network are on the dashboard Network."),
    timeline("Answers, signs, leads", "What it was in the time shown. Where a strip is missing, the validator did not answer.", [
        ("min(up)", "answers"), ("min(pop_consensus_is_signing)", "signs"), ("max(pop_consensus_is_leader)", "leads")],
        thresholds=YES_IS_GOOD, mappings=words(_0="no", _1="yes"), width=8, height=6, none="no such target", overrides=[{
            "matcher": {"id": "byName", "options": "leads"}, "properties": [
                {"id": "thresholds", "value": {"mode": "absolute", "steps": steps("#464c54", (1, PLAIN))}}]}]),
]
