//! One connection: from the handshake to its end.
//!
//! It reads, decodes and delivers; it writes what the outbox holds, votes first; it pings. Whatever ends it, the slot is
//! given up and the sink told, also when the sink panics.

use super::frames::{Assembler, Control, FrameError, KindRule, MESSAGE_KIND_MIN, PART_BYTES_MAX, PeerMessage, decode};
use super::handshake::{
    HANDSHAKE_DEADLINE, Hello, LinkError, Refusal, compare, expect, goodbye, part, parting_word, read_frame, send,
};
use super::rates::{BYTES_BURST, BYTES_PER_SECOND, Bucket};
use super::socket;
use super::table::{Admitted, Live, Network, Sink};
use super::tls::{KeyError, TlsError, peer_key, server_name};
use crate::metrics;
use protocol::types::ValidatorIndex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// For the TCP connection alone. Short, because the system itself repeats its first packet ever more seldom, and a peer
/// that returns after a partition should be found soon.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);
pub const PING_INTERVAL: Duration = Duration::from_secs(1);
/// Without a byte from the peer for so long, the session ends.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);
/// A peer that takes none of our bytes for so long loses the session.
pub const STALL_MAX: Duration = Duration::from_secs(10);
/// What is handed to TLS at once; a vote overtakes at most so much.
const WRITE_BYTES_MAX: usize = PART_BYTES_MAX;
/// A message of so many bytes may hold some sixty signatures, three milliseconds of work: it is decoded and verified
/// beside the sessions' thread, several at a time if several peers sent one.
const ASIDE_BYTES_MIN: usize = 4 * 1024;
/// Control frames that one peer may send.
const CONTROLS_PER_SECOND: u32 = 20;
const CONTROLS_BURST: u32 = 50;

/// Takes a connection that a peer made, to its end.
pub async fn accept<M: PeerMessage>(network: Arc<Network<M>>, stream: TcpStream) {
    let Ok(permit) = Arc::clone(&network.handshakes).try_acquire_owned() else {
        metrics::network_refused(LinkError::TooManyConnections.label(), Side::Accepted.label());
        return;
    };
    let agreed = timed(async {
        socket::tune(&stream)?;
        let stream = network.tls.acceptor().accept(stream).await?;
        greet(&network, TlsStream::Server(stream)).await
    });
    match agreed.await {
        Ok(session) => {
            drop(permit);
            session.run().await;
        }
        Err(failure) => report(&network, failure, Side::Accepted),
    }
}

/// Dials a peer and keeps the session to its end.
///
/// # Errors
/// Why there was no session.
pub async fn dial<M: PeerMessage>(
    network: &Arc<Network<M>>,
    peer: ValidatorIndex,
    address: &str,
) -> Result<Session<M>, LinkError> {
    let unreachable = |reason: String| LinkError::Unreachable { address: address.to_owned(), reason };
    let agreed = timed(async {
        let key = network.roster.get(peer).ok_or_else(|| unreachable("no such validator".into()))?.key;
        let connected = tokio::time::timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await;
        let stream = connected
            .map_err(|_| unreachable(format!("no answer within {CONNECT_DEADLINE:?}")))?
            .map_err(|error| unreachable(error.to_string()))?;
        socket::tune(&stream)?;
        let stream = network.tls.connector(key)?.connect(server_name(), stream).await?;
        greet(network, TlsStream::Client(stream)).await
    });
    agreed.await.map_err(|failure| {
        let error = failure.error.clone();
        report(network, Failure { peer: Some(peer), ..failure }, Side::Dialled);
        error
    })
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Accepted,
    Dialled,
}

impl Side {
    fn label(self) -> &'static str {
        match self {
            Side::Accepted => "accepted",
            Side::Dialled => "dialled",
        }
    }
}

/// A handshake that failed, with the peer if its key was proven.
struct Failure {
    peer: Option<ValidatorIndex>,
    error: LinkError,
}

impl<E: Into<LinkError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure { peer: None, error: error.into() }
    }
}

