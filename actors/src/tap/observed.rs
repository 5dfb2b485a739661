//! What consensus was seen to do since the process started, for people and for the metrics: how long blocks took, views
//! with a proposal, view changes, whose votes were heard. Nothing is decided by it; it outlives the actor's incarnations.

mod extremes;
mod heard;
mod outcomes;
mod recent;
mod rounds;

pub use extremes::Extremes;
use extremes::RecentExtremes;
use heard::Heard;
pub(super) use heard::kind_place;
use outcomes::Outcomes;
use parking_lot::Mutex;
use protocol::consensus::events::{FinalBlock, Input, Notice, Record};
use protocol::consensus::view::Snapshot;
use protocol::message::{GiveUpReason, Message};
use protocol::quorum::ValidatorSet;
use protocol::schedule::Schedule;
use protocol::turns::is_crowd;
use protocol::types::{Millis, Sequence, Stake, ValidatorIndex, View};
use protocol::vote::{Vote, VoteKind};
use recent::Recent;
use rounds::TookPart;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use recent::{History, SPAN, Span};

/// Proposals whose block is not final yet; the oldest give way.
const OPEN_MAX: usize = 256;
/// Newest blocks whose times are remembered.
const TIMES_MAX: usize = 4_096;
/// Votes older than this, or than so many idle block intervals, count as missing.
const LATELY_MIN: Duration = Duration::from_secs(30);
const LATELY_INTERVALS: u64 = 3;

/// Counts since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Views whose proposal was sent or first seen here.
    pub proposals: u64,
    /// Views that were left by a ViewChange certificate.
    pub view_changes: u64,
}

/// When a view's block got how far.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    proposed: Option<Instant>,
    prepared: Option<Instant>,
}

#[derive(Debug, Default)]
struct Inner {
    counts: Counts,
    open: BTreeMap<View, Moments>,
    times: BTreeMap<Sequence, Duration>,
    recent: RecentExtremes,
    place: Place,
    /// The last view that this validator gave up, and why.
    gave_up: Option<(View, GiveUpReason)>,
    last_final: Option<Instant>,
    took_part: TookPart,
}

/// Where consensus is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    view: View,
    leader: ValidatorIndex,
    sequence: Sequence,
    signing: bool,
    /// This validator has given up the view, and so much stake's votes for that are not here.
    view_change_lacks: Option<Stake>,
}

impl Default for Place {
    fn default() -> Self {
        let (view, leader, sequence) = (View(0), ValidatorIndex(0), Sequence(0));
        Place { view, leader, sequence, signing: false, view_change_lacks: None }
    }
}

/// What a page shows of consensus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    pub view: View,
    pub leader: ValidatorIndex,
    pub sequence: Sequence,
    pub signing: bool,
    /// Stake whose votes are missing, by kind.
    pub missing: [(VoteKind, Stake); 3],
    /// Since the last final block, or since the start.
    pub last_final: Duration,
    /// From proposal to final, of the blocks of the last minutes; none before the first.
    pub proposed_to_final: Option<Extremes>,
}

/// Consensus statistics, shared between the actor, which writes, and its readers. Every lock is held only for a
/// look-up.
pub struct Observed {
    set: Arc<ValidatorSet>,
    schedule: Arc<Schedule>,
    me: ValidatorIndex,
    /// How far back *lately* goes.
    lately: Duration,
    started: Instant,
    heard: Heard,
    outcomes: Outcomes,
    recent: Mutex<Recent>,
    inner: Mutex<Inner>,
}

impl Inner {
    fn moments(&mut self, view: View) -> &mut Moments {
        if !self.open.contains_key(&view) && self.open.len() >= OPEN_MAX {
            self.open.pop_first();
        }
        self.open.entry(view).or_default()
    }
}

impl Observed {
    pub fn new(
        set: Arc<ValidatorSet>,
        schedule: Arc<Schedule>,
        me: ValidatorIndex,
        idle_block_interval: Millis,
    ) -> Observed {
        let started = Instant::now();
        let names = set.iter().map(|(_, validator)| validator.node_id.as_str());
        Observed {
            outcomes: Outcomes::new(names.collect::<Vec<_>>().into_iter()),
            heard: Heard::new(set.len(), started),
            lately: LATELY_MIN.max(Duration::from_millis(idle_block_interval.times(LATELY_INTERVALS).0)),
            set,
            schedule,
            me,
            recent: Mutex::new(Recent::new(started)),
            started,
            inner: Mutex::default(),
        }
    }

    /// A peer's own vote came.
    pub fn input(&self, at: Instant, input: &Input) {
        if let Input::LateCommit(late) = input {
            return self.heard.note(late.voter(), VoteKind::Commit, at);
        }
        let Input::Peer(from, message) = input else { return };
        let vote = if let Message::Vote { vote, .. } = &**message {
            Some(vote)
        } else if let Message::Proposal(proposal) = &**message {
            Some(&proposal.vote)
        } else {
            None
        };
        vote.filter(|vote| vote.voter == *from).inspect(|vote| self.heard(at, vote));
    }

