//! What the node says of itself: where consensus is, who is connected, what waits.

use super::error::{ApiError, ErrorBody};
use super::schemas::{CountsSchema, FiguresSchema, PeerSchema, SolverPinSchema};
use super::{ANSWER_DEADLINE, Shared, health, responsive};
use crate::why::Health;
use actors::mempool::TellFigures;
use actors::network::{PeerReport, skew};
use actors::state::LedgerNow;
use actors::storage::last_exit::LastRun;
use actors::supervision::{ActorReport, Phase};
use actors::tap::observed::Counts;
use axum::Json;
use axum::extract::State;
use protocol::consensus::events::UnknownHistory;
use protocol::consensus::view::Snapshot;
use protocol::mempool::Figures;
use protocol::types::{Amount, Hash, NodeId, Sequence, Stake, ValidatorIndex, View};
use protocol::verdict::SolverPin;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct StatusView {
    /// How this validator, and the network as it sees it, is.
    health: Health,
    #[schema(value_type = String)]
    node_id: NodeId,
    #[schema(value_type = u64)]
    stake_tokens: Stake,
    #[schema(value_type = String)]
    chain_id: Hash,
    /// With which solver and normaliser every validator checks.
    #[schema(value_type = SolverPinSchema)]
    solver_pin: SolverPin,
    connected_peers: usize,
    is_leader: bool,
    #[schema(value_type = u64)]
    current_view: View,
    /// The last final block.
    #[schema(value_type = u64)]
    current_sequence: Sequence,
    #[schema(value_type = String)]
    block: Hash,
    #[schema(value_type = Option<String>)]
    leader: Option<NodeId>,
    /// Prepared blocks that wait for their Commit certificate.
    prepared: usize,
    /// Stake of this node and of those it has sessions with, and what a quorum needs more than two thirds of.
    #[schema(value_type = u64)]
    reachable_stake_tokens: Stake,
    #[schema(value_type = u64)]
    total_stake_tokens: Stake,
    has_quorum: bool,
    /// Why nothing is signed or nothing becomes final, where that is known.
    waiting_for: Option<String>,
    /// By how much this node's clock is ahead of the median of its peers' clocks; negative if it is behind.
    clock_ahead_ms: Option<i64>,
    #[schema(value_type = u64)]
    balance_micro_tokens: Amount,
    #[schema(value_type = u64)]
    reward_pool_micro_tokens: Amount,
    proofs_final: u64,
    /// What was seen since the process started.
    #[schema(value_type = CountsSchema)]
    since_start: Counts,
    /// How the process before this one ended; null before the second start.
    last_exit: Option<LastExitView>,
    #[schema(value_type = Option<FiguresSchema>)]
    mempool: Option<Figures>,
    actors: Vec<ActorStateView>,
    #[schema(value_type = Vec<PeerSchema>)]
    peers: Vec<PeerReport>,
}

/// How a run of this validator ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastExitView {
    /// Its exit code; null if it ended without saying why: killed, or the power was lost.
    code: Option<u8>,
    /// One line.
    reason: String,
    /// Milliseconds since the Unix epoch; null if it ended without saying why.
    at_ms: Option<u64>,
}

