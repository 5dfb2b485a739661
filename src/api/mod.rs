//! The HTTP API: `/v1/…` for submitters and operators, `/metrics` for Prometheus, and a page for people at `/`.
//!
//! It translates requests into messages to actors and answers into JSON (`docs/API_REFERENCE.md`). It reaches actors only
//! through handles, each time with a deadline; when one is down it says so (503). What comes in is hostile: bodies,
//! requests under way and waiting times are bounded, who is slow gives way to who is not, unknown fields are refused, and on
//! loopback what a foreign web page sends is. What may change the node stands in `routes`.

mod admin;
mod answers;
mod batch;
mod blocks;
mod body;
mod error;
mod guard;
mod health;
mod ledger;
mod limiter;
mod listing;
mod live;
mod lookup;
mod openapi;
mod page;

mod proof_status;
mod proofs;
mod routes;
mod schemas;
mod search;
mod server;
mod status;
#[cfg(test)]
mod tests;
mod tree;

use actix::{Actor, Context};
use actors::consensus::Ask;
use actors::mempool::MempoolActor;
use actors::network::PeerReport;
use actors::scrape::Page;
use actors::state::{Question, Read, StateActor};
use actors::storage::last_exit::LastRun;
use actors::supervision::{AskError, Handle, Tree};
use actors::tap::Observed;
use actors::verifier_pool::VerifierPoolActor;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use error::ApiError;
use guard::Turn;
use limiter::{Limiter, Permit};
use protocol::consensus::view::Snapshot;
use protocol::genesis::Genesis;
use protocol::schedule::Schedule;
use protocol::types::{Sequence, ValidatorIndex};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long an actor may take for an answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// A submission waits for an fsync, and for others before it.
const SUBMIT_DEADLINE: Duration = Duration::from_secs(30);
/// The longest `?wait=`.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// No request takes longer, body and waiting included.
const REQUEST_DEADLINE: Duration = Duration::from_secs(100);
/// Until a body is whole.
const BODY_DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of a body besides a script: what goes with it, or the names that are looked up.
const OTHER_BYTES_MAX: u64 = 128 << 10;
/// Requests under way. One more ends the wait of one that waits, for its body or for something to happen; if none does, it
/// is told to come again.
const REQUESTS_MAX: usize = 256;
/// Submissions among them: each holds its body in memory.
const SUBMISSIONS_MAX: usize = 32;
/// Requests that read the database beside its actor, among them: each may read hundreds of blocks, or a script, on a thread
/// of its own.
const LOOKUPS_MAX: usize = 4;
/// Pages of metrics that are made at once, among them.
const PAGES_MAX: usize = 4;

pub use admin::{Token, token_path};
pub use server::listen;

