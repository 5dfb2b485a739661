"""Does every part of it run, and what was restarted?"""

from panels import BAD, DOUBTFUL, GOOD, NONE_IS_GOOD, YES_IS_GOOD, bars, counts, lines, stat, steps, timeline, words
from queries import INTERVAL, increase, named, or_none, or_zero_each, rate

HANDLED = rate("pop_actor_messages_total", "actor")
TIME = rate("pop_actor_handler_seconds_total", "actor")

PANELS = [
    timeline("Actors", "Where a strip is red the actor did not run.", [("min by (actor) (pop_actor_up)", "{{actor}}")],
             thresholds=YES_IS_GOOD, mappings=words(_0="down", _1="runs"), width=12),
    counts("Restarts", "By actor and reason.", increase("pop_actor_restarts_total", "actor, reason", INTERVAL), "actor",
           legend="{{actor}} {{reason}}", axis="restarts", bars=True, stacked=True, width=12),
]

MORE = [
    stat("Escalations", "In the time shown: a supervisor restarted too often, and handed the failure to the one above it.",
         [(or_zero_each(increase("pop_supervisor_escalations_total", "job, instance")), "{{validator}}")], "short", decimals=0,
         thresholds=NONE_IS_GOOD, width=4, height=8),
    stat("Threads left behind", "Blocked threads that were replaced and have not ended.",
         [(named("pop_supervisor_threads_left_behind"), "{{validator}}")], "short", decimals=0, thresholds=NONE_IS_GOOD, width=4, height=8),
    bars("Mailboxes", "How full each is. A full mailbox rejects messages.",
         [("max by (actor) (pop_actor_mailbox_messages / pop_actor_mailbox_limit)", "{{actor}}")], "percentunit", decimals=1, least=0,
         most=1, thresholds=steps(GOOD, (0.5, DOUBTFUL), (0.8, BAD))),
    bars("Since the last heartbeat", "An actor without one for long is stalled, and is replaced.",
         [("max by (actor) (pop_actor_heartbeat_age_seconds)", "{{actor}}")], "s", decimals=1, least=0, most=5,
         thresholds=steps(GOOD, (1, DOUBTFUL), (2, BAD))),
    lines("Waiting messages", "In each mailbox.", [("sum by (actor) (pop_actor_mailbox_messages)", "{{actor}}")], axis="messages"),
    lines("Handled messages", "A second, by actor.", [(HANDLED, "{{actor}}")], axis="messages a second"),
    lines("Messages rejected or lost", "Rejected: the mailbox was full or closed. Lost: accepted, but not handled or never answered.", [
        (or_none(rate("pop_actor_messages_rejected_total", "actor"), "actor"), "{{actor}} rejected"),
        (or_none(rate("pop_actor_messages_lost_total", "actor"), "actor"), "{{actor}} lost")], axis="messages a second", by_kind=True),
    # A handler's time is counted when it ends, so that a long one puts more into a step than the step has.
    lines("Share of time in handlers", "100% is an actor that never waits. A long handler counts when it ends.",
          [(f"clamp_max(max by (actor) (rate(pop_actor_handler_seconds_total{INTERVAL})), 1)", "{{actor}}")], "percentunit", most=1),
    lines("Time to handle a message", "Mean, by actor.", [(f"{TIME} / {HANDLED}", "{{actor}}")], "s"),
    lines("Share of time without a processor", "Ready to run, and the machine had no processor for it. Nothing is restarted for it; a tenth is much.",
          [(f"max by (thread) (rate(pop_thread_processor_wait_seconds_total{INTERVAL}))", "{{thread}}")], "percentunit"),
    lines("The message at hand", "How long the present message has been handled already; 0 when idle.",
          [("max by (actor) (pop_actor_handling_seconds)", "{{actor}}")], "s"),
]
