//! Work and clocks: when there is a reason to hurry. What my solver and those of peers say comes in here.

use super::Consensus;
use super::events::{Checked, Effect, Notice};
use super::retransmission::STATUS_INTERVAL;
use crate::message::Word;
use crate::ready::Refusal;
use crate::types::{Hash, Millis, ValidatorIndex};
use alloc::vec::Vec;

/// How long a leader may be checking a proof on which Ready is not unanimous, before its clock starts anyway.
pub(super) const LEADER_GRACE: Millis = Millis(1_000);

/// Reasons to make a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    pub uncontested: bool,
    pub contested: bool,
    /// Among the contested ones is one that this view's leader has announced: it can propose it.
    pub of_leader: bool,
    /// A prepared block waits for its Commit certificate, and for two round times now.
    pub stranded: bool,
}

impl Work {
    pub fn any(self) -> bool {
        self.uncontested || self.contested || self.stranded
    }
}

impl Consensus {
    /// Whether a prepared block would be stranded on an idle chain. One that the chain passed over is not work, or
    /// views would churn forever: the certificates below the highest Commit's view are gone.
    pub(super) fn is_stranded(&self) -> bool {
        let waited = self.now.local.since(self.round.entered);
        self.votes.certificates().highest_prepare().is_some() && waited >= self.round_time
    }

    pub(super) fn work(&self) -> Work {
        let below = self.tree.proofs_above_base(&self.tip());
        let waits = |checked: &Checked| !below.contains(&checked.proof);
        let leader = self.leader(self.view);
        Work {
            uncontested: self.ready.uncontested().any(|checked| waits(&checked)),
            contested: self.ready.contested().any(|checked| waits(&checked)),
            of_leader: self
                .ready
                .contested()
                .any(|checked| waits(&checked) && self.ready.agrees(&checked.proof, leader)),
            stranded: self.is_stranded(),
        }
    }

    /// Ends every step: starts clocks, sends statuses and attestations that are due.
    pub(super) fn keep_pace(&mut self) {
        let now = self.now.local;
        let doubted = self.doubts.doubted(now);
        self.ready.set_doubted(&self.settings.set, doubted);
        self.keep_clock();
        self.relay_due();
        self.look_for_need();
        if now >= self.status_due {
            self.status_due = now.saturating_add(STATUS_INTERVAL);
            self.tell_status();
        }
        self.rebroadcast_due();
    }

    /// Starts the view's clock with its work or its proposal, and stops it when the work is gone: a Commit certificate
    /// that came a little late must not end a view for want of work.
    fn keep_clock(&mut self) {
        let view = self.view;
        let proposed = self.proposals.contains_key(&view);
        if proposed && self.round.work_told && self.round.clock_started {
            return;
        }
        let work = self.work();
        if work.any() && !self.round.work_told {
            self.round.work_told = true;
            self.effects.notice(Notice::Work { view });
        }
        if self.round.work_told && !work.any() && !proposed {
            (self.round.work_told, self.round.clock_started) = (false, false);
            return self.effects.notice(Notice::WorkGone { view });
        }
        // A leader that is still checking what others have announced is not slow: until a while has passed, its clock does
        // not run for that.
        let may_lead = work.of_leader || self.now.local.since(self.round.entered) >= LEADER_GRACE;
        let contested = work.contested && may_lead && self.contested_pause.is_over(self.now.local);
        if !self.round.clock_started && (work.uncontested || contested || work.stranded || proposed) {
            self.round.clock_started = true;
            self.effects.notice(Notice::ClockStarted { view });
        }
    }

    pub(super) fn on_checked(&mut self, checked: Checked) {
        // What is in the table is not final: with its end it left the table.
        if !self.ready.has(&checked.proof) && self.tree.is_final(&checked.proof) {
            if self.awaited_late().contains(&checked.proof) {
                self.late_verdicts.insert(checked.proof, checked);
            }
            return;
        }
        self.attesting.announced.push((checked.proof, checked.word));
        let refusal = self.ready.checked(&self.settings.set, self.now.local, checked);
        self.refuse(refusal);
    }

    pub(super) fn on_words(&mut self, from: ValidatorIndex, words: Vec<(Hash, Word)>) {
        for (proof, word) in words {
            if self.ready.has(&proof) || !self.tree.is_final(&proof) {
                let refusal = self.ready.told(&self.settings.set, self.now.local, from, proof, word);
                self.refuse(refusal);
            }
        }
    }

    fn refuse(&mut self, refusal: Option<Refusal>) {
        if let Some(Refusal { proof, words }) = refusal {
            self.effects.push(Effect::Refused { proof, words });
        }
    }
}
