//! Which nodes a command asks: one by its name or address, or those of a network whose configurations lie in a folder.
//!
//! Must never: ask anything but whether somebody is there.

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::testnet::site;
use actors::config::ConfigFile;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Asked when nobody is named.
const NODE_DEFAULT: &str = "node_1";
/// Until a node of a network is passed over for the next one.
const QUICK: Duration = Duration::from_secs(1);
/// Until a connection on this machine is made or refused.
const CONNECT_MAX: Duration = Duration::from_millis(200);
/// Longer files are no configurations.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// The choice on the command line.
#[derive(Debug, Clone, clap::Args)]
pub struct Choice {
    /// The node that is asked: a node id, or HOST:PORT or URL of its HTTP [default: node_1; with --network the first that answers].
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// The network that it is of: a testnet's folder, as data/testnet, or a folder of configurations.
    #[arg(long, value_name = "DIR")]
    network: Option<PathBuf>,
}

impl Choice {
    /// The node that is asked.
    ///
    /// # Errors
    /// If the name leads nowhere, or no node of the network answers.
    pub fn one(&self) -> Result<Client, Failure> {
        match (&self.node, &self.network) {
            (Some(several), None) if several.contains(',') => {
                let text =
                    format!("--node takes one node and \"{several}\" are several: --network DIR asks all of a network");
                Err(Failure::new(Exit::Input, text))
            }
            (node, None) => Client::new(node.as_deref().unwrap_or(NODE_DEFAULT)),
            (Some(node), Some(folder)) => Client::in_folder(node, &configs(folder)?),
            (None, Some(folder)) => first_that_answers(network(folder)?, folder),
        }
    }

    /// Every node that is meant: all of a network unless one is named.
    ///
    /// # Errors
    /// If a name leads nowhere.
    pub fn all(&self) -> Result<Vec<Client>, Failure> {
        match (&self.node, &self.network) {
            (None, Some(folder)) => network(folder),
            _ => Ok(vec![self.one()?]),
        }
    }
}

/// Any answer counts, also that it is not well.
fn first_that_answers(nodes: Vec<Client>, folder: &Path) -> Result<Client, Failure> {
    let count = nodes.len();
    let mut last = String::new();
    for node in nodes {
        let (name, address) = node.place();
        let quick = Client::at(name, address).answering_within(QUICK);
        match quick.get("/v1/actors") {
            Ok(_) => return Ok(node),
            Err(failure) => last = failure.message,
        }
    }
    let text = format!("none of the {count} nodes of {} answers; the last one: {last}", folder.display());
    Err(Failure::new(Exit::Unreachable, text))
}

/// Every node whose configuration is in the folder, or in the one that a report names, in the order of their numbers.
///
/// # Errors
/// If there is none, or one cannot be read.
pub fn network(place: &Path) -> Result<Vec<Client>, Failure> {
    let configs = configs(place)?;
    let mut names = Vec::new();
    for path in json_files(&configs)? {
        names.extend(read_config(&path)?.map(|file| file.node_id.to_string()));
    }
    if names.is_empty() {
        return Err(no_validators(&configs));
    }
    // node_2 before node_10.
    names.sort_by_key(|name| {
        let letters = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        (letters.to_owned(), name.len(), name.clone())
    });
    names.iter().map(|name| Client::in_folder(name, &configs)).collect()
}

/// Why a folder is no network.
pub fn no_validators(configs: &Path) -> Failure {
    let text = format!(
        "{} holds no configuration of a validator: --network takes a folder of configurations (config/ of a network by hand, \
         data/testnet of a testnet), or the report of a run that names one",
        configs.display()
    );
    Failure::new(Exit::Configuration, text)
}

/// Where a network's configurations are: in the folder, or where a report says.
///
/// # Errors
/// If it is no report, or names no folder that is there; if they are of a testnet that has ended.
pub fn configs(place: &Path) -> Result<PathBuf, Failure> {
    let configs = if place.is_dir() { configs_in(place) } else { configs_of_report(place)? };
    // Its validators may have been started again by hand.
    match configs.parent().filter(|folder| site::has_ended(folder) && !does_any_listen(&configs)) {
        Some(folder) => {
            let text = format!(
                "the testnet in {} has ended, and none of its validators runs: `pop deploy-testnet` or `pop demo` starts another",
                folder.display()
            );
            Err(Failure::new(Exit::Unreachable, text))
        }
        None => Ok(configs),
    }
}

/// Whether something listens where a validator of these configurations answers.
fn does_any_listen(configs: &Path) -> bool {
    let files = json_files(configs).unwrap_or_default();
    let ports = files.iter().filter_map(|path| read_config(path).ok()??.http.port);
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    ports.map(loopback).any(|address| TcpStream::connect_timeout(&address, CONNECT_MAX).is_ok())
}

