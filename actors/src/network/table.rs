//! The table of sessions: one slot for each validator, and the way for a message out.
//!
//! It outlives the actor that opens connections, so sessions go on while that actor is rebuilt, and a vote goes straight
//! from the consensus actor into the outbox of each session. It decides which of two connections becomes the session of a
//! pair, and who is banned.

use super::aside::Aside;
use super::establish::DIALS_AT_ONCE;
use super::faults::{Fault, Record};
use super::frames::{EncodeError, Encoded, PeerMessage, encode};
use super::handshake::{Hello, LinkError, Refusal, Role};
use super::live::{Admitted, Live, Traffic};
use super::outbox::Posted;
use super::pace::Pace;
use super::places::Places;
use super::rates::Bucket;
use super::roster::{Member, Roster};
use super::tls::{Tls, TlsError};
use crate::clock;
use crate::tap;
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::types::{Hash, Millis, NodeId, PublicKey, ValidatorIndex};
use protocol::validator::sessions::{Session, SessionNumber};
use protocol::verdict::SolverPin;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

/// A session older than this gives way to a new connection of the same peer, which would not dial if it still had it.
/// A younger one stays: both sides may have dialled at the same time.
pub const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// What is waited beyond [`Pace::answers_within`] before a peer is dialled again that has refused this process for another
/// one with its key: after a power failure the second attempt succeeds.
const KEY_IN_USE_PAUSE: Duration = Duration::from_millis(500);
/// Lines on refused strangers at once; then one a second.
const STRANGERS_BURST: u32 = 10;

/// Where messages of peers go.
pub trait Sink<M: PeerMessage>: Send + Sync + 'static {
    /// Checks the form and signatures of what a peer says. Long messages are checked on a thread for such work, so it may take long;
    /// it must not pass anything on.
    ///
    /// # Errors
    /// What the peer did wrong; it is counted as a fault.
    fn verify(&self, from: ValidatorIndex, message: M) -> Result<M::Verified, M::Fault>;

    /// Passes a message on, in the order in which its peer sent it. Must not block. The message may be dropped when its
    /// receiver is full: peers repeat what matters.
    fn deliver(&self, session: Session, message: M::Verified);

    /// The first word of a session.
    fn opened(&self, session: Session, round_trip: Duration);

    /// The last word of a session; nothing of it is delivered later.
    fn closed(&self, session: Session);
}

/// What the network needs to know.
pub struct NetworkConfig {
    /// In the order of the validator set.
    pub members: Vec<Member>,
    pub me: ValidatorIndex,
    pub key: SigningKey,
    pub chain: Hash,
    pub pin: SolverPin,
    /// Where to listen for peers; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where peers are reached (`host:port`), for those whose address is known.
    pub addresses: Vec<(ValidatorIndex, String)>,
}

/// Why the network cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error(transparent)]
    Roster(#[from] super::roster::RosterError),
    #[error("the key belongs to {got}, but the validator set names {expected} for {node_id}")]
    ForeignKey { node_id: NodeId, expected: PublicKey, got: PublicKey },
    #[error(
        "cannot listen for peers on {address}: {source}; stop the process that has the port, or set \
             network.listen_port (docs/CONFIGURATION.md)"
    )]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot start a thread for handshakes: {0}; raise the limit on processes (`ulimit -u`)")]
    Thread(io::Error),
}

/// All that the node has of its peers.
pub struct Network<M: PeerMessage> {
    pub(super) roster: Arc<Roster>,
    pub(super) hello: Hello,
    pub(super) tls: Tls,
    pub(super) sink: Arc<dyn Sink<M>>,
    pub(super) handshakes: Arc<Places>,
    pub(super) aside: Aside,
    pub(super) dials: Semaphore,
    pub(super) pace: Pace,
    listener: TcpListener,
    listen: SocketAddr,
    pub(super) slots: Vec<Slot>,
    closing: AtomicBool,
    /// How often strangers may be logged: they cost a line each otherwise, at their pleasure.
    strangers: Mutex<Bucket>,
    /// The number of the last session that was given a slot; they are counted from 1.
    last_session: AtomicU64,
    /// By the wall clock.
    pub(super) started: Millis,
    pub(super) counted: tap::network::Traffic,
    /// Signalled when a session ends or an address is learnt.
    changed: Notify,
}

