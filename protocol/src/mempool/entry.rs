//! One held proof: how far it has come, what is said of it, and who knows it.

use super::events::{Candidate, Source};
use super::order::Place;
use super::peer_set::PeerSet;
use crate::message::Word;
use crate::types::{Hash, Millis, Sequence};
use crate::words::Words;

/// How far a held proof has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Admitted, and not yet durable: nobody is notified.
    Storing,
    /// Durable; waits for its check.
    Waiting,
    /// Its check was ended from outside; it waits until then.
    Parked(Millis),
    Checking,
    Checked(Word),
}

impl Stage {
    pub fn word(self) -> Option<Word> {
        match self {
            Stage::Checked(word) => Some(word),
            Stage::Storing | Stage::Waiting | Stage::Parked(_) | Stage::Checking => None,
        }
    }

    /// Announced *Ready*.
    pub(super) fn is_ready(self) -> bool {
        matches!(self, Stage::Checked(Word::Confirmed(_)))
    }
}

/// Some word is not a confirmation within the soft limits at one and the same count.
pub(super) fn is_disputed(words: impl IntoIterator<Item = Word>) -> bool {
    let mut words = words.into_iter();
    match words.next() {
        None => false,
        Some(first @ Word::Confirmed(_)) => words.any(|word| word != first),
        Some(Word::ConfirmedBeyondSoft(_) | Word::Refuted | Word::NoVerdict) => true,
    }
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub proof: Hash,
    pub statement: Hash,
    pub size: u64,
    pub source: Source,
    pub arrival: u64,
    /// Admitted when.
    pub since: Millis,
    pub stage: Stage,
    /// What peers said of it in sessions that are open.
    pub words: Words,
    /// Peers that are known to have it.
    pub has: PeerSet,
    /// Peers that were notified that it is here.
    pub notified: PeerSet,
    /// A proposal needs it: until then it is not displaced, and its check is urgent.
    pub needed_until: Option<Millis>,
    /// It is final already, and is only held until its check tells whether a late Prepare can be given.
    pub final_in: Option<Sequence>,
}

impl Entry {
    pub(super) fn new(
        candidate: Candidate,
        arrival: u64,
        since: Millis,
        stage: Stage,
        needed_until: Option<Millis>,
    ) -> Entry {
        let Candidate { proof, statement, size, source } = candidate;
        Entry {
            proof,
            statement,
            size,
            source,
            arrival,
            since,
            stage,
            words: Words::default(),
            has: PeerSet::default(),
            notified: PeerSet::default(),
            needed_until,
            final_in: None,
        }
    }

    pub(super) fn is_disputed(&self) -> bool {
        is_disputed(self.stage.word().into_iter().chain(self.words.iter().map(|(_, word)| word)))
    }

    pub(super) fn place(&self) -> Place {
        Place { source: self.source, size: self.size, arrival: self.arrival, proof: self.proof }
    }

    pub(super) fn is_durable(&self) -> bool {
        match self.stage {
            Stage::Storing => false,
            Stage::Waiting | Stage::Parked(_) | Stage::Checking | Stage::Checked(_) => true,
        }
    }

    /// Whether peers should have it too.
    pub(super) fn is_shared(&self) -> bool {
        self.is_durable() && self.final_in.is_none()
    }
}
