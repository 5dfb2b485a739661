//! `pop why`: why a network, or one validator of it, makes progress or does not, and what to do.
//!
//! Nodes may lie: of a network, those on whose side most stake is are believed, and what one says of itself stands in its line.

use crate::agreement::Weights;
use crate::client::Client;
use crate::exit::{Exit, Outcome};
use crate::nodes::Choice;
use crate::say;
use crate::text::{count, names, plain, span, word};
use crate::why::{self, Health, How, NoHealth, NodeHealth};
use protocol::types::NodeId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Duration;

/// Digits of a proof's id that are shown.
const DIGITS: usize = 12;

/// Say why the network, or one validator of it, makes progress or does not: who is missing, what is checked where, what to do.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    nodes: Choice,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Lines of one list; a network may have a thousand validators.
const LINES_MAX: usize = 20;
/// The ledger says who holds what; without it each node weighs the same.
const LEDGER_WITHIN: Duration = Duration::from_secs(1);

/// What one node answered.
struct Answer {
    name: String,
    why: Result<Value, NoHealth>,
    /// Its word on who holds what, in micro-tokens, if it was asked and has one.
    stakes: BTreeMap<String, u64>,
}

impl Arguments {
    /// Ends with 0 if blocks become final, and with 4 if not.
    pub fn run(&self) -> Outcome {
        let answers = ask(self.nodes.all()?);
        let healths: Vec<NodeHealth> = answers.iter().map(health_of).collect();
        let health = why::network_by(&healths, &weights(&answers));
        if self.json {
            let of = |answer: &Answer| match &answer.why {
                Ok(why) => json!({"node": answer.name, "why": why}),
                Err(error) => json!({"node": answer.name, "error": error.to_string()}),
            };
            let nodes: Vec<_> = answers.iter().map(of).collect();
            say!("{:#}", json!({"health": health, "nodes": nodes}));
        } else {
            screen(&health, &answers).iter().for_each(|line| say!("{line}"));
        }
        Ok(if health.state.makes_progress() { Exit::Fine } else { Exit::Unreachable })
    }
}

/// All at once: one that hangs takes its three seconds, and not those of the others.
fn ask(nodes: Vec<Client>) -> Vec<Answer> {
    let are_several = nodes.len() > 1;
    let asking: Vec<_> = nodes
        .into_iter()
        .map(|node| (node.place().0.to_owned(), std::thread::spawn(move || ask_one(node, are_several))))
        .collect();
    let answer = |(name, asked): (String, JoinHandle<Asked>)| {
        let (why, stakes) = asked.join().unwrap_or_else(|_| (Err(NoHealth::Panicked), BTreeMap::new()));
        Answer { name, why, stakes }
    };
    asking.into_iter().map(answer).collect()
}

type Asked = (Result<Value, NoHealth>, BTreeMap<String, u64>);

fn ask_one(node: Client, with_stakes: bool) -> Asked {
    let why = node.get("/v1/why").map_err(|failure| NoHealth::Unanswered { message: failure.message });
    let why = why.and_then(|why| is_of(&node, &why).map(|()| why));
    let ledger = (with_stakes && why.is_ok()).then(|| node.answering_within(LEDGER_WITHIN).get("/v1/ledger").ok());
    let accounts = ledger.flatten().map(|ledger| ledger["accounts"].as_array().cloned().unwrap_or_default());
    let stake =
        |account: Value| Some((account["node_id"].as_str()?.to_owned(), account["stake_micro_tokens"].as_u64()?));
    (why, accounts.into_iter().flatten().filter_map(stake).collect())
}

/// Whether an answer is of the node that the user meant; one that was given by its address may be anybody.
fn is_of(node: &Client, why: &Value) -> Result<(), NoHealth> {
    let (name, address) = node.place();
    let own = word(&why["node_id"], "nobody");
    if NodeId::new(name).is_ok() && own != name {
        return Err(NoHealth::OtherNode { name: name.into(), address: address.into(), says: own.into() });
    }
    Ok(())
}

/// By the stakes that more than half of the nodes that answer name; where there are none, as when ledgers are slow, each weighs
/// the same: a single ledger is a single node's word.
fn weights(answers: &[Answer]) -> Weights {
    let tables = answers.iter().map(|answer| &answer.stakes).filter(|stakes| !stakes.is_empty());
    let count = |table: &&BTreeMap<String, u64>| answers.iter().filter(|answer| answer.stakes == **table).count();
    let none = BTreeMap::new();
    let answering = answers.iter().filter(|answer| answer.why.is_ok()).count();
    let stakes = tables.max_by_key(count).filter(|table| 2 * count(table) > answering).unwrap_or(&none);
    let stake = |answer: &Answer| {
        let node_id = answer.why.as_ref().ok()?["node_id"].as_str()?;
        Some(stakes.get(node_id).copied().unwrap_or(0))
    };
    Weights::new(answers.iter().map(stake).collect(), stakes.values().map(|stake| u128::from(*stake)).sum())
}