/// What is kept of one peer, whether or not there is a session.
#[derive(Default)]
pub(super) struct Slot {
    live: Mutex<Option<Arc<Live>>>,
    pub(super) last_closed: Mutex<Option<Millis>>,
    pub(super) record: Mutex<Record>,
    pub(super) address: Mutex<Option<String>>,
    pub(super) last_error: Mutex<Option<String>>,
    /// Until when it is not dialled, since it has a session with another process that uses this validator's key.
    key_in_use_until: Mutex<Option<Instant>>,
    dialling: AtomicBool,
    pub(super) traffic: Traffic,
}

impl<M: PeerMessage> Network<M> {
    /// Takes the port and makes the table; nothing is connected before the peers actor runs.
    ///
    /// # Errors
    /// A key that is not this validator's, or a port that is taken.
    pub fn bind(config: NetworkConfig, sink: Arc<dyn Sink<M>>) -> Result<Arc<Network<M>>, NetworkError> {
        let roster = Arc::new(Roster::new(config.members, config.me)?);
        let got = protocol::signature::public_key(&config.key);
        if let Some(member) = roster.get(config.me)
            && member.key != got
        {
            return Err(NetworkError::ForeignKey { node_id: member.node_id.clone(), expected: member.key, got });
        }
        let refused = |source| NetworkError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let listen = listener.local_addr().map_err(refused)?;
        let network = Network {
            tls: Tls::new(&config.key, &roster)?,
            hello: Hello { chain: config.chain, pin: config.pin, role: Role::Validator, boot: random() },
            sink,
            handshakes: Arc::default(),
            aside: Aside::start().map_err(NetworkError::Thread)?,
            dials: Semaphore::new(DIALS_AT_ONCE),
            pace: Pace::of(roster.len()),
            listener,
            listen,
            slots: (0..roster.len()).map(|_| Slot::default()).collect(),
            roster,
            closing: AtomicBool::new(false),
            strangers: Mutex::new(Bucket::new(1, STRANGERS_BURST, Instant::now())),
            last_session: AtomicU64::new(0),
            started: clock::wall(),
            counted: tap::network::Traffic::default(),
            changed: Notify::new(),
        };
        for (validator, address) in config.addresses {
            network.learn_address(validator, address);
        }
        Ok(Arc::new(network))
    }

    /// Where it listens; the port is the real one.
    pub fn listen_address(&self) -> SocketAddr {
        self.listen
    }

    pub fn me(&self) -> ValidatorIndex {
        self.roster.me()
    }

    /// Sends a message to every peer with a session. Never blocks. Returns how many it was queued for.
    ///
    /// # Errors
    /// If the message itself cannot be sent to anybody.
    pub fn broadcast(&self, message: &M) -> Result<usize, EncodeError> {
        let encoded = encode(message, self.roster.len())?;
        Ok(self.roster.others().filter(|(peer, _)| self.post(*peer, encoded.clone())).count())
    }

    /// Sends a message to one peer. Never blocks. Returns whether it was queued; if not, there is no session or its bulk
    /// lane is full.
    ///
    /// # Errors
    /// If the message itself cannot be sent to anybody.
    pub fn send(&self, to: ValidatorIndex, message: &M) -> Result<bool, EncodeError> {
        Ok(self.post(to, encode(message, self.roster.len())?))
    }

    fn post(&self, to: ValidatorIndex, message: Encoded) -> bool {
        let Some(slot) = self.slots.get(to.as_usize()) else { return false };
        let Some(live) = self.session(to) else { return false };
        let lane = message.rule.lane;
        let (queued, dropped) = match live.outbox.post(message) {
            Posted::Queued => (true, 0),
            Posted::Displaced(older) => (true, older as u64),
            Posted::Dropped => (false, 1),
        };
        if dropped > 0 {
            slot.traffic.dropped.fetch_add(dropped, Ordering::Relaxed);
            tap::network::dropped(lane.label(), dropped);
        }
        queued
    }

    /// The smoothed round trip of the session with a peer; `None` without a session.
    pub fn round_trip(&self, validator: ValidatorIndex) -> Option<Duration> {
        self.session(validator).map(|live| live.round_trip())
    }

    pub fn is_connected(&self, validator: ValidatorIndex) -> bool {
        self.session(validator).is_some()
    }

    /// Every open session.
    pub fn sessions(&self) -> Vec<Session> {
        let open = self.roster.others().filter_map(|(peer, _)| self.session(peer));
        open.map(|live| live.session()).collect()
    }

    /// How many peers have a session.
    pub fn connected(&self) -> usize {
        self.roster.others().filter(|(peer, _)| self.is_connected(*peer)).count()
    }

