//! The validators that a run is about: found through their configurations and genesis, reached through HTTP, and where they
//! run on this machine through their processes and files.

use super::admin::Admin;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::nodes::{self, json_files, read_config};
use crate::processes::{NobodyListens, Process};
use actors::config::{ConfigFile, http_address};
use actors::storage::genesis_file;
use actors::storage::vote_log::Identity;
use parking_lot::Mutex;
use protocol::genesis::Genesis;
use protocol::quorum::ValidatorSet;
use protocol::types::ValidatorIndex;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A validator that answers later counts as silent: a stopped one takes connections and says nothing.
const QUICK: Duration = Duration::from_secs(1);
const PATIENT: Duration = Duration::from_secs(10);
/// Where a testnet and the guide keep a genesis.
const GENESIS_NAME: &str = "genesis_state.json";
const GENESIS_DEFAULT: &str = "data/genesis_state.json";

/// One validator.
pub struct Node {
    pub name: String,
    pub index: ValidatorIndex,
    /// `HOST:PORT` of its HTTP.
    pub http: String,
    /// On this machine, by its address.
    pub is_here: bool,
    /// Whether its configuration turns the administrator's routes on.
    pub has_admin: bool,
    pub config: PathBuf,
    pub data_dir: PathBuf,
    pub identity: Identity,
    pub admin: Admin,
    http_port: u16,
    process: Mutex<Option<Arc<Process>>>,
}

/// A validator's state, as it reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// It is connected to a quorum, signs, and waits for nothing.
    pub serves: bool,
    pub sequence: u64,
}

pub struct Network {
    /// In the genesis' order.
    pub nodes: Vec<Node>,
    pub genesis: Genesis,
    pub set: Arc<ValidatorSet>,
    /// The folder of the configurations.
    pub configs: PathBuf,
}

impl Network {
    /// A network by the folder of its configurations, or by a report that names one.
    ///
    /// # Errors
    /// What is not there or not right, and what to give.
    pub fn find(place: &Path, genesis: Option<&Path>) -> Result<Network, Failure> {
        let configs = nodes::configs(place)?;
        let genesis_path = match genesis {
            Some(path) => path.to_owned(),
            None => genesis_beside(&configs),
        };
        let hint = |error: &dyn std::fmt::Display| {
            format!("{error}; --genesis names the genesis of the network, which tells its validators' stakes and keys")
        };
        let genesis =
            genesis_file::read(&genesis_path).map_err(|error| Failure::new(Exit::Configuration, hint(&error)))?;
        let mut nodes = Vec::new();
        for path in json_files(&configs)? {
            if let Some(file) = read_config(&path)? {
                nodes.push(Node::new(&file, &path, &configs, &genesis)?);
            }
        }
        if nodes.is_empty() {
            return Err(nodes::no_validators(&configs));
        }
        nodes.sort_by_key(|node| node.index);
        let set = Arc::new(genesis.validator_set());
        Ok(Network { nodes, set, genesis, configs })
    }

    pub fn names(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.name.clone()).collect()
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }
}

fn genesis_beside(configs: &Path) -> PathBuf {
    let places = [configs.join(GENESIS_NAME), configs.join("..").join(GENESIS_NAME)];
    places.into_iter().find(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(GENESIS_DEFAULT))
}

/// Why no process of a validator was found that may be signalled.
#[derive(Debug, thiserror::Error)]
pub enum NoProcess {
    #[error("{name} is at {http}, not on this machine")]
    Elsewhere { name: String, http: String },
    #[error("{name}: {error}")]
    NotFound { name: String, error: NobodyListens },
}

impl Node {
    fn new(file: &ConfigFile, config: &Path, configs: &Path, genesis: &Genesis) -> Result<Node, Failure> {
        let name = file.node_id.to_string();
        let index = genesis.index_of(&file.node_id).ok_or_else(|| {
            let text = format!("{} configures {name}, which is no validator of the genesis", config.display());
            Failure::new(Exit::Configuration, text)
        })?;
        let address = http_address(&name, configs).map_err(Failure::with(Exit::Configuration))?;
        let http = address.to_string();
        let (host, port) = http.rsplit_once(':').unwrap_or((&http, ""));
        let loopback = host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let data_dir = file.data_dir.clone().unwrap_or_else(|| Path::new("data").join(&name));
        Ok(Node {
            index,
            is_here: loopback || host == "localhost",
            has_admin: file.admin.enabled == Some(true),
            config: config.to_owned(),
            identity: Identity { chain: genesis.chain_id(), key: genesis.validators()[index.as_usize()].public_key },
            admin: Admin::new(&http, &data_dir),
            http_port: port.parse().unwrap_or_default(),
            process: Mutex::new(None),
            name,
            data_dir,
            http,
        })
    }

    pub fn client(&self, deadline: Duration) -> Client {
        Client::with_deadline(&self.name, &self.http, deadline)
    }

    /// Its state as it reports it, unless it does not answer at once.
    pub fn standing(&self) -> Option<Standing> {
        let status = self.client(QUICK).get("/v1/status").ok()?;
        Some(Standing {
            serves: status["has_quorum"] == true && status["waiting_for"].is_null(),
            sequence: status["current_sequence"].as_u64()?,
        })
    }

    /// The sum of a counter of its `/metrics`.
    ///
    /// # Errors
    /// If it does not answer, or has switched them off.
    pub fn metric(&self, name: &str) -> Result<f64, ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENT)).build().into();
        let text = agent.get(format!("http://{}/metrics", self.http)).call()?.body_mut().read_to_string()?;
        let series = text.lines().filter(|line| line.starts_with(name));
        Ok(series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }

    /// The process that answers for it now.
    ///
    /// # Errors
    /// Why no process was found that may be signalled.
    pub fn process(&self) -> Result<Arc<Process>, NoProcess> {
        if !self.is_here {
            return Err(NoProcess::Elsewhere { name: self.name.clone(), http: self.http.clone() });
        }
        let mut known = self.process.lock();
        match known.as_ref().filter(|process| !process.has_ended()) {
            Some(process) => Ok(process.clone()),
            None => {
                let not_found = |error| NoProcess::NotFound { name: self.name.clone(), error };
                let process = Arc::new(Process::validator(self.http_port).map_err(not_found)?);
                *known = Some(process.clone());
                Ok(process)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_no_network_is_told_with_what_to_give() {
        let folder = tempfile::tempdir().unwrap();
        let find = |path: &Path| Network::find(path, None).err().unwrap().message;
        let nowhere = find(&folder.path().join("nowhere"));
        assert!(nowhere.contains("--network takes a folder of configurations"), "{nowhere}");
        let report = folder.path().join("report.json");
        std::fs::write(&report, "{\"deployment\": {}}").unwrap();
        assert!(find(&report).contains("names no folder of configurations"));
        std::fs::write(&report, "{\"network\": {\"configurations\": \"/no/such/folder\"}}").unwrap();
        assert!(find(&report).contains("not there any more"));
        std::fs::write(&report, "{").unwrap();
        assert!(find(&report).contains("it is no report"));
        let without = find(folder.path());
        assert!(without.contains("--genesis"), "{without}");
    }
}