async fn timed<T>(handshake: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = Failure { peer: None, error: LinkError::HandshakeDeadline };
    tokio::time::timeout(HANDSHAKE_DEADLINE, handshake).await.unwrap_or(Err(late))
}

fn report<M: PeerMessage>(network: &Network<M>, failure: Failure, side: Side) {
    metrics::network_refused(failure.error.label(), side.label());
    let Some(peer) = failure.peer else {
        if network.logs_stranger() {
            tracing::info!(error = %failure.error, side = side.label(), "a connection was refused");
        }
        return;
    };
    // The same reason again, once a second, is worth no line.
    if !network.note(peer, &failure.error) {
        return;
    }
    match &failure.error {
        // A peer may be away, or dial at the same time: neither is worth a line each time.
        LinkError::Unreachable { .. }
        | LinkError::Closed
        | LinkError::Refused(Refusal::Duplicate)
        | LinkError::RefusedByPeer(Refusal::Duplicate | Refusal::Stopping) => {
            tracing::debug!(%peer, error = %failure.error, side = side.label(), "no session");
        }
        error => tracing::warn!(%peer, %error, side = side.label(), "no session"),
    }
}

/// Finds out who the peer is and agrees with it on this connection.
async fn greet<M: PeerMessage>(
    network: &Arc<Network<M>>,
    mut stream: TlsStream<TcpStream>,
) -> Result<Session<M>, Failure> {
    let key = peer_key(stream.get_ref().1).map_err(TlsError::from)?;
    let peer = network.roster.index_of(&key).ok_or(TlsError::Key(KeyError::Unknown(key)))?;
    match agree(network, &mut stream, peer).await {
        Ok(agreed) => Ok(Session { stream, agreed }),
        Err(error) => {
            if let LinkError::Frame(fault) = &error {
                network.fault(peer, fault);
            }
            if let Some(reason) = parting_word(&error) {
                part(&mut stream, &reason).await;
            }
            Err(Failure { peer: Some(peer), error })
        }
    }
}

async fn agree<M: PeerMessage>(
    network: &Arc<Network<M>>,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    peer: ValidatorIndex,
) -> Result<Agreed<M>, LinkError> {
    if let Some(left) = network.banned_for(peer) {
        let left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        return Err(LinkError::Refused(Refusal::Banned { left_ms }));
    }
    let start = Instant::now();
    send(stream, Control::Hello, &network.hello).await?;
    let theirs: Hello = expect(stream, Control::Hello, "hello").await?;
    compare(&network.hello, &theirs).map_err(LinkError::Refused)?;
    let (admitted, round_trip) = if network.roster.i_choose(peer) {
        let admitted = Agreed::new(network, network.choose(peer, theirs.boot).map_err(LinkError::Refused)?);
        send(stream, Control::Open, &()).await?;
        expect::<()>(stream, Control::Ready, "ready").await?;
        (admitted, start.elapsed())
    } else {
        send(stream, Control::Ready, &()).await?;
        expect::<()>(stream, Control::Open, "open").await?;
        let round_trip = start.elapsed();
        let admitted = network.accept_choice(peer, theirs.boot).map_err(LinkError::Refused)?;
        (Agreed::new(network, admitted), round_trip)
    };
    Ok(Agreed { round_trip, ..admitted })
}

/// The slot that a connection has, until it is dropped.
struct Agreed<M: PeerMessage> {
    presence: Presence<M>,
    before: Option<Arc<Live>>,
    round_trip: Duration,
}

impl<M: PeerMessage> Agreed<M> {
    fn new(network: &Arc<Network<M>>, admitted: Admitted) -> Self {
        let presence = Presence { network: Arc::clone(network), live: admitted.live, error: LinkError::Panicked };
        Agreed { presence, before: admitted.before, round_trip: Duration::ZERO }
    }
}

/// An agreed connection. Dropping it gives its slot up.
pub struct Session<M: PeerMessage> {
    stream: TlsStream<TcpStream>,
    agreed: Agreed<M>,
}

