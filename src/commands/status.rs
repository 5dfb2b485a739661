//! `pop status`: how a running node is, grouped for people, or the API's own object.

use crate::exit::{Exit, Outcome};
use crate::nodes::Choice;
use crate::say;
use crate::text::{amount, counted, plain, span, utc, word};
use actors::network::skew;
use serde_json::Value;
use std::fmt::Display;

/// Show the status of a running node.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    nodes: Choice,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Outcome {
        let client = self.nodes.one()?;
        if self.json {
            say!("{:#}", client.get("/v1/status")?);
            return Ok(Exit::Fine);
        }
        // It answers whatever hangs; the status needs two of the actors.
        let why = client.get("/v1/why")?;
        match client.get("/v1/status") {
            Ok(status) => screen(&status).iter().for_each(|line| say!("{line}")),
            Err(failure) => {
                health(&why["health"]).iter().for_each(|line| say!("{line}"));
                return Err(failure);
            }
        }
        Ok(Exit::Fine)
    }
}

/// The guide's block: what a validator prints when it is up, and the first thing that `pop status` shows.
pub fn head(
    node_id: impl Display,
    stake: impl Display,
    connected: impl Display,
    leads: bool,
    view: impl Display,
    sequence: impl Display,
) -> Vec<String> {
    vec![
        "Node status:".into(),
        format!("  Node ID: {node_id}"),
        format!("  Stake: {stake}"),
        format!("  Connected peers: {connected}"),
        format!("  Is leader: {}", if leads { "True" } else { "False" }),
        format!("  Current view: {view}"),
        format!("  Current sequence: {sequence}"),
    ]
}

fn screen(status: &Value) -> Vec<String> {
    let mut lines = health(&status["health"]);
    lines.extend(head(
        word(&status["node_id"], "unknown"),
        &status["stake_tokens"],
        &status["connected_peers"],
        status["is_leader"] == true,
        &status["current_view"],
        &status["current_sequence"],
    ));
    for (title, group) in [
        ("Consensus", consensus(status)),
        ("Ledger", ledger(status)),
        ("Mempool", mempool(&status["mempool"])),
        ("Actors", each(&status["actors"], actor)),
        ("Peers", each(&status["peers"], peer)),
    ] {
        lines.push(String::new());
        lines.push(format!("{title}:"));
        lines.extend(group.into_iter().map(|line| format!("  {line}")));
    }
    lines
}

/// The sentence on how it is, and what to do unless that is nothing.
fn health(health: &Value) -> Vec<String> {
    let sentence = health["sentence"].as_str().map(plain);
    let advice = health["what_to_do"].as_str().filter(|advice| *advice != "nothing");
    sentence.into_iter().chain(advice.map(|advice| format!("What to do: {}", plain(advice)))).collect()
}

fn each(value: &Value, line: fn(&Value) -> String) -> Vec<String> {
    value.as_array().into_iter().flatten().map(line).collect()
}

fn consensus(status: &Value) -> Vec<String> {
    let quorum = if status["has_quorum"] == true { "a quorum" } else { "no quorum: more than two thirds are needed" };
    let mut lines = vec![
        format!("Leader: {}", word(&status["leader"], "unknown")),
        format!("Reachable stake: {} of {} ({quorum})", status["reachable_stake_tokens"], status["total_stake_tokens"]),
        format!("Clock: {}", clock(&status["clock_ahead_ms"])),
        format!("Last final block: {}", word(&status["block"], "unknown")),
        format!("Prepared, not yet final: {}", counted(number(&status["prepared"]), "block", "blocks")),
        format!(
            "Since its start: {}, {}",
            counted(number(&status["since_start"]["proposals"]), "proposal", "proposals"),
            counted(number(&status["since_start"]["view_changes"]), "view change", "view changes")
        ),
        format!("Chain id: {}", word(&status["chain_id"], "unknown")),
    ];
    lines.extend(last_exit(&status["last_exit"]));
    // Of a validator that signs there is nothing to say.
    lines.extend(status["waiting_for"].as_str().map(|what| format!("Waiting for: {}", plain(what))));
    lines
}

