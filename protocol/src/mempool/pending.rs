//! The proofs that are held, what each source takes of the room, and who must make room for whom.
//!
//! It never lets the bounds be passed, but for proofs that consensus needs, which have a bounded reserve of their own.

use super::events::{Candidate, Limits, Refusal, Source};
use super::order::Place;
use super::peer_set::PeerSet;
use crate::consensus::events::Checked;
use crate::message::Word;
use crate::prefix::HashPrefix;
use crate::types::{Hash, Millis, Sequence};
use crate::words::Words;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;
use slab::Slab;

/// Above the limits there is room for this much that a proposal needs.
pub const NEEDED_PROOFS_MAX: usize = 1_000;
pub const NEEDED_BYTES_MAX: u64 = 64 << 20;

/// How far a held proof has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Admitted, and not yet durable: nobody is told.
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
    fn is_ready(self) -> bool {
        matches!(self, Stage::Checked(Word::Confirmed(_)))
    }
}

/// Some word is not a confirmation within the soft limits at one and the same count.
fn contested(words: impl IntoIterator<Item = Word>) -> bool {
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
    /// Peers that were told that it is here.
    pub told: PeerSet,
    /// A proposal needs it: until then it is not displaced, and its check is urgent.
    pub needed_until: Option<Millis>,
    /// It is final already, and is only held until its check tells whether a late Prepare can be given.
    pub final_in: Option<Sequence>,
}

impl Entry {
    fn new(candidate: Candidate, arrival: u64, since: Millis, stage: Stage, needed_until: Option<Millis>) -> Entry {
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
            told: PeerSet::default(),
            needed_until,
            final_in: None,
        }
    }

    fn is_contested(&self) -> bool {
        contested(self.stage.word().into_iter().chain(self.words.iter().map(|(_, word)| word)))
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

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub proofs: usize,
    pub bytes: u64,
}

impl Usage {
    fn with(self, size: u64) -> Usage {
        Usage { proofs: self.proofs + 1, bytes: self.bytes.saturating_add(size) }
    }

    fn without(self, size: u64) -> Usage {
        Usage { proofs: self.proofs.saturating_sub(1), bytes: self.bytes.saturating_sub(size) }
    }

    fn within(self, proofs_max: usize, bytes_max: u64) -> bool {
        self.proofs <= proofs_max && self.bytes <= bytes_max
    }
}

/// What is bounded: one source, all submitters together, everything.
#[derive(Debug, Clone, Copy)]
enum Bound {
    Source(Source),
    Api,
    All,
}

