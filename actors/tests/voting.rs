//! Four validators' ways of a vote in one process: real keys, TLS on loopback, vote logs with fsync, signatures.
//!
//! Verdicts are told by hand: what is tested is the agreement on them.

use actix::System;
use actors::consensus::Ask;
use actors::outlet::Outlet;
use actors::routes::{Routes, Step};
use actors::storage::beside_key::{BesideKey, bear};
use actors::supervision::Tree;
use actors::supervision::{Exit, Fault};
use actors::voting::{HistoryReader, Voting, VotingConfig, start, votes_thread};
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::consensus::events::{Checked, Input};
use protocol::consensus::recovery::Base;
use protocol::genesis::{Genesis, GenesisContent, GenesisValidator};
use protocol::ledger::{Branch, BranchError};
use protocol::message::Word;
use protocol::pacemaker::PacemakerSettings;
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::signature::public_key;
use protocol::types::{Epoch, Hash, Millis, NodeId, ResourceCount, Sequence, Stake, ValidatorIndex};
use protocol::validator::route::StateInput;
use protocol::verdict::SolverPin;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(60);

/// Nothing final is asked of the database here: consensus remembers what was not applied.
struct Nothing;

impl Branch for Nothing {
    fn has_proof(&self, _: &Hash) -> Result<bool, BranchError> {
        Ok(false)
    }

    fn has_statement(&self, _: &Hash) -> Result<bool, BranchError> {
        Ok(false)
    }
}

/// What a validator's process would hold; its threads end with it.
struct Node {
    voting: Voting,
    finals: Arc<Mutex<Vec<(Sequence, Hash)>>>,
    proofs: Arc<Mutex<Vec<Hash>>>,
    tree: Tree,
}

struct World {
    genesis: Arc<Genesis>,
    keys: Vec<SigningKey>,
    listen: Vec<SocketAddr>,
    folders: Vec<TempDir>,
}

impl World {
    fn new(count: u8) -> World {
        let keys: Vec<_> = (1..=count).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
        let validators = keys.iter().enumerate().map(|(index, key)| GenesisValidator {
            node_id: NodeId::new(&format!("node_{}", index + 1)).unwrap(),
            public_key: public_key(key),
            stake: Stake(10_000),
            initial_balance: Tokens(0),
        });
        let content = GenesisContent {
            timestamp_ms: Millis(1),
            epoch: Epoch(1),
            epoch_seed: Hash([7; 32]),
            validators: validators.collect(),
            parameters: ConsensusParameters::new(SolverPin { library: Hash([3; 32]), normaliser_version: 1 }),
        };
        // Ports that were free a moment ago; all are held until all are chosen.
        let held: Vec<_> = keys.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let folders: Vec<TempDir> = keys.iter().map(|_| TempDir::new().unwrap()).collect();
        folders.iter().for_each(|folder| bear(&folder.path().join("node.key")).unwrap());
        World {
            genesis: Arc::new(Genesis::new(content).unwrap()),
            listen: held.iter().map(|listener| listener.local_addr().unwrap()).collect(),
            folders,
            keys,
        }
    }

    fn start(&self, index: usize) -> Node {
        let finals = Arc::new(Mutex::new(Vec::new()));
        let proofs = Arc::new(Mutex::new(Vec::new()));
        let (blocks, ids) = (finals.clone(), proofs.clone());
        // Every script is everywhere, and nobody is behind.
        let state = Outlet::new(move |input| {
            if let StateInput::Apply { blocks: finalized, .. } = input {
                for block in finalized {
                    ids.lock().extend(block.block.body.proofs.iter().map(|entry| entry.proof));
                    blocks.lock().push((block.block.header.sequence, block.id));
                }
            }
            None
        });
        let genesis = self.genesis.clone();
        let history: HistoryReader = Arc::new(move || {
            let id = genesis.genesis_block_hash();
            let base = Base { id, ledger: genesis.ledger(), commit: None, prepare: None };
            Ok((base, Box::new(Nothing) as Box<dyn Branch + Send>))
        });
        let others = Routes { state, ..Routes::nowhere(ValidatorIndex(index as u16)) };
        let (voting, tree) = start(self.config(index), others, history, &votes_thread()).unwrap();
        Node { voting, finals, proofs, tree }
    }

