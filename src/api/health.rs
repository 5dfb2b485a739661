//! The facts from which [`crate::why`] tells how this validator, and the network as it sees it, is.
//!
//! Everything but consensus' own snapshot is read without asking an actor, so that a node whose actors hang still says so.
//!
//! `/health` is a liveness probe, for a caller that may end the process, `/ready` for one that sends it work (a readiness probe, a load
//! balancer), `/v1/why` for people.

use super::error::ErrorBody;
use super::proof_status::{no_verdict_from, state_name};
use super::{Node, SILENCE_MAX, Shared};
use crate::why::{Facts, Health, Peer, Signing, health};
use actors::clock;
use actors::mempool::TellOldest;
use actors::network::PeerReport;
use actors::verifier_pool::{TellUnderWay, UnderWay};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::consensus::events::UnknownHistory;
use protocol::consensus::view::Snapshot;
use protocol::genesis::Genesis;
use protocol::mempool::Whereabouts;
use protocol::types::{Hash, NodeId, ValidatorIndex};
use serde::Serialize;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// An actor that shows no sign of life for so long is not coming back by itself: its supervisor is quicker.
const ALIVE_WITHIN: Duration = Duration::from_secs(10);
/// Consensus answers within this, or counts as silent: a probe does not wait long.
const QUICK: Duration = Duration::from_secs(1);
/// Checks that are told, the oldest first.
const CHECKS_MAX: usize = 20;
/// Proofs that have not ended and are told, the oldest first.
const PENDING_MAX: usize = 5;

#[derive(Debug, Serialize, ToSchema)]
pub struct FitView {
    fit: bool,
    /// Actors without a sign of life for 10 s.
    actors_down: Vec<String>,
}

