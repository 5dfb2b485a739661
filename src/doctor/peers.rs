//! Who can be reached, and how fast: a TCP connection to each peer's address, closed at once.
//!
//! Must never say who this is: a session with the node's key would take the place of the running node's own.

use super::Finding;
use actors::config::{NodeConfig, PeerAddress};
use protocol::genesis::Genesis;
use protocol::types::{Stake, ValidatorIndex};
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Mutex;
use std::time::{Duration, Instant};

const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Connections at once.
const THREADS_MAX: usize = 32;
/// Peers with a line of their own, the worst first; a network may have a thousand.
const LINES_MAX: usize = 12;

/// Why there is no connection.
#[derive(Debug, Clone)]
struct Failed {
    kind: ErrorKind,
    why: String,
}

/// One peer, and how long its connection took or why it failed.
#[derive(Debug, Clone)]
struct Tried {
    index: ValidatorIndex,
    name: String,
    address: String,
    came: Result<Duration, Failed>,
}

pub(super) fn look(config: &NodeConfig, genesis: &Genesis) -> Vec<Finding> {
    let peers = &config.network.bootstrap_peers;
    let next = Mutex::new(peers.iter());
    let tried = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS_MAX.min(peers.len()) {
            scope.spawn(|| {
                while let Some(peer) = take(&next) {
                    let one = reach(peer, genesis);
                    if let (Some(one), Ok(mut tried)) = (one, tried.lock()) {
                        tried.push(one);
                    }
                }
            });
        }
    });
    let tried = tried.into_inner().unwrap_or_default();
    let set = genesis.validator_set();
    let reached = tried.iter().filter(|one| one.came.is_ok()).map(|one| one.index);
    let reached = set.stake_of(reached.chain([config.index]));
    let others = genesis.validators().len() - 1;
    judge(tried, others, reached, set.total(), set.is_quorum(reached))
}

fn take<'a>(next: &Mutex<std::slice::Iter<'a, PeerAddress>>) -> Option<&'a PeerAddress> {
    next.lock().ok()?.next()
}

fn reach(peer: &PeerAddress, genesis: &Genesis) -> Option<Tried> {
    let address = peer.address.to_string();
    let came = connect(&address).map_err(|error| Failed { kind: error.kind(), why: error.to_string() });
    Some(Tried { index: genesis.index_of(&peer.node_id)?, name: peer.node_id.to_string(), address, came })
}

fn connect(address: &str) -> std::io::Result<Duration> {
    let mut last = std::io::Error::other("the name has no address");
    for address in address.to_socket_addrs()? {
        let began = Instant::now();
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(_) => return Ok(began.elapsed()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn judge(mut tried: Vec<Tried>, others: usize, reached: Stake, total: Stake, is_quorum: bool) -> Vec<Finding> {
    if others == 0 {
        return vec![Finding::ok("peers", "a network of one has none")];
    }
    // Those that are not reached first, then the slowest.
    tried.sort_by_key(|one| std::cmp::Reverse(*one.came.as_ref().unwrap_or(&Duration::MAX)));
    let count = tried.iter().filter(|one| one.came.is_ok()).count();
    let text = format!("{count} of {others} reached: with this one {reached} of {total} stake");
    let sum = if count == others {
        Finding::ok("peers", text)
    } else if is_quorum {
        Finding::warning("peers", text, "see below; the network goes on without them")
    } else {
        Finding::failure(
            "peers",
            format!("{text}, which is no quorum"),
            "start the others, and mend the way to them: see below",
        )
    };
    let mut findings = vec![sum];
    findings.extend(tried.iter().take(LINES_MAX).map(line));
    findings
}

fn line(tried: &Tried) -> Finding {
    let Tried { name, address, came, .. } = tried;
    match came {
        Ok(took) => {
            Finding::ok("peer", format!("{name} at {address}: connected in {:.2} ms", took.as_secs_f64() * 1e3))
        }
        Err(Failed { kind, why }) => Finding::warning("peer", format!("{name} at {address}: {why}"), remedy(*kind)),
    }
}

fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => {
            "start it there; if it runs, its port in network.bootstrap_peers is another one"
        }
        ErrorKind::TimedOut => "a firewall is between, or its address in network.bootstrap_peers is wrong",
        _ => "its address in network.bootstrap_peers is wrong, or this machine has no way to it",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use std::net::TcpListener;

    fn tried(name: &str, came: Result<Duration, Failed>) -> Tried {
        Tried { index: ValidatorIndex(1), name: name.into(), address: "a:1".into(), came }
    }

    #[test]
    fn peers_are_judged_by_the_stake_that_is_reached_the_worst_first() {
        let one = || tried("b", Ok(Duration::from_millis(3)));
        let lost = || tried("c", Err(Failed { kind: ErrorKind::ConnectionRefused, why: "refused".into() }));
        let levels = |tried: Vec<Tried>, quorum| {
            let findings = judge(tried, 2, Stake(20), Stake(30), quorum);
            findings.iter().map(|finding| finding.level).collect::<Vec<_>>()
        };
        assert_eq!(levels(vec![one(), one()], true), [Level::Ok; 3]);
        assert_eq!(levels(vec![one(), lost()], true), [Level::Warning, Level::Warning, Level::Ok]);
        assert_eq!(levels(vec![lost(), lost()], false), [Level::Failure, Level::Warning, Level::Warning]);
        assert_eq!(judge(vec![], 0, Stake(1), Stake(1), true)[0].level, Level::Ok);
    }

    #[test]
    fn a_connection_is_made_or_its_failure_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(connect(&address).is_ok());
        drop(listener);
        assert!(connect(&address).is_err());
        assert!(connect("no.such.host.invalid:1").is_err());
    }
}
