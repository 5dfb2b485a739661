//! The look at proofs that came from outside: their signatures, then their form. Hostile until this is over.
//!
//! It runs on a thread that may take its time; it must never touch the mempool's state.

use super::forms::Forms;
use crate::supervision::{Panic, caught};
use crate::tap;
use protocol::mempool::Refusal;
use protocol::proof::{Proof, are_signed};
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

/// Signatures first, together: only a proof with a valid signature has its form checked. A panic of ours is reported
/// with its text and costs the proof that caused it; in the signatures it costs all of them.
pub(super) fn examine(
    chain: &Hash,
    parameters: &VerifierParameters,
    forms: &Forms,
    proofs: &[&Proof],
) -> Vec<Result<Examined, Panic>> {
    tap::proofs::signatures_checked(proofs.len());
    let signed = match caught(|| are_signed(chain, proofs)) {
        Ok(signed) => signed,
        Err(panic) => return proofs.iter().map(|_| Err(panic.clone())).collect(),
    };
    let look = |(proof, signed): (&&Proof, bool)| match signed {
        true => caught(|| form(parameters, forms, proof)),
        false => Ok(Examined::BadSignature),
    };
    proofs.iter().zip(signed).map(look).collect()
}

fn form(parameters: &VerifierParameters, forms: &Forms, proof: &Proof) -> Examined {
    let limits = smtlib::Limits { bytes_max: parameters.script_bytes_max, ..smtlib::Limits::default() };
    let read = || smtlib::normalise(&proof.script, &limits).map(|normalised| Hash(normalised.identity));
    match forms.identity(&proof.script, read) {
        Ok(identity) => Examined::Good { statement: statement_id(&identity, proof.claim) },
        Err(error) => {
            let mut text = error.kind.to_string();
            if let Some((end, _)) = text.char_indices().nth(Report::TEXT_BYTES_MAX / 4) {
                text.truncate(end);
            }
            Examined::Malformed(Refusal::Malformed { line: error.line, column: error.column, text })
        }
    }
}
