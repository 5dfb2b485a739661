"""PromQL that many panels share. Nothing here is newer than Prometheus 2.42.

An expression names metrics without the dashboard's own matchers (`job`, `instance`); `matched` adds them to every selector.
"""

import re

INTERVAL = "[$__rate_interval]"
RANGE = "[$__range]"

# What is 1 for a validator that answers. A counter that has not counted yet is 0, but only where somebody is there to count:
# the panel of a validator that is down says that it is down, and not 0.
ANSWERS = "(up == 1)"

_SELECTOR = re.compile(r"(?<![\w$])((?:pop|process)_[a-z_]+|up|ALERTS|ALERTS_FOR_STATE)(?!\w)(?:\{([^}]*)\})?")


def matched(expression, matchers):
    """The expression with these matchers, {label: matcher}, in every selector that does not match the label by itself."""

    def selector(found):
        name, own = found.group(1), found.group(2)
        added = [text for label, text in matchers.items() if not re.search(rf"\b{label}\s*=", own or "")]
        return f"{name}{{{', '.join(added + ([own] if own else []))}}}"

    return _SELECTOR.sub(selector, expression)


def _by(labels):
    return f" by ({labels})" if labels else ""


def rate(counter, by="", over=INTERVAL):
    """How fast it counts, a second, summed."""
    return f"sum{_by(by)} (rate({counter}{over}))"


def increase(counter, by="", over=RANGE):
    """How much it has counted, summed; in the time shown if nothing else is said."""
    return f"sum{_by(by)} (increase({counter}{over}))"


def quantile(share, histogram, by="", over=INTERVAL):
    buckets = rate(f"{histogram}_bucket", f"le, {by}" if by else "le", over)
    return known(f"histogram_quantile({share}, {buckets})")


def height_now(matcher=""):
    """Height at this moment. Prometheus looks at validators one after the other, seconds apart: heights as they were seen differ
    by the blocks of those seconds."""
    height, blocks = f"pop_consensus_sequence{matcher}", f"pop_consensus_blocks_final_total{matcher}"
    return f"({height} + rate({blocks}{INTERVAL}) * (time() - timestamp({height})))"


def mean(histogram, by="", over=INTERVAL):
    return known(f"{rate(histogram + '_sum', by, over)} / {rate(histogram + '_count', by, over)}")


def named(expression):
    """With the name of the validator in place of the address alone."""
    return f"({expression}) * on (job, instance) group_left (validator) pop_validator_info"


def by_name(expression):
    """The same for lines: in the order of names, and not of addresses."""
    return f"max by (validator) ({named(expression)})"


def last_name():
    """1 for each instance that was up within a day, with its last name."""
    return "topk by (job, instance) (1, last_over_time(pop_validator_info[1d]))"


def named_though_down(expression):
    """The same for what is known of a validator that does not answer: by its last name within a day, else by its address."""
    name = f'label_replace({expression}, "validator", "$1", "instance", "(.*)")'
    return f"({expression} * on (job, instance) group_left (validator) {last_name()}) or on (job, instance) {name}"


def or_zero(expression):
    """0 in place of nothing, while somebody answers."""
    return f"{expression} or on () 0 * sum {ANSWERS}"


def or_zero_each(expression):
    """0 in place of nothing for each instance that answers; by name."""
    return named(f"{expression} or on (job, instance) 0 * {ANSWERS}")


def or_zero_of_each_validator(expression):
    """0 in place of nothing for each validator of the genesis."""
    return f"{expression} or 0 * max by (validator) (pop_consensus_last_vote_age_seconds)"


def known(expression):
    """Without the «not a number» of a quotient whose divisor is 0: to Grafana that is a value, and it would draw an empty picture
    in place of the words for no value."""
    return f"{expression} >= 0"


def share_of_blocks(over):
    """Of each validator: the share of the final blocks whose certificate holds its vote. Both counts are over the same observers and scrapes:
    those of two are seconds apart, and their ratio goes far above 100%. A vote that is included a block later can do so still, a little.
    One observer that ended early counts for as little as it saw."""
    rounds, blocks = increase("pop_consensus_rounds_total", "validator", over), increase("pop_consensus_blocks_final_total", "", over)
    return known(f"clamp_max({rounds} / on () group_left () {blocks}, 1)")


def processor(by):
    """Processors in use: of the process, and of the checks that its workers ended."""
    return (f"sum by ({by}) (rate(process_cpu_seconds_total{INTERVAL})) + on ({by}) "
            f"sum by ({by}) (rate(pop_verifier_processor_seconds_sum{INTERVAL}))")


def or_none(expression, label):
    """A line at 0 named «none» in place of an empty panel, while somebody answers."""
    return f'{expression} or on () label_replace(0 * sum {ANSWERS}, "{label}", "none", "", "")'


def fuller_mempool(by):
    """How full mempools are, by number or by bytes, whichever is more."""
    shares = [f'label_replace(sum by (job, instance) (pop_mempool_{what}) / on (job, instance) pop_mempool_{what}_limit, '
              f'"of", "{what}", "", "")' for what in ("proofs", "bytes")]
    return f"max by ({by}) ({' or '.join(shares)})"
