//! One word for a network of which several nodes were asked: each knows only what it sees.

use super::{Health, State};
use serde_json::Value;

/// What one node said of itself.
#[derive(Debug, Clone)]
pub struct Told {
    pub name: String,
    /// Or why there is no answer.
    pub health: Result<Health, String>,
}

/// The health in an answer of the API. None if there is none, or of another form.
pub fn of_answer(answer: &Value) -> Option<Health> {
    serde_json::from_value(answer["health"].clone()).ok()
}

/// The word of the node that sees most: one that sees blocks become final is right about the network, whatever another one
/// lacks; else the one to which the fewest are missing. O(nodes).
pub fn network(told: &[Told]) -> Health {
    let best = told.iter().filter_map(|told| told.health.as_ref().ok()).min_by_key(|health| rank(health));
    let silent: Vec<&str> = told.iter().filter(|told| told.health.is_err()).map(|told| told.name.as_str()).collect();
    let Some(best) = best else { return unreachable(told) };
    let mut health = best.clone();
    // Those that do not answer to a client but vote are no part of the sentence.
    let unsaid: Vec<&str> =
        silent.into_iter().filter(|name| health.missing.iter().all(|missing| missing.node_id != **name)).collect();
    if !unsaid.is_empty() {
        health.sentence.push_str(&format!("; no answer to me from {}", unsaid.join(", ")));
    }
    health
}

fn rank(health: &Health) -> (u8, usize) {
    let state = match health.state {
        State::Ok => 0,
        State::Degraded => 1,
        State::Halted => 2,
        State::Behind => 3,
        State::Waiting => 4,
        State::Failing => 5,
        State::Unreachable => 6,
    };
    (state, health.missing.len())
}

fn unreachable(told: &[Told]) -> Health {
    let why = |told: &Told| told.health.as_ref().err().cloned();
    let sentence = match told {
        [one] => format!("{}: {}", State::Unreachable.word(), why(one).unwrap_or_default()),
        several => {
            let first = several.iter().find_map(why).unwrap_or_default();
            format!("{}: none of {} nodes answers; the first: {first}", State::Unreachable.word(), several.len())
        }
    };
    let whose = if told.len() == 1 { "on its machine" } else { "on the machine of each" };
    let what_to_do = format!("{whose}, `pop doctor` says what is wrong there");
    Health { state: State::Unreachable, sentence, missing: Vec::new(), what_to_do }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::{How, Missing};

    fn told(name: &str, state: State, missing: &[&str]) -> Told {
        let missing = missing.iter().map(|node_id| Missing {
            node_id: (*node_id).into(),
            stake: 1,
            since: String::new(),
            how: How::Disconnected,
        });
        let sentence = format!("{} by {name}", state.word());
        let health = Health { state, sentence, missing: missing.collect(), what_to_do: "nothing".into() };
        Told { name: name.into(), health: Ok(health) }
    }

    fn silent(name: &str) -> Told {
        Told { name: name.into(), health: Err(format!("{name} does not answer")) }
    }

    #[test]
    fn whoever_sees_progress_is_right_and_else_who_misses_the_fewest() {
        let one_behind = [told("a", State::Behind, &[]), told("b", State::Degraded, &["d"]), silent("d")];
        assert_eq!(network(&one_behind).sentence, "DEGRADED by b");
        let halted = [told("a", State::Halted, &["b", "c", "d"]), told("b", State::Halted, &["c", "d"]), silent("c")];
        assert_eq!(network(&halted).sentence, "HALTED by b");
        let hidden = [told("a", State::Ok, &[]), silent("b")];
        assert_eq!(network(&hidden).sentence, "OK by a; no answer to me from b");
        let nobody = network(&[silent("a"), silent("b")]);
        assert_eq!(nobody.sentence, "UNREACHABLE: none of 2 nodes answers; the first: a does not answer");
        assert!(!nobody.state.makes_progress());
    }
}
