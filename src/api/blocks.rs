//! Final blocks: one, or those from a sequence on as they come.

use super::body::shortened;
use super::error::{ApiError, ErrorBody};
use super::guard::Turn;
use super::proofs::{StakeView, stake_view, wait_span};
use super::schemas::{EntrySchema, HeaderSchema};
use super::search::{block_named, is_sequence};
use super::{ANSWER_DEADLINE, Api, Shared, responsive};
use actors::state::{BlockAt, BlocksFrom, StoredBlock};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use protocol::block::{Entry, Header};
use protocol::certificate::Certificate;
use protocol::types::{Hash, NodeId, Sequence, Signature, View};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

/// Blocks in one answer.
const BLOCKS_MAX: usize = 64;
/// In place of a sequence: the last final block.
const LATEST: &str = "latest";
/// About the bytes of them, but for a single longer one.
const ANSWER_BYTES_MAX: usize = 256 << 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    #[serde(default)]
    from: u64,
    /// Seconds to wait for the first of them.
    #[serde(default)]
    wait: f64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BlockView {
    #[schema(value_type = u64)]
    sequence: Sequence,
    #[schema(value_type = String)]
    id: Hash,
    /// Who led the view of its certificate, where one is kept.
    #[schema(value_type = Option<String>)]
    proposer: Option<NodeId>,
    #[schema(value_type = HeaderSchema)]
    header: Header,
    #[schema(value_type = Vec<EntrySchema>)]
    proofs: Vec<Entry>,
    /// Prepare votes for its ancestors that this block includes.
    included_votes: Vec<IncludedVotesView>,
    /// Shows that a quorum checked it. The newest block may lack it for a moment.
    prepare: Option<CertificateView>,
    /// Shows that it is final; kept for the last of those that became final together.
    commit: Option<CertificateView>,
    /// Milliseconds from the proposal, sent or first seen here, until the block was final here; for newer blocks only.
    proposal_to_final_ms: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct IncludedVotesView {
    #[schema(value_type = String)]
    block: Hash,
    #[schema(value_type = Vec<String>)]
    voters: Vec<NodeId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateView {
    #[schema(value_type = u64)]
    view: View,
    #[serde(flatten)]
    stake: StakeView,
    /// In the order of the voters.
    #[schema(value_type = Vec<String>)]
    signatures: Vec<Signature>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BlocksView {
    blocks: Vec<BlockView>,
    /// Where to go on.
    #[schema(value_type = u64)]
    next: Sequence,
}

/// One final block. Block 0 is the genesis.
#[utoipa::path(
    get,
    path = "/v1/blocks/{sequence}",
    params(("sequence" = String, Path, description = "its sequence, latest, or six digits or more of its id")),
    responses(
        (status = 200, description = "the block", body = BlockView),
        (status = 409, description = "several blocks begin so: `candidates`", body = ErrorBody),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn show(State(api): Shared, turn: Turn, Path(name): Path<String>) -> Result<Json<BlockView>, ApiError> {
    let number = match name.as_str() {
        LATEST => api.node.heads.borrow().0,
        // Digits alone are a sequence: an id that begins with them has more.
        digits if is_sequence(digits) => digits.parse().map_err(|_| wrong(digits))?,
        id => block_named(&api, turn.from, id.parse().map_err(|_| wrong(id))?).await?.0,
    };
    if number == 0 {
        let genesis = &api.node.genesis;
        let stored =
            StoredBlock { id: genesis.genesis_block_hash(), block: genesis.block(), prepare: None, commit: None };
        return Ok(Json(view(&api, stored)));
    }
    let stored = responsive(&api.node.state)?
        .ask(BlockAt(Sequence(number)), ANSWER_DEADLINE)
        .await?
        .map_err(ApiError::internal)?;
    let last = *api.node.heads.borrow();
    let missing = || ApiError::not_found(format!("block {number} is not final here; the last one is {last}"));
    Ok(Json(view(&api, stored.ok_or_else(missing)?)))
}

fn wrong(name: &str) -> ApiError {
    let name = shortened(name.to_owned());
    let message =
        format!("{name:?} is neither the sequence of a block, nor {LATEST:?}, nor six digits or more of its id");
    ApiError::bad_request(message)
}

/// Final blocks, ascending.
#[utoipa::path(
    get,
    path = "/v1/blocks",
    params(
        ("from" = Option<u64>, Query, description = "the first sequence"),
        ("wait" = Option<f64>, Query, description = "seconds, at most 60, to wait for it"),
    ),
    responses(
        (status = 200, description = "as many as fit, at least one if there is one", body = BlocksView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn list(
    State(api): Shared,
    turn: Turn,
    range: Result<Query<Range>, QueryRejection>,
) -> Result<Json<BlocksView>, ApiError> {
    let Query(Range { from, wait }) = range.map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
    let from = Sequence(from.max(1));
    let until = Instant::now() + wait_span(wait)?;
    let mut heads = api.node.heads.clone();
    turn.waits();
    // Without such a block until then, at the node's end, or when others need the permit, the list is empty.
    tokio::select! {
        _ = tokio::time::timeout_at(until, heads.wait_for(|last| *last >= from)) => {}
        () = turn.lost() => {}
    }
    turn.works();
    let request = BlocksFrom { from, count: BLOCKS_MAX };
    let mut stored = responsive(&api.node.state)?.ask(request, ANSWER_DEADLINE).await?.map_err(ApiError::internal)?;
    stored.truncate(how_many(&stored));
    let next = stored.last().map_or(from, |last| last.block.header.sequence.next());
    Ok(Json(BlocksView { blocks: stored.into_iter().map(|stored| view(&api, stored)).collect(), next }))
}

/// How many of these blocks go into one answer: at least one. An answer waits in memory until its reader takes it.
fn how_many(stored: &[StoredBlock]) -> usize {
    let signatures = |certificate: &Option<Certificate>| certificate.as_ref().map_or(0, |one| one.signatures.len());
    let size = |stored: &StoredBlock| {
        let body = &stored.block.body;
        let carried: usize = body.carried.iter().map(|carried| 100 + 20 * carried.votes.len()).sum();
        1_000 + 200 * body.proofs.len() + carried + 160 * (signatures(&stored.prepare) + signatures(&stored.commit))
    };
    let mut bytes = 0;
    let fits = |stored: &&StoredBlock| {
        bytes += size(stored);
        bytes <= ANSWER_BYTES_MAX
    };
    stored.iter().take_while(fits).count().max(1)
}

/// Who led the view of its certificate, where one is kept.
pub fn proposer(api: &Api, stored: &StoredBlock) -> Option<NodeId> {
    let view = stored.prepare.as_ref().or(stored.commit.as_ref()).map(Certificate::view)?;
    api.node.genesis.validator(api.schedule.leader(view)).map(|validator| validator.node_id.clone())
}

fn view(api: &Api, stored: StoredBlock) -> BlockView {
    let genesis = &api.node.genesis;
    let certificate = |certificate: Certificate| CertificateView {
        view: certificate.view(),
        stake: stake_view(genesis, &certificate),
        signatures: certificate.signatures.iter().map(|(_, signature)| *signature).collect(),
    };
    let proposer = proposer(api, &stored);
    let StoredBlock { id, block, prepare, commit } = stored;
    let name = |voter| genesis.validator(voter).map(|validator| validator.node_id.clone());
    let included_votes = block.body.carried.iter().map(|carried| IncludedVotesView {
        block: carried.block,
        voters: carried.votes.iter().filter_map(|vote| name(vote.voter)).collect(),
    });
    let took = api.node.observed.proposal_to_final(block.header.sequence);
    BlockView {
        sequence: block.header.sequence,
        id,
        proposer,
        included_votes: included_votes.collect(),
        proofs: block.body.proofs,
        header: block.header,
        prepare: prepare.map(certificate),
        commit: commit.map(certificate),
        proposal_to_final_ms: took.map(|took| took.as_secs_f64() * 1e3),
    }
}
