//! Pending proofs: what everybody attests of them, whom not to believe it, and who is sent my own attestations.
//!
//! What follows for voting and proposing is decided elsewhere, from what is here.

pub(super) mod attesting;
mod doubt;

use super::effects::Effects;
use super::events::{Checked, FinalBlock};
use super::sync::Peers;
use crate::block::Entry;
use crate::message::{Proposal, Word};
use crate::quorum::ValidatorSet;
use crate::ready::{Ready, Refusal, Standing};
use crate::schedule::Schedule;
use crate::types::{Hash, Millis, ValidatorIndex, View};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use attesting::{Attesting, Audience};
use doubt::{Doubts, Pause};

/// What is known of proofs that are not final yet.
pub struct Proofs {
    set: Arc<ValidatorSet>,
    schedule: Arc<Schedule>,
    ready: Ready,
    /// My verdicts on final proofs whose block may still get my late Prepare.
    late_verdicts: BTreeMap<Hash, Checked>,
    doubts: Doubts,
    /// While it lasts, contested proofs are no reason for my timer.
    contested_pause: Pause,
    attesting: Attesting,
}

impl Proofs {
    pub fn new(set: Arc<ValidatorSet>, schedule: Arc<Schedule>, me: ValidatorIndex, now: Millis) -> Self {
        Proofs {
            set,
            schedule,
            ready: Ready::new(me),
            late_verdicts: BTreeMap::new(),
            doubts: Doubts::default(),
            contested_pause: Pause::default(),
            attesting: Attesting::new(me, now),
        }
    }

    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    pub fn session_opened(&mut self, peer: ValidatorIndex) {
        self.ready.session_opened(&self.set, peer);
    }

    /// Its attestations lapse.
    pub fn session_closed(&mut self, peer: ValidatorIndex) {
        self.ready.session_closed(&self.set, peer);
    }

    /// My own verdict on a proof that is not final.
    pub fn checked(&mut self, now: Millis, checked: Checked) -> Option<Refusal> {
        self.attesting.attest(checked.proof, checked.word);
        self.ready.checked(&self.set, now, checked)
    }

    /// My own verdict on a proof that is final, and whose block may still get my late Prepare.
    pub fn checked_late(&mut self, checked: Checked) {
        self.late_verdicts.insert(checked.proof, checked);
    }

    /// A peer's attestation on a proof that is not final.
    pub fn told(&mut self, now: Millis, by: ValidatorIndex, proof: Hash, word: Word) -> Option<Refusal> {
        self.ready.told(&self.set, now, by, proof, word)
    }

    /// The mempool dropped a proof.
    pub fn forget(&mut self, proof: &Hash) {
        self.ready.forget(proof);
    }

    /// The mempool holds only these, ascending: what I attested of others is dropped.
    pub fn retain_mine(&mut self, held: &[Hash]) {
        self.ready.retain_mine(held);
    }

    /// The proofs of these blocks are final. My verdicts on those in `awaited` are kept for late Prepares.
    pub fn finalize(&mut self, blocks: &[FinalBlock], awaited: &BTreeSet<Hash>) {
        for entry in blocks.iter().flat_map(|block| &block.block.body.proofs) {
            if let Some(mine) = self.ready.mine(&entry.proof).filter(|_| awaited.contains(&entry.proof)) {
                self.late_verdicts.insert(entry.proof, mine);
            }
            self.ready.forget(&entry.proof);
        }
        self.late_verdicts.retain(|proof, _| awaited.contains(proof));
    }

    /// My own verdict, if there is one.
    pub fn mine(&self, proof: &Hash) -> Option<Checked> {
        self.ready.mine(proof).or_else(|| self.late_verdicts.get(proof).copied())
    }

    /// Whether my own verdict confirms a proof with this count and statement.
    pub fn confirms(&self, entry: &Entry) -> bool {
        self.mine(&entry.proof).is_some_and(|mine| match mine.word {
            Word::Confirmed(count) | Word::ConfirmedBeyondSoft(count) => {
                count == entry.difficulty && mine.statement == entry.statement
            }
            Word::Refuted | Word::NoVerdict => false,
        })
    }

