//! Which parts of a validator a peer's message is for, and as what.

use super::route::{Delivery, MempoolInput};
use crate::consensus::events;
use crate::mempool;
use crate::message::Message;
use crate::types::ValidatorIndex;
use crate::verify::Verified;

/// Delivers a verified message of a peer with a session; `deliver` tells whether it was taken. Every message is for somebody.
/// Scripts may be megabytes, and are not copied.
///
/// What consensus did not take the mempool does not hear either: it asks for the attestations that it lacks, for both.
pub fn inbound(from: ValidatorIndex, message: Verified<Message>, deliver: &mut impl FnMut(Delivery) -> bool) {
    let is_of_mempool = match &*message {
        Message::Pending(_) | Message::ProofRequest(_) | Message::Proofs(_) => true,
        // Ready counts it, and the mempool learns who has a proof.
        Message::Checked(words) => {
            let words = words.clone();
            if deliver(Delivery::Consensus(events::Input::Peer(from, message))) {
                deliver(step(mempool::Input::Words { from, words }));
            }
            return;
        }
        Message::Proposal(_)
        | Message::Vote { .. }
        | Message::Certificate(_)
        | Message::Status(_)
        | Message::CertificateRequest { .. }
        | Message::Certificates(_)
        | Message::BlockRequest { .. }
        | Message::Blocks { .. }
        | Message::Testimony(_) => false,
    };
    if !is_of_mempool {
        deliver(Delivery::Consensus(events::Input::Peer(from, message)));
        return;
    }
    let input = match message.into_inner() {
        Message::Pending(proofs) => MempoolInput::Step(mempool::Input::Offered { from, proofs }),
        Message::ProofRequest(proofs) => MempoolInput::Step(mempool::Input::Asked { from, proofs }),
        Message::Proofs(proofs) => MempoolInput::Scripts { from, proofs },
        // Delivered above.
        _ => return,
    };
    deliver(Delivery::Mempool(input));
}

fn step(input: mempool::Input) -> Delivery {
    Delivery::Mempool(MempoolInput::Step(input))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Word;
    use crate::types::{Hash, View};
    use alloc::vec::Vec;

    const FROM: ValidatorIndex = ValidatorIndex(1);

    fn delivered(message: Message) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        inbound(FROM, Verified::own(message), &mut |delivery| {
            deliveries.push(delivery);
            true
        });
        deliveries
    }

    /// Found by the simulator: who refused a proof was never asked for its word again, which only consensus lacked.
    #[test]
    fn an_attestation_that_consensus_does_not_take_the_mempool_does_not_hear() {
        let mut count = 0;
        inbound(FROM, Verified::own(Message::Checked(Vec::new())), &mut |delivery| {
            assert!(matches!(delivery, Delivery::Consensus(_)));
            count += 1;
            false
        });
        assert_eq!(count, 1);
    }

    #[test]
    fn an_attestation_is_for_both_and_a_script_for_the_mempool_alone() {
        let words = Vec::from([(Hash::ZERO, Word::Refuted)]);
        let both = delivered(Message::Checked(words.clone()));
        let heard = Delivery::Consensus(events::Input::Peer(FROM, Verified::own(Message::Checked(words.clone()))));
        assert_eq!(both, [heard, step(mempool::Input::Words { from: FROM, words })]);
        let scripts = delivered(Message::Proofs(Vec::new()));
        assert_eq!(scripts, [Delivery::Mempool(MempoolInput::Scripts { from: FROM, proofs: Vec::new() })]);
        let asked = Message::CertificateRequest { kind: crate::vote::VoteKind::Prepare, from: View(1), to: View(2) };
        assert!(matches!(delivered(asked)[..], [Delivery::Consensus(_)]));
    }
}
