//! Answers that are long, until their clients have taken them.
//!
//! What a client does not read stays in memory, and it may be a script of megabytes. So such an answer holds a permit of its own
//! ([`super::limiter`]) for as long as its bytes are kept; beyond the maximum the one that has waited longest is cut off with
//! its connection, and so is one that is not taken in time. Must never: copy an answer, or hold up one that is read.

use super::error::ApiError;
use super::limiter::{Limiter, Permit};
use super::server::Connection;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// An answer of at most so many bytes is not long: as many as there are connections may wait.
pub const SHORT_BYTES_MAX: u64 = 64 << 10;
/// Long answers that may wait for their clients at once.
pub const LONG_MAX: usize = 32;
/// Until a client has taken a long answer.
pub const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// Bytes that are handed to the connection at once: what is handed over counts as answered there, and the next request is
/// waited for.
const SLICE_BYTES: usize = 64 << 10;

/// Gives a long answer a permit until it is taken or its time is over; leaves a short one, or a stream, as it is.
pub async fn bounded(
    answers: &Arc<Limiter>,
    connection: &Connection,
    taken_within: Duration,
    response: Response,
) -> Response {
    if response.body().size_hint().exact().is_none_or(|bytes| bytes <= SHORT_BYTES_MAX) {
        return response;
    }
    let Some(permit) = answers.take(connection.from) else {
        return ApiError::busy(format!("{LONG_MAX} long answers are being sent already")).into_response();
    };
    let (head, body) = response.into_parts();
    // A body of one piece is not copied.
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return ApiError::internal("the answer could not be made").into_response();
    };
    let (gone, end) = oneshot::channel();
    let permit = Arc::new(permit);
    let kept = Kept { bytes, _permit: Arc::clone(&permit), _gone: gone };
    tokio::spawn(watch(permit, end, taken_within, Arc::clone(&connection.permit)));
    Response::from_parts(head, Body::new(Slices(Bytes::from_owner(kept))))
}

/// Cuts the connection off when others need the permit, or when the answer is not taken in time.
async fn watch(permit: Arc<Permit>, end: oneshot::Receiver<()>, taken_within: Duration, connection: Arc<Permit>) {
    tokio::select! {
        _ = end => {}
        () = permit.lost() => connection.cut(),
        () = tokio::time::sleep(taken_within) => connection.cut(),
    }
}

/// An answer with its permit: the connection drops both once it has written the last of the bytes, or ends.
struct Kept {
    bytes: Bytes,
    _permit: Arc<Permit>,
    /// Its end ends the watch.
    _gone: oneshot::Sender<()>,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body that is handed over in slices, without copying.
struct Slices(Bytes);

impl HttpBody for Slices {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.len().min(SLICE_BYTES);
        let slice = self.0.split_to(next);
        Poll::Ready((!slice.is_empty()).then(|| Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const LONG: Duration = Duration::from_secs(60);

    fn connection(limiter: &Arc<Limiter>) -> Connection {
        let from = IpAddr::from([192, 0, 2, 1]);
        Connection { from, permit: Arc::new(limiter.take(from).unwrap()) }
    }

    fn answer(bytes: u64) -> Response {
        Body::from(vec![b'x'; bytes as usize]).into_response()
    }

    #[actix::test]
    async fn a_long_answer_keeps_its_place_until_its_bytes_are_gone_and_is_not_copied() {
        let (connections, answers) = (Limiter::new(1), Limiter::new(1));
        let connection = connection(&connections);
        let short = bounded(&answers, &connection, LONG, answer(SHORT_BYTES_MAX)).await;
        assert_eq!(answers.taken(), 0, "a short one needs none");
        drop(short);
        let bytes = Bytes::from(vec![b'x'; SHORT_BYTES_MAX as usize * 3 + 1]);
        let (start, length) = (bytes.as_ptr(), bytes.len());
        let long = bounded(&answers, &connection, LONG, Body::from(bytes).into_response()).await;
        assert_eq!((answers.taken(), long.body().size_hint().exact()), (1, Some(length as u64)));
        let mut body = long.into_body();
        let (mut slices, mut read) = (Vec::new(), 0);
        while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let slice = frame.unwrap().into_data().unwrap();
            assert_eq!(slice.as_ptr(), start.wrapping_add(read));
            read += slice.len();
            slices.push(slice);
        }
        drop(body);
        assert_eq!((read, slices.len()), (length, 4));
        slices.drain(..3);
        assert_eq!(answers.taken(), 1, "the last of it is not written");
        slices.clear();
        until_free(&answers).await;
    }

    /// What watches an answer hears of its end a moment later.
    async fn until_free(answers: &Arc<Limiter>) {
        let deadline = std::time::Instant::now() + LONG;
        while answers.taken() > 0 {
            assert!(std::time::Instant::now() < deadline, "the permit is not free");
            tokio::task::yield_now().await;
        }
    }

    #[actix::test]
    async fn an_answer_that_is_not_taken_in_time_ends_its_connection() {
        let (connections, answers) = (Limiter::new(1), Limiter::new(1));
        let connection = connection(&connections);
        let waits = bounded(&answers, &connection, Duration::from_millis(1), answer(SHORT_BYTES_MAX + 1)).await;
        tokio::time::timeout(LONG, connection.permit.lost()).await.expect("it is cut off");
        drop(waits);
        until_free(&answers).await;
    }

    #[actix::test]
    async fn beyond_the_maximum_the_answer_that_waited_longest_is_cut_off() {
        let (connections, answers) = (Limiter::new(2), Limiter::new(1));
        let (first, second) = (connection(&connections), connection(&connections));
        let _waits = bounded(&answers, &first, LONG, answer(SHORT_BYTES_MAX + 1)).await;
        let _next = bounded(&answers, &second, LONG, answer(SHORT_BYTES_MAX + 1)).await;
        tokio::time::timeout(LONG, first.permit.lost()).await.expect("it is cut off");
        assert_eq!(answers.taken(), 1);
    }
}
