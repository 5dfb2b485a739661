//! `pop actors`: the supervision tree of a running node, for people, or the API's own object.

use crate::exit::{Exit, Outcome};
use crate::nodes::Choice;
use crate::say;
use crate::text::{counted, span, word};
use serde_json::Value;
use std::io::{IsTerminal, stdout};
use std::time::Duration;

/// Show a running node's actors: who supervises whom, and the state of each.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    nodes: Choice,
    /// Show them again each second, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const INTERVAL: Duration = Duration::from_secs(1);
/// Clears a terminal and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

impl Arguments {
    pub fn run(&self) -> Outcome {
        let client = self.nodes.one()?;
        loop {
            let answer = client.get("/v1/actors");
            if self.watch && !self.json && stdout().is_terminal() {
                say!("{CLEAR}{}: actors, each second; Ctrl-C ends", client.place().0);
            }
            match answer {
                Ok(actors) if self.json => say!("{actors:#}"),
                Ok(actors) => screen(&actors).iter().for_each(|line| say!("{line}")),
                // Whoever watches sees it come back.
                Err(failure) if self.watch => say!("{}", failure.message),
                Err(failure) => return Err(failure),
            }
            if !self.watch {
                return Ok(Exit::Fine);
            }
            std::thread::sleep(INTERVAL);
        }
    }
}

fn screen(actors: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<24} {:<9} {:>11} {:>8} {:>12} {:>10} {:>8}  {}",
        "Actor", "State", "Incarnation", "Restarts", "Mailbox", "Heartbeat", "Uptime", "Handling"
    )];
    member(&actors["tree"], 0, &mut lines);
    let waiting = actors["threads"].as_array().into_iter().flatten().filter_map(waiting);
    lines.extend(waiting);
    let zombies = actors["zombies"].as_u64().unwrap_or(0);
    if zombies > 0 {
        lines.push(format!("{} left behind", counted(zombies, "blocked thread", "blocked threads")));
    }
    lines
}

/// A thread that would go on but for the machine: why nothing is restarted.
fn waiting(thread: &Value) -> Option<String> {
    let name = word(&thread["name"], "?");
    match thread["waits_for"].as_str()? {
        "processor" => {
            let waited = thread["processor_wait_ms"].as_f64().unwrap_or(0.0);
            Some(format!("Thread {name} is starved: it has waited {} for a processor so far", span(waited as u64)))
        }
        "disk" => Some(format!("Thread {name} waits for the disk")),
        other => Some(format!("Thread {name} waits: {other}")),
    }
}

fn member(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let name = format!("{:indent$}{}", "", word(&value["name"], "?"), indent = depth * 2);
    let Some(children) = value["children"].as_array() else {
        return lines.extend(actor(value, &name));
    };
    let window = value["intensity"]["window_ms"].as_u64().unwrap_or(0);
    let escalations = match value["escalations"].as_u64().unwrap_or(0) {
        0 => String::new(),
        times => format!(", escalated {}", counted(times, "time", "times")),
    };
    lines.push(format!(
        "{name:<24} {:<9} {}, at most {} in {}: {} so far{escalations}",
        word(&value["state"], "?"),
        word(&value["strategy"], "?").replace('_', " "),
        counted(value["intensity"]["restarts_max"].as_u64().unwrap_or(0), "restart", "restarts"),
        span(window),
        value["restarts"],
    ));
    children.iter().for_each(|child| member(child, depth + 1, lines));
}

fn actor(value: &Value, name: &str) -> Vec<String> {
    let restarts = value["restarts"].as_object();
    let total: u64 = restarts.map_or(0, |by_reason| by_reason.values().filter_map(Value::as_u64).sum());
    let handling = match value["handling"]["message"].as_str() {
        Some(message) => format!("{message} for {}", short(&value["handling"]["for_ms"])),
        None => "-".into(),
    };
    let mailbox = format!("{} of {}", value["mailbox"]["depth"], value["mailbox"]["limit"]);
    let state = match value["waits_for"].as_str() {
        Some("processor") => "starved",
        Some("disk") => "disk wait",
        Some(_) | None => word(&value["state"], "?"),
    };
    let first = format!(
        "{name:<24} {:<9} {:>11} {total:>8} {mailbox:>12} {:>10} {:>8}  {handling}",
        state,
        value["incarnation"].to_string(),
        short(&value["heartbeat_age_ms"]),
        value["uptime_ms"].as_f64().map_or("-".into(), |ms| span(ms as u64)),
    );
    let mut lines = vec![first];
    if let Some(by_reason) = restarts.filter(|_| total > 0) {
        let reasons = by_reason.iter().filter(|(_, count)| count.as_u64() != Some(0));
        let reasons: Vec<_> = reasons.map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
        lines.push(format!("{:indent$}restarts: {}", "", reasons.join(", "), indent = 4));
    }
    let failure = &value["last_failure"];
    if let Some(text) = failure["text"].as_str() {
        let place = failure["place"].as_str().map_or(String::new(), |place| format!(" ({place})"));
        let ago = span(failure["ago_ms"].as_f64().unwrap_or(0.0) as u64);
        lines.push(format!("{:indent$}last failure {ago} ago: {text}{place}", "", indent = 4));
    }
    lines
}

/// Milliseconds, as a person reads them.
fn short(ms: &Value) -> String {
    match ms.as_f64() {
        None => "-".into(),
        Some(ms) if ms < 10.0 => format!("{ms:.1} ms"),
        Some(ms) if ms < 10_000.0 => format!("{ms:.0} ms"),
        Some(ms) => span(ms as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_tree_is_shown_in_its_order_with_what_failed() {
        let tree = json!({"zombies": 1, "tree": {
            "name": "validator", "kind": "supervisor", "strategy": "one_for_one", "state": "degraded",
            "intensity": {"restarts_max": 20, "window_ms": 10_000}, "restarts": 3, "escalations": 1,
            "children": [{
                "name": "mempool", "kind": "actor", "restart": "permanent", "state": "down", "incarnation": 3,
                "restarts": {"panicked": 2, "terminated": 1, "start_failed": 0},
                "last_failure": {"reason": "panicked", "text": "it panicked: planted", "place": "src/a.rs:7", "ago_ms": 12.0},
                "mailbox": {"depth": 5, "limit": 4096}, "handling": {"message": "MempoolInput", "for_ms": 0.12},
                "heartbeat_age_ms": 3.0, "uptime_ms": null,
            }],
        }});
        let text = screen(&tree).join("\n");
        for line in [
            "validator                degraded  one for one, at most 20 restarts in 10 s: 3 so far, escalated 1 time",
            "  mempool                down                3        3    5 of 4096     3.0 ms        -  MempoolInput for 0.1 ms",
            "    restarts: 2 panicked, 1 terminated",
            "    last failure 12 ms ago: it panicked: planted (src/a.rs:7)",
            "1 blocked thread left behind",
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
        assert!(screen(&json!({})).len() > 1, "what is not reported breaks no screen");
    }
}