/// How the process before this one ended, if there was one.
fn last_exit(last: &Value) -> Option<String> {
    let reason = plain(last["reason"].as_str()?);
    Some(match (last["code"].as_u64(), last["at_ms"].as_u64()) {
        (Some(code), Some(at)) => format!("Last exit: code {code} at {} ({reason})", utc(at)),
        _ => format!("Last exit: {reason}"),
    })
}

fn clock(ahead: &Value) -> String {
    match ahead.as_i64() {
        None => "no peer has reported its own".into(),
        Some(ahead) if skew::is_told(ahead) => format!(
            "{}: set it right (10 s off costs this validator's own turns or votes)",
            skew::words(ahead, "the others' median")
        ),
        Some(_) => "agrees with the others".into(),
    }
}

fn ledger(status: &Value) -> Vec<String> {
    vec![
        format!("Proofs final: {}", status["proofs_final"]),
        format!("Balance: {} tokens", amount(&status["balance_micro_tokens"])),
        format!("Reward pool: {} tokens", amount(&status["reward_pool_micro_tokens"])),
    ]
}

fn mempool(figures: &Value) -> Vec<String> {
    if figures.is_null() {
        return vec!["it does not answer; see Actors".into()];
    }
    let mebibytes = |key| number(&figures[key]) as f64 / f64::from(1 << 20);
    vec![
        format!("Pending proofs: {} of at most {}", figures["proofs"], figures["proofs_max"]),
        format!("Their scripts: {:.1} MiB of at most {:.1} MiB", mebibytes("bytes"), mebibytes("bytes_max")),
        format!(
            "Of them: {} waiting for their check, {} being checked, {} disputed; {} being fetched",
            figures["waiting"], figures["checking"], figures["disputed"], figures["fetching"]
        ),
    ]
}

fn actor(actor: &Value) -> String {
    let state = if actor["running"] == true { "running" } else { "restarting" };
    let restarts = counted(number(&actor["restarts"]), "restart", "restarts");
    format!("{:<16} {state}, {restarts}, {} waiting", word(&actor["name"], "?"), actor["waiting"])
}

