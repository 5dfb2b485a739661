//! What the network and the actors' handles cost by themselves, on loopback: no protocol, no disk.
//!
//! `cargo bench --bench network`. Two nodes hold one mutual TLS session, each on a thread of its own. The session of an
//! idle validator sleeps between messages, so each figure includes waking a thread up.

use actix::{Actor, Arbiter, Context, Handler, Message, System};
use actors::network::frames::PART_BYTES_MAX;
use actors::network::{KindRule, Lane, Member, Network, NetworkConfig, Newer, PeerMessage, Sink};
use actors::peers::Peers;
use actors::supervision::{Handle, Spec, StartError, supervise};
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ed25519_dalek::SigningKey;
use protocol::signature::public_key;
use protocol::types::{Hash, NodeId, ValidatorIndex};
use protocol::validator::sessions::Session;
use protocol::verdict::SolverPin;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);
const BULK_BYTES: usize = 1 << 20;
/// Until a peer may again send all that it may send at once.
const REFILL: Duration = Duration::from_millis(1_500);

/// A question that is answered at once, or a script that is answered with one.
#[derive(Clone, Serialize, Deserialize)]
enum Talk {
    Question(String),
    Answer,
    Script(String),
}

impl PeerMessage for Talk {
    type Verified = Talk;
    type Fault = std::convert::Infallible;

    fn kind(&self) -> u8 {
        match self {
            Talk::Question(_) | Talk::Answer => 16,
            Talk::Script(_) => 17,
        }
    }

    fn rule(kind: u8, _: usize) -> Option<KindRule> {
        let (name, lane) = match kind {
            16 => ("vote", Lane::Urgent),
            17 => ("script", Lane::Bulk),
            _ => return None,
        };
        let (newer, body_bytes_max) = (Newer::Follows, BULK_BYTES + 64);
        Some(KindRule { name, lane, newer, body_bytes_max, per_second: 1_000_000, burst: 1_000_000 })
    }
}

/// Answers what it is asked and reports what it is answered.
struct Echo {
    network: OnceLock<Arc<Network<Talk>>>,
    answered: Sender<()>,
}

impl Sink<Talk> for Echo {
    fn verify(&self, _: ValidatorIndex, message: Talk) -> Result<Talk, std::convert::Infallible> {
        Ok(message)
    }

    fn deliver(&self, session: Session, message: Talk) {
        match message {
            Talk::Question(_) | Talk::Script(_) => {
                let network = self.network.get().expect("set before a session can open");
                black_box(network.send(session.peer, &Talk::Answer).expect("it is short"));
            }
            Talk::Answer => drop(self.answered.send(())),
        }
    }

    fn opened(&self, _: Session, _: Duration) {}

    fn closed(&self, _: Session) {}
}

fn node(me: u16, arbiter: &Arbiter) -> (Arc<Network<Talk>>, Receiver<()>) {
    let keys = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
    let members = keys
        .iter()
        .zip(["node_1", "node_2"])
        .map(|(key, name)| Member { node_id: NodeId::new(name).expect("a name"), key: public_key(key) });
    let (answered, answers) = channel();
    let echo = Arc::new(Echo { network: OnceLock::new(), answered });
    let config = NetworkConfig {
        members: members.collect(),
        me: ValidatorIndex(me),
        key: keys[usize::from(me)].clone(),
        chain: Hash::ZERO,
        pin: SolverPin { library: Hash::ZERO, normaliser_version: 1 },
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        addresses: Vec::new(),
    };
    let network = Network::bind(config, Arc::clone(&echo) as Arc<dyn Sink<Talk>>).expect("a free port");
    let _ = echo.network.set(Arc::clone(&network));
    let _peers = supervise(Spec::new("peers").on(arbiter), Peers::factory(Arc::clone(&network)));
    (network, answers)
}

fn network(criterion: &mut Criterion) {
    let system = System::new();
    let (first, second) = system.block_on(async { (Arbiter::new(), Arbiter::new()) });
    let (a, answers) = node(0, &first);
    let (b, _) = node(1, &second);
    a.learn_address(ValidatorIndex(1), b.listen_address().to_string());
    let deadline = Instant::now() + LONG;
    while a.connected() + b.connected() < 2 {
        assert!(Instant::now() < deadline, "no session: {:?}", a.peers());
        std::thread::yield_now();
    }
    let ask = |message: &Talk| {
        assert!(a.send(ValidatorIndex(1), message).expect("it fits"));
        answers.recv_timeout(LONG).expect("an answer");
    };
    let mut group = criterion.benchmark_group("network");
    let vote = Talk::Question("v".repeat(150));
    group.bench_function("question of 150 bytes and answer", |bencher| bencher.iter(|| ask(&vote)));
    // Longer ones are measured within the burst of bytes that a peer is granted; beyond it the limit would be measured.
    group.sampling_mode(SamplingMode::Flat).sample_size(10).warm_up_time(Duration::from_millis(20));
    group.measurement_time(Duration::from_millis(40));
    std::thread::sleep(REFILL);
    let proposal = Talk::Question("p".repeat(PART_BYTES_MAX - 16));
    group.bench_function("question of 32 KiB and answer", |bencher| bencher.iter(|| ask(&proposal)));
    std::thread::sleep(REFILL);
    group.throughput(Throughput::Bytes(BULK_BYTES as u64));
    let script = Talk::Script("s".repeat(BULK_BYTES));
    group.bench_function("script of 1 MiB and answer", |bencher| bencher.iter(|| ask(&script)));
    group.finish();
    first.stop();
    second.stop();
}

struct Counter(u64);

impl Actor for Counter {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "u64")]
struct Add(u64);

impl Handler<Add> for Counter {
    type Result = u64;
    fn handle(&mut self, message: Add, _: &mut Context<Self>) -> u64 {
        self.0 += message.0;
        self.0
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Panic;

impl Handler<Panic> for Counter {
    type Result = ();
    fn handle(&mut self, _: Panic, _: &mut Context<Self>) {
        // Unwinds without the hook, whose output would be what is measured.
        std::panic::resume_unwind(Box::new("planted"));
    }
}

fn counter(spec: Spec) -> Handle<Counter> {
    supervise(spec.intensity(1_000, Duration::from_millis(1)), || Ok::<_, StartError>(Counter(0)))
}

fn supervision(criterion: &mut Criterion) {
    let system = System::new();
    let (here, there, arbiter) = system.block_on(async {
        let arbiter = Arbiter::new();
        (counter(Spec::new("here")), counter(Spec::new("there").on(&arbiter)), arbiter)
    });
    let mut group = criterion.benchmark_group("supervision");
    let asked = |handle: &Handle<Counter>, times: u64| {
        system.block_on(async {
            let start = Instant::now();
            for _ in 0..times {
                black_box(handle.ask(Add(1), LONG).await.is_ok());
            }
            start.elapsed()
        })
    };
    group.bench_function("ask on one arbiter", |bencher| bencher.iter_custom(|times| asked(&here, times)));
    group.bench_function("ask across arbiters", |bencher| bencher.iter_custom(|times| asked(&there, times)));
    group.bench_function("panic to serving again", |bencher| {
        bencher.iter_custom(|times| {
            system.block_on(async {
                let start = Instant::now();
                for _ in 0..times {
                    while there.send(Panic).is_err() {
                        tokio::task::yield_now().await;
                    }
                    while there.ask(Add(1), LONG).await.is_err() {
                        tokio::task::yield_now().await;
                    }
                }
                start.elapsed()
            })
        });
    });
    group.finish();
    arbiter.stop();
}

criterion_group!(benches, network, supervision);
criterion_main!(benches);