impl Bound {
    fn covers(self, other: Source) -> bool {
        match (self, other) {
            (Bound::Source(source), other) => source == other,
            (Bound::Api, Source::Submitter(_)) | (Bound::All, Source::Submitter(_) | Source::Peer(_)) => true,
            (Bound::Api, Source::Peer(_)) => false,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub limits: Limits,
    /// Side by side: thousands are made and dropped at once when the mempool is made anew.
    entries: Slab<Entry>,
    /// Where each is in `entries`.
    by_id: BTreeMap<Hash, usize>,
    by_arrival: BTreeMap<u64, usize>,
    /// Statement and arrival of each: one statement may be held under several nonces.
    by_statement: BTreeSet<(Hash, u64)>,
    /// Their arrivals.
    contested: BTreeSet<u64>,
    ready: usize,
    by_source: BTreeMap<Source, Usage>,
    /// Of all submitters together.
    api: Usage,
    total: Usage,
    next_arrival: u64,
}

impl Pending {
    pub(super) fn new(limits: Limits) -> Pending {
        Pending {
            limits,
            entries: Slab::new(),
            by_id: BTreeMap::new(),
            by_arrival: BTreeMap::new(),
            by_statement: BTreeSet::new(),
            contested: BTreeSet::new(),
            ready: 0,
            by_source: BTreeMap::new(),
            api: Usage::default(),
            total: Usage::default(),
            next_arrival: 0,
        }
    }

    /// With these in it, oldest first and each once, whatever the limits are.
    pub(super) fn restored(limits: Limits, held: &[(Candidate, Option<Word>)]) -> Pending {
        let mut this = Pending { entries: Slab::with_capacity(held.len()), ..Pending::new(limits) };
        for (candidate, word) in held {
            let stage = word.map_or(Stage::Waiting, Stage::Checked);
            this.ready += usize::from(stage.is_ready());
            if contested(*word) {
                this.contested.insert(this.next_arrival);
            }
            this.push(*candidate, stage, None, Millis(0));
        }
        this.by_id = this.entries.iter().map(|(at, entry)| (entry.proof, at)).collect();
        this.by_statement = this.entries.iter().map(|(_, entry)| (entry.statement, entry.arrival)).collect();
        this
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
        self.total
    }

    /// Of all submitters together.
    pub(super) fn api(&self) -> Usage {
        self.api
    }

    pub(super) fn contested(&self) -> usize {
        self.contested.len()
    }

    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    /// When the one that is held longest was admitted.
    pub(super) fn oldest(&self) -> Option<Millis> {
        self.iter().next().map(|entry| entry.since)
    }

    pub(super) fn is_contested(&self, proof: &Hash) -> bool {
        self.get(proof).is_some_and(|entry| self.contested.contains(&entry.arrival))
    }

    /// Every way to an entry leads to the right one, and what is counted is what is there.
    #[cfg(test)]
    pub(super) fn assert_books(&self) {
        assert_eq!((self.by_id.len(), self.by_arrival.len()), (self.entries.len(), self.entries.len()));
        assert!(self.by_id.iter().all(|(proof, at)| self.entries[*at].proof == *proof));
        assert!(self.by_arrival.iter().all(|(arrival, at)| self.entries[*at].arrival == *arrival));
        let statements = self.iter().map(|entry| (entry.statement, entry.arrival)).collect();
        assert_eq!(self.by_statement, statements);
        let contested = self.iter().filter(|entry| entry.is_contested()).map(|entry| entry.arrival);
        assert!(self.contested.iter().copied().eq(contested));
        assert_eq!(self.ready, self.iter().filter(|entry| entry.stage.is_ready()).count());
        let api = || self.iter().filter(|entry| Bound::Api.covers(entry.source));
        assert_eq!((self.api.proofs, self.api.bytes), (api().count(), api().map(|entry| entry.size).sum()));
        assert!(self.by_arrival.keys().all(|arrival| *arrival < self.next_arrival));
    }

    #[cfg(test)]
    pub(super) fn usage(&self, source: Source) -> Usage {
        self.by_source.get(&source).copied().unwrap_or_default()
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
        if entry.is_contested() {
            self.contested.insert(entry.arrival);
        } else {
            self.contested.remove(&entry.arrival);
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
        let Candidate { size, source, .. } = candidate;
        let usage = self.by_source.entry(source).or_default();
        *usage = usage.with(size);
        if Bound::Api.covers(source) {
            self.api = self.api.with(size);
        }
        self.total = self.total.with(size);
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
        self.contested.remove(&entry.arrival);
        if entry.stage.is_ready() {
            self.ready = self.ready.saturating_sub(1);
        }
        if Bound::Api.covers(entry.source) {
            self.api = self.api.without(entry.size);
        }
        self.total = self.total.without(entry.size);
        if let Some(usage) = self.by_source.get_mut(&entry.source) {
            *usage = usage.without(entry.size);
            if usage.proofs == 0 {
                self.by_source.remove(&entry.source);
            }
        }
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
    pub(super) fn room(
        &self,
        now: Millis,
        source: Source,
        size: u64,
        needed: bool,
        patient: bool,
    ) -> Result<Vec<Hash>, Refusal> {
        let bounds = [Bound::Source(source), Bound::Api, Bound::All];
        let mut usages = bounds.map(|bound| {
            let usage = self.usage_within(bound);
            if bound.covers(source) { usage.with(size) } else { usage }
        });
        let fits = |bound: Bound, usage: Usage| !bound.covers(source) || self.fits(bound, usage);
        let mut gone = BTreeSet::new();
        for turn in 0..bounds.len() {
            for arrival in self.contested.iter().filter(|_| !patient) {
                if fits(bounds[turn], usages[turn]) {
                    break;
                }
                let Some(entry) = self.at(*arrival) else { continue };
                let protected = entry.needed_until.is_some_and(|until| until > now) || !entry.is_durable();
                if protected || !bounds[turn].covers(entry.source) || !gone.insert(*arrival) {
                    continue;
                }
                for (bound, usage) in bounds.iter().zip(&mut usages) {
                    if bound.covers(entry.source) {
                        *usage = usage.without(entry.size);
                    }
                }
            }
        }
        let [.., total] = usages;
        let (proofs_max, bytes_max) = (self.limits.proofs_max, self.limits.bytes_max);
        let reserve = total.within(proofs_max + NEEDED_PROOFS_MAX, bytes_max.saturating_add(NEEDED_BYTES_MAX));
        let broken = bounds.iter().zip(usages).find(|(bound, usage)| !fits(**bound, *usage));
        match broken {
            Some((bound, _)) if !(needed && reserve) => Err(self.refusal(*bound, size)),
            Some(_) | None => Ok(gone.into_iter().filter_map(|arrival| Some(self.at(arrival)?.proof)).collect()),
        }
    }

    fn usage_within(&self, bound: Bound) -> Usage {
        match bound {
            Bound::Source(source) => self.by_source.get(&source).copied().unwrap_or_default(),
            Bound::Api => self.api,
            Bound::All => self.total,
        }
    }

    fn fits(&self, bound: Bound, usage: Usage) -> bool {
        let limits = &self.limits;
        match bound {
            Bound::Source(_) => usage.within(limits.source_proofs_max, limits.source_bytes_max),
            Bound::Api => usage.within(limits.api_proofs_max, limits.api_bytes_max),
            Bound::All => usage.within(limits.proofs_max, limits.bytes_max),
        }
    }

    fn refusal(&self, bound: Bound, size: u64) -> Refusal {
        let Usage { proofs, bytes } = self.usage_within(bound);
        let Limits { proofs_max, bytes_max, .. } = self.limits;
        match bound {
            Bound::Source(source) => Refusal::SourceFull {
                from: source.to_string(),
                proofs,
                proofs_max: self.limits.source_proofs_max,
                bytes,
                bytes_max: self.limits.source_bytes_max,
                size,
            },
            Bound::Api => Refusal::ShareFull {
                proofs,
                proofs_max: self.limits.api_proofs_max,
                bytes,
                bytes_max: self.limits.api_bytes_max,
                size,
            },
            Bound::All => Refusal::Full { proofs, proofs_max, bytes, bytes_max, size },
        }
    }

    /// My own attestations, for a consensus that lost them.
    pub(super) fn words(&self) -> impl Iterator<Item = Checked> + '_ {
        self.iter().filter_map(|entry| {
            Some(Checked { proof: entry.proof, statement: entry.statement, word: entry.stage.word()? })
        })
    }
}
