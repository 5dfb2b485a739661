//! Final blocks as every validator reports them: whether all report the same, who signed what, and when each was first
//! seen.

use actors::audit::Signed;
use protocol::quorum::ValidatorSet;
use protocol::types::{Epoch, Hash, NodeId, Sequence, View};
use protocol::vote::{Ballot, Choice};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Mistakes of one kind that are kept; a broken network has thousands.
const KEPT: usize = 20;

/// A final block, as far as it is of interest here.
#[derive(Debug, Clone, Deserialize)]
pub struct BlockSeen {
    pub sequence: u64,
    pub id: Hash,
    pub header: HeaderSeen,
    pub proofs: Vec<EntrySeen>,
    pub prepare: Option<CertificateSeen>,
    pub commit: Option<CertificateSeen>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct HeaderSeen {
    pub epoch: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct EntrySeen {
    pub proof: Hash,
}

#[derive(Debug, Clone, Deserialize)]
pub struct CertificateSeen {
    pub view: u64,
    pub voters: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct BlocksSeen {
    pub blocks: Vec<BlockSeen>,
}

/// What all validators have reported so far.
#[derive(Debug)]
pub struct History {
    set: Arc<ValidatorSet>,
    names: Vec<String>,
    /// By sequence: the block, and who told it first.
    blocks: BTreeMap<u64, (Hash, usize)>,
    /// When a new sequence was first seen, in that order.
    first_seen: Vec<Instant>,
    signed: Signed,
    /// Two blocks at one sequence.
    forks: Vec<String>,
    /// Two votes that may not both be.
    contradictions: Vec<String>,
}

impl History {
    pub fn new(set: Arc<ValidatorSet>, names: Vec<String>) -> History {
        History {
            set,
            names,
            blocks: BTreeMap::new(),
            first_seen: Vec::new(),
            signed: Signed::default(),
            forks: Vec::new(),
            contradictions: Vec::new(),
        }
    }

    /// Enters a block that a validator reports. True if no validator had reported its sequence before.
    pub fn enter(&mut self, node: usize, block: &BlockSeen, at: Instant) -> bool {
        let known = self.blocks.get(&block.sequence).copied();
        if let Some((id, first)) = known
            && id != block.id
        {
            let (one, other) = (&self.names[first], &self.names[node]);
            let fork = format!("at sequence {} {one} has block {id} and {other} has {}", block.sequence, block.id);
            keep(&mut self.forks, fork);
        }
        // Certificates of one block differ between validators in whose votes they hold.
        self.enter_votes(block);
        if known.is_none() {
            self.blocks.insert(block.sequence, (block.id, node));
            self.first_seen.push(at);
        }
        known.is_none()
    }

    fn enter_votes(&mut self, block: &BlockSeen) {
        let prepare = block.prepare.iter().map(|certificate| (certificate, Choice::Prepare(block.id)));
        let commit = block.commit.iter().map(|certificate| (certificate, Choice::Commit(block.id)));
        for (certificate, choice) in prepare.chain(commit) {
            let ballot = Ballot { epoch: Epoch(block.header.epoch), view: View(certificate.view), choice };
            let set = self.set.clone();
            let index = |name: &String| set.index_of(&NodeId::new(name).ok()?);
            for voter in certificate.voters.iter().filter_map(index) {
                if let Err(contradiction) = self.signed.enter_ballot(voter, ballot) {
                    keep(&mut self.contradictions, contradiction.to_string());
                }
            }
        }
    }

    /// A validator's report of its own history contradicts an earlier one.
    pub fn enter_gap(&mut self, node: usize, expected: u64, got: u64) {
        let gap = format!("{} was asked for block {expected} and answers with {got}", self.names[node]);
        keep(&mut self.forks, gap);
    }

    /// The vote logs are read into the same book, so that what a log and a certificate say is compared.
    pub fn signed(&mut self) -> &mut Signed {
        &mut self.signed
    }

    pub fn forks(&self) -> &[String] {
        &self.forks
    }

    pub fn contradictions(&self) -> &[String] {
        &self.contradictions
    }

    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    pub fn head(&self) -> Sequence {
        Sequence(self.blocks.last_key_value().map_or(0, |(sequence, _)| *sequence))
    }

    pub fn first(&self) -> Option<Sequence> {
        self.blocks.first_key_value().map(|(sequence, _)| Sequence(*sequence))
    }

    /// When the first block was seen after an instant.
    pub fn next_after(&self, instant: Instant) -> Option<Instant> {
        self.first_seen.get(self.first_seen.partition_point(|seen| *seen <= instant)).copied()
    }

    /// The longest time without a new block between two instants.
    pub fn longest_pause(&self, from: Instant, to: Instant) -> std::time::Duration {
        let inside = self.first_seen.iter().filter(|seen| (from..=to).contains(*seen));
        let edges: Vec<Instant> = [from].into_iter().chain(inside.copied()).chain([to]).collect();
        edges.windows(2).map(|pair| pair[1].saturating_duration_since(pair[0])).max().unwrap_or_default()
    }
}

fn keep(mistakes: &mut Vec<String>, mistake: String) {
    if mistakes.len() < KEPT && !mistakes.contains(&mistake) {
        mistakes.push(mistake);
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use protocol::quorum::Validator;
    use protocol::types::{PublicKey, Stake};
    use std::time::Duration;

    pub fn history() -> History {
        let names: Vec<String> = (1..=4).map(|number| format!("node_{number}")).collect();
        let validator = |(number, name): (u8, &String)| Validator {
            node_id: NodeId::new(name).unwrap(),
            key: PublicKey([number; 32]),
            stake: Stake(1),
        };
        let set = ValidatorSet::new(Hash([9; 32]), Epoch(0), (1..).zip(&names).map(validator).collect()).unwrap();
        History::new(Arc::new(set), names)
    }

    /// A block that these validators prepared in a view.
    pub fn block(sequence: u64, id: u8, view: u64, voters: &[&str]) -> BlockSeen {
        let voters = voters.iter().map(|name| (*name).to_owned()).collect();
        BlockSeen {
            sequence,
            id: Hash([id; 32]),
            header: HeaderSeen { epoch: 0 },
            proofs: Vec::new(),
            prepare: Some(CertificateSeen { view, voters }),
            commit: None,
        }
    }

    #[test]
    fn validators_that_tell_the_same_agree_although_their_certificates_differ() {
        let (mut history, now) = (history(), Instant::now());
        assert!(history.enter(0, &block(1, 1, 5, &["node_1", "node_2", "node_3"]), now));
        assert!(!history.enter(1, &block(1, 1, 5, &["node_2", "node_3", "node_4"]), now));
        assert_eq!((history.forks(), history.contradictions()), (&[][..], &[][..]));
        assert_eq!((history.blocks(), history.head(), history.signed().count()), (1, Sequence(1), 4));
    }

    #[test]
    fn two_blocks_at_one_sequence_are_a_fork_with_both_names() {
        let (mut history, now) = (history(), Instant::now());
        history.enter(0, &block(7, 1, 5, &[]), now);
        history.enter(2, &block(7, 2, 6, &[]), now);
        let [fork] = history.forks() else { panic!("{:?}", history.forks()) };
        assert!(fork.contains("sequence 7") && fork.contains("node_1") && fork.contains("node_3"), "{fork}");
    }

    #[test]
    fn a_vote_for_two_blocks_in_one_view_is_a_contradiction_wherever_they_stand() {
        let (mut history, now) = (history(), Instant::now());
        history.enter(0, &block(7, 1, 5, &["node_4"]), now);
        history.enter(0, &block(8, 2, 5, &["node_4"]), now);
        let [contradiction] = history.contradictions() else { panic!("{:?}", history.contradictions()) };
        assert!(contradiction.contains("validator 3") && contradiction.contains("view 5"), "{contradiction}");
    }

    #[test]
    fn the_next_block_and_the_longest_pause_are_counted_from_first_sightings() {
        let (mut history, start) = (history(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        for (sequence, ms) in [(1, 10), (2, 30), (3, 100)] {
            history.enter(0, &block(sequence, 1, sequence, &[]), at(ms));
            history.enter(1, &block(sequence, 1, sequence, &[]), at(ms + 5));
        }
        assert_eq!(history.next_after(at(10)), Some(at(30)));
        assert_eq!(history.next_after(at(100)), None);
        assert_eq!(history.longest_pause(at(0), at(120)), Duration::from_millis(70));
        assert_eq!(history.longest_pause(at(0), at(400)), Duration::from_millis(300));
    }
}
