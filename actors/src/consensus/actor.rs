//! Step, then durable, then sent: the shell round the pure consensus.
//!
//! Steps whose messages waited together share one write and one sync: their records are durable before the first effect
//! of any of them, and effects keep the order of the steps.

use super::messages::{
    Ask, Finalized, Follow, Needed, Rebuilt, RefusedByOthers, Said, ServeBlocks, Snapshot, Step, TellAgain, WordsOn,
    WordsOnProof,
};
use super::observed::Observed;
use super::witness::Witness;
use crate::clock::Clock;
use crate::exit_code;
use crate::fault_points::{self, Point};
use crate::metrics::handles::{Steps, Votes, is_on_the_votes_way};
use crate::network::Network;
use crate::outlet::Outlet;
use crate::peers::Committed;
use crate::storage::vote_log::{VoteLog, VoteLogError};
use crate::supervision::{Exit, ExitHook};
use crate::vote_way::{self, Place};
use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle};
use parking_lot::Mutex;
use protocol::consensus::Consensus;
use protocol::consensus::events::{Effect, Input, Notice, Output, Record, To, UnknownHistory};
use protocol::message::Message as PeerMessage;
use protocol::types::Millis;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What consensus reaches: peers directly, other actors by what they take.
#[derive(Clone)]
pub struct Reach {
    pub network: Arc<Network<PeerMessage>>,
    pub view_change: Outlet<Follow>,
    pub leader_election: Outlet<Follow>,
    pub state: Outlet<Finalized>,
    pub serve: Outlet<ServeBlocks>,
    pub needed: Outlet<Needed>,
    pub refused: Outlet<RefusedByOthers>,
    /// Asks those that reported something to the previous incarnation to report it again.
    pub rebuilt: Outlet<Rebuilt>,
    pub observed: Arc<Observed>,
    /// Told to the gate, which need not check what is late.
    pub committed: Arc<Committed>,
    /// What this process has made durable so far.
    pub witness: Arc<Witness>,
    pub exit: ExitHook,
}

/// Bytes of records that are not held back for a larger write: several proposals of full blocks.
const UNWRITTEN_BYTES_MAX: usize = 1 << 20;

/// How soon a message that was not accepted is sent again.
const RETRY: Duration = Duration::from_millis(20);
/// How long after its start an incarnation says that there is a new one.
const BEFORE_REBUILT: Duration = Duration::from_millis(1);

/// The outcome of the steps since the last write.
#[derive(Default)]
struct Unwritten {
    records: Vec<Vec<u8>>,
    bytes: usize,
    /// With the instant at which their step began.
    effects: Vec<(Instant, Vec<Effect>)>,
}

/// Consensus, its log, and the timer of its next wake-up.
pub struct ConsensusActor {
    consensus: Consensus,
    log: Arc<Mutex<VoteLog>>,
    unwritten: Unwritten,
    reach: Reach,
    clock: Clock,
    /// The output of recovery, carried out when the actor starts.
    first: Output,
    timer: Option<(Millis, SpawnHandle)>,
    steps: Steps,
    votes: Votes,
}

impl ConsensusActor {
    /// `first` is the output of [`Consensus::recover`]. The log is shared with the factory, which hands it to the next
    /// incarnation once this one is gone.
    pub fn new(consensus: Consensus, first: Output, log: Arc<Mutex<VoteLog>>, reach: Reach, clock: Clock) -> Self {
        let unwritten = Unwritten::default();
        let (steps, votes) = (Steps::default(), Votes::default());
        ConsensusActor { consensus, log, unwritten, reach, clock, first, timer: None, steps, votes }
    }

    fn step(&mut self, input: Input, context: &mut Context<Self>) {
        self.step_at(Instant::now(), input, context);
    }

    fn step_at(&mut self, began: Instant, input: Input, context: &mut Context<Self>) {
        vote_way::step(&input);
        self.reach.observed.input(began, &input);
        if is_proposal(&input) {
            self.reach(Point::ProposalReceived);
        }
        let measured = matches!(&input, Input::Peer(_, message) if is_on_the_votes_way(message));
        let output = self.consensus.step(self.clock.now(), input);
        self.reach.committed.set(self.consensus.committed_view());
        if measured {
            self.steps.decided(began.elapsed());
        }
        self.take(began, output, context);
        self.arm(context);
    }

