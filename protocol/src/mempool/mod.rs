//! The mempool: which proofs are held, in what order they are checked, and how peers come to hold the same.
//!
//! ```text
//!   admit(time, candidate) ──► accepted or refused, by name
//!   step(time, input) ───────► effects, to be carried out in order
//! ```
//! Scripts are in the database; here are their ids and sizes. Who is Ready for what, what is proposed and what is
//! refused because of others' attestations is decided by [`crate::consensus`]; nothing here may vote, count stake, or
//! silently drop what was accepted.

mod capacity;
mod checking;
mod ended;
mod entry;
mod events;
mod exchange;
mod fetch;
mod listing;
mod order;
mod pace;
mod peer_set;
mod pending;
#[cfg(test)]
mod tests;

pub use capacity::{NEEDED_BYTES_MAX, NEEDED_PROOFS_MAX};
pub use ended::{ENDED_MAX, MALFORMED_MAX};
pub use events::*;
pub use fetch::{NEED_REQUESTS_MAX, NEEDS_MAX, OFFERS_MAX, REQUESTS_MAX, WANTS_MAX};
pub use listing::{Listed, Newest};
pub use pace::{COME_BACK_MAX, COME_BACK_MIN};

use crate::ledger::WINDOW;
use crate::message::Word;
use crate::turns::{FEW_AT_ONCE, Turn, Turns};
use crate::types::{Hash, Millis, Sequence, ValidatorIndex};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use ended::{End, Ended};
use entry::{Entry, Stage};
use fetch::Fetch;
use order::Order;
use pace::Pace;
use pending::Pending;

/// Attestations that a refusal names; consensus knows the rest.
pub const WORDS_KEPT_MAX: usize = 64;
/// Scripts up to this many bytes are sent to the peers unasked when they enter through the API: it saves a round trip.
pub const PUSH_BYTES_MAX: u64 = 16 << 10;
/// Answers that are being read for one peer; what it asks beyond is left unanswered.
pub const SERVING_MAX: usize = 4;
/// How often wants and parked checks are looked at.
const LOOK_INTERVAL: Millis = Millis(200);

/// One open session.
#[derive(Debug, Clone, Default)]
struct Session {
    serving: usize,
    /// Where the next exchange of ids begins.
    cursor: Option<u64>,
    /// My attestations on proofs that it brought and that it was not sent yet.
    owed: Vec<(Hash, Word)>,
}

#[derive(Debug, Clone)]
pub struct Mempool {
    pending: Pending,
    order: Order,
    checking: BTreeSet<Hash>,
    /// Checks that became useless in this step.
    cancelled: Vec<Hash>,
    parked: BTreeSet<(Millis, Hash)>,
    /// Held although final, for a late Prepare.
    late: BTreeSet<(Sequence, Hash)>,
    fetch: Fetch,
    ended: Ended,
    pace: Pace,
    sessions: BTreeMap<ValidatorIndex, Session>,
    /// Those in which no ids were told yet.
    opened: BTreeSet<ValidatorIndex>,
    /// Whether what was told to consensus before a restart, and what was not, is unknown.
    attestations_unsent: bool,
    /// Peers are told what they were not told, at this time.
    relay_at: Option<Millis>,
    /// T1: with whom ids are exchanged next.
    turns: Turns,
    exchange_at: Millis,
    look_at: Millis,
}

impl Mempool {
    pub fn new(limits: Limits) -> Mempool {
        Mempool {
            pending: Pending::new(limits),
            order: Order::default(),
            checking: BTreeSet::new(),
            cancelled: Vec::new(),
            parked: BTreeSet::new(),
            late: BTreeSet::new(),
            fetch: Fetch::default(),
            ended: Ended::new(),
            pace: Pace::default(),
            sessions: BTreeMap::new(),
            opened: BTreeSet::new(),
            attestations_unsent: false,
            relay_at: None,
            exchange_at: Millis(0),
            turns: Turns::new(ValidatorIndex(0)),
            look_at: Millis(0),
        }
    }

    /// The same, of the validator with this index: with many peers they take turns, and not everybody begins with the same.
    pub fn of(self, me: ValidatorIndex) -> Mempool {
        Mempool { turns: Turns::new(me), ..self }
    }

    /// With what is durable, after a restart, oldest first and each once, with my own attestation if that is
    /// remembered. What was accepted is held even if limits were lowered since. The first tick, due at once, starts
    /// checks and sends attestations.
    pub fn restored(limits: Limits, held: &[(Candidate, Option<Word>)]) -> Mempool {
        let mut this =
            Mempool { attestations_unsent: true, pending: Pending::restored(limits, held), ..Mempool::new(limits) };
        for (candidate, _) in held.iter().filter(|(_, word)| word.is_none()) {
            if let Some(place) = this.pending.place(&candidate.proof) {
                this.order.push(place);
            }
        }
        this
    }

