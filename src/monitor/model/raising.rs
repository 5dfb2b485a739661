//! Which alerts hold now: made from the model alone.
//!
//! Each alert says who, by how much and what it means. Must never: name as missing who has a session with an answering node.

use super::{DISTRUST, Model, Node, Reach, Validator};
use crate::monitor::alerts::{Raised, too_few};
use crate::monitor::facts::{Status, Trouble};
use crate::text::{grouped, span};
use actors::network::skew;
use protocol::types::Millis;
use std::collections::BTreeMap;

/// Without a final block for so long something is wrong: an idle network makes one each 10 s, a new leader takes its turn
/// within some more.
const FINAL_AGE_MAX: Millis = Millis(60_000);
/// Restarts of one actor within a minute that are too many.
const RESTARTS_MAX: usize = 5;
const MINUTE: Millis = Millis(60_000);
const ACCURACY_MIN: f64 = 0.95;
/// Checks before their share says anything.
const CHECKED_MIN: u64 = 20;
/// Blocks that a node may be behind while it fetches them.
const BEHIND_MAX: u64 = 20;

/// Everything that is wrong now.
pub(super) fn raised(model: &Model, now: Millis) -> Vec<Raised> {
    let mut all = Vec::new();
    network(model, now, &mut all);
    forks(model, &mut all);
    twice(model, &mut all);
    model.validators().iter().for_each(|validator| missing(model, validator, &mut all));
    (0..model.nodes.len()).for_each(|node| one_node(model, node, now, &mut all));
    all
}

/// One key in two processes, or a node given twice by two addresses.
fn twice(model: &Model, all: &mut Vec<Raised>) {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for node in model.nodes.iter().filter(|node| node.answers()) {
        if let Some(other) = names.insert(&node.name, &node.address) {
            let (name, address) = (&node.name, &node.address);
            let text =
                format!("{other} and {address} both say that they are {name}: one key may be used by two processes");
            all.push(Raised::warning(format!("twice {name}"), None, text));
        }
    }
}

fn network(model: &Model, now: Millis, all: &mut Vec<Raised>) {
    let Some(status) = model.primary_status() else {
        if model.nodes.iter().all(|node| matches!(node.reach, Reach::Silent(_))) {
            let last = model.nodes.iter().map(|node| node.answered).max();
            all.push(Raised::critical("unreachable", last, "no node answers".into()));
        }
        return;
    };
    let last_final = model.figures.last_final();
    let agreed = model.agreed.clone().unwrap_or_default();
    if agreed.is_halted {
        let stakes =
            format!("{} of {} stake is connected", grouped(agreed.reachable_stake), grouped(agreed.total_stake));
        let text = if agreed.has_quorum {
            format!("halted: {stakes}, a quorum, and too few of them vote")
        } else {
            format!("halted: {stakes}, and a quorum is more than two thirds")
        };
        all.push(Raised::critical("halted", last_final, text));
    } else if let Some(last) = last_final.filter(|last| now.since(*last) > FINAL_AGE_MAX)
        && !model.weights.say(|node| model.word(node).is_some_and(Status::makes_progress))
    {
        let text = format!("no block became final for {} although a quorum is connected", span(now.since(last).0));
        all.push(Raised::critical("stalled", Some(last), text));
    }
    if let Some(mempool) = &status.mempool {
        let is_full = |now: u64, max: u64| max > 0 && now >= max / 10 * 9;
        if is_full(mempool.proofs, mempool.proofs_max) || is_full(mempool.bytes, mempool.bytes_max) {
            let text = format!("the mempool of {} is nearly full: submitters have to retry later", status.node_id);
            all.push(Raised::warning("mempool".into(), None, text));
        }
    }
}

/// Two final blocks of one sequence: the one thing that must never be. Where only one of them is told by nodes with enough
/// stake, the other may be a lie.
fn forks(model: &Model, all: &mut Vec<Raised>) {
    let mut blocks: BTreeMap<u64, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (index, status) in model.words() {
        blocks.entry(status.sequence).or_default().entry(&status.block).or_default().push(index);
    }
    let is_certain = |sides: &BTreeMap<&str, Vec<usize>>| {
        sides.values().filter(|nodes| model.weights.say(|node| nodes.contains(&node))).count() > 1
    };
    let forks = blocks.into_iter().filter(|(_, sides)| sides.len() > 1);
    let Some((sequence, sides)) = forks.max_by_key(|(_, sides)| is_certain(sides)) else { return };
    let (key, what) = match is_certain(&sides) {
        true => ("fork", "a safety fault"),
        false => ("two blocks", "a safety fault, unless one side lies"),
    };
    let names = |nodes: Vec<usize>| {
        let names: Vec<&str> = nodes.iter().take(3).map(|node| model.nodes[*node].name.as_str()).collect();
        names.join(", ")
    };
    let mut sides: Vec<String> = sides.into_values().map(names).collect();
    sides.sort_unstable();
    all.push(Raised::critical(
        key,
        None,
        format!("{} have different final blocks {sequence}: {what}", sides.join(" and ")),
    ));
}

