//! The actor: input in, step, effects out.
//!
//! It must never report a proof as accepted before it is durable, and never lose an attestation that consensus waits
//! for.

use super::intake::Intake;
use super::messages::Held;
use super::pushes::Pushes;
use super::store::{Change, ProofStore, StoreError};
use crate::delivery::{Deliver, Undelivered, deliver};
use crate::links::Links;
use crate::published::Published;
use crate::routes::{Check, PoolRequest, Routes, Step, route};
use crate::supervision::{Exit, ExitHook, StartError};
use crate::tap::proofs;
use crate::verifier_pool::Verdicts;
use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle};
use protocol::consensus::events::{Checked, Input as ConsensusInput, To};
use protocol::mempool::{Effect, Input, Judgement, Limits, Mempool};
use protocol::message::Message;
use protocol::proof::Proof;
use protocol::types::{Hash, Millis, ValidatorIndex};
use protocol::validator::restart::{AfterRestart, restart};
use protocol::validator::route::{self, Delivery, Io, MempoolInput, Part, PoolInput};
use protocol::validator::sessions::{Change as SessionChange, Sessions};
use protocol::verdict::VerifierParameters;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Attestations in one message to consensus, so that none of its steps is long.
const CHECKED_MAX: usize = 64;
/// The sessions of the network are compared with what was heard of them this often.
const COMPARE: Duration = Duration::from_secs(1);

/// What the actor is made of; everything in it outlives the actor.
#[derive(Clone)]
pub struct MempoolSettings {
    pub me: ValidatorIndex,
    pub chain: Hash,
    pub parameters: VerifierParameters,
    pub limits: Limits,
    pub store: Arc<dyn ProofStore>,
    pub verdicts: Arc<Verdicts>,
    pub routes: Routes,
    /// The protocol sends again what is not accepted.
    pub links: Links,
    /// Where the held proofs are published.
    pub published: Arc<Published<Held>>,
    pub exit: ExitHook,
}

pub struct MempoolActor {
    pub(super) settings: MempoolSettings,
    pub(super) mempool: Mempool,
    pub(super) intake: Intake,
    origin: Instant,
    sessions: Sessions,
    undelivered: Undelivered,
    /// The check that the pool did not take, which is tried next: its script is not read again each time.
    untaken: Option<Check>,
    /// About to be told to consensus.
    checked: Vec<Checked>,
    /// Checks whose verdict was remembered, about to be taken in.
    remembered: Vec<(Hash, Judgement)>,
    timer: Option<(Millis, SpawnHandle)>,
    /// The proof that is just being admitted, for peers that are sent it at once.
    pub(super) admitted: Option<(Hash, Proof)>,
    pushes: Pushes,
}

impl MempoolActor {
    /// Recovers what is durable, with the attestations that are remembered.
    ///
    /// # Errors
    /// Fatal if the database failed.
    pub fn new(settings: MempoolSettings) -> Result<Self, StartError> {
        let pending = settings.store.pending().map_err(|error| StartError::fatal(error.exit_code, error))?;
        let mempool = Mempool::restored(settings.limits, &pending).of(settings.me);
        Ok(MempoolActor {
            settings,
            mempool,
            intake: Intake::default(),
            origin: Instant::now(),
            sessions: Sessions::default(),
            undelivered: Undelivered::default(),
            untaken: None,
            checked: Vec::new(),
            remembered: Vec::new(),
            timer: None,
            admitted: None,
            pushes: Pushes::default(),
        })
    }

