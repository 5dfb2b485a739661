//! Many look-ups at once: which proofs and statements are final, refused, under way or unknown here.
//!
//! The mempool is asked first and final history afterwards, so that nothing falls between the two; what final history says
//! goes before. All of one answer is of one moment of it. Bounded: in look-ups, in the bytes of body and answer, and in how
//! many requests are looked up at once. Must never: change anything, or read a block more than once for one request.

use super::body::{parse, read, shortened};
use super::error::{ApiError, ErrorBody};
use super::guard::Turn;
use super::proof_status::{state_name, why_not_confirmed};
use super::{ANSWER_DEADLINE, Api, Shared, read as read_final, responsive};
use crate::refusal;
use actors::mempool::{Located, LookUp};
use actors::state::LookUpFinal;
use axum::Json;
use axum::extract::{Request, State};
use protocol::block::Entry;
use protocol::mempool::{Refusal, Whereabouts};
use protocol::message::Word;
use protocol::types::{Hash, ResourceCount, Sequence, ValidatorIndex};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Look-ups in one request, proofs and statements together.
pub const ITEMS_MAX: usize = 1_000;
/// A name takes 64 characters, two quotation marks and a comma; the rest is for white space.
pub const BODY_BYTES_MAX: usize = 128 << 10;

/// What is looked up, at most 1,000 names together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Ids of proofs.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    proofs: Vec<Hash>,
    /// Identities of a normalised script with its claim.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    statements: Vec<Hash>,
}

/// One answer for each name, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookupView {
    /// The last final block that was looked at.
    #[schema(value_type = u64)]
    block: Sequence,
    proofs: Vec<FoundView>,
    statements: Vec<FoundView>,
}

/// What is known of one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FoundView {
    /// unknown, fetching, waiting, checking, pending, refused or final.
    state: &'static str,
    /// The proof that it is about: of a statement the one that became final, is held, or was refused last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    proof: Option<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    statement: Option<Hash>,
    /// When final.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    block: Option<Sequence>,
    /// The resource count that the block records.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    difficulty: Option<ResourceCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<WhyView>,
    /// While pending, and when refused on them.
    #[serde(skip_serializing_if = "Option::is_none")]
    attestation_counts: Option<Attestations>,
}

/// Why a proof is refused here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WhyView {
    /// refuted (a validator at least found the claim false), no_verdict, disputed (all confirm it, at other counts), malformed
    /// or displaced.
    reason: &'static str,
    /// At most 300 characters.
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

/// How many validators attest what, as far as this node knows or kept it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Attestations {
    confirmed: u32,
    confirmed_beyond_soft_limits: u32,
    refuted: u32,
    no_verdict: u32,
}

impl Attestations {
    fn count(words: impl IntoIterator<Item = Word>) -> Attestations {
        let mut counts = Attestations::default();
        for word in words {
            let count = match word {
                Word::Confirmed(_) => &mut counts.confirmed,
                Word::ConfirmedBeyondSoft(_) => &mut counts.confirmed_beyond_soft_limits,
                Word::Refuted => &mut counts.refuted,
                Word::NoVerdict => &mut counts.no_verdict,
            };
            *count += 1;
        }
        counts
    }
}