    /// The oldest proofs that have not ended, at most so many.
    pub fn oldest(&self, max: usize) -> Vec<Hash> {
        self.pending.iter().filter(|entry| entry.final_in.is_none()).take(max).map(|entry| entry.proof).collect()
    }

    /// Where a proof is.
    pub fn find(&self, proof: &Hash) -> Whereabouts {
        if let Some(entry) = self.pending.get(proof) {
            return match entry.stage {
                Stage::Storing | Stage::Waiting | Stage::Parked(_) => Whereabouts::Waiting,
                Stage::Checking => Whereabouts::Checking,
                Stage::Checked(mine) => Whereabouts::Pending {
                    mine,
                    words: entry.words.iter().collect(),
                    disputed: self.pending.is_disputed(proof),
                },
            };
        }
        match self.ended.get(proof) {
            Some(End::Final(sequence)) => Whereabouts::Final(*sequence),
            Some(End::Refused { .. }) if self.fetch.is_needed(proof).is_some() => Whereabouts::Fetching,
            Some(End::Refused { refusal, .. }) => Whereabouts::Refused(refusal.clone()),
            None if self.fetch.contains(proof) => Whereabouts::Fetching,
            None => Whereabouts::Unknown,
        }
    }

    /// Identity of the normalised script and claim, while the proof is held or its refusal remembered.
    pub fn statement(&self, proof: &Hash) -> Option<Hash> {
        match (self.pending.get(proof), self.ended.get(proof)) {
            (Some(entry), _) => Some(entry.statement),
            (None, Some(End::Refused { statement, .. })) => *statement,
            (None, Some(End::Final(_)) | None) => None,
        }
    }

    /// Where a statement is, and which proof of it that is about: the one that is held longest, else the newest that
    /// attestations refuse. `None` if neither is remembered; it may be final all the same.
    pub fn find_statement(&self, statement: &Hash) -> Option<(Hash, Whereabouts)> {
        let held = self.pending.of_statement(statement).map(|entry| entry.proof);
        let proof = held.or_else(|| self.ended.refused(statement))?;
        Some((proof, self.find(&proof)))
    }

    /// Whether a script that came under this id is worth looking at: not if it is held, or ended for good.
    pub fn welcomes(&self, proof: &Hash) -> bool {
        let needed = self.fetch.is_needed(proof).is_some();
        match (self.pending.get(proof), self.ended.get(proof)) {
            (Some(_), _) => false,
            (None, Some(End::Refused { refusal, .. })) => needed || !refusal.is_permanent(),
            (None, Some(End::Final(_))) => needed,
            (None, None) => true,
        }
    }

    /// Whether such a proof would be admitted now.
    ///
    /// # Errors
    /// The [`Refusal`] that it would meet.
    pub fn room(&self, now: Millis, source: Source, proof: &Hash, size: u64) -> Result<(), Refusal> {
        let needed = self.fetch.is_needed(proof).is_some();
        self.pending.displaced_by(now, source, size, needed, self.was_displaced(proof)).map(drop)
    }

    /// When, from now, who was refused should submit again. None if the same refusal would be met at any time.
    pub fn come_back(&mut self, now: Millis, refusal: &Refusal) -> Option<Millis> {
        match refusal {
            Refusal::Full { .. } | Refusal::Displaced => Some(self.pace.next_place(now, 1, 1)),
            Refusal::ShareFull { .. } => {
                let (own, all) = (self.pending.api().proofs, self.pending.total().proofs);
                Some(self.pace.next_place(now, own, all))
            }
            Refusal::SourceFull { proofs, .. } => Some(self.pace.next_of(now, *proofs, self.pending.total().proofs)),
            Refusal::Malformed { .. } | Refusal::Words { .. } => None,
        }
    }

    /// Who had to make room does not get it back at another's cost, or disputed proofs would displace each other in turn.
    fn was_displaced(&self, proof: &Hash) -> bool {
        match self.ended.get(proof) {
            Some(End::Refused { refusal: Refusal::Displaced, .. }) => true,
            Some(End::Refused { .. } | End::Final(_)) | None => false,
        }
    }