    /// Votes of this validator are durable.
    pub fn recorded(&self, at: Instant, records: &[Record]) {
        for record in records {
            if let Record::Vote(vote) = record {
                self.heard(at, vote);
            } else if let Record::Proposal(proposal) = record
                && proposal.vote.voter == self.me
            {
                self.heard(at, &proposal.vote);
            }
        }
    }

    fn heard(&self, at: Instant, vote: &Vote) {
        self.heard.note(vote.voter, vote.ballot.choice.kind(), at);
    }

    /// Follows a notice; `began` is when the step that gave it did, before its records were durable.
    pub fn notice(&self, began: Instant, notice: &Notice) {
        // In a crowd few are sent a vote itself: the others see it in a certificate or a block. Without a lock: for every vote.
        if let Notice::Heard { kind, voters } = notice {
            return voters.iter().for_each(|voter| self.heard.note(*voter, *kind, began));
        }
        let inner = &mut *self.inner.lock();
        match notice {
            Notice::Proposed { view, leader } => {
                inner.counts.proposals += 1;
                inner.moments(*view).proposed.get_or_insert(began);
                self.outcomes.proposed.get(leader.as_usize()).inspect(|counter| counter.increment(1));
            }
            Notice::Prepared { view, .. } => self.prepared(inner.moments(*view), began),
            Notice::ViewEntered { view, leader, by, .. } => {
                let place = &mut inner.place;
                (place.view, place.leader, place.view_change_lacks) = (*view, *leader, None);
                if *by == Some(VoteKind::ViewChange) {
                    self.view_changed(inner, view.previous());
                }
            }
            Notice::GaveUp { view, reason } => {
                self.outcomes.given_up.add(outcomes::reason(reason), 1);
                inner.gave_up = Some((*view, reason.clone()));
                inner.place.view_change_lacks.get_or_insert(Stake(0));
            }
            Notice::Contradiction(_) => self.outcomes.contradictions.increment(1),
            Notice::Signing => inner.place.signing = true,
            Notice::CurrentView { .. }
            | Notice::ClockStarted { .. }
            | Notice::Work { .. }
            | Notice::WorkGone { .. }
            | Notice::Heard { .. } => {}
        }
    }

    /// The first time counts.
    fn prepared(&self, moments: &mut Moments, at: Instant) {
        if moments.prepared.is_none() {
            moments.prepared = Some(at);
            if let Some(proposed) = moments.proposed {
                self.outcomes.proposed_to_prepared.record(seconds(proposed, at));
            }
        }
    }

    /// A view was left by a ViewChange certificate.
    fn view_changed(&self, inner: &mut Inner, left: View) {
        inner.counts.view_changes += 1;
        let own = inner.gave_up.as_ref().filter(|(view, _)| *view == left);
        self.outcomes.view_changes.add(own.map_or("others", |(_, reason)| outcomes::reason(reason)), 1);
        let leader = self.schedule.leader(left);
        self.outcomes.missed.get(leader.as_usize()).inspect(|counter| counter.increment(1));
    }

    /// Nothing is signed from here on, until [`Notice::Signing`].
    pub fn doubts(&self) {
        self.inner.lock().place.signing = false;
    }

    /// Whether this validator voted ViewChange in the current view: then its [`Observed::snapshot`] is needed after
    /// each step.
    pub fn has_given_up(&self) -> bool {
        self.inner.lock().place.view_change_lacks.is_some()
    }

    /// Takes a snapshot that consensus made of itself.
    pub fn snapshot(&self, snapshot: &Snapshot) {
        let gave_up = snapshot.view_changes.contains(&self.me);
        let here = self.set.stake_of(snapshot.view_changes.iter().copied());
        let lacks = Stake(self.set.total().0.saturating_sub(here.0));
        let place = &mut self.inner.lock().place;
        *place = Place {
            view: snapshot.view,
            leader: snapshot.leader,
            // One that was made anew begins with what is in the database, and tells what is above it again.
            sequence: place.sequence.max(snapshot.sequence),
            signing: snapshot.unknown_history.is_none() && !snapshot.halted,
            view_change_lacks: gave_up.then_some(lacks),
        };
    }

    /// Blocks became final; the last of them in view `commit`. A line of the log for each: the view of one that became
    /// final with a later one is known if its certificate is held.
    pub fn finalized(&self, now: Instant, blocks: &[FinalBlock], commit: View) {
        let inner = &mut *self.inner.lock();
        for (place, block) in blocks.iter().enumerate() {
            let last = place + 1 == blocks.len();
            let view = block.prepare.as_ref().map(|prepare| prepare.view()).or(last.then_some(commit));
            let took = self.block_final(inner, now, block, view);
            tracing::info!(
                sequence = block.block.header.sequence.0,
                view = view.map(|view| view.0),
                proofs = block.block.body.proofs.len(),
                took_ms = took.map(|took| took.as_millis() as u64),
                "block final"
            );
        }
        inner.last_final = Some(now);
        while inner.times.len() > TIMES_MAX {
            inner.times.pop_first();
        }
    }

