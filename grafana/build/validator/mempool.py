"""Is there room for proofs, and do they move on?"""

from panels import BAD, DOUBTFUL, GOOD, bars, lines, steps

FULL = steps(GOOD, (0.5, DOUBTFUL), (0.8, BAD))

PANELS = [
    lines("Pending proofs", "By where they came from.", [("sum by (source) (pop_mempool_proofs)", "from {{source}}")], axis="proofs",
          stacked=True, width=12),
    lines("Age of the oldest pending proof", "0 if none is pending. One that only grows is a proof that no leader puts into a block.",
          [("max(pop_mempool_oldest_age_seconds)", "oldest")], "s", width=12),
]

MORE = [
    bars("How full", "Share of the limits that are taken. Above 80% new proofs may be refused.", [
        ("sum(pop_mempool_proofs) / sum(pop_mempool_proofs_limit)", "proofs"),
        ("sum(pop_mempool_bytes) / sum(pop_mempool_bytes_limit)", "bytes")], "percentunit", thresholds=FULL, least=0, most=1,
        decimals=1),
    lines("Pending bytes", "By where they came from.", [("sum by (source) (pop_mempool_bytes)", "from {{source}}")], "bytes",
          stacked=True),
    lines("State of pending proofs", "Disputed: validators differ about them. Being fetched: known by name only.", [
        ("sum(pop_mempool_waiting)", "wait for their check"), ("sum(pop_mempool_checking)", "are being checked"),
        ("sum(pop_mempool_disputed)", "disputed"), ("sum(pop_mempool_fetching)", "being fetched")], axis="proofs"),
]
