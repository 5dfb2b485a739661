//! What comes from one peer: frames become messages, messages become verified, and every fault is counted.
//!
//! A peer beyond its rate is read later. A fault that leaves the stream in step costs the message, others the session.

use super::frames::{
    Assembler, Control, FrameError, HEADER_BYTES, KindRule, MESSAGE_KIND_MIN, PART_BYTES_MAX, PeerMessage, decode,
};
use super::handshake::{LinkError, goodbye, read_frame};
use super::live::Live;
use super::rates::{BYTES_BURST, BYTES_PER_SECOND, Bucket};
use super::skew;
use super::table::{Network, Sink};
use crate::{clock, tap};
use parking_lot::Mutex;
use protocol::types::ValidatorIndex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::ReadHalf;
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// A message of so many bytes may hold some sixty signatures, three milliseconds of work: it is decoded and verified
/// beside the sessions' thread, several at a time if several peers sent one.
const ASIDE_BYTES_MIN: usize = 4 * 1024;
/// Control frames that one peer may send.
const CONTROLS_PER_SECOND: u32 = 20;
const CONTROLS_BURST: u32 = 50;

/// The ping that is under way. Shared by the futures of one task.
#[derive(Default)]
pub(super) struct Pulse(Mutex<Option<([u8; 8], Instant)>>);

impl Pulse {
    pub(super) fn asked(&self, nonce: [u8; 8], now: Instant) {
        *self.0.lock() = Some((nonce, now));
    }

    /// The round trip, if this answers the question that is open: a pong to no question of ours measures nothing.
    fn answered(&self, nonce: [u8; 8]) -> Option<Duration> {
        let (_, asked_at) = self.0.lock().take_if(|(asked, _)| *asked == nonce)?;
        Some(asked_at.elapsed())
    }
}

/// Reads one peer's frames and delivers its messages.
pub(super) struct Reader<'a, M: PeerMessage> {
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
    pub(super) fn new(network: &'a Arc<Network<M>>, live: &'a Arc<Live>, pulse: &'a Pulse) -> Self {
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

    pub(super) async fn run(mut self, read: &mut ReadHalf<TlsStream<TcpStream>>) -> LinkError {
        let mut body = Vec::with_capacity(PART_BYTES_MAX);
        loop {
            let kind = match read_frame(read, &mut body).await {
                Ok(kind) => kind,
                // What the head of a frame says ends the session in any case; enough of it bans, too.
                Err(LinkError::Frame(fault)) => return self.judge(fault.clone()).err().unwrap_or(fault.into()),
                Err(error) => return error,
            };
            self.live.heard();
            self.network.traffic(self.live.peer).bytes_in.fetch_add(body.len() as u64, Ordering::Relaxed);
            self.network.counted.frame_in(self.message_kind(kind, &body), HEADER_BYTES + body.len());
            let wait = self.bytes.take(body.len(), Instant::now());
            self.wait(wait).await;
            if let Err(error) = self.frame(kind, &body).await {
                return error;
            }
        }
    }

    /// Names the kind of message that a frame is of, or a part of.
    fn message_kind(&self, kind: u8, body: &[u8]) -> Option<&'static str> {
        let kind = if kind == Control::Part as u8 { *body.first()? } else { kind };
        Some(M::rule(kind, self.network.roster.len()).filter(|_| kind >= MESSAGE_KIND_MIN)?.name)
    }

    /// A peer beyond its rate is read later.
    async fn wait(&self, span: Duration) {
        if !span.is_zero() {
            tap::network::throttled();
            self.network.traffic(self.live.peer).throttled.fetch_add(1, Ordering::Relaxed);
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
        if let (Control::Pong, Some((nonce, theirs))) = (control, body.split_first_chunk::<8>())
            && let Ok(theirs) = theirs.try_into()
        {
            self.pong(*nonce, u64::from_be_bytes(theirs));
            return Ok(Ok(()));
        }
        Ok(match (control, nonce) {
            (Control::Ping, Some(nonce)) => {
                self.live.outbox.pong(nonce);
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

    fn pong(&self, nonce: [u8; 8], their_wall_ms: u64) {
        if let Some(round_trip) = self.pulse.answered(nonce) {
            self.live.measured(round_trip);
            self.live.heard_clock(skew::ahead_ms(their_wall_ms, clock::wall().0, round_trip));
            tap::network::round_trip(round_trip);
        }
    }

    async fn message(&mut self, kind: u8, rule: KindRule, body: &[u8]) -> Result<(), FrameError> {
        let now = Instant::now();
        let bucket = self.kinds.entry(kind).or_insert_with(|| Bucket::new(rule.per_second, rule.burst, now));
        let wait = bucket.take(1, now);
        self.wait(wait).await;
        let verified = if body.len() < ASIDE_BYTES_MIN {
            check(&*self.network.sink, self.live.peer, kind, &rule, body)?
        } else {
            let (sink, from, body) = (Arc::clone(&self.network.sink), self.live.peer, body.to_vec());
            let checking = tokio::task::spawn_blocking(move || check(&*sink, from, kind, &rule, &body));
            match checking.await {
                Ok(checked) => checked?,
                // A panic over there is a panic here: the session ends and nothing else.
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // The runtime is going down; so is this session.
                Err(_) => return Ok(()),
            }
        };
        self.network.traffic(self.live.peer).messages_in.fetch_add(1, Ordering::Relaxed);
        self.network.counted.message_in(rule.name);
        self.network.sink.deliver(self.live.session(), verified);
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
        self.network.fault(self.live.peer, &fault.clone().into()).map(LinkError::banned)
    }
}

fn check<M: PeerMessage>(
    sink: &dyn Sink<M>,
    from: ValidatorIndex,
    kind: u8,
    rule: &KindRule,
    body: &[u8],
) -> Result<M::Verified, FrameError> {
    let message: M = decode(kind, rule, body)?;
    sink.verify(from, message).map_err(|fault| FrameError::Invalid { name: rule.name, reason: fault.to_string() })
}
