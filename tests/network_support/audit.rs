//! Whether validators agree, and whether anybody ever signed two things for one view.
//!
//! What a validator signed is read from every place that shows it: the vote logs of all validators, their own votes and
//! those in certificates and proposals, and the certificates of final blocks.

use super::{Network, Validator};
use actors::storage::vote_log::{Identity, VoteLog};
use protocol::certificate::Certificate;
use protocol::consensus::events::Record;
use protocol::types::{Hash, ValidatorIndex, View};
use protocol::vote::{Ballot, Choice, Vote};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

/// Votes by voter and view, as far as they were seen.
#[derive(Debug, Default)]
pub struct Signed(BTreeMap<(ValidatorIndex, View), Seen>);

#[derive(Debug, Default)]
struct Seen {
    prepare: Option<Hash>,
    commit: Option<Hash>,
    view_change: bool,
}

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
        // Its own mark stays as it is; without one every log is read as whole.
        let mark = network.path(&format!("mark-of-the-audit-{}", node.name));
        _ = fs::remove_file(&mark);
        let folder = node.data("");
        let (_, recovery) = VoteLog::open(&folder, &mark, Identity { chain: network.chain(), key }).unwrap();
        for bytes in &recovery.records {
            match rmp_serde::from_slice(bytes).unwrap() {
                Record::Vote(vote) => self.enter(&vote),
                Record::Certificate(certificate) => self.enter_all(&certificate),
                Record::Proposal(proposal) => {
                    self.enter(&proposal.vote);
                    proposal.parent.iter().chain(&proposal.skipped).for_each(|one| self.enter_all(one));
                    self.enter_carried(&proposal.block);
                }
                Record::Block(block) => self.enter_carried(&block),
                Record::Unknown(_) | Record::Floor(_) => {}
            }
        }
    }

    fn enter_carried(&mut self, block: &protocol::block::Block) {
        block.body.carried.iter().flat_map(|carried| carried.votes()).for_each(|vote| self.enter(&vote));
    }

    fn enter_all(&mut self, certificate: &Certificate) {
        certificate.votes().for_each(|vote| self.enter(&vote));
    }

    fn enter(&mut self, vote: &Vote) {
        let Vote { ballot: Ballot { view, choice, .. }, voter, .. } = *vote;
        let seen = self.0.entry((voter, view)).or_default();
        match choice {
            Choice::Prepare(block) => {
                let first = *seen.prepare.get_or_insert(block);
                assert_eq!(first, block, "validator {} signed two Prepares in view {view}", voter.0);
            }
            Choice::Commit(block) => {
                let first = *seen.commit.get_or_insert(block);
                assert_eq!(first, block, "validator {} signed two Commits in view {view}", voter.0);
            }
            Choice::ViewChange => seen.view_change = true,
        }
        assert!(
            !(seen.view_change && seen.commit.is_some()),
            "validator {} committed and gave up view {view}",
            voter.0
        );
    }

    /// Votes that were seen, at least.
    pub fn count(&self) -> usize {
        self.0.len()
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
