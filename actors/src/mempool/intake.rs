//! The ways in: submissions and what peers send, looked at beside the actor, then written together.
//!
//! Bounded in count and bytes of what is looked at. One write is under way at a time; what comes meanwhile goes into the
//! next one, so that many submissions share an fsync. Nobody hears "accepted" before that.

use super::actor::MempoolActor;
use super::examine::{Examined, examine};
use super::messages::{Accepted, Submit, SubmitError};
use super::store::Change;
use crate::exit_code;
use crate::network::Fault;
use actix::fut::wrap_future;
use actix::{ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture};
use protocol::mempool::{Candidate, Input, Refusal, Source, Whereabouts};
use protocol::message::limits::PROOFS_MAX;
use protocol::proof::Proof;
use protocol::types::{Hash, ValidatorIndex};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Proofs that are looked at at once.
pub const EXAMINED_MAX: usize = 256;
/// Bytes of their scripts.
pub const EXAMINED_BYTES_MAX: usize = 128 << 20;

type Answer = oneshot::Sender<Result<Accepted, SubmitError>>;

#[derive(Default)]
pub(super) struct Intake {
    examined: usize,
    examined_bytes: usize,
    /// Waits for the write that is under way.
    next: Vec<Change>,
    writing: bool,
    /// Who waits for a proof to be durable.
    waiters: HashMap<Hash, Vec<Answer>>,
}

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

    fn end(&mut self, proofs: usize, bytes: usize) {
        self.examined = self.examined.saturating_sub(proofs);
        self.examined_bytes = self.examined_bytes.saturating_sub(bytes);
    }
}

impl Handler<Submit> for MempoolActor {
    type Result = ResponseFuture<Result<Accepted, SubmitError>>;

    fn handle(&mut self, submit: Submit, context: &mut Context<Self>) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.on_submit(submit.0, answer, context);
        Box::pin(async move {
            let lost = || SubmitError::Failed("the mempool was rebuilt meanwhile; submit it again".into());
            answered.await.unwrap_or_else(|_| Err(lost()))
        })
    }
}

impl MempoolActor {
    fn on_submit(&mut self, proof: Proof, answer: Answer, context: &mut Context<Self>) {
        let bytes = proof.script.len();
        let max = self.settings.parameters.script_bytes_max;
        if bytes as u64 > max {
            return drop(answer.send(Err(SubmitError::TooLong { bytes: bytes as u64, max })));
        }
        let id = proof.id(&self.settings.chain);
        if !self.mempool.welcomes(&id) {
            return self.answer_known(id, self.mempool.find(&id), answer);
        }
        match self.settings.store.final_in(&id) {
            Ok(None) => {}
            Ok(Some((sequence, _))) => return self.answer_known(id, Whereabouts::Final(sequence), answer),
            Err(error) => return self.end(&error),
        }
        let source = Source::Submitter(proof.submitter);
        if let Err(refusal) = self.mempool.room(self.now(), source, &id, bytes as u64) {
            let refused = self.refused(id, refusal);
            return drop(answer.send(Err(refused)));
        }
        if let Err(busy) = self.intake.begin(1, bytes) {
            return drop(answer.send(Err(busy)));
        }
        self.examine(vec![(id, proof)], source, Some(answer), context);
    }

    /// Looks at proofs on a thread that may take its time.
    fn examine(
        &mut self,
        proofs: Vec<(Hash, Proof)>,
        source: Source,
        answer: Option<Answer>,
        context: &mut Context<Self>,
    ) {
        let (chain, parameters) = (self.settings.chain, self.settings.parameters);
        let (count, bytes) = (proofs.len(), proofs.iter().map(|(_, proof)| proof.script.len()).sum());
        let looked = tokio::task::spawn_blocking(move || {
            let look = |(id, proof): (Hash, Proof)| (id, examine(&chain, &parameters, &proof), proof);
            proofs.into_iter().map(look).collect::<Vec<_>>()
        });
        context.spawn(wrap_future::<_, Self>(looked).map(move |looked, actor: &mut Self, context| {
            actor.intake.end(count, bytes);
            let mut answer = answer;
            match looked {
                Ok(looked) => looked.into_iter().for_each(|(id, examined, proof)| {
                    actor.on_examined(id, examined, proof, source, answer.take(), context);
                }),
                // A fault of ours in reading the script costs that proof, not the node.
                Err(panic) => {
                    tracing::error!(%panic, "looking at a proof failed");
                    if let Some(answer) = answer {
                        let _ = answer.send(Err(SubmitError::Failed("reading the script failed here".into())));
                    }
                }
            }
        }));
    }