impl From<&LastRun> for LastExitView {
    fn from(last: &LastRun) -> LastExitView {
        LastExitView { code: last.code(), reason: last.reason(), at_ms: last.at_ms() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ActorStateView {
    name: &'static str,
    running: bool,
    /// As `/v1/actors` counts them, by all reasons together.
    restarts: u64,
    waiting: usize,
}

impl From<&ActorReport> for ActorStateView {
    fn from(report: &ActorReport) -> ActorStateView {
        ActorStateView {
            name: report.name,
            running: report.phase == Phase::Running,
            restarts: report.restarts.total(),
            waiting: report.waiting,
        }
    }
}

/// How this validator is.
#[utoipa::path(
    get,
    path = "/v1/status",
    responses(
        (status = 200, description = "how it is", body = StatusView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn show(State(api): Shared) -> Result<Json<StatusView>, ApiError> {
    let node = &api.node;
    let snapshot = (node.consensus)().await.map_err(|error| ApiError::unavailable(error.to_string()))?;
    let standing = responsive(&node.state)?.ask(LedgerNow, ANSWER_DEADLINE).await?;
    // Without the mempool the rest is worth having all the same; `actors` shows that it is down.
    let mempool = match responsive(&node.mempool) {
        Ok(mempool) => mempool.ask(TellFigures, ANSWER_DEADLINE).await.ok(),
        Err(_) => None,
    };
    let peers = (node.peers)();
    let set = node.genesis.validator_set();
    let connected = peers.iter().filter(|peer| peer.connected).map(|peer| peer.validator);
    let reachable = set.stake_of(connected.chain([node.me]));
    let name = |index: ValidatorIndex| set.get(index).map(|validator| validator.node_id.clone());
    let account = standing.ledger.accounts().get(node.me.as_usize());
    Ok(Json(StatusView {
        health: health::of(node, Some(&snapshot), &peers),
        node_id: name(node.me).ok_or_else(|| ApiError::internal("this node is not in its own validator set"))?,
        stake_tokens: set.stake(node.me),
        chain_id: node.genesis.chain_id(),
        solver_pin: node.genesis.parameters().solver_pin,
        connected_peers: peers.iter().filter(|peer| peer.connected).count(),
        is_leader: snapshot.leader == node.me,
        current_view: snapshot.view,
        current_sequence: standing.sequence,
        block: standing.block,
        leader: name(snapshot.leader),
        prepared: snapshot.prepared,
        reachable_stake_tokens: reachable,
        total_stake_tokens: set.total(),
        has_quorum: set.is_quorum(reachable),
        waiting_for: waiting_for(&snapshot, set.is_quorum(reachable), &peers),
        clock_ahead_ms: skew::mine_ahead_ms(peers.iter().filter_map(|peer| peer.clock_ahead_ms)),
        balance_micro_tokens: account.map_or(Amount(0), |account| account.balance),
        reward_pool_micro_tokens: standing.ledger.pool(),
        proofs_final: standing.ledger.proofs().count(),
        since_start: node.observed.counts(),
        last_exit: node.last_run.as_ref().map(LastExitView::from),
        mempool,
        actors: node.tree.report().actors().into_iter().map(ActorStateView::from).collect(),
        peers,
    }))
}

fn waiting_for(snapshot: &Snapshot, has_quorum: bool, peers: &[PeerReport]) -> Option<String> {
    if snapshot.halted {
        return Some("consensus has halted; the log says why".into());
    }
    let waits = |why: &str, reported: usize| {
        format!("{why}: it signs once enough peers have reported their state ({reported} have)")
    };
    match &snapshot.unknown_history {
        Some((UnknownHistory::New, by)) => return Some(waits("this validator starts for the first time", by.len())),
        Some((UnknownHistory::Lost, by)) => {
            return Some(waits("this validator's vote log is lost or an old copy", by.len()));
        }
        Some((UnknownHistory::Torn, by)) => {
            return Some(waits("the last record of the vote log was damaged", by.len()));
        }
        Some((UnknownHistory::Unconfirmed, by)) if has_quorum => {
            return Some(waits("this validator has just started", by.len()));
        }
        // Who is missing says more.
        Some((UnknownHistory::Unconfirmed, _)) | None => {}
    }
    if !has_quorum {
        let missing = peers.iter().filter(|peer| !peer.connected).map(|peer| peer.node_id.to_string());
        let missing: Vec<_> = missing.take(10).collect();
        return Some(format!("no quorum is connected; missing: {}", missing.join(", ")));
    }
    // A database that is older than the vote log; the others have the block, unless this network has no others.
    if let Some(block) = snapshot.missing_final {
        return Some(format!("block {block} is final and not in the database: the others are asked for it"));
    }
    let (first, last) = snapshot.unknown_endings?;
    Some(format!("how the views from {first} to {last} ended is not known here: the others are asked for their votes"))
}
