"""Does the disk keep up, and what does the process take?"""

from panels import BAD, DOUBTFUL, GOOD, counts, lines, stat, steps
from queries import named, processor, quantile, rate

SYNC = "pop_storage_sync_seconds"

PANELS = [
    lines("Write and fsync", "Every vote waits for the vote log: what is slow here is slow in consensus.", [
        (quantile(0.99, SYNC, "file"), "{{file}} p99"), (quantile(0.5, SYNC, "file"), "{{file}} p50")], "s", logarithmic=True),
    lines("Processor", "In processors: of the validator's own process, and with its workers' checks, which count as they end.", [
        (rate("process_cpu_seconds_total"), "process"), (f"sum({processor('job, instance')})", "with workers")], axis="processors"),
    lines("Free space over time", "Of the file system of the data directory.", [(named("pop_storage_free_bytes"), "{{validator}}")], "bytes"),
]

MORE = [
    stat("Free space", "Of the file system of the data directory, for this user.", [
        ("min(pop_storage_free_bytes)", "free"), ("min(pop_storage_size_bytes)", "of")], "bytes", thresholds=steps("blue"),
        text="value_and_name", width=6),
    stat("Free share", "Full disks end the validator with exit code 3.",
         [(named("pop_storage_free_bytes / pop_storage_size_bytes"), "{{validator}}")], "percentunit", decimals=0,
         thresholds=steps(BAD, (0.05, DOUBTFUL), (0.15, GOOD)), width=6),
    stat("Free space in 48 hours", "If it goes on as in the last six hours, by any process. A record of less than an hour says little; the alert waits for "
         "more.",
         [(named("clamp_min(predict_linear(pop_storage_free_bytes[6h], 172800), 0)"), "{{validator}}")], "bytes",
         thresholds=steps(DOUBTFUL, (2**30, GOOD)), width=6),
    stat("File descriptors", "Open, of what the process may open.", [(named("process_open_fds / process_max_fds"), "{{validator}}")],
         "percentunit", decimals=1, thresholds=steps(GOOD, (0.5, DOUBTFUL), (0.8, BAD)), width=6),
    lines("Syncs", "A second.", [(rate(f"{SYNC}_count", "file"), "{{file}}")], axis="a second"),
    counts("Records of the vote log", "A second, by kind.", rate("pop_storage_vote_log_records_total", "record"), "record",
           axis="records a second"),
    lines("Files", "Their size.", [("sum by (file) (pop_storage_bytes)", "{{file}}")], "bytes"),
    lines("Memory", "Resident: in memory now. Virtual: reserved.", [
        ("sum(process_resident_memory_bytes)", "resident"), ("sum(process_virtual_memory_bytes)", "virtual")], "bytes",
        logarithmic=True, width=12),
    lines("Threads and file descriptors", "Both have limits; a number that only grows is a leak.", [
        ("sum(process_threads)", "threads"), ("sum(process_open_fds)", "open file descriptors")], axis="", width=12),
]
