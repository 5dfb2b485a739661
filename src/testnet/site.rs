//! The folder of a testnet: genesis, keys, configurations and logs, and the ports that its validators take.

use super::{Plan, Ports, failure};
use crate::exit::{Exit, Failure};
use crate::new_genesis::new_genesis;
use crate::processes::listener;
use crate::solver_pin;
use actors::config::{
    Address, AdminSection, CROWD_MIN, ConfigFile, HTTP_PORT_OFFSET, HttpSection, NetworkSection, PeerAddress,
    convention_port,
};
use actors::keys;
use actors::storage::files::{self, Existing};
use actors::storage::genesis_file;
use ed25519_dalek::SigningKey;
use protocol::genesis::GenesisValidator;
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::quorum::ValidatorSet;
use protocol::signature::public_key;
use protocol::types::{Hash, NodeId, Stake};
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pending proofs that a crowd has room for, as far as each validator has room for one: what this machine checks for all of them
/// in about a minute. With room for thousands each would be busy taking in what others check in another order, and none
/// would be confirmed by a quorum.
const CROWD_PROOFS_MAX: usize = 96;
/// Its presence says that the folder is a testnet's; its lock, that one is running.
const MARK: &str = "testnet.lock";

/// One validator's place.
#[derive(Debug, Clone)]
pub struct Place {
    pub node_id: NodeId,
    pub config: PathBuf,
    pub data_dir: PathBuf,
    pub log: PathBuf,
    /// Of its HTTP API, `127.0.0.1:PORT`.
    pub http: String,
}

pub struct Site {
    pub folder: PathBuf,
    pub genesis: PathBuf,
    pub chain: Hash,
    pub places: Vec<Place>,
    pub set: Arc<ValidatorSet>,
    /// Who submits.
    pub submitter: SigningKey,
    /// Held as long as the testnet runs.
    _lock: File,
    _ports: Vec<TcpListener>,
}

impl Site {
    /// Makes everything that the validators are started with. What an earlier testnet left in the folder is deleted.
    ///
    /// # Errors
    /// If the folder is another's or in use, or something cannot be written.
    pub fn make(plan: &Plan) -> Result<Site, Failure> {
        // Before anything is deleted: what would fail anyway.
        let parameters = ConsensusParameters::new(solver_pin::installed().map_err(failure)?);
        let names = (1..=plan.nodes).map(|k| NodeId::new(&format!("node_{k}")).map_err(failure));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        let keys = names.iter().map(|_| keys::generate().map_err(failure)).collect::<Result<Vec<_>, _>>()?;
        let genesis = new_genesis(members(&names, &keys, plan.stake), parameters)?;

        let lock = claim(&plan.folder)?;
        // Validators are started with these paths, whatever their working directory.
        let folder = plan.folder.canonicalize().map_err(failure)?;
        let genesis_path = folder.join("genesis_state.json");
        genesis_file::write(&genesis_path, &genesis, Existing::Keep).map_err(failure)?;
        files::make_directory(&folder.join("logs"), 0o755).map_err(failure)?;
        files::make_directory(&folder.join("config"), 0o755).map_err(failure)?;
        let (ports, claims) = match plan.ports {
            Ports::Free => free_ports(names.len() * 2).map_err(failure)?,
            Ports::Guide => (guide_ports(&names)?, Vec::new()),
        };
        let (listen, http) = ports.split_at(names.len());
        let making = Making { plan, folder: &folder, names: &names, keys: &keys, listen, http };
        let places = (0..names.len()).map(|index| making.validator(index)).collect::<Result<_, _>>()?;
        let submitter = keys::generate().map_err(failure)?;
        let (chain, set) = (genesis.chain_id(), Arc::new(genesis.validator_set()));
        Ok(Site {
            folder: plan.folder.clone(),
            genesis: genesis_path,
            chain,
            places,
            set,
            submitter,
            _lock: lock,
            _ports: claims,
        })
    }
}

fn members(names: &[NodeId], keys: &[SigningKey], stake: Stake) -> Vec<GenesisValidator> {
    let member = |(node_id, key): (&NodeId, &SigningKey)| GenesisValidator {
        node_id: node_id.clone(),
        public_key: public_key(key),
        stake,
        initial_balance: Tokens(0),
    };
    names.iter().zip(keys).map(member).collect()
}

/// What the validators' files are made of; of each of these lists one is a validator's, in their order.
struct Making<'a> {
    plan: &'a Plan,
    folder: &'a Path,
    names: &'a [NodeId],
    keys: &'a [SigningKey],
    listen: &'a [u16],
    http: &'a [u16],
}

