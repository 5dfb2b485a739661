//! Admission: submissions and proofs from peers, validated beside the actor, then written together.
//!
//! Bounded in count and bytes under validation. A good proof goes to the peers and to a free worker while it is being
//! written; nothing is reported as accepted, and no attestation leaves, before the proof is durable.

use super::actor::MempoolActor;
use super::examine::{Examined, examine};
use super::forms::Forms;
use super::messages::{Accepted, Submit, SubmitAll, SubmitError};
use super::store::{Change, StoreError};
use crate::network::Fault;
use crate::routes::{Foresee, PoolRequest};
use crate::tap;
use actix::fut::wrap_future;
use actix::{ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture};
use protocol::mempool::{Candidate, Input, PUSH_BYTES_MAX, Refusal, Source, Whereabouts};
use protocol::message::limits::PROOFS_MAX;
use protocol::proof::Proof;
use protocol::types::{Hash, ValidatorIndex};
use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// Proofs that are looked at, or wait for it.
pub const EXAMINED_MAX: usize = 2_048;
/// Bytes of their scripts.
pub const EXAMINED_BYTES_MAX: usize = 128 << 20;

/// Threads that look at proofs.
const LOOKS_MAX: usize = 2;
/// Proofs, and bytes of their scripts, that one thread takes at a time, but for a single longer one.
const BATCH_PROOFS_MAX: usize = 64;
const BATCH_BYTES_MAX: usize = 64 << 10;

type Answer = oneshot::Sender<Result<Accepted, SubmitError>>;

/// A proof that came, from whom, and who is to be told.
struct Look {
    id: Hash,
    proof: Proof,
    source: Source,
    answer: Option<Answer>,
}

impl Look {
    fn tell(self, result: Result<Accepted, SubmitError>) {
        if let Some(answer) = self.answer {
            // Whoever asked may have gone.
            let _ = answer.send(result);
        }
    }
}

#[derive(Default)]
pub(super) struct Intake {
    examined: usize,
    examined_bytes: usize,
    to_examine: VecDeque<Look>,
    looks: usize,
    forms: Arc<Forms>,
    /// Came with the messages that are being handled.
    next: Vec<Change>,
    /// Who waits for a proof to be durable.
    waiters: HashMap<Hash, Vec<Answer>>,
    /// When what was submitted here came, until it is final.
    submitted: HashMap<Hash, Instant>,
}

/// Submissions whose time until they are final is measured: more than the mempool holds, but for the refused ones.
const MEASURED_MAX: usize = 16_384;

impl Intake {
    fn begin(&mut self, proofs: usize, bytes: usize) -> Result<(), SubmitError> {
        let over = self.examined + proofs > EXAMINED_MAX || self.examined_bytes + bytes > EXAMINED_BYTES_MAX;
        if over && self.examined > 0 {
            return Err(SubmitError::Busy { examined: self.examined });
        }
        self.examined += proofs;
        self.examined_bytes += bytes;
        Ok(())
    }

    /// A proof was submitted, and is worth looking at.
    fn came(&mut self, proof: Hash) {
        if self.submitted.len() < MEASURED_MAX {
            self.submitted.entry(proof).or_insert_with(Instant::now);
        }
    }

    /// These are in the database.
    pub(super) fn ended(&mut self, proofs: &[Hash]) {
        let submitted = proofs.iter().filter_map(|proof| self.submitted.remove(proof));
        submitted.for_each(|came| tap::proofs::became_final(came.elapsed()));
    }

    /// It will not become final, as far as this node is concerned.
    pub(super) fn refused(&mut self, proof: &Hash) {
        self.submitted.remove(proof);
    }

    fn batch(&mut self) -> Vec<Look> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(look) = self.to_examine.pop_front_if(|look| {
            bytes += look.proof.script.len();
            batch.is_empty() || (batch.len() < BATCH_PROOFS_MAX && bytes <= BATCH_BYTES_MAX)
        }) {
            batch.push(look);
        }
        batch
    }

    fn end(&mut self, proofs: usize, bytes: usize) {
        self.examined = self.examined.saturating_sub(proofs);
        self.examined_bytes = self.examined_bytes.saturating_sub(bytes);
    }
}

