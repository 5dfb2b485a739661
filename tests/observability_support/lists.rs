//! What is empty on purpose while nothing is wrong, with the fault that fills it, and metrics that nothing shows, with the
//! reason. Both lists are held against the truth.

/// A query that finds nothing in a network in which nothing is wrong.
pub struct Empty {
    /// The place of a query, as it is printed; or how it begins.
    pub place: &'static str,
    /// What fills it.
    pub fault: &'static str,
    /// Nothing ever fills it in a steady network; otherwise a slow machine may.
    pub always: bool,
}

const ACTOR: &str = "an actor that is killed";
const LEADER: &str = "a leader that is killed";
const ALERT: &str = "an alert that fires";

#[rustfmt::skip]
const EMPTY: &[Empty] = &[
    Empty { place: "Proof-of-Proof / Network / Firing alerts / A", fault: ALERT, always: false },
    Empty { place: "Proof-of-Proof / Network / Alerts / A: ALERTS", fault: ALERT, always: false },
    Empty { place: "Proof-of-Proof / Network / Alerts / B: ALERTS", fault: ALERT, always: false },
    Empty { place: "Proof-of-Proof / Validator / Firing alerts / A", fault: ALERT, always: false },
    Empty { place: "Proof-of-Proof / Validator / Alerts / A: ALERTS", fault: ALERT, always: false },
    Empty { place: "Proof-of-Proof / Validator / Alerts / B: ALERTS", fault: ALERT, always: false },
    Empty { place: "Proof-of-Proof / Network / annotation Actor restarts", fault: ACTOR, always: true },
    Empty { place: "Proof-of-Proof / Network / annotation View changes", fault: LEADER, always: false },
    Empty { place: "Proof-of-Proof / Network / annotation Leader failures", fault: LEADER, always: false },
    Empty { place: "Proof-of-Proof / Validator / annotation Actor restarts", fault: ACTOR, always: true },
    Empty { place: "Proof-of-Proof / Validator / annotation View changes", fault: LEADER, always: false },
    Empty { place: "Proof-of-Proof / Validator / annotation Leader failures", fault: LEADER, always: false },
];

/// Metrics that are in no panel and no rule.
pub const UNUSED: &[(&str, &str)] = &[(
    "pop_thread_waiting",
    "the panel and the alert on the wait itself say more; this one is for rules of an operator's own",
)];

pub fn empty(place: &str) -> Option<&'static Empty> {
    EMPTY.iter().find(|empty| place.starts_with(empty.place))
}

pub fn places() -> impl Iterator<Item = &'static str> {
    EMPTY.iter().map(|empty| empty.place)
}
