//! Every actor, killed at every step of a consensus round: four whole validators in one process, with TLS, logs, databases
//! and solvers. A kill costs time and nothing else: what was accepted becomes final everywhere, nobody signs two things,
//! every actor comes back.

use actix::System;
use actors::audit::Signed;
use actors::config::{self, Flags};
use actors::mempool::Submit;
use actors::node::{Node, NodeParts};
use actors::state::Database;
use actors::storage::beside_key::bear;
use actors::storage::vote_log::Identity;
use actors::supervision::{Exit, ExitHook, Fault, Phase};
use actors::tap::fault_points::{self, Point};
use actors::verifier_pool::{PoolConfig, VerifierPool};
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::genesis::{Genesis, GenesisContent, GenesisValidator};
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::{Epoch, Hash, Millis, NodeId, Sequence, Stake, ValidatorIndex};
use protocol::verdict::{Claim, SolverPin, VerifierParameters};
use std::future::Future;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const COUNT: u16 = 4;
const ACTORS: [&str; 7] = ["verifier_pool", "mempool", "state", "consensus", "view_change", "leader_election", "peers"];
/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(60);

fn key(index: u16) -> SigningKey {
    SigningKey::from_bytes(blake3::hash(&index.to_be_bytes()).as_bytes())
}

fn node_id(index: u16) -> NodeId {
    NodeId::new(&format!("node_{}", index + 1)).unwrap()
}

fn pool() -> VerifierPool {
    let mut config = PoolConfig::new(env!("CARGO_BIN_EXE_pop-verifier").into(), VerifierParameters::default());
    config.workers = 1;
    VerifierPool::start(config).unwrap()
}

fn genesis(pin: SolverPin) -> Genesis {
    let validators = (0..COUNT).map(|index| GenesisValidator {
        node_id: node_id(index),
        public_key: public_key(&key(index)),
        stake: Stake(10_000),
        initial_balance: Tokens(0),
    });
    Genesis::new(GenesisContent {
        timestamp_ms: Millis(1),
        epoch: Epoch(1),
        epoch_seed: Hash([7; 32]),
        validators: validators.collect(),
        parameters: ConsensusParameters::new(pin),
    })
    .unwrap()
}

async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let deadline = Instant::now() + LONG;
    while !condition().await {
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

struct World {
    genesis: Arc<Genesis>,
    nodes: Vec<Node>,
    folder: TempDir,
    exits: Arc<Mutex<Vec<Exit>>>,
    proofs: Vec<Hash>,
}

impl World {
    async fn start() -> World {
        let folder = tempfile::tempdir().unwrap();
        let pools: Vec<VerifierPool> = (0..COUNT).map(|_| pool()).collect();
        let genesis = Arc::new(genesis(pools[0].pin()));
        // Ports that were free a moment ago; all are held until all are chosen.
        let held: Vec<_> = (0..COUNT).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = held.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(held);
        let exits = Arc::new(Mutex::new(Vec::new()));
        let mut nodes = Vec::new();
        for (index, pool) in (0..COUNT).zip(pools) {
            let directory = folder.path().join(node_id(index).as_str());
            std::fs::create_dir(&directory).unwrap();
            bear(&directory.join("key")).unwrap();
            let peers: Vec<String> = (0..COUNT)
                .filter(|peer| *peer != index)
                .map(|peer| {
                    let port = ports[usize::from(peer)];
                    format!(r#"{{"node_id": "{}", "address": "127.0.0.1:{port}"}}"#, node_id(peer))
                })
                .collect();
            let text = format!(
                r#"{{"node_id": "{}", "data_dir": {directory:?}, "key_file": {:?}, "http": {{"port": 0}},
                    "network": {{"listen_address": "127.0.0.1", "listen_port": {}, "bootstrap_peers": [{}]}}}}"#,
                node_id(index),
                directory.join("key"),
                ports[usize::from(index)],
                peers.join(",")
            );
            let file = directory.join("config.json");
            std::fs::write(&file, text).unwrap();
            let flags =
                Flags { node_id: node_id(index), config: Some(file), stake: None, data_dir: None, key_file: None };
            let told = exits.clone();
            let exit: ExitHook = Arc::new(move |exit| told.lock().push(exit.clone()));
            let database = Database::open(&directory, &genesis.chain_id(), 1 << 20).unwrap();
            let parts = NodeParts {
                genesis: genesis.clone(),
                config: config::load(&flags, &genesis).unwrap(),
                key: key(index),
                database: Arc::new(database),
                pool: Arc::new(pool),
                accept_unknown_history: false,
                exit,
            };
            nodes.push(Node::start(parts).unwrap());
        }
        let world = World { genesis, nodes, folder, exits, proofs: Vec::new() };
        for node in &world.nodes {
            until("everybody signs", || async {
                node.snapshot().await.is_some_and(|snapshot| snapshot.unknown_history.is_none())
            })
            .await;
        }
        world
    }

    /// Submits a new proof to a validator, again while its mempool is being made anew.
    async fn submit(&mut self, to: usize) -> Hash {
        let nonce = self.proofs.len() as u64;
        let script = format!("(declare-const x Int)\n(assert (and (> x {nonce}) (< x {nonce})))\n(check-sat)\n");
        let submitter = key(99);
        let chain = self.genesis.chain_id();
        let proof = Proof::sign(&chain, &submitter, public_key(&submitter), Claim::Unsat, nonce, script.into());
        let id = proof.id(&chain);
        let mempool = &self.nodes[to].proofs.mempool;
        until("a submission is accepted", || async {
            matches!(mempool.ask(Submit(proof.clone()), LONG).await, Ok(Ok(_)))
        })
        .await;
        self.proofs.push(id);
        id
    }

    async fn final_everywhere(&self, proof: &Hash, what: &str) {
        until(what, || async { self.nodes.iter().all(|node| node.database.final_proof(proof).unwrap().is_some()) })
            .await;
    }

    fn incarnation(&self, node: usize, actor: &str) -> u64 {
        let report = self.nodes[node].tree.report();
        report.actors().into_iter().find(|report| report.name == actor).unwrap().incarnation
    }

    async fn everybody_is_back(&self) {
        until("every actor runs", || async {
            let reports = self.nodes.iter().map(|node| node.tree.report());
            reports.into_iter().all(|tree| tree.actors().iter().all(|actor| actor.phase == Phase::Running))
        })
        .await;
    }

    fn height(&self) -> Sequence {
        self.nodes.iter().map(|node| *node.proofs.heads.borrow()).max().unwrap()
    }

    /// All validators have the same blocks, each proof once, and no vote log shows two votes that exclude each other.
    fn audit(&self) {
        let height = self.nodes.iter().map(|node| *node.proofs.heads.borrow()).min().unwrap();
        for sequence in 1..=height.0 {
            let blocks = self.nodes.iter().map(|node| node.database.block(Sequence(sequence)).unwrap().unwrap());
            let ids: Vec<Hash> = blocks.map(|stored| stored.id).collect();
            assert!(ids.iter().all(|id| *id == ids[0]), "two blocks at sequence {sequence}: {ids:?}");
        }
        let mut signed = Signed::default();
        for index in 0..COUNT {
            let identity = Identity { chain: self.genesis.chain_id(), key: public_key(&key(index)) };
            let directory = self.folder.path().join(node_id(index).as_str());
            assert!(signed.enter_log(&directory, &identity).unwrap().is_some_and(|records| records > 0));
        }
    }
}

