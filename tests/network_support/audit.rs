//! Whether validators agree, and whether anybody ever signed two things for one view.
//!
//! What a validator signed is read from every place that shows it: the vote logs of all validators, their own votes and
//! those in certificates and proposals, and the certificates of final blocks.

use super::{Network, Validator};
use actors::audit;
use actors::storage::vote_log::Identity;
use serde_json::Value;
use std::fs;

/// Votes by voter and view, as far as they were seen.
#[derive(Debug, Default)]
pub struct Signed(audit::Signed);

impl Signed {
    /// Enters the vote log of a validator that does not run.
    ///
    /// # Panics
    /// If the log cannot be read, or shows two votes that contradict each other.
    pub fn read_log(&mut self, network: &Network, node: &Validator) {
        assert!(node.process.is_none(), "a log is read when nobody writes it");
        let genesis: Value =
            serde_json::from_slice(&fs::read(network.path("data/genesis_state.json")).unwrap()).unwrap();
        let index = network.nodes.iter().position(|other| other.name == node.name).unwrap();
        let key = serde_json::from_value(genesis["validators"][index]["public_key"].clone()).unwrap();
        let identity = Identity { chain: network.chain(), key };
        self.0.enter_log(&node.data(""), &identity).unwrap_or_else(|error| panic!("{}: {error}", node.name));
    }

    /// Votes that were seen, at least.
    pub fn count(&self) -> usize {
        self.0.count()
    }
}

/// Running validators have the same final blocks, and none has seen a contradiction.
///
/// # Panics
/// If they do not agree.
pub fn agree(network: &mut Network) -> Vec<String> {
    network.settle();
    let running = network.nodes.iter().filter(|node| node.process.is_some());
    let mut longest: Vec<String> = Vec::new();
    for node in running {
        let ids = ids(&node.blocks(1));
        let common = ids.len().min(longest.len());
        assert_eq!(ids[..common], longest[..common], "{} has other final blocks", node.name);
        assert_eq!(node.metric("pop_consensus_contradictions_total"), 0.0, "{} has seen contradictions", node.name);
        if ids.len() > longest.len() {
            longest = ids;
        }
    }
    for node in &network.nodes {
        assert!(!node.log().contains("contradict"), "{} has logged a contradiction", node.name);
    }
    longest
}

/// Stops everybody, and reads all that was ever signed from their logs.
///
/// # Panics
/// If anybody signed two things for one view.
pub fn audit(network: &mut Network, mut signed: Signed) {
    network.nodes.iter().filter(|node| node.process.is_some()).for_each(|node| node.signal(super::End::Terminate));
    for node in network.nodes.iter_mut().filter(|node| node.process.is_some()) {
        node.wait_for_end();
    }
    network.nodes.iter().for_each(|node| signed.read_log(network, node));
    assert!(signed.count() > 0, "the logs hold votes");
}

pub fn ids(blocks: &[Value]) -> Vec<String> {
    blocks.iter().map(|block| block["id"].as_str().unwrap().to_owned()).collect()
}

/// Whether a validator's Prepare vote is in a block's certificate.
pub fn signed_by(block: &Value, name: &str) -> bool {
    block["prepare"]["voters"].as_array().is_some_and(|voters| voters.iter().any(|voter| voter == name))
}
