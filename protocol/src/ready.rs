//! Ready before proposed: who attested what about which pending proof, and what follows for proposing and refusing it.
//!
//! A proof that half of the validators can solve would stop the chain again and again, so a leader proposes only what a
//! quorum has announced *Ready* with one resource count. Attestations are unsigned: they hold as long as the session in
//! which they came. Every map here is bounded: by how many attestations each peer may send, and by what the mempool
//! holds.

use crate::message::Word;
use crate::quorum::ValidatorSet;
use crate::types::{Hash, Millis, ResourceCount, ValidatorIndex};
use crate::words::Words;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Bound;

/// My own check of a proof that is durable here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    pub proof: Hash,
    /// Identity of normalised script and claim.
    pub statement: Hash,
    pub word: Word,
}

/// Proofs on which one peer may have attestations here; further ones are ignored, and the peer rebroadcasts them later.
pub const WORDS_OF_ONE_PEER_MAX: usize = 20_000;

/// A hard proof overtakes easier ones that waited up to this much longer, for each doubling of its difficulty.
const AGEING_PER_DOUBLING: Millis = Millis(250);

/// For so long the leader of a crowd waits for others to confirm a proof too.
const AWAITED_FOR: Millis = Millis(60_000);

/// My attestations in the order in which I gave them; 0 is before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(u64);

/// How a proof stands with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A quorum, and everybody that I have a session with, is Ready with my count.
    Uncontested,
    /// A quorum of unsuspected validators is Ready with my count; others are not, or not yet.
    Contested,
    /// Not to be proposed.
    Waiting,
}

/// Earliest first: when it became known, less a bonus for its difficulty. Constant in time, so ageing costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    due: i64,
    proof: Hash,
}

#[derive(Debug, Clone)]
struct Pending {
    mine: Option<Checked>,
    /// Which of my attestations that is.
    number: Number,
    words: Words,
    since: Millis,
    standing: Standing,
    refused: bool,
}

impl Pending {
    fn rank(&self, proof: &Hash) -> Rank {
        let doublings = match self.mine.map(|mine| mine.word) {
            Some(Word::Confirmed(count)) => u64::from(count.0.max(1).ilog2()),
            _ => 0,
        };
        let due = self.since.0 as i64 - AGEING_PER_DOUBLING.times(doublings).0 as i64;
        Rank { due, proof: *proof }
    }
}

/// The table of pending proofs.
#[derive(Debug)]
pub struct Ready {
    me: ValidatorIndex,
    pending: BTreeMap<Hash, Pending>,
    /// Those of them on which I gave an attestation.
    given: BTreeMap<Number, Hash>,
    newest: Number,
    uncontested: BTreeSet<Rank>,
    contested: BTreeSet<Rank>,
    /// Peers with a session, and on how many proofs they have said a word.
    sessions: BTreeMap<ValidatorIndex, usize>,
    doubted: BTreeSet<ValidatorIndex>,
}

/// What the table's changes ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub proof: Hash,
    pub words: Vec<(ValidatorIndex, Word)>,
}

impl Ready {
    pub fn new(me: ValidatorIndex) -> Self {
        Ready {
            me,
            pending: BTreeMap::new(),
            given: BTreeMap::new(),
            newest: Number::default(),
            uncontested: BTreeSet::new(),
            contested: BTreeSet::new(),
            sessions: BTreeMap::new(),
            doubted: BTreeSet::new(),
        }
    }

    pub fn session_opened(&mut self, set: &ValidatorSet, peer: ValidatorIndex) {
        self.sessions.entry(peer).or_insert(0);
        self.classify_all(set);
    }

    /// The peer's attestations lapse with its session.
    pub fn session_closed(&mut self, set: &ValidatorSet, peer: ValidatorIndex) {
        self.sessions.remove(&peer);
        for pending in self.pending.values_mut() {
            pending.words.remove(peer);
        }
        self.drop_empty();
        self.classify_all(set);
    }

    /// My own attestation; the script is durable here.
    pub fn checked(&mut self, set: &ValidatorSet, now: Millis, mine: Checked) -> Option<Refusal> {
        let me = self.me;
        // My count enters the rank, so the proof leaves its place before the count may change.
        if let Some(rank) = self.pending.get(&mine.proof).map(|pending| pending.rank(&mine.proof)) {
            self.uncontested.remove(&rank);
            self.contested.remove(&rank);
        }
        let newest = Number(self.newest.0.saturating_add(1));
        let pending = self.entry(mine.proof, now);
        pending.mine = Some(mine);
        pending.words.insert(me, mine.word);
        let before = core::mem::replace(&mut pending.number, newest);
        self.newest = newest;
        self.given.remove(&before);
        self.given.insert(newest, mine.proof);
        self.changed(set, &mine.proof)
    }