/// A report of `pop chaos` or `pop deploy-testnet` says where its configurations are.
fn configs_of_report(report: &Path) -> Result<PathBuf, Failure> {
    let wrong = |text: String| Failure::new(Exit::Configuration, format!("{}: {text}", report.display()));
    let bytes = std::fs::read(report).map_err(|error| {
        wrong(format!("{error}; --network takes a folder of configurations, or a report that names one"))
    })?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is no report: {error}")))?;
    // In reports of this command, and in those of testnets.
    let named = [&value["network"], &value["figures"]].into_iter().find_map(|part| part["configurations"].as_str());
    let named = named.ok_or_else(|| wrong("it names no folder of configurations: give that folder itself".into()))?;
    if Path::new(named).is_dir() {
        Ok(named.into())
    } else {
        Err(wrong(format!("it names {named}, which is not there any more")))
    }
}

/// A testnet keeps its configurations in a folder of their own.
fn configs_in(folder: &Path) -> PathBuf {
    let inner = folder.join("config");
    if inner.is_dir() { inner } else { folder.to_owned() }
}

/// The JSON files of a folder, sorted.
///
/// # Errors
/// If it cannot be read.
pub fn json_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failure = |error| Failure::new(Exit::Configuration, format!("cannot read {}: {error}", folder.display()));
    let entries: std::io::Result<Vec<_>> =
        std::fs::read_dir(folder).map_err(failure)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files = entries.map_err(failure)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

/// None of what is no validator's configuration: `validators.json` stands in the same folder.
///
/// # Errors
/// If it is neither.
pub fn read_config(path: &Path) -> Result<Option<ConfigFile>, Failure> {
    let failure =
        |error: &dyn std::fmt::Display| Failure::new(Exit::Configuration, format!("{}: {error}", path.display()));
    let bytes =
        actors::storage::files::read_bounded(path, CONFIG_BYTES_MAX).map_err(Failure::with(Exit::Configuration))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| failure(&error))?;
    if value.get("node_id").is_none() {
        return Ok(None);
    }
    serde_json::from_value(value).map(Some).map_err(|error| failure(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_found_by_its_folder_in_the_order_of_its_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let configs = folder.path().join("config");
        std::fs::create_dir(&configs).unwrap();
        let write = |name: &str, port: u16| {
            let text = format!(r#"{{"node_id": "{name}", "http": {{"port": {port}}}}}"#);
            std::fs::write(configs.join(format!("{name}.json")), text).unwrap();
        };
        write("node_10", 7010);
        write("node_2", 7002);
        std::fs::write(configs.join("validators.json"), r#"{"validators": []}"#).unwrap();
        let nodes = network(folder.path()).unwrap();
        let places: Vec<_> = nodes.iter().map(Client::place).collect();
        assert_eq!(places, [("node_2", "127.0.0.1:7002"), ("node_10", "127.0.0.1:7010")]);
        let named = Choice { node: Some("node_10".into()), network: Some(folder.path().into()) };
        assert_eq!(named.one().unwrap().place().1, "127.0.0.1:7010");
    }

    #[test]
    fn several_nodes_are_named_by_their_network() {
        let choice = Choice { node: Some("node_1,node_2".into()), network: None };
        assert!(choice.all().err().unwrap().message.contains("--network DIR"));
    }

    #[test]
    fn a_testnet_that_has_ended_is_not_asked_but_told() {
        let folder = tempfile::tempdir().unwrap();
        let configs = folder.path().join("config");
        std::fs::create_dir(&configs).unwrap();
        std::fs::write(configs.join("node_1.json"), r#"{"node_id": "node_1", "http": {"port": 7001}}"#).unwrap();
        assert_eq!(network(folder.path()).unwrap().len(), 1);
        let lock = std::fs::File::create(folder.path().join("testnet.lock")).unwrap();
        lock.try_lock().unwrap();
        assert_eq!(network(folder.path()).unwrap().len(), 1, "it runs");
        drop(lock);
        let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = own.local_addr().unwrap().port();
        let config = format!(r#"{{"node_id": "node_1", "http": {{"port": {port}}}}}"#);
        std::fs::write(configs.join("node_1.json"), config).unwrap();
        assert_eq!(network(folder.path()).unwrap().len(), 1, "one was started again by hand");
        drop(own);
        for place in [folder.path(), configs.as_path()] {
            let failure = network(place).err().unwrap();
            assert!(failure.message.contains("has ended"), "{}", failure.message);
            assert_eq!(failure.exit, Exit::Unreachable);
        }
    }

    #[test]
    fn a_folder_that_is_no_network_is_told_with_what_to_give() {
        let folder = tempfile::tempdir().unwrap();
        let told = |path: &Path| network(path).err().unwrap().message;
        assert!(told(folder.path()).contains("data/testnet of a testnet"), "{}", told(folder.path()));
        assert!(told(&folder.path().join("nowhere")).contains("--network takes a folder"));
        std::fs::write(folder.path().join("node_1.json"), "{").unwrap();
        assert!(told(folder.path()).contains("node_1.json"));
    }
}
