//! Nodes on loopback for the tests of the network, and a peer that says whatever a test wants.

use super::frames::{Control, KindRule, Lane, Newer, PART_BYTES_MAX, PeerMessage, write_frame};
use super::handshake::{Hello, LinkError, Role, expect, read_frame, send};
use super::roster::{Member, Roster};
use super::table::{Network, NetworkConfig, Sink};
use super::tls::{Tls, server_name};
use crate::peers::Peers;
use crate::supervision::{Handle, Spec, supervise};
use ed25519_dalek::SigningKey;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use protocol::signature::public_key;
use protocol::types::{Hash, NodeId, ValidatorIndex};
use protocol::validator::sessions::Session;
use protocol::verdict::SolverPin;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsStream;

/// Wide: a loaded machine must not fail a test.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// What the test nodes say to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Talk {
    Note(u64),
    Long(String),
    /// Breaks a rule that only the sink knows.
    Wrong,
}

/// The note on which verification panics.
pub(crate) const PANIC: u64 = u64::MAX;
pub(crate) const NOTE: u8 = 16;
pub(crate) const LONG_TALK: u8 = 17;
pub(crate) const NOTE_BYTES_MAX: usize = 64;
pub(crate) const LONG_BYTES_MAX: usize = PART_BYTES_MAX * 40;
pub(crate) const NOTES_BURST: u32 = 1_000;

impl PeerMessage for Talk {
    type Verified = Talk;
    type Fault = &'static str;

    fn kind(&self) -> u8 {
        match self {
            Talk::Note(_) | Talk::Wrong => NOTE,
            Talk::Long(_) => LONG_TALK,
        }
    }

    fn rule(kind: u8, _: usize) -> Option<KindRule> {
        match kind {
            NOTE => Some(KindRule {
                name: "note",
                lane: Lane::Urgent,
                newer: Newer::Follows,
                body_bytes_max: NOTE_BYTES_MAX,
                per_second: 500,
                burst: NOTES_BURST,
            }),
            LONG_TALK => Some(KindRule {
                name: "long",
                lane: Lane::Bulk,
                newer: Newer::Follows,
                body_bytes_max: LONG_BYTES_MAX,
                per_second: 1_000,
                burst: 1_000,
            }),
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Opened(u16),
    Closed(u16),
    Heard(u16, Talk),
}

struct Recorder(UnboundedSender<Event>);

impl Sink<Talk> for Recorder {
    fn verify(&self, _: ValidatorIndex, message: Talk) -> Result<Talk, &'static str> {
        assert_ne!(message, Talk::Note(PANIC), "planted: in verification");
        if message == Talk::Wrong { Err("planted") } else { Ok(message) }
    }

    fn deliver(&self, session: Session, message: Talk) {
        let _ = self.0.send(Event::Heard(session.peer.0, message));
    }

    fn opened(&self, session: Session, round_trip: Duration) {
        assert!(!round_trip.is_zero());
        let _ = self.0.send(Event::Opened(session.peer.0));
    }

    fn closed(&self, session: Session) {
        let _ = self.0.send(Event::Closed(session.peer.0));
    }
}

/// Private keys of the test validators; their public halves are in no order.
pub(crate) fn key(index: u16) -> SigningKey {
    SigningKey::from_bytes(blake3::hash(&index.to_be_bytes()).as_bytes())
}

pub(crate) fn members(count: u16) -> Vec<Member> {
    let member =
        |index| Member { node_id: NodeId::new(&format!("node_{}", index + 1)).unwrap(), key: public_key(&key(index)) };
    (0..count).map(member).collect()
}

pub(crate) fn chain() -> Hash {
    Hash([1; 32])
}

pub(crate) fn pin() -> SolverPin {
    SolverPin { library: Hash([2; 32]), normaliser_version: 1 }
}

/// What a test may change about a node.
pub(crate) struct Setup {
    pub(crate) members: Vec<Member>,
    pub(crate) me: u16,
    pub(crate) key: SigningKey,
    pub(crate) chain: Hash,
    pub(crate) pin: SolverPin,
    pub(crate) listen: SocketAddr,
}

pub(crate) fn setup(count: u16, me: u16) -> Setup {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Setup { members: members(count), me, key: key(me), chain: chain(), pin: pin(), listen }
}

pub(crate) struct Node {
    pub(crate) network: Arc<Network<Talk>>,
    pub(crate) peers: Handle<Peers<Talk>>,
    events: UnboundedReceiver<Event>,
}

impl Setup {
    pub(crate) fn start(self) -> Node {
        let (sender, events) = unbounded_channel();
        let config = NetworkConfig {
            members: self.members,
            me: ValidatorIndex(self.me),
            key: self.key,
            chain: self.chain,
            pin: self.pin,
            listen: self.listen,
            addresses: Vec::new(),
        };
        let network = Network::bind(config, Arc::new(Recorder(sender))).unwrap();
        let peers = supervise(Spec::new("peers"), Peers::factory(Arc::clone(&network)));
        Node { network, peers, events }
    }
}

pub(crate) fn node(count: u16, me: u16) -> Node {
    setup(count, me).start()
}

impl Node {
    pub(crate) fn knows(&self, other: &Node) {
        self.network.learn_address(other.network.me(), other.network.listen_address().to_string());
    }

