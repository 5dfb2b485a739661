//! The proofs that are held, and the ways to each: by id, by statement, in the order of their arrival.
//!
//! It never lets the bounds be passed, but for proofs that consensus needs, which have a bounded reserve of their own.

use super::capacity::{Capacity, Displaceable, Usage};
use super::entry::{Entry, Stage, is_disputed};
use super::events::{Candidate, Limits, Refusal, Source};
use super::order::Place;
use crate::message::Word;
use crate::prefix::HashPrefix;
use crate::ready::Checked;
use crate::types::{Hash, Millis};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use slab::Slab;

#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// Side by side: thousands are created and dropped at once when the mempool is restarted.
    entries: Slab<Entry>,
    /// Where each is in `entries`.
    by_id: BTreeMap<Hash, usize>,
    by_arrival: BTreeMap<u64, usize>,
    /// Statement and arrival of each: one statement may be held under several nonces.
    by_statement: BTreeSet<(Hash, u64)>,
    /// Their arrivals.
    disputed: BTreeSet<u64>,
    ready: usize,
    capacity: Capacity,
    next_arrival: u64,
}

impl Pending {
    pub(super) fn new(limits: Limits) -> Pending {
        Pending {
            entries: Slab::new(),
            by_id: BTreeMap::new(),
            by_arrival: BTreeMap::new(),
            by_statement: BTreeSet::new(),
            disputed: BTreeSet::new(),
            ready: 0,
            capacity: Capacity::new(limits),
            next_arrival: 0,
        }
    }

    /// With these in it, oldest first and each once, whatever the limits are.
    pub(super) fn restored(limits: Limits, held: &[(Candidate, Option<Word>)]) -> Pending {
        let mut this = Pending { entries: Slab::with_capacity(held.len()), ..Pending::new(limits) };
        for (candidate, word) in held {
            let stage = word.map_or(Stage::Waiting, Stage::Checked);
            this.ready += usize::from(stage.is_ready());
            if is_disputed(*word) {
                this.disputed.insert(this.next_arrival);
            }
            this.push(*candidate, stage, None, Millis(0));
        }
        this.by_id = this.entries.iter().map(|(at, entry)| (entry.proof, at)).collect();
        this.by_statement = this.entries.iter().map(|(_, entry)| (entry.statement, entry.arrival)).collect();
        this
    }

    pub(super) fn limits(&self) -> &Limits {
        self.capacity.limits()
    }

    pub(super) fn get(&self, proof: &Hash) -> Option<&Entry> {
        self.entries.get(*self.by_id.get(proof)?)
    }

    /// For all that changes neither words nor stage; for these see [`Pending::judge`].
    pub(super) fn get_mut(&mut self, proof: &Hash) -> Option<&mut Entry> {
        self.entries.get_mut(*self.by_id.get(proof)?)
    }

    /// The oldest of the proofs of a statement.
    pub(super) fn of_statement(&self, statement: &Hash) -> Option<&Entry> {
        let (_, arrival) = self.by_statement.range((*statement, 0)..=(*statement, u64::MAX)).next()?;
        self.at(*arrival)
    }

    fn at(&self, arrival: u64) -> Option<&Entry> {
        self.entries.get(*self.by_arrival.get(&arrival)?)
    }

    pub(super) fn at_mut(&mut self, arrival: u64) -> Option<&mut Entry> {
        self.entries.get_mut(*self.by_arrival.get(&arrival)?)
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.by_arrival.values().filter_map(|at| self.entries.get(*at))
    }

