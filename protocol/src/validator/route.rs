//! Who is told what: what a part of a validator asks for, in the words of the part that takes it, or of the world.
//!
//! ```text
//!   part ──► Effect ──► route ──► Delivery ──► another part's input, or Io
//! ```
//! The only place where that is decided. The process delivers to mailboxes and carries out [`Io`]; the simulator does both in
//! virtual time.

use crate::certificate::Certificate;
use crate::consensus::events::{self, FinalBlock, Halt, Notice, Record, To};
use crate::mempool;
use crate::message::Message;
use crate::proof::Proof;
use crate::types::{Hash, Sequence, ValidatorIndex};
use alloc::vec::Vec;

/// The parts of a validator that restart by themselves. Sessions are the network's, and outlive all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Consensus,
    ViewChange,
    LeaderElection,
    Mempool,
    VerifierPool,
    State,
}

impl Part {
    pub const ALL: [Part; 6] =
        [Part::Consensus, Part::ViewChange, Part::LeaderElection, Part::Mempool, Part::VerifierPool, Part::State];
}

/// What a part asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Consensus(events::Effect),
    /// Of `view_change` and `leader_election`, which only ask consensus.
    Follower(events::Input),
    Mempool(mempool::Effect),
    VerifierPool(PoolEffect),
    State(StateEffect),
}

/// What the verifier pool says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolEffect {
    /// The result on a proof that was to be checked.
    Judged { proof: Hash, judgement: mempool::Judgement },
}

/// What the state says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateEffect {
    /// Everything up to this sequence is in the database, and answers for it.
    Applied(Sequence),
    /// A block with these proofs is in the database.
    Final { sequence: Sequence, proofs: Vec<Hash> },
}

/// What the state takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateInput {
    /// Blocks became final, ascending; the certificate is of the last. None may be lost.
    Apply { blocks: Vec<FinalBlock>, commit: Certificate },
    /// A peer asks for final blocks above a sequence. Lost, it asks again.
    Serve { to: ValidatorIndex, above: Sequence },
}

/// What the verifier pool takes. Whoever delivers a check reads the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolInput {
    Check { proof: Hash, urgent: bool },
    Cancel(Hash),
}

/// What the mempool takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MempoolInput {
    Step(mempool::Input),
    /// Scripts that a peer sent: each is examined before the mempool knows of it.
    Scripts {
        from: ValidatorIndex,
        proofs: Vec<Proof>,
    },
}

/// For whom something is, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Consensus(events::Input),
    /// To `view_change` and `leader_election`.
    Followers(Notice),
    Mempool(MempoolInput),
    VerifierPool(PoolInput),
    State(StateInput),
    Io(Io),
}

/// What a validator does to the world: network, disk, and its own process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Io {
    Send(To, Message),
    /// A small script that is just being taken in goes to these peers unasked.
    Push {
        proof: Hash,
        to: Vec<ValidatorIndex>,
    },
    /// Reads these scripts and sends them; then the mempool is told [`mempool::Input::Served`].
    ServeScripts {
        to: ValidatorIndex,
        proofs: Vec<Hash>,
    },
    /// The pending proof leaves the disk.
    Remove(Hash),
    /// The vote log is replaced by these records.
    Shorten(Vec<Record>),
    /// Every session is closed, so that peers report in new ones.
    Reconnect,
    /// The process ends.
    Halt(Halt),
}

/// Delivers one effect: to one part, or to two in this order.
pub fn route(effect: Effect, deliver: &mut impl FnMut(Delivery)) {
    match effect {
        Effect::Consensus(effect) => deliver(of_consensus(effect)),
        Effect::Follower(input) => deliver(Delivery::Consensus(input)),
        Effect::Mempool(effect) => of_mempool(effect, deliver),
        Effect::VerifierPool(PoolEffect::Judged { proof, judgement }) => {
            deliver(Delivery::Mempool(MempoolInput::Step(mempool::Input::Judged { proof, judgement })));
        }
        Effect::State(StateEffect::Applied(sequence)) => {
            deliver(Delivery::Consensus(events::Input::Applied(sequence)));
        }
        Effect::State(StateEffect::Final { sequence, proofs }) => {
            deliver(Delivery::Mempool(MempoolInput::Step(mempool::Input::Final { sequence, proofs })));
        }
    }
}