/// One line: who, whether there is a session, where, how far, and what went wrong.
fn peer(peer: &Value) -> String {
    let connected = peer["connected"] == true;
    let mut parts = Vec::new();
    if connected {
        parts.push(format!("connected for {}", span(number(&peer["connected_ms"]))));
        parts.push(word(&peer["address"], "it dialled us").to_owned());
        parts.extend(peer["round_trip_ms"].as_f64().map(|ms| format!("round trip {ms:.1} ms")));
    } else {
        parts.push("not connected".into());
        parts.push(word(&peer["address"], "address unknown").to_owned());
    }
    let ahead = peer["clock_ahead_ms"].as_i64().filter(|ahead| skew::is_told(*ahead));
    parts.extend(ahead.map(|ahead| format!("its clock is {}", skew::words(ahead, "ours"))));
    match number(&peer["misbehaviour"]) {
        0 => {}
        broken => {
            let last = peer["last_misbehaviour"].as_str().map(|rule| format!(" (the last: {rule})"));
            parts.push(format!("broke {}", counted(broken, "rule", "rules")) + &last.unwrap_or_default());
        }
    }
    match number(&peer["throttled"]) {
        0 => {}
        pauses => parts.push(format!("sent too much: slowed down {}", counted(pauses, "time", "times"))),
    }
    match number(&peer["dropped"]) {
        0 => {}
        dropped => parts.push(format!("reads too slowly: {} to it dropped", counted(dropped, "message", "messages"))),
    }
    parts.extend(peer["banned_ms"].as_u64().map(|ms| format!("banned for {}", span(ms))));
    // Why an earlier session ended, or could not be, is no news while there is one.
    if let Some(error) = peer["last_error"].as_str().filter(|_| !connected) {
        parts.push(format!("last error: {error}"));
    }
    format!("{:<10} {}", word(&peer["node_id"], "?"), parts.join(", "))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_guides_lines_come_first_and_every_group_follows() {
        let status = json!({
            "health": {"state": "halted", "sentence": "HALTED: 20000 of 40000 stake votes\u{1b}[2J", "what_to_do": "now: start it"},
            "node_id": "node_1", "stake_tokens": 10000, "connected_peers": 1, "is_leader": true, "current_view": 32,
            "current_sequence": 31, "leader": "node_1", "reachable_stake_tokens": 20000, "total_stake_tokens": 40000,
            "has_quorum": false, "clock_ahead_ms": 3_600_210, "block": "3d0f",
            "prepared": 1, "chain_id": "11a2", "last_exit": {"code": 70, "reason": "supervision gave up", "at_ms": 1_795_580_155_888u64}, "proofs_final": 8, "balance_micro_tokens": 464_928, "reward_pool_micro_tokens": 999_999_000_000u64,
            "mempool": {"proofs": 3, "proofs_max": 2000, "bytes": 1 << 20, "bytes_max": 256 << 20, "waiting": 1,
                        "checking": 2, "disputed": 0, "fetching": 4},
            "actors": [{"name": "mempool", "running": false, "restarts": 2, "waiting": 5}],
            "peers": [
                {"node_id": "node_2", "connected": true, "connected_ms": 216_458, "address": "localhost:8002",
                 "round_trip_ms": 0.31, "clock_ahead_ms": -3_600_210, "misbehaviour": 0, "throttled": 1, "dropped": 3, "banned_ms": null, "last_error": "Connection refused"},
                {"node_id": "node_3", "connected": false, "connected_ms": null, "address": "localhost:8003",
                 "round_trip_ms": null, "misbehaviour": 2, "last_misbehaviour": "an unknown kind of frame, 9", "banned_ms": 30_000, "last_error": "Connection refused"},
            ],
        });
        let text = screen(&status).join("\n");
        let guide = "HALTED: 20000 of 40000 stake votes\\u{1b}[2J\nWhat to do: now: start it\n\
                     Node status:\n  Node ID: node_1\n  Stake: 10000\n  Connected peers: 1\n  Is leader: True\n  \
                     Current view: 32\n  Current sequence: 31\n";
        assert!(text.starts_with(guide), "{text}");
        for line in [
            "  Reachable stake: 20000 of 40000 (no quorum: more than two thirds are needed)",
            "  Last exit: code 70 at 2026-11-25 04:15:55.888 UTC (supervision gave up)",
            "  Balance: 0.464928 tokens",
            "  Reward pool: 999999 tokens",
            "  Pending proofs: 3 of at most 2000",
            "  mempool          restarting, 2 restarts, 5 waiting",
            "  Clock: 3600 s ahead of the others' median: set it right (10 s off costs this validator's own turns or votes)",
            "  node_2     connected for 3 min, localhost:8002, round trip 0.3 ms, its clock is 3600 s behind ours, sent too much: slowed down 1 time, \
             reads too slowly: 3 messages to it dropped",
            "  node_3     not connected, localhost:8003, broke 2 rules (the last: an unknown kind of frame, 9), banned for 30 s, \
             last error: Connection refused",
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
    }

    #[test]
    fn what_a_node_does_not_tell_breaks_no_screen() {
        let text = screen(&json!({})).join("\n");
        assert!(text.contains("Mempool:\n  it does not answer") && !text.contains("Last exit"), "{text}");
        let killed = json!({"code": null, "reason": "ended without saying why (killed or power lost)", "at_ms": null});
        assert_eq!(last_exit(&killed).unwrap(), "Last exit: ended without saying why (killed or power lost)");
    }
}
