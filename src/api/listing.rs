//! The newest proofs: those that are under way here, and those that ended last; and the script of one.
//!
//! The mempool says which they are; of what is final, final history has the last word. Must never: change anything, or read
//! more than the answer needs.

use super::error::{ApiError, ErrorBody};
use super::guard::Turn;
use super::limiter::Permit;
use super::lookup::{self, FoundView};
use super::search::proof_named;
use super::{ANSWER_DEADLINE, Api, Shared, read, responsive};
use actors::mempool::NewestProofs;
use actors::state::{LookUpFinal, NewestFinal, ProofOf};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use protocol::mempool::{Listed, Newest, Whereabouts};
use protocol::types::{Hash, Sequence};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use utoipa::ToSchema;

/// Proofs of each kind in one answer.
const PROOFS_MAX: usize = 100;
const PROOFS: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default = "proofs")]
    count: usize,
}

fn proofs() -> usize {
    PROOFS
}

/// The newest proofs, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct NewestView {
    /// Neither final nor refused, by when they came here.
    under_way: Vec<FoundView>,
    /// Final or refused, by when they ended here; where this node remembers fewer than asked for, older ones that are final.
    ended: Vec<FoundView>,
}

/// What need not be read twice: what is final stays so.
#[derive(Debug, Default)]
pub struct Known {
    finals: HashMap<Hash, FoundView>,
    /// The newest final proofs up to a block, newest first.
    older: Vec<(Hash, FoundView)>,
    older_upto: Option<Sequence>,
}

/// The newest proofs.
#[utoipa::path(
    get,
    path = "/v1/proofs",
    params(("count" = Option<usize>, Query, description = "at most so many of each kind: 1 to 100 [default: 20]")),
    responses(
        (status = 200, description = "the newest first", body = NewestView),
        (status = 429, description = "too many are looked up now; `Retry-After` says when to retry", body = ErrorBody),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn show(
    State(api): Shared,
    turn: Turn,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<NewestView>, ApiError> {
    let Query(Wanted { count }) = wanted.map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
    if !(1..=PROOFS_MAX).contains(&count) {
        return Err(ApiError::bad_request(format!("count is {count}: it must be 1 to {PROOFS_MAX}")));
    }
    let permit = Arc::new(api.look_up(turn.from)?);
    permit.works();
    Ok(Json(newest(&api, &permit, count, &mut Known::default()).await?))
}

/// The script of a proof, as it was submitted.
#[utoipa::path(
    get,
    path = "/v1/proofs/{id}/script",
    params(("id" = String, Path, description = "the proof's id, or a beginning of it")),
    responses(
        (status = 200, description = "its bytes, of a proof that is pending or final here", body = String,
         content_type = "text/plain"),
        (status = 409, description = "several proofs begin so: `candidates`", body = ErrorBody),
        (status = 429, description = "too many are looked up now; `Retry-After` says when to retry", body = ErrorBody),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn script(State(api): Shared, turn: Turn, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = proof_named(&api, turn.from, &id).await?;
    let permit = Arc::new(api.look_up(turn.from)?);
    permit.works();
    let found = read(&api, &permit, ProofOf(id)).await?;
    let none = || ApiError::not_found(format!("the script of {id} is not here: one that is refused is not kept"));
    // Text, whatever it holds: a browser that is led here shows it and runs nothing.
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ];
    Ok((headers, found.ok_or_else(none)?.script).into_response())
}

/// At most `count` of each kind.
pub async fn newest(api: &Api, permit: &Arc<Permit>, count: usize, known: &mut Known) -> Result<NewestView, ApiError> {
    let Newest { held, ended } = responsive(&api.node.mempool)?.ask(NewestProofs(count), ANSWER_DEADLINE).await?;
    let is_final = |one: &Listed| matches!(one.whereabouts, Whereabouts::Final(_));
    let unread = ended.iter().filter(|one| is_final(one) && !known.finals.contains_key(&one.proof));
    let unread: Vec<Hash> = unread.map(|one| one.proof).collect();
    if !unread.is_empty() {
        let asked = LookUpFinal { proofs: unread, statements: Vec::new() };
        let found = read(api, permit, asked).await?;
        let found = found.proofs.into_iter().flatten();
        known.finals.extend(found.map(|(block, entry)| (entry.proof, lookup::final_view(block, entry))));
    }
    known.finals.retain(|proof, _| ended.iter().any(|one| one.proof == *proof));
    let view = |one: &Listed| match known.finals.get(&one.proof) {
        Some(view) => view.clone(),
        None => lookup::view(api, Some(one.proof), one.statement, &one.whereabouts),
    };
    let mut view = NewestView { under_way: held.iter().map(&view).collect(), ended: ended.iter().map(&view).collect() };
    if view.ended.len() < count {
        let named: HashSet<Hash> = ended.iter().map(|one| one.proof).collect();
        let older = older(api, permit, known).await?.iter().filter(|(proof, _)| !named.contains(proof));
        view.ended.extend(older.take(count - ended.len()).map(|(_, view)| view.clone()));
    }
    Ok(view)
}

/// The newest final proofs, newest first. Only what became final since the last time is read.
async fn older<'a>(api: &Api, permit: &Arc<Permit>, known: &'a mut Known) -> Result<&'a [(Hash, FoundView)], ApiError> {
    let Known { older, older_upto, .. } = known;
    if *older_upto != Some(*api.node.heads.borrow()) {
        let asked = NewestFinal { above: older_upto.unwrap_or(Sequence(0)), count: PROOFS_MAX };
        let (last, entries) = read(api, permit, asked).await?;
        let views = entries.into_iter().map(|(block, entry)| (entry.proof, lookup::final_view(block, entry)));
        older.splice(0..0, views);
        older.truncate(PROOFS_MAX);
        *older_upto = Some(last);
    }
    Ok(older)
}
