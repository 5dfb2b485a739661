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
    ("target-job-rule", NETWORK, ("Alerts that fire",), "", "Alerts of the whole network have no label job; they belong here as well."),
    ("target-rate-interval-rule", NETWORK, ("Average", "Minimum", "Maximum", "99th percentile", "Proof: median", "Proof: 99th percentile",
                                            "Proofs a second"), "",
     "One figure for the time shown, so that it is over $__range."),
]