/// What is to fail, once, when a validator comes to a point.
type Armed = Arc<Mutex<Option<(ValidatorIndex, Point, &'static str)>>>;

#[test]
fn every_actor_may_be_killed_at_every_step_of_a_round() {
    System::new().block_on(async {
        let mut world = World::start().await;
        let armed: Armed = Arc::default();
        let (plan, trees) = (armed.clone(), world.nodes.iter().map(|node| node.tree.clone()).collect::<Vec<_>>());
        fault_points::set(Some(Arc::new(move |me, point| {
            let due = plan.lock().take_if(|(victim, at, _)| *victim == me && *at == point);
            let Some((_, _, actor)) = due else { return };
            if actor == point.actor() {
                panic!("planted: {actor} at {point:?}");
            }
            trees[me.as_usize()].fail(actor, Fault::Panic).unwrap();
        })));
        let began = Instant::now();
        let mut slowest = Duration::ZERO;
        for (number, (point, actor)) in
            Point::ALL.into_iter().flat_map(|point| ACTORS.map(|actor| (point, actor))).enumerate()
        {
            let victim = number % usize::from(COUNT);
            let (before, lives) = (world.height(), world.incarnation(victim, actor));
            let what = format!("{actor} of node_{} killed at {point:?}", victim + 1);
            let started = Instant::now();
            *armed.lock() = Some((ValidatorIndex(victim as u16), point, actor));
            // Not every round has every step at every validator: a leader receives no proposal of its own.
            while armed.lock().is_some() {
                assert!(started.elapsed() < LONG, "it never came to this: {what}");
                let proof = world.submit((victim + 1) % usize::from(COUNT)).await;
                world.final_everywhere(&proof, &what).await;
            }
            until(&what, || async { world.incarnation(victim, actor) > lives }).await;
            world.everybody_is_back().await;
            assert!(world.height() > before, "height goes on: {what}");
            slowest = slowest.max(started.elapsed());
        }
        fault_points::set(None);
        let last = world.submit(0).await;
        world.final_everywhere(&last, "all goes on").await;
        for proof in &world.proofs {
            world.final_everywhere(proof, "what was accepted is final").await;
        }
        world.audit();
        assert_eq!(*world.exits.lock(), [], "no process ended");
        println!("49 kills in {:.1?}, the slowest with its proofs {slowest:.1?}", began.elapsed());
        for node in &world.nodes {
            node.stop().await;
        }
    });
}
