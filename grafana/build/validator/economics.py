"""Who holds what?"""

from panels import BAD, GOOD, column, lines, stat, steps, table
from queries import named

PANELS = [
    stat("Supply difference", "Balances, stakes and reward pool, less what the genesis issued. Anything but 0 is a fault of the program.",
         [(named("pop_state_supply_difference_tokens"), "{{validator}}")], "locale", thresholds=steps(BAD, (0, GOOD), (1e-9, BAD)), width=6),
    stat("Reward pool", "Tokens that are not earned yet.", [(named("pop_state_reward_pool_tokens"), "{{validator}}")], "locale",
         thresholds=steps("blue"), decimals=2, width=6),
    stat("Final proofs", "In this validator's index, since genesis.", [(named("pop_state_final_proofs"), "{{validator}}")], "locale",
         thresholds=steps("blue"), decimals=0, width=6),
    stat("Its own rewards", "Earned since genesis.", [(
        "max by (validator) (pop_state_rewards_tokens * on (job, instance, validator) pop_validator_info)", "{{validator}}")], "locale",
         thresholds=steps("blue"), decimals=2, width=6),
    table("Accounts", "As this validator's state has them; tokens.", [
        "max by (validator) (pop_state_rewards_tokens)", "max by (validator) (pop_state_balance_tokens)",
        "max by (validator) (pop_state_stake_tokens)"],
        {"validator": "Validator", "Value #A": "Rewards", "Value #B": "Balance", "Value #C": "Stake"}, sort="Rewards", unit="locale",
        columns=[column("Rewards", "locale", decimals=2), column("Balance", "locale", decimals=2), column("Stake", "locale", decimals=0)]),
    lines("Rewards", "Of the ten validators that earned most, since genesis.",
          [("topk(10, max by (validator) (pop_state_rewards_tokens))", "{{validator}}")], axis="tokens", width=12),
]
