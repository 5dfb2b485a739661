//! One word for a network of which several nodes were asked: each knows only what it sees.

use super::{Health, State};
use crate::agreement::Weights;
use crate::text::cut;
use serde_json::Value;
use std::collections::BTreeSet;

/// What one node said of itself.
#[derive(Debug, Clone)]
pub struct NodeHealth {
    pub name: String,
    /// Or why there is no answer.
    pub health: Result<Health, NoHealth>,
}

/// Why nothing is known of how a node is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHealth {
    #[error("{name} does not answer")]
    Silent { name: String },
    /// The same in the client's words, or a refusal in the node's.
    #[error("{message}")]
    Unanswered { message: String },
    #[error("{name} at {address} says that it is {says}: another one has that address")]
    OtherNode { name: String, address: String, says: String },
    #[error("{name} answers otherwise than this program expects: it is of another version, or lies")]
    OtherForm { name: String },
    #[error("asking it failed here")]
    Panicked,
}

/// Characters of a sentence that a node wrote.
const SENTENCE_MAX: usize = 400;
/// Validators that one node may name as missing.
const MISSING_MAX: usize = 1_024;

/// The health in an answer of the API, cut to what is shown. None if there is none, or of another form, or if its sentence
/// is of another state.
pub fn of_answer(answer: &Value) -> Option<Health> {
    let mut health: Health = serde_json::from_value(answer["health"].clone()).ok()?;
    health.missing.truncate(MISSING_MAX);
    (health.sentence, health.what_to_do) = (cut(&health.sentence, SENTENCE_MAX), cut(&health.what_to_do, SENTENCE_MAX));
    health.sentence.starts_with(health.state.word()).then_some(health)
}

/// The same of nodes of which nobody knows the stake: each weighs the same.
pub fn network(told: &[NodeHealth]) -> Health {
    let weights = told.iter().map(|told| told.health.is_ok().then_some(0)).collect();
    network_by(told, &Weights::new(weights, 0))
}

/// The word of the nodes on whose side most stake is. One that sees blocks become final may lie like any other, so it does not
/// outweigh as many that say the network stands still. Of those that agree, one that misses whom the others miss speaks.
/// O(nodes · missing).
pub fn network_by(told: &[NodeHealth], weights: &Weights) -> Health {
    let health = |node: usize| told[node].health.as_ref().ok();
    let of = |holds: fn(State) -> bool| weights.of(|node| health(node).is_some_and(|health| holds(health.state)));
    let is_halted = |state: State| state == State::Halted;
    let is_neither = |state: State| !state.makes_progress() && state != State::Halted;
    let (progress, halted, neither) = (of(State::makes_progress), of(is_halted), of(is_neither));
    let side = |state: State| {
        if progress > halted && (weights.suffices(progress) || progress >= neither) {
            state.makes_progress()
        } else if halted > 0 && (weights.suffices(halted) || halted >= neither) {
            is_halted(state)
        } else {
            is_neither(state)
        }
    };
    let rank_of = |node: usize| Some(rank(health(node).filter(|health| side(health.state))?.state));
    let state = weights.most(rank_of);
    let missed = missed(told, weights);
    let unlike = |node: usize| health(node).map_or(missed.len(), |health| unlike(health, &missed));
    let speakers = (0..told.len()).filter(|node| state.is_some() && rank_of(*node) == state);
    let Some(said) = speakers.min_by_key(|node| unlike(*node)).and_then(health) else { return unreachable(told) };
    with_the_others(said.clone(), told)
}

/// Whom nodes with enough stake miss.
fn missed<'a>(told: &'a [NodeHealth], weights: &Weights) -> BTreeSet<&'a str> {
    let health = |node: usize| told[node].health.as_ref().ok();
    let is_missed = |name: &str| {
        weights.say(|node| health(node).is_some_and(|health| health.missing.iter().any(|one| one.node_id == name)))
    };
    told.iter()
        .filter_map(|told| told.health.as_ref().ok())
        .flat_map(|health| &health.missing)
        .map(|missing| missing.node_id.as_str())
        .filter(|name| is_missed(name))
        .collect()
}

/// How many more, or fewer, one misses than are missed.
fn unlike(health: &Health, missed: &BTreeSet<&str>) -> usize {
    let own: BTreeSet<&str> = health.missing.iter().map(|missing| missing.node_id.as_str()).collect();
    own.symmetric_difference(missed).count()
}

