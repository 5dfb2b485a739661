//! My current view (R7): how I entered it, and what has happened in it.

use super::effects::Effects;
use super::events::Notice;
use super::timers::Work;
use crate::certificate::Certificate;
use crate::types::{Hash, Millis, View};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// The view that this validator is in.
#[derive(Debug)]
pub struct Round {
    view: View,
    /// The certificate by which I entered it; none at the start, or below what the log still shows.
    entry: Option<Certificate>,
    entered: Millis,
    /// The proposal was decided upon: voted for, or found invalid.
    judged: bool,
    proposed: bool,
    clock_started: bool,
    work_told: bool,
    /// When its proposal came, or was made.
    proposed_at: Option<Millis>,
    /// Since when something happens in it that is not over.
    under_way: Option<Millis>,
    needed: BTreeSet<Hash>,
}

impl Round {
    /// # Panics
    /// If the certificate does not end the view before.
    pub fn new(view: View, entry: Option<Certificate>, entered: Millis) -> Self {
        assert!(
            entry.as_ref().is_none_or(|entry| entry.view().next() == view),
            "R7: a view is entered by its certificate"
        );
        Round {
            view,
            entry,
            entered,
            judged: false,
            proposed: false,
            clock_started: false,
            work_told: false,
            proposed_at: None,
            under_way: None,
            needed: BTreeSet::new(),
        }
    }

    /// The view after the one that this certificate ends.
    ///
    /// # Panics
    /// If that is no later view.
    pub fn advance(&mut self, by: Certificate, now: Millis) {
        assert!(by.view() >= self.view, "R7: views only rise");
        *self = Round::new(by.view().next(), Some(by), now);
    }

    pub fn view(&self) -> View {
        self.view
    }

    pub fn entry(&self) -> Option<&Certificate> {
        self.entry.as_ref()
    }

    pub fn entered(&self) -> Millis {
        self.entered
    }

    pub fn is_judged(&self) -> bool {
        self.judged
    }

    pub fn judge(&mut self) {
        self.judged = true;
    }

    pub fn has_proposed(&self) -> bool {
        self.proposed
    }

    /// My own proposal needs no judgement.
    pub fn propose(&mut self) {
        (self.proposed, self.judged) = (true, true);
    }

    /// Its proposal came, or was made.
    pub fn note_proposal(&mut self, now: Millis) {
        self.proposed_at = self.proposed_at.or(Some(now));
    }

    /// Since when its proposal could be judged: one that came before I entered the view has waited for me.
    pub fn proposed_at(&self) -> Millis {
        self.proposed_at.unwrap_or(self.entered)
    }

    /// Of the proofs that the proposal lacks here, those that were not asked for yet.
    pub fn need(&mut self, proofs: Vec<Hash>) -> Vec<Hash> {
        proofs.into_iter().filter(|proof| self.needed.insert(*proof)).collect()
    }

    /// Since when something happens in this view that is not over.
    pub fn under_way(&self) -> Option<Millis> {
        self.under_way
    }

    /// Notes whether something is under way now: work, a proposal, votes, a prepared block, its end.
    pub fn note_under_way(&mut self, now: Millis, is_under_way: bool) {
        self.under_way = if is_under_way { self.under_way.or(Some(now)) } else { None };
    }

    pub fn is_clock_started(&self) -> bool {
        self.clock_started
    }

    pub fn is_work_told(&self) -> bool {
        self.work_told
    }

    /// Starts the view's clock with its work or its proposal, and stops it when the work is gone: a Commit certificate
    /// that came a little late must not end a view for want of work.
    pub fn keep_clock(&mut self, work: Work, is_proposed: bool, effects: &mut Effects) {
        let view = self.view;
        if work.any() && !self.work_told {
            self.work_told = true;
            effects.notice(Notice::Work { view });
        }
        if self.work_told && !work.any() && !is_proposed {
            (self.work_told, self.clock_started) = (false, false);
            return effects.notice(Notice::WorkGone { view });
        }
        if !self.clock_started && (work.is_urgent() || is_proposed) {
            self.clock_started = true;
            effects.notice(Notice::ClockStarted { view });
        }
    }
}
