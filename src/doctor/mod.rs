//! What an operator would look at before calling somebody: everything on this machine that keeps a validator from
//! working.
//!
//! Each check looks (its `look` has the effects) and judges (pure, with a table test); the findings come in the order
//! in which things depend on each other. Must never: change the node's data, keep a file behind, or open a session with
//! the node's key, which would displace the running node's own.
//!
//! | file | owns |
//! |---|---|
//! | here | findings, their order and sum |
//! | [`files`] | key and data folder: present, whose, who else may read them |
//! | [`disk`] | free space, kind of file system, time of a sync |
//! | [`limits`] | descriptors |
//! | [`ports`] | free, or whose |
//! | [`solver`] | build, hash against the genesis, sandbox |
//! | [`clock`] | against peers while the node runs, else what the kernel reports |
//! | [`peers`] | which can be reached, and how fast |

mod clock;
mod disk;
mod files;
mod limits;
mod peers;
mod ports;
mod solver;

use crate::client::Client;
use crate::text::{counted, plain};
use crate::why;
use actors::config::{self, Flags, NodeConfig};
use actors::storage::genesis_file;
use protocol::genesis::Genesis;
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    /// The node works, and may not for long or not well.
    Warning,
    /// The node does not work, or not as it must.
    Failure,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A short fixed name.
    pub name: &'static str,
    pub level: Level,
    /// One line.
    pub text: String,
    /// What to do; none if it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    pub fn ok(name: &'static str, text: impl Into<String>) -> Finding {
        Finding { name, level: Level::Ok, text: text.into(), remedy: None }
    }

    pub fn warning(name: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { name, level: Level::Warning, text: text.into(), remedy: Some(remedy.into()) }
    }

    pub fn failure(name: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { name, level: Level::Failure, text: text.into(), remedy: Some(remedy.into()) }
    }

    /// An error whose message says what to do by itself.
    fn error(name: &'static str, error: impl std::fmt::Display) -> Finding {
        Finding { name, level: Level::Failure, text: error.to_string(), remedy: None }
    }
}

/// Which node is examined, with the options of `pop start-validator`.
#[derive(Debug)]
pub struct Wanted {
    pub flags: Flags,
    pub genesis: PathBuf,
}

/// All findings.
#[derive(Debug, Serialize)]
pub struct Report {
    pub node_id: String,
    /// Whether the node runs on this machine.
    pub running: bool,
    pub checks: Vec<Finding>,
    pub failures: usize,
    pub warnings: usize,
}

impl Report {
    fn new(node_id: String, running: bool, checks: Vec<Finding>) -> Report {
        let count = |level| checks.iter().filter(|finding| finding.level == level).count();
        let (failures, warnings) = (count(Level::Failure), count(Level::Warning));
        Report { node_id, running, checks, failures, warnings }
    }

    /// A line for each finding, its remedy below it, and their sum.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for Finding { name, level, text, remedy } in &self.checks {
            let level = match level {
                Level::Ok => "ok",
                Level::Warning => "WARNING",
                Level::Failure => "FAILURE",
            };
            lines.push(format!("{level:<8} {name:<14} {}", plain(text)));
            lines.extend(remedy.iter().map(|remedy| format!("{:<23} do: {}", "", plain(remedy))));
        }
        let counts = [
            counted(self.failures as u64, "failure", "failures"),
            counted(self.warnings as u64, "warning", "warnings"),
        ];
        lines.push(format!(
            "{}: {} looked at, {}",
            self.node_id,
            counted(self.checks.len() as u64, "thing", "things"),
            counts.join(", ")
        ));
        lines
    }
}