    /// From its proposal until now, if that was seen here.
    fn block_final(&self, inner: &mut Inner, now: Instant, block: &FinalBlock, view: Option<View>) -> Option<Duration> {
        let moments = view.and_then(|view| inner.open.remove(&view)).unwrap_or_default();
        let took = moments.proposed.map(|proposed| now.saturating_duration_since(proposed));
        let sequence = block.block.header.sequence;
        // One that is made anew may tell again what was not in the database yet.
        if sequence > inner.place.sequence {
            self.count(inner, block);
            self.recent.lock().block(now, block.block.body.proofs.len(), took);
            moments.prepared.inspect(|prepared| self.outcomes.prepared_to_final.record(seconds(*prepared, now)));
        }
        if let Some(took) = took {
            inner.times.insert(sequence, took);
            inner.recent.record(now, took);
            self.outcomes.proposed_to_final.record(took.as_secs_f64());
        }
        took
    }

    fn count(&self, inner: &mut Inner, block: &FinalBlock) {
        inner.place.sequence = block.block.header.sequence;
        self.outcomes.blocks_final.increment(1);
        self.outcomes.proofs_final.increment(block.block.body.proofs.len() as u64);
        let took_part = |voter: usize| {
            self.outcomes.took_part.get(voter).inspect(|counter| counter.increment(1));
        };
        inner.took_part.block(block, took_part);
    }

    /// From a block's proposal, sent or first seen here, until it was final here. None for blocks that were fetched, and
    /// for old ones.
    pub fn proposal_to_final(&self, sequence: Sequence) -> Option<Duration> {
        self.inner.lock().times.get(&sequence).copied()
    }

    /// The spans of [`SPAN`] that have ended, at most ten minutes of them.
    pub fn history(&self, now: Instant) -> History {
        self.recent.lock().history(now)
    }

    pub fn counts(&self) -> Counts {
        self.inner.lock().counts
    }

    /// What a page shows. O(validators).
    pub fn look(&self, now: Instant) -> Sight {
        let (place, last_final, proposed_to_final) = {
            let inner = self.inner.lock();
            (inner.place, inner.last_final, inner.recent.get())
        };
        let missing = |kind| (kind, self.missing(now, kind, place.view_change_lacks));
        Sight {
            view: place.view,
            leader: place.leader,
            sequence: place.sequence,
            signing: place.signing,
            missing: [VoteKind::Prepare, VoteKind::Commit, VoteKind::ViewChange].map(missing),
            last_final: now.saturating_duration_since(last_final.unwrap_or(self.started)),
            proposed_to_final,
        }
    }

    fn missing(&self, now: Instant, kind: VoteKind, view_change_lacks: Option<Stake>) -> Stake {
        match kind {
            VoteKind::ViewChange => view_change_lacks.unwrap_or(Stake(0)),
            VoteKind::Prepare | VoteKind::Commit if now.saturating_duration_since(self.started) <= self.lately => {
                Stake(0)
            }
            VoteKind::Prepare | VoteKind::Commit => {
                let silent = |voter: &ValidatorIndex| self.age(*voter, kind, now) > self.lately;
                self.set.stake_of(self.set.indices().filter(silent))
            }
        }
    }

    /// In a crowd few are sent a Commit, and its certificate holds a quorum of them only: there any vote counts as one.
    fn age(&self, voter: ValidatorIndex, kind: VoteKind, now: Instant) -> Duration {
        match kind {
            VoteKind::Commit if is_crowd(self.set.len()) => self.last_vote_age(voter, now),
            VoteKind::Prepare | VoteKind::Commit | VoteKind::ViewChange => self.heard.age(voter, kind, now),
        }
    }

    /// Since the last block became final here; none if none did since the process started.
    pub fn last_final_age(&self, now: Instant) -> Option<Duration> {
        self.inner.lock().last_final.map(|at| now.saturating_duration_since(at))
    }

    /// A validator that has not voted, and a network that has made no block final, for longer than this is not at work.
    pub fn lately(&self) -> Duration {
        self.lately
    }

    pub fn uptime(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Since a vote of this validator was last heard, or cast; before the first, since the start.
    pub fn last_vote_age(&self, voter: ValidatorIndex, now: Instant) -> Duration {
        [VoteKind::Prepare, VoteKind::Commit, VoteKind::ViewChange]
            .map(|kind| self.heard.age(voter, kind, now))
            .into_iter()
            .min()
            .unwrap_or_default()
    }
}

fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64()
}

#[cfg(test)]
mod tests;
