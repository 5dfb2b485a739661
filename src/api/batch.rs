//! Submitting many proofs at once: each is looked at, counted and answered as if it came alone.
//!
//! One request holds one permit among the submissions, and its body has the bound of a single one, so that a batch costs the
//! node no more memory than that. Must never: keep a proof back because another one of its batch is refused.

use super::body::{parse, read, script_too_large};
use super::error::{ApiError, ErrorBody};
use super::guard::Turn;
use super::proofs::{Submission, Submitted, proofs_of};
use super::{SUBMISSIONS_MAX, SUBMIT_DEADLINE, Shared, responsive};
use crate::api::body::Object;
use actors::mempool::SubmitAll;
use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Submissions in one request.
pub const SUBMISSIONS_IN_BATCH_MAX: usize = 100;

/// At most 100 submissions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    #[schema(value_type = Vec<Submission>)]
    submissions: Vec<Object<Submission>>,
}

/// One answer for each submission, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchView {
    submissions: Vec<BatchAnswer>,
}

/// What the answer would be if it had come alone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum BatchAnswer {
    Taken(Submitted),
    Refused(ErrorBody),
}

/// Takes in signed proofs, each on its own. Submitting again is harmless.
#[utoipa::path(
    post,
    path = "/v1/proofs/batch",
    request_body = Batch,
    responses(
        (status = 200, description = "one answer for each: those that are taken are durable on this validator", body = BatchView),
        (status = 429, description = "no submissions are admitted now; `Retry-After` says when to retry", body = ErrorBody),
        (status = "default", description = "why none of them was looked at", body = ErrorBody),
    )
)]
pub async fn submit(State(api): Shared, turn: Turn, request: Request) -> Result<Json<BatchView>, ApiError> {
    let Some(permit) = api.submissions.take(turn.from) else {
        return Err(ApiError::busy(format!("{SUBMISSIONS_MAX} submissions are being looked at already")));
    };
    let body = read(&turn, &permit, request, script_too_large(&api)).await?;
    let Batch { submissions } = parse(&body, "batch")?;
    drop(body);
    let count = submissions.len();
    if count > SUBMISSIONS_IN_BATCH_MAX {
        let max = SUBMISSIONS_IN_BATCH_MAX;
        return Err(ApiError::bad_request(format!("{count} submissions: at most {max} are taken at once")));
    }
    submissions.iter().for_each(|_| actors::tap::proofs::submitted());
    let (_permit, proofs) =
        proofs_of(permit, submissions.into_iter().map(|Object(submission)| submission).collect()).await?;
    let (mut claimed, mut faults) = (Vec::new(), Vec::new());
    for proof in proofs {
        faults.push(proof.map(|proof| claimed.push(proof)).err());
    }
    let mut answers = responsive(&api.node.mempool)?.ask(SubmitAll(claimed), SUBMIT_DEADLINE).await?.into_iter();
    let answer = |fault: Option<ApiError>| {
        let lost = || ApiError::internal("the mempool gave fewer answers than it was asked for");
        let answer = match fault {
            Some(fault) => Err(fault),
            None => answers.next().map_or_else(|| Err(lost()), |answer| answer.map_err(ApiError::from)),
        };
        match answer {
            Ok(accepted) => BatchAnswer::Taken(Submitted::of(accepted)),
            Err(error) => BatchAnswer::Refused(error.into_body()),
        }
    };
    Ok(Json(BatchView { submissions: faults.into_iter().map(answer).collect() }))
}