    pub(super) fn session(&self, validator: ValidatorIndex) -> Option<Arc<Live>> {
        let live = self.slots.get(validator.as_usize())?.live.lock().clone();
        live.filter(|live| live.is_open())
    }
}

/// For the actor that connects.
impl<M: PeerMessage> Network<M> {
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// A second descriptor of the listening socket, so that connections wait in the system while the actor is rebuilt.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub fn listener(&self) -> io::Result<TcpListener> {
        self.listener.try_clone()
    }

    pub fn learn_address(&self, validator: ValidatorIndex, address: String) {
        if let Some(slot) = self.slots.get(validator.as_usize()) {
            *slot.address.lock() = Some(address);
            self.changed.notify_one();
        }
    }

    pub fn address(&self, validator: ValidatorIndex) -> Option<String> {
        self.slots.get(validator.as_usize())?.address.lock().clone()
    }

    /// Waits until a session ended or an address was learnt since the last call.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A session that was open has ended.
    pub(super) fn note_closed(&self, peer: ValidatorIndex) {
        *self.slots[peer.as_usize()].last_closed.lock() = Some(clock::wall());
    }

    /// Whether there is a session or one is becoming.
    pub fn is_taken(&self, validator: ValidatorIndex) -> bool {
        self.slots.get(validator.as_usize()).is_some_and(|slot| slot.live.lock().is_some())
    }

    /// Marks the peer as being dialled; `None` if it is already. The mark goes with the guard.
    pub fn begin_dial(self: &Arc<Self>, validator: ValidatorIndex) -> Option<DialMark<M>> {
        let slot = self.slots.get(validator.as_usize())?;
        let free = !slot.dialling.swap(true, Ordering::AcqRel);
        free.then(|| DialMark { network: Arc::clone(self), validator })
    }

    pub fn is_dialling(&self, validator: ValidatorIndex) -> bool {
        self.slots.get(validator.as_usize()).is_some_and(|slot| slot.dialling.load(Ordering::Acquire))
    }

    pub fn banned_for(&self, validator: ValidatorIndex) -> Option<Duration> {
        self.slots.get(validator.as_usize())?.record.lock().banned_for(Instant::now())
    }

    /// Whether a peer may have one more connection that it made.
    pub(super) fn may_connect(&self, peer: ValidatorIndex) -> bool {
        self.slots[peer.as_usize()].record.lock().connects(Instant::now())
    }

    /// A fault that was found behind the gate, after the message had passed it. A ban ends the peer's session.
    pub fn accuse(&self, peer: ValidatorIndex, fault: &Fault) {
        let Some(slot) = self.slots.get(peer.as_usize()) else { return };
        if let Some(ban) = self.fault(peer, fault)
            && let Some(live) = slot.live.lock().as_ref()
        {
            live.cancel.send_replace(Some(LinkError::banned(ban)));
        }
    }

    /// Counts a peer's fault. Returns the ban that it brings.
    pub(super) fn fault(&self, peer: ValidatorIndex, fault: &Fault) -> Option<Duration> {
        tap::network::misbehaved(fault.label());
        let ban = self.slots[peer.as_usize()].record.lock().fault(fault, Instant::now());
        let name = self.roster.name(peer);
        tracing::warn!(peer = name, %fault, "a peer broke a rule");
        if let Some(ban) = ban {
            tap::network::banned();
            tracing::warn!(peer = name, ?ban, "a peer is banned after repeated misbehaviour");
        }
        ban
    }

    /// How long a peer is not dialled that has refused this process for another one with its key.
    pub fn refused_for(&self, validator: ValidatorIndex) -> Option<Duration> {
        let until = (*self.slots.get(validator.as_usize())?.key_in_use_until.lock())?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Whether the last session with a peer ended so.
    pub(super) fn was_refused_for_key(&self, peer: ValidatorIndex) -> bool {
        self.slots[peer.as_usize()].key_in_use_until.lock().is_some()
    }

    /// Keeps the reason for `status`; says whether it is another one than before.
    pub(super) fn note(&self, peer: ValidatorIndex, error: &LinkError) -> bool {
        let in_use = *error == LinkError::RefusedByPeer(Refusal::KeyInUse);
        *self.slots[peer.as_usize()].key_in_use_until.lock() =
            in_use.then(|| Instant::now() + self.pace.answers_within + KEY_IN_USE_PAUSE);
        let error = error.to_string();
        let mut last = self.slots[peer.as_usize()].last_error.lock();
        let news = last.as_ref() != Some(&error);
        *last = Some(error);
        news
    }

    /// Whether a refused stranger is worth a line in the log now.
    pub(super) fn logs_stranger(&self) -> bool {
        let mut strangers = self.strangers.lock();
        let now = Instant::now();
        let may = strangers.peek(1, now).is_zero();
        if may {
            strangers.take(1, now);
        }
        may
    }

    pub(super) fn traffic(&self, peer: ValidatorIndex) -> &Traffic {
        &self.slots[peer.as_usize()].traffic
    }

    /// Ends every session; peers connect again at once. Every session up to the number that comes back ends, and no later one.
    pub fn reconnect(&self) -> SessionNumber {
        // A session has its number and its slot under the slot's lock: those up to this number are found below.
        let last = SessionNumber(self.last_session.load(Ordering::Acquire));
        for slot in &self.slots {
            if let Some(live) = slot.live.lock().as_ref().filter(|live| live.session().number <= last) {
                live.cancel.send_replace(Some(LinkError::Replaced));
            }
        }
        last
    }

    /// Ends every session and lets none begin; used when the node stops.
    pub fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        for slot in &self.slots {
            if let Some(live) = slot.live.lock().as_ref() {
                live.cancel.send_replace(Some(LinkError::Refused(Refusal::Stopping)));
            }
        }
    }

    /// This side chooses for the pair: makes the connection the session, unless there is one that stays.
    ///
    /// # Errors
    /// [`Refusal::Duplicate`], [`Refusal::KeyInUse`] or [`Refusal::Stopping`].
    pub(super) fn choose(&self, peer: ValidatorIndex, boot: u64) -> Result<Admitted, Refusal> {
        let mut place = self.slots[peer.as_usize()].live.lock();
        if self.closing.load(Ordering::SeqCst) {
            return Err(Refusal::Stopping);
        }
        match place.as_ref() {
            Some(old) if old.boot == boot && old.since.elapsed() < SETTLED_AFTER => return Err(Refusal::Duplicate),
            Some(old) if old.is_another_that_answers(boot, self.pace.answers_within) => return Err(Refusal::KeyInUse),
            Some(_) | None => {}
        }
        Ok(self.take_place(&mut place, peer, boot))
    }

    /// The peer chose this connection.
    ///
    /// # Errors
    /// [`Refusal::KeyInUse`] or [`Refusal::Stopping`].
    pub(super) fn accept_choice(&self, peer: ValidatorIndex, boot: u64) -> Result<Admitted, Refusal> {
        let mut place = self.slots[peer.as_usize()].live.lock();
        if self.closing.load(Ordering::SeqCst) {
            return Err(Refusal::Stopping);
        }
        if place.as_ref().is_some_and(|old| old.is_another_that_answers(boot, self.pace.answers_within)) {
            return Err(Refusal::KeyInUse);
        }
        Ok(self.take_place(&mut place, peer, boot))
    }

    fn take_place(&self, place: &mut Option<Arc<Live>>, peer: ValidatorIndex, boot: u64) -> Admitted {
        let number = SessionNumber(self.last_session.fetch_add(1, Ordering::AcqRel).saturating_add(1));
        let live = Arc::new(Live::new(Session { peer, number }, boot));
        let before = place.replace(Arc::clone(&live));
        if let Some(old) = &before {
            old.cancel.send_replace(Some(LinkError::Replaced));
        }
        Admitted { live, before }
    }

    /// Gives the slot up, if it is still this connection's.
    pub(super) fn leave(&self, live: &Live) {
        let mut place = self.slots[live.peer.as_usize()].live.lock();
        if place.as_ref().is_some_and(|current| current.session() == live.session()) {
            *place = None;
        }
        drop(place);
        live.ended.send_replace(true);
        self.changed.notify_one();
    }
}

/// Says that a peer is being dialled, for as long as it lives.
pub struct DialMark<M: PeerMessage> {
    network: Arc<Network<M>>,
    validator: ValidatorIndex,
}

impl<M: PeerMessage> Drop for DialMark<M> {
    fn drop(&mut self) {
        self.network.slots[self.validator.as_usize()].dialling.store(false, Ordering::Release);
        self.network.changed.notify_one();
    }
}

/// Differs for every call; its source is seeded by the system.
pub fn random() -> u64 {
    RandomState::new().hash_one(Instant::now())
}