    /// The next event, whatever it is.
    pub(crate) async fn event(&mut self) -> Event {
        tokio::time::timeout(LONG, self.events.recv()).await.expect("an event").expect("the sink lives")
    }

    /// Waits for an event and passes over others.
    pub(crate) async fn sees(&mut self, wanted: Event) {
        while self.event().await != wanted {}
    }

    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Network<Talk>) -> bool) {
        let deadline = Instant::now() + LONG;
        while !condition(&self.network) {
            assert!(Instant::now() < deadline, "{what}: {:?}", self.network.peers());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits for the reason why there is no session with a peer.
    pub(crate) async fn until_error(&self, peer: u16, part: &str) {
        let told = |network: &Network<Talk>| {
            let report = network.peers().into_iter().find(|report| report.validator.0 == peer).unwrap();
            report.last_error.is_some_and(|error| error.contains(part))
        };
        self.until(part, told).await;
    }

    pub(crate) fn faults(&self, peer: u16) -> u64 {
        self.network.peers().into_iter().find(|report| report.validator.0 == peer).unwrap().misbehaviour
    }

    /// Both directions of a session work.
    pub(crate) async fn talks_with(&mut self, other: &mut Node, number: u64) {
        let (me, peer) = (self.network.me(), other.network.me());
        assert!(self.network.send(peer, &Talk::Note(number)).unwrap());
        other.sees(Event::Heard(me.0, Talk::Note(number))).await;
        assert!(other.network.send(me, &Talk::Note(number)).unwrap());
        self.sees(Event::Heard(peer.0, Talk::Note(number))).await;
    }

    pub(crate) async fn stop(self) {
        self.peers.stop(LONG).await;
        self.network.close();
    }
}

/// Two connected nodes of a set of `count`.
pub(crate) async fn pair(count: u16, first: u16, second: u16) -> (Node, Node) {
    let (mut a, mut b) = (node(count, first), node(count, second));
    a.knows(&b);
    a.sees(Event::Opened(second)).await;
    b.sees(Event::Opened(first)).await;
    (a, b)
}

/// A peer with a key that speaks frame by frame.
pub(crate) struct Raw {
    pub(crate) stream: TlsStream<TcpStream>,
}

impl Raw {
    /// Connects with a key to a node and does TLS. Whether the node accepts the key shows at the first read.
    pub(crate) async fn connect(key: &SigningKey, to: &Node) -> Raw {
        let member = Member { node_id: NodeId::new("raw").unwrap(), key: public_key(key) };
        let roster = Arc::new(Roster::new(vec![member], ValidatorIndex(0)).unwrap());
        let tls = Tls::new(key, &roster).unwrap();
        let expected = to.network.roster().get(to.network.me()).unwrap().key;
        let stream = TcpStream::connect(to.network.listen_address()).await.unwrap();
        let stream = tls.connector(expected).unwrap().connect(server_name(), stream).await.unwrap();
        Raw { stream: TlsStream::Client(stream) }
    }

    /// A session as validator `me`.
    pub(crate) async fn session(me: u16, with: &Node) -> Raw {
        let mut raw = Raw::connect(&key(me), with).await;
        raw.hello(chain(), pin()).await;
        raw.hear_hello().await.unwrap();
        let node = with.network.roster();
        let node_chooses = node.i_choose(ValidatorIndex(me));
        let (mine, theirs) =
            if node_chooses { (Control::Ready, Control::Open) } else { (Control::Open, Control::Ready) };
        send(&mut raw.stream, mine, &()).await.unwrap();
        expect::<()>(&mut raw.stream, theirs, "answer").await.unwrap();
        raw
    }

    pub(crate) async fn hello(&mut self, chain: Hash, pin: SolverPin) {
        let hello = Hello { chain, pin, role: Role::Validator, boot: 7 };
        send(&mut self.stream, Control::Hello, &hello).await.unwrap();
    }

    pub(crate) async fn hear_hello(&mut self) -> Result<Hello, LinkError> {
        expect(&mut self.stream, Control::Hello, "hello").await
    }

    pub(crate) async fn frame(&mut self, kind: u8, body: &[u8]) {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, kind, &[body]);
        self.bytes(&bytes).await;
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads until the connection ends, and gives the reason that the node stated, if it did.
    pub(crate) async fn farewell(&mut self) -> LinkError {
        let mut body = Vec::new();
        let read = async {
            loop {
                match read_frame(&mut self.stream, &mut body).await {
                    Ok(kind) if kind == Control::Goodbye as u8 => {
                        return LinkError::RefusedByPeer(super::handshake::goodbye(&body).unwrap());
                    }
                    Ok(_) => {}
                    Err(error) => return error,
                }
            }
        };
        tokio::time::timeout(LONG, read).await.expect("the node closes the connection")
    }
}

/// Collects the metrics of this thread for as long as the guard lives.
pub(crate) fn metrics_here() -> (metrics::LocalRecorderGuard<'static>, PrometheusHandle) {
    let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
    let handle = recorder.handle();
    (metrics::set_default_local_recorder(recorder), handle)
}

/// The value of the counter with exactly these labels, e.g. `name{label="x"}`.
pub(crate) fn counted(handle: &PrometheusHandle, series: &str) -> f64 {
    let text = handle.render();
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}
