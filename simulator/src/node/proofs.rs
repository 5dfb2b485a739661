//! The mempool's shell: durable before told, scripts from the catalogue, verdicts from it too.

use super::{Action, Life, Node, Verdict, local};
use protocol::consensus::events::To;
use protocol::mempool::{self, Limits, Mempool, Source};
use protocol::message::Message;
use protocol::proof::Proof;
use protocol::types::{Hash, Millis, ValidatorIndex};
use protocol::validator::route::{Effect, PoolEffect};

impl Node {
    /// From what is on the disk.
    pub(super) fn restored_mempool(&self) -> Mempool {
        let checks_max = 1 + usize::from(self.me.0 % 3);
        let candidates = self.disk.pending.iter().map(|proof| {
            let item = self.scenario.catalogue.get(proof);
            let noted = self.running.as_ref().and_then(|running| running.noted.get(proof)).copied();
            (item.candidate(Source::Submitter(item.proof.submitter)), noted)
        });
        let held: Vec<_> = candidates.collect();
        Mempool::restored(Limits::new(10_000, 1 << 30, checks_max), &held).of(self.me)
    }

    /// A submitter hands a proof to this validator.
    pub fn submit(&mut self, now: Millis, proof: Hash) {
        let submitter = self.scenario.catalogue.get(&proof).proof.submitter;
        self.admit(now, proof, Source::Submitter(submitter));
        self.pump(now);
    }

    fn admit(&mut self, now: Millis, proof: Hash, source: Source) {
        let candidate = self.scenario.catalogue.get(&proof).candidate(source);
        let Some(running) = &mut self.running else { return };
        let life = running.lives.mempool;
        if let Ok(effects) = running.mempool.admit(local(now, running.origin), candidate) {
            effects.into_iter().for_each(|effect| self.carry_out(now, Effect::Mempool(effect)));
            self.actions.push(Action::Store(proof, life));
            if let Some(running) = &mut self.running {
                running.storing.push(proof);
            }
        }
    }

    /// Whether the life of the mempool that took in a proof is still there to hear that it is durable.
    pub fn awaits_store(&self, life: Life) -> bool {
        self.running.as_ref().is_some_and(|running| running.lives.mempool == life)
    }

    /// An admitted proof is durable.
    pub fn stored(&mut self, now: Millis, proof: Hash, life: Life) {
        if self.awaits_store(life) {
            self.store(proof);
            self.tell_mempool(mempool::Input::Stored(vec![proof]));
            self.pump(now);
        }
    }

    pub(super) fn store(&mut self, proof: Hash) {
        if let Some(running) = &mut self.running {
            running.storing.retain(|storing| *storing != proof);
        }
        if self.disk.database.final_in(&proof).is_none() && !self.disk.pending.contains(&proof) {
            self.disk.pending.push(proof);
        }
    }

    /// The solver has spoken.
    pub fn judged(&mut self, now: Millis, (proof, judgement, life): Verdict) {
        if self.running.as_ref().is_some_and(|running| running.lives.verifier_pool == life) {
            self.carry_out(now, Effect::VerifierPool(PoolEffect::Judged { proof, judgement }));
            self.pump(now);
        }
    }

    /// The scripts that were asked for have been read.
    pub fn serve_proofs(&mut self, now: Millis, to: ValidatorIndex, asked: &[Hash]) {
        let here = asked
            .iter()
            .filter(|proof| self.disk.pending.contains(proof) || self.disk.database.final_in(proof).is_some());
        let proofs = here.map(|proof| self.scenario.catalogue.get(proof).proof.clone()).collect();
        self.actions.push(Action::Send(To::Peer(to), Message::Proofs(proofs)));
        self.tell_mempool(mempool::Input::Served(to));
        self.pump(now);
    }

    /// Scripts that a peer sent.
    pub(super) fn scripts(&mut self, now: Millis, from: ValidatorIndex, proofs: &[Proof]) {
        let chain = *self.scenario.set.chain();
        let ids: Vec<Hash> = proofs.iter().map(|proof| proof.id(&chain)).collect();
        self.step_mempool(now, mempool::Input::Arrived { from, proofs: ids.clone() });
        for id in ids {
            if let Some(sequence) = self.disk.database.final_in(&id) {
                // Needed for a late Prepare, it is welcome although it is final.
                self.step_mempool(now, mempool::Input::Final { sequence, proofs: vec![id] });
            }
            self.admit_if_welcome(now, id, from);
        }
    }

    fn admit_if_welcome(&mut self, now: Millis, proof: Hash, from: ValidatorIndex) {
        let welcome = self.running.as_ref().is_some_and(|running| running.mempool.welcomes(&proof));
        if welcome {
            self.admit(now, proof, Source::Peer(from));
        }
    }
}
