//! The mempool's shell: durable before told, scripts from the catalogue, verdicts from it too.

use super::{Action, Node, Sight, local};
use protocol::consensus::events::{Input, To};
use protocol::mempool::{self, Effect, Judgement, Source};
use protocol::message::Message;
use protocol::types::{Hash, Millis, ValidatorIndex};

impl Node {
    /// A submitter hands a proof to this validator.
    pub fn submit(&mut self, now: Millis, proof: Hash) {
        let submitter = self.scenario.catalogue.get(&proof).proof.submitter;
        self.admit(now, proof, Source::Submitter(submitter));
        self.pump(now);
    }

    fn admit(&mut self, now: Millis, proof: Hash, source: Source) {
        let candidate = self.scenario.catalogue.get(&proof).candidate(source);
        let Some(running) = &mut self.running else { return };
        if let Ok(effects) = running.mempool.admit(local(now, running.origin), candidate) {
            self.mempool_effects(now, effects);
            self.actions.push(Action::Store(proof));
        }
    }

    /// An admitted proof is durable.
    pub fn stored(&mut self, now: Millis, proof: Hash) {
        if self.disk.database.final_in(&proof).is_none() && !self.disk.pending.contains(&proof) {
            self.disk.pending.push(proof);
        }
        self.mempool_step(now, mempool::Input::Stored(vec![proof]));
        self.pump(now);
    }

    /// The solver has spoken.
    pub fn judged(&mut self, now: Millis, proof: Hash, judgement: Judgement) {
        self.mempool_step(now, mempool::Input::Judged { proof, judgement });
        self.pump(now);
    }

    /// The scripts that were asked for have been read.
    pub fn serve_proofs(&mut self, now: Millis, to: ValidatorIndex, asked: &[Hash]) {
        let here = asked
            .iter()
            .filter(|proof| self.disk.pending.contains(proof) || self.disk.database.final_in(proof).is_some());
        let proofs = here.map(|proof| self.scenario.catalogue.get(proof).proof.clone()).collect();
        self.actions.push(Action::Send(To::Peer(to), Message::Proofs(proofs)));
        self.mempool_step(now, mempool::Input::Served(to));
        self.pump(now);
    }

    /// Gives the mempool a message that is for it.
    pub(super) fn mempool_message(&mut self, now: Millis, from: ValidatorIndex, message: &Message) {
        match message {
            Message::Pending(proofs) => {
                self.mempool_step(now, mempool::Input::Offered { from, proofs: proofs.clone() });
            }
            Message::ProofRequest(proofs) => {
                self.mempool_step(now, mempool::Input::Asked { from, proofs: proofs.clone() });
            }
            Message::Proofs(proofs) => {
                let chain = *self.scenario.set.chain();
                let ids: Vec<Hash> = proofs.iter().map(|proof| proof.id(&chain)).collect();
                self.mempool_step(now, mempool::Input::Arrived { from, proofs: ids.clone() });
                for id in ids {
                    match self.disk.database.final_in(&id) {
                        Some(sequence) => {
                            self.mempool_step(now, mempool::Input::Final { sequence, proofs: vec![id] });
                            // Needed for a late Prepare, it is welcome although it is final.
                            self.admit_if_welcome(now, id, from);
                        }
                        None => self.admit_if_welcome(now, id, from),
                    }
                }
            }
            Message::Checked(words) => self.mempool_step(now, mempool::Input::Words { from, words: words.clone() }),
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

    fn admit_if_welcome(&mut self, now: Millis, proof: Hash, from: ValidatorIndex) {
        let welcome = self.running.as_ref().is_some_and(|running| running.mempool.welcomes(&proof));
        if welcome {
            self.admit(now, proof, Source::Peer(from));
        }
    }

    pub(super) fn mempool_step(&mut self, now: Millis, input: mempool::Input) {
        let Some(running) = &mut self.running else { return };
        let effects = running.mempool.step(local(now, running.origin), input);
        self.mempool_effects(now, effects);
    }

    fn mempool_effects(&mut self, _now: Millis, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(to, message) => self.actions.push(Action::Send(To::Peer(to), message)),
                Effect::Push { proof, to } => {
                    let proof = self.scenario.catalogue.get(&proof).proof.clone();
                    for peer in to {
                        self.actions.push(Action::Send(To::Peer(peer), Message::Proofs(vec![proof.clone()])));
                    }
                }
                Effect::Serve { to, proofs } => self.actions.push(Action::ServeProofs { to, proofs }),
                Effect::Check { proof, .. } => self.actions.push(Action::Check(proof)),
                // Its verdict will come, and the mempool will not look at it.
                Effect::Cancel(_) => {}
                Effect::Tell(checked) => self.mail(Input::Checked(vec![checked])),
                Effect::Refuse { proof, .. } => {
                    self.disk.pending.retain(|pending| *pending != proof);
                    self.mail(Input::Forgotten(proof));
                    self.actions.push(Action::Saw(Sight::Refused(proof)));
                }
                Effect::Delete(proof) => self.disk.pending.retain(|pending| *pending != proof),
            }
        }
    }

    /// For consensus, in its turn.
    fn mail(&mut self, input: Input) {
        if let Some(running) = &mut self.running {
            running.mailbox.push_back(input);
        }
    }
}