    /// A peer's attestation. Ignored without a session, and beyond [`WORDS_OF_ONE_PEER_MAX`].
    pub fn told(
        &mut self,
        set: &ValidatorSet,
        now: Millis,
        by: ValidatorIndex,
        proof: Hash,
        word: Word,
    ) -> Option<Refusal> {
        let count = self.sessions.get_mut(&by)?;
        let known = self.pending.get(&proof).is_some_and(|pending| pending.words.contains(by));
        if !known {
            if *count >= WORDS_OF_ONE_PEER_MAX {
                return None;
            }
            *count += 1;
        }
        let before = self.entry(proof, now).words.insert(by, word);
        if before == Some(word) {
            return None;
        }
        self.changed(set, &proof)
    }

    /// The proof is final, or the mempool dropped it.
    pub fn forget(&mut self, proof: &Hash) {
        if let Some(pending) = self.pending.remove(proof) {
            let rank = pending.rank(proof);
            self.uncontested.remove(&rank);
            self.contested.remove(&rank);
            self.given.remove(&pending.number);
            for (by, _) in pending.words.iter() {
                if let Some(count) = self.sessions.get_mut(&by) {
                    *count = count.saturating_sub(1);
                }
            }
        }
    }

    /// Forgets those that I attested, but for these, ascending.
    pub fn retain_mine(&mut self, held: &[Hash]) {
        let dropped: Vec<Hash> =
            self.given.values().filter(|proof| held.binary_search(proof).is_err()).copied().collect();
        dropped.iter().for_each(|proof| self.forget(proof));
    }

    pub fn mine(&self, proof: &Hash) -> Option<Checked> {
        self.pending.get(proof)?.mine
    }

    pub fn standing(&self, proof: &Hash) -> Standing {
        self.pending.get(proof).map_or(Standing::Waiting, |pending| pending.standing)
    }

    /// Who announced Ready with this count.
    pub fn announcers(&self, proof: &Hash, count: ResourceCount) -> BTreeSet<ValidatorIndex> {
        let words = self.pending.get(proof).map(|pending| &pending.words);
        let ready = words.into_iter().flat_map(Words::iter).filter(|(_, word)| *word == Word::Confirmed(count));
        ready.map(|(by, _)| by).collect()
    }

    /// Those of them that are not doubted.
    pub fn trusted(&self, proof: &Hash, count: ResourceCount) -> BTreeSet<ValidatorIndex> {
        let mut announcers = self.announcers(proof, count);
        announcers.retain(|by| !self.doubted.contains(by));
        announcers
    }

    /// Whether it announced Ready with my count.
    pub fn agrees(&self, proof: &Hash, by: ValidatorIndex) -> bool {
        let Some(pending) = self.pending.get(proof) else { return false };
        let mine = pending.mine.map(|mine| mine.word).filter(|word| matches!(word, Word::Confirmed(_)));
        mine.is_some() && pending.words.get(by) == mine
    }

    /// What everybody said.
    pub fn words(&self, proof: &Hash) -> Vec<(ValidatorIndex, Word)> {
        let words = self.pending.get(proof).map(|pending| &pending.words);
        words.into_iter().flat_map(Words::iter).collect()
    }

