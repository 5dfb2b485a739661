//! One session at work: it writes what the outbox holds, votes first, reads through [`super::reader`], and pings.
//!
//! Whatever ends it, the slot is given up and the sink told, also when the sink panics.

use super::frames::{PART_BYTES_MAX, PeerMessage};
use super::handshake::{LinkError, part, parting_word};
use super::live::{Admitted, Live};
use super::reader::{Pulse, Reader};
use super::table::Network;
use crate::metrics;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

pub const PING_INTERVAL: Duration = Duration::from_secs(1);
/// Without a byte from the peer for so long, the session ends.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);
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
        let round_trip_ms = round_trip.as_secs_f64() * 1e3;
        let round_trip_text = format_args!("{round_trip_ms:.2} ms");
        tracing::info!(peer = self.network.roster.name(peer), round_trip = %round_trip_text, "session open");
        self.live.set_open(true);
        metrics::network_session_opened();
        self.network.sink.opened(peer, round_trip);
    }
}

impl<M: PeerMessage> Drop for Presence<M> {
    fn drop(&mut self) {
        let peer = self.live.peer;
        let announced = self.live.is_open();
        self.live.set_open(false);
        if announced {
            tracing::info!(peer = self.network.roster.name(peer), reason = %self.error, "session closed");
            metrics::network_session_closed(self.error.label());
            self.network.note(peer, &self.error);
            self.network.note_closed(peer);
        }
        // The slot is free before the sink is told, and even if the sink panics.
        let _leave = Leave(&self.network, &self.live);
        if announced {
            self.network.sink.closed(peer);
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
        error = keep_alive(live, &pulse) => error,
    };
    (error, read.unsplit(write))
}

async fn keep_alive(live: &Live, pulse: &Pulse) -> LinkError {
    let mut heard_at = Instant::now();
    let mut nonce: u64 = 0;
    let mut ticks = tokio::time::interval(PING_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = Instant::now();
        if pulse.was_heard() {
            heard_at = now;
        }
        if now.duration_since(heard_at) >= SILENCE_MAX {
            return LinkError::Silent(SILENCE_MAX);
        }
        nonce += 1;
        pulse.asked(nonce.to_be_bytes(), now);
        live.outbox.ping(nonce.to_be_bytes());
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
