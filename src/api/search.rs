//! Finding what an id leads to that a person typed or pasted: a proof, a statement, a block, or a sequence.
//!
//! Bounded: in digits, in what is found of each kind, and, as all look-ups are, in how many are under way. Must never: change
//! anything.

use super::error::{ApiError, ErrorBody};
use super::guard::Turn;
use super::proofs::state_name;
use super::{ANSWER_DEADLINE, Api, LOOKUPS_MAX, Shared, live};
use actors::mempool::WithPrefix;
use actors::state::FinalWithPrefix;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use protocol::prefix::HashPrefix;
use protocol::types::{Hash, Sequence};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Names of each kind in one answer.
const EACH_MAX: usize = 10;
/// Digits of the greatest sequence.
const NUMBER_DIGITS_MAX: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    q: String,
}

/// What begins so; blocks first, then proofs, then statements.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchView {
    found: Vec<Named>,
    /// Whether there is more of a kind than the ten that are named.
    more: bool,
}

/// One thing that is known by an id.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Named {
    /// block, proof or statement
    kind: &'static str,
    #[schema(value_type = String)]
    id: Hash,
    /// Of a proof: unknown, fetching, waiting, checking, pending, refused or final.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The sequence of the block, or of the one that has the proof, or has the statement first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    sequence: Option<Sequence>,
}

/// What an id or its beginning leads to.
#[utoipa::path(
    get,
    path = "/v1/search",
    params(("q" = String, Query, description = "6 to 64 hexadecimal digits, or the sequence of a block")),
    responses(
        (status = 200, description = "at most ten of each kind; none if nothing is known by that name", body = SearchView),
        (status = 429, description = "too many are looked up now; `Retry-After` says when to retry", body = ErrorBody),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn show(
    State(api): Shared,
    turn: Turn,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<SearchView>, ApiError> {
    let Query(Wanted { q }) = wanted.map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
    let q = q.trim();
    let numbered = by_sequence(&api, q).await?;
    let prefix = match q.parse::<HashPrefix>() {
        Ok(prefix) => prefix,
        Err(_) if numbered.is_some() => {
            return Ok(Json(SearchView { found: numbered.into_iter().collect(), more: false }));
        }
        Err(error) => {
            let message = format!("this is neither a block's sequence nor the beginning of an id: {error}");
            return Err(ApiError::bad_request(message));
        }
    };
    let Some(place) = api.lookups.take(turn.from) else {
        return Err(ApiError::busy(format!("{LOOKUPS_MAX} requests are being looked up already")));
    };
    place.works();
    let mut view = by_prefix(&api, prefix).await?;
    view.found.splice(0..0, numbered);
    Ok(Json(view))
}

/// A block by its number, if there is such a block.
async fn by_sequence(api: &Api, q: &str) -> Result<Option<Named>, ApiError> {
    let Some(sequence) = (q.len() <= NUMBER_DIGITS_MAX).then(|| q.parse().ok()).flatten().map(Sequence) else {
        return Ok(None);
    };
    if sequence == Sequence(0) {
        let id = api.node.genesis.genesis_block_hash();
        return Ok(Some(Named { kind: "block", id, state: None, sequence: Some(sequence) }));
    }
    let stored = live(&api.node.state)?.ask(actors::state::BlockAt(sequence), ANSWER_DEADLINE).await?;
    let stored = stored.map_err(ApiError::internal)?;
    Ok(stored.map(|stored| Named { kind: "block", id: stored.id, state: None, sequence: Some(sequence) }))
}

async fn by_prefix(api: &Api, prefix: HashPrefix) -> Result<SearchView, ApiError> {
    // The mempool first: what becomes final in between is found by the second question.
    let count = EACH_MAX + 1;
    let held = live(&api.node.mempool)?.ask(WithPrefix { prefix, count }, ANSWER_DEADLINE).await?;
    let ended = live(&api.node.state)?.ask(FinalWithPrefix { prefix, count }, ANSWER_DEADLINE).await?;
    let ended = ended.map_err(ApiError::internal)?;
    let block = |(id, sequence)| Named { kind: "block", id, state: None, sequence: Some(sequence) };
    let statement = |(id, sequence)| Named { kind: "statement", id, state: None, sequence: Some(sequence) };
    let mut blocks: Vec<Named> = ended.blocks.iter().copied().map(block).collect();
    let genesis = api.node.genesis.genesis_block_hash();
    if (prefix.low()..=prefix.high()).contains(&genesis) {
        blocks.insert(0, block((genesis, Sequence(0))));
    }
    let is_final = |id: &Hash| ended.proofs.iter().any(|(proof, _)| proof == id);
    let finals = ended.proofs.iter().map(|(id, sequence)| (*id, "final", Some(*sequence)));
    let others = held.iter().filter(|one| !is_final(&one.proof));
    let others = others.map(|one| (one.proof, state_name(&one.whereabouts), None));
    let proof = |(id, state, sequence)| Named { kind: "proof", id, state: Some(state), sequence };
    let proofs: Vec<Named> = finals.chain(others).map(proof).collect();
    let statements: Vec<Named> = ended.statements.iter().copied().map(statement).collect();
    let kinds = [blocks, proofs, statements];
    let more = kinds.iter().any(|kind| kind.len() > EACH_MAX);
    Ok(SearchView { found: kinds.into_iter().flat_map(|kind| kind.into_iter().take(EACH_MAX)).collect(), more })
}