    pub(super) fn now(&self) -> Millis {
        Millis(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn step(&mut self, input: Input, context: &mut Context<Self>) {
        let effects = self.mempool.step(self.now(), input);
        self.carry_out(effects, context);
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, context: &mut Context<Self>) {
        for effect in effects {
            if let Effect::Refuse { proof, refusal } = &effect {
                tracing::info!(%proof, %refusal, "a proof is refused");
                proofs::refused(proofs::refusal(refusal));
                self.intake.refused(proof);
            }
            let effect = route::Effect::Mempool(effect);
            route(self.settings.me, effect, &mut |delivery| self.send(delivery, context));
        }
        self.arm(context);
        self.publish();
    }

    fn send(&mut self, delivery: Delivery, context: &mut Context<Self>) {
        match delivery {
            Delivery::Io(io) => self.io(io, context),
            Delivery::Consensus(ConsensusInput::Checked(checked)) => self.tell_checked(checked, context),
            Delivery::Consensus(ConsensusInput::Forgotten(_) | ConsensusInput::MempoolRestarted { .. }) => {
                // Not before what was said of it.
                self.tell_all_checked(context);
                deliver(self, delivery, context);
            }
            Delivery::VerifierPool(PoolInput::Check { proof, .. }) => {
                proofs::checking(&proof);
                deliver(self, delivery, context);
            }
            other => deliver(self, other, context),
        }
    }

    fn io(&mut self, io: Io, context: &mut Context<Self>) {
        match io {
            Io::Send(to, message) => _ = self.settings.links.send.send((to, message)),
            Io::Push { proof, to } => self.push(&proof, &to, context),
            Io::ServeScripts { to, proofs } => self.serve(to, proofs, context),
            Io::Remove(proof) => self.write(Change::Remove(proof), context),
            Io::Shorten(_) | Io::Reconnect | Io::Halt(_) => {
                unreachable!("the mempool asks for nothing of the vote log")
            }
        }
    }

    fn publish(&self) {
        let holdings = self.mempool.holdings();
        let oldest = holdings.oldest.map(|since| self.origin + Duration::from_millis(since.0));
        self.settings.published.set(Held { holdings, oldest });
    }

    /// Sent together with the results of the messages that wait: a step of consensus costs more than an attestation.
    fn tell_checked(&mut self, checked: Vec<Checked>, context: &mut Context<Self>) {
        checked.iter().for_each(|one| self.settings.store.note(&one.proof, one.word));
        if self.checked.is_empty() {
            context.spawn(wrap_future::<_, Self>(ready(())).map(|(), actor, context| actor.tell_all_checked(context)));
        }
        self.checked.extend(checked);
    }

    fn tell_all_checked(&mut self, context: &mut Context<Self>) {
        for some in std::mem::take(&mut self.checked).chunks(CHECKED_MAX) {
            deliver(self, Delivery::Consensus(ConsensusInput::Checked(some.to_vec())), context);
        }
    }

    /// The script is at hand only while it is admitted; peers that miss it ask.
    fn push(&mut self, proof: &Hash, to: &[ValidatorIndex], context: &mut Context<Self>) {
        let Some((_, proof)) = self.admitted.as_ref().filter(|(id, _)| id == proof) else { return };
        match self.pushes.add(proof, to) {
            // Not by the timer, which is a millisecond late.
            Some(Duration::ZERO) => {
                context.spawn(wrap_future::<_, Self>(ready(())).map(|(), actor, _| actor.send_pushes()));
            }
            Some(wait) => _ = context.run_later(wait, |actor, _| actor.send_pushes()),
            None => {}
        }
    }

    fn send_pushes(&mut self) {
        for (peer, proofs) in self.pushes.take() {
            let _ = self.settings.links.send.send((To::Peer(peer), Message::Proofs(proofs)));
        }
    }

    /// Hands a check to the pool, with its script.
    ///
    /// # Errors
    /// If the pool does not take it now.
    #[expect(clippy::result_large_err, reason = "what was not taken comes back as it was given")]
    fn check(&mut self, proof: Hash, urgent: bool, context: &mut Context<Self>) -> Result<(), Delivery> {
        let untaken = self.untaken.take().filter(|check| check.proof == proof);
        let Some(statement) = self.mempool.statement(&proof) else { return Ok(()) };
        if let Some(judgement) = self.settings.verdicts.judgement(&statement) {
            proofs::verdict_remembered();
            // Not within this step, or a long queue of remembered ones would be a deep recursion.
            self.judge_soon(proof, judgement, context);
            return Ok(());
        }
        let check = match untaken {
            Some(check) => Ok(Some(Check { urgent, ..check })),
            None => self.settings.store.proof(&proof).map(|read| {
                let Proof { claim, script, .. } = read?;
                Some(Check { proof, statement, claim, script, urgent })
            }),
        };
        match check {
            Ok(Some(check)) => {
                let sent = self.settings.routes.verifier_pool.send(PoolRequest::Check(check));
                return sent.map_err(|request| {
                    if let PoolRequest::Check(check) = request {
                        self.untaken = Some(check);
                    }
                    Delivery::VerifierPool(PoolInput::Check { proof, urgent })
                });
            }
            Ok(None) => {
                tracing::warn!(%proof, "a pending proof has no script in the database");
                self.step(Input::Missing(proof), context);
            }
            Err(error) => self.end(error),
        }
        Ok(())
    }

    fn judge_soon(&mut self, proof: Hash, judgement: Judgement, context: &mut Context<Self>) {
        if self.remembered.is_empty() {
            context.spawn(wrap_future::<_, Self>(ready(())).map(|(), actor, context| {
                for (proof, judgement) in std::mem::take(&mut actor.remembered) {
                    proofs::judged(&proof);
                    actor.step(Input::Judged { proof, judgement }, context);
                }
            }));
        }
        self.remembered.push((proof, judgement));
    }

    /// Sets the timer for the next tick.
    fn arm(&mut self, context: &mut Context<Self>) {
        let Some(due) = self.mempool.wakeup() else { return };
        if let Some((armed, timer)) = self.timer {
            if armed <= due {
                return;
            }
            context.cancel_future(timer);
        }
        let wait = Duration::from_millis(due.since(self.now()).0.max(1));
        let timer = context.run_later(wait, |actor, context| {
            actor.timer = None;
            actor.step(Input::Tick, context);
        });
        self.timer = Some((due, timer));
    }

    /// A session whose opening or closing was not heard, because this actor was full or down, is made good.
    fn compare(&mut self, context: &mut Context<Self>) {
        let changes = self.sessions.compare((self.settings.links.sessions)());
        self.on_sessions(changes, context);
    }

    fn on_sessions(&mut self, changes: Vec<SessionChange>, context: &mut Context<Self>) {
        for change in changes {
            let input = match change {
                SessionChange::Opened(peer) => Input::SessionOpened(peer),
                SessionChange::Closed(peer) => Input::SessionClosed(peer),
            };
            self.step(input, context);
        }
    }

    fn on_input(&mut self, input: MempoolInput, context: &mut Context<Self>) {
        match input {
            MempoolInput::Scripts { from, proofs } => self.on_proofs(from, proofs, context),
            MempoolInput::Step(input) => {
                self.before(&input);
                self.step(input, context);
            }
        }
    }

    /// What an input means to this actor itself.
    fn before(&mut self, input: &Input) {
        match input {
            Input::Judged { proof, .. } => proofs::judged(proof),
            Input::Final { proofs, .. } => self.intake.ended(proofs),
            Input::ConsensusRestarted => {
                // All attestations are told again; that a proof is held no longer is not.
                self.checked.clear();
                let is_told_again =
                    |delivery: &Delivery| matches!(delivery, Delivery::Consensus(ConsensusInput::Checked(_)));
                self.undelivered.retain(Part::Consensus, |delivery| !is_told_again(delivery));
            }
            Input::PoolRestarted => {
                self.undelivered.retain(Part::VerifierPool, |_| false);
                self.untaken = None;
            }
            Input::Tick
            | Input::SessionOpened(_)
            | Input::SessionClosed(_)
            | Input::Offered { .. }
            | Input::Asked { .. }
            | Input::Served(_)
            | Input::Arrived { .. }
            | Input::Spoiled { .. }
            | Input::Malformed { .. }
            | Input::Stored(_)
            | Input::Words { .. }
            | Input::Need { .. }
            | Input::Refused { .. }
            | Input::Missing(_) => {}
        }
    }

    /// After a failed write or read nobody knows what the disk holds.
    pub(super) fn end(&self, StoreError { exit_code: code, reason }: StoreError) {
        (self.settings.exit)(&Exit { code, reason });
    }
}

impl Deliver for MempoolActor {
    fn routes(&self) -> &Routes {
        &self.settings.routes
    }

    fn undelivered(&mut self) -> &mut Undelivered {
        &mut self.undelivered
    }

    fn attempt(&mut self, delivery: Delivery, context: &mut Context<Self>) -> Result<(), Delivery> {
        match delivery {
            Delivery::VerifierPool(PoolInput::Check { proof, urgent }) => self.check(proof, urgent, context),
            other => self.settings.routes.deliver(other),
        }
    }
}

impl Actor for MempoolActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(COMPARE, |actor, context| actor.compare(context));
        for hears in restart(Part::Mempool) {
            match hears {
                AfterRestart::Sessions => self.compare(context),
                AfterRestart::Again
                | AfterRestart::ConsensusRestarted
                | AfterRestart::PoolRestarted
                | AfterRestart::Waiting => {}
            }
        }
        self.arm(context);
    }
}

impl Handler<Step<MempoolInput>> for MempoolActor {
    type Result = ();

    fn handle(&mut self, step: Step<MempoolInput>, context: &mut Context<Self>) {
        match step {
            Step::Input(input) => self.on_input(input, context),
            Step::Heard { session, input, since: _ } => {
                let (may_be_heard, changes) = self.sessions.hear(session);
                self.on_sessions(changes, context);
                if may_be_heard {
                    self.on_input(input, context);
                }
            }
            Step::Session(event) => {
                let changes = self.sessions.on(event);
                self.on_sessions(changes, context);
            }
        }
    }
}
