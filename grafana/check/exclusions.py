"""What breaks a rule of the linter on purpose, and why: what the linter itself reads from a file `.lint`.

(rule, dashboard or None for both, panels or () for all, words of the finding that are meant or "", reason)
"""

NETWORK, VALIDATOR = "Proof-of-Proof / Network", "Proof-of-Proof / Validator"

EXCLUSIONS = [
    ("template-instance-rule", NETWORK, (), "", "It shows all validators of a job together; one alone has the other dashboard."),
    ("target-instance-rule", NETWORK, (), "", "The same: no query of it is of one validator."),
    ("target-instance-rule", VALIDATOR, ("Behind the others",), "", "It compares the validator with all others of the job."),
    ("template-job-rule", None, (), "allValue", "A Prometheus has other jobs, too. «All» are those of validators, whose names begin with pop; "
     "a validator's alerts and `up` have no other mark."),
    ("template-instance-rule", VALIDATOR, (), "is labelled", "It offers the names of validators; their addresses are its values."),
    ("target-job-rule", None, ("Alerts", "Firing alerts"), "", "Alerts of the whole network have no label job; they belong here as well."),
    ("target-instance-rule", VALIDATOR, ("Alerts",), "", "The watchdog, by which it is known that rules run, has no instance."),
    ("target-rate-interval-rule", NETWORK, ("Block latency, in the time shown", "Proof latency, in the time shown", "Proofs a second"), "",
     "One figure for the time shown, so that it is over $__range."),
]