fn missing(model: &Model, validator: &Validator, all: &mut Vec<Raised>) {
    let Validator { name, stake, node, sessions, is_connected, is_member: _ } = validator;
    let total = model.agreed.as_ref().map_or(0, |agreed| agreed.total_stake);
    let stakes = match (*stake, total) {
        (0, _) => String::new(),
        (stake, 0) => format!(" ({} stake)", grouped(stake)),
        (stake, total) => format!(" ({} of {} stake)", grouped(stake), grouped(total)),
    };
    let node = node.map(|index| &model.nodes[index]);
    let key = format!("missing {name}");
    match (node, node.map(|node| &node.reach)) {
        (Some(node), Some(Reach::Silent(trouble))) => {
            let sessions = match sessions {
                0 => String::new(),
                count => format!("; {count} of the others still have a session with it"),
            };
            let verb = if matches!(trouble, Trouble::Unavailable(_)) { "is impaired" } else { "is missing" };
            let text = format!("{name} {verb}{stakes}: {}{sessions}", trouble.sentence());
            all.push(Raised::warning(key, Some(node.answered), text));
        }
        (_, None | Some(Reach::Answers)) if *is_connected && not_voting(model, name) => {
            all.push(Raised::warning(key, None, format!("{name} is connected and does not vote{stakes}")));
        }
        (Some(node), Some(Reach::Answers)) if *sessions == 0 && model.nodes.len() > 1 => {
            let peers =
                node.status.as_ref().map_or(0, |status| status.peers.iter().filter(|peer| peer.connected).count());
            if peers == 0 {
                all.push(Raised::warning(
                    key,
                    None,
                    format!("{name} is cut off{stakes}: it answers here, and has no session with any other"),
                ));
            }
        }
        (None, _) => {
            if let Some(since) = model.gone_since(name) {
                let text = format!("{name} is missing{stakes}: {}", too_few(*sessions));
                all.push(Raised::warning(key, Some(since), text));
            }
        }
        (Some(_), _) => {}
    }
}

/// By the word of nodes with enough stake.
fn not_voting(model: &Model, name: &str) -> bool {
    let says =
        |status: &Status| status.health.as_ref().is_some_and(|health| health.not_voting.iter().any(|one| one == name));
    model.weights.say(|node| model.word(node).is_some_and(says))
}

fn one_node(model: &Model, index: usize, now: Millis, all: &mut Vec<Raised>) {
    let node = &model.nodes[index];
    let (name, Some(status)) = (&node.name, node.status.as_ref().filter(|_| node.answers())) else { return };
    let mut warn = |what: &str, text: String| all.push(Raised::warning(format!("{what} {name}"), None, text));
    if Some(status.chain.as_str()) != model.chain() {
        return warn("chain", format!("{name} is of another network: its genesis is another one"));
    }
    chain_of(model, node, status, &mut warn);
    work_of(model, node, status, now, &mut warn);
}

/// Where a node says that its chain is, beside what the others say.
fn chain_of(model: &Model, node: &Node, status: &Status, warn: &mut impl FnMut(&str, String)) {
    let name = &node.name;
    let head = model.agreed.as_ref().map_or(0, |agreed| agreed.sequence);
    if let Some(behind) = head.checked_sub(status.sequence).filter(|behind| *behind > BEHIND_MAX) {
        warn("behind", format!("{name} is {behind} blocks behind"));
    }
    if model.is_ahead(status) {
        let (block, head) = (grouped(status.sequence), grouped(head));
        warn(
            "ahead",
            format!(
                "{name} says that block {block} is final, and the others that {head} is the last: it is not believed"
            ),
        );
    }
    if let Some((sequence, _)) = node.unconfirmed {
        let text = format!(
            "{name} told of a final block {} that the others do not have: it is not believed for {}",
            grouped(sequence),
            span(DISTRUST.0)
        );
        warn("unconfirmed", text);
    }
}

