//! The table of sessions: one slot for each validator, and the way for a message out.
//!
//! It outlives the actor that opens connections, so sessions go on while that actor is rebuilt, and a vote goes straight
//! from the consensus actor into the outbox of each session. [`slots`] decides which of two connections becomes the session of
//! a pair, [`penalties`] who is banned.

mod penalties;
mod slots;

use super::aside::Aside;
use super::establish::DIALS_AT_ONCE;
use super::faults::Record;
use super::frames::{EncodeError, Encoded, PeerMessage, encode};
use super::handshake::{Hello, Role};
use super::live::{Live, Traffic};
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
use protocol::validator::sessions::Session;
use protocol::verdict::SolverPin;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

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
        let (listener, listen) =
            listen(config.listen).map_err(|source| NetworkError::Listen { address: config.listen, source })?;
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

    pub(super) fn traffic(&self, peer: ValidatorIndex) -> &Traffic {
        &self.slots[peer.as_usize()].traffic
    }
}

/// A socket on which connections wait, and its address with the port that it got.
fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Differs for every call; its source is seeded by the system.
pub fn random() -> u64 {
    RandomState::new().hash_one(Instant::now())
}
