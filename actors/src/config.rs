//! What one operator decides for one node, in `config/<node_id>.json`, on the command line, or by convention.
//!
//! [`ConfigFile`] is the file's form, where nearly everything may be left out; [`NodeConfig`] is complete and checked
//! against the genesis, and the only form that the node takes. What all validators must share is not here: it is in the
//! genesis. Every key is documented in `docs/CONFIGURATION.md`; unknown ones are refused.

pub mod address;
mod file;
mod lookup;

pub use address::{Address, AddressError, PeerAddress};
pub use file::{
    AdminSection, ConfigFile, ConsensusSection, HttpSection, MempoolSection, MetricsSection, NetworkSection, Seconds,
    StorageSection, VerifierSection,
};
pub use lookup::{CONFIG_DIRECTORY, convention_port, data_directory, http_address};

use crate::keys;
use crate::storage::files::FileError;
use protocol::genesis::Genesis;
use protocol::types::{Millis, NodeId, Stake, ValidatorIndex};
use protocol::worker::SandboxMode;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// HTTP listens this far above the peers' port.
pub const HTTP_PORT_OFFSET: u16 = 1_000;

/// Proofs in a block that this node proposes, unless configured.
pub const BLOCK_SIZE_MAX_DEFAULT: u32 = 100;
/// Pending proofs, unless configured.
pub const MEMPOOL_PROOFS_MAX_DEFAULT: u32 = 2_000;
/// Bytes of pending scripts, unless configured.
pub const MEMPOOL_BYTES_MAX_DEFAULT: u64 = 256 << 20;
/// Memory that the database may use for pages, unless configured.
pub const STORAGE_CACHE_BYTES_DEFAULT: u64 = 32 << 20;
/// So many validators on one machine are a crowd: each then takes less memory by default.
pub const CROWD_MIN: usize = 17;
/// The database's pages in a crowd.
pub const STORAGE_CACHE_BYTES_CROWDED: u64 = 4 << 20;
/// More worker processes than this are a mistake in the configuration.
pub const WORKERS_MAX: u32 = 1_024;

/// The command-line options of `pop start-validator`.
#[derive(Debug, Clone)]
pub struct Flags {
    pub node_id: NodeId,
    pub config: Option<PathBuf>,
    pub stake: Option<Stake>,
    pub data_dir: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
}

