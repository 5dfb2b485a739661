//! The actor: final blocks go into the database, in one transaction for all that wait, and are then announced.
//!
//! It must never apply a block that does not follow its head, and never continue when the database's own ledger is not
//! the one that the last header names.

use super::database::{Batch, Database, DatabaseError, StoredBlock};
use super::head::checked_head;
use super::messages::{BlockAt, BlocksFrom, LedgerNow, Standing, StateStep};
use super::waiting::{Apply, Waiting};
use crate::delivery::{Deliver, Undelivered, deliver};
use crate::links::Links;
use crate::mempool::StoreError;
use crate::published::Published;
use crate::routes::{Routes, route};
use crate::supervision::{Exit, ExitHook, StartError};
use crate::tap;
use crate::verifier_pool::Accuracy;
use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult};
use protocol::block::{Block, Carried, Entry};
use protocol::certificate::Certificate;
use protocol::consensus::events::{FinalBlock, To};
use protocol::genesis::Genesis;
use protocol::mempool;
use protocol::message::{Message, limits::BLOCKS_MAX};
use protocol::quorum::ValidatorSet;
use protocol::types::{Hash, Sequence, ValidatorIndex, View};
use protocol::validator::restart::{AfterRestart, restart};
use protocol::validator::route::{Delivery, Effect, MempoolInput, Part, StateEffect};
use protocol::vote::{Ballot, Choice};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{oneshot, watch};

/// Bytes of blocks in one answer to a peer, but for what must go together.
pub const ANSWER_BYTES_MAX: usize = 8 << 20;

/// What the actor is made of; everything in it outlives the actor.
#[derive(Clone)]
pub struct StateSettings {
    pub database: Arc<Database>,
    pub waiting: Waiting,
    pub set: Arc<ValidatorSet>,
    pub genesis: Arc<Genesis>,
    pub routes: Routes,
    /// A peer that misses an answer asks again.
    pub links: Links,
    /// The last final sequence, for those that wait for blocks.
    pub heads: Arc<watch::Sender<Sequence>>,
    /// Compares what is final with what was checked here.
    pub accuracy: Arc<Accuracy>,
    /// Where the head of the final chain is published.
    pub published: Arc<Published<Arc<Standing>>>,
    pub exit: ExitHook,
}

pub struct StateActor {
    pub(super) settings: StateSettings,
    head: Arc<Standing>,
    writing: bool,
    /// Peers that asked for blocks while some were being written, and above what they last did.
    asked: BTreeMap<ValidatorIndex, Sequence>,
    undelivered: Undelivered,
    /// Peers for which an answer is being read, with what they asked since: only the newest question is answered.
    serving: BTreeMap<ValidatorIndex, Option<Sequence>>,
}

impl StateActor {
    /// Reads the head, and checks its ledger against its header.
    ///
    /// # Errors
    /// Fatal if the database cannot be read or contradicts itself.
    pub fn new(settings: StateSettings) -> Result<Self, StartError> {
        settings.database.settle().map_err(|error| StartError::fatal(error.exit_code, error))?;
        let (head, _) = checked_head(&settings.database, &settings.genesis)
            .map_err(|error| StartError::fatal(error.exit_code(), error))?;
        settings.heads.send_replace(head.sequence);
        let head = Arc::new(head);
        settings.published.set(Arc::clone(&head));
        Ok(StateActor {
            settings,
            head,
            writing: false,
            asked: BTreeMap::new(),
            undelivered: Undelivered::default(),
            serving: BTreeMap::new(),
        })
    }

    /// Writes what waits, one batch at a time.
    fn write(&mut self, context: &mut Context<Self>) {
        let applies = if self.writing { Vec::new() } else { self.settings.waiting.unwritten() };
        if applies.is_empty() {
            return;
        }
        match self.batch(&applies) {
            Ok(Some(batch)) => self.append(batch, applies.len(), context),
            // All of it is here already. Perhaps an earlier incarnation wrote it, and did not come to say so.
            Ok(None) => {
                let finals = self.settings.waiting.written(applies.len());
                self.tell(StateEffect::Applied(self.head.sequence), context);
                finals.into_iter().for_each(|block| self.tell(block, context));
            }
            // If blocks were lost on the way to here, they are in the vote log, from which a new process applies them.
            Err(error) => _ = self.end(error),
        }
    }

