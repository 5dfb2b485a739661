//! A proof's status in the API's words.

use protocol::genesis::Genesis;
use protocol::mempool::Whereabouts;
use protocol::message::Word;
use protocol::types::{NodeId, ValidatorIndex};

pub fn state_name(whereabouts: &Whereabouts) -> &'static str {
    match whereabouts {
        Whereabouts::Unknown => "unknown",
        Whereabouts::Fetching => "fetching",
        Whereabouts::Waiting => "waiting",
        Whereabouts::Checking => "checking",
        Whereabouts::Pending { .. } => "pending",
        Whereabouts::Refused(_) => "refused",
        Whereabouts::Final(_) => "final",
    }
}

/// Validators whose verdict is not known here.
pub fn no_verdict_from(genesis: &Genesis, me: ValidatorIndex, words: &[(ValidatorIndex, Word)]) -> Vec<NodeId> {
    let is_known = |index| index == me || words.iter().any(|(peer, _)| *peer == index);
    let all = (0u16..).map(ValidatorIndex).zip(genesis.validators());
    all.filter(|(index, _)| !is_known(*index)).map(|(_, validator)| validator.node_id.clone()).collect()
}

/// What is refused on attestations is *refuted* as soon as one of them refutes it: a claim that anybody found false must
/// never pass for one that was merely not decided.
pub fn why_not_confirmed(attestations: &[(ValidatorIndex, Word)]) -> &'static str {
    let any = |wanted: Word| attestations.iter().any(|(_, attestation)| *attestation == wanted);
    match (any(Word::Refuted), any(Word::NoVerdict)) {
        (true, _) => "refuted",
        (false, true) => "no_verdict",
        (false, false) => "disputed",
    }
}
