//! Work and clocks: when there is a reason to hurry (R10), and when the next step is due without one.

use super::events::Checked;
use super::proofs::Proofs;
use super::round::Round;
use super::sync::{crowds, phase_of};
use super::tree::Tree;
use super::votes::Votes;
use crate::certificate::Certificate;
use crate::turns::is_crowd;
use crate::types::{Hash, Millis, ValidatorIndex};

/// How long a leader may be checking a proof on which Ready is not unanimous, before its clock starts anyway.
const LEADER_GRACE: Millis = Millis(1_000);

/// Views in a row that may fail before the next ones are slowed down, by how much at first, and at the most.
const FAILURES_FREE: u64 = 4;
const PAUSE_MIN: Millis = Millis(10);
const PAUSE_MAX: Millis = Millis(1_000);

/// After so many failures in a row a leader waits for this long before it proposes, and a follower starts its clock that much
/// later: views that fail at once would otherwise follow each other at the network's speed, and each leaves certificates behind.
pub fn pause_after(failures: u64) -> Millis {
    let Some(doublings) = failures.checked_sub(FAILURES_FREE) else { return Millis(0) };
    PAUSE_MIN.times(1 << doublings.min(16)).min(PAUSE_MAX)
}

/// Rounds that a crowd's leader waits for more proofs: consensus has a seventh of the time then.
const GATHERING_ROUNDS: u64 = 6;

/// Reasons to make a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    uncontested: bool,
    contested: bool,
    /// A prepared block waits for its Commit certificate, and for two round times now.
    stranded: bool,
    /// Proofs are a reason for the view's clock.
    asks: bool,
}

impl Work {
    pub fn any(self) -> bool {
        self.uncontested || self.contested || self.stranded
    }

    /// Whether a view without a proposal is a reason for longer timers: there was something that everybody could see.
    pub fn doubles(self) -> bool {
        self.uncontested || self.stranded
    }

    /// Whether it starts the view's clock.
    pub fn is_urgent(self) -> bool {
        self.asks || self.stranded
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
    /// Until when nobody proposes in this view, nor starts its clock.
    pub fn paused_until(&self) -> Millis {
        let failures = self.votes.certificates().failures(self.round.view());
        self.round.entered().saturating_add(pause_after(failures))
    }

    pub fn is_paused(&self) -> bool {
        self.now < self.paused_until()
    }

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
    /// Two round times, of a crowd the view timer's base: how long a prepared block may wait without other work.
    round_time: Millis,
    /// From a proposal until its view's end, when that was seen last.
    last_round: Millis,
    idle_block_interval: Millis,
    /// Members of the set.
    validators: usize,
}

impl Timers {
    pub fn new(idle_block_interval: Millis, validators: usize) -> Self {
        Timers { round_time: Millis(1_000), last_round: Millis(0), idle_block_interval, validators }
    }

    pub fn set_round_time(&mut self, span: Millis) {
        self.round_time = span;
    }

    pub fn set_last_round(&mut self, span: Millis) {
        self.last_round = span;
    }

    /// How long a round of a crowd takes here at present; at most half of the least view timer.
    pub fn usual_round(&self) -> Millis {
        self.last_round.min(Millis(self.round_time.0 / 2))
    }

    /// How long a vote that went to few waits for its certificate: until the spare collectors had their turn, and a third of the
    /// view timer's base, but no more than half: the certificate is made all the same, or everybody sees who withheld a vote.
    pub fn certificate_awaited(&self) -> Millis {
        phase_of(self.validators).times(2).max(Millis(self.round_time.0 / 3)).min(Millis(self.round_time.0 / 2))
    }

    /// Whether a crowd's leader waits for what is still being checked. A block costs a crowd as much whatever it holds: where
    /// checks and votes share processors, blocks of one proof each would leave none for the checks.
    pub fn is_gathering(&self, scene: &Scene<'_>) -> bool {
        is_crowd(self.validators) && scene.now < self.gathers_until(scene.round)
    }

    fn gathers_until(&self, round: &Round) -> Millis {
        round.entered().saturating_add(self.usual_round().times(GATHERING_ROUNDS).min(self.gathering_max()))
    }

    /// Where messages are lost rounds are slow, and nothing is gained by waiting: 80 ms with 32 validators, 3.4 s with 100.
    fn gathering_max(&self) -> Millis {
        phase_of(self.validators).times(crowds(self.validators))
    }

    /// Whether the leader of a crowd may still be gathering: it knows another round time than others do, or they would give it up.
    fn is_leader_given_time(&self, scene: &Scene<'_>) -> bool {
        is_crowd(self.validators) && scene.now < scene.round.entered().saturating_add(self.gathering_max())
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
        let uncontested = ready.uncontested().any(|checked| waits(&checked));
        let contested = ready.contested().any(|checked| waits(&checked));
        // A leader that is still checking what others have announced is not slow: until a while has passed, its clock does
        // not run for that. Nor does that of a crowd's leader that waits for more.
        let may_lead = || {
            let mut contested = ready.contested().filter(waits);
            scene.is_old(LEADER_GRACE) || contested.any(|checked| ready.agrees(&checked.proof, scene.leader))
        };
        let contested_asks = contested && !scene.proofs.is_contested_paused(scene.now) && may_lead();
        Work {
            uncontested,
            contested,
            stranded: self.is_stranded(scene),
            asks: (uncontested || contested_asks) && !self.is_leader_given_time(scene),
        }
    }

    /// When the view's age matters next, after `now`.
    pub fn wakeup(&self, now: Millis, round: &Round) -> Option<Millis> {
        let spans = [self.idle_block_interval, self.round_time, LEADER_GRACE];
        let ends = spans.map(|span| round.entered().saturating_add(span)).into_iter();
        let given = round.entered().saturating_add(self.gathering_max());
        ends.chain([self.gathers_until(round), given]).filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_waits_for_its_certificate_for_half_of_the_timer_at_most_however_slow_the_last_round_was() {
        for (validators, timer, awaited) in
            [(18, 600, 200), (32, 600, 200), (64, 1_200, 400), (100, 2_100, 980), (100, 6_000, 2_000)]
        {
            let mut timers = Timers::new(Millis(10_000), validators);
            timers.set_round_time(Millis(timer));
            timers.set_last_round(Millis(10_000));
            assert_eq!(timers.certificate_awaited(), Millis(awaited), "{validators}, {timer} ms");
            assert!(awaited <= timer / 2);
        }
    }

    #[test]
    fn from_the_fourth_failure_in_a_row_on_each_view_waits_twice_as_long_up_to_a_second() {
        let pauses = [0, 1, 3, 4, 5, 9, 10, 11, 12, 1_000_000, u64::MAX].map(|failures| pause_after(failures).0);
        assert_eq!(pauses, [0, 0, 0, 10, 20, 320, 640, 1_000, 1_000, 1_000, 1_000]);
    }
}