    fn on_examined(
        &mut self,
        id: Hash,
        examined: Examined,
        proof: Proof,
        source: Source,
        answer: Option<Answer>,
        context: &mut Context<Self>,
    ) {
        let tell = |answer: Option<Answer>, result| {
            if let Some(answer) = answer {
                // Whoever asked may have gone.
                let _ = answer.send(result);
            }
        };
        match (examined, source) {
            (Examined::BadSignature, Source::Submitter(_)) => tell(answer, Err(SubmitError::BadSignature)),
            (Examined::BadSignature, Source::Peer(from)) => {
                // Who keeps the rules looked at it before it passed it on.
                (self.settings.accuse)(from, &Fault::UnsignedProof(id));
                self.step(Input::Spoiled { from, proof: id }, context);
            }
            (Examined::Malformed(refusal), _) => {
                self.step(Input::Malformed { proof: id, refusal: refusal.clone() }, context);
                tell(answer, Err(SubmitError::Refused { proof: id, refusal, come_back: None }));
            }
            (Examined::Good { statement }, _) => {
                let candidate = Candidate { proof: id, statement, size: proof.script.len() as u64, source };
                match self.mempool.admit(self.now(), candidate) {
                    Ok(effects) => {
                        self.intake.waiters.entry(id).or_default().extend(answer);
                        self.carry_out(effects, context);
                        self.write(Change::Put(candidate, Box::new(proof)), context);
                    }
                    Err(whereabouts) => {
                        if let Some(answer) = answer {
                            self.answer_known(id, whereabouts, answer);
                        }
                    }
                }
            }
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
                (self.settings.accuse)(from, &Fault::ScriptTooLong { got, max });
            }
            got <= max
        });
        let chain = self.settings.chain;
        let proofs: Vec<_> = proofs.into_iter().map(|proof| (proof.id(&chain), proof)).collect();
        let ids = proofs.iter().map(|(id, _)| *id).collect();
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
            self.examine(looked_at, source, None, context);
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
                self.end(&error);
                true
            }
        }
    }

    /// Puts a change into the next write.
    pub(super) fn write(&mut self, change: Change, context: &mut Context<Self>) {
        self.intake.next.push(change);
        self.write_next(context);
    }

    fn write_next(&mut self, context: &mut Context<Self>) {
        if self.intake.writing || self.intake.next.is_empty() {
            return;
        }
        self.intake.writing = true;
        let changes = std::mem::take(&mut self.intake.next);
        let store = Arc::clone(&self.settings.store);
        let written = tokio::task::spawn_blocking(move || store.change(&changes).map(|()| changes));
        context.spawn(wrap_future::<_, Self>(written).map(|written, actor: &mut Self, context| {
            actor.intake.writing = false;
            match written {
                Ok(Ok(changes)) => actor.on_written(changes, context),
                Ok(Err(error)) => actor.end(&error),
                Err(panic) => {
                    (actor.settings.exit)(exit_code::INTERNAL, format!("writing pending proofs failed: {panic}"))
                }
            }
            actor.write_next(context);
        }));
    }

    fn on_written(&mut self, changes: Vec<Change>, context: &mut Context<Self>) {
        let mut stored = Vec::new();
        for change in changes {
            match change {
                Change::Put(candidate, proof) => {
                    stored.push(candidate.proof);
                    self.fresh.insert(candidate.proof, *proof);
                }
                Change::Remove(_) => {}
            }
        }
        for proof in &stored {
            for answer in self.intake.waiters.remove(proof).into_iter().flatten() {
                let _ = answer.send(Ok(Accepted { proof: *proof, known: None }));
            }
        }
        if !stored.is_empty() {
            self.step(Input::Stored(stored), context);
        }
        self.fresh.clear();
    }
}
