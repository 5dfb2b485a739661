//! Step, then durable, then sent: the shell round the pure consensus.
//!
//! Steps whose messages waited together share one write and one sync ([`Commit`]). Once the log failed, or consensus said that
//! the process must end, this actor takes and sends nothing more, whatever becomes of the process.

use super::log::encode;
use super::messages::{Ask, Snapshot, WordsOn, WordsOnProof};
use crate::clock::Clock;
use crate::delivery::{Deliver, Undelivered, deliver};
use crate::exit_code;
use crate::links::Links;
use crate::peers::Committed;
use crate::routes::{Routes, Step, TellAgain, restarted, route};
use crate::storage::vote_log::VoteLog;
use crate::supervision::{Exit, ExitHook};
use crate::tap::Observed;
use crate::tap::consensus::ConsensusTap;
use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle};
use parking_lot::Mutex;
use protocol::consensus::Consensus;
use protocol::consensus::events::{Effect, Input, Output, Record, UnknownHistory};
use protocol::message::Message as PeerMessage;
use protocol::quorum::ValidatorSet;
use protocol::types::Millis;
use protocol::validator::durable_first::DurableFirst;
use protocol::validator::restart::{AfterRestart, restart};
use protocol::validator::route::{self, Part};
use protocol::validator::sessions::{Change, SessionNumber, Sessions};
use protocol::validator::startup::Memory;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What consensus reaches, and what outlives its incarnations.
#[derive(Clone)]
pub struct Reach {
    pub routes: Routes,
    pub links: Links,
    pub set: Arc<ValidatorSet>,
    pub observed: Arc<Observed>,
    /// Told to the gate, which need not check what is late.
    pub committed: Arc<Committed>,
    /// What this process has made durable so far.
    pub memory: Arc<Mutex<Memory>>,
    pub exit: ExitHook,
}

/// Records that are not held back for a larger write: several proposals.
const UNWRITTEN_MAX: usize = 64;
/// The sessions of the network are compared with what was heard of them this often.
const COMPARE: Duration = Duration::from_secs(1);
/// How long after its start an incarnation says that there is a new one.
const BEFORE_RESTARTED: Duration = Duration::from_millis(1);

/// Consensus, its log, and the timer of its next wake-up.
pub struct ConsensusActor {
    consensus: Consensus,
    pub(super) log: Arc<Mutex<VoteLog>>,
    outputs: DurableFirst<Instant>,
    /// Records in what waits to be written.
    unwritten: usize,
    pub(super) reach: Reach,
    clock: Clock,
    /// The output of recovery, carried out when the actor starts.
    first: Output,
    pub(super) sessions: Sessions,
    /// Sessions that ended by an effect: consensus is told when the effects are carried out.
    pub(super) ended: Vec<Change>,
    undelivered: Undelivered,
    timer: Option<(Millis, SpawnHandle)>,
    pub(super) tap: ConsensusTap,
    /// Nothing is taken, written or sent from here on.
    pub(super) failed: bool,
}

impl ConsensusActor {
    /// `first` is the output of [`Consensus::recover`]. The log is shared with the factory, which hands it to the next
    /// incarnation once this one is gone. What was said in sessions up to `all_over` is not heard.
    pub fn new(
        (consensus, first): (Consensus, Output),
        log: Arc<Mutex<VoteLog>>,
        all_over: SessionNumber,
        reach: Reach,
        clock: Clock,
    ) -> Self {
        let mut sessions = Sessions::default();
        sessions.close_up_to(all_over);
        let tap = ConsensusTap::new(reach.routes.me, reach.observed.clone());
        ConsensusActor {
            consensus,
            log,
            outputs: DurableFirst::default(),
            unwritten: 0,
            reach,
            clock,
            first,
            sessions,
            ended: Vec::new(),
            undelivered: Undelivered::default(),
            timer: None,
            tap,
            failed: false,
        }
    }

    fn step(&mut self, input: Input, context: &mut Context<Self>) {
        self.step_at(Instant::now(), input, context);
    }