    /// Admits a proof whose signature and form are good: the caller makes it durable and reports [`Input::Stored`]. The
    /// effects are the disputed proofs that were displaced, and sending the proof to the peers.
    ///
    /// # Errors
    /// The proof's status, if it need not be stored: held already, ended for good, or refused for want of capacity.
    pub fn admit(&mut self, now: Millis, candidate: Candidate) -> Result<Vec<Effect>, Whereabouts> {
        if !self.welcomes(&candidate.proof) {
            return Err(self.find(&candidate.proof));
        }
        let Candidate { proof, source, size, .. } = candidate;
        let needed_until = self.fetch.is_needed(&proof);
        let room = self.pending.displaced_by(now, source, size, needed_until.is_some(), self.was_displaced(&proof));
        let displaced = match room {
            Ok(displaced) => displaced,
            Err(refusal) => {
                self.fetch.postponed(now.saturating_add(EXCHANGE_INTERVAL), &proof, size);
                return Err(Whereabouts::Refused(refusal));
            }
        };
        let mut effects = Vec::new();
        for displaced in displaced {
            self.refuse(displaced, Refusal::Displaced, &mut effects);
        }
        let final_in = match self.ended.get(&proof) {
            Some(End::Final(sequence)) => Some(*sequence),
            Some(End::Refused { .. }) | None => None,
        };
        let entry = self.pending.insert(candidate, Stage::Storing, needed_until, now);
        entry.final_in = final_in;
        if let Source::Peer(peer) = source {
            entry.has.insert(peer);
        }
        match final_in {
            Some(sequence) => drop(self.late.insert((sequence, proof))),
            None => self.ended.forget(&proof),
        }
        self.fetch.settled(&proof);
        if matches!(source, Source::Submitter(_)) && size <= PUSH_BYTES_MAX {
            self.push(proof, &mut effects);
        }
        self.cancel(&mut effects);
        Ok(effects)
    }

    pub fn step(&mut self, now: Millis, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        let held = self.pending.total().proofs;
        match input {
            Input::Tick => self.tick(now, &mut effects),
            Input::SessionOpened(peer) => self.on_session_opened(peer),
            Input::SessionClosed(peer) => self.on_session_closed(peer),
            Input::Offered { from, proofs } => self.on_offered(from, proofs, &mut effects),
            Input::Asked { from, proofs } => self.on_asked(from, proofs, &mut effects),
            Input::Served(peer) => {
                if let Some(session) = self.sessions.get_mut(&peer) {
                    session.serving = session.serving.saturating_sub(1);
                }
            }
            Input::Arrived { from, proofs } => self.on_arrived(now, from, proofs),
            Input::Spoiled { from, proof } => self.fetch.spoiled(from, &proof),
            Input::Malformed { proof, refusal } => {
                self.fetch.settled(&proof);
                if self.pending.get(&proof).is_none() && self.ended.get(&proof).is_none() {
                    self.ended.remember(proof, End::Refused { refusal, statement: None, mine: None });
                }
            }
            Input::Stored(proofs) => self.on_stored(now, proofs, &mut effects),
            Input::Judged { proof, judgement } => self.on_judged(now, proof, judgement, &mut effects),
            Input::Words { from, words } => self.on_words(from, &words),
            Input::Need { proofs, from } => self.on_need(now, proofs, &from, &mut effects),
            Input::Refused { proof, mut words } => {
                words.truncate(WORDS_KEPT_MAX);
                self.refuse(proof, Refusal::Words { words }, &mut effects);
            }
            Input::Final { sequence, proofs } => self.on_final(sequence, proofs, &mut effects),
            Input::Missing(proof) => drop(self.take(&proof)),
            Input::ConsensusRestarted => {
                self.forget_words();
                self.tell_words(&mut effects);
            }
            Input::PoolRestarted => self.on_pool_restarted(),
        }
        // A step only takes out; what comes in is admitted.
        self.pace.ended(now, held.saturating_sub(self.pending.total().proofs));
        self.cancel(&mut effects);
        self.dispatch(&mut effects);
        self.ask(now, &mut effects);
        effects
    }

