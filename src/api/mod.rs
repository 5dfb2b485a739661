//! The HTTP API: `/v1/…` for submitters and operators, `/metrics` for Prometheus.
//!
//! It translates requests into messages to actors and answers into JSON (`docs/API_REFERENCE.md`). It reaches actors only
//! through handles, each time with a deadline; when one is down it says so (503). What comes in is hostile: bodies,
//! requests under way and waiting times are bounded, unknown fields are refused, and on loopback a foreign `Host` is (a
//! web page could otherwise submit in its reader's name).

mod blocks;
mod error;
mod proofs;
mod server;
mod status;
#[cfg(test)]
mod tests;

use actors::consensus::Observed;
use actors::mempool::MempoolActor;
use actors::network::PeerReport;
use actors::state::StateActor;
use actors::supervision::{Handle, Report};
use actors::verifier_pool::VerifierPoolActor;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use error::ApiError;
use metrics_exporter_prometheus::PrometheusHandle;
use protocol::consensus::view::Snapshot;
use protocol::genesis::Genesis;
use protocol::schedule::Schedule;
use protocol::types::{Sequence, ValidatorIndex};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// How long an actor may take for an answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// A submission waits for an fsync, and for others before it.
const SUBMIT_DEADLINE: Duration = Duration::from_secs(30);
/// The longest `?wait=`.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// No request takes longer, body and waiting included.
const REQUEST_DEADLINE: Duration = Duration::from_secs(100);
/// Requests under way; more are told to come again.
const REQUESTS_MAX: usize = 256;
/// Submissions among them: each holds its body in memory.
const SUBMISSIONS_MAX: usize = 32;

/// Asks consensus where it is.
pub type AskConsensus = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Snapshot, String>> + Send>> + Send + Sync>;

/// Everything that the API reaches.
pub struct Node {
    pub genesis: Arc<Genesis>,
    pub me: ValidatorIndex,
    pub mempool: Handle<MempoolActor>,
    pub state: Handle<StateActor>,
    pub verifier: Handle<VerifierPoolActor>,
    pub consensus: AskConsensus,
    pub peers: Arc<dyn Fn() -> Vec<PeerReport> + Send + Sync>,
    /// How each actor is.
    pub actors: Arc<dyn Fn() -> Vec<Report> + Send + Sync>,
    /// The last final sequence.
    pub heads: watch::Receiver<Sequence>,
    pub observed: Arc<Observed>,
    /// Renders `/metrics`; none when it is switched off.
    pub metrics: Option<PrometheusHandle>,
}

struct Api {
    node: Node,
    /// Who led which view.
    schedule: Schedule,
    requests: Semaphore,
    submissions: Semaphore,
    body_bytes_max: u64,
    /// Refuse a `Host` that is not this machine.
    loopback: bool,
}

type Shared = State<Arc<Api>>;

/// Serves until `stop` is done, and then lets the requests under way end.
///
/// # Errors
/// If the listener has no address.
pub async fn serve(node: Node, listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    server::serve(router(node, address), listener, server::Bounds::default(), stop).await;
    Ok(())
}

fn router(node: Node, address: SocketAddr) -> Router {
    // A script in JSON takes at most two bytes for one, but for control characters, which no script may hold.
    let body_bytes_max = node.genesis.parameters().verifier.script_bytes_max.saturating_mul(2).saturating_add(64 << 10);
    let schedule = Schedule::new(&node.genesis.validator_set(), &node.genesis.epoch_seed());
    let api = Arc::new(Api {
        node,
        schedule,
        requests: Semaphore::new(REQUESTS_MAX),
        submissions: Semaphore::new(SUBMISSIONS_MAX),
        body_bytes_max,
        loopback: address.ip().is_loopback(),
    });
    Router::new()
        .route("/v1/proofs", post(proofs::submit))
        .route("/v1/proofs/{id}", get(proofs::find))
        .route("/v1/blocks", get(blocks::list))
        .route("/v1/blocks/{sequence}", get(blocks::show))
        .route("/v1/status", get(status::show))
        .route("/metrics", get(metrics))
        .fallback(|| async { ApiError::not_found("there is no such path; docs/API_REFERENCE.md lists them") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(DefaultBodyLimit::max(usize::try_from(body_bytes_max).unwrap_or(usize::MAX)))
        .layer(middleware::from_fn_with_state(Arc::clone(&api), guard))
        .with_state(api)
}

/// What every request must pass: the host, a free place, and the deadline.
async fn guard(State(api): Shared, request: Request, next: Next) -> Response {
    if api.loopback && !is_own_host(&request) {
        return ApiError::foreign_host().into_response();
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > api.body_bytes_max) {
        // By its length alone, before any of it is read.
        return ApiError::too_large(api.node.genesis.parameters().verifier.script_bytes_max).into_response();
    }
    let Ok(_place) = api.requests.try_acquire() else {
        return ApiError::busy(format!("{REQUESTS_MAX} requests are under way already")).into_response();
    };
    match tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::too_slow().into_response(),
    }
}

/// Whether `Host` names this machine. Without one, no browser sent it.
fn is_own_host(request: &Request) -> bool {
    let Some(host) = request.headers().get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let is_loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    name.eq_ignore_ascii_case("localhost") || is_loopback
}

async fn metrics(State(api): Shared) -> Response {
    match &api.node.metrics {
        Some(metrics) => {
            let body = metrics.render();
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], body).into_response()
        }
        None => ApiError::not_found("metrics are switched off by metrics.enabled").into_response(),
    }
}