    fn step_at(&mut self, began: Instant, input: Input, context: &mut Context<Self>) {
        if self.failed {
            return;
        }
        let step = self.tap.begins(began, &input);
        let output = self.consensus.step(self.clock.now(), input);
        self.reach.committed.set(self.consensus.committed_view());
        self.tap.decided(&step);
        self.take(began, output, context);
        self.arm(context);
    }

    /// Puts an output to those that wait. They are written when the messages that are here now had their steps, or at
    /// once if they are many or if the log is to be shortened, which would forget what came later.
    fn take(&mut self, began: Instant, output: Output, context: &mut Context<Self>) {
        let is_first = self.outputs.is_empty();
        self.tap.recorded(began, &output.records);
        self.reach.memory.lock().on_output(&output);
        if output.records.contains(&Record::Unknown(UnknownHistory::Lost)) {
            tracing::warn!(
                "a peer shows a vote of this validator that its vote log lacks: signing resumes once a quorum of the \
                 others has reported its state"
            );
        }
        self.unwritten += output.records.len();
        self.outputs.push(began, output);
        if self.outputs.shortens() || self.unwritten >= UNWRITTEN_MAX {
            self.write(context);
        } else if is_first && !self.outputs.is_empty() {
            // Spawned futures have their turn after the messages that wait, at most `BATCH_MAX` of them.
            context
                .spawn(wrap_future::<_, Self>(std::future::ready(())).map(|(), actor, context| actor.write(context)));
        }
    }

    /// All records are durable before the first effect. A process that cannot write votes must not send them: it ends.
    fn write(&mut self, context: &mut Context<Self>) {
        while !self.failed
            && let Some(records) = self.outputs.begin()
        {
            self.unwritten = self.unwritten.saturating_sub(records.len());
            let Some(durable) = self.append(&records) else { return };
            let ready: Vec<(Instant, Vec<Effect>)> = self.outputs.durable().collect();
            if ready.iter().flat_map(|(_, effects)| effects).any(is_vote) {
                self.tap.vote_logged();
            }
            for (began, effects) in ready {
                self.carry_out(began, effects, context);
            }
            durable.at.into_iter().for_each(|at| self.tap.carried_out(at));
        }
        if self.tap.wants_snapshot() {
            self.tap.snapshot(&self.consensus.snapshot_now());
        }
        let ended = std::mem::take(&mut self.ended);
        self.on_sessions(ended, context);
    }

    /// None if the records are not durable, and never will be.
    fn append(&mut self, records: &[Record]) -> Option<Durable> {
        if records.is_empty() {
            return Some(Durable { at: None });
        }
        let encoded = match encode(records) {
            Ok(encoded) => encoded,
            Err(error) => {
                self.end(exit_code::INTERNAL, format!("votes cannot be recorded: a record cannot be encoded: {error}"));
                return None;
            }
        };
        let began = Instant::now();
        let appended = {
            let mut log = self.log.lock();
            log.append(&encoded).map(|()| log.next_batch())
        };
        match appended {
            Ok(next_batch) => self.reach.memory.lock().on_durable(next_batch),
            Err(error) => {
                self.end(error.exit_code(), format!("votes cannot be recorded: {error}"));
                return None;
            }
        }
        let now = Instant::now();
        self.tap.durable(encoded.len(), now.saturating_duration_since(began));
        Some(Durable { at: Some(now) })
    }

    fn carry_out(&mut self, began: Instant, effects: Vec<Effect>, context: &mut Context<Self>) {
        for effect in effects {
            if self.failed {
                return;
            }
            let votes = is_vote(&effect);
            let me = self.reach.routes.me;
            route(me, route::Effect::Consensus(effect), &mut |delivery| self.send(delivery, began, context));
            if votes {
                self.tap.vote_sent();
            }
        }
    }

    pub(super) fn on_sessions(&mut self, changes: Vec<Change>, context: &mut Context<Self>) {
        for change in changes {
            let input = match change {
                Change::Opened(peer) => Input::SessionOpened(peer),
                Change::Closed(peer) => Input::SessionClosed(peer),
            };
            self.step(input, context);
        }
    }

    /// A session whose opening or closing was not heard, because the mailbox was full or this actor down, is made good.
    fn compare(&mut self, context: &mut Context<Self>) {
        let changes = self.sessions.compare((self.reach.links.sessions)());
        self.on_sessions(changes, context);
    }

