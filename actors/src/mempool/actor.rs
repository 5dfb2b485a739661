//! The actor: input in, step, effects out.
//!
//! It must never report a proof as accepted before it is durable, and never lose an attestation that consensus waits
//! for.

use super::intake::Intake;
use super::messages::{BecameFinal, ConsensusRebuilt, Need, PeerSaid, RefusedByWords, Session};
use super::pushes::Pushes;
use super::store::{Change, ProofStore, StoreError};
use crate::metrics::{self, Published};
use crate::network::Accuse;
use crate::outlet::Outlet;
use crate::supervision::{Handle, StartError};
use crate::verifier_pool::{Cancel, Check, Judged, Rebuilt, Verdicts, VerifierPoolActor};
use crate::vote_way::{self, Place};
use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle};
use protocol::consensus::events::{Checked, Input as ConsensusInput};
use protocol::mempool::{Effect, Input, Judgement, Limits, Mempool};
use protocol::message::Message;
use protocol::proof::Proof;
use protocol::types::{Hash, Millis, ValidatorIndex};
use protocol::verdict::VerifierParameters;
use std::collections::{BTreeSet, VecDeque};
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of scripts in one answer to a peer, but for a single longer one.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How soon what was not taken is tried again.
const RETRY: Duration = Duration::from_millis(50);
/// Attestations in one message to consensus, so that none of its steps is long.
const CHECKED_MAX: usize = 64;
/// The sessions of the network are compared with what was heard of them this often.
const RECONCILE: Duration = Duration::from_secs(1);

/// What the actor is made of; everything in it outlives the actor.
#[derive(Clone)]
pub struct MempoolSettings {
    pub me: ValidatorIndex,
    pub chain: Hash,
    pub parameters: VerifierParameters,
    pub limits: Limits,
    pub store: Arc<dyn ProofStore>,
    pub verifier: Handle<VerifierPoolActor>,
    pub verdicts: Arc<Verdicts>,
    /// Consensus takes its inputs here.
    pub consensus: Outlet<ConsensusInput>,
    /// Messages to peers; the protocol sends again what is not accepted.
    pub network: Outlet<(ValidatorIndex, Message)>,
    /// Who has a session now.
    pub sessions: Arc<dyn Fn() -> Vec<ValidatorIndex> + Send + Sync>,
    /// Counts what a peer did wrong.
    pub accuse: Accuse,
    /// Where the held proofs are published.
    pub published: Arc<Published>,
    /// Ends the process: code and reason.
    pub exit: Arc<dyn Fn(i32, String) + Send + Sync>,
}

/// Something for another actor that was not taken yet.
enum Delivery {
    Check(Box<Check>),
    Cancel(Cancel),
    Consensus(Box<ConsensusInput>),
}

impl Delivery {
    fn is_words(&self) -> bool {
        matches!(self, Delivery::Consensus(input) if matches!(**input, ConsensusInput::Checked(_)))
    }
}