    /// Puts an output to those that wait. They are written when the messages that are here now had their steps, or at
    /// once if they are large or if the log is to be shortened, which would forget what came later.
    fn take(&mut self, began: Instant, Output { records, effects }: Output, context: &mut Context<Self>) {
        let first = self.unwritten.effects.is_empty();
        match encode(&records) {
            Ok(encoded) => {
                self.unwritten.bytes += encoded.iter().map(Vec::len).sum::<usize>();
                self.unwritten.records.extend(encoded);
            }
            Err(error) => return self.end(error.exit_code(), format!("votes cannot be recorded: {error}")),
        }
        self.votes.recorded(&records);
        self.reach.observed.recorded(began, &records);
        if records.contains(&Record::Unknown(UnknownHistory::Lost)) {
            self.reach.witness.on_doubt();
            self.reach.observed.doubts();
            tracing::warn!(
                "a peer shows a vote of this validator that its vote log lacks: signing resumes once a quorum of the \
                 others has reported its state"
            );
        }
        let shortens = effects.iter().any(|effect| matches!(effect, Effect::Shorten(_)));
        self.unwritten.effects.push((began, effects));
        if shortens || self.unwritten.bytes >= UNWRITTEN_BYTES_MAX {
            self.write();
        } else if first {
            // Spawned futures have their turn after the messages that wait, at most `BATCH_MAX` of them.
            context.spawn(wrap_future::<_, Self>(std::future::ready(())).map(|(), actor, _| actor.write()));
        }
    }

    /// All records are durable before the first effect. A process that cannot write votes must not send them: it ends.
    fn write(&mut self) {
        let Unwritten { records, bytes: _, effects } = std::mem::take(&mut self.unwritten);
        let votes = effects.iter().flat_map(|(_, effects)| effects).any(is_vote);
        let mut durable = None;
        if !records.is_empty() {
            let began = Instant::now();
            let log = &mut *self.log.lock();
            if let Err(error) = log.append(&records) {
                return self.end(error.exit_code(), format!("votes cannot be recorded: {error}"));
            }
            self.reach.witness.on_durable(log.next_batch());
            let now = Instant::now();
            let took = now.saturating_duration_since(began);
            self.votes.synced(took);
            self.steps.logged(took);
            durable = Some(now);
            vote_way::durable(records.len());
        }
        if votes {
            self.reach(Point::VoteLogged);
        }
        for (began, effects) in effects {
            for effect in effects {
                let votes = is_vote(&effect);
                self.effect(effect, began);
                if votes {
                    self.reach(Point::VoteSent);
                }
            }
        }
        durable.into_iter().for_each(|durable| self.steps.sent(durable.elapsed()));
        if self.reach.observed.has_given_up() {
            self.reach.observed.snapshot(&self.consensus.snapshot_now());
        }
    }

    fn effect(&mut self, effect: Effect, began: Instant) {
        match effect {
            // What a session does not take is repeated: everybody tells its status every 500 ms.
            Effect::Send(To::All, message) => {
                vote_way::message(Place::Sent, &message);
                report(self.reach.network.broadcast(&message).map(drop));
            }
            Effect::Send(To::Peer(peer), message) => {
                self.votes.sent_to_one(&message);
                report(self.reach.network.send(peer, &message).map(drop));
            }
            Effect::Final { blocks, commit } => self.tell_final(Finalized { blocks, commit }),
            // Whoever asked asks again.
            Effect::Serve { to, above } => _ = self.reach.serve.send(ServeBlocks { to, above }),
            Effect::Need { proofs, from } => _ = self.reach.needed.send(Needed { proofs, from }),
            Effect::Refused { proof, words } => _ = self.reach.refused.send(RefusedByOthers { proof, words }),
            Effect::Shorten(records) => self.shorten(&records),
            Effect::Reconnect => self.reach.network.reconnect(),
            Effect::Notice(notice) => {
                self.reach.observed.notice(began, &notice);
                self.notice(notice);
            }
            Effect::Halt(halt) => self.end(exit_code::of(&halt), halt.to_string()),
        }
    }

    /// Final blocks may not be lost: if `state` cannot take them now, the process starts again from its log.
    fn tell_final(&mut self, finalized: Finalized) {
        self.reach(Point::Committed);
        let proofs = finalized.blocks.iter().flat_map(|block| &block.block.body.proofs);
        proofs.for_each(|entry| vote_way::proof(Place::Final, &entry.proof));
        self.reach.observed.finalized(Instant::now(), &finalized.blocks, finalized.commit.view());
        if self.reach.state.send(finalized).is_err() {
            self.end(exit_code::INTERNAL, "the state actor does not take final blocks".to_owned());
        }
    }