    fn append(&mut self, batch: Batch, applies: usize, context: &mut Context<Self>) {
        let Some(last) = batch.blocks.last() else { return };
        let head = Standing { sequence: last.block.header.sequence, block: last.id, ledger: last.ledger.clone() };
        let entries: Vec<Entry> = batch.blocks.iter().flat_map(|block| &block.block.body.proofs).copied().collect();
        let (tell, told) = oneshot::channel();
        self.writing = true;
        // A fresh incarnation waits for what is written, and reads it.
        self.settings.database.append(batch, Box::new(move |result| drop(tell.send(result))));
        context.spawn(wrap_future::<_, Self>(told).map(move |result, actor, context| {
            actor.writing = false;
            match result.unwrap_or_else(|_| Err(StoreError::closed())) {
                Ok(()) => {
                    let finals = actor.settings.waiting.written(applies);
                    actor.settings.accuracy.on_final(&entries);
                    actor.on_written(head, finals, context);
                }
                Err(StoreError { exit_code: code, reason }) => (actor.settings.exit)(&Exit { code, reason }),
            }
        }));
    }

    fn on_written(&mut self, head: Standing, finals: Vec<StateEffect>, context: &mut Context<Self>) {
        for effect in &finals {
            if let StateEffect::Final { proofs, .. } = effect {
                proofs.iter().for_each(tap::proofs::applied);
            }
        }
        let sequence = head.sequence;
        self.settings.heads.send_replace(sequence);
        self.head = Arc::new(head);
        self.settings.published.set(Arc::clone(&self.head));
        self.tell(StateEffect::Applied(sequence), context);
        finals.into_iter().for_each(|block| self.tell(block, context));
        self.write(context);
        if !self.writing {
            for (to, above) in std::mem::take(&mut self.asked) {
                self.serve(to, above, context);
            }
        }
    }

    /// What of this is new; none if nothing is.
    fn batch(&self, applies: &[Arc<Apply>]) -> Result<Option<Batch>, DatabaseError> {
        let (mut blocks, mut commits) = (Vec::<FinalBlock>::new(), Vec::new());
        for apply in applies {
            let Apply { blocks: told, commit } = &**apply;
            for block in told {
                let sequence = block.block.header.sequence;
                if sequence > blocks.last().map_or(self.head.sequence, |last| last.block.header.sequence) {
                    blocks.push(block.clone());
                } else if self.known(&blocks, sequence)? != Some(block.id) {
                    // Told again after a restart: what is here already must be the same.
                    let what = format!("another block than {} is final at sequence {sequence}", block.id);
                    return Err(DatabaseError::Damaged { what });
                }
            }
            if let Some(last) = blocks.last().filter(|last| commit.block() == Some(last.id)) {
                commits.push((last.block.header.sequence, commit.clone()));
            }
        }
        self.follow(&blocks)?;
        let prepares = self.prepares(&blocks)?;
        Ok((!blocks.is_empty()).then_some(Batch { blocks, prepares, commits }))
    }

    /// The block at a sequence, of those that are about to be written or from the database.
    fn known(&self, unwritten: &[FinalBlock], sequence: Sequence) -> Result<Option<Hash>, DatabaseError> {
        match unwritten.iter().find(|block| block.block.header.sequence == sequence) {
            Some(block) => Ok(Some(block.id)),
            None => Ok(self.settings.database.block(sequence)?.map(|stored| stored.id)),
        }
    }