/// Whether the process is fit: every actor has shown a sign of life within 10 s. It says nothing of the network: one that
/// halts is no reason to end a process.
#[utoipa::path(
    get,
    path = "/health",
    responses(
        (status = 200, description = "it is fit", body = FitView),
        (status = 503, description = "it is not: end it, and start it again", body = FitView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn fit(State(api): Shared) -> (StatusCode, Json<FitView>) {
    let actors_down = down(&api.node, ALIVE_WITHIN);
    let fit = actors_down.is_empty();
    let status = if fit { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(FitView { fit, actors_down }))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReadyView {
    ready: bool,
    health: Health,
}

/// Whether it votes, and blocks become final: what is submitted here gets somewhere.
#[utoipa::path(
    get,
    path = "/ready",
    responses(
        (status = 200, description = "it votes, and blocks become final", body = ReadyView),
        (status = 503, description = "it does not, or they do not", body = ReadyView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn ready(State(api): Shared) -> (StatusCode, Json<ReadyView>) {
    let health = now(&api.node).await.0;
    let ready = health.state.makes_progress();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadyView { ready, health }))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ProgressView {
    health: Health,
    node_id: String,
    current_view: u64,
    leader: String,
    /// The last final block.
    current_sequence: u64,
    /// Since it became final here; null if none did since the process started.
    last_final_ms: Option<u64>,
    uptime_ms: u64,
    /// Actors that do not run, or have shown no sign of life for a second.
    actors_down: Vec<String>,
    /// Proofs that are being checked here, the oldest 20; null if the actor that knows does not answer.
    checks: Option<Vec<CheckView>>,
    /// The oldest 5 proofs that have not ended; null if the actor that knows does not answer.
    pending: Option<Vec<PendingView>>,
}

/// A proof that has not ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingView {
    #[schema(value_type = String)]
    proof: Hash,
    /// waiting, checking or pending: checked here, and in no final block.
    state: &'static str,
    /// Once it is checked here: validators whose verdict is not known here.
    #[schema(value_type = Vec<String>)]
    no_verdict_from: Vec<NodeId>,
}

impl PendingView {
    fn of(genesis: &Genesis, me: ValidatorIndex, proof: Hash, whereabouts: &Whereabouts) -> PendingView {
        let no_verdict_from = match whereabouts {
            Whereabouts::Pending { words, .. } => no_verdict_from(genesis, me, words),
            Whereabouts::Unknown
            | Whereabouts::Fetching
            | Whereabouts::Waiting
            | Whereabouts::Checking
            | Whereabouts::Refused(_)
            | Whereabouts::Final(_) => Vec::new(),
        };
        PendingView { proof, state: state_name(whereabouts), no_verdict_from }
    }
}

/// A proof that is being checked.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    #[schema(value_type = String)]
    proof: Hash,
    /// Since its check was asked for.
    for_ms: u64,
    /// A worker has it; else it waits for one.
    running: bool,
}

impl From<UnderWay> for CheckView {
    fn from(check: UnderWay) -> CheckView {
        CheckView { proof: check.proof, for_ms: millis(check.since), running: check.is_running }
    }
}

/// Why the network, as this validator sees it, makes progress or does not. It answers whatever hangs.
#[utoipa::path(
    get,
    path = "/v1/why",
    responses(
        (status = 200, description = "how it is", body = ProgressView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn why(State(api): Shared) -> Json<ProgressView> {
    let (health, facts) = now(&api.node).await;
    let verifier = &api.node.verifier;
    let mempool = &api.node.mempool;
    // One that hangs is not waited for.
    let checks = async {
        let answer = verifier.ask(TellUnderWay(CHECKS_MAX), QUICK);
        if verifier.silence() > SILENCE_MAX { None } else { answer.await.ok() }
    };
    let pending = async {
        let answer = mempool.ask(TellOldest(PENDING_MAX), QUICK);
        if mempool.silence() > SILENCE_MAX { None } else { answer.await.ok() }
    };
    let (checks, pending) = tokio::join!(checks, pending);
    let view = |(proof, whereabouts): (Hash, Whereabouts)| {
        PendingView::of(&api.node.genesis, api.node.me, proof, &whereabouts)
    };
    Json(ProgressView {
        health,
        node_id: facts.node_id,
        current_view: facts.view,
        leader: facts.leader,
        current_sequence: facts.sequence,
        last_final_ms: facts.last_final_ms,
        uptime_ms: facts.uptime_ms,
        actors_down: facts.actors_down,
        checks: checks.map(|checks| checks.into_iter().map(CheckView::from).collect()),
        pending: pending.map(|pending| pending.into_iter().map(view).collect()),
    })
}

/// Asks consensus where it is, and no other actor.
async fn now(node: &Node) -> (Health, Facts) {
    let snapshot = tokio::time::timeout(QUICK, (node.consensus)()).await.ok().and_then(Result::ok);
    let facts = facts(node, snapshot.as_ref(), &(node.peers)());
    (health(&facts), facts)
}

/// Actors without a sign of life for so long.
fn down(node: &Node, within: Duration) -> Vec<String> {
    let report = node.tree.report();
    let down = report.actors().into_iter().filter(|actor| !actor.is_alive(within));
    down.map(|actor| actor.name.to_owned()).collect()
}

/// How this validator is; without a snapshot consensus does not answer.
pub fn of(node: &Node, snapshot: Option<&Snapshot>, peers: &[PeerReport]) -> Health {
    health(&facts(node, snapshot, peers))
}

fn facts(node: &Node, snapshot: Option<&Snapshot>, peers: &[PeerReport]) -> Facts {
    let now = Instant::now();
    let set = node.genesis.validator_set();
    let name = |index| set.get(index).map_or_else(String::new, |validator| validator.node_id.to_string());
    let sight = node.observed.look(now);
    let (view, leader) = snapshot.map_or((sight.view, sight.leader), |snapshot| (snapshot.view, snapshot.leader));
    let sequence = snapshot.map_or(sight.sequence, |snapshot| snapshot.sequence.max(sight.sequence));
    let peer = |report: &PeerReport| Peer {
        node_id: report.node_id.to_string(),
        stake: set.stake(report.validator).0,
        is_connected: report.connected,
        missing_since_ms: report.missing_since_ms,
        ever_connected: report.ever_connected,
        silent_ms: (!has_voted(snapshot, report.validator))
            .then(|| millis(node.observed.last_vote_age(report.validator, now))),
    };
    Facts {
        node_id: name(node.me),
        stake: set.stake(node.me).0,
        total_stake: set.total().0,
        peers: peers.iter().map(peer).collect(),
        now_ms: clock::wall().0,
        uptime_ms: millis(node.observed.uptime(now)),
        view: view.0,
        leader: name(leader),
        sequence: sequence.0,
        last_final_ms: node.observed.last_final_age(now).map(millis),
        patience_ms: millis(node.observed.lately()),
        missing_final: snapshot.and_then(|snapshot| snapshot.missing_final).map(|block| block.to_string()),
        unknown_endings: snapshot.and_then(|snapshot| snapshot.unknown_endings).map(|(first, last)| (first.0, last.0)),
        signing: snapshot.map(signing),
        is_consensus_halted: snapshot.is_some_and(|snapshot| snapshot.halted),
        actors_down: down(node, SILENCE_MAX),
    }
}

/// Whether its vote of the current view is here: a network that stands still votes once.
fn has_voted(snapshot: Option<&Snapshot>, validator: ValidatorIndex) -> bool {
    snapshot
        .is_some_and(|snapshot| snapshot.prepares.contains(&validator) || snapshot.view_changes.contains(&validator))
}

fn signing(snapshot: &Snapshot) -> Signing {
    let Some((kind, reported)) = &snapshot.unknown_history else { return Signing::Yes };
    let reported = reported.len();
    match kind {
        UnknownHistory::New => Signing::FirstStart { reported },
        UnknownHistory::Lost => Signing::LostLog { reported },
        UnknownHistory::Torn => Signing::TornLog { reported },
        UnknownHistory::Unconfirmed => Signing::Unconfirmed { reported },
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
