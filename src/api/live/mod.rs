//! What an open page shows, made once for all that look: as events of one stream, or as one document.
//!
//! A part is made anew only while somebody looks, and sent only when it differs from what was sent before. Pages ask nothing
//! else to stay up to date. Must never: let one reader wait for another, keep more for a slow one than [`events::QUEUED_MAX`]
//! chunks, or do anything while nobody looks.

pub mod events;
mod parts;
#[cfg(test)]
mod tests;
mod views;

use super::error::{ApiError, ErrorBody};
use super::limiter::Limiter;
use super::listing::{self, Known, NewestView};
use super::{Api, Shared};
use actors::supervision::Phase;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use events::Listeners;
use parts::Parts;
use protocol::types::Sequence;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::MutexGuard;
pub use views::*;

/// How often the parts are made while a stream is open.
const TICK: Duration = Duration::from_millis(500);
/// Actors' gauges, and validators, are worth sending this often; a restart is sent with the next tick.
const SLOWLY: Duration = Duration::from_secs(2);
/// Figures of the node itself: every other tick.
const STATUS: Duration = Duration::from_millis(900);
/// A part whose actor hangs is said to be missing after this, and holds up no other.
const PART_DEADLINE: Duration = Duration::from_secs(1);
/// A document that is asked for is not made more often than this.
const OVERVIEW_AGE_MAX: Duration = Duration::from_secs(1);
/// Newest proofs of each kind, and newest blocks.
const PROOFS: usize = 20;
const BLOCKS: usize = 20;

/// Shared by all who look.
pub struct Live {
    pub listeners: Listeners,
    parts: Parts,
    /// One making reads the database at a time: a part that is late is missing, and its read goes on.
    pub reads: Arc<Limiter>,
    /// Held while the parts are made: they are made once, however many want them.
    making: tokio::sync::Mutex<Making>,
}

impl Default for Live {
    fn default() -> Live {
        Live {
            listeners: Listeners::default(),
            parts: Parts::default(),
            reads: Limiter::new(1),
            making: tokio::sync::Mutex::default(),
        }
    }
}

/// What is remembered from one making to the next.
#[derive(Default)]
struct Making {
    known: Known,
    blocks: VecDeque<BlockSummary>,
    read_upto: Option<Sequence>,
    seen: Seen,
}

/// The same for what is made without asking an actor.
#[derive(Default)]
struct Seen {
    /// Of each actor: whether it runs, its incarnation, and when it failed last.
    actors: Vec<(Phase, u64, Option<Instant>)>,
    actors_at: Option<Instant>,
    validators_at: Option<Instant>,
    history: Option<u64>,
    status_at: Option<Instant>,
    made_at: Option<Instant>,
}

fn is_due(at: Option<Instant>, interval: Duration, now: Instant) -> bool {
    at.is_none_or(|at| now.saturating_duration_since(at) >= interval)
}

/// Makes what is due, and gives what of it changed as chunks of the stream: first what no actor has to answer, at once, then
/// the rest.
async fn make(api: &Arc<Api>, mut making: MutexGuard<'_, Making>, mut publish: impl FnMut(Bytes)) {
    let (parts, now) = (&api.live.parts, Instant::now());
    let Making { known, blocks, read_upto, seen } = &mut *making;
    let mut changed = parts::Changed::default();
    quick(api, seen, now, &mut changed);
    changed.take().into_iter().for_each(&mut publish);
    let status_is_due = is_due(seen.status_at, STATUS, now);
    let status = async {
        if status_is_due { Some((health(api).await, in_time("this validator", status(api)).await)) } else { None }
    };
    let proofs = in_time("mempool", proofs(api, known));
    let read = in_time("state", read_blocks(api, blocks, read_upto));
    let (status, proofs, read) = tokio::join!(status, proofs, read);
    if let Some((health, status)) = status {
        seen.status_at = Some(now);
        changed.add(parts, "health", &health);
        changed.add(parts, "status", &part(status));
    }
    changed.add(parts, "proofs", &part(proofs));
    let summaries = read.map(|()| blocks.iter().rev().collect::<Vec<_>>());
    changed.add(parts, "blocks", &part(summaries));
    // Its end counts: one that takes long would be over-age as soon as it is made, and be made once more for each that waits.
    seen.made_at = Some(Instant::now());
    drop(making);
    changed.take().into_iter().for_each(publish);
}

/// What is read from counters alone, so that it is there whatever hangs.
fn quick(api: &Api, seen: &mut Seen, now: Instant, changed: &mut parts::Changed) {
    let report = api.node.tree.report();
    let phases = |actor: &&actors::supervision::ActorReport| {
        (actor.phase, actor.incarnation, actor.last_failure.as_ref().map(|failure| failure.at))
    };
    let actors: Vec<_> = report.actors().iter().map(phases).collect();
    if actors != seen.actors || is_due(seen.actors_at, SLOWLY, now) {
        (seen.actors, seen.actors_at) = (actors, Some(now));
        changed.add(&api.live.parts, "actors", &super::tree::view(report));
    }
    if is_due(seen.validators_at, SLOWLY, now) {
        seen.validators_at = Some(now);
        changed.add(&api.live.parts, "validators", &validators(api, now));
    }
    let past = api.node.observed.history(now);
    if seen.history != Some(past.number) {
        seen.history = Some(past.number);
        changed.add(&api.live.parts, "history", &history(&past));
    }
}

async fn proofs(api: &Api, known: &mut Known) -> Result<NewestView, ApiError> {
    let nobody = IpAddr::from([0, 0, 0, 0]);
    let permit = api.live.reads.take(nobody).ok_or_else(|| ApiError::silent("the database"))?;
    permit.works();
    listing::newest(api, &Arc::new(permit), PROOFS, known).await
}

async fn in_time<T>(who: &str, making: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    tokio::time::timeout(PART_DEADLINE, making).await.unwrap_or_else(|_| Err(ApiError::silent(who)))
}

/// Everything that a page shows, in one document: for pages that have no stream, and for programs.
#[utoipa::path(
    get,
    path = "/v1/overview",
    responses(
        (status = 200, description = "each part, or why there is none", body = OverviewView),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn overview(State(api): Shared) -> Response {
    freshen(&api).await;
    ([(header::CONTENT_TYPE, "application/json")], api.live.parts.document()).into_response()
}

/// Makes the parts unless they are new enough.
async fn freshen(api: &Arc<Api>) {
    // Who waits for another's making finds it done.
    let making = api.live.making.lock().await;
    if is_due(making.seen.made_at, OVERVIEW_AGE_MAX, Instant::now()) {
        make(api, making, |chunk| api.live.listeners.publish(&chunk)).await;
    }
}
