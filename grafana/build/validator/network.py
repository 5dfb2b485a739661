"""Does it reach the others, and do clients reach it?"""

from panels import BAD, DOUBTFUL, GOOD, NONE_IS_GOOD, YES_IS_GOOD, counts, lines, percentiles, stat, steps, timeline, words
from queries import INTERVAL, increase, named, or_none, or_zero, or_zero_each, rate

ROUND_TRIP = "pop_network_round_trip_seconds"
API = "pop_api_request_seconds"

PANELS = [
    timeline("Session to each validator", "A gap is a validator that could not be reached from here.",
             [("min by (validator) (pop_network_connected)", "{{validator}}")], thresholds=YES_IS_GOOD,
             mappings=words(_0="none", _1="open")),
    lines("Round trip", "From ping to pong, over all sessions.", percentiles(ROUND_TRIP, 99, 50), "s", none="no session", width=6),
    counts("Sessions ended", "By reason.", increase("pop_network_sessions_ended_total", "reason", INTERVAL), "reason",
           axis="sessions", bars=True, stacked=True, width=6),
]

MORE = [
    stat("Sessions", "Open now, of so many other validators.", [
        ("sum(pop_network_sessions)", "open"), ("sum(pop_network_peers)", "others")], "short", thresholds=steps(BAD, (1, GOOD)), decimals=0,
        text="value_and_name"),
    stat("Peers reached", "Share of the other validators to whom a session is open.",
         [(named("pop_network_sessions / (pop_network_peers > 0)"), "{{validator}}")], "percentunit",
         thresholds=steps(BAD, (0.67, DOUBTFUL), (1, GOOD)), decimals=0, none="no peers, or no answer"),
    stat("Clock", "Ahead of the median of the peers' clocks; behind it if negative.", [(named("pop_network_clock_ahead_seconds"), "{{validator}}")],
         "s", thresholds=steps(BAD, (-2, DOUBTFUL), (-0.5, GOOD), (0.5, DOUBTFUL), (2, BAD)), width=6),
    stat("Banned now", "Peers that broke rules too often.", [(named("pop_network_banned"), "{{validator}}")], "short", thresholds=NONE_IS_GOOD,
         decimals=0, width=3),
    stat("Bans", "In the time shown.", [(or_zero_each(increase("pop_network_bans_total", "job, instance")), "{{validator}}")], "short",
         thresholds=NONE_IS_GOOD, decimals=0, width=3),
    stat("Longest step", "Processor time that the sessions' thread spent on one step of finding, dialling or greeting peers, since the start: "
         "meanwhile it served nobody.", [(named("max by (job, instance) (pop_network_step_max_seconds)"), "{{validator}}")], "s",
         thresholds=steps(GOOD, (0.02, DOUBTFUL), (0.1, BAD))),
    lines("Bytes", "Of frames, a second, before TLS. `in` is drawn below.", [
        (rate('pop_network_bytes_total{direction="out"}', "kind"), "out {{kind}}"),
        ("-" + rate('pop_network_bytes_total{direction="in"}', "kind"), "in {{kind}}")], "Bps", least=None, by_kind=True, at_the_side=True, width=12, height=11),
    lines("Messages", "A second. `in` is drawn below.", [
        (rate('pop_network_messages_total{direction="out"}', "kind"), "out {{kind}}"),
        ("-" + rate('pop_network_messages_total{direction="in"}', "kind"), "in {{kind}}")],
        axis="a second", least=None, by_kind=True, at_the_side=True, width=12, height=11),
    counts("Connections that did not become a session", "By reason, and by who called whom.",
           increase("pop_network_refused_total", "reason, side", INTERVAL), "reason", legend="{{reason}} {{side}}",
           axis="connections", bars=True, stacked=True),
    counts("Misbehaviour of peers", "By rule that was broken; too many lead to a ban.",
           increase("pop_network_misbehaviour_total", "rule", INTERVAL), "rule", axis="violations", bars=True, stacked=True),
    lines("Messages dropped, reading paused", "Dropped: a peer reads too slowly. Paused: a peer sent more than its rate.", [
        (or_none(rate("pop_network_dropped_total", "lane"), "lane"), "dropped, lane {{lane}}"),
        (or_zero(rate("pop_network_throttled_total")), "paused")], axis="a second", by_kind=True),
    counts("API requests", "By status. 429: no room now, try later; 5xx: a failure of this validator.",
           rate("pop_api_requests_total", "status"), "status", axis="requests a second"),
    lines("Time of API requests", "Until the answer, less what a request waited for its client.", percentiles(API, 99, 50), "s",
          none="no request"),
    counts("Signatures checked", "By what they were of. What was checked before is not checked again, and late Commit votes are not checked at all.",
           rate("pop_signatures_checked_total", "kind"), "kind", axis="signatures a second"),
]