/// Why consensus did not say where it is.
#[derive(Debug, thiserror::Error)]
pub enum Unasked {
    #[error("consensus has handled nothing for {0:.1?}")]
    Hangs(Duration),
    #[error(transparent)]
    Unanswered(#[from] AskError<Ask>),
}

/// Asks consensus where it is.
pub type AskConsensus = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Snapshot, Unasked>> + Send>> + Send + Sync>;

/// Everything that the API reaches.
pub struct Node {
    pub genesis: Arc<Genesis>,
    pub me: ValidatorIndex,
    pub mempool: Handle<MempoolActor>,
    pub state: Handle<StateActor>,
    pub verifier: Handle<VerifierPoolActor>,
    pub consensus: AskConsensus,
    pub peers: Arc<dyn Fn() -> Vec<PeerReport> + Send + Sync>,
    /// Who supervises whom, and how each actor is.
    pub tree: Tree,
    /// What an administrator must show; none when there is no administrator.
    pub admin: Option<Token>,
    /// The last final sequence.
    pub heads: watch::Receiver<Sequence>,
    pub observed: Arc<Observed>,
    /// How the run before this one ended, if there was one.
    pub last_run: Option<LastRun>,
    /// Makes `/metrics`; none when it is switched off.
    pub metrics: Option<Arc<Page>>,
}

/// An actor that is silent for longer hangs, as far as a client is concerned: it gets an error at once, and does not wait.
pub const SILENCE_MAX: Duration = Duration::from_secs(1);

/// The actor, unless it hangs.
fn responsive<A: Actor<Context = Context<A>>>(actor: &Handle<A>) -> Result<&Handle<A>, ApiError> {
    let silence = actor.silence();
    if silence <= SILENCE_MAX {
        return Ok(actor);
    }
    let message = format!("{} has handled nothing for {silence:.1?}; it will be restarted", actor.name());
    Err(ApiError::unavailable(message))
}

/// Reads final history. The request's permit among the look-ups goes with the question: a client that goes away, or an answer
/// that comes too late, has not ended the read.
async fn read<Q: Question>(api: &Api, permit: &Arc<Permit>, question: Q) -> Result<Q::Found, ApiError> {
    let read = Read { question, permit: Box::new(Arc::clone(permit)) };
    responsive(&api.node.state)?.ask(read, ANSWER_DEADLINE).await?.map_err(ApiError::internal)
}

struct Api {
    node: Node,
    /// Who led which view.
    schedule: Schedule,
    requests: Arc<Limiter>,
    submissions: Arc<Limiter>,
    lookups: Arc<Limiter>,
    /// Answers that are long, until their clients have taken them.
    answers: Arc<Limiter>,
    pages: Arc<Limiter>,
    /// What open pages show.
    live: live::Live,
    body_bytes_max: u64,
    /// Refuse a `Host` that is not this machine.
    loopback: bool,
}

impl Api {
    /// A permit for a request that reads the database beside its actor.
    fn look_up(&self, from: IpAddr) -> Result<Permit, ApiError> {
        let busy = || ApiError::busy(format!("{LOOKUPS_MAX} requests are being looked up already"));
        self.lookups.take(from).ok_or_else(busy)
    }
}

type Shared = State<Arc<Api>>;

/// Serves until `stop` is done, and then lets the requests under way end.
///
/// # Errors
/// If the listener has no address.
pub async fn serve(node: Node, listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let api = api(node, address);
    let ending = Arc::clone(&api);
    // A stream of events ends with the node, and is not waited for.
    let stop = async move {
        stop.await;
        ending.live.listeners.close();
    };
    server::serve(router(api), listener, server::Bounds::default(), stop).await;
    Ok(())
}

fn api(node: Node, address: SocketAddr) -> Arc<Api> {
    // A script in JSON takes at most two bytes for one, but for control characters, which no script may hold.
    let body_bytes_max =
        node.genesis.parameters().verifier.script_bytes_max.saturating_mul(2).saturating_add(OTHER_BYTES_MAX);
    let schedule = Schedule::new(&node.genesis.validator_set(), &node.genesis.epoch_seed());
    Arc::new(Api {
        node,
        schedule,
        requests: Limiter::new(REQUESTS_MAX),
        submissions: Limiter::new(SUBMISSIONS_MAX),
        lookups: Limiter::new(LOOKUPS_MAX),
        answers: Limiter::new(answers::LONG_MAX),
        pages: Limiter::new(PAGES_MAX),
        live: live::Live::default(),
        body_bytes_max,
        loopback: address.ip().is_loopback(),
    })
}

fn router(api: Arc<Api>) -> Router {
    let body_bytes_max = usize::try_from(api.body_bytes_max).unwrap_or(usize::MAX);
    routes::router()
        .fallback(|| async { ApiError::not_found("there is no such path; docs/API_REFERENCE.md lists them") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(middleware::from_fn_with_state(Arc::clone(&api), guard::guard))
        .with_state(api)
}

/// Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    responses(
        (status = 200, description = "docs/METRICS.md", body = String, content_type = "text/plain"),
        (status = "default", description = "why not", body = error::ErrorBody),
    )
)]
async fn metrics(State(api): Shared, turn: Turn) -> Response {
    let Some(page) = api.node.metrics.clone() else {
        return ApiError::not_found("metrics are switched off by metrics.enabled").into_response();
    };
    let Some(permit) = api.pages.take(turn.from) else {
        return ApiError::busy(format!("{PAGES_MAX} pages are being made already")).into_response();
    };
    permit.works();
    // A disk that hangs holds up this page, and nobody else's answer.
    let making = tokio::task::spawn_blocking(move || {
        let page = page.render();
        drop(permit);
        page
    });
    match making.await {
        Ok(body) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], body).into_response(),
        Err(_) => ApiError::internal("the page could not be made").into_response(),
    }
}
