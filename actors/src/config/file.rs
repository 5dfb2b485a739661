//! The form of `config/<node_id>.json`: the guide's keys and ours. Whatever is left out has a default.
//!
//! Each key's unit and default stand here and, for operators, in `docs/CONFIGURATION.md`; a test compares the two.

use super::{ConfigError, PeerAddress};
use crate::storage::files;
use protocol::types::{Millis, NodeId, Stake};
use protocol::worker::SandboxMode;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Ten thousand peers take some 800 kB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A span in seconds, fractions allowed, as the guide writes it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

impl Seconds {
    pub(super) fn millis(self, key: &'static str) -> Result<Millis, ConfigError> {
        let millis = (self.0 * 1e3).round();
        if millis.is_finite() && (0.0..=1e15).contains(&millis) {
            return Ok(Millis(millis as u64));
        }
        Err(ConfigError::OutOfRange { key, value: self.0.to_string(), rule: "it must be a number of seconds".into() })
    }
}

impl From<Millis> for Seconds {
    fn from(millis: Millis) -> Seconds {
        Seconds(millis.0 as f64 / 1e3)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The validator's name in the genesis.
    pub node_id: NodeId,
    /// Whole tokens; must be the genesis' stake. Default: that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stake: Option<Stake>,
    /// Folder of the vote log and the database. Default: `data/<node_id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// The validator's private key. Default: `data/keys/<node_id>.key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    #[serde(default)]
    pub network: NetworkSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub http: HttpSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub consensus: ConsensusSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub mempool: MempoolSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub verifier: VerifierSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub metrics: MetricsSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub admin: AdminSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub storage: StorageSection,
}

fn is_default<T: Default + PartialEq>(section: &T) -> bool {
    *section == T::default()
}

/// Makes a section of keys that may all be left out.
macro_rules! section {
    ($name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        #[cfg(test)]
        impl $name {
            pub const KEYS: &[&str] = &[$(stringify!($field)),*];
        }
    };
}

section!(NetworkSection {
    /// Interface on which peers are awaited. Default: all (`0.0.0.0`); peers are authenticated by their keys.
    listen_address: IpAddr,
    /// Port for peers. Default: 8000 + k for `node_<k>`.
    listen_port: u16,
    /// Where other validators are. Default: `localhost` and the conventional port, for each in the genesis.
    bootstrap_peers: Vec<PeerAddress>,
});

section!(HttpSection {
    /// Interface of the API and of `/metrics`. Default: `127.0.0.1`; it has no authentication.
    address: IpAddr,
    /// Port of the API; 0 takes a free one. Default: `network.listen_port` + 1000.
    port: u16,
});

section!(ConsensusSection {
    /// Seconds; upper bound of the view timer. Default: 10.
    timeout: Seconds,
    /// Seconds; a view change open for longer is told to the operator. Default: 5.
    view_change_timeout: Seconds,
    /// Seconds; a leader without work proposes an empty block after this. Default: 10.
    idle_block_interval: Seconds,
    /// Proofs in a block that this node proposes, at most the genesis' bound. Default: 100.
    block_size_max: u32,
});

section!(MempoolSection {
    /// Pending proofs. Default: 2000.
    proofs_max: u32,
    /// Bytes of pending scripts. Default: 268435456 (256 MiB).
    bytes_max: u64,
});

section!(VerifierSection {
    /// Processes that check proofs. Default: processors ÷ validators on this machine, at least 1.
    workers: u32,
    /// `required`, or `off` to run the solver unprotected. Default: `required`.
    sandbox: SandboxMode,
    /// Whether one more process is kept warm for when a worker is lost. Default: true, false with more than 16 validators
    /// on this machine.
    spare: bool,
});

section!(MetricsSection {
    /// Whether `/metrics` answers. Default: true.
    enabled: bool,
});

section!(AdminSection {
    /// Whether actors may be made to fail (`pop kill-actor`) by whoever can read `admin_token` in the data
    /// directory, from this machine. Default: false.
    enabled: bool,
});

section!(StorageSection {
    /// Bytes of memory for the database's pages. Default: 33554432 (32 MiB), 4194304 (4 MiB) with more than 16 validators on
    /// this machine.
    cache_bytes: u64,
});

impl ConfigFile {
    /// A node with every default.
    pub fn new(node_id: NodeId) -> ConfigFile {
        ConfigFile {
            node_id,
            stake: None,
            data_dir: None,
            key_file: None,
            network: NetworkSection::default(),
            http: HttpSection::default(),
            consensus: ConsensusSection::default(),
            mempool: MempoolSection::default(),
            verifier: VerifierSection::default(),
            metrics: MetricsSection::default(),
            admin: AdminSection::default(),
            storage: StorageSection::default(),
        }
    }
}

pub(super) fn read(path: &Path) -> Result<ConfigFile, ConfigError> {
    let bytes = files::read_bounded(path, FILE_BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ConfigError::Missing { path: path.into() },
        _ => ConfigError::File(error),
    })?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        return Err(ConfigError::ByteOrderMark { path: path.into() });
    }
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let form = |key: String, source| ConfigError::Form { path: path.into(), key: key_in_front(&key), source };
    let file = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let key = error.path().to_string();
        form(key, error.into_inner())
    })?;
    json.end().map_err(|source| form(String::new(), source))?;
    Ok(file)
}

/// With which some editors begin a text, and JSON does not.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The key that a value belongs to, as it stands in front of what is wrong. An error of the whole file has none.
fn key_in_front(path: &str) -> String {
    if path.is_empty() || path == "." || path == "?" { String::new() } else { format!("{path}: ") }
}
