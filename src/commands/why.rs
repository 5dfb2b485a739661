//! `pop why`: why a network, or one validator of it, makes progress or does not, and what to do.

use crate::client::Client;
use crate::exit::{Exit, Failure, Outcome};
use crate::nodes::Choice;
use crate::say;
use crate::text::{names, plain, span, word};
use crate::why::{self, Health, How, Told};
use serde_json::{Value, json};
use std::thread::JoinHandle;

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

/// What one node answered.
struct Answer {
    name: String,
    why: Result<Value, String>,
}

impl Arguments {
    /// Ends with 0 if blocks become final, and with 4 if not.
    pub fn run(&self) -> Outcome {
        let answers = ask(self.nodes.all()?);
        let told: Vec<Told> = answers.iter().map(told).collect();
        let health = why::network(&told);
        if self.json {
            let of = |answer: &Answer| match &answer.why {
                Ok(why) => json!({"node": answer.name, "why": why}),
                Err(error) => json!({"node": answer.name, "error": error}),
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
    let asking: Vec<_> = nodes
        .into_iter()
        .map(|node| {
            let name = node.place().0.to_owned();
            (name, std::thread::spawn(move || node.get("/v1/why")))
        })
        .collect();
    let answer = |(name, asked): (String, JoinHandle<Result<Value, Failure>>)| {
        let why = match asked.join() {
            Ok(Ok(why)) => Ok(why),
            Ok(Err(failure)) => Err(failure.message),
            Err(_) => Err("asking it failed here".to_owned()),
        };
        Answer { name, why }
    };
    asking.into_iter().map(answer).collect()
}

fn told(answer: &Answer) -> Told {
    let health = answer.why.clone().and_then(|why| {
        why::of_answer(&why).ok_or_else(|| {
            format!("{} answers otherwise than this program expects: it is of another version", answer.name)
        })
    });
    Told { name: answer.name.clone(), health }
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
        why["current_view"],
        plain(word(&why["leader"], "unknown")),
        why["current_sequence"],
        span(why["uptime_ms"].as_u64().unwrap_or(0)),
    )
}

fn node(answer: &Answer) -> String {
    match &answer.why {
        Ok(why) => {
            format!("  {:<10} {:<9} {}", plain(&answer.name), plain(word(&why["health"]["state"], "?")), place(why))
        }
        Err(error) => format!("  {:<10} {:<9} {}", plain(&answer.name), "silent", plain(error)),
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
    let lines: Vec<String> = health.missing.iter().map(line).collect();
    if lines.is_empty() { lines } else { [vec!["Missing:".to_owned()], lines].concat() }
}

fn down(answer: &Answer) -> Option<String> {
    let why = answer.why.as_ref().ok()?;
    let down: Vec<String> = why["actors_down"].as_array()?.iter().filter_map(Value::as_str).map(plain).collect();
    (!down.is_empty()).then(|| format!("Down at {}: {}", plain(&answer.name), down.join(", ")))
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
    let lines: Vec<String> = checks.iter().map(line).collect();
    if lines.is_empty() { lines } else { [vec!["Proofs under check:".to_owned()], lines].concat() }
}

/// The oldest of the first node that tells: each sees the same ones.
fn pending(answers: &[Answer]) -> Vec<String> {
    let told = |answer: &Answer| Some((answer.name.clone(), answer.why.as_ref().ok()?["pending"].as_array()?.clone()));
    let Some((name, proofs)) = answers.iter().find_map(told) else { return Vec::new() };
    let line = |pending: &Value| {
        let proof: String = word(&pending["proof"], "?").chars().take(DIGITS).collect();
        let state = match (word(&pending["state"], "?"), pending["no_verdict_from"].as_array().map_or(0, Vec::len)) {
            ("pending", 0) => "every validator has its verdict; it waits for its block".to_owned(),
            ("pending", _) => format!("no verdict yet from {}", names(&pending["no_verdict_from"])),
            (state, _) => state.to_owned(),
        };
        format!("  {}: {}", plain(&proof), plain(&state))
    };
    let lines: Vec<String> = proofs.iter().map(line).collect();
    if lines.is_empty() { lines } else { [vec![format!("Oldest pending proofs at {}:", plain(&name))], lines].concat() }
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
        Answer { name: name.into(), why: Ok(why) }
    }

    #[test]
    fn one_node_is_told_with_place_missing_and_checks() {
        let answers = [answer("node_1", "halted", "HALTED: because\u{1b}[2J")];
        let health = why::network(&answers.iter().map(told).collect::<Vec<_>>());
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
        let silent = Answer { name: "node_3".into(), why: Err("node_3 takes connections but does not answer".into()) };
        let odd = Answer { name: "node_4".into(), why: Ok(json!({})) };
        let answers = [answer("node_1", "halted", "HALTED: because"), silent, odd];
        let health = why::network(&answers.iter().map(told).collect::<Vec<_>>());
        let text = screen(&health, &answers).join("\n");
        assert!(text.starts_with("HALTED: because; no answer to me from node_4\n"), "{text}");
        for line in ["  node_1     halted    view 7", "  node_3     silent    node_3 takes connections"] {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
    }
}