    fn config(&self, index: usize) -> VotingConfig {
        let folder: &Path = self.folders[index].path();
        let others = self.listen.iter().enumerate().filter(|(other, _)| *other != index);
        VotingConfig {
            genesis: self.genesis.clone(),
            me: ValidatorIndex(index as u16),
            key: self.keys[index].clone(),
            listen: self.listen[index],
            addresses: others.map(|(other, at)| (ValidatorIndex(other as u16), at.to_string())).collect(),
            data_dir: folder.into(),
            beside_key: BesideKey::of(&folder.join("node.key"), &self.genesis.chain_id()),
            block_size_max: 100,
            pace: PacemakerSettings {
                timeout_max: Millis(10_000),
                view_change_timeout: Millis(5_000),
                idle_block_interval: Millis(10_000),
            },
            accept_unknown_history: false,
            exit: Arc::new(|exit: &Exit| panic!("a validator ended: {exit:?}")),
        }
    }
}

/// Looks again and again until it holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} for: {what}");
        tokio::task::yield_now().await;
    }
}

fn confirm(node: &Node, proof: u8) {
    let proof = Hash([proof; 32]);
    let word = Word::Confirmed(ResourceCount(1_000));
    let checked = Checked { proof, statement: proof, word };
    assert!(node.voting.consensus.send(Step::Input(Input::Checked(vec![checked]))).is_ok());
}

fn has(node: &Node, proof: u8) -> bool {
    node.proofs.lock().contains(&Hash([proof; 32]))
}

async fn is_signing(node: &Node) -> bool {
    let snapshot = node.voting.consensus.ask(Ask, DEADLINE).await;
    snapshot.is_ok_and(|snapshot| snapshot.unknown_history.is_none())
}

fn agree(nodes: &[&Node]) {
    let chains: Vec<Vec<(Sequence, Hash)>> = nodes.iter().map(|node| node.finals.lock().clone()).collect();
    for one in &chains {
        for other in &chains {
            for (sequence, id) in one {
                assert!(other.iter().all(|(at, that)| at != sequence || that == id), "two final blocks at {sequence}");
            }
        }
    }
}

#[test]
fn four_validators_agree_over_tls_and_go_on_with_three() {
    System::new().block_on(async {
        let world = World::new(4);
        let mut nodes: Vec<Node> = (0..4).map(|index| world.start(index)).collect();
        for node in &nodes {
            until("signing", async || is_signing(node).await).await;
        }
        let mut times = Vec::new();
        for proof in 1..=20 {
            let started = Instant::now();
            nodes.iter().for_each(|node| confirm(node, proof));
            until("final everywhere", async || nodes.iter().all(|node| has(node, proof))).await;
            times.push(started.elapsed());
        }
        times.sort();
        println!("told to final at all four: median {:?}, slowest {:?}", times[10], times[19]);
        agree(&nodes.iter().collect::<Vec<_>>());

        // Whoever is made anew in a process that signs goes on signing: nobody is asked, and no session ends.
        for actor in ["consensus", "view_change", "leader_election"] {
            for how in [Fault::Panic, Fault::Terminate] {
                let came = nodes[0].tree.inject(actor, how, DEADLINE).await.unwrap();
                assert!(came.serving.is_some(), "{came:?}");
                assert!(is_signing(&nodes[0]).await, "{actor} {how}");
                println!("{actor} {how}: {came:?}");
            }
        }
        nodes.iter().for_each(|node| (1..=20).for_each(|proof| assert!(has(node, proof))));
        for proof in 31..=34 {
            nodes.iter().for_each(|node| confirm(node, proof));
            until("final after the kills", async || nodes.iter().all(|node| has(node, proof))).await;
        }

        let gone = nodes.pop().unwrap();
        gone.voting.network.close();
        gone.tree.stop().await;
        for proof in 21..=24 {
            nodes.iter().for_each(|node| confirm(node, proof));
            until("final with three of four", async || nodes.iter().all(|node| has(node, proof))).await;
        }
        agree(&nodes.iter().collect::<Vec<_>>());
    });
}
