//! Whether any validator ever signed two things for one view (R11), from every place that shows votes.
//!
//! The places are the vote logs, where a validator's own votes stand beside those in the certificates, proposals and
//! blocks that it kept, and the certificates of final blocks. It only reads: neither a log nor its durable watermark is
//! ever changed.

use crate::storage::vote_log::{self, Identity, VoteLogError};
use protocol::block::Block;
use protocol::certificate::Certificate;
use protocol::consensus::events::Record;
use protocol::types::{Epoch, Hash, ValidatorIndex, View};
use protocol::vote::{Ballot, Choice, Vote, VoteKind};
use std::collections::BTreeMap;
use std::path::Path;

/// Votes by voter and view, as far as they were seen.
#[derive(Debug, Default)]
pub struct Signed(BTreeMap<(ValidatorIndex, Epoch, View), Seen>);

#[derive(Debug, Default)]
struct Seen {
    prepare: Option<Hash>,
    commit: Option<Hash>,
    view_change: bool,
}

/// Two votes of one validator that R11 forbids together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    #[error("validator {voter} signed two {} votes in view {view}", kind_name(*kind))]
    Twice { voter: ValidatorIndex, view: View, kind: VoteKind },
    #[error("validator {voter} voted both Commit and ViewChange in view {view}")]
    CommittedAndGaveUp { voter: ValidatorIndex, view: View },
}

fn kind_name(kind: VoteKind) -> &'static str {
    match kind {
        VoteKind::Prepare => "Prepare",
        VoteKind::Commit => "Commit",
        VoteKind::ViewChange => "ViewChange",
    }
}

/// Why a log does not count as audited.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    #[error(transparent)]
    Log(#[from] VoteLogError),
    #[error("record {number} of the vote log cannot be read: {error}")]
    Record { number: usize, error: rmp_serde::decode::Error },
}

impl Signed {
    /// Enters everything in the vote log of a data directory; how many records it has, or none if there is no log. A log
    /// that is being written is read as far as it was synced.
    ///
    /// # Errors
    /// If the log cannot be read, or shows two votes that contradict each other or one that is known.
    pub fn enter_log(&mut self, directory: &Path, identity: &Identity) -> Result<Option<usize>, AuditError> {
        let Some(records) = vote_log::inspect(directory, identity)? else { return Ok(None) };
        for (number, bytes) in records.iter().enumerate() {
            let record = rmp_serde::from_slice(bytes).map_err(|error| AuditError::Record { number, error })?;
            self.enter_record(&record)?;
        }
        Ok(Some(records.len()))
    }

    fn enter_record(&mut self, record: &Record) -> Result<(), Contradiction> {
        match record {
            Record::Vote(vote) => self.enter(vote),
            Record::Certificate(certificate) => self.enter_certificate(certificate),
            Record::Proposal(proposal) => {
                self.enter(&proposal.vote)?;
                proposal.parent.iter().chain(&proposal.skipped).try_for_each(|one| self.enter_certificate(one))?;
                self.enter_carried(&proposal.block)
            }
            Record::Block(block) => self.enter_carried(block),
            Record::Unknown(_) | Record::Floor(_) => Ok(()),
        }
    }

    fn enter_carried(&mut self, block: &Block) -> Result<(), Contradiction> {
        block.body.carried.iter().flat_map(|carried| carried.votes()).try_for_each(|vote| self.enter(&vote))
    }

    fn enter_certificate(&mut self, certificate: &Certificate) -> Result<(), Contradiction> {
        certificate.votes().try_for_each(|vote| self.enter(&vote))
    }

    fn enter(&mut self, vote: &Vote) -> Result<(), Contradiction> {
        self.enter_ballot(vote.voter, vote.ballot)
    }

    /// Enters what one validator signed.
    ///
    /// # Errors
    /// The contradiction with what it signed before; both stay known.
    pub fn enter_ballot(&mut self, voter: ValidatorIndex, ballot: Ballot) -> Result<(), Contradiction> {
        let Ballot { epoch, view, choice } = ballot;
        let seen = self.0.entry((voter, epoch, view)).or_default();
        let twice = Contradiction::Twice { voter, view, kind: choice.kind() };
        match choice {
            Choice::Prepare(block) if *seen.prepare.get_or_insert(block) != block => return Err(twice),
            Choice::Commit(block) if *seen.commit.get_or_insert(block) != block => return Err(twice),
            Choice::Prepare(_) | Choice::Commit(_) => {}
            Choice::ViewChange => seen.view_change = true,
        }
        if seen.view_change && seen.commit.is_some() {
            return Err(Contradiction::CommittedAndGaveUp { voter, view });
        }
        Ok(())
    }