/// What keeps a node from working as it should.
fn work_of(model: &Model, node: &Node, status: &Status, now: Millis, warn: &mut impl FnMut(&str, String)) {
    let name = &node.name;
    // Where there is no quorum everybody waits, and one alert says so.
    let halted = model.agreed.as_ref().is_some_and(|agreed| agreed.is_halted);
    if let Some(why) = status.waiting_for.as_ref().filter(|_| !halted) {
        warn("waiting", format!("{name} waits: {why}"));
    }
    if !status.actors_down.is_empty() {
        warn("actor", format!("{name}: {} not running, and being restarted", status.actors_down.join(", ")));
    }
    let mut recent: BTreeMap<&str, usize> = BTreeMap::new();
    let lately = node.restarts.iter().filter(|(at, _)| now.since(*at) < MINUTE);
    lately.for_each(|(_, actor)| *recent.entry(actor).or_default() += 1);
    for (actor, count) in recent.into_iter().filter(|(_, count)| *count >= RESTARTS_MAX) {
        warn(actor, format!("{name}: {actor} was restarted {count} times within a minute"));
    }
    if let Some(ahead) = status.clock_ahead_ms.filter(|ahead| skew::is_told(*ahead)) {
        warn("clock", format!("{name}: its clock is {}", skew::words(ahead, "the others' median")));
    }
    if let Some((accuracy, checked)) =
        node.metrics.as_ref().and_then(|metrics| Some((metrics.accuracy?, metrics.checked)))
        && accuracy < ACCURACY_MIN
        && checked >= CHECKED_MIN
    {
        warn(
            "accuracy",
            format!("{name}: {:.1}% of its last {checked} checks agree with final proofs", accuracy * 100.0),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{model, say, status, well};
    use super::*;
    use crate::monitor::alerts::Severity;

    fn texts(model: &mut Model, now: u64) -> Vec<(Severity, u64, String)> {
        model.tick(Millis(now));
        model.alerts().iter().map(|alert| (alert.severity, alert.since_ms, alert.text.clone())).collect()
    }

    #[test]
    fn a_healthy_network_raises_nothing() {
        let mut model = model();
        assert_eq!(texts(&mut model, 500), []);
        well(&mut model, 1_000, 7);
        assert_eq!(texts(&mut model, 1_000), []);
    }

    #[test]
    fn who_is_missing_is_named_with_stake_and_since_when() {
        let mut model = model();
        well(&mut model, 1_000, 7);
        say(&mut model, 3_000, 3, Err(Trouble::TimedOut));
        let still = texts(&mut model, 3_000);
        let text = "node_3 is missing (10,000 of 40,000 stake): hung or stopped: takes connections but does not answer; \
                    3 of the others still have a session with it";
        assert_eq!(still, [(Severity::Warning, 1_000, text.into())]);
        for node in [1, 2] {
            say(&mut model, 4_000, node, Ok(status(node, 7, &[3 - node])));
        }
        say(&mut model, 4_000, 4, Err(Trouble::Refused));
        let halted = texts(&mut model, 5_000);
        assert_eq!(halted[0].2, "halted: 20,000 of 40,000 stake is connected, and a quorum is more than two thirds");
        assert_eq!((halted[0].0, halted.len()), (Severity::Critical, 3), "{halted:?}");
        assert!(halted.iter().any(|(_, since, text)| *since == 1_000
            && text.starts_with("node_4 is missing (10,000 of 40,000 stake): not running")));
        well(&mut model, 9_000, 8);
        assert_eq!(texts(&mut model, 9_000), []);
    }

    #[test]
    fn times_that_one_node_makes_up_halt_nothing() {
        let mut model = model();
        well(&mut model, 1_000_000, 7);
        let block = crate::monitor::facts::Block { sequence: 7, ..Default::default() };
        let answer = crate::monitor::facts::Answer::Blocks { blocks: vec![block], live: false };
        model.take(crate::monitor::facts::Report { node: 0, at: Millis(1_000_000), answer });
        assert_eq!(model.figures.last_final(), Some(Millis(0)));
        assert_eq!(texts(&mut model, 1_000_000), [], "the others see blocks become final");
        (2..=4).for_each(|node| say(&mut model, 1_000_000, node, Ok(status(node, 7, &[]))));
        assert!(texts(&mut model, 1_000_000)[0].2.starts_with("halted"), "{:?}", model.alerts());
    }

    #[test]
    fn nobody_answering_is_one_alert_and_each_node_another() {
        let mut model = model();
        (1..=4).for_each(|node| say(&mut model, 2_000, node, Err(Trouble::Refused)));
        let all = texts(&mut model, 2_000);
        assert_eq!((all[0].2.as_str(), all[0].1), ("no node answers", 0));
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn two_final_blocks_of_one_sequence_come_before_everything() {
        let mut model = model();
        well(&mut model, 1_000, 7);
        say(&mut model, 1_500, 4, Err(Trouble::Refused));
        let other = crate::monitor::facts::Status { block: "another".into(), ..status(2, 7, &[1, 3]) };
        say(&mut model, 2_000, 2, Ok(other));
        let all = texts(&mut model, 2_000);
        assert!(all[0].2.contains("different final blocks 7"), "{all:?}");
        assert_eq!(all[0].1, 2_000);
        let later = texts(&mut model, 9_000);
        assert_eq!(later[0].1, 2_000, "since then");
        assert!(model.alerts().iter().all(|alert| !alert.is_halt), "one of four may lie");
        let other = crate::monitor::facts::Status { block: "another".into(), ..status(3, 7, &[1, 2]) };
        say(&mut model, 9_500, 3, Ok(other));
        let alert = &model.alerts()[0];
        assert!(
            alert.text.starts_with("node_1 and node_2, node_3 have different final blocks 7: a safety fault"),
            "{alert:?}"
        );
        assert!(!alert.is_halt, "of node_1 alone; node_4 does not answer");
        say(&mut model, 9_600, 4, Ok(status(4, 7, &[1, 2, 3])));
        assert!(model.alerts().iter().any(|alert| alert.is_halt), "two against two: {:?}", model.alerts());
    }
}