pub struct MempoolActor {
    pub(super) settings: MempoolSettings,
    pub(super) mempool: Mempool,
    pub(super) intake: Intake,
    origin: Instant,
    sessions: BTreeSet<ValidatorIndex>,
    /// Each held proof has at most a check, a cancellation and a few words in it.
    undelivered: VecDeque<Delivery>,
    retrying: bool,
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
            sessions: BTreeSet::new(),
            undelivered: VecDeque::new(),
            retrying: false,
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
            match effect {
                Effect::Send(to, message) => drop(self.settings.network.send((to, message))),
                Effect::Push { proof, to } => self.push(&proof, &to, context),
                Effect::Serve { to, proofs } => self.serve(to, proofs, context),
                Effect::Check { proof, urgent } => self.check(proof, urgent, context),
                Effect::Cancel(proof) => self.deliver(Delivery::Cancel(Cancel(proof)), context),
                Effect::Tell(checked) => self.tell_checked(checked, context),
                Effect::Refuse { proof, refusal } => {
                    tracing::info!(%proof, %refusal, "a proof is refused");
                    metrics::proof_refused(metrics::refusal(&refusal));
                    self.intake.refused(&proof);
                    self.write(Change::Remove(proof), context);
                    // Not before what was said of it.
                    self.tell_all_checked(context);
                    self.tell(ConsensusInput::Forgotten(proof), context);
                }
                Effect::Delete(proof) => self.write(Change::Remove(proof), context),
            }
        }
        self.arm(context);
        self.publish();
    }

    fn publish(&self) {
        let holdings = self.mempool.holdings();
        let oldest = holdings.oldest.map(|since| self.origin + Duration::from_millis(since.0));
        self.settings.published.mempool_holds(holdings, oldest);
    }

    fn tell(&mut self, input: ConsensusInput, context: &mut Context<Self>) {
        self.deliver(Delivery::Consensus(Box::new(input)), context);
    }

    /// Sent together with the results of the messages that wait: a step of consensus costs more than an attestation.
    fn tell_checked(&mut self, checked: Checked, context: &mut Context<Self>) {
        self.settings.store.note(&checked.proof, checked.word);
        if self.checked.is_empty() {
            context.spawn(wrap_future::<_, Self>(ready(())).map(|(), actor, context| actor.tell_all_checked(context)));
        }
        self.checked.push(checked);
    }

    fn tell_all_checked(&mut self, context: &mut Context<Self>) {
        let checked = std::mem::take(&mut self.checked);
        checked.chunks(CHECKED_MAX).for_each(|some| self.tell(ConsensusInput::Checked(some.to_vec()), context));
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
            let _ = self.settings.network.send((peer, Message::Proofs(proofs)));
        }
    }

    /// Reads and sends on a thread that may take its time, and frees the peer's slot only after a pause as long: a peer
    /// that asks endlessly gets a part of this machine, not all of it.
    fn serve(&mut self, to: ValidatorIndex, proofs: Vec<Hash>, context: &mut Context<Self>) {
        let (store, network) = (Arc::clone(&self.settings.store), self.settings.network.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let proofs = read_bounded(&*store, &proofs)?;
            // A peer that misses the answer asks again, or another.
            drop(network.send((to, Message::Proofs(proofs))));
            Ok::<_, StoreError>(())
        });
        let begun = Instant::now();
        let read = async move {
            let read = reading.await;
            tokio::time::sleep(begun.elapsed()).await;
            read
        };
        context.spawn(wrap_future::<_, Self>(read).map(move |read, actor: &mut Self, context| {
            match read {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return actor.end(&error),
                Err(panic) => tracing::error!(%panic, "reading scripts for a peer failed"),
            }
            actor.step(Input::Served(to), context);
        }));
    }

    fn check(&mut self, proof: Hash, urgent: bool, context: &mut Context<Self>) {
        vote_way::proof(Place::Checking, &proof);
        let Some(statement) = self.mempool.statement(&proof) else { return };
        if let Some(judgement) = self.settings.verdicts.judgement(&statement) {
            metrics::verdict_remembered();
            // Not within this step, or a long queue of remembered ones would be a deep recursion.
            return self.judge_soon(proof, judgement, context);
        }
        match self.settings.store.proof(&proof) {
            Ok(Some(Proof { claim, script, .. })) => {
                let check = Check { proof, statement, claim, script, urgent };
                self.deliver(Delivery::Check(Box::new(check)), context);
            }
            Ok(None) => {
                tracing::warn!(%proof, "a pending proof has no script in the database");
                self.step(Input::Missing(proof), context);
            }
            Err(error) => self.end(&error),
        }
    }

    fn judge_soon(&mut self, proof: Hash, judgement: Judgement, context: &mut Context<Self>) {
        if self.remembered.is_empty() {
            context.spawn(wrap_future::<_, Self>(ready(())).map(|(), actor, context| {
                for (proof, judgement) in std::mem::take(&mut actor.remembered) {
                    vote_way::proof(Place::Judged, &proof);
                    actor.step(Input::Judged { proof, judgement }, context);
                }
            }));
        }
        self.remembered.push((proof, judgement));
    }

    fn deliver(&mut self, delivery: Delivery, context: &mut Context<Self>) {
        if self.undelivered.is_empty() {
            match self.try_deliver(delivery) {
                Ok(()) => return,
                Err(delivery) => self.undelivered.push_back(delivery),
            }
        } else {
            self.undelivered.push_back(delivery);
        }
        self.retry_later(context);
    }

    fn try_deliver(&self, delivery: Delivery) -> Result<(), Delivery> {
        match delivery {
            Delivery::Check(check) => {
                let sent = self.settings.verifier.send(*check);
                sent.map_err(|refused| Delivery::Check(Box::new(refused.message)))
            }
            Delivery::Cancel(cancel) => {
                self.settings.verifier.send(cancel).map_err(|refused| Delivery::Cancel(refused.message))
            }
            Delivery::Consensus(input) => {
                self.settings.consensus.send(*input).map_err(|input| Delivery::Consensus(Box::new(input)))
            }
        }
    }

    fn retry_later(&mut self, context: &mut Context<Self>) {
        if std::mem::replace(&mut self.retrying, true) {
            return;
        }
        context.run_later(RETRY, |actor, context| {
            actor.retrying = false;
            // One that is down does not hold up what is for the other, and each is told in order: it may come up meanwhile.
            let (mut pool_is_down, mut consensus_is_down) = (false, false);
            for delivery in std::mem::take(&mut actor.undelivered) {
                let is_down = match delivery {
                    Delivery::Check(_) | Delivery::Cancel(_) => &mut pool_is_down,
                    Delivery::Consensus(_) => &mut consensus_is_down,
                };
                let refused = if *is_down { Err(delivery) } else { actor.try_deliver(delivery) };
                if let Err(delivery) = refused {
                    *is_down = true;
                    actor.undelivered.push_back(delivery);
                }
            }
            if !actor.undelivered.is_empty() {
                actor.retry_later(context);
            }
        });
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
    fn reconcile(&mut self, context: &mut Context<Self>) {
        let now: BTreeSet<ValidatorIndex> = (self.settings.sessions)().into_iter().collect();
        let gone: Vec<_> = self.sessions.difference(&now).copied().collect();
        let new: Vec<_> = now.difference(&self.sessions).copied().collect();
        gone.into_iter().for_each(|peer| self.on_session(peer, false, context));
        new.into_iter().for_each(|peer| self.on_session(peer, true, context));
    }

    fn on_session(&mut self, peer: ValidatorIndex, open: bool, context: &mut Context<Self>) {
        if open {
            self.sessions.insert(peer);
            self.step(Input::SessionOpened(peer), context);
        } else if self.sessions.remove(&peer) {
            self.step(Input::SessionClosed(peer), context);
        }
    }

    /// After a failed write or read nobody knows what the disk holds.
    pub(super) fn end(&self, error: &StoreError) {
        (self.settings.exit)(error.exit_code, error.to_string());
    }
}