fn of_consensus(effect: events::Effect) -> Delivery {
    match effect {
        events::Effect::Send(to, message) => Delivery::Io(Io::Send(to, message)),
        events::Effect::Final { blocks, commit } => Delivery::State(StateInput::Apply { blocks, commit }),
        events::Effect::Serve { to, above } => Delivery::State(StateInput::Serve { to, above }),
        events::Effect::Need { proofs, from } => {
            Delivery::Mempool(MempoolInput::Step(mempool::Input::Need { proofs, from }))
        }
        events::Effect::Refused { proof, words } => {
            Delivery::Mempool(MempoolInput::Step(mempool::Input::Refused { proof, words }))
        }
        events::Effect::Shorten(records) => Delivery::Io(Io::Shorten(records)),
        events::Effect::Reconnect => Delivery::Io(Io::Reconnect),
        events::Effect::Notice(notice) => Delivery::Followers(notice),
        events::Effect::Halt(halt) => Delivery::Io(Io::Halt(halt)),
    }
}

fn of_mempool(effect: mempool::Effect, deliver: &mut impl FnMut(Delivery)) {
    match effect {
        mempool::Effect::Send(to, message) => deliver(Delivery::Io(Io::Send(To::Peer(to), message))),
        mempool::Effect::Push { proof, to } => deliver(Delivery::Io(Io::Push { proof, to })),
        mempool::Effect::Serve { to, proofs } => deliver(Delivery::Io(Io::ServeScripts { to, proofs })),
        mempool::Effect::Check { proof, urgent } => deliver(Delivery::VerifierPool(PoolInput::Check { proof, urgent })),
        mempool::Effect::Cancel(proof) => deliver(Delivery::VerifierPool(PoolInput::Cancel(proof))),
        mempool::Effect::Tell(checked) => {
            deliver(Delivery::Consensus(events::Input::Checked(alloc::vec![checked])));
        }
        mempool::Effect::Restarted { held } => {
            deliver(Delivery::Consensus(events::Input::MempoolRestarted { held }));
        }
        mempool::Effect::Refuse { proof, refusal: _ } => {
            deliver(Delivery::Io(Io::Remove(proof)));
            deliver(Delivery::Consensus(events::Input::Forgotten(proof)));
        }
        mempool::Effect::Delete(proof) => deliver(Delivery::Io(Io::Remove(proof))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::events::Checked;
    use crate::message::Word;
    use crate::types::ResourceCount;

    fn routed(effect: Effect) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        route(effect, &mut |delivery| deliveries.push(delivery));
        deliveries
    }

    const PROOF: Hash = Hash([7; 32]);

    #[test]
    fn what_consensus_needs_of_proofs_goes_to_the_mempool_as_it_is() {
        let (proofs, from) = (alloc::vec![PROOF], alloc::vec![ValidatorIndex(2)]);
        let need = Effect::Consensus(events::Effect::Need { proofs: proofs.clone(), from: from.clone() });
        assert_eq!(routed(need), [Delivery::Mempool(MempoolInput::Step(mempool::Input::Need { proofs, from }))]);
    }

    #[test]
    fn a_verdict_reaches_consensus_as_an_attestation() {
        let judgement = mempool::Judgement::Word(Word::Confirmed(ResourceCount(9)));
        let judged = Effect::VerifierPool(PoolEffect::Judged { proof: PROOF, judgement });
        let step = Delivery::Mempool(MempoolInput::Step(mempool::Input::Judged { proof: PROOF, judgement }));
        assert_eq!(routed(judged), [step]);
        let checked = Checked { proof: PROOF, statement: Hash::ZERO, word: Word::Refuted };
        let told = routed(Effect::Mempool(mempool::Effect::Tell(checked)));
        assert_eq!(told, [Delivery::Consensus(events::Input::Checked(alloc::vec![checked]))]);
    }

    /// In this order; the write need not be over. If it is lost, the proof is pending again after a restart, and refused again.
    #[test]
    fn a_refused_proof_is_removed_from_the_disk_and_from_consensus() {
        let refused = mempool::Effect::Refuse { proof: PROOF, refusal: mempool::Refusal::Displaced };
        let forgotten = Delivery::Consensus(events::Input::Forgotten(PROOF));
        assert_eq!(routed(Effect::Mempool(refused)), [Delivery::Io(Io::Remove(PROOF)), forgotten]);
    }

    #[test]
    fn a_final_block_goes_to_the_state_and_comes_back_to_both_that_wait_for_it() {
        let applied = routed(Effect::State(StateEffect::Applied(Sequence(4))));
        assert_eq!(applied, [Delivery::Consensus(events::Input::Applied(Sequence(4)))]);
        let (sequence, proofs) = (Sequence(4), alloc::vec![PROOF]);
        let told = routed(Effect::State(StateEffect::Final { sequence, proofs: proofs.clone() }));
        assert_eq!(told, [Delivery::Mempool(MempoolInput::Step(mempool::Input::Final { sequence, proofs }))]);
    }
}