    /// Proofs on which Ready is unanimous with my count, the most urgent first.
    pub fn uncontested(&self) -> impl Iterator<Item = Checked> + '_ {
        self.uncontested.iter().filter_map(|rank| self.mine(&rank.proof))
    }

    /// Proposable proofs on which Ready is not unanimous, the most urgent first.
    pub fn contested(&self) -> impl Iterator<Item = Checked> + '_ {
        self.contested.iter().filter_map(|rank| self.mine(&rank.proof))
    }

    /// Whether there is a proof that I confirm and that others may yet make proposable. What a peer alone names is none, nor is one
    /// that a quorum does not confirm for long.
    pub fn awaits_more(&self, now: Millis) -> bool {
        let confirmed = |pending: &Pending| pending.mine.is_some_and(|mine| matches!(mine.word, Word::Confirmed(_)));
        let is_new = |pending: &Pending| now.since(pending.since) < AWAITED_FOR;
        self.pending.values().any(|pending| {
            pending.standing == Standing::Waiting && !pending.refused && confirmed(pending) && is_new(pending)
        })
    }

    /// My own attestations on everything pending, to be sent on a new session and again while undecided.
    pub fn my_words(&self) -> impl Iterator<Item = (Hash, Word)> + '_ {
        self.pending.iter().filter_map(|(proof, pending)| Some((*proof, pending.mine?.word)))
    }

    /// The same, of the proofs in a range of ids that have been known since this time or longer.
    pub fn my_words_in(
        &self,
        range: (Bound<Hash>, Bound<Hash>),
        since: Millis,
    ) -> impl Iterator<Item = (Hash, Word)> + '_ {
        let old = self.pending.range(range).filter(move |(_, pending)| pending.since <= since);
        old.filter_map(|(proof, pending)| Some((*proof, pending.mine?.word)))
    }

    /// Which attestation was my last.
    pub fn newest(&self) -> Number {
        self.newest
    }

    /// Those of my attestations that came after one, in order.
    pub fn my_words_after(&self, number: Number) -> impl Iterator<Item = (Hash, Word)> + '_ {
        let after = self.given.range((Bound::Excluded(number), Bound::Unbounded));
        after.filter_map(|(_, proof)| Some((*proof, self.pending.get(proof)?.mine?.word)))
    }

    /// My attestations on proofs that have been known since this time or longer, in order.
    pub fn my_words_since(&self, since: Millis) -> impl Iterator<Item = (Hash, Word)> + '_ {
        let pending = self.given.values().filter_map(|proof| Some((*proof, self.pending.get(proof)?)));
        let old = pending.filter(move |(_, pending)| pending.since <= since);
        old.filter_map(|(proof, pending)| Some((proof, pending.mine?.word)))
    }

    /// Whether nothing is undecided here.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub fn has(&self, proof: &Hash) -> bool {
        self.pending.contains_key(proof)
    }

    /// Whose Ready does not count at present for proofs on which it is not unanimous.
    pub fn set_doubted(&mut self, set: &ValidatorSet, doubted: BTreeSet<ValidatorIndex>) {
        if self.doubted != doubted {
            self.doubted = doubted;
            self.classify_all(set);
        }
    }

    fn entry(&mut self, proof: Hash, now: Millis) -> &mut Pending {
        self.pending.entry(proof).or_insert_with(|| Pending {
            mine: None,
            number: Number::default(),
            words: Words::default(),
            since: now,
            standing: Standing::Waiting,
            refused: false,
        })
    }

    fn changed(&mut self, set: &ValidatorSet, proof: &Hash) -> Option<Refusal> {
        self.classify(set, proof);
        let pending = self.pending.get_mut(proof)?;
        if pending.refused || pending.mine.is_none() || !refused(set, &pending.words) {
            return None;
        }
        pending.refused = true;
        Some(Refusal { proof: *proof, words: self.words(proof) })
    }

    fn classify_all(&mut self, set: &ValidatorSet) {
        let proofs: Vec<Hash> = self.pending.keys().copied().collect();
        proofs.iter().for_each(|proof| self.classify(set, proof));
    }

    fn classify(&mut self, set: &ValidatorSet, proof: &Hash) {
        let Some(pending) = self.pending.get(proof) else { return };
        let standing = self.standing_of(set, pending);
        let rank = pending.rank(proof);
        self.uncontested.remove(&rank);
        self.contested.remove(&rank);
        match standing {
            Standing::Uncontested => _ = self.uncontested.insert(rank),
            Standing::Contested => _ = self.contested.insert(rank),
            Standing::Waiting => {}
        }
        if let Some(pending) = self.pending.get_mut(proof) {
            pending.standing = standing;
        }
    }

    fn standing_of(&self, set: &ValidatorSet, pending: &Pending) -> Standing {
        let Some(Checked { word: Word::Confirmed(count), .. }) = pending.mine else { return Standing::Waiting };
        let ready = |by: &ValidatorIndex| pending.words.get(*by) == Some(Word::Confirmed(count));
        let announcers = || pending.words.iter().map(|(by, _)| by).filter(ready);
        if !set.is_quorum(set.stake_of(announcers())) {
            return Standing::Waiting;
        }
        if self.sessions.keys().all(ready) {
            return Standing::Uncontested;
        }
        let trusted = announcers().filter(|by| !self.doubted.contains(by));
        if set.is_quorum(set.stake_of(trusted)) { Standing::Contested } else { Standing::Waiting }
    }

    fn drop_empty(&mut self) {
        self.pending.retain(|_, pending| pending.mine.is_some() || !pending.words.is_empty());
    }
}

/// Refused only when, for every count, a third of the stake or more has said otherwise. A count that nobody named is
/// contradicted by every word.
fn refused(set: &ValidatorSet, words: &Words) -> bool {
    let counts: BTreeSet<ResourceCount> = words
        .iter()
        .filter_map(|(_, word)| match word {
            Word::Confirmed(count) => Some(count),
            Word::ConfirmedBeyondSoft(_) | Word::Refuted | Word::NoVerdict => None,
        })
        .collect();
    let otherwise = |count: Option<ResourceCount>| {
        let against = words.iter().filter(|(_, word)| count.is_none_or(|count| *word != Word::Confirmed(count)));
        set.is_blocking(set.stake_of(against.map(|(by, _)| by)))
    };
    otherwise(None) && counts.iter().all(|count| otherwise(Some(*count)))
}

#[cfg(test)]
mod tests;