impl Handler<Submit> for MempoolActor {
    type Result = ResponseFuture<Result<Accepted, SubmitError>>;

    fn handle(&mut self, submit: Submit, context: &mut Context<Self>) -> Self::Result {
        let answer = self.submit(submit.0, context);
        Box::pin(answer)
    }
}

impl Handler<SubmitAll> for MempoolActor {
    type Result = ResponseFuture<Vec<Result<Accepted, SubmitError>>>;

    fn handle(&mut self, all: SubmitAll, context: &mut Context<Self>) -> Self::Result {
        let answers: Vec<_> = all.0.into_iter().map(|proof| self.submit(proof, context)).collect();
        Box::pin(async move {
            let mut results = Vec::with_capacity(answers.len());
            // They come in their own time; whoever is waited for longest, all are there then.
            for answer in answers {
                results.push(answer.await);
            }
            results
        })
    }
}

impl MempoolActor {
    /// Begins with a submission; the answer comes when the proof is durable, or is refused.
    fn submit(
        &mut self,
        proof: Proof,
        context: &mut Context<Self>,
    ) -> impl Future<Output = Result<Accepted, SubmitError>> + use<> {
        let (answer, answered) = oneshot::channel();
        self.on_submit(proof, answer, context);
        async move {
            let lost = || SubmitError::Failed("the mempool was rebuilt meanwhile; submit it again".into());
            let answer = answered.await.unwrap_or_else(|_| Err(lost()));
            answer.inspect_err(|error| tap::proofs::refused(error.label()))
        }
    }

    fn on_submit(&mut self, proof: Proof, answer: Answer, context: &mut Context<Self>) {
        let bytes = proof.script.len();
        let max = self.settings.parameters.script_bytes_max;
        if bytes as u64 > max {
            return drop(answer.send(Err(SubmitError::TooLong { bytes: bytes as u64, max })));
        }
        let id = proof.id(&self.settings.chain);
        tap::proofs::came(&id);
        if !self.mempool.welcomes(&id) {
            return self.answer_known(id, self.mempool.find(&id), answer);
        }
        match self.settings.store.final_in(&id) {
            Ok(None) => {}
            Ok(Some((sequence, _))) => return self.answer_known(id, Whereabouts::Final(sequence), answer),
            Err(error) => return self.end(error),
        }
        let source = Source::Submitter(proof.submitter);
        if let Err(refusal) = self.mempool.room(self.now(), source, &id, bytes as u64) {
            let refused = self.refused(id, refusal);
            return drop(answer.send(Err(refused)));
        }
        if let Err(busy) = self.intake.begin(1, bytes) {
            return drop(answer.send(Err(busy)));
        }
        self.intake.came(id);
        self.examine(Look { id, proof, source, answer: Some(answer) }, context);
    }

    /// Puts a proof to those that are to be looked at.
    fn examine(&mut self, look: Look, context: &mut Context<Self>) {
        if self.intake.to_examine.is_empty() {
            // Spawned futures have their turn after the messages that wait: what comes together is looked at together.
            context.spawn(wrap_future::<_, Self>(ready(())).map(|(), actor, context| actor.examine_next(context)));
        }
        self.intake.to_examine.push_back(look);
    }

