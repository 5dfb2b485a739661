//! Which nodes are monitored: by their names, or a whole network by its folder.
//!
//! Must never: ask a node.

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::nodes;
use actors::config::{self, ConfigError};
use std::collections::BTreeSet;
use std::path::Path;

/// Each has a thread of its own.
const NODES_MAX: usize = 256;

/// A node as the user named it, and `HOST:PORT` of its HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    pub address: String,
}

/// Nodes by `config/<name>.json`, by the guide's convention, or by `HOST:PORT`.
///
/// # Errors
/// A name that leads nowhere, or that is given twice.
pub fn named(names: &[String]) -> Result<Vec<Target>, Failure> {
    let directory = Path::new(config::CONFIG_DIRECTORY);
    let mut targets = Vec::new();
    for name in names.iter().map(|name| name.trim()) {
        if name.is_empty() {
            return Err(Failure::new(Exit::Input, "--nodes has an empty name: write node_1,node_2"));
        }
        let address = config::http_address(name, directory).map_err(|error| match error {
            ConfigError::NoNodeName { .. } => Failure::new(Exit::Input, error),
            error => Failure::new(Exit::Configuration, error),
        })?;
        targets.push(Target { name: name.to_owned(), address: address.to_string() });
    }
    checked(targets)
}

/// All validators of a network: by the folder of a testnet or of configurations, or by a report that names one.
///
/// # Errors
/// If no configuration is found there.
pub fn of_network(place: &Path) -> Result<Vec<Target>, Failure> {
    let target = |client: &Client| {
        let (name, address) = client.place();
        Target { name: name.to_owned(), address: address.to_owned() }
    };
    checked(nodes::network(place)?.iter().map(target).collect())
}

fn checked(targets: Vec<Target>) -> Result<Vec<Target>, Failure> {
    let mut known = BTreeSet::new();
    if let Some(twice) = targets.iter().find(|target| !known.insert(&target.address)) {
        let text = format!("{} is given twice: its HTTP is at {}", twice.name, twice.address);
        return Err(Failure::new(Exit::Input, text));
    }
    if targets.len() > NODES_MAX {
        let text = format!(
            "{} nodes are given, and {NODES_MAX} at most are monitored at once: name some with --nodes",
            targets.len()
        );
        return Err(Failure::new(Exit::Input, text));
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(names: &[&str]) -> String {
        named(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap_err().message
    }

    #[test]
    fn wrong_names_are_told() {
        assert!(refused(&["node_1", "node_1"]).contains("given twice"));
        assert!(refused(&["127.0.0.1:9001", "node_2", "127.0.0.1:9001"]).contains("127.0.0.1:9001 is given twice"));
        assert!(refused(&["node_1", ""]).contains("empty name"));
        assert!(refused(&["no such name"]).contains("no such name"));
        let many: Vec<String> = (1..=300).map(|port| format!("127.0.0.1:{port}")).collect();
        assert!(named(&many).unwrap_err().message.contains("256 at most"));
    }
}
