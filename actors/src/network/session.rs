//! One session at work: it writes what the outbox holds, votes first, reads through [`super::reader`], and pings.
//!
//! Whatever ends it, the slot is given up and the sink told, also when the sink panics.

use super::frames::{PART_BYTES_MAX, PeerMessage};
use super::handshake::{LinkError, Refusal, part, parting_word};
use super::live::{Admitted, Live};
use super::pace::Pace;
use super::reader::{Pulse, Reader};
use super::table::Network;
use crate::tap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// A peer that takes none of our bytes for so long loses the session.
pub const STALL_MAX: Duration = Duration::from_secs(10);
/// What is handed to TLS at once; a vote overtakes at most so much.
const WRITE_BYTES_MAX: usize = PART_BYTES_MAX;

/// The slot that a connection has, until it is dropped.
pub(super) struct Agreed<M: PeerMessage> {
    presence: Presence<M>,
    before: Option<Arc<Live>>,
    round_trip: Duration,
}

impl<M: PeerMessage> Agreed<M> {
    pub(super) fn new(network: &Arc<Network<M>>, admitted: Admitted) -> Self {
        let presence = Presence { network: Arc::clone(network), live: admitted.live, error: LinkError::Panicked };
        Agreed { presence, before: admitted.before, round_trip: Duration::ZERO }
    }

    pub(super) fn measured(self, round_trip: Duration) -> Self {
        Agreed { round_trip, ..self }
    }
}

/// An agreed connection. Dropping it gives its slot up.
pub struct Session<M: PeerMessage> {
    stream: TlsStream<TcpStream>,
    agreed: Agreed<M>,
}

impl<M: PeerMessage> Session<M> {
    pub(super) fn new(stream: TlsStream<TcpStream>, agreed: Agreed<M>) -> Self {
        Session { stream, agreed }
    }

    /// Works until the session ends.
    pub async fn run(self) {
        let Session { stream, agreed: Agreed { mut presence, before, round_trip } } = self;
        if let Some(before) = before {
            // The sink hears of the old session's end before it hears of this one.
            let mut ended = before.ended.subscribe();
            let _ = ended.wait_for(|ended| *ended).await;
        }
        presence.live.measured(round_trip);
        presence.announce(round_trip);
        let (error, mut stream) = work(&presence.network, &presence.live, stream).await;
        let reason = parting_word(&error);
        presence.error = error;
        // The slot is given up at once; only this connection waits for the peer to read why.
        drop(presence);
        if let Some(reason) = reason {
            part(&mut stream, &reason).await;
        }
    }
}

/// Announces a session to the sink, and its end however it comes.
struct Presence<M: PeerMessage> {
    network: Arc<Network<M>>,
    live: Arc<Live>,
    error: LinkError,
}

impl<M: PeerMessage> Presence<M> {
    fn announce(&self, round_trip: Duration) {
        let peer = self.live.peer;
        let (name, shown) = (self.network.roster.name(peer), format!("{:.2} ms", round_trip.as_secs_f64() * 1e3));
        // It is likely to be refused at once again, each two seconds.
        if self.network.was_refused_for_key(peer) {
            tracing::debug!(peer = name, round_trip = shown, "session open");
        } else {
            tracing::info!(peer = name, round_trip = shown, "session open");
        }
        self.live.set_open(true);
        tap::network::session_opened();
        self.network.sink.opened(self.live.session(), round_trip);
    }
}