    pub(super) fn end(&mut self, code: i32, reason: String) {
        self.failed = true;
        (self.reach.exit)(&Exit { code, reason });
    }

    /// One timer at a time, moved only when the next wake-up moved.
    fn arm(&mut self, context: &mut Context<Self>) {
        let at = self.consensus.wakeup();
        if let Some((armed, handle)) = self.timer.take() {
            if armed == at {
                self.timer = Some((armed, handle));
                return;
            }
            context.cancel_future(handle);
        }
        let handle = context.run_later(self.clock.until(at), |this, context| {
            this.timer = None;
            this.step(Input::Tick, context);
        });
        self.timer = Some((at, handle));
    }
}

/// Records are on the disk; since when, if there were any.
struct Durable {
    at: Option<Instant>,
}

fn is_vote(effect: &Effect) -> bool {
    matches!(effect, Effect::Send(_, PeerMessage::Vote { .. } | PeerMessage::Proposal(_)))
}

impl Deliver for ConsensusActor {
    fn routes(&self) -> &Routes {
        &self.reach.routes
    }

    fn undelivered(&mut self) -> &mut Undelivered {
        &mut self.undelivered
    }
}

impl Actor for ConsensusActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let snapshot = self.consensus.snapshot_now();
        self.reach.committed.set(snapshot.commit_view);
        self.tap.snapshot(&snapshot);
        if let Some(block) = snapshot.missing_final {
            tracing::warn!(
                %block,
                after = snapshot.sequence.0,
                "the database is older than the vote log: final blocks are missing from it, and are fetched from peers"
            );
        }
        let first = std::mem::take(&mut self.first);
        self.take(Instant::now(), first, context);
        context.run_interval(COMPARE, |actor, context| actor.compare(context));
        for hears in restart(Part::Consensus) {
            match hears {
                AfterRestart::Sessions => self.compare(context),
                // It brings an attestation on each of perhaps thousands of proofs: whoever asks for something else is answered
                // before.
                AfterRestart::ConsensusRestarted => {
                    _ = context.run_later(BEFORE_RESTARTED, |actor, context| {
                        restarted(Part::Consensus).for_each(|delivery| deliver(actor, delivery, context));
                    })
                }
                AfterRestart::Again | AfterRestart::PoolRestarted | AfterRestart::Waiting => {}
            }
        }
        self.arm(context);
    }
}

impl Handler<Step<Input>> for ConsensusActor {
    type Result = ();

    fn handle(&mut self, step: Step<Input>, context: &mut Context<Self>) {
        match step {
            Step::Input(input) => self.step(input, context),
            Step::Heard { session, input, since } => {
                let began = Instant::now();
                self.tap.waited(&input, began.saturating_duration_since(since));
                let (may_be_heard, changes) = self.sessions.hear(session);
                self.on_sessions(changes, context);
                if may_be_heard {
                    self.step_at(began, input, context);
                }
            }
            Step::Session(event) => {
                let changes = self.sessions.on(event);
                self.on_sessions(changes, context);
            }
        }
    }
}

impl Handler<TellAgain> for ConsensusActor {
    type Result = ();

    fn handle(&mut self, _: TellAgain, _: &mut Context<Self>) {
        if !self.failed {
            self.consensus.notices_again().into_iter().for_each(|notice| self.notice(notice));
        }
    }
}

impl Handler<Ask> for ConsensusActor {
    type Result = actix::MessageResult<Ask>;

    fn handle(&mut self, _: Ask, _: &mut Context<Self>) -> Self::Result {
        let snapshot: Snapshot = self.consensus.snapshot_now();
        actix::MessageResult(snapshot)
    }
}

impl Handler<WordsOn> for ConsensusActor {
    type Result = actix::MessageResult<WordsOn>;

    fn handle(&mut self, WordsOn(proof): WordsOn, _: &mut Context<Self>) -> Self::Result {
        let (standing, words) = self.consensus.words(&proof);
        actix::MessageResult(WordsOnProof { standing, words })
    }
}
