//! What metrics cost: a page with 4 and with 100 validators, and what is recorded of one vote.
//!
//! `cargo bench --bench metrics`. The networks are made up: the page's own sources, with every series on them and no actor
//! behind, so that a page of 100 validators needs no 100 machines.

use actors::metrics;
use actors::network::PeerReport;
use actors::proofs::Figures;
use actors::scrape::{Page, Sources};
use actors::state::Standing;
use actors::supervision::{
    ActorReport, MemberReport, Phase, Restart, Restarts, Strategy, SupervisorReport, ThreadReport, TreeReport,
};
use actors::tap::Observed;
use actors::tap::consensus::ConsensusTap;
use actors::tap::network::GateTap;
use actors::verifier_pool::Workers;
use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::SigningKey;
use protocol::consensus::events::{Input, Record};
use protocol::genesis::{Genesis, GenesisContent, GenesisValidator};
use protocol::message::Message;
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::schedule::Schedule;
use protocol::signature::{Ed25519, public_key};
use protocol::types::{Epoch, Hash, Millis, NodeId, Sequence, Stake, ValidatorIndex, View};
use protocol::verdict::SolverPin;
use protocol::verify::Checker;
use protocol::vote::{Ballot, Choice, Vote};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Of the validator with this number, from 1.
fn key(number: u16) -> SigningKey {
    let mut seed = [7; 32];
    seed[..2].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_bytes(&seed)
}

fn genesis(validators: u16) -> Genesis {
    let validator = |number: u16| GenesisValidator {
        node_id: NodeId::new(&format!("node_{number}")).expect("a name"),
        public_key: public_key(&key(number)),
        stake: Stake(10_000),
        initial_balance: Tokens(5),
    };
    Genesis::new(GenesisContent {
        timestamp_ms: Millis(1_000),
        epoch: Epoch(1),
        epoch_seed: Hash([7; 32]),
        validators: (1..=validators).map(validator).collect(),
        parameters: ConsensusParameters::new(SolverPin { library: Hash([3; 32]), normaliser_version: 1 }),
    })
    .expect("a genesis")
}

fn tree() -> TreeReport {
    let actor = |name: &'static str| {
        MemberReport::Actor(Box::new(ActorReport {
            name,
            restart: Restart::Permanent,
            phase: Phase::Running,
            incarnation: 1,
            restarts: Restarts::default(),
            last_failure: None,
            waiting: 3,
            mailbox_max: 16_384,
            handling: None,
            heartbeat_age: Some(Duration::from_millis(30)),
            waits_for: None,
            uptime: None,
            handled: 123_456_789,
            handler_time: Duration::from_nanos(123_456_789_012),
            refused: 0,
            lost: 0,
            at: Instant::now(),
        }))
    };
    let names = ["verifier_pool", "mempool", "state", "consensus", "view_change", "leader_election", "peers"];
    let root = SupervisorReport {
        name: "validator",
        strategy: Strategy::OneForOne,
        restarts_max: 20,
        window: Duration::from_secs(10),
        restarts: 0,
        escalations: 0,
        members: names.into_iter().map(actor).collect(),
    };
    let thread = |name| ThreadReport { name, waits_for: None, processor_wait: Duration::from_nanos(123_456_789_012) };
    TreeReport { root, threads: ["work", "votes", "sessions"].map(thread).into(), zombies: 0 }
}

fn peers(genesis: &Genesis) -> Vec<PeerReport> {
    let peer = |(index, validator): (usize, &GenesisValidator)| PeerReport {
        validator: ValidatorIndex(index as u16),
        node_id: validator.node_id.clone(),
        address: None,
        connected: true,
        connected_ms: Some(1_000),
        missing_since_ms: None,
        ever_connected: true,
        round_trip_ms: Some(0.5),
        clock_ahead_ms: Some(0),
        bytes_in: 0,
        bytes_out: 0,
        messages_in: 0,
        messages_out: 0,
        dropped: 0,
        throttled: 0,
        waiting_messages: 0,
        waiting_bytes: 0,
        misbehaviour: 0,
        last_misbehaviour: None,
        banned_ms: None,
        last_error: None,
    };
    genesis.validators().iter().enumerate().skip(1).map(peer).collect()
}

