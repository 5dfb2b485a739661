//! The shell round consensus: whose messages it hears, and what is left of it once its log failed.

use super::*;
use crate::clock::Clock;
use crate::links::Links;
use crate::outlet::Outlet;
use crate::routes::{Routes, Step, TellAgain};
use crate::storage::beside_key::BesideKey;
use crate::storage::vote_log::{Identity, VoteLog};
use crate::supervision::{Exit, Handle, Spec, supervise};
use crate::tap::Observed;
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::block::BlockLimits;
use protocol::consensus::events::{Input, Notice, To};
use protocol::consensus::recovery::Base;
use protocol::consensus::{Consensus, LOG_RECORDS_MAX, Settings};
use protocol::genesis::{Genesis, GenesisContent, GenesisValidator};
use protocol::ledger::{Branch, BranchError};
use protocol::message::{GiveUpReason, Message};
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::quorum::ValidatorSet;
use protocol::schedule::Schedule;
use protocol::signature::{Ed25519, public_key};
use protocol::types::{Epoch, Hash, Millis, NodeId, Stake, ValidatorIndex, View};
use protocol::validator::sessions::{Session, SessionEvent, SessionNumber};
use protocol::verdict::SolverPin;
use protocol::verify::Checker;
use protocol::vote::{Ballot, Choice, Vote};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(60);
const PEER: ValidatorIndex = ValidatorIndex(1);

struct Nothing;

impl Branch for Nothing {
    fn has_proof(&self, _: &Hash) -> Result<bool, BranchError> {
        Ok(false)
    }

    fn has_statement(&self, _: &Hash) -> Result<bool, BranchError> {
        Ok(false)
    }
}

fn key(index: u8) -> SigningKey {
    SigningKey::from_bytes(&[index + 1; 32])
}

fn genesis() -> Genesis {
    let validator = |index: u8| GenesisValidator {
        node_id: NodeId::new(&format!("node_{}", index + 1)).unwrap(),
        public_key: public_key(&key(index)),
        stake: Stake(10_000),
        initial_balance: Tokens(0),
    };
    Genesis::new(GenesisContent {
        timestamp_ms: Millis(1_000),
        epoch: Epoch(1),
        epoch_seed: Hash([7; 32]),
        validators: (0..4).map(validator).collect(),
        parameters: ConsensusParameters::new(SolverPin { library: Hash([3; 32]), normaliser_version: 1 }),
    })
    .unwrap()
}

fn session(number: u64) -> Session {
    Session { peer: PEER, number: SessionNumber(number) }
}

fn is_heard(notice: &Notice) -> bool {
    matches!(notice, Notice::Heard { voters, .. } if *voters == [PEER])
}

struct Bench {
    genesis: Genesis,
    consensus: Handle<ConsensusActor>,
    folder: tempfile::TempDir,
    /// The network's table.
    table: Arc<Mutex<Vec<Session>>>,
    sent: UnboundedReceiver<(To, Message)>,
    /// What `view_change` is told.
    notices: UnboundedReceiver<Notice>,
    exits: Arc<Mutex<Vec<Exit>>>,
}

fn settings(genesis: &Genesis, set: &Arc<ValidatorSet>, schedule: &Arc<Schedule>) -> Settings {
    Settings {
        set: set.clone(),
        schedule: schedule.clone(),
        me: ValidatorIndex(0),
        genesis: genesis.genesis_block_hash(),
        block: BlockLimits { proofs_max: 10, bytes_max: 1 << 20 },
        block_size_max: 10,
        idle_block_interval: Millis(10_000),
        clock_tolerance: Millis(1_000),
        log_records_max: LOG_RECORDS_MAX,
    }
}

/// A consensus that signs, with an exit hook that does nothing. Sessions up to `all_over` are over.
fn bench(all_over: u64) -> Bench {
    let genesis = genesis();
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity { chain: genesis.chain_id(), key: public_key(&key(0)) };
    let beside = BesideKey::of(&folder.path().join("key"), &genesis.chain_id());
    let (log, _) = VoteLog::open(folder.path(), &beside, identity).unwrap();
    let set = Arc::new(genesis.validator_set());
    let schedule = Arc::new(Schedule::new(&set, &genesis.epoch_seed()));
    let settings = settings(&genesis, &set, &schedule);
    let table = Arc::<Mutex<Vec<Session>>>::default();
    let (send, sent) = unbounded_channel();
    let (tell, notices) = unbounded_channel();
    let exits = Arc::<Mutex<Vec<Exit>>>::default();
    let (shown, ended) = (table.clone(), exits.clone());
    let reach = Reach {
        routes: Routes {
            view_change: Outlet::new(move |step| {
                if let Step::Input(notice) = step {
                    _ = tell.send(notice);
                }
                None
            }),
            ..Routes::nowhere(ValidatorIndex(0))
        },
        links: Links {
            send: Outlet::new(move |message| send.send(message).err().map(|error| error.0)),
            sessions: Arc::new(move || shown.lock().clone()),
            ..Links::none()
        },
        observed: Arc::new(Observed::new(set.clone(), schedule, ValidatorIndex(0), Millis(10_000))),
        set,
        committed: Arc::default(),
        memory: Arc::default(),
        exit: Arc::new(move |exit| ended.lock().push(exit.clone())),
    };
    let (log, clock) = (Arc::new(Mutex::new(log)), Clock::start());
    let (id, ledger) = (genesis.genesis_block_hash(), genesis.ledger());
    let factory = move || {
        let base = Base { id, ledger: ledger.clone(), commit: None, prepare: None };
        let signer = Box::new(key(0));
        let recovered = Consensus::recover(settings.clone(), signer, Box::new(Nothing), base, Vec::new(), clock.now());
        Ok(ConsensusActor::new(recovered, log.clone(), SessionNumber(all_over), reach.clone(), clock))
    };
    let consensus = supervise(Spec::new("consensus"), factory);
    Bench { genesis, consensus, folder, table, sent, notices, exits }
}

