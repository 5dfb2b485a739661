//! Which proof is checked when, and what becomes of my own verdicts.

use super::Mempool;
use super::entry::Stage;
use super::events::{Effect, Judgement, NEED_LIFETIME, RELAY_DELAY, RETRY_DELAY, Source};
use crate::message::limits::WORDS_MAX;
use crate::message::{Message, Word};
use crate::ready::Checked;
use crate::turns::is_crowd;
use crate::types::{Hash, Millis, ValidatorIndex};
use alloc::vec::Vec;

impl Mempool {
    /// Puts a durable proof into the order of checking.
    pub(super) fn wait(&mut self, proof: Hash) {
        let Some(urgent) = self.pending.judge(&proof, |entry| {
            entry.stage = Stage::Waiting;
            entry.needed_until.is_some()
        }) else {
            return;
        };
        if let Some(place) = self.pending.place(&proof) {
            if urgent { self.order.push_urgent(place) } else { self.order.push(place) }
        }
    }

    /// Whether a check waits that [`Mempool::dispatch`] would hand out. After a step none does; only what was restored, and
    /// an admission that displaced a proof under check, leave one.
    pub(super) fn has_check_to_hand_out(&self) -> bool {
        let (checks_max, under_way) = (self.pending.limits().checks_max, self.checking.len());
        under_way < checks_max && self.order.len() > 0 || under_way < 2 * checks_max && self.order.has_urgent()
    }

    /// Hands out checks while there are free ones; urgent ones have as many again.
    pub(super) fn dispatch(&mut self, effects: &mut Vec<Effect>) {
        let checks_max = self.pending.limits().checks_max;
        loop {
            let urgent = if self.checking.len() < 2 * checks_max { self.order.pop_urgent() } else { None };
            let mut usual = || (self.checking.len() < checks_max).then(|| self.order.pop()).flatten();
            let (proof, urgent) = match urgent.map(|proof| (proof, true)) {
                Some(next) => next,
                None => match usual() {
                    Some(proof) => (proof, false),
                    None => return,
                },
            };
            self.pending.judge(&proof, |entry| entry.stage = Stage::Checking);
            self.checking.insert(proof);
            effects.push(Effect::Check { proof, urgent });
        }
    }

    pub(super) fn on_judged(&mut self, now: Millis, proof: Hash, judgement: Judgement, effects: &mut Vec<Effect>) {
        if !self.checking.remove(&proof) {
            return;
        }
        let stage = match judgement {
            Judgement::Word(word) => Stage::Checked(word),
            Judgement::Again => Stage::Parked(now.saturating_add(RETRY_DELAY)),
        };
        let Some((statement, source)) = self.pending.judge(&proof, |entry| {
            entry.stage = stage;
            (entry.statement, entry.source)
        }) else {
            return;
        };
        match stage {
            Stage::Checked(word) => {
                self.owe_source(now, source, proof, word);
                effects.push(Effect::Tell(Checked { proof, statement, word }));
                if self.pending.get(&proof).is_some_and(|entry| entry.final_in.is_some()) {
                    self.take(&proof);
                    effects.push(Effect::Delete(proof));
                }
            }
            Stage::Parked(until) => {
                // Wants are looked at sooner than that.
                if self.parked.is_empty() && self.fetch.len() == 0 {
                    self.look_at = until;
                }
                self.parked.insert((until, proof));
            }
            Stage::Storing | Stage::Waiting | Stage::Checking => {}
        }
    }

    /// In a crowd few are sent my attestation. Whoever brought the proof is among them: its submitter asks there whose is
    /// missing. Several go together, a little later: who brings many is not sent more messages than it reads.
    fn owe_source(&mut self, now: Millis, source: Source, proof: Hash, word: Word) {
        let Source::Peer(peer) = source else { return };
        if is_crowd(self.sessions.len() + 1)
            && let Some(session) = self.sessions.get_mut(&peer)
        {
            session.owed.push((proof, word));
            self.relay_at.get_or_insert(now.saturating_add(RELAY_DELAY));
        }
    }

    pub(super) fn answer_sources(&mut self, effects: &mut Vec<Effect>) {
        for (peer, session) in &mut self.sessions {
            let owed = core::mem::take(&mut session.owed);
            effects.extend(owed.chunks(WORDS_MAX).map(|words| Effect::Send(*peer, Message::Checked(words.to_vec()))));
        }
    }

    pub(super) fn on_need(
        &mut self,
        now: Millis,
        proofs: Vec<Hash>,
        from: &[ValidatorIndex],
        effects: &mut Vec<Effect>,
    ) {
        for proof in proofs {
            let Some(entry) = self.pending.get_mut(&proof) else {
                self.fetch.need(now, proof, from);
                continue;
            };
            entry.needed_until = Some(now.saturating_add(NEED_LIFETIME));
            match entry.stage {
                Stage::Waiting => {
                    if let Some(place) = self.pending.place(&proof) {
                        self.order.push_urgent(place);
                    }
                }
                Stage::Parked(until) => {
                    self.parked.remove(&(until, proof));
                    self.wait(proof);
                }
                Stage::Checked(word) => {
                    let statement = entry.statement;
                    effects.push(Effect::Tell(Checked { proof, statement, word }));
                }
                Stage::Storing | Stage::Checking => {}
            }
        }
    }

    pub(super) fn on_pool_restarted(&mut self) {
        for proof in core::mem::take(&mut self.checking) {
            self.wait(proof);
        }
    }
}
