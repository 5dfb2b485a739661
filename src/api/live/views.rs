//! The parts of a page as they are sent.

use super::{BLOCKS, PART_DEADLINE};
use crate::api::blocks::proposer;
use crate::api::error::{ApiError, ErrorBody};
use crate::api::listing::NewestView;
use crate::api::proofs::stake_view;
use crate::api::status;
use crate::api::tree::ActorsView;
use crate::api::{ANSWER_DEADLINE, Api, health, responsive};
use crate::why::Health;
use actors::state::{BlocksFrom, StoredBlock};
use actors::tap::observed::{History, SPAN};
use axum::Json;
use axum::extract::State;
use protocol::types::{Hash, Millis, NodeId, Sequence, Stake};
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// Everything that a page shows. A part that cannot be made is `error` and `message` in its place.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub struct OverviewView {
    health: Health,
    /// As `/v1/status` has it, without `health`, `peers` and `actors`.
    #[schema(value_type = Object)]
    status: (),
    /// The newest 20, the newest first.
    blocks: Part<Vec<BlockSummary>>,
    proofs: Part<NewestView>,
    validators: Vec<ValidatorView>,
    history: HistoryView,
    actors: ActorsView,
}

/// A part, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Part<T> {
    Made(T),
    Missing(ErrorBody),
}

pub fn part<T>(made: Result<T, ApiError>) -> Part<T> {
    made.map_or_else(|error| Part::Missing(error.into_body()), Part::Made)
}

/// A final block, without what makes it long.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BlockSummary {
    #[schema(value_type = u64)]
    sequence: Sequence,
    #[schema(value_type = String)]
    id: Hash,
    /// Milliseconds since the Unix epoch, by the proposer's clock.
    #[schema(value_type = u64)]
    time: Millis,
    #[schema(value_type = Option<String>)]
    proposer: Option<NodeId>,
    /// How many.
    proofs: usize,
    /// Of those whose votes are in the certificate that is kept; none while none is.
    #[schema(value_type = Option<u64>)]
    stake_tokens: Option<Stake>,
    #[schema(value_type = u64)]
    total_stake_tokens: Stake,
    proposal_to_final_ms: Option<f64>,
}

/// A validator as this one sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidatorView {
    #[schema(value_type = String)]
    node_id: NodeId,
    #[schema(value_type = u64)]
    stake_tokens: Stake,
    /// Whether it is the one that answers.
    me: bool,
    connected: bool,
    /// Since when there is no session: milliseconds since the Unix epoch; before the first one since this node's start.
    missing_since_ms: Option<u64>,
    round_trip_ms: Option<f64>,
    clock_ahead_ms: Option<i64>,
    /// Since a vote of it was last heard, or cast; before the first, since this process started. Whole seconds.
    last_vote_age_s: u64,
    last_error: Option<String>,
}

/// The last ten minutes by spans, oldest first; a time is that of the blocks that became final within the span.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryView {
    span_ms: u64,
    /// When the last of them ended: milliseconds since the Unix epoch, by this node's clock.
    end_ms: u64,
    blocks: Vec<u32>,
    proofs: Vec<u32>,
    /// From a proposal, sent or first seen here, until the block was final here: median and longest. Null where there was none.
    median_ms: Vec<Option<f64>>,
    longest_ms: Vec<Option<f64>>,
}

fn tenths(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e4).round() / 10.0
}

/// As `/v1/status` has it, without what other parts have.
pub async fn status(api: &Arc<Api>) -> Result<Value, ApiError> {
    let Json(view) = status::show(State(Arc::clone(api))).await?;
    let mut value = serde_json::to_value(view).map_err(|error| ApiError::internal(error.to_string()))?;
    if let Some(fields) = value.as_object_mut() {
        for own in ["health", "peers", "actors"] {
            fields.remove(own);
        }
    }
    Ok(value)
}

/// Known even where consensus does not answer.
pub async fn health(api: &Api) -> Health {
    let snapshot = tokio::time::timeout(PART_DEADLINE, (api.node.consensus)()).await.ok().and_then(Result::ok);
    health::of(&api.node, snapshot.as_ref(), &(api.node.peers)())
}

pub fn validators(api: &Api, now: Instant) -> Vec<ValidatorView> {
    let peers = (api.node.peers)();
    let view = |(index, validator): (usize, &protocol::genesis::GenesisValidator)| {
        let me = index == api.node.me.as_usize();
        let peer = peers.iter().find(|peer| peer.validator.as_usize() == index);
        let age = peer.map_or(api.node.me, |peer| peer.validator);
        ValidatorView {
            node_id: validator.node_id.clone(),
            stake_tokens: validator.stake,
            me,
            connected: me || peer.is_some_and(|peer| peer.connected),
            missing_since_ms: peer.and_then(|peer| peer.missing_since_ms),
            round_trip_ms: peer.and_then(|peer| peer.round_trip_ms).map(|ms| (ms * 10.0).round() / 10.0),
            clock_ahead_ms: peer.and_then(|peer| peer.clock_ahead_ms),
            last_vote_age_s: api.node.observed.last_vote_age(age, now).as_secs(),
            last_error: peer.and_then(|peer| peer.last_error.clone()),
        }
    };
    api.node.genesis.validators().iter().enumerate().map(view).collect()
}

pub fn history(history: &History) -> HistoryView {
    let History { spans, ended_ago, .. } = history;
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(*ended_ago);
    let end_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
    HistoryView {
        span_ms: u64::try_from(SPAN.as_millis()).unwrap_or(u64::MAX),
        end_ms,
        blocks: spans.iter().map(|span| span.blocks).collect(),
        proofs: spans.iter().map(|span| span.proofs).collect(),
        median_ms: spans.iter().map(|span| span.median.map(tenths)).collect(),
        longest_ms: spans.iter().map(|span| span.longest.map(tenths)).collect(),
    }
}

/// Reads the blocks that are new, and the one before them once more, which has its certificate by now.
pub async fn read_blocks(
    api: &Api,
    blocks: &mut VecDeque<BlockSummary>,
    read_upto: &mut Option<Sequence>,
) -> Result<(), ApiError> {
    let head = *api.node.heads.borrow();
    if *read_upto == Some(head) {
        return Ok(());
    }
    let oldest = head.0.saturating_sub(BLOCKS as u64 - 1).max(1);
    let from = Sequence(read_upto.map_or(oldest, |read| read.0.max(oldest)));
    let request = BlocksFrom { from, count: BLOCKS + 1 };
    let stored = responsive(&api.node.state)?.ask(request, ANSWER_DEADLINE).await?.map_err(ApiError::internal)?;
    while blocks.back().is_some_and(|last| last.sequence >= from) {
        blocks.pop_back();
    }
    blocks.extend(stored.iter().map(|stored| summary(api, stored)));
    while blocks.len() > BLOCKS {
        blocks.pop_front();
    }
    *read_upto = Some(blocks.back().map_or(head, |last| last.sequence));
    Ok(())
}

fn summary(api: &Api, stored: &StoredBlock) -> BlockSummary {
    let genesis = &api.node.genesis;
    let certificate = stored.prepare.as_ref().or(stored.commit.as_ref());
    let stake = certificate.map(|certificate| stake_view(genesis, certificate).prepared);
    let header = &stored.block.header;
    BlockSummary {
        sequence: header.sequence,
        id: stored.id,
        time: header.time,
        proposer: proposer(api, stored),
        proofs: stored.block.body.proofs.len(),
        stake_tokens: stake,
        total_stake_tokens: genesis.total_stake(),
        proposal_to_final_ms: api.node.observed.proposal_to_final(header.sequence).map(tenths),
    }
}