fn health_of(answer: &Answer) -> NodeHealth {
    let health = answer
        .why
        .clone()
        .and_then(|why| why::of_answer(&why).ok_or_else(|| NoHealth::OtherForm { name: answer.name.clone() }));
    NodeHealth { name: answer.name.clone(), health }
}

fn screen(health: &Health, answers: &[Answer]) -> Vec<String> {
    let mut lines = head(health);
    lines.push(String::new());
    if let [Answer { why: Ok(why), .. }] = answers {
        lines.push(format!("{}: {}", plain(word(&why["node_id"], "?")), place(why)));
    } else if answers.len() > 1 {
        lines.push("Nodes:".into());
        lines.extend(answers.iter().map(node));
    }
    lines.extend(missing(health));
    lines.extend(answers.iter().flat_map(down));
    lines.extend(checks(answers));
    lines.extend(pending(answers));
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The sentence, and what to do unless that is nothing.
pub fn head(health: &Health) -> Vec<String> {
    let advice = (health.what_to_do != "nothing").then(|| format!("What to do: {}", plain(&health.what_to_do)));
    [plain(&health.sentence)].into_iter().chain(advice).collect()
}

fn place(why: &Value) -> String {
    let last =
        why["last_final_ms"].as_u64().map_or("none since its start".to_owned(), |ms| format!("{} ago", span(ms)));
    format!(
        "view {}, leader {}; last final block {} ({last}); up for {}",
        count(&why["current_view"]),
        plain(word(&why["leader"], "unknown")),
        count(&why["current_sequence"]),
        span(why["uptime_ms"].as_u64().unwrap_or(0)),
    )
}

fn node(answer: &Answer) -> String {
    match &answer.why {
        Ok(why) => {
            format!("  {:<10} {:<9} {}", plain(&answer.name), plain(word(&why["health"]["state"], "?")), place(why))
        }
        Err(error) => format!("  {:<10} {:<9} {}", plain(&answer.name), "silent", plain(&error.to_string())),
    }
}

fn missing(health: &Health) -> Vec<String> {
    let line = |missing: &why::Missing| {
        let how = match missing.how {
            How::Disconnected => "not connected",
            How::NeverConnected => "never connected",
            How::Silent => "connected, and does not vote",
            How::NotSigning => "does not sign",
        };
        format!("  {:<10} {:>8} stake, {how}, since {}", plain(&missing.node_id), missing.stake, plain(&missing.since))
    };
    list("Missing:", health.missing.iter().map(line).collect())
}

fn down(answer: &Answer) -> Option<String> {
    let why = answer.why.as_ref().ok()?;
    let down: Vec<String> = why["actors_down"].as_array()?.iter().filter_map(Value::as_str).map(plain).collect();
    (!down.is_empty())
        .then(|| format!("Down at {}: {}", plain(&answer.name), down[..down.len().min(LINES_MAX)].join(", ")))
}

/// The oldest first: what holds a block up is found at the top.
fn checks(answers: &[Answer]) -> Vec<String> {
    let mut checks = Vec::new();
    for answer in answers {
        let Ok(why) = &answer.why else { continue };
        for check in why["checks"].as_array().into_iter().flatten() {
            checks.push((check["for_ms"].as_u64().unwrap_or(0), check, &answer.name));
        }
    }
    checks.sort_by_key(|(ms, ..)| std::cmp::Reverse(*ms));
    let line = |(ms, check, name): &(u64, &Value, &String)| {
        let how = if check["running"] == true { "being checked" } else { "waits for a worker" };
        let proof: String = word(&check["proof"], "?").chars().take(DIGITS).collect();
        format!("  {}: {how} at {} for {}", plain(&proof), plain(name), span(*ms))
    };
    list("Proofs under check:", checks.iter().map(line).collect())
}

/// The oldest of the first node that tells: each sees the same ones.
fn pending(answers: &[Answer]) -> Vec<String> {
    let pending_at =
        |answer: &Answer| Some((answer.name.clone(), answer.why.as_ref().ok()?["pending"].as_array()?.clone()));
    let Some((name, proofs)) = answers.iter().find_map(pending_at) else { return Vec::new() };
    let line = |pending: &Value| {
        let proof: String = word(&pending["proof"], "?").chars().take(DIGITS).collect();
        let state = match (word(&pending["state"], "?"), pending["no_verdict_from"].as_array().map_or(0, Vec::len)) {
            ("pending", 0) => "every validator has its verdict; it waits for its block".to_owned(),
            ("pending", _) => format!("no verdict yet from {}", names(&pending["no_verdict_from"])),
            (state, _) => state.to_owned(),
        };
        format!("  {}: {}", plain(&proof), plain(&state))
    };
    list(&format!("Oldest pending proofs at {}:", plain(&name)), proofs.iter().map(line).collect())
}

/// A title and what stands below it, cut; nothing without that.
fn list(title: &str, lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        return lines;
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    let mut all = vec![title.to_owned()];
    all.extend(lines.into_iter().take(LINES_MAX));
    all.extend((more > 0).then(|| format!("  and {more} more")));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &str, state: &str, sentence: &str) -> Answer {
        let health = json!({"state": state, "sentence": sentence, "what_to_do": "now: start node_3", "missing": [
            {"node_id": "node_3", "stake": 10_000, "since": "2026-11-30T14:02:11Z", "how": "disconnected"}]});
        let why = json!({"health": health, "node_id": name, "current_view": 7, "leader": "node_2", "current_sequence": 5,
            "last_final_ms": 81_000, "uptime_ms": 240_000, "actors_down": ["mempool"],
            "checks": [{"proof": "0123456789abcdef", "for_ms": 12_000, "running": true}],
            "pending": [{"proof": "fedcba9876543210", "state": "pending", "no_verdict_from": ["node_3"]}]});
        Answer { name: name.into(), why: Ok(why), stakes: BTreeMap::new() }
    }

    #[test]
    fn a_single_ledger_says_nothing_about_stakes() {
        let with = |name: &str, stakes: &[(&str, u64)]| Answer {
            stakes: stakes.iter().map(|(name, stake)| ((*name).to_owned(), *stake)).collect(),
            ..answer(name, "ok", "OK")
        };
        // Those of the three honest ones came too late.
        let liar =
            [with("node_4", &[("node_4", 1 << 60)]), with("node_1", &[]), with("node_2", &[]), with("node_3", &[])];
        assert!(!weights(&liar).say(|node| node == 0), "it weighs as much as any other");
        let honest = [("node_1", 10), ("node_2", 10), ("node_3", 10), ("node_4", 10)];
        let outvoted = [
            with("node_4", &[("node_4", 1 << 60)]),
            with("node_1", &honest),
            with("node_2", &honest),
            with("node_3", &honest),
        ];
        assert_eq!(weights(&outvoted).of(|_| true), 40);
    }

    #[test]
    fn one_node_is_told_with_place_missing_and_checks() {
        let answers = [answer("node_1", "halted", "HALTED: because\u{1b}[2J")];
        let health = why::network(&answers.iter().map(health_of).collect::<Vec<_>>());
        let lines = screen(&health, &answers);
        let expected = [
            "HALTED: because\\u{1b}[2J",
            "What to do: now: start node_3",
            "",
            "node_1: view 7, leader node_2; last final block 5 (81 s ago); up for 4 min",
            "Missing:",
            "  node_3        10000 stake, not connected, since 2026-11-30T14:02:11Z",
            "Down at node_1: mempool",
            "Proofs under check:",
            "  0123456789ab: being checked at node_1 for 12 s",
            "Oldest pending proofs at node_1:",
            "  fedcba987654: no verdict yet from node_3",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn of_several_each_has_its_line_and_one_that_is_silent_keeps_none_back() {
        let nothing = BTreeMap::new;
        let message = "node_3 takes connections but does not answer".to_owned();
        let why = Err(NoHealth::Unanswered { message });
        let silent = Answer { name: "node_3".into(), why, stakes: nothing() };
        let odd = Answer { name: "node_4".into(), why: Ok(json!({"current_view": "\u{1b}[2J"})), stakes: nothing() };
        let answers = [answer("node_1", "halted", "HALTED: because"), silent, odd];
        let health = why::network(&answers.iter().map(health_of).collect::<Vec<_>>());
        let text = screen(&health, &answers).join("\n");
        assert!(text.starts_with("HALTED: because; no answer to me from node_4\n"), "{text}");
        for line in ["  node_1     halted    view 7", "  node_3     silent    node_3 takes connections"] {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
        assert!(text.contains("  node_4     ?         view ?, leader unknown; last final block ?"), "{text}");
    }

    #[test]
    fn stakes_are_those_that_most_nodes_name() {
        let true_one = BTreeMap::from([("a".to_owned(), 10), ("b".to_owned(), 10), ("c".to_owned(), 10)]);
        let lie = BTreeMap::from([("a".to_owned(), u64::MAX)]);
        let of = |name: &str, stakes: &BTreeMap<String, u64>| Answer {
            stakes: stakes.clone(),
            ..answer(name, "ok", "OK: x")
        };
        let answers = [of("a", &lie), of("b", &true_one), of("c", &true_one)];
        let weights = weights(&answers);
        assert_eq!((0..3).map(|node| weights.of(|one| one == node)).collect::<Vec<_>>(), [10, 10, 10]);
        let many = list("All:", vec!["x".into(); 500]);
        assert_eq!((many.len(), many.last().map(String::as_str)), (22, Some("  and 480 more")));
    }
}