    /// Newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Entry> {
        self.by_arrival.values().rev().filter_map(|at| self.entries.get(*at))
    }

    /// Ascending.
    pub(super) fn ids(&self) -> impl Iterator<Item = Hash> + '_ {
        self.by_id.keys().copied()
    }

    /// Proofs whose id begins so, and then those whose statement does.
    pub(super) fn with_prefix(&self, prefix: &HashPrefix) -> impl Iterator<Item = Hash> {
        let ids = self.by_id.range(prefix.low()..=prefix.high()).map(|(proof, _)| *proof);
        let statements = self.by_statement.range((prefix.low(), 0)..=(prefix.high(), u64::MAX));
        ids.chain(statements.filter_map(|(_, arrival)| Some(self.at(*arrival)?.proof)))
    }

    /// In any order.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut().map(|(_, entry)| entry)
    }

    /// Those that came with or after an arrival, then those before it.
    pub(super) fn iter_from(&self, arrival: u64) -> impl Iterator<Item = &Entry> {
        let places = self.by_arrival.range(arrival..).chain(self.by_arrival.range(..arrival));
        places.filter_map(|(_, at)| self.entries.get(*at))
    }

    pub(super) fn total(&self) -> Usage {
        self.capacity.total()
    }

    /// Of all submitters together.
    pub(super) fn api(&self) -> Usage {
        self.capacity.api()
    }

    pub(super) fn disputed(&self) -> usize {
        self.disputed.len()
    }

    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    /// When the one that is held longest was admitted.
    pub(super) fn oldest(&self) -> Option<Millis> {
        self.iter().next().map(|entry| entry.since)
    }

    pub(super) fn is_disputed(&self, proof: &Hash) -> bool {
        self.get(proof).is_some_and(|entry| self.disputed.contains(&entry.arrival))
    }

    /// Every way to an entry leads to the right one, and what is counted is what is there.
    #[cfg(test)]
    pub(super) fn assert_books(&self) {
        assert_eq!((self.by_id.len(), self.by_arrival.len()), (self.entries.len(), self.entries.len()));
        assert!(self.by_id.iter().all(|(proof, at)| self.entries[*at].proof == *proof));
        assert!(self.by_arrival.iter().all(|(arrival, at)| self.entries[*at].arrival == *arrival));
        let statements = self.iter().map(|entry| (entry.statement, entry.arrival)).collect();
        assert_eq!(self.by_statement, statements);
        let disputed = self.iter().filter(|entry| entry.is_disputed()).map(|entry| entry.arrival);
        assert!(self.disputed.iter().copied().eq(disputed));
        assert_eq!(self.ready, self.iter().filter(|entry| entry.stage.is_ready()).count());
        self.capacity.assert_books(&self.iter().map(|entry| (entry.source, entry.size)).collect::<Vec<_>>());
        assert!(self.by_arrival.keys().all(|arrival| *arrival < self.next_arrival));
    }

    #[cfg(test)]
    pub(super) fn usage(&self, source: Source) -> Usage {
        self.capacity.of(source)
    }

    /// Changes attestations or stage, and with them whether the proof is disputed. None if it is not held.
    pub(super) fn judge<R>(&mut self, proof: &Hash, change: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let entry = self.entries.get_mut(*self.by_id.get(proof)?)?;
        let was_ready = entry.stage.is_ready();
        let result = change(entry);
        match (was_ready, entry.stage.is_ready()) {
            (false, true) => self.ready += 1,
            (true, false) => self.ready = self.ready.saturating_sub(1),
            (true, true) | (false, false) => {}
        }
        if entry.is_disputed() {
            self.disputed.insert(entry.arrival);
        } else {
            self.disputed.remove(&entry.arrival);
        }
        Some(result)
    }

    /// Inserts a proof that has no attestations yet; there is capacity for it.
    pub(super) fn insert(
        &mut self,
        candidate: Candidate,
        stage: Stage,
        needed_until: Option<Millis>,
        now: Millis,
    ) -> &mut Entry {
        self.remove(&candidate.proof);
        let at = self.push(candidate, stage, needed_until, now);
        self.by_id.insert(candidate.proof, at);
        self.by_statement.insert((candidate.statement, self.entries[at].arrival));
        &mut self.entries[at]
    }

    /// Puts it behind all others, and says where it is; it is not found by its id or statement yet.
    fn push(&mut self, candidate: Candidate, stage: Stage, needed_until: Option<Millis>, now: Millis) -> usize {
        self.capacity.take(candidate.source, candidate.size);
        let arrival = self.next_arrival;
        self.next_arrival += 1;
        let at = self.entries.insert(Entry::new(candidate, arrival, now, stage, needed_until));
        self.by_arrival.insert(arrival, at);
        at
    }

    pub(super) fn remove(&mut self, proof: &Hash) -> Option<Entry> {
        let entry = self.entries.try_remove(self.by_id.remove(proof)?)?;
        self.by_arrival.remove(&entry.arrival);
        self.by_statement.remove(&(entry.statement, entry.arrival));
        self.disputed.remove(&entry.arrival);
        if entry.stage.is_ready() {
            self.ready = self.ready.saturating_sub(1);
        }
        self.capacity.free(entry.source, entry.size);
        Some(entry)
    }

    pub(super) fn place(&self, proof: &Hash) -> Option<Place> {
        Some(self.get(proof)?.place())
    }

    /// Which disputed proofs must go so that one more of this size from this source fits; oldest first. None goes for a
    /// `patient` one.
    ///
    /// # Errors
    /// [`Refusal::SourceFull`], [`Refusal::ShareFull`] or [`Refusal::Full`] if even that does not free enough capacity.
    pub(super) fn displaced_by(
        &self,
        now: Millis,
        source: Source,
        size: u64,
        needed: bool,
        patient: bool,
    ) -> Result<Vec<Hash>, Refusal> {
        let disputed = self.disputed.iter().filter(|_| !patient).filter_map(|arrival| self.at(*arrival));
        let displaceable = disputed
            .filter(|entry| entry.is_durable() && entry.needed_until.is_none_or(|until| until <= now))
            .map(|entry| Displaceable { arrival: entry.arrival, source: entry.source, size: entry.size });
        let displaced = self.capacity.displaced_by(source, size, needed, displaceable)?;
        Ok(displaced.into_iter().filter_map(|arrival| Some(self.at(arrival)?.proof)).collect())
    }

    /// My own attestations, for a consensus that lost them.
    pub(super) fn words(&self) -> impl Iterator<Item = Checked> + '_ {
        self.iter().filter_map(|entry| {
            Some(Checked { proof: entry.proof, statement: entry.statement, word: entry.stage.word()? })
        })
    }
}
