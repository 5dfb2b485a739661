//! Which parts of a validator a peer's message is for.

use crate::message::Message;

/// The parts that take messages of peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    pub consensus: bool,
    pub mempool: bool,
}

const CONSENSUS: Parts = Parts { consensus: true, mempool: false };
const MEMPOOL: Parts = Parts { consensus: false, mempool: true };
const BOTH: Parts = Parts { consensus: true, mempool: true };

/// For whom a verified message is. Every message is for somebody.
pub fn inbound(message: &Message) -> Parts {
    match message {
        Message::Pending(_) | Message::ProofRequest(_) | Message::Proofs(_) => MEMPOOL,
        // Ready counts it, and the mempool learns who has a proof.
        Message::Checked(_) => BOTH,
        Message::Proposal(_)
        | Message::Vote { .. }
        | Message::Certificate(_)
        | Message::Status(_)
        | Message::CertificateRequest { .. }
        | Message::Certificates(_)
        | Message::BlockRequest { .. }
        | Message::Blocks { .. }
        | Message::Testimony(_) => CONSENSUS,
    }
}