    /// Each block must follow the one before, and the first of them the head.
    fn follow(&self, blocks: &[FinalBlock]) -> Result<(), DatabaseError> {
        let (mut sequence, mut parent) = (self.head.sequence, self.head.block);
        for FinalBlock { id, block, .. } in blocks {
            if block.header.sequence != sequence.next() || block.header.parent != parent {
                return Err(DatabaseError::Gap { head: sequence, got: block.header.sequence });
            }
            (sequence, parent) = (block.header.sequence, *id);
        }
        Ok(())
    }

    /// Prepare certificates of these blocks and, from the votes they include, of the blocks before them that lack one.
    fn prepares(&self, blocks: &[FinalBlock]) -> Result<Vec<(Sequence, Certificate)>, DatabaseError> {
        let mut prepares: BTreeMap<Sequence, Certificate> = BTreeMap::new();
        for block in blocks {
            let sequence = block.block.header.sequence;
            let parent = Sequence(sequence.0.saturating_sub(1));
            let lacks =
                parent.0 > 0 && !prepares.contains_key(&parent) && !self.settings.database.has_prepare(parent)?;
            let carried = block.block.body.carried.iter().find(|carried| carried.block == block.block.header.parent);
            if let (true, Some(carried)) = (lacks, carried)
                && let Some(certificate) = certificate_of(&self.settings.set, carried)
            {
                prepares.insert(parent, certificate);
            }
            if let Some(prepare) = &block.prepare {
                prepares.insert(sequence, prepare.clone());
            }
        }
        Ok(prepares.into_iter().collect())
    }

    fn tell(&mut self, effect: StateEffect, context: &mut Context<Self>) {
        route(self.settings.routes.me, Effect::State(effect), &mut |delivery| deliver(self, delivery, context));
    }

    /// Reads an answer on a thread that may take its time, one at a time for each peer, and then pauses for as long as
    /// it took: a peer that asks endlessly gets half of one thread, and holds up nothing that is final.
    fn serve(&mut self, to: ValidatorIndex, above: Sequence, context: &mut Context<Self>) {
        if let Some(next) = self.serving.get_mut(&to) {
            *next = Some(above);
            return;
        }
        self.serving.insert(to, None);
        let (database, network) = (Arc::clone(&self.settings.database), self.settings.links.send.clone());
        let answering = tokio::task::spawn_blocking(move || {
            if let Some(message) = answer(&database, above)? {
                // A peer that misses the answer asks again.
                drop(network.send((To::Peer(to), message)));
            }
            Ok::<_, DatabaseError>(())
        });
        let begun = Instant::now();
        let answered = async move {
            let answered = answering.await;
            tokio::time::sleep(begun.elapsed()).await;
            answered
        };
        context.spawn(wrap_future::<_, Self>(answered).map(move |answered, actor: &mut Self, context| {
            let next = actor.serving.remove(&to).flatten();
            match answered {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return drop(actor.end(error)),
                Err(panic) => tracing::error!(%panic, "reading blocks for a peer failed"),
            }
            if let Some(above) = next {
                actor.serve(to, above, context);
            }
        }));
    }

    /// A process that cannot read its own history must not continue from it. Returns what whoever asked is told.
    pub(super) fn end(&self, error: DatabaseError) -> StoreError {
        let error = StoreError::from(error);
        (self.settings.exit)(&Exit { code: error.exit_code, reason: error.reason.clone() });
        error
    }

    fn range(&self, from: Sequence, count: usize) -> Result<Vec<StoredBlock>, DatabaseError> {
        let mut blocks = Vec::new();
        let mut sequence = from;
        while blocks.len() < count.min(BLOCKS_MAX) {
            let Some(stored) = self.settings.database.block(sequence)? else { break };
            blocks.push(stored);
            sequence = sequence.next();
        }
        Ok(blocks)
    }
}