impl<M: PeerMessage> Session<M> {
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
        tracing::info!(%peer, ?round_trip, "session open");
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
            tracing::info!(%peer, reason = %self.error, "session closed");
            metrics::network_session_closed(self.error.label());
            self.network.note(peer, &self.error);
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

/// When the peer was last heard, and the ping that is under way. Shared by the futures of one task.
#[derive(Default)]
struct Pulse(parking_lot::Mutex<Beat>);

#[derive(Default)]
struct Beat {
    heard: bool,
    ping: Option<([u8; 8], Instant)>,
}

async fn keep_alive(live: &Live, pulse: &Pulse) -> LinkError {
    let mut heard_at = Instant::now();
    let mut nonce: u64 = 0;
    let mut ticks = tokio::time::interval(PING_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = Instant::now();
        let mut beat = pulse.0.lock();
        if std::mem::take(&mut beat.heard) {
            heard_at = now;
        }
        if now.duration_since(heard_at) >= SILENCE_MAX {
            return LinkError::Silent(SILENCE_MAX);
        }
        nonce += 1;
        beat.ping = Some((nonce.to_be_bytes(), now));
        drop(beat);
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
        traffic.messages_out.fetch_add(sent.len() as u64, Ordering::Relaxed);
        metrics::network_sent(buffer.len(), &sent);
    }
}

/// Reads one peer's frames and delivers its messages.
struct Reader<'a, M: PeerMessage> {
    network: &'a Arc<Network<M>>,
    live: &'a Arc<Live>,
    pulse: &'a Pulse,
    assembler: Assembler,
    bytes: Bucket,
    controls: Bucket,
    /// One for each known kind: at most 240.
    kinds: BTreeMap<u8, Bucket>,
}

impl<'a, M: PeerMessage> Reader<'a, M> {
    fn new(network: &'a Arc<Network<M>>, live: &'a Arc<Live>, pulse: &'a Pulse) -> Self {
        let now = Instant::now();
        Reader {
            network,
            live,
            pulse,
            assembler: Assembler::default(),
            bytes: Bucket::new(BYTES_PER_SECOND, BYTES_BURST, now),
            controls: Bucket::new(CONTROLS_PER_SECOND, CONTROLS_BURST, now),
            kinds: BTreeMap::new(),
        }
    }

    async fn run(mut self, read: &mut ReadHalf<TlsStream<TcpStream>>) -> LinkError {
        let mut body = Vec::with_capacity(PART_BYTES_MAX);
        loop {
            let kind = match read_frame(read, &mut body).await {
                Ok(kind) => kind,
                // What the head of a frame says ends the session in any case; enough of it bans, too.
                Err(LinkError::Frame(fault)) => return self.judge(fault.clone()).err().unwrap_or(fault.into()),
                Err(error) => return error,
            };
            self.pulse.0.lock().heard = true;
            self.network.traffic(self.live.peer).bytes_in.fetch_add(body.len() as u64, Ordering::Relaxed);
            metrics::network_received_bytes(body.len());
            let wait = self.bytes.take(body.len(), Instant::now());
            self.wait(wait).await;
            if let Err(error) = self.frame(kind, &body).await {
                return error;
            }
        }
    }

    /// A peer beyond its rate is read later.
    async fn wait(&self, span: Duration) {
        if !span.is_zero() {
            metrics::network_throttled();
            tokio::time::sleep(span).await;
        }
    }

    async fn frame(&mut self, kind: u8, body: &[u8]) -> Result<(), LinkError> {
        let validators = self.network.roster.len();
        let outcome = match Control::of(kind) {
            Some(Control::Part) => match self.assembler.part::<M>(body, validators) {
                Ok(None) => Ok(()),
                Ok(Some(whole)) => self.message(whole.kind, whole.rule, &whole.body).await,
                Err(fault) => Err(fault),
            },
            Some(control) => self.control(control, body).await?,
            None => match M::rule(kind, validators).filter(|_| kind >= MESSAGE_KIND_MIN) {
                Some(rule) if body.len() > rule.body_bytes_max => {
                    Err(FrameError::MessageTooLarge { name: rule.name, max: rule.body_bytes_max, got: body.len() })
                }
                Some(rule) => self.message(kind, rule, body).await,
                None => Err(FrameError::UnknownKind(kind)),
            },
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(fault) => self.judge(fault),
        }
    }

