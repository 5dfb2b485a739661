//! The protocol's messages on the wire: their kinds, lanes, sizes and rates.
//!
//! Sizes follow from what one message may hold ([`limits`]) and from how many validators there are, so a small network
//! has small frames. Rates are several times what an honest validator sends; who sends more is read later.

use super::gate::Admitted;
use crate::network::{KindRule, Lane, Newer, PeerMessage};
use protocol::message::{Message, limits};

/// One signature with its voter, in MessagePack.
const SIGNATURE_BYTES: usize = 72;
/// One included vote: signature, voter, epoch, view.
const CARRIED_VOTE_BYTES: usize = 92;
/// One proof of a block: two hashes and a count.
const ENTRY_BYTES: usize = 80;
/// A ballot or vote with its names.
const VOTE_BYTES: usize = 256;
/// What else a message has around its items.
const FRAME_BYTES: usize = 1024;
/// Ancestors whose votes one block includes.
const CARRIED_MAX: usize = protocol::ledger::WINDOW;
/// The longest message of all: answers with blocks or proofs hold fewer of them rather than more bytes.
pub const ANSWER_BYTES_MAX: usize = 16 << 20;

/// The kind of a status.
const STATUS: u8 = 19;

fn certificate_bytes(validators: usize) -> usize {
    VOTE_BYTES + SIGNATURE_BYTES * validators
}

fn block_bytes(validators: usize) -> usize {
    FRAME_BYTES + ENTRY_BYTES * limits::BLOCK_PROOFS_MAX + CARRIED_MAX * (64 + CARRIED_VOTE_BYTES * validators)
}

impl PeerMessage for Message {
    type Verified = Admitted;
    type Fault = protocol::verify::Fault;

    fn kind(&self) -> u8 {
        match self {
            Message::Proposal(_) => 16,
            Message::Vote { .. } => 17,
            Message::Certificate(_) => 18,
            Message::Status(_) => STATUS,
            Message::CertificateRequest { .. } => 20,
            Message::Certificates(_) => 21,
            Message::BlockRequest { .. } => 22,
            Message::Blocks { .. } => 23,
            Message::Testimony(_) => 24,
            Message::Checked(_) => 25,
            Message::Pending(_) => 26,
            Message::ProofRequest(_) => 27,
            Message::Proofs(_) => 28,
        }
    }

    fn rule(kind: u8, validators: usize) -> Option<KindRule> {
        let certificate = certificate_bytes(validators);
        let block = block_bytes(validators);
        let rule = |name, lane, body_bytes_max: usize, per_second, burst| KindRule {
            name,
            lane,
            // T1: where a validator was is of no use beside where it is.
            newer: if kind == STATUS { Newer::Replaces } else { Newer::Follows },
            body_bytes_max: body_bytes_max.min(ANSWER_BYTES_MAX),
            per_second,
            burst,
        };
        Some(match kind {
            16 => {
                let bytes = FRAME_BYTES + block + certificate * (limits::SKIPPED_MAX + 1);
                rule("proposal", Lane::Urgent, bytes, 100, 400)
            }
            17 => rule("vote", Lane::Urgent, VOTE_BYTES + 64, 5_000, 20_000),
            18 => rule("certificate", Lane::Urgent, FRAME_BYTES + certificate, 1_000, 4_000),
            // Three sets of voters, each a bit for a validator in words of up to nine bytes.
            STATUS => rule("status", Lane::Urgent, FRAME_BYTES + 3 * 9 * validators.div_ceil(64), 50, 200),
            20 => rule("certificate_request", Lane::Urgent, FRAME_BYTES, 100, 400),
            21 => rule("certificates", Lane::Bulk, FRAME_BYTES + limits::CERTIFICATES_MAX * certificate, 100, 400),
            22 => rule("block_request", Lane::Urgent, FRAME_BYTES, 100, 400),
            23 => rule("blocks", Lane::Bulk, FRAME_BYTES + limits::BLOCKS_MAX * block + certificate, 100, 400),
            24 => {
                let bytes = FRAME_BYTES + certificate + limits::TESTIMONY_VOTES_MAX * VOTE_BYTES;
                rule("recovery_response", Lane::Urgent, bytes, 20, 100)
            }
            25 => rule("attestations", Lane::Urgent, FRAME_BYTES + limits::WORDS_MAX * 80, 200, 1_000),
            26 => rule("pending", Lane::Bulk, FRAME_BYTES + limits::IDS_MAX * 34, 50, 200),
            27 => rule("proof_request", Lane::Urgent, FRAME_BYTES + limits::PROOFS_MAX * 34, 200, 1_000),
            28 => rule("proofs", Lane::Bulk, ANSWER_BYTES_MAX, 200, 1_000),
            _ => return None,
        })
    }
}