/// Reads proofs until the next one would exceed the bound; the first is read whatever its length.
fn read_bounded(store: &dyn ProofStore, ids: &[Hash]) -> Result<Vec<Proof>, StoreError> {
    let (mut proofs, mut bytes) = (Vec::new(), 0);
    for id in ids {
        if let Some(proof) = store.proof(id)? {
            bytes += proof.script.len();
            if bytes > ANSWER_BYTES_MAX && !proofs.is_empty() {
                break;
            }
            proofs.push(proof);
        }
    }
    Ok(proofs)
}

impl Actor for MempoolActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(RECONCILE, |actor, context| actor.reconcile(context));
        self.reconcile(context);
        self.arm(context);
    }
}

impl Handler<Session> for MempoolActor {
    type Result = ();

    fn handle(&mut self, session: Session, context: &mut Context<Self>) {
        self.on_session(session.peer, session.open, context);
    }
}

impl Handler<PeerSaid> for MempoolActor {
    type Result = ();

    fn handle(&mut self, said: PeerSaid, context: &mut Context<Self>) {
        let from = said.from;
        match said.message {
            Message::Pending(proofs) => self.step(Input::Offered { from, proofs }, context),
            Message::ProofRequest(proofs) => self.step(Input::Asked { from, proofs }, context),
            Message::Checked(words) => self.step(Input::Words { from, words }, context),
            Message::Proofs(proofs) => self.on_proofs(from, proofs, context),
            // Consensus' own.
            Message::Proposal(_)
            | Message::Vote { .. }
            | Message::Certificate(_)
            | Message::Status(_)
            | Message::CertificateRequest { .. }
            | Message::Certificates(_)
            | Message::BlockRequest { .. }
            | Message::Blocks { .. }
            | Message::Testimony(_) => {}
        }
    }
}

impl Handler<Judged> for MempoolActor {
    type Result = ();

    fn handle(&mut self, judged: Judged, context: &mut Context<Self>) {
        vote_way::proof(Place::Judged, &judged.proof);
        self.step(Input::Judged { proof: judged.proof, judgement: judged.judgement }, context);
    }
}

impl Handler<Rebuilt> for MempoolActor {
    type Result = ();

    fn handle(&mut self, _: Rebuilt, context: &mut Context<Self>) {
        let for_pool = |delivery: &Delivery| matches!(delivery, Delivery::Check(_) | Delivery::Cancel(_));
        self.undelivered.retain(|delivery| !for_pool(delivery));
        self.step(Input::PoolRestarted, context);
    }
}

impl Handler<ConsensusRebuilt> for MempoolActor {
    type Result = ();

    fn handle(&mut self, _: ConsensusRebuilt, context: &mut Context<Self>) {
        // All words are told again; that a proof is held no longer is not.
        self.checked.clear();
        self.undelivered.retain(|delivery| !delivery.is_words());
        self.step(Input::ConsensusRestarted, context);
    }
}

impl Handler<Need> for MempoolActor {
    type Result = ();

    fn handle(&mut self, need: Need, context: &mut Context<Self>) {
        self.step(Input::Need { proofs: need.proofs, from: need.from }, context);
    }
}

impl Handler<RefusedByWords> for MempoolActor {
    type Result = ();

    fn handle(&mut self, refused: RefusedByWords, context: &mut Context<Self>) {
        self.step(Input::Refused { proof: refused.proof, words: refused.words }, context);
    }
}

impl Handler<BecameFinal> for MempoolActor {
    type Result = ();

    fn handle(&mut self, block: BecameFinal, context: &mut Context<Self>) {
        self.intake.ended(&block.proofs);
        self.step(Input::Final { sequence: block.sequence, proofs: block.proofs }, context);
    }
}