    /// Pairs of a validator and a view that are known.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;
    use crate::storage::beside_key::BesideKey;
    use crate::storage::vote_log::VoteLog;
    use ed25519_dalek::SigningKey;
    use protocol::quorum::{Validator, ValidatorSet};
    use protocol::signature::public_key;
    use protocol::types::{NodeId, Stake};

    const CHAIN: Hash = Hash([7; 32]);

    /// A vote log of one validator, with these choices signed for view 5 by its key.
    fn log_of(choices: &[Choice]) -> (tempfile::TempDir, Identity) {
        let folder = tempfile::tempdir().unwrap();
        let key: SigningKey = keys::generate().unwrap();
        let me = Validator { node_id: NodeId::new("node_1").unwrap(), key: public_key(&key), stake: Stake(10_000) };
        let set = ValidatorSet::new(CHAIN, Epoch(0), vec![me]).unwrap();
        let identity = Identity { chain: CHAIN, key: public_key(&key) };
        let (mut log, _) =
            VoteLog::open(folder.path(), &BesideKey::of(&folder.path().join("key"), &CHAIN), identity).unwrap();
        for choice in choices {
            let ballot = Ballot { epoch: Epoch(0), view: View(5), choice: *choice };
            let record = Record::Vote(Vote::sign(&set, &key, ValidatorIndex(0), ballot));
            log.append(&[rmp_serde::to_vec(&record).unwrap()]).unwrap();
        }
        (folder, identity)
    }

    fn audit(choices: &[Choice]) -> Result<Option<usize>, AuditError> {
        let (folder, identity) = log_of(choices);
        Signed::default().enter_log(folder.path(), &identity)
    }

    #[test]
    fn a_log_in_which_a_key_signed_two_things_for_one_view_is_found_out() {
        let (one, other) = (Hash([1; 32]), Hash([2; 32]));
        let pairs = [
            [Choice::Prepare(one), Choice::Prepare(other)],
            [Choice::Commit(one), Choice::Commit(other)],
            [Choice::Commit(one), Choice::ViewChange],
            [Choice::ViewChange, Choice::Commit(one)],
        ];
        for pair in pairs {
            let found = audit(&pair);
            assert!(matches!(found, Err(AuditError::Contradiction(_))), "{pair:?}: {found:?}");
        }
    }

    #[test]
    fn what_may_be_signed_together_is_no_contradiction() {
        let block = Hash([1; 32]);
        let legal = [Choice::Prepare(block), Choice::Prepare(block), Choice::Commit(block)];
        assert_eq!(audit(&legal).unwrap(), Some(3));
        assert_eq!(audit(&[Choice::Prepare(block), Choice::ViewChange]).unwrap(), Some(2));
    }

    #[test]
    fn a_contradiction_may_be_spread_over_two_places() {
        let (folder, identity) = log_of(&[Choice::Commit(Hash([1; 32]))]);
        let mut signed = Signed::default();
        let elsewhere = Ballot { epoch: Epoch(0), view: View(5), choice: Choice::Commit(Hash([2; 32])) };
        signed.enter_ballot(ValidatorIndex(0), elsewhere).unwrap();
        assert!(matches!(signed.enter_log(folder.path(), &identity), Err(AuditError::Contradiction(_))));
        assert_eq!(signed.count(), 1);
    }

    #[test]
    fn a_log_that_is_not_there_or_is_anothers_is_told() {
        let (folder, identity) = log_of(&[Choice::ViewChange]);
        let nowhere = Signed::default().enter_log(&folder.path().join("nowhere"), &identity);
        assert!(matches!(nowhere, Ok(None)));
        let other = Identity { chain: Hash([8; 32]), ..identity };
        let foreign = Signed::default().enter_log(folder.path(), &other);
        assert!(matches!(foreign, Err(AuditError::Log(VoteLogError::Foreign { .. }))), "{foreign:?}");
    }
}