    async fn control(&mut self, control: Control, body: &[u8]) -> Result<Result<(), FrameError>, LinkError> {
        let wait = self.controls.take(1, Instant::now());
        self.wait(wait).await;
        let nonce: Option<[u8; 8]> = body.try_into().ok();
        Ok(match (control, nonce) {
            (Control::Ping, Some(nonce)) => {
                self.live.outbox.pong(nonce);
                Ok(())
            }
            (Control::Pong, Some(nonce)) => {
                self.pong(nonce);
                Ok(())
            }
            (Control::Goodbye, _) => match goodbye(body) {
                Ok(reason) => return Err(LinkError::RefusedByPeer(reason)),
                Err(fault) => Err(fault),
            },
            (Control::Ping | Control::Pong | Control::Hello | Control::Ready | Control::Open | Control::Part, _) => {
                Err(FrameError::OutOfPlace(control as u8))
            }
        })
    }

    fn pong(&self, nonce: [u8; 8]) {
        let mut beat = self.pulse.0.lock();
        // A pong to no question of ours measures nothing and harms nothing.
        if let Some((asked, at)) = beat.ping
            && asked == nonce
        {
            beat.ping = None;
            let round_trip = at.elapsed();
            self.live.measured(round_trip);
            metrics::network_round_trip(round_trip);
        }
    }

    async fn message(&mut self, kind: u8, rule: KindRule, body: &[u8]) -> Result<(), FrameError> {
        let now = Instant::now();
        let bucket = self.kinds.entry(kind).or_insert_with(|| Bucket::new(rule.per_second, rule.burst, now));
        let wait = bucket.take(1, now);
        self.wait(wait).await;
        let verified = if body.len() < ASIDE_BYTES_MIN {
            check(&*self.network.sink, kind, &rule, body)?
        } else {
            let (sink, body) = (Arc::clone(&self.network.sink), body.to_vec());
            let checking = tokio::task::spawn_blocking(move || check(&*sink, kind, &rule, &body));
            match checking.await {
                Ok(checked) => checked?,
                // A panic over there is a panic here: the session ends and nothing else.
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // The runtime is going down; so is this session.
                Err(_) => return Ok(()),
            }
        };
        self.network.traffic(self.live.peer).messages_in.fetch_add(1, Ordering::Relaxed);
        metrics::network_received(rule.name);
        self.network.sink.deliver(self.live.peer, verified);
        // Decoding and verifying took time; the other sessions on this thread have theirs now.
        tokio::task::yield_now().await;
        Ok(())
    }

    /// A fault that leaves the stream in step costs the message, others cost the session; enough of them ban.
    fn judge(&self, fault: FrameError) -> Result<(), LinkError> {
        let ends = fault.ends_session().then(|| LinkError::Frame(fault.clone()));
        match self.count(&fault) {
            Some(banned) => Err(banned),
            None => ends.map_or(Ok(()), Err),
        }
    }

    fn count(&self, fault: &FrameError) -> Option<LinkError> {
        let ban = self.network.fault(self.live.peer, fault)?;
        let left_ms = u64::try_from(ban.as_millis()).unwrap_or(u64::MAX);
        Some(LinkError::Refused(Refusal::Banned { left_ms }))
    }
}

fn check<M: PeerMessage>(
    sink: &dyn Sink<M>,
    kind: u8,
    rule: &KindRule,
    body: &[u8],
) -> Result<M::Verified, FrameError> {
    let message: M = decode(kind, rule, body)?;
    sink.verify(message).map_err(|reason| FrameError::Invalid { name: rule.name, reason })
}