/// The same, with those that say the opposite, and those that say nothing.
fn with_the_others(mut said: Health, told: &[NodeHealth]) -> Health {
    let contradicts = |told: &&NodeHealth| {
        let state = told.health.as_ref().ok().map(|health| health.state);
        state.is_some_and(|state| {
            state == State::Halted && said.state.makes_progress()
                || said.state == State::Halted && state.makes_progress()
        })
    };
    let others: Vec<&str> = told.iter().filter(contradicts).map(|told| told.name.as_str()).collect();
    let silent = told.iter().filter(|told| told.health.is_err()).map(|told| told.name.as_str());
    // Those that do not answer to a client but vote are no part of the sentence.
    let unsaid: Vec<&str> =
        silent.filter(|name| said.missing.iter().all(|missing| missing.node_id != **name)).collect();
    if !others.is_empty() {
        let verb = if others.len() == 1 { "says" } else { "say" };
        said.sentence.push_str(&format!("; {} {verb} the opposite", few(&others)));
    }
    if !unsaid.is_empty() {
        said.sentence.push_str(&format!("; no answer to me from {}", few(&unsaid)));
    }
    said
}

/// Names in a sentence.
fn few(names: &[&str]) -> String {
    const SHOWN_MAX: usize = 5;
    match names.len().saturating_sub(SHOWN_MAX) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..SHOWN_MAX].join(", ")),
    }
}

/// The best first.
fn rank(state: State) -> u8 {
    match state {
        State::Ok => 0,
        State::Degraded => 1,
        State::Halted => 2,
        State::Behind => 3,
        State::Waiting => 4,
        State::Failing => 5,
        State::Unreachable => 6,
    }
}

fn unreachable(told: &[NodeHealth]) -> Health {
    let why = |told: &NodeHealth| told.health.as_ref().err().map(NoHealth::to_string);
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

    fn told(name: &str, state: State, missing: &[&str]) -> NodeHealth {
        let missing = missing.iter().map(|node_id| Missing {
            node_id: (*node_id).into(),
            stake: 1,
            since: String::new(),
            how: How::Disconnected,
        });
        let sentence = format!("{} by {name}", state.word());
        let health = Health { state, sentence, missing: missing.collect(), what_to_do: "nothing".into() };
        NodeHealth { name: name.into(), health: Ok(health) }
    }

    fn silent(name: &str) -> NodeHealth {
        NodeHealth { name: name.into(), health: Err(NoHealth::Silent { name: name.into() }) }
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

    #[test]
    fn one_node_that_lies_neither_heals_nor_halts_a_network() {
        let mut halted = ["a", "b", "c"].map(|name| told(name, State::Halted, &["d"])).to_vec();
        halted.insert(0, told("d", State::Ok, &[]));
        let said = network(&halted);
        assert_eq!((said.state, said.sentence.as_str()), (State::Halted, "HALTED by a; d says the opposite"));
        let mut well = ["a", "b", "c"].map(|name| told(name, State::Degraded, &[])).to_vec();
        well.insert(0, told("d", State::Ok, &[]));
        assert_eq!(network(&well).sentence, "DEGRADED by a", "nor is it well because one says so");
        well[0] = told("d", State::Halted, &["a", "b", "c"]);
        assert_eq!(network(&well).sentence, "DEGRADED by a; d says the opposite");
        let mut waiting = ["a", "b", "c"].map(|name| told(name, State::Waiting, &[])).to_vec();
        waiting.insert(0, told("d", State::Ok, &[]));
        assert_eq!(network(&waiting).state, State::Waiting, "nor is one that waits");
        waiting[0] = told("d", State::Halted, &["a", "b", "c"]);
        assert_eq!(network(&waiting).state, State::Waiting);
        let tie = [told("d", State::Ok, &[]), told("a", State::Halted, &["x"]), silent("b"), silent("c")];
        assert_eq!(network(&tie).state, State::Halted, "of two that differ the worse is said");
        let same =
            [told("d", State::Halted, &["x", "a"]), told("a", State::Halted, &["x"]), told("b", State::Halted, &["x"])];
        assert_eq!(network(&same).sentence, "HALTED by a", "whom the others miss");
        // By stake, where it is known: three small ones are not half.
        let weights = Weights::new(vec![Some(40), Some(10), Some(10), Some(10)], 70);
        assert_eq!(network_by(&halted, &weights).state, State::Ok);
    }

    #[test]
    fn an_answer_is_cut_and_one_that_contradicts_itself_is_none() {
        let answer = |state: &str, sentence: &str| {
            let missing = serde_json::json!({"node_id": "x", "stake": 1, "since": "", "how": "silent"});
            let health = serde_json::json!({"state": state, "sentence": sentence, "what_to_do": "x".repeat(9_000), "missing": vec![missing; 3_000]});
            of_answer(&serde_json::json!({"health": health}))
        };
        let health = answer("ok", &format!("OK: {}\u{1b}[2J", "y".repeat(9_000))).unwrap();
        assert!(health.sentence.len() < 500 && health.what_to_do.len() < 500 && health.missing.len() == MISSING_MAX);
        assert!(answer("ok", "HALTED: not at all").is_none() && answer("splendid", "OK: x").is_none());
        assert!(of_answer(&serde_json::json!({"health": {"state": "ok", "sentence": -1}})).is_none());
    }
}
