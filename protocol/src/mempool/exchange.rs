//! How peers come to hold the same proofs: ids on every new session and while they differ, then the scripts.
//!
//! It must never send what a peer did not ask for, but small scripts that just entered here.

use super::ended::End;
use super::entry::{Entry, Stage};
use super::events::{Effect, RELAY_DELAY, Source};
use super::{Mempool, PUSH_BYTES_MAX, SERVING_MAX, Session};
use crate::message::limits::{IDS_MAX, PROOFS_MAX, WORDS_MAX};
use crate::message::{Message, Word};
use crate::turns::is_crowd;
use crate::types::{Hash, Millis, ValidatorIndex};
use alloc::vec::Vec;

/// In a crowd a proof that is undecided for so long is named again to whose attestation is missing.
const OVERDUE: Millis = Millis(10_000);

impl Mempool {
    /// Ids are told with the next tick, which is due at once.
    pub(super) fn on_session_opened(&mut self, peer: ValidatorIndex) {
        self.on_session_closed(peer);
        self.fetch.session_opened(peer);
        self.sessions.insert(peer, Session::default());
        self.opened.insert(peer);
    }

    pub(super) fn on_session_closed(&mut self, peer: ValidatorIndex) {
        self.sessions.remove(&peer);
        self.opened.remove(&peer);
        self.fetch.session_closed(peer);
        let mut lapsed = Vec::new();
        for entry in self.pending.iter_mut() {
            entry.has.remove(peer);
            entry.notified.remove(peer);
            if entry.words.contains(peer) {
                lapsed.push(entry.proof);
            }
        }
        for proof in lapsed {
            self.pending.judge(&proof, |entry| entry.words.remove(peer));
        }
    }