impl Making<'_> {
    /// Writes one validator's key and configuration.
    fn validator(&self, index: usize) -> Result<Place, Failure> {
        let (node_id, folder) = (&self.names[index], self.folder);
        let key_file = keys::validator_key_path(&folder.join("keys"), node_id);
        keys::create_born(&key_file, &self.keys[index]).map_err(failure)?;
        let place = Place {
            node_id: node_id.clone(),
            config: folder.join("config").join(format!("{node_id}.json")),
            data_dir: folder.join(node_id.as_str()),
            log: folder.join("logs").join(format!("{node_id}.log")),
            http: format!("127.0.0.1:{}", self.http[index]),
        };
        let loopback = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut config = ConfigFile::new(node_id.clone());
        config.stake = Some(self.plan.stake);
        config.data_dir = Some(place.data_dir.clone());
        config.key_file = Some(key_file);
        config.network = NetworkSection {
            listen_address: loopback,
            listen_port: Some(self.listen[index]),
            bootstrap_peers: Some(self.peers_of(node_id)),
        };
        config.mempool.proofs_max = proofs_max(self.names.len());
        config.admin = AdminSection { enabled: self.plan.admin.then_some(true) };
        config.http = HttpSection { address: loopback, port: Some(self.http[index]) };
        write_config(&place.config, &config)?;
        Ok(place)
    }

    fn peers_of(&self, node_id: &NodeId) -> Vec<PeerAddress> {
        let others = self.names.iter().zip(self.listen).filter(|(other, _)| *other != node_id);
        let peer = |(other, port): (&NodeId, &u16)| PeerAddress {
            node_id: other.clone(),
            address: Address::new("127.0.0.1", *port),
        };
        others.map(peer).collect()
    }
}

/// Whether a folder is that of a testnet that nobody runs any more.
pub fn has_ended(folder: &Path) -> bool {
    let Ok(mark) = File::open(folder.join(MARK)) else { return false };
    // Who runs it holds the lock as long as it runs.
    mark.try_lock_shared().is_ok()
}

/// Pending proofs of all validators together; none: as many as by default.
fn proofs_max(nodes: usize) -> Option<u32> {
    (nodes >= CROWD_MIN).then(|| u32::try_from(nodes.max(CROWD_PROOFS_MAX)).unwrap_or(u32::MAX))
}

fn write_config(path: &Path, config: &ConfigFile) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(config).map_err(failure)?;
    files::write_whole(path, text.as_bytes(), 0o644, Existing::Keep).map_err(failure)
}

/// Takes the folder, and empties it if an earlier testnet left something there. A folder of somebody else's is kept.
fn claim(folder: &Path) -> Result<File, Failure> {
    let mark = folder.join(MARK);
    let used = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if used && !mark.is_file() {
        let text = format!("{} is not a testnet folder: give another --data-dir", folder.display());
        return Err(Failure::new(Exit::Configuration, text));
    }
    files::make_directory(folder, 0o755).map_err(failure)?;
    let lock = File::options().create(true).truncate(false).write(true).open(&mark).map_err(failure)?;
    if lock.try_lock().is_err() {
        let text = format!(
            "another testnet is running in {}: wait for it, stop it, or give another --data-dir",
            folder.display()
        );
        return Err(Failure::new(Exit::Configuration, text));
    }
    for entry in std::fs::read_dir(folder).map_err(failure)? {
        let path = entry.map_err(failure)?.path();
        if path == mark {
            continue;
        }
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(|error| failure(format!("cannot delete {}: {error}", path.display())))?;
    }
    Ok(lock)
}

/// Below those that systems give to connections and to who asks for any port (32768 on Linux, 49152 elsewhere), so that
/// nobody else takes the port of a validator that is about to start, or to start again.
const FREE_PORTS: std::ops::Range<u16> = 16_384..32_768;
const BLOCK: u16 = 256;

/// Ports that are free, and the claim on them: they come in blocks, and who listens on a block's first port has the block.
///
/// # Errors
/// If there are not enough.
fn free_ports(count: usize) -> std::io::Result<(Vec<u16>, Vec<TcpListener>)> {
    let listen = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let mut firsts: Vec<u16> = FREE_PORTS.step_by(usize::from(BLOCK)).collect();
    // Two testnets that start at the same time ask for other blocks first.
    let blocks = firsts.len();
    firsts.rotate_left(std::process::id() as usize % blocks);
    let (mut ports, mut claims) = (Vec::new(), Vec::new());
    for first in firsts {
        if ports.len() >= count {
            break;
        }
        let Ok(claim) = listen(first) else { continue };
        claims.push(claim);
        ports.extend((first + 1..first + BLOCK).filter(|port| listen(*port).is_ok()).take(count - ports.len()));
    }
    if ports.len() < count {
        let text = format!("{count} ports are needed and {} are free from {FREE_PORTS:?}", ports.len());
        return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, text));
    }
    Ok((ports, claims))
}

/// The guide's ports, those for peers first.
///
/// # Errors
/// If one is taken; says by whom.
fn guide_ports(names: &[NodeId]) -> Result<Vec<u16>, Failure> {
    let peers: Vec<u16> = names.iter().filter_map(convention_port).collect();
    let ports: Vec<u16> = peers.iter().copied().chain(peers.iter().map(|port| port + HTTP_PORT_OFFSET)).collect();
    for port in &ports {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err() {
            let by = listener(*port).map_or("a process that this user may not look at".into(), |listener| {
                format!("process {} ({})", listener.pid, listener.name)
            });
            let text = format!("port {port} is taken by {by}: stop it, or give --any-ports");
            return Err(Failure::new(Exit::Configuration, text));
        }
    }
    Ok(ports)
}