    /// Looks at what waits, on threads that may take their time; many short proofs at once.
    fn examine_next(&mut self, context: &mut Context<Self>) {
        while self.intake.looks < LOOKS_MAX {
            let batch = self.intake.batch();
            if batch.is_empty() {
                return;
            }
            self.intake.looks += 1;
            let (count, bytes) = (batch.len(), batch.iter().map(|look| look.proof.script.len()).sum());
            let (chain, parameters, forms) =
                (self.settings.chain, self.settings.parameters, Arc::clone(&self.intake.forms));
            let looked = tokio::task::spawn_blocking(move || {
                let proofs: Vec<&Proof> = batch.iter().map(|look| &look.proof).collect();
                let examined = examine(&chain, &parameters, &forms, &proofs);
                examined.into_iter().zip(batch).collect::<Vec<_>>()
            });
            context.spawn(wrap_future::<_, Self>(looked).map(move |looked, actor: &mut Self, context| {
                actor.intake.looks -= 1;
                actor.intake.end(count, bytes);
                for (examined, look) in looked.into_iter().flatten() {
                    match examined {
                        Ok(examined) => actor.on_examined(examined, look, context),
                        // A fault of ours in reading a script costs that proof, not the node.
                        Err(panic) => {
                            tracing::error!(%panic, proof = %look.id, "looking at a proof failed");
                            look.tell(Err(SubmitError::Failed("reading the script failed here".into())));
                        }
                    }
                }
                actor.examine_next(context);
            }));
        }
    }

    fn on_examined(&mut self, examined: Examined, look: Look, context: &mut Context<Self>) {
        let Look { id, source, .. } = look;
        match (examined, source) {
            (Examined::BadSignature, Source::Submitter(_)) => {
                self.intake.refused(&id);
                look.tell(Err(SubmitError::BadSignature));
            }
            (Examined::BadSignature, Source::Peer(from)) => {
                // Who keeps the rules looked at it before it passed it on.
                (self.settings.links.accuse)(from, &Fault::UnsignedProof(id));
                self.step(Input::Spoiled { from, proof: id }, context);
            }
            (Examined::Malformed(refusal), source) => {
                match source {
                    // Counted with its answer.
                    Source::Submitter(_) => self.intake.refused(&id),
                    Source::Peer(_) => tap::proofs::refused(tap::proofs::refusal(&refusal)),
                }
                self.step(Input::Malformed { proof: id, refusal: refusal.clone() }, context);
                look.tell(Err(SubmitError::Refused { proof: id, refusal, come_back: None }));
            }
            (Examined::Good { statement }, _) => {
                tap::proofs::examined(&id);
                let Look { proof, answer, .. } = look;
                let candidate = Candidate { proof: id, statement, size: proof.script.len() as u64, source };
                match self.mempool.admit(self.now(), candidate) {
                    Ok(effects) => {
                        self.intake.waiters.entry(id).or_default().extend(answer);
                        self.foresee(statement, &proof);
                        self.admitted = Some((id, proof.clone()));
                        self.carry_out(effects, context);
                        self.admitted = None;
                        self.write(Change::Put(candidate, Box::new(proof)), context);
                    }
                    Err(whereabouts) => {
                        if matches!(whereabouts, Whereabouts::Refused(_)) {
                            self.intake.refused(&id);
                        }
                        if let Some(answer) = answer {
                            self.answer_known(id, whereabouts, answer);
                        }
                    }
                }
            }
        }
    }

    /// Its verdict does not depend on the disk: a worker that is free begins with it. Of a long script the check takes so
    /// much longer than the write that a second copy of it gains nothing.
    fn foresee(&self, statement: Hash, proof: &Proof) {
        let Proof { claim, script, .. } = proof;
        if script.len() as u64 <= PUSH_BYTES_MAX && self.settings.verdicts.judgement(&statement).is_none() {
            // Not taken, it is checked when its turn comes.
            let foresee = Foresee { statement, claim: *claim, script: script.clone() };
            _ = self.settings.routes.verifier_pool.send(PoolRequest::Foresee(foresee));
        }
    }

    /// Submitting again is harmless: the answer says where the proof is, once that is durable.
    fn answer_known(&mut self, proof: Hash, whereabouts: Whereabouts, answer: Answer) {
        if let Some(waiters) = self.intake.waiters.get_mut(&proof) {
            return waiters.push(answer);
        }
        let result = match whereabouts {
            Whereabouts::Refused(refusal) => Err(self.refused(proof, refusal)),
            known => Ok(Accepted { proof, known: Some(known) }),
        };
        let _ = answer.send(result);
    }