fn observed(genesis: &Genesis) -> Observed {
    let set = Arc::new(genesis.validator_set());
    let schedule = Arc::new(Schedule::new(&set, &genesis.epoch_seed()));
    Observed::new(set, schedule, ValidatorIndex(0), Millis(10_000))
}

fn pages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("page");
    for validators in [4, 100] {
        let genesis = Arc::new(genesis(validators));
        let recorder = metrics::recorder().expect("buckets").build_recorder();
        ::metrics::with_local_recorder(&recorder, || {
            metrics::describe();
            let figures = Figures::default();
            let (block, ledger) = (genesis.genesis_block_hash(), genesis.ledger());
            figures.state.set(Arc::new(Standing { sequence: Sequence(0), block, ledger }));
            let about = Arc::clone(&genesis);
            let sources = Sources {
                genesis: Arc::clone(&genesis),
                me: ValidatorIndex(0),
                data_dir: ".".into(),
                solver: "Z3".into(),
                tree: Arc::new(tree),
                peers: Arc::new(move || peers(&about)),
                workers: Arc::new(|| Workers { busy: 1, idle: 1, spare: 1, resident_bytes: 1 << 27 }),
                observed: Arc::new(observed(&genesis)),
                accuracy: Arc::default(),
                figures,
            };
            let page = Page::new(sources, recorder.handle());
            println!("page, {validators} validators: {} bytes", page.render().len());
            group.bench_function(format!("{validators} validators"), |bencher| {
                bencher.iter(|| black_box(page.render()))
            });
        });
    }
}

/// All that is recorded of one vote on its way through a validator: of the peer's vote that comes, and of the own one that
/// follows.
fn one_vote(criterion: &mut Criterion) {
    let recorder = metrics::recorder().expect("buckets").build_recorder();
    let handle = recorder.handle();
    ::metrics::with_local_recorder(&recorder, || {
        metrics::describe();
        let genesis = genesis(4);
        let (set, schedule) = (genesis.validator_set(), Schedule::new(&genesis.validator_set(), &genesis.epoch_seed()));
        let (gate, tap) = (GateTap::default(), ConsensusTap::new(ValidatorIndex(0), Arc::new(observed(&genesis))));
        let ballot = Ballot { epoch: Epoch(1), view: View(1), choice: Choice::Prepare(Hash::ZERO) };
        let vote = |voter: u16| Vote::sign(&set, &key(voter + 1), ValidatorIndex(voter), ballot);
        let records = [Record::Vote(vote(0))];
        let message = Message::Vote { vote: vote(1), reason: None };
        let genesis = genesis.genesis_block_hash();
        let checker = Checker { set: &set, schedule: &schedule, genesis, signatures: &Ed25519 };
        let input = Input::Peer(ValidatorIndex(1), checker.message(message.clone()).expect("a valid vote"));
        let mut recorded: u64 = 0;
        criterion.bench_function("one vote", |bencher| {
            bencher.iter(|| {
                let began = Instant::now();
                let verifying = gate.begins(ValidatorIndex(1), black_box(&message));
                gate.verified(&verifying, &message);
                tap.waited(&input, began.elapsed());
                let step = tap.begins(began, black_box(&input));
                tap.decided(&step);
                tap.recorded(began, &records);
                tap.durable(records.len(), began.elapsed());
                tap.carried_out(began);
                recorded += 1;
                // As a node does every five seconds: samples do not pile up for ever.
                if recorded.is_multiple_of(10_000) {
                    handle.run_upkeep();
                }
            });
        });
    });
}

criterion_group!(benches, pages, one_vote);
criterion_main!(benches);
