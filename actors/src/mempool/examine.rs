//! The look at a proof that came from outside: its signature, then its form. Hostile until this is over.
//!
//! It runs on a thread that may take its time; it must never touch the mempool's state.

use protocol::mempool::Refusal;
use protocol::proof::Proof;
use protocol::signature::Ed25519;
use protocol::types::Hash;
use protocol::verdict::{Report, VerifierParameters, statement_id};

/// What a look at a proof showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Examined {
    /// Signed, and of the right form.
    Good {
        statement: Hash,
    },
    BadSignature,
    Malformed(Refusal),
}

/// Signature first: a form is looked at only for who stands for it.
pub(super) fn examine(chain: &Hash, parameters: &VerifierParameters, proof: &Proof) -> Examined {
    if !proof.is_signed(chain, &Ed25519) {
        return Examined::BadSignature;
    }
    let limits = smtlib::Limits { bytes_max: parameters.script_bytes_max, ..smtlib::Limits::default() };
    match smtlib::normalise(&proof.script, &limits) {
        Ok(normalised) => Examined::Good { statement: statement_id(&Hash(normalised.identity), proof.claim) },
        Err(error) => {
            let mut text = error.kind.to_string();
            if let Some((end, _)) = text.char_indices().nth(Report::TEXT_BYTES_MAX / 4) {
                text.truncate(end);
            }
            Examined::Malformed(Refusal::Malformed { line: error.line, column: error.column, text })
        }
    }
}
