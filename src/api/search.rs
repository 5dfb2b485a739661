//! Finding what an id leads to that a person typed or pasted: a proof, a statement, a block, or a sequence.
//!
//! Bounded: in digits, in what is found of each kind, and, as all look-ups are, in how many are under way. Must never: change
//! anything.

use super::body::shortened;
use super::error::{ApiError, ErrorBody};
use super::guard::Turn;
use super::proof_status::state_name;
use super::{ANSWER_DEADLINE, Api, Shared, read, responsive};
use actors::mempool::WithPrefix;
use actors::state::FinalWithPrefix;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use protocol::prefix::HashPrefix;
use protocol::types::{Hash, Sequence};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
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
        // A short number is a sequence, whether there is such a block or not.
        Err(_) if is_sequence(q) => {
            return Ok(Json(SearchView { found: numbered.into_iter().collect(), more: false }));
        }
        Err(error) => {
            let message = format!("this is neither a block's sequence nor the beginning of an id: {error}");
            return Err(ApiError::bad_request(message));
        }
    };
    let Names { blocks, proofs, statements } = by_prefix(&api, turn.from, prefix).await?;
    let kinds = [blocks, proofs, statements];
    let more = kinds.iter().any(|kind| kind.len() > EACH_MAX);
    let kinds = kinds.into_iter().flat_map(|kind| kind.into_iter().take(EACH_MAX));
    Ok(Json(SearchView { found: numbered.into_iter().chain(kinds).collect(), more }))
}

/// Digits alone, and no more than a sequence may have.
pub fn is_sequence(q: &str) -> bool {
    (1..=NUMBER_DIGITS_MAX).contains(&q.len()) && q.bytes().all(|byte| byte.is_ascii_digit())
}

/// A block by its number, if there is such a block.
async fn by_sequence(api: &Api, q: &str) -> Result<Option<Named>, ApiError> {
    let Some(sequence) = q.parse().ok().filter(|_| is_sequence(q)).map(Sequence) else { return Ok(None) };
    if sequence == Sequence(0) {
        let id = api.node.genesis.genesis_block_hash();
        return Ok(Some(Named { kind: "block", id, state: None, sequence: Some(sequence) }));
    }
    let stored = responsive(&api.node.state)?.ask(actors::state::BlockAt(sequence), ANSWER_DEADLINE).await?;
    let stored = stored.map_err(ApiError::internal)?;
    Ok(stored.map(|stored| Named { kind: "block", id: stored.id, state: None, sequence: Some(sequence) }))
}

/// What begins so, at most one more of each kind than is told.
struct Names {
    blocks: Vec<Named>,
    proofs: Vec<Named>,
    statements: Vec<Named>,
}

async fn by_prefix(api: &Api, from: IpAddr, prefix: HashPrefix) -> Result<Names, ApiError> {
    let permit = Arc::new(api.look_up(from)?);
    permit.works();
    // The mempool first: what becomes final in between is found by the second question.
    let count = EACH_MAX + 1;
    let held = responsive(&api.node.mempool)?.ask(WithPrefix { prefix, count }, ANSWER_DEADLINE).await?;
    let ended = read(api, &permit, FinalWithPrefix { prefix, count }).await?;
    let block = |(id, sequence)| Named { kind: "block", id, state: None, sequence: Some(sequence) };
    let statement = |(id, sequence)| Named { kind: "statement", id, state: None, sequence: Some(sequence) };
    let mut blocks: Vec<Named> = ended.blocks.iter().copied().map(block).collect();
    let genesis = api.node.genesis.genesis_block_hash();
    if prefix.covers(&genesis) {
        blocks.insert(0, block((genesis, Sequence(0))));
    }
    let is_final = |id: &Hash| ended.proofs.iter().any(|(proof, _)| proof == id);
    let finals = ended.proofs.iter().map(|(id, sequence)| (*id, "final", Some(*sequence)));
    let others = held.iter().filter(|one| !is_final(&one.proof));
    let others = others.map(|one| (one.proof, state_name(&one.whereabouts), None));
    let proof = |(id, state, sequence)| Named { kind: "proof", id, state: Some(state), sequence };
    let proofs: Vec<Named> = finals.chain(others).map(proof).collect();
    let statements: Vec<Named> = ended.statements.iter().copied().map(statement).collect();
    Ok(Names { blocks, proofs, statements })
}

/// The proof that a path names: by its whole id, or by a beginning of it that no other proof here has.
pub async fn proof_named(api: &Api, from: IpAddr, text: &str) -> Result<Hash, ApiError> {
    // The whole id of one that is not known here may still be waited for.
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let prefix: HashPrefix = text.parse().map_err(|error| {
        let text = shortened(text.to_owned());
        ApiError::bad_request(format!("{text:?} is no proof's id, nor the beginning of one: {error}"))
    })?;
    let mut proofs = by_prefix(api, from, prefix).await?.proofs;
    // The mempool finds a proof by its statement as well.
    proofs.retain(|proof| prefix.covers(&proof.id));
    Ok(one("proof", proofs)?.id)
}

/// The sequence of the block whose id begins so.
pub async fn block_named(api: &Api, from: IpAddr, prefix: HashPrefix) -> Result<Sequence, ApiError> {
    let block = one("block", by_prefix(api, from, prefix).await?.blocks)?;
    // Every block that is found has one.
    Ok(block.sequence.unwrap_or_default())
}

/// The only one of those that begin so.
fn one(kind: &'static str, found: Vec<Named>) -> Result<Named, ApiError> {
    let candidates: Vec<String> = found.iter().take(EACH_MAX).map(|one| one.id.to_string()).collect();
    let more = if found.len() > EACH_MAX { "; ten are named" } else { "" };
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(ApiError::not_found(format!("no {kind} here has such an id: another node may know it"))),
        (Some(_), Some(_)) => Err(ApiError::ambiguous(
            format!("several {kind}s have an id that begins so{more}: give more digits"),
            candidates,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    #[test]
    fn of_several_none_is_taken_and_at_most_ten_are_named() {
        let named = |number: u8| Named { kind: "proof", id: Hash([number; 32]), state: None, sequence: None };
        assert_eq!(one("proof", vec![named(1)]).unwrap(), named(1));
        let error = one("proof", vec![named(1), named(2)]).unwrap_err();
        assert_eq!(error.clone().into_response().status(), 409);
        let body = error.into_body();
        assert_eq!(body.error, "ambiguous");
        assert_eq!(*body.candidates, [Hash([1; 32]).to_string(), Hash([2; 32]).to_string()]);
        let body = one("proof", (0..11).map(named).collect()).unwrap_err().into_body();
        assert!(body.candidates.len() == 10 && body.message.contains("ten are named"), "{}", body.message);
        assert_eq!(one("block", Vec::new()).unwrap_err().into_body().error, "not_found");
    }
}
