//! Proofs for a network, so that there is something to see: true ones, the same again by somebody else, laborious ones, and
//! false ones. Whatever happens to the network, it goes on.

use crate::network_support::Network;
use crate::network_support::proofs::{Submitter, laborious, script};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two submissions to one validator.
const INTERVAL: Duration = Duration::from_millis(300);
/// A validator that is stopped takes connections and answers nothing.
const REQUEST: Duration = Duration::from_secs(2);

pub struct Load {
    stop: Arc<AtomicBool>,
    taken: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// On every validator, until it is dropped.
    pub fn on(network: &Network) -> Load {
        let (stop, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let submitters = [Submitter::with_key(network.chain(), 1), Submitter::with_key(network.chain(), 2)];
        let on = |address: SocketAddr| {
            let (stop, taken, submitters) = (stop.clone(), taken.clone(), submitters.clone());
            std::thread::spawn(move || submit(address, &submitters, &stop, &taken))
        };
        let threads = network.nodes.iter().map(|node| on(node.http)).collect();
        Load { stop, taken, threads }
    }

    /// How many proofs were taken in so far.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A thread that panicked has said so.
            _ = thread.join();
        }
    }
}

fn submit(address: SocketAddr, submitters: &[Submitter; 2], stop: &AtomicBool, taken: &AtomicU64) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(REQUEST)).build();
    let agent: ureq::Agent = config.into();
    let offer = |body: &serde_json::Value| {
        let answer = agent.post(format!("http://{address}/v1/proofs")).send_json(body);
        taken.fetch_add(answer.is_ok_and(|answer| answer.status() == 202).into(), Ordering::Relaxed);
    };
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let text: String = match round % 10 {
            // Without its last assertion it is no contradiction.
            3 => script().lines().filter(|line| !line.contains("(< x")).map(|line| format!("{line}\n")).collect(),
            7 => laborious(),
            _ => script(),
        };
        offer(&submitters[0].sign(&text).0);
        if round % 5 == 0 {
            offer(&submitters[1].sign(&text).0);
        }
        std::thread::park_timeout(INTERVAL);
    }
}