/// Looks up to 1,000 proofs and statements up.
#[utoipa::path(
    post,
    path = "/v1/proofs/lookup",
    request_body = Lookup,
    responses(
        (status = 200, description = "one answer for each", body = LookupView),
        (status = 429, description = "too many are looked up now; `Retry-After` says when to retry", body = ErrorBody),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn look_up(State(api): Shared, turn: Turn, request: Request) -> Result<Json<LookupView>, ApiError> {
    let permit = Arc::new(api.look_up(turn.from)?);
    let too_large = ApiError::too_large_body("look-ups", BODY_BYTES_MAX);
    let Lookup { proofs, statements } = parse(&read(&turn, &permit, request, too_large).await?, "look-up")?;
    let count = proofs.len() + statements.len();
    if count > ITEMS_MAX {
        return Err(ApiError::bad_request(format!("{count} look-ups: at most {ITEMS_MAX} are answered at once")));
    }
    let asked = LookUp { proofs: proofs.clone(), statements: statements.clone() };
    let known = responsive(&api.node.mempool)?.ask(asked, ANSWER_DEADLINE).await?;
    let asked = LookUpFinal { proofs: proofs.clone(), statements: statements.clone() };
    let ended = read_final(&api, &permit, asked).await?;
    let of_proof = |((proof, located), ended): ((Hash, Located), Option<(Sequence, Entry)>)| match ended {
        Some((block, entry)) => final_view(block, entry),
        None => view(&api, Some(proof), located.statement, &located.whereabouts),
    };
    let of_statement =
        |((statement, known), ended): ((Hash, Option<_>), Option<(Sequence, Entry)>)| match (ended, known) {
            (Some((block, entry)), _) => final_view(block, entry),
            (None, Some((proof, whereabouts))) => view(&api, Some(proof), Some(statement), &whereabouts),
            (None, None) => view(&api, None, Some(statement), &Whereabouts::Unknown),
        };
    Ok(Json(LookupView {
        block: ended.head,
        proofs: proofs.into_iter().zip(known.proofs).zip(ended.proofs).map(of_proof).collect(),
        statements: statements.into_iter().zip(known.statements).zip(ended.statements).map(of_statement).collect(),
    }))
}

pub fn final_view(block: Sequence, entry: Entry) -> FoundView {
    FoundView {
        state: "final",
        proof: Some(entry.proof),
        statement: Some(entry.statement),
        block: Some(block),
        difficulty: Some(entry.difficulty),
        ..FoundView::default()
    }
}

pub fn view(api: &Api, proof: Option<Hash>, statement: Option<Hash>, whereabouts: &Whereabouts) -> FoundView {
    let mut view = FoundView { state: state_name(whereabouts), proof, statement, ..FoundView::default() };
    match whereabouts {
        Whereabouts::Unknown | Whereabouts::Fetching | Whereabouts::Waiting | Whereabouts::Checking => {}
        // Not reached while the mempool hears only of blocks that are written: final history has it then.
        Whereabouts::Final(block) => view.block = Some(*block),
        Whereabouts::Pending { mine, words, disputed: _ } => {
            view.attestation_counts = Some(Attestations::count(with_mine(api.node.me, *mine, words)));
        }
        Whereabouts::Refused(refusal) => {
            if let Refusal::Words { words } = refusal {
                view.attestation_counts = Some(Attestations::count(words.iter().map(|(_, word)| *word)));
            }
            view.refusal = Some(why(refusal, api.node.genesis.validators().len()));
        }
    }
    view
}

fn with_mine(me: ValidatorIndex, mine: Word, words: &[(ValidatorIndex, Word)]) -> impl Iterator<Item = Word> {
    let others = words.iter().filter(move |(peer, _)| *peer != me).map(|(_, word)| *word);
    std::iter::once(mine).chain(others)
}

fn why(refusal: &Refusal, validators: usize) -> WhyView {
    let (reason, line, column) = match refusal {
        Refusal::Malformed { line, column, .. } => ("malformed", Some(*line), Some(*column)),
        Refusal::Displaced => ("displaced", None, None),
        Refusal::Words { words } => (why_not_confirmed(words), None, None),
        // A want of room is not remembered against a proof.
        Refusal::Full { .. } | Refusal::ShareFull { .. } | Refusal::SourceFull { .. } => ("full", None, None),
    };
    let message = match refusal {
        Refusal::Words { words } => {
            let words: Vec<Word> = words.iter().map(|(_, word)| *word).collect();
            refusal::sentence(&words, validators, None)
        }
        other => other.to_string(),
    };
    WhyView { reason, message: shortened(message), line, column }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[Word]) -> &'static str {
        let words = words.iter().enumerate().map(|(by, word)| (ValidatorIndex(by as u16), *word)).collect();
        why(&Refusal::Words { words }, 4).reason
    }

    #[test]
    fn one_counterexample_makes_it_refuted() {
        let confirmed = |count| Word::Confirmed(ResourceCount(count));
        assert_eq!(refused(&[Word::NoVerdict, Word::NoVerdict, confirmed(1), Word::Refuted]), "refuted");
        assert_eq!(refused(&[confirmed(1), Word::NoVerdict, confirmed(1)]), "no_verdict");
        assert_eq!(refused(&[confirmed(1), confirmed(2), Word::ConfirmedBeyondSoft(ResourceCount(1))]), "disputed");
    }

    #[test]
    fn my_own_attestation_counts_once() {
        let me = ValidatorIndex(1);
        let words = [(ValidatorIndex(0), Word::NoVerdict), (me, Word::NoVerdict)];
        let counts = Attestations::count(with_mine(me, Word::Refuted, &words));
        assert_eq!(counts, Attestations { refuted: 1, no_verdict: 1, ..Attestations::default() });
    }
}
