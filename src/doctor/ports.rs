//! The node's two ports: free, its own, or another process'.

use super::Finding;
use crate::processes::{Listener, listener};
use actors::config::NodeConfig;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};

/// What is known of a port.
#[derive(Debug)]
enum Port {
    Free,
    Taken(Option<Listener>),
    /// It cannot be listened on at all.
    Impossible(io::Error),
}

/// The findings, and the node's process if it runs.
pub(super) fn look(config: &NodeConfig) -> (Vec<Finding>, Option<i32>) {
    let node_id = config.node_id.as_str();
    let http = port(config.http);
    let process = match &http {
        Port::Taken(Some(listener)) if listener.is_validator(node_id) => Some(listener.pid),
        Port::Taken(_) | Port::Free | Port::Impossible(_) => None,
    };
    let peers =
        judge("peers' port", "network.listen_port", config.network.listen, port(config.network.listen), node_id);
    (vec![peers, judge("HTTP port", "http.port", config.http, http, node_id)], process)
}

fn port(address: SocketAddr) -> Port {
    match TcpListener::bind(address) {
        Ok(_) => Port::Free,
        Err(error) if error.kind() == ErrorKind::AddrInUse => Port::Taken(listener(address.port())),
        Err(error) => Port::Impossible(error),
    }
}

fn judge(name: &'static str, key: &str, address: SocketAddr, port: Port, node_id: &str) -> Finding {
    match port {
        Port::Free => Finding::ok(name, format!("{address} is free: {node_id} does not run")),
        Port::Taken(Some(listener)) if listener.is_validator(node_id) && listener.is_stopped => Finding::failure(
            name,
            format!("{address}: {node_id}, process {}, is stopped (SIGSTOP)", listener.pid),
            format!("`kill -CONT {}` wakes it", listener.pid),
        ),
        Port::Taken(Some(listener)) if listener.is_validator(node_id) => {
            Finding::ok(name, format!("{address}: {node_id} runs, process {}", listener.pid))
        }
        Port::Taken(Some(listener)) => Finding::failure(
            name,
            format!("{address} is taken by process {} ({})", listener.pid, listener.name),
            format!("stop that process, or set {key} to another port"),
        ),
        Port::Taken(None) => Finding::failure(
            name,
            format!("{address} is taken by a process that this user may not look at"),
            format!("`sudo ss -ltnp` names it: stop it, or set {key} to another port"),
        ),
        Port::Impossible(error) => Finding::failure(
            name,
            format!("nobody can listen on {address}: {error}"),
            format!("set {key}, or the address before it, to one that this machine has and this user may take"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_port_is_free_its_nodes_own_or_somebody_elses() {
        let address = "127.0.0.1:8001".parse().unwrap();
        let of = |port| judge("peers' port", "network.listen_port", address, port, "node_1");
        let taken = |words: &[&str], is_stopped| {
            let arguments = words.iter().map(|word| (*word).to_owned()).collect();
            Port::Taken(Some(Listener { pid: 7, name: "pop".into(), arguments, is_stopped }))
        };
        assert_eq!(of(Port::Free).level, Level::Ok);
        assert_eq!(of(taken(&["pop", "start-validator", "--node-id", "node_1"], false)).level, Level::Ok);
        assert_eq!(of(taken(&["pop", "start-validator", "--node-id=node_1"], false)).level, Level::Ok);
        let stopped = of(taken(&["pop", "start-validator", "--node-id", "node_1"], true));
        assert!(stopped.level == Level::Failure && stopped.remedy.unwrap().contains("kill -CONT 7"));
        for other in [taken(&["pop", "start-validator", "--node-id", "node_2"], false), taken(&["nginx"], false)] {
            let finding = of(other);
            assert_eq!(finding.level, Level::Failure);
            assert!(finding.text.contains("process 7 (pop)"), "{}", finding.text);
        }
        assert_eq!(of(Port::Taken(None)).level, Level::Failure);
        assert_eq!(of(Port::Impossible(ErrorKind::AddrNotAvailable.into())).level, Level::Failure);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_has_a_port_is_found() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let Port::Taken(Some(listener)) = port(held.local_addr().unwrap()) else { panic!("it is this process") };
        assert_eq!(listener.pid.unsigned_abs(), std::process::id());
        assert!(!listener.is_validator("node_1") && !listener.name.is_empty());
    }
}