impl<M: PeerMessage> Drop for Presence<M> {
    fn drop(&mut self) {
        let peer = self.live.peer;
        let announced = self.live.is_open();
        self.live.set_open(false);
        if announced {
            let name = self.network.roster.name(peer);
            let news = self.network.note(peer, &self.error);
            match &self.error {
                LinkError::RefusedByPeer(Refusal::KeyInUse) if news => {
                    tracing::warn!(peer = name, reason = %self.error, "session closed");
                }
                LinkError::RefusedByPeer(Refusal::KeyInUse) => {
                    tracing::debug!(peer = name, reason = %self.error, "session closed");
                }
                LinkError::Refused(Refusal::Stopping) => tracing::info!(peer = name, "session closed: shutting down"),
                error => tracing::info!(peer = name, reason = %error, "session closed"),
            }
            tap::network::session_closed(self.error.label());
            self.network.note_closed(peer);
        }
        // The slot is free before the sink is told, and even if the sink panics.
        let _leave = Leave(&self.network, &self.live);
        if announced {
            self.network.sink.closed(self.live.session());
        }
    }
}

struct Leave<'a, M: PeerMessage>(&'a Network<M>, &'a Live);

impl<M: PeerMessage> Drop for Leave<'_, M> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

async fn work<M: PeerMessage>(
    network: &Arc<Network<M>>,
    live: &Arc<Live>,
    stream: TlsStream<TcpStream>,
) -> (LinkError, TlsStream<TcpStream>) {
    let (mut read, mut write) = tokio::io::split(stream);
    let pulse = Pulse::default();
    let mut cancelled = live.cancel.subscribe();
    let error = tokio::select! {
        biased;
        cancel = cancelled.wait_for(Option::is_some) => {
            cancel.ok().and_then(|cancel| cancel.clone()).unwrap_or(LinkError::Replaced)
        }
        error = Reader::new(network, live, &pulse).run(&mut read) => error,
        error = write_all(network, live, &mut write) => error,
        error = keep_alive(live, &pulse, network.pace) => error,
    };
    (error, read.unsplit(write))
}

/// Asks whether the peer is alive, at the session's start and whenever it is due, until it is silent for too long.
async fn keep_alive(live: &Live, pulse: &Pulse, pace: Pace) -> LinkError {
    let mut nonce: u64 = 0;
    let mut asked_at: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let silent = live.since_heard();
        if silent >= pace.silence_max {
            return LinkError::Silent(pace.silence_max);
        }
        let measured_in = asked_at.map_or(Duration::ZERO, |at| pace.due_in(pace.measured, now.duration_since(at)));
        let quiet_in = pace.due_in(pace.quiet, silent);
        if measured_in.is_zero() || quiet_in.is_zero() {
            nonce += 1;
            asked_at = Some(now);
            pulse.asked(nonce.to_be_bytes(), now);
            live.outbox.ping(nonce.to_be_bytes());
        }
        // After a question the peer has as long to answer. What is heard meanwhile only puts off what is due.
        let again_in = |span: Duration, whole: Duration| if span.is_zero() { whole } else { span };
        let next = again_in(measured_in, pace.measured).min(again_in(quiet_in, pace.quiet));
        tokio::time::sleep(pace.together(now, next).min(pace.silence_max - silent)).await;
    }
}

async fn write_all<M: PeerMessage>(
    network: &Network<M>,
    live: &Live,
    write: &mut WriteHalf<TlsStream<TcpStream>>,
) -> LinkError {
    let mut buffer = Vec::with_capacity(WRITE_BYTES_MAX + PART_BYTES_MAX);
    let mut sent = Vec::new();
    loop {
        buffer.clear();
        sent.clear();
        live.outbox.write_next(&mut buffer, WRITE_BYTES_MAX, &mut sent);
        let step = async { if buffer.is_empty() { write.flush().await } else { write.write_all(&buffer).await } };
        match tokio::time::timeout(STALL_MAX, step).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return LinkError::Stalled(STALL_MAX),
        }
        if buffer.is_empty() {
            live.outbox.filled().await;
            continue;
        }
        let traffic = network.traffic(live.peer);
        traffic.bytes_out.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        let ended = sent.iter().filter(|frame| frame.is_last).count();
        traffic.messages_out.fetch_add(ended as u64, Ordering::Relaxed);
        sent.iter().for_each(|frame| network.counted.frame_out(frame.kind, frame.bytes, frame.is_last));
    }
}
