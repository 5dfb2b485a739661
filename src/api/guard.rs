//! What every request must pass: whose page it comes from, the length of its body, a free permit, and the deadline; and its
//! answer: a permit while it waits for its client, if it is long.

use super::answers;
use super::error::ApiError;
use super::limiter::Permit;
use super::server::Connection;
use super::{REQUEST_DEADLINE, REQUESTS_MAX, Shared};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A request's permit to be under way. Handlers that wait for their client say so: they are the ones that
/// give way when all permits are taken.
#[derive(Debug, Clone)]
pub struct Turn {
    pub from: IpAddr,
    permit: Option<Arc<Permit>>,
    waited: Arc<Waited>,
}

/// How long a request waited for its client: for its body, or because it asked to.
#[derive(Debug, Default)]
struct Waited(Mutex<(Option<Instant>, Duration)>);

impl Waited {
    fn begin(&self) {
        self.0.lock().0.get_or_insert_with(Instant::now);
    }

    fn end(&self) {
        let (since, span) = &mut *self.0.lock();
        *span += since.take().map_or(Duration::ZERO, |since| since.elapsed());
    }

    fn span(&self) -> Duration {
        self.end();
        self.0.lock().1
    }
}

impl Turn {
    pub fn works(&self) {
        self.waited.end();
        self.permit.iter().for_each(|permit| permit.works());
    }

    pub fn waits(&self) {
        self.waited.begin();
        self.permit.iter().for_each(|permit| permit.waits());
    }

    /// Done when another request has its permit: whatever is waited for, the wait is over.
    pub async fn lost(&self) {
        match &self.permit {
            Some(permit) => permit.lost().await,
            None => std::future::pending().await,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Turn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Turn, Infallible> {
        let unguarded = || Turn { from: IpAddr::from([0, 0, 0, 0]), permit: None, waited: Arc::default() };
        Ok(parts.extensions.get::<Turn>().cloned().unwrap_or_else(unguarded))
    }
}

/// The connection's permit is not taken away while a request is being answered.
struct Answering(Arc<Permit>);

impl Answering {
    fn on(permit: Arc<Permit>) -> Answering {
        permit.works();
        Answering(permit)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.waits();
    }
}

/// Counts the answer and its time; pages of metrics apart, which would count themselves.
pub async fn guard(state: Shared, request: Request, next: Next) -> Response {
    let (began, waited) = (Instant::now(), Arc::<Waited>::default());
    let counts = request.uri().path() != "/metrics";
    let response = pass(state, Arc::clone(&waited), request, next).await;
    if counts {
        let took = began.elapsed().saturating_sub(waited.span());
        actors::tap::process::api_request(response.status().as_u16(), took);
    }
    response
}

async fn pass(State(api): Shared, waited: Arc<Waited>, mut request: Request, next: Next) -> Response {
    if api.loopback && !is_from_here(&request) {
        return ApiError::foreign_host().into_response();
    }
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > api.body_bytes_max) {
        // By its length alone, before any of it is read; nothing else is read from this connection.
        let refused = ApiError::too_large(api.node.genesis.parameters().verifier.script_bytes_max);
        return ([(header::CONNECTION, HeaderValue::from_static("close"))], refused).into_response();
    }
    let Some(connection) = request.extensions().get::<Connection>().cloned() else {
        return ApiError::internal("the request came over no connection").into_response();
    };
    let from = connection.from;
    let Some(turn) = api.requests.take(from) else {
        return ApiError::busy(format!("{REQUESTS_MAX} requests are being answered already")).into_response();
    };
    turn.works();
    let _answering = Answering::on(Arc::clone(&connection.permit));
    request.extensions_mut().insert(Turn { from, permit: Some(Arc::new(turn)), waited });
    match tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => answers::bounded(&api.answers, &connection, answers::TAKEN_WITHIN, response).await,
        Err(_) => ApiError::too_slow().into_response(),
    }
}

/// Whether nothing in the request names another machine: a page that a browser shows for another one could otherwise
/// submit in its reader's name. `Host` gives away a name that was made to lead here, `Origin` a page that asks us by our
/// own name. Without either, no browser sent it.
fn is_from_here(request: &Request) -> bool {
    let is_here = |value: &HeaderValue| value.to_str().is_ok_and(is_own_host);
    let is_own_origin = |origin: &HeaderValue| {
        let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
        host.is_some_and(is_own_host)
    };
    request.headers().get_all(header::HOST).iter().all(is_here)
        && request.headers().get_all(header::ORIGIN).iter().all(is_own_origin)
        && Uri::host(request.uri()).is_none_or(is_own_host)
}

/// Whether `host`, with or without a port, is this machine.
fn is_own_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let is_loopback = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    name.eq_ignore_ascii_case("localhost") || is_loopback
}
