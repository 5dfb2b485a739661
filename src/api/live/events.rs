//! The stream of events: who listens, and what each of them has not read yet.
//!
//! A stream has a permit of its own, apart from those of connections and requests, so that open pages keep nobody else out.
//! Beyond the bound a client is told to ask for the document now and then. A chunk is made once and shared; a reader that leaves
//! too many of them unread is cut off, and a stream ends after its lifetime: browsers come again by themselves.

use super::{Api, Shared, TICK, make};
use crate::api::error::{ApiError, ErrorBody};
use crate::api::limiter::Permit;
use crate::api::server::Connection;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use parking_lot::Mutex;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

/// Streams that may be open.
pub const STREAMS_MAX: usize = 256;
/// Chunks that a reader may leave unread, besides what the system keeps for it: some seconds.
pub const QUEUED_MAX: usize = 16;
/// However well it reads, a stream ends after this.
pub const LIFETIME: Duration = Duration::from_secs(570);
/// How soon a browser whose stream has ended comes again, milliseconds.
const RETRY: &str = "retry: 1000\n\n";

#[derive(Default)]
pub struct Listeners(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// At most [`STREAMS_MAX`].
    listeners: Vec<Listener>,
    /// Somebody makes the parts for them.
    producing: bool,
    /// The node ends: nobody listens any more.
    closed: bool,
}

struct Listener {
    chunks: mpsc::Sender<Bytes>,
    until: Instant,
    /// To cut off a reader that does not read.
    connection: Arc<Permit>,
}

/// Whether the one that has just come must start the producer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Producer {
    Runs,
    Needed,
}

impl Listeners {
    /// A stream for a connection, which then leaves its permit to others. `None` if there are too many.
    pub(super) fn add(&self, connection: Arc<Permit>, until: Instant) -> Option<(mpsc::Receiver<Bytes>, Producer)> {
        let inner = &mut *self.0.lock();
        inner.listeners.retain(|listener| !listener.chunks.is_closed());
        if inner.closed || inner.listeners.len() >= STREAMS_MAX {
            return None;
        }
        connection.leave();
        let (chunks, stream) = mpsc::channel(QUEUED_MAX);
        inner.listeners.push(Listener { chunks, until, connection });
        let producer = if std::mem::replace(&mut inner.producing, true) { Producer::Runs } else { Producer::Needed };
        Some((stream, producer))
    }

    /// Gives everybody the next chunk. Who has gone, has had its time, or does not read, is let go.
    pub fn publish(&self, chunk: &Bytes) {
        let now = Instant::now();
        self.0.lock().listeners.retain(|listener| match listener.chunks.try_send(chunk.clone()) {
            Ok(()) => listener.until > now,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(_)) => {
                listener.connection.cut();
                false
            }
        });
    }

    /// Whether nobody listens: then the producer ends, and the next who comes starts another.
    fn is_over(&self) -> bool {
        let inner = &mut *self.0.lock();
        inner.listeners.retain(|listener| !listener.chunks.is_closed());
        inner.producing = !inner.listeners.is_empty();
        !inner.producing
    }

    /// Ends every stream, now and later.
    pub fn close(&self) {
        let inner = &mut *self.0.lock();
        inner.closed = true;
        inner.listeners.clear();
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.0.lock().listeners.len()
    }

    #[cfg(test)]
    pub fn is_producing(&self) -> bool {
        self.0.lock().producing
    }
}

/// The body of an answer that goes on.
struct Stream {
    first: Option<Bytes>,
    chunks: mpsc::Receiver<Bytes>,
}

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        self.chunks.poll_recv(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

/// What changes, as it does: server-sent events.
#[utoipa::path(
    get,
    path = "/v1/events",
    responses(
        (status = 200, description = "first every part of `/v1/overview` as an event of its name, then each as it changes",
         body = String, content_type = "text/event-stream"),
        (status = 503, description = "too many listen already; `/v1/overview` has the same", body = ErrorBody),
        (status = "default", description = "why not", body = ErrorBody),
    )
)]
pub async fn listen(State(api): Shared, request: Request) -> Result<Response, ApiError> {
    let Some(Connection { permit, .. }) = request.extensions().get::<Connection>().cloned() else {
        return Err(ApiError::internal("the request came over no connection"));
    };
    let until = Instant::now() + LIFETIME;
    let Some((chunks, producer)) = api.live.listeners.add(permit, until) else {
        let message = format!("{STREAMS_MAX} streams of events are open already: ask /v1/overview now and then");
        return Err(ApiError::unavailable(message));
    };
    if producer == Producer::Needed {
        tokio::spawn(produce(Arc::clone(&api)));
    }
    super::freshen(&api).await;
    let first = [RETRY.as_bytes(), &api.live.parts.events()].concat();
    let stream = Stream { first: Some(first.into()), chunks };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // A proxy in between passes on what comes, as it comes.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        // The connection has left its permit: nothing else comes over it.
        (header::CONNECTION, HeaderValue::from_static("close")),
    ];
    Ok((headers, Body::new(stream)).into_response())
}

/// Whatever ends the producer, the next who comes starts another.
struct Running(Arc<Api>);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.live.listeners.0.lock().producing = false;
        }
    }
}

/// Makes what changes, for all who listen, until nobody does.
async fn produce(api: Arc<Api>) {
    let _running = Running(Arc::clone(&api));
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if api.live.listeners.is_over() {
            return;
        }
        make(&api, api.live.making.lock().await, |chunk| api.live.listeners.publish(&chunk)).await;
    }
}