/// Blocks above a sequence, as many as fit, ending in one whose Commit certificate is kept.
fn answer(database: &Database, above: Sequence) -> Result<Option<Message>, DatabaseError> {
    let (mut blocks, mut bytes, mut whole) = (Vec::new(), 0, None);
    let mut sequence = above;
    while blocks.len() < BLOCKS_MAX {
        sequence = sequence.next();
        let Some(stored) = database.block(sequence)? else { break };
        bytes += wire_bytes(&stored.block);
        // Beyond the bound only what leads up to the first certificate.
        if bytes > ANSWER_BYTES_MAX && whole.is_some() {
            break;
        }
        blocks.push(stored.block);
        if let Some(commit) = stored.commit {
            whole = Some((blocks.len(), commit));
        }
    }
    Ok(whole.map(|(length, commit)| {
        blocks.truncate(length);
        Message::Blocks { blocks, commit: Some(commit) }
    }))
}

/// About what a block takes on the wire.
fn wire_bytes(block: &Block) -> usize {
    let votes: usize = block.body.carried.iter().map(|carried| 64 + 92 * carried.votes.len()).sum();
    512 + 80 * block.body.proofs.len() + votes
}

/// The certificate that included votes make: a quorum of one view.
fn certificate_of(set: &ValidatorSet, carried: &Carried) -> Option<Certificate> {
    let mut by_view: BTreeMap<View, Certificate> = BTreeMap::new();
    for vote in &carried.votes {
        let ballot = Ballot { epoch: vote.epoch, view: vote.view, choice: Choice::Prepare(carried.block) };
        let certificate = by_view.entry(vote.view).or_insert(Certificate { ballot, signatures: Vec::new() });
        certificate.signatures.push((vote.voter, vote.signature));
    }
    by_view.into_values().find(|certificate| certificate.has_quorum(set))
}

impl Deliver for StateActor {
    fn routes(&self) -> &Routes {
        &self.settings.routes
    }

    fn undelivered(&mut self) -> &mut Undelivered {
        &mut self.undelivered
    }

    /// What the mempool took need not be announced by the next incarnation.
    fn attempt(&mut self, delivery: Delivery, _: &mut Context<Self>) -> Result<(), Delivery> {
        let Delivery::Mempool(MempoolInput::Step(mempool::Input::Final { sequence, .. })) = &delivery else {
            return self.settings.routes.deliver(delivery);
        };
        let sequence = *sequence;
        self.settings.routes.deliver(delivery)?;
        self.settings.waiting.announced(sequence);
        Ok(())
    }
}

impl Actor for StateActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        for hears in restart(Part::State) {
            match hears {
                AfterRestart::Waiting => {
                    self.tell(StateEffect::Applied(self.head.sequence), context);
                    // What the incarnation before had in hand.
                    for block in self.settings.waiting.unannounced() {
                        self.tell(block, context);
                    }
                    self.write(context);
                }
                AfterRestart::Sessions
                | AfterRestart::Again
                | AfterRestart::ConsensusRestarted
                | AfterRestart::PoolRestarted => {}
            }
        }
    }
}

impl Handler<StateStep> for StateActor {
    type Result = ();

    fn handle(&mut self, step: StateStep, context: &mut Context<Self>) {
        match step {
            StateStep::ApplyWaiting => self.write(context),
            // It may ask for what is just being written. A peer that misses an answer asks again.
            StateStep::Serve { to, above } if self.writing => _ = self.asked.insert(to, above),
            StateStep::Serve { to, above } => self.serve(to, above, context),
        }
    }
}

impl Handler<BlockAt> for StateActor {
    type Result = Result<Option<StoredBlock>, StoreError>;

    fn handle(&mut self, at: BlockAt, _: &mut Context<Self>) -> Self::Result {
        self.settings.database.block(at.0).map_err(|error| self.end(error))
    }
}

impl Handler<BlocksFrom> for StateActor {
    type Result = Result<Vec<StoredBlock>, StoreError>;

    fn handle(&mut self, blocks: BlocksFrom, _: &mut Context<Self>) -> Self::Result {
        self.range(blocks.from, blocks.count).map_err(|error| self.end(error))
    }
}

impl Handler<LedgerNow> for StateActor {
    type Result = MessageResult<LedgerNow>;

    fn handle(&mut self, _: LedgerNow, _: &mut Context<Self>) -> Self::Result {
        MessageResult(Standing::clone(&self.head))
    }
}