    fn shorten(&mut self, records: &[Record]) {
        let encoded = encode(records);
        let began = Instant::now();
        let log = &mut *self.log.lock();
        match encoded.and_then(|records| Ok(log.replace(&records)?)) {
            Ok(()) => {
                self.votes.synced(began.elapsed());
                self.reach.witness.on_durable(log.next_batch());
            }
            Err(error) => self.end(error.exit_code(), format!("the vote log cannot be shortened: {error}")),
        }
    }

    fn notice(&mut self, notice: Notice) {
        if matches!(notice, Notice::Prepared { .. }) {
            self.reach(Point::Prepared);
        }
        if let Notice::ViewEntered { view, leader, .. } = notice {
            vote_way::entered(view, leader);
        }
        if notice == Notice::Signing {
            self.reach.witness.on_signing();
            tracing::info!("vote history confirmed: signing");
        }
        if let Notice::Contradiction(contradiction) = &notice {
            tracing::warn!(
                voter = self.reach.network.roster().name(contradiction.first.voter),
                view = contradiction.first.ballot.view.0,
                "two votes that contradict each other"
            );
        }
        // Both may be away for a moment: rebuilt, they ask where consensus is.
        _ = self.reach.view_change.send(Follow(notice.clone()));
        _ = self.reach.leader_election.send(Follow(notice));
    }

    fn reach(&self, point: Point) {
        fault_points::reach(self.reach.network.me(), point);
    }

    /// Until it is taken: without the mempool's words this validator proposes nothing.
    fn tell_rebuilt(&self, context: &mut Context<Self>) {
        if self.reach.rebuilt.send(Rebuilt).is_err() {
            context.run_later(RETRY, |actor, context| actor.tell_rebuilt(context));
        }
    }

    fn end(&self, code: i32, reason: String) {
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

fn is_proposal(input: &Input) -> bool {
    matches!(input, Input::Peer(_, message) if matches!(&**message, PeerMessage::Proposal(_)))
}

fn is_vote(effect: &Effect) -> bool {
    matches!(effect, Effect::Send(_, PeerMessage::Vote { .. } | PeerMessage::Proposal(_)))
}

/// Why records are not in the log.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error(transparent)]
    Log(#[from] VoteLogError),
    #[error("a record cannot be encoded: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
}

impl RecordError {
    fn exit_code(&self) -> i32 {
        match self {
            RecordError::Log(error) => error.exit_code(),
            RecordError::Encode(_) => exit_code::INTERNAL,
        }
    }
}

fn encode(records: &[Record]) -> Result<Vec<Vec<u8>>, RecordError> {
    records.iter().map(|record| Ok(rmp_serde::to_vec(record)?)).collect()
}

/// A message that cannot be encoded is a fault of this program; it costs that message.
fn report(sent: Result<(), crate::network::EncodeError>) {
    if let Err(error) = sent {
        tracing::error!(%error, "a message of our own cannot be sent");
    }
}

impl Actor for ConsensusActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let snapshot = self.consensus.snapshot_now();
        self.reach.committed.set(snapshot.commit_view);
        self.reach.observed.snapshot(&snapshot);
        if let Some(block) = snapshot.missing_final {
            tracing::warn!(
                %block,
                after = snapshot.sequence.0,
                "the database is older than the vote log: final blocks are missing from it, and are fetched from peers"
            );
        }
        let first = std::mem::take(&mut self.first);
        self.take(Instant::now(), first, context);
        // Sessions outlive this actor. Messages are taken already: a change from here on is told.
        let connected = self.reach.network.peers().into_iter().filter(|peer| peer.connected);
        connected.for_each(|peer| self.step(Input::SessionOpened(peer.validator), context));
        // It brings a word on each of perhaps thousands of proofs: whoever asks for something else is answered before.
        context.run_later(BEFORE_REBUILT, |actor, context| actor.tell_rebuilt(context));
        self.arm(context);
    }
}

impl Handler<Step> for ConsensusActor {
    type Result = ();

    fn handle(&mut self, Step(input): Step, context: &mut Context<Self>) {
        self.step(input, context);
    }
}

impl Handler<Said> for ConsensusActor {
    type Result = ();

    fn handle(&mut self, Said { from, message, since }: Said, context: &mut Context<Self>) {
        let began = Instant::now();
        if is_on_the_votes_way(&message) {
            self.steps.queued(began.saturating_duration_since(since));
        }
        self.step_at(began, Input::Peer(from, message), context);
    }
}

impl Handler<TellAgain> for ConsensusActor {
    type Result = ();

    fn handle(&mut self, _: TellAgain, _: &mut Context<Self>) {
        self.consensus.notices_again().into_iter().for_each(|notice| self.notice(notice));
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
