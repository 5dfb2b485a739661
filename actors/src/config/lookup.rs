//! The addresses of nodes by name: `config/<id>.json` first, then the guide's convention that node_k listens on port
//! 8000 + k.

use super::{Address, ConfigError, HTTP_PORT_OFFSET, file};
use protocol::types::NodeId;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Where configuration files are looked for.
pub const CONFIG_DIRECTORY: &str = "config";

/// node_k listens on this + k.
const PORT_BASE: u16 = 8_000;

pub(super) fn config_path(directory: &Path, node_id: &NodeId) -> PathBuf {
    directory.join(format!("{node_id}.json"))
}

/// The port on which `node_<k>` listens for peers: 8000 + k. `None` for other names, and where HTTP's port, 1000 above,
/// would not exist.
pub fn convention_port(node_id: &NodeId) -> Option<u16> {
    let number = node_id.as_str().strip_prefix("node_")?;
    // `node_01` and `node_+1` are other names than `node_1` and must not share its port.
    let canonical = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let port = PORT_BASE.checked_add(number.parse().ok().filter(|_| canonical)?)?;
    (port <= u16::MAX - HTTP_PORT_OFFSET).then_some(port)
}

/// The port of HTTP: as given, else above the peers' one.
pub(super) fn http_port(given: Option<u16>, listen_port: u16) -> Result<u16, ConfigError> {
    given.or_else(|| listen_port.checked_add(HTTP_PORT_OFFSET)).ok_or_else(|| ConfigError::OutOfRange {
        key: "network.listen_port",
        value: listen_port.to_string(),
        rule: format!("above {} there is no port for HTTP by convention: set http.port", u16::MAX - HTTP_PORT_OFFSET),
    })
}

/// Where a running node answers HTTP: its name, looked up in `directory` and then by convention, or `HOST:PORT` itself.
///
/// # Errors
/// `NoNodeName`, `NoConvention`, and what is wrong with the node's configuration file.
pub fn http_address(name: &str, directory: &Path) -> Result<Address, ConfigError> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let node_id = NodeId::new(name).map_err(|_| ConfigError::NoNodeName { name: name.chars().take(80).collect() })?;
    let path = config_path(directory, &node_id);
    let (network_port, http) = if path.exists() {
        let file = file::read(&path)?;
        (file.network.listen_port, file.http)
    } else {
        (None, file::HttpSection::default())
    };
    let listen = network_port.or_else(|| convention_port(&node_id));
    let listen = listen.ok_or_else(|| ConfigError::NoConvention { node_id: node_id.clone() })?;
    let host = match http.address {
        Some(ip) if !ip.is_unspecified() => ip.to_string(),
        Some(IpAddr::V6(_)) => "::1".into(),
        // Nobody can connect to "all interfaces"; this machine is one of them.
        Some(IpAddr::V4(_)) | None => "127.0.0.1".into(),
    };
    Ok(Address::new(host, http_port(http.port, listen)?))
}

/// Where a node on this machine keeps its data: what its configuration in `directory` says, else `data/<name>`.
///
/// # Errors
/// `NoNodeName`, and what is wrong with the node's configuration file.
pub fn data_directory(name: &str, directory: &Path) -> Result<PathBuf, ConfigError> {
    let node_id = NodeId::new(name).map_err(|_| ConfigError::NoNodeName { name: name.chars().take(80).collect() })?;
    let path = config_path(directory, &node_id);
    let configured = if path.exists() { file::read(&path)?.data_dir } else { None };
    Ok(configured.unwrap_or_else(|| Path::new("data").join(node_id.as_str())))
}