/// A node's configuration: complete, and in agreement with the genesis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    pub node_id: NodeId,
    pub index: ValidatorIndex,
    pub stake: Stake,
    pub data_dir: PathBuf,
    pub key_file: PathBuf,
    pub network: NetworkConfig,
    pub http: SocketAddr,
    pub consensus: ConsensusConfig,
    pub mempool: MempoolConfig,
    pub verifier: VerifierConfig,
    pub metrics: MetricsConfig,
    pub admin: AdminConfig,
    pub storage: StorageConfig,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Where peers reach this node.
    pub listen: SocketAddr,
    /// Never this node itself; all of them are in the genesis.
    pub bootstrap_peers: Vec<PeerAddress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsensusConfig {
    /// Upper bound of the view timer.
    pub timeout: Millis,
    /// A view change that stays open longer is reported to the operator.
    pub view_change_timeout: Millis,
    /// A leader without work proposes an empty block after this.
    pub idle_block_interval: Millis,
    /// Proofs in a block that this node proposes.
    pub block_size_max: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MempoolConfig {
    pub proofs_max: u32,
    pub bytes_max: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifierConfig {
    /// Processes that check proofs, one proof at a time each.
    pub workers: u32,
    pub sandbox: SandboxMode,
    /// Whether one more process is kept warm for when a worker is lost.
    pub spare: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsConfig {
    /// Whether `/metrics` answers.
    pub enabled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminConfig {
    /// Whether a caller with the token in the data directory may inject faults.
    pub enabled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageConfig {
    pub cache_bytes: u64,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("there is no configuration file {path}: write one as in the guide, or leave --config out", path = path.display())]
    Missing { path: PathBuf },
    #[error(
        "{path} is not a node configuration: {key}{fault}; docs/CONFIGURATION.md lists every key",
        path = path.display(), fault = crate::storage::files::json_fault(source)
    )]
    Form { path: PathBuf, key: String, source: serde_json::Error },
    #[error(
        "{path} is not a node configuration: it begins with a byte order mark, which JSON does not have: save it as UTF-8 without one",
        path = path.display()
    )]
    ByteOrderMark { path: PathBuf },
    #[error("{path} configures {file}, but --node-id says {flag}: start {file}, or give --config config/{flag}.json", path = path.display())]
    OtherNode { path: PathBuf, file: NodeId, flag: NodeId },
    #[error(
        "{node_id} is not a validator of this genesis: use a node id from its list, or make a new genesis with \
         `pop init-genesis-state`"
    )]
    UnknownNode { node_id: NodeId },
    #[error(
        "Insufficient stake: {node_id} has {stake} tokens, the minimum is {minimum}; {}",
        match genesis {
            Some(genesis) => format!("the genesis binds {genesis}: give that, or leave the stake out"),
            None => "start it with at least that".to_owned(),
        }
    )]
    InsufficientStake { node_id: NodeId, stake: Stake, minimum: Stake, genesis: Option<Stake> },
    #[error(
        "{node_id} is to start with a stake of {given} ({origin}), but the genesis binds {genesis}: give that, or leave the \
         stake out; only another network, made by `pop init-genesis-state`, has another"
    )]
    StakeContradicts { node_id: NodeId, given: Stake, origin: &'static str, genesis: Stake },
    #[error(
        "no port is known for {node_id}: only node_1, node_2, … have one by convention; write {path} with \
         network.listen_port",
        path = lookup::config_path(Path::new(CONFIG_DIRECTORY), node_id).display()
    )]
    NoConvention { node_id: NodeId },
    #[error("{key} is {value}: {rule}")]
    OutOfRange { key: &'static str, value: String, rule: String },
    #[error("network.bootstrap_peers names {0}, which is not a validator of this genesis")]
    UnknownPeer(NodeId),
    #[error("network.bootstrap_peers names {0} twice")]
    PeerTwice(NodeId),
    #[error("{name:?} is neither a node id nor HOST:PORT: write node_1, or localhost:9001")]
    NoNodeName { name: String },
    #[error(transparent)]
    File(#[from] FileError),
}

/// Finds, reads and checks the configuration of a node that is to start: `--config`, else `config/<node_id>.json`, else
/// ports by convention.
///
/// # Errors
/// Each says what to do; nothing was changed.
pub fn load(flags: &Flags, genesis: &Genesis) -> Result<NodeConfig, ConfigError> {
    let conventional = lookup::config_path(Path::new(CONFIG_DIRECTORY), &flags.node_id);
    let file = match &flags.config {
        Some(path) => Some((path.clone(), file::read(path)?)),
        None if conventional.exists() => Some((conventional.clone(), file::read(&conventional)?)),
        None => None,
    };
    if let Some((path, file)) = &file
        && file.node_id != flags.node_id
    {
        let (file, flag) = (file.node_id.clone(), flags.node_id.clone());
        return Err(ConfigError::OtherNode { path: path.clone(), file, flag });
    }
    let mut file = file.map_or_else(|| ConfigFile::new(flags.node_id.clone()), |(_, file)| file);
    file.key_file = flags.key_file.clone().or(file.key_file);
    resolve(file, flags.stake, flags.data_dir.as_deref(), genesis)
}

/// Completes a file by the conventions and checks it against the genesis. Reads nothing but the number of processors.
///
/// # Errors
/// The first rule, in the order of [`NodeConfig`], that does not hold.
pub fn resolve(
    file: ConfigFile,
    stake_flag: Option<Stake>,
    data_dir_flag: Option<&Path>,
    genesis: &Genesis,
) -> Result<NodeConfig, ConfigError> {
    let node_id = file.node_id.clone();
    let (index, stake) = check_stake(&file, stake_flag, genesis)?;
    let (network, http) = resolve_addresses(&file, genesis)?;
    let verifier = resolve_verifier(&file.verifier, &network)?;
    let cache = if is_crowded(&network) { STORAGE_CACHE_BYTES_CROWDED } else { STORAGE_CACHE_BYTES_DEFAULT };
    let data_dir = data_dir_flag.map(Path::to_owned).or(file.data_dir);
    let keys = Path::new(keys::KEYS_DIRECTORY);
    Ok(NodeConfig {
        data_dir: data_dir.unwrap_or_else(|| Path::new("data").join(node_id.as_str())),
        key_file: file.key_file.unwrap_or_else(|| keys::validator_key_path(keys, &node_id)),
        node_id,
        index,
        stake,
        network,
        http,
        consensus: resolve_consensus(&file.consensus, genesis)?,
        mempool: resolve_mempool(&file.mempool, genesis)?,
        verifier,
        metrics: MetricsConfig { enabled: file.metrics.enabled.unwrap_or(true) },
        admin: AdminConfig { enabled: file.admin.enabled.unwrap_or(false) },
        storage: StorageConfig {
            cache_bytes: within(
                "storage.cache_bytes",
                file.storage.cache_bytes.unwrap_or(cache),
                1 << 20..=64 << 30,
                "bytes",
            )?,
        },
    })
}

fn check_stake(
    file: &ConfigFile,
    flag: Option<Stake>,
    genesis: &Genesis,
) -> Result<(ValidatorIndex, Stake), ConfigError> {
    let node_id = || file.node_id.clone();
    let minimum = genesis.parameters().minimum_stake;
    let given = [(flag, "--stake"), (file.stake, "the configuration file")];
    let given = given.into_iter().filter_map(|(stake, origin)| Some((stake?, origin)));
    if let Some((stake, _)) = given.clone().find(|(stake, _)| *stake < minimum) {
        let genesis = genesis.index_of(&file.node_id).map(|index| genesis.validators()[index.as_usize()].stake);
        return Err(ConfigError::InsufficientStake { node_id: node_id(), stake, minimum, genesis });
    }
    let index = genesis.index_of(&file.node_id).ok_or_else(|| ConfigError::UnknownNode { node_id: node_id() })?;
    let bound = genesis.validators()[index.as_usize()].stake;
    match given.into_iter().find(|(stake, _)| *stake != bound) {
        Some((given, origin)) => {
            Err(ConfigError::StakeContradicts { node_id: node_id(), given, origin, genesis: bound })
        }
        None => Ok((index, bound)),
    }
}

fn resolve_addresses(file: &ConfigFile, genesis: &Genesis) -> Result<(NetworkConfig, SocketAddr), ConfigError> {
    let NetworkSection { listen_address, listen_port, bootstrap_peers } = &file.network;
    let port = match listen_port {
        Some(port) => within("network.listen_port", *port, 1..=u16::MAX, "(a port)")?,
        None => {
            convention_port(&file.node_id).ok_or_else(|| ConfigError::NoConvention { node_id: file.node_id.clone() })?
        }
    };
    let listen = SocketAddr::new(listen_address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port);
    let http_address = file.http.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let http = SocketAddr::new(http_address, lookup::http_port(file.http.port, port)?);
    if http.port() == listen.port() {
        let rule = "it must differ from network.listen_port".into();
        return Err(ConfigError::OutOfRange { key: "http.port", value: http.port().to_string(), rule });
    }
    let peers = match bootstrap_peers {
        Some(peers) => peers.clone(),
        None => conventional_peers(genesis),
    };
    let bootstrap_peers = check_peers(peers, &file.node_id, genesis)?;
    Ok((NetworkConfig { listen, bootstrap_peers }, http))
}

/// Where the other validators of the genesis are on this machine, by the guide's convention.
fn conventional_peers(genesis: &Genesis) -> Vec<PeerAddress> {
    let peer = |node_id: &NodeId| {
        let port = convention_port(node_id)?;
        Some(PeerAddress { node_id: node_id.clone(), address: Address::new("localhost", port) })
    };
    genesis.validators().iter().filter_map(|validator| peer(&validator.node_id)).collect()
}

fn check_peers(peers: Vec<PeerAddress>, me: &NodeId, genesis: &Genesis) -> Result<Vec<PeerAddress>, ConfigError> {
    let mut checked: Vec<PeerAddress> = Vec::with_capacity(peers.len());
    // One list for all nodes is convenient, so a node's own entry is passed over.
    for peer in peers.into_iter().filter(|peer| peer.node_id != *me) {
        if genesis.index_of(&peer.node_id).is_none() {
            return Err(ConfigError::UnknownPeer(peer.node_id));
        }
        if checked.iter().any(|other| other.node_id == peer.node_id) {
            return Err(ConfigError::PeerTwice(peer.node_id));
        }
        checked.push(peer);
    }
    Ok(checked)
}

fn resolve_consensus(section: &ConsensusSection, genesis: &Genesis) -> Result<ConsensusConfig, ConfigError> {
    let seconds = |key, given: Option<Seconds>, default: u64, least: u64, most: u64| {
        let value = given.map_or(Ok(Millis(default)), |seconds| seconds.millis(key))?;
        if (least..=most).contains(&value.0) {
            return Ok(value);
        }
        let rule = format!("it must be {} to {} seconds", least as f64 / 1e3, most as f64 / 1e3);
        Err(ConfigError::OutOfRange { key, value: format!("{} seconds", value.0 as f64 / 1e3), rule })
    };
    let hard_max = genesis.parameters().block.proofs_max;
    Ok(ConsensusConfig {
        timeout: seconds("consensus.timeout", section.timeout, 10_000, 500, 600_000)?,
        view_change_timeout: seconds(
            "consensus.view_change_timeout",
            section.view_change_timeout,
            5_000,
            100,
            600_000,
        )?,
        idle_block_interval: seconds(
            "consensus.idle_block_interval",
            section.idle_block_interval,
            10_000,
            100,
            3_600_000,
        )?,
        block_size_max: within(
            "consensus.block_size_max",
            section.block_size_max.unwrap_or(BLOCK_SIZE_MAX_DEFAULT.min(hard_max)),
            1..=hard_max,
            "proofs (the genesis allows no more)",
        )?,
    })
}

fn resolve_mempool(section: &MempoolSection, genesis: &Genesis) -> Result<MempoolConfig, ConfigError> {
    let script_bytes_max = genesis.parameters().verifier.script_bytes_max;
    Ok(MempoolConfig {
        proofs_max: within(
            "mempool.proofs_max",
            section.proofs_max.unwrap_or(MEMPOOL_PROOFS_MAX_DEFAULT),
            1..=1_000_000,
            "proofs",
        )?,
        bytes_max: within(
            "mempool.bytes_max",
            section.bytes_max.unwrap_or(MEMPOOL_BYTES_MAX_DEFAULT.max(script_bytes_max)),
            script_bytes_max..=1 << 40,
            "bytes (at least one script of the genesis' largest size must fit)",
        )?,
    })
}

fn resolve_verifier(section: &VerifierSection, network: &NetworkConfig) -> Result<VerifierConfig, ConfigError> {
    let workers = section.workers.unwrap_or_else(|| default_workers(network));
    Ok(VerifierConfig {
        workers: within("verifier.workers", workers, 1..=WORKERS_MAX, "processes")?,
        sandbox: section.sandbox.unwrap_or_default(),
        spare: section.spare.unwrap_or(!is_crowded(network)),
    })
}

/// Validators on this machine, this one included, as far as the addresses tell.
fn validators_here(network: &NetworkConfig) -> usize {
    1 + network.bootstrap_peers.iter().filter(|peer| peer.address.is_loopback()).count()
}

fn is_crowded(network: &NetworkConfig) -> bool {
    validators_here(network) >= CROWD_MIN
}

/// The processors of this machine, shared among the validators that run on it.
fn default_workers(network: &NetworkConfig) -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    u32::try_from(processors / validators_here(network)).unwrap_or(WORKERS_MAX).clamp(1, WORKERS_MAX)
}

fn within<T: PartialOrd + std::fmt::Display>(
    key: &'static str,
    value: T,
    range: std::ops::RangeInclusive<T>,
    unit: &str,
) -> Result<T, ConfigError> {
    if range.contains(&value) {
        return Ok(value);
    }
    let rule = format!("it must be {} to {} {unit}", range.start(), range.end());
    Err(ConfigError::OutOfRange { key, value: value.to_string(), rule })
}

#[cfg(test)]
mod tests;