    /// The validators that announced every proof of a proposal, if Ready on one of its proofs is not unanimous and each
    /// had its Ready quorum.
    fn contested_announcers(&self, proposal: &Proposal) -> Option<BTreeSet<ValidatorIndex>> {
        let proofs = &proposal.block.body.proofs;
        let contested = proofs.iter().any(|entry| self.ready.standing(&entry.proof) != Standing::Uncontested);
        if proofs.is_empty() || !contested {
            return None;
        }
        let mut everywhere: Option<BTreeSet<ValidatorIndex>> = None;
        for entry in proofs {
            let announcers = self.ready.announcers(&entry.proof, entry.difficulty);
            if !self.set.is_quorum(self.set.stake_of(announcers.iter().copied())) {
                return None;
            }
            everywhere = Some(match everywhere {
                Some(before) => before.intersection(&announcers).copied().collect(),
                None => announcers,
            });
        }
        everywhere
    }

    /// A view ended by a ViewChange certificate although I had its proposal. Suspects who announced its proofs and did not
    /// prepare it, unless they have a third of the stake. Returns whether the failure is a reason for longer timers: it is
    /// none if they alone made it.
    pub fn learn_from_failure(
        &mut self,
        now: Millis,
        proposal: &Proposal,
        has_prepared: impl Fn(ValidatorIndex) -> bool,
    ) -> bool {
        let Some(announcers) = self.contested_announcers(proposal) else { return true };
        let withheld: Vec<ValidatorIndex> = announcers.into_iter().filter(|by| !has_prepared(*by)).collect();
        let blocking = self.set.is_blocking(self.set.stake_of(withheld.iter().copied()));
        if withheld.is_empty() || blocking {
            return true;
        }
        withheld.into_iter().for_each(|by| self.doubts.doubt(now, by));
        false
    }

    /// A Prepare for proofs on which Ready is not unanimous ends the suspicion, if its voter had announced them.
    pub fn clear_doubt(&mut self, now: Millis, voter: ValidatorIndex, proposal: Option<&Proposal>) {
        if !self.doubts.is_doubted(now, voter) {
            return;
        }
        let announced = proposal.and_then(|proposal| self.contested_announcers(proposal));
        if announced.is_some_and(|announcers| announcers.contains(&voter)) {
            self.doubts.clear(now, voter);
            self.lapse_doubts(now);
        }
    }

    /// Suspicions end with time.
    pub fn lapse_doubts(&mut self, now: Millis) {
        let doubted = self.doubts.doubted(now);
        self.ready.set_doubted(&self.set, doubted);
    }

    /// A live leader proposed nothing: contested proofs alone do not make it slow.
    pub fn pause_contested(&mut self, now: Millis) {
        self.contested_pause.extend(now);
    }

    /// Proofs were prepared.
    pub fn end_contested_pause(&mut self) {
        self.contested_pause = Pause::default();
    }

    pub fn is_contested_paused(&self, now: Millis) -> bool {
        !self.contested_pause.is_over(now)
    }

    /// A view fails, or its leader does: everybody needs to know of the work.
    pub fn spread_attestations(&mut self, now: Millis) {
        self.attesting.spread(now);
    }

    /// A leader has led: what was spread once is enough.
    pub fn end_spreading(&mut self) {
        self.attesting.end_spreading();
    }

    /// Sends what my solver said since the last time, and what new leaders lack.
    pub fn announce(&mut self, now: Millis, view: View, peers: &mut Peers, effects: &mut Effects) {
        let audience = Audience { now, view, set: &self.set, schedule: &self.schedule, peers, effects };
        self.attesting.announce(&self.ready, audience);
    }

    /// Sends my attestations on undecided proofs again, if that is due.
    pub fn rebroadcast(&mut self, now: Millis, view: View, peers: &mut Peers, effects: &mut Effects) {
        let audience = Audience { now, view, set: &self.set, schedule: &self.schedule, peers, effects };
        self.attesting.rebroadcast(&self.ready, audience);
    }

    /// On a new session: my attestations on everything pending.
    pub fn attest_all(&self, to: ValidatorIndex, peers: &mut Peers, effects: &mut Effects) {
        attesting::attest_all(&self.ready, to, peers, effects);
    }

    /// When something here is due, after `now`.
    pub fn wakeup(&self, now: Millis) -> Option<Millis> {
        let pause = Some(self.contested_pause.until()).filter(|until| *until > now);
        let attesting = self.attesting.wakeup(!self.ready.is_empty());
        [pause, self.doubts.wakeup(now), attesting].into_iter().flatten().min()
    }

    #[cfg(test)]
    pub fn attesting(&mut self) -> &mut Attesting {
        &mut self.attesting
    }
}