/// Looks at everything. Blocks for some seconds at most: peers that do not answer have two, a worker's start is awaited.
pub fn look(wanted: &Wanted) -> Report {
    let node_id = wanted.flags.node_id.to_string();
    let genesis = match genesis_file::read(&wanted.genesis) {
        Ok(genesis) => genesis,
        Err(error) => {
            let checks = vec![Finding::error("genesis", error), limits::look(None, None), solver::without_genesis()];
            return Report::new(node_id, false, checks);
        }
    };
    let mut checks = vec![Finding::ok("genesis", about(&genesis, wanted))];
    let config = match config::load(&wanted.flags, &genesis) {
        Ok(config) => config,
        Err(error) => {
            checks.extend([
                Finding::error("configuration", error),
                limits::look(None, None),
                solver::without_genesis(),
            ]);
            return Report::new(node_id, false, checks);
        }
    };
    checks.push(Finding::ok("configuration", about_config(&config, wanted)));
    checks.extend(files::look(&config, &genesis));
    checks.extend(disk::look(&config.data_dir));
    let (ports, process) = ports::look(&config);
    checks.extend(ports);
    checks.push(limits::look(Some((&config, &genesis)), process));
    checks.extend(solver::look(&config, &genesis));
    // Its own word on itself; whoever else has the port is told above.
    let status = process.and_then(|_| Client::at(&node_id, &config.http.to_string()).get("/v1/status").ok());
    checks.push(clock::look(status.as_ref()));
    checks.extend(peers::look(&config, &genesis));
    checks.extend(process.map(|pid| health(pid, status.as_ref())));
    Report::new(node_id, process.is_some(), checks)
}

fn about(genesis: &Genesis, wanted: &Wanted) -> String {
    let validators = counted(genesis.validators().len() as u64, "validator", "validators");
    let chain: String = genesis.chain_id().to_string().chars().take(12).collect();
    format!("{}: chain {chain}, {validators}, {} stake", wanted.genesis.display(), genesis.total_stake())
}

fn about_config(config: &NodeConfig, wanted: &Wanted) -> String {
    let conventional = PathBuf::from(config::CONFIG_DIRECTORY).join(format!("{}.json", config.node_id));
    let from = match &wanted.flags.config {
        Some(path) => path.display().to_string(),
        None if conventional.exists() => conventional.display().to_string(),
        None => "by convention, without a file".into(),
    };
    format!(
        "{from}: {} with {} stake, peers on {}, HTTP on {}",
        config.node_id, config.stake, config.network.listen, config.http
    )
}

/// What a running node says of itself.
fn health(pid: i32, status: Option<&Value>) -> Finding {
    match status.and_then(why::of_answer) {
        None => Finding::failure(
            "health",
            format!("process {pid} takes connections but does not report its status"),
            format!("look into its log; `kill -CONT {pid}` wakes it if it was stopped; else start it again"),
        ),
        Some(health) if health.state.makes_progress() && health.missing.is_empty() => {
            Finding::ok("health", health.sentence)
        }
        Some(health) if health.state.makes_progress() => Finding::warning("health", health.sentence, health.what_to_do),
        Some(health) => Finding::failure("health", health.sentence, health.what_to_do),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_finding_is_a_line_with_its_remedy_below_and_all_are_counted() {
        let checks = vec![
            Finding::ok("genesis", "here"),
            Finding::warning("clock", "odd\u{1b}[2J", "set it"),
            Finding::failure("key", "gone", "copy it"),
        ];
        let report = Report::new("node_1".into(), false, checks);
        let expected = [
            "ok       genesis        here",
            "WARNING  clock          odd\\u{1b}[2J",
            "                        do: set it",
            "FAILURE  key            gone",
            "                        do: copy it",
            "node_1: 3 things looked at, 1 failure, 1 warning",
        ];
        assert_eq!(report.lines(), expected);
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!((&value["failures"], &value["checks"][1]["level"]), (&json!(1), &json!("warning")));
        assert!(value["checks"][0].get("remedy").is_none());
    }

    #[test]
    fn a_running_node_is_as_well_as_it_says() {
        let status = |state: &str, missing| json!({"health": {"state": state, "sentence": format!("{}: so", state.to_uppercase()), "what_to_do": "this", "missing": missing}});
        let gone = json!([{"node_id": "b", "stake": 1, "since": "", "how": "silent"}]);
        let level = |status: Value| health(7, Some(&status)).level;
        assert_eq!(level(status("ok", json!([]))), Level::Ok);
        assert_eq!(level(status("degraded", gone.clone())), Level::Warning);
        assert_eq!(level(status("halted", gone)), Level::Failure);
        let silent = health(7, None);
        assert!(silent.level == Level::Failure && silent.remedy.unwrap().contains("kill -CONT 7"));
    }
}