    /// Sends a peer the ids of the proofs held here, except those already sent to it that it is known to have; and of
    /// the proofs checked here, all on which I lack its attestation: it may have refused the proof already, and the
    /// message that said so was lost. In a crowd few attestations come here, and so many peers name a proof that each does so
    /// once, but for what is still undecided after a while.
    pub(super) fn exchange(&mut self, now: Millis, peer: ValidatorIndex, effects: &mut Vec<Effect>) {
        let is_crowd = is_crowd(self.sessions.len() + 1);
        let Some(session) = self.sessions.get_mut(&peer) else { return };
        let start = session.cursor.take().unwrap_or(0);
        let lacks = |entry: &Entry| match entry.stage {
            Stage::Checked(_) => !entry.words.contains(peer),
            Stage::Storing | Stage::Waiting | Stage::Parked(_) | Stage::Checking => !entry.has.contains(peer),
        };
        let differs = |entry: &Entry| {
            let is_new = !entry.notified.contains(peer);
            if is_crowd && now.since(entry.since) < OVERDUE {
                is_new && !entry.has.contains(peer)
            } else {
                is_new || lacks(entry)
            }
        };
        let differing = self.pending.iter_from(start).filter(|entry| entry.is_shared() && differs(entry));
        let mut arrivals: Vec<u64> = differing.map(|entry| entry.arrival).take(IDS_MAX + 1).collect();
        if arrivals.len() > IDS_MAX {
            session.cursor = arrivals.pop();
        }
        let mut proofs = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            if let Some(entry) = self.pending.at_mut(arrival) {
                entry.notified.insert(peer);
                proofs.push(entry.proof);
            }
        }
        if !proofs.is_empty() {
            effects.push(Effect::Send(peer, Message::Pending(proofs)));
        }
    }

    /// Announces what a peer was not sent yet: of these proofs, that entered here, to every peer; of all, to those that follow
    /// me (T1). Everybody has followers, so a proof comes round; and whoever misses one is told in its turn.
    pub(super) fn relay(&mut self, only: Option<&[Hash]>, effects: &mut Vec<Effect>) {
        let shared = |entry: &Entry| entry.is_shared().then_some(entry.proof);
        let (meant, peers): (Vec<Hash>, Vec<ValidatorIndex>) = match only {
            Some(proofs) => (proofs.to_vec(), self.sessions.keys().copied().collect()),
            None => {
                let meant = self.pending.iter().filter_map(shared).collect();
                (meant, self.turns.followers(self.sessions.keys().copied()))
            }
        };
        let is_crowd = is_crowd(self.sessions.len() + 1);
        for peer in &peers {
            let mut proofs = Vec::new();
            for proof in &meant {
                if let Some(entry) = self.pending.get_mut(proof)
                    && !entry.notified.contains(*peer)
                    && !(is_crowd && entry.has.contains(*peer))
                    && proofs.len() < IDS_MAX
                {
                    entry.notified.insert(*peer);
                    proofs.push(*proof);
                }
            }
            if !proofs.is_empty() {
                effects.push(Effect::Send(*peer, Message::Pending(proofs)));
            }
        }
    }

    pub(super) fn on_offered(&mut self, from: ValidatorIndex, proofs: Vec<Hash>, effects: &mut Vec<Effect>) {
        if !self.sessions.contains_key(&from) {
            return;
        }
        let mut words = Vec::new();
        for proof in proofs.into_iter().take(IDS_MAX) {
            if let Some(entry) = self.pending.get_mut(&proof) {
                // Said again, it is not answered: my word on it will be the answer. An offer that answers an offer would
                // be answered in turn, for ever.
                entry.has.insert(from);
                continue;
            }
            match self.ended.get(&proof) {
                // It may lack my word, without which it cannot refuse the proof in turn.
                Some(End::Refused { mine: Some(word), .. }) if words.len() < WORDS_MAX => words.push((proof, *word)),
                Some(End::Refused { refusal, .. }) if refusal.is_permanent() => {}
                Some(End::Final(_)) => {}
                Some(End::Refused { .. }) => self.fetch.offered(from, proof, true),
                None => self.fetch.offered(from, proof, false),
            }
        }
        if !words.is_empty() {
            effects.push(Effect::Send(from, Message::Checked(words)));
        }
    }

    pub(super) fn on_asked(&mut self, from: ValidatorIndex, mut proofs: Vec<Hash>, effects: &mut Vec<Effect>) {
        let Some(session) = self.sessions.get_mut(&from).filter(|session| session.serving < SERVING_MAX) else {
            return;
        };
        session.serving += 1;
        proofs.truncate(PROOFS_MAX);
        effects.push(Effect::Serve { to: from, proofs });
    }

    pub(super) fn on_arrived(&mut self, now: Millis, from: ValidatorIndex, proofs: Vec<Hash>) {
        self.fetch.arrived(now, from, &proofs);
        for proof in proofs.into_iter().take(PROOFS_MAX) {
            if let Some(entry) = self.pending.get_mut(&proof) {
                entry.has.insert(from);
            } else if self.welcomes(&proof) {
                self.fetch.expect(now, from, proof);
            }
        }
    }

    pub(super) fn on_stored(&mut self, now: Millis, proofs: Vec<Hash>, effects: &mut Vec<Effect>) {
        let mut from_api = Vec::new();
        for proof in proofs {
            let Some(entry) = self.pending.get(&proof) else {
                effects.push(Effect::Delete(proof));
                continue;
            };
            if entry.is_durable() {
                continue;
            }
            match entry.source {
                // It was sent when it was admitted.
                Source::Submitter(_) if entry.size <= PUSH_BYTES_MAX => {}
                Source::Submitter(_) => from_api.push(proof),
                Source::Peer(_) => drop(self.relay_at.get_or_insert(now.saturating_add(RELAY_DELAY))),
            }
            self.wait(proof);
        }
        self.relay(Some(&from_api), effects);
    }

    pub(super) fn push(&mut self, proof: Hash, effects: &mut Vec<Effect>) {
        let Some(entry) = self.pending.get_mut(&proof) else { return };
        let to: Vec<_> = self.sessions.keys().copied().filter(|peer| !entry.has.contains(*peer)).collect();
        to.iter().for_each(|peer| entry.notified.insert(*peer));
        if !to.is_empty() {
            effects.push(Effect::Push { proof, to });
        }
    }

    pub(super) fn on_words(&mut self, from: ValidatorIndex, words: &[(Hash, Word)]) {
        if !self.sessions.contains_key(&from) {
            return;
        }
        for (proof, word) in words.iter().take(WORDS_MAX) {
            self.pending.judge(proof, |entry| {
                entry.words.insert(from, *word);
                // Only who has the script durably has a word on it.
                entry.has.insert(from);
            });
        }
    }

    pub(super) fn ask(&mut self, now: Millis, effects: &mut Vec<Effect>) {
        let pending = &self.pending;
        let room = |peer, size, patient| pending.displaced_by(now, Source::Peer(peer), size, false, patient).is_ok();
        for question in self.fetch.questions(now, room) {
            effects.push(Effect::Send(question.to, Message::ProofRequest(question.proofs)));
        }
    }
}
