//! Work and clocks: when there is a reason to hurry (R10), and when the next step is due without one.

use super::events::Checked;
use super::proofs::Proofs;
use super::round::Round;
use super::tree::Tree;
use super::votes::Votes;
use crate::certificate::Certificate;
use crate::types::{Hash, Millis, ValidatorIndex};

/// How long a leader may be checking a proof on which Ready is not unanimous, before its clock starts anyway.
const LEADER_GRACE: Millis = Millis(1_000);

/// Reasons to make a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    pub uncontested: bool,
    contested: bool,
    /// A prepared block waits for its Commit certificate, and for two round times now.
    stranded: bool,
    /// Contested proofs are a reason for the view's clock.
    contested_is_urgent: bool,
}

impl Work {
    pub fn any(self) -> bool {
        self.uncontested || self.contested || self.stranded
    }

    /// Whether it starts the view's clock.
    pub fn is_urgent(self) -> bool {
        self.uncontested || self.contested && self.contested_is_urgent || self.stranded
    }
}

/// Where work is looked for.
pub struct Scene<'a> {
    pub now: Millis,
    pub round: &'a Round,
    pub leader: ValidatorIndex,
    pub votes: &'a Votes,
    pub tree: &'a Tree,
    pub proofs: &'a Proofs,
}

impl Scene<'_> {
    fn is_old(&self, span: Millis) -> bool {
        self.now.since(self.round.entered()) >= span
    }

    /// The block that a proposal of mine would extend now, as far as bodies are here.
    fn tip(&self) -> Hash {
        let highest = self.votes.certificates().highest_prepare().and_then(Certificate::block);
        highest.filter(|id| self.tree.path(id).is_ok()).unwrap_or(self.tree.base())
    }
}

/// How long what may wait.
#[derive(Debug)]
pub struct Timers {
    /// Two round times: how long a prepared block may wait without other work.
    round_time: Millis,
    idle_block_interval: Millis,
}

impl Timers {
    pub fn new(idle_block_interval: Millis) -> Self {
        Timers { round_time: Millis(1_000), idle_block_interval }
    }

    pub fn set_round_time(&mut self, span: Millis) {
        self.round_time = span;
    }

    /// Whether an empty block is due.
    pub fn is_idle_block_due(&self, scene: &Scene<'_>) -> bool {
        scene.is_old(self.idle_block_interval)
    }

    /// Whether a prepared block would be stranded on an idle chain. One that the chain passed over is not work, or
    /// views would churn forever: the certificates below the highest Commit's view are gone.
    pub fn is_stranded(&self, scene: &Scene<'_>) -> bool {
        scene.votes.certificates().highest_prepare().is_some() && scene.is_old(self.round_time)
    }

    /// Cost: the proofs on the branch, for each proposable one.
    pub fn work(&self, scene: &Scene<'_>) -> Work {
        let ready = scene.proofs.ready();
        let below = scene.tree.proofs_above_base(&scene.tip());
        let waits = |checked: &Checked| !below.contains(&checked.proof);
        // A leader that is still checking what others have announced is not slow: until a while has passed, its clock does
        // not run for that.
        let may_lead = scene.is_old(LEADER_GRACE)
            || ready.contested().any(|checked| waits(&checked) && ready.agrees(&checked.proof, scene.leader));
        Work {
            uncontested: ready.uncontested().any(|checked| waits(&checked)),
            contested: ready.contested().any(|checked| waits(&checked)),
            stranded: self.is_stranded(scene),
            contested_is_urgent: may_lead && !scene.proofs.is_contested_paused(scene.now),
        }
    }

    /// When the view's age matters next, after `now`.
    pub fn wakeup(&self, now: Millis, round: &Round) -> Option<Millis> {
        let spans = [self.idle_block_interval, self.round_time, LEADER_GRACE];
        spans.map(|span| round.entered().saturating_add(span)).into_iter().filter(|at| *at > now).min()
    }
}