    /// When [`Input::Tick`] is due; none if nothing needs one. After a restart, for a new session, and while a check
    /// waits although a slot is free, that is at once, but not within the same turn: requests that arrive meanwhile are
    /// answered before thousands of ids and attestations are sent.
    pub fn wakeup(&self) -> Option<Millis> {
        let looking = (self.fetch.len() > 0 || !self.parked.is_empty()).then_some(self.look_at);
        let differing = (!self.sessions.is_empty() && self.pending.total().proofs > 0).then_some(self.exchange_at);
        let at_once = !self.opened.is_empty() || self.attestations_unsent || self.has_check_to_hand_out();
        [self.relay_at, looking, differing, at_once.then_some(Millis(0)), self.fetch.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn figures(&self) -> Figures {
        let total = self.pending.total();
        Figures {
            proofs: total.proofs,
            proofs_max: self.pending.limits().proofs_max,
            bytes: total.bytes,
            bytes_max: self.pending.limits().bytes_max,
            waiting: self.order.len() + self.parked.len(),
            checking: self.checking.len(),
            disputed: self.pending.disputed(),
            fetching: self.fetch.len(),
        }
    }

    /// O(1).
    pub fn holdings(&self) -> Holdings {
        let submitted = self.pending.api();
        Holdings {
            figures: self.figures(),
            submitted: submitted.proofs,
            submitted_bytes: submitted.bytes,
            ready: self.pending.ready(),
            oldest: self.pending.oldest(),
        }
    }

    fn tick(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        self.look_at = now.saturating_add(LOOK_INTERVAL);
        self.fetch.expire(now);
        while let Some((until, proof)) = self.parked.first().copied().filter(|(until, _)| *until <= now) {
            self.parked.remove(&(until, proof));
            self.wait(proof);
        }
        if self.attestations_unsent {
            self.tell_words(effects);
        }
        self.answer_sources(effects);
        let opened = core::mem::take(&mut self.opened);
        if self.exchange_at <= now {
            self.exchange_at = now.saturating_add(EXCHANGE_INTERVAL);
            let sessions = self.sessions.keys().map(|peer| (*peer, Millis(0)));
            let peers: BTreeSet<_> = match self.turns.next(FEW_AT_ONCE, now, sessions) {
                Turn::Everybody => {
                    self.relay_at = None;
                    self.sessions.keys().copied().collect()
                }
                Turn::Some { peers, .. } => peers.into_iter().chain(opened).collect(),
            };
            peers.into_iter().for_each(|peer| self.exchange(now, peer, effects));
        } else {
            opened.into_iter().for_each(|peer| self.exchange(now, peer, effects));
        }
        if self.relay_at.is_some_and(|at| at <= now) {
            self.relay_at = None;
            self.relay(None, effects);
        }
    }

    fn tell_words(&mut self, effects: &mut Vec<Effect>) {
        if core::mem::take(&mut self.attestations_unsent) {
            effects.push(Effect::Restarted { held: self.pending.ids().collect() });
        }
        effects.extend(self.pending.words().map(Effect::Tell));
    }

    /// Forgets a held proof by this node's own word, which *final* overrides.
    fn refuse(&mut self, proof: Hash, refusal: Refusal, effects: &mut Vec<Effect>) {
        let Some(entry) = self.take(&proof) else { return };
        if entry.final_in.is_some() {
            effects.push(Effect::Delete(proof));
            return;
        }
        let mine = match (&refusal, entry.stage) {
            (Refusal::Words { .. }, Stage::Checked(word)) => Some(word),
            (_, Stage::Storing | Stage::Waiting | Stage::Parked(_) | Stage::Checking | Stage::Checked(_)) => None,
        };
        let statement = Some(entry.statement);
        self.ended.remember(proof, End::Refused { refusal: refusal.clone(), statement, mine });
        effects.push(Effect::Refuse { proof, refusal });
    }

    /// What was checked here has ended. What was not is still checked, and what is needed still fetched, while a late
    /// Prepare for its block can be of use.
    fn on_final(&mut self, sequence: Sequence, proofs: Vec<Hash>, effects: &mut Vec<Effect>) {
        for proof in proofs {
            match self.pending.get_mut(&proof) {
                Some(Entry { stage: Stage::Checked(_), .. }) => drop(self.take(&proof)),
                // Told twice, it stays what it was told first.
                Some(entry) => {
                    let sequence = *entry.final_in.get_or_insert(sequence);
                    self.late.insert((sequence, proof));
                }
                None if self.fetch.is_needed(&proof).is_some() => {}
                None => self.fetch.settled(&proof),
            }
            self.ended.remember(proof, End::Final(sequence));
        }
        while let Some((past, proof)) = self.late.first().copied() {
            if past.0.saturating_add(WINDOW as u64) >= sequence.0 {
                break;
            }
            self.take(&proof);
            self.late.remove(&(past, proof));
            effects.push(Effect::Delete(proof));
        }
    }

    fn cancel(&mut self, effects: &mut Vec<Effect>) {
        effects.extend(self.cancelled.drain(..).map(Effect::Cancel));
    }

    fn take(&mut self, proof: &Hash) -> Option<Entry> {
        let place = self.pending.place(proof)?;
        let entry = self.pending.remove(proof)?;
        self.order.remove(place);
        if self.checking.remove(proof) {
            self.cancelled.push(*proof);
        }
        if let Stage::Parked(until) = entry.stage {
            self.parked.remove(&(until, *proof));
        }
        if let Some(sequence) = entry.final_in {
            self.late.remove(&(sequence, *proof));
        }
        Some(entry)
    }
}