impl Bench {
    async fn asked(&self) -> Snapshot {
        self.consensus.ask(Ask, LONG).await.unwrap_or_else(|_| panic!("consensus answers"))
    }

    fn send(&self, step: Step<Input>) {
        assert!(self.consensus.send(step).is_ok());
    }

    /// Its vote to leave a view, said in a session.
    fn vote(&self, number: u64, view: u64) -> Step<Input> {
        let set = self.genesis.validator_set();
        let schedule = Schedule::new(&set, &self.genesis.epoch_seed());
        let genesis = self.genesis.genesis_block_hash();
        let ballot = Ballot { epoch: Epoch(1), view: View(view), choice: Choice::ViewChange };
        let message = Message::Vote { vote: Vote::sign(&set, &key(1), PEER, ballot), reason: None };
        let checker = Checker { set: &set, schedule: &schedule, genesis, signatures: &Ed25519 };
        let input = Input::Peer(PEER, checker.message(message).unwrap());
        Step::Heard { session: session(number), input, since: Instant::now() }
    }

    /// Everything that was told until now.
    fn heard(&mut self) -> usize {
        std::iter::from_fn(|| self.notices.try_recv().ok()).filter(is_heard).count()
    }
}

/// F5: a peer whose closing is heard late is not unheard for a whole session.
#[actix::test]
async fn a_stale_closing_leaves_the_peer_heard_and_what_is_of_a_session_that_is_over_is_not() {
    let mut bench = bench(0);
    *bench.table.lock() = vec![session(2)];
    bench.send(Step::Session(SessionEvent::Opened(session(2))));
    bench.send(Step::Session(SessionEvent::Closed(session(1))));
    bench.send(bench.vote(1, 1));
    bench.asked().await;
    bench.asked().await;
    assert_eq!(bench.heard(), 0, "the first session is over");
    bench.send(bench.vote(2, 1));
    let notice = async { while !is_heard(&bench.notices.recv().await.unwrap()) {} };
    tokio::time::timeout(LONG, notice).await.expect("the peer is heard");
}

/// R12: a consensus that closed all sessions hears of what peers hold in new ones alone.
#[actix::test]
async fn a_session_whose_opening_was_lost_is_found_unless_it_is_over() {
    let mut bench = bench(3);
    bench.asked().await;
    // The network is still closing it.
    bench.send(Step::Session(SessionEvent::Opened(session(3))));
    *bench.table.lock() = vec![session(3)];
    bench.send(bench.vote(3, 1));
    bench.asked().await;
    bench.asked().await;
    assert_eq!(bench.heard(), 0);
    let greets = |(to, message): &(To, Message)| *to == To::Peer(PEER) && matches!(message, Message::Testimony(_));
    while let Ok(sent) = bench.sent.try_recv() {
        assert!(!greets(&sent), "it is not greeted");
    }
    *bench.table.lock() = vec![session(4)];
    let greeted = async { while !greets(&bench.sent.recv().await.unwrap()) {} };
    tokio::time::timeout(LONG, greeted).await.expect("it is greeted");
}

/// The process ends by its exit hook. Until it has, or if the hook does nothing, no vote may be sent that is not durable.
#[actix::test]
async fn a_consensus_whose_log_failed_takes_and_sends_nothing_more() {
    let mut bench = bench(0);
    bench.asked().await;
    // Its log was not made yet, and cannot be.
    std::fs::remove_dir_all(bench.folder.path()).unwrap();
    bench.send(Step::Input(Input::GiveUp { view: View(1), reason: GiveUpReason::Timeout }));
    let deadline = Instant::now() + LONG;
    while bench.exits.lock().is_empty() {
        assert!(Instant::now() < deadline, "it does not ask for the process' end");
        bench.asked().await;
    }
    while let Ok((_, message)) = bench.sent.try_recv() {
        assert!(!matches!(message, Message::Vote { .. }), "a vote that is not durable is sent");
    }
    while let Ok(notice) = bench.notices.try_recv() {
        assert!(!matches!(notice, Notice::GaveUp { .. }), "others hear of what is not durable");
    }
    bench.send(Step::Session(SessionEvent::Opened(session(1))));
    bench.send(bench.vote(1, 1));
    assert!(bench.consensus.send(TellAgain).is_ok());
    bench.asked().await;
    bench.asked().await;
    assert!(bench.sent.is_empty(), "nothing is sent");
    assert!(bench.notices.is_empty(), "nobody is told of anything");
    let exits = bench.exits.lock();
    assert!(matches!(&exits[..], [exit] if exit.reason.starts_with("votes cannot be recorded: ")), "{exits:?}");
}