    fn refused(&mut self, proof: Hash, refusal: Refusal) -> SubmitError {
        let come_back = self.mempool.come_back(self.now(), &refusal);
        SubmitError::Refused { proof, refusal, come_back }
    }

    /// What a peer sent: hashed here, so that nobody else is asked for it while it is looked at.
    pub(super) fn on_proofs(&mut self, from: ValidatorIndex, mut proofs: Vec<Proof>, context: &mut Context<Self>) {
        proofs.truncate(PROOFS_MAX);
        let max = self.settings.parameters.script_bytes_max;
        proofs.retain(|proof| {
            let got = proof.script.len() as u64;
            if got > max {
                (self.settings.links.accuse)(from, &Fault::ScriptTooLong { got, max });
            }
            got <= max
        });
        let chain = self.settings.chain;
        let proofs: Vec<_> = proofs.into_iter().map(|proof| (proof.id(&chain), proof)).collect();
        let ids: Vec<Hash> = proofs.iter().map(|(id, _)| *id).collect();
        ids.iter().for_each(tap::proofs::came);
        let now = self.now();
        let source = Source::Peer(from);
        let mut looked_at = Vec::new();
        for (id, proof) in proofs {
            let fits = self.mempool.room(now, source, &id, proof.script.len() as u64).is_ok();
            if self.mempool.welcomes(&id) && fits && !self.is_final(&id, context) {
                looked_at.push((id, proof));
            }
        }
        self.step(Input::Arrived { from, proofs: ids }, context);
        let bytes = looked_at.iter().map(|(_, proof)| proof.script.len()).sum();
        // What is not looked at now is asked for again after a while.
        if !looked_at.is_empty() && self.intake.begin(looked_at.len(), bytes).is_ok() {
            for (id, proof) in looked_at {
                self.examine(Look { id, proof, source, answer: None }, context);
            }
        }
    }

    /// Whether a proof that the mempool does not remember is final.
    fn is_final(&mut self, id: &Hash, context: &mut Context<Self>) -> bool {
        // The mempool knows that, and wants it all the same: consensus needs the script.
        if matches!(self.mempool.find(id), Whereabouts::Final(_)) {
            return false;
        }
        match self.settings.store.final_in(id) {
            Ok(Some((sequence, _))) => {
                self.step(Input::Final { sequence, proofs: vec![*id] }, context);
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.end(error);
                true
            }
        }
    }

    /// Puts a change into the next write, which begins when the messages that wait have had their turn.
    pub(super) fn write(&mut self, change: Change, context: &mut Context<Self>) {
        if self.intake.next.is_empty() {
            context.spawn(wrap_future::<_, Self>(ready(())).map(|(), actor, context| actor.write_next(context)));
        }
        self.intake.next.push(change);
    }

    fn write_next(&mut self, context: &mut Context<Self>) {
        let changes = std::mem::take(&mut self.intake.next);
        let stored = changes.iter().filter_map(|change| match change {
            Change::Put(candidate, _) => Some((candidate.proof, candidate.source)),
            Change::Remove(_) => None,
        });
        let stored: Vec<(Hash, Source)> = stored.collect();
        let (tell, told) = oneshot::channel();
        self.settings.store.change(changes, Box::new(move |result| drop(tell.send(result))));
        context.spawn(wrap_future::<_, Self>(told).map(|written, actor, context| {
            match written.unwrap_or_else(|_| Err(StoreError::closed())) {
                Ok(()) => actor.on_written(stored, context),
                Err(error) => actor.end(error),
            }
        }));
    }

    fn on_written(&mut self, stored: Vec<(Hash, Source)>, context: &mut Context<Self>) {
        for (proof, source) in &stored {
            tap::proofs::accepted(proof, *source);
            for answer in self.intake.waiters.remove(proof).into_iter().flatten() {
                let _ = answer.send(Ok(Accepted { proof: *proof, known: None }));
            }
        }
        if !stored.is_empty() {
            self.step(Input::Stored(stored.into_iter().map(|(proof, _)| proof).collect()), context);
        }
    }
}
