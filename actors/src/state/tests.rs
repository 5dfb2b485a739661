//! Final history on a real database: what is applied, told, served and refused.

mod announcing;
mod damage;
mod pending;
mod search;

use super::database::{Batch, Database};
use super::*;
use crate::links::Links;
use crate::mempool::{Change, MempoolActor, ProofStore, StoreError};
use crate::outlet::Outlet;
use crate::routes::{Routes, Step};
use crate::supervision::{ExitHook, Handle, Seat, Spec, StartError, reserve, supervise};
use parking_lot::Mutex;
use protocol::block::{Block, BlockLimits, Body, Carried, CarriedVote, Entry, Header};
use protocol::certificate::Certificate;
use protocol::consensus::events::{FinalBlock, Input, To};
use protocol::genesis::{Genesis, GenesisContent, GenesisValidator};
use protocol::ledger::{Branch, BranchError, Ledger, Position};
use protocol::mempool::{Candidate, Source};
use protocol::message::{Message, Word};
use protocol::parameters::{ConsensusParameters, Tokens};
use protocol::proof::Proof;
use protocol::types::{
    Epoch, Hash, Millis, NodeId, PublicKey, ResourceCount, Sequence, Signature, Stake, ValidatorIndex, View,
};
use protocol::validator::route::StateInput;
use protocol::verdict::{Claim, SolverPin};
use protocol::vote::{Ballot, Choice};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

const LIMITS: BlockLimits = BlockLimits { proofs_max: 10, bytes_max: 1 << 20 };

/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(60);

fn genesis() -> Genesis {
    let validator = |number: u8| GenesisValidator {
        node_id: NodeId::new(&format!("node_{number}")).unwrap(),
        public_key: protocol::signature::public_key(&ed25519_dalek::SigningKey::from_bytes(&[number; 32])),
        stake: Stake(10_000),
        initial_balance: Tokens(0),
    };
    Genesis::new(GenesisContent {
        timestamp_ms: Millis(1_000),
        epoch: Epoch(1),
        epoch_seed: Hash([7; 32]),
        validators: (1..=4).map(validator).collect(),
        parameters: ConsensusParameters::new(SolverPin { library: Hash([3; 32]), normaliser_version: 1 }),
    })
    .unwrap()
}

fn certificate(choice: Choice, view: u64) -> Certificate {
    let ballot = Ballot { epoch: Epoch(1), view: View(view), choice };
    let signatures = (0..3).map(|voter| (ValidatorIndex(voter), Signature([voter as u8; 64]))).collect();
    Certificate { ballot, signatures }
}

fn entry(value: u8) -> Entry {
    let proof = raw(value).id(&genesis().chain_id());
    Entry { proof, statement: Hash([value | 0x80; 32]), difficulty: ResourceCount(1_000) }
}

struct Nothing;

impl Branch for Nothing {
    fn has_proof(&self, _: &Hash) -> Result<bool, BranchError> {
        Ok(false)
    }

    fn has_statement(&self, _: &Hash) -> Result<bool, BranchError> {
        Ok(false)
    }
}

/// A chain of blocks as consensus would hand it over; block n has proof n and no Prepare certificate of its own.
fn chain(genesis: &Genesis, length: u64) -> Vec<FinalBlock> {
    let set = genesis.validator_set();
    let (mut ledger, mut parent): (Ledger, Hash) = (genesis.ledger(), genesis.genesis_block_hash());
    let mut blocks = Vec::new();
    for sequence in (1..=length).map(Sequence) {
        let vote = |voter| CarriedVote {
            voter: ValidatorIndex(voter),
            epoch: Epoch(1),
            view: View(sequence.0 - 1),
            signature: Signature([voter as u8; 64]),
        };
        let carried = Carried { block: parent, votes: (0..3).map(vote).collect() };
        let body = Body {
            proofs: vec![entry(sequence.0 as u8)],
            carried: if sequence.0 > 1 { vec![carried] } else { Vec::new() },
        };
        let time = Millis(1_000 + sequence.0);
        ledger = ledger.execute(&set, Position { parent, sequence, time }, &body, LIMITS, &Nothing).unwrap();
        let header = Header {
            chain: genesis.chain_id(),
            epoch: Epoch(1),
            sequence,
            parent,
            time,
            body: body.digest(),
            state: ledger.root(),
        };
        let block = Block { header, body };
        parent = block.id();
        blocks.push(FinalBlock { id: parent, block, ledger: ledger.clone(), prepare: None });
    }
    blocks
}

fn commit(block: &FinalBlock) -> Certificate {
    certificate(Choice::Commit(block.id), block.block.header.sequence.0)
}

type Exits = Arc<Mutex<Vec<(i32, String)>>>;

struct Bench {
    genesis: Arc<Genesis>,
    database: Arc<Database>,
    state: Handle<StateActor>,
    /// The way to it of final blocks, and of questions of peers.
    way: Outlet<StateInput>,
    /// Keeps the mempool's mailbox open.
    _mempool: Seat<MempoolActor>,
    mempool: Handle<MempoolActor>,
    told: UnboundedReceiver<Input>,
    sent: UnboundedReceiver<(To, Message)>,
    exits: Exits,
    heads: watch::Receiver<Sequence>,
}

impl Bench {
    /// Waits until the actor asked for the process' end.
    async fn ended(&self) {
        while self.exits.lock().is_empty() {
            self.state.ask(LedgerNow, LONG).await.unwrap();
        }
    }

    async fn read<Q: Question>(&self, question: Q) -> Result<Q::Found, StoreError> {
        self.state.ask(Read { question, permit: Box::new(()) }, LONG).await.unwrap()
    }
}

fn bench() -> Bench {
    let genesis = Arc::new(genesis());
    let exits = Exits::default();
    let exit: ExitHook = {
        let exits = Arc::clone(&exits);
        Arc::new(move |exit| exits.lock().push((exit.code, exit.reason.clone())))
    };
    let database = Arc::new(Database::in_memory(&genesis.chain_id()));
    let (mempool, seat) = reserve::<MempoolActor>(Spec::new("mempool"));
    let (tell, told) = unbounded_channel();
    let (send, sent) = unbounded_channel();
    let (heads, watched) = watch::channel(Sequence(0));
    let waiting = super::Waiting::default();
    let settings = StateSettings {
        waiting: waiting.clone(),
        database: Arc::clone(&database),
        set: Arc::new(genesis.validator_set()),
        genesis: Arc::clone(&genesis),
        routes: Routes {
            mempool: Outlet::to(&mempool),
            consensus: Outlet::new(move |step| match step {
                Step::Input(input) => tell.send(input).err().map(|error| Step::Input(error.0)),
                other => Some(other),
            }),
            ..Routes::nowhere(ValidatorIndex(0))
        },
        links: Links {
            send: Outlet::new(move |message| send.send(message).err().map(|error| error.0)),
            ..Links::none()
        },
        heads: Arc::new(heads),
        accuracy: Arc::default(),
        published: Arc::default(),
        exit,
    };
    let state = supervise(Spec::new("state"), move || StateActor::new(settings.clone()));
    let way = waiting.before(&state);
    Bench { genesis, database, state, way, _mempool: seat, mempool, told, sent, exits, heads: watched }
}

#[actix::test]
async fn what_is_final_is_durable_before_it_is_told() {
    let mut bench = bench();
    assert_eq!(bench.told.recv().await, Some(Input::Applied(Sequence(0))));
    let blocks = chain(&bench.genesis, 3);
    bench.way.send(StateInput::Apply { blocks: blocks.clone(), commit: commit(&blocks[2]) }).unwrap();
    assert_eq!(bench.told.recv().await, Some(Input::Applied(Sequence(3))));
    assert_eq!(bench.database.last().unwrap().unwrap().0.ledger, blocks[2].ledger);
    assert_eq!(*bench.heads.borrow_and_update(), Sequence(3));
    let mut below = super::Below::new(bench.database.clone(), Sequence(2));
    let has = |below: &super::Below, entry: Entry| {
        (below.has_proof(&entry.proof).unwrap(), below.has_statement(&entry.statement).unwrap())
    };
    assert_eq!(has(&below, entry(2)), (true, true));
    assert_eq!(has(&below, entry(3)), (false, false), "of later blocks it is silent");
    below.applied(Sequence(3));
    assert_eq!((has(&below, entry(3)), has(&below, entry(9))), ((true, true), (false, false)));
    let standing = bench.state.ask(LedgerNow, LONG).await.unwrap();
    assert_eq!((standing.sequence, standing.block), (Sequence(3), blocks[2].id));
    assert_eq!(bench.mempool.report().waiting, 3, "the mempool hears of every block");
    let stored = bench.state.ask(BlockAt(Sequence(2)), LONG).await.unwrap().unwrap().unwrap();
    assert_eq!((stored.id, &stored.block), (blocks[1].id, &blocks[1].block));
    let prepare = stored.prepare.expect("its child carries the votes");
    assert_eq!(prepare, certificate(Choice::Prepare(blocks[1].id), 2));
    assert_eq!(stored.commit, None, "one certificate makes all three final");
}

#[actix::test]
async fn many_are_looked_up_at_once_each_in_its_place() {
    let mut bench = bench();
    let blocks = chain(&bench.genesis, 3);
    let empty = bench.read(LookUpFinal { proofs: vec![entry(1).proof], statements: vec![] }).await;
    let nothing = FinalFound { head: Sequence(0), proofs: vec![None], statements: vec![] };
    assert_eq!(empty, Ok(nothing), "before the first block");
    bench.way.send(StateInput::Apply { blocks: blocks.clone(), commit: commit(&blocks[2]) }).unwrap();
    while bench.told.recv().await != Some(Input::Applied(Sequence(3))) {}
    let asked = LookUpFinal {
        proofs: vec![entry(3).proof, entry(9).proof, entry(1).proof, entry(3).proof],
        statements: vec![entry(2).statement, entry(2).proof, entry(3).statement],
    };
    let at = |sequence: u64| Some((Sequence(sequence), entry(sequence as u8)));
    let expected =
        FinalFound { head: Sequence(3), proofs: vec![at(3), None, at(1), at(3)], statements: vec![at(2), None, at(3)] };
    assert_eq!(bench.read(asked).await, Ok(expected));
    assert_eq!(*bench.exits.lock(), []);
}

#[actix::test]
async fn what_is_told_again_changes_nothing_and_what_leaves_a_gap_ends_the_process() {
    let mut bench = bench();
    let blocks = chain(&bench.genesis, 4);
    let apply = |range: std::ops::Range<usize>| {
        let commit = commit(&blocks[range.end - 1]);
        StateInput::Apply { blocks: blocks[range].to_vec(), commit }
    };
    bench.way.send(apply(0..2)).unwrap();
    bench.way.send(apply(0..2)).unwrap();
    bench.way.send(apply(1..3)).unwrap();
    while bench.told.recv().await != Some(Input::Applied(Sequence(3))) {}
    assert!(bench.exits.lock().is_empty());
    let later = chain(&bench.genesis, 5);
    bench.way.send(StateInput::Apply { blocks: later[4..].to_vec(), commit: commit(&later[4]) }).unwrap();
    bench.ended().await;
    assert_eq!(bench.exits.lock()[0], (70, "block 5 cannot follow block 3".into()));
}

#[actix::test]
async fn another_block_at_a_final_sequence_ends_the_process_with_code_8() {
    let bench = bench();
    let blocks = chain(&bench.genesis, 1);
    bench.way.send(StateInput::Apply { blocks: blocks.clone(), commit: commit(&blocks[0]) }).unwrap();
    let other = FinalBlock { id: Hash([9; 32]), ..blocks[0].clone() };
    bench.way.send(StateInput::Apply { blocks: vec![other], commit: commit(&blocks[0]) }).unwrap();
    bench.ended().await;
    assert_eq!(bench.exits.lock()[0].0, 8);
}

#[actix::test]
async fn a_peer_is_served_up_to_a_block_whose_commit_certificate_is_kept() {
    let mut bench = bench();
    let blocks = chain(&bench.genesis, 4);
    for range in [0..2, 2..3] {
        let commit = commit(&blocks[range.end - 1]);
        bench.way.send(StateInput::Apply { blocks: blocks[range].to_vec(), commit }).unwrap();
    }
    for (above, expected) in [(0, 0..3), (1, 1..3), (2, 2..3)] {
        bench.way.send(StateInput::Serve { to: ValidatorIndex(2), above: Sequence(above) }).unwrap();
        let (to, message) = bench.sent.recv().await.unwrap();
        let blocks: Vec<_> = blocks[expected].iter().map(|block| block.block.clone()).collect();
        let commit = Some(certificate(Choice::Commit(blocks.last().unwrap().id()), 3));
        assert_eq!((to, message), (To::Peer(ValidatorIndex(2)), Message::Blocks { blocks, commit }));
    }
    bench.way.send(StateInput::Serve { to: ValidatorIndex(2), above: Sequence(3) }).unwrap();
    bench.way.send(StateInput::Serve { to: ValidatorIndex(2), above: Sequence(2) }).unwrap();
    let (_, message) = bench.sent.recv().await.unwrap();
    assert!(matches!(message, Message::Blocks { blocks, .. } if blocks.len() == 1), "there is nothing above the third");
}

#[actix::test]
async fn of_many_questions_of_one_peer_few_are_answered_and_the_newest_is() {
    let mut bench = bench();
    let blocks = chain(&bench.genesis, 2);
    bench.way.send(StateInput::Apply { blocks: blocks.clone(), commit: commit(&blocks[1]) }).unwrap();
    let (greedy, modest) = (ValidatorIndex(2), ValidatorIndex(3));
    for _ in 0..500 {
        bench.way.send(StateInput::Serve { to: greedy, above: Sequence(0) }).unwrap();
    }
    bench.way.send(StateInput::Serve { to: modest, above: Sequence(0) }).unwrap();
    bench.way.send(StateInput::Serve { to: greedy, above: Sequence(1) }).unwrap();
    let (mut answers, mut newest, mut other) = (0, false, false);
    while !(newest && other) {
        let (to, message) = bench.sent.recv().await.unwrap();
        let Message::Blocks { blocks, .. } = message else { panic!("{message:?}") };
        answers += usize::from(to == To::Peer(greedy));
        newest |= to == To::Peer(greedy) && blocks.len() == 1;
        other |= to == To::Peer(modest) && blocks.len() == 2;
    }
    assert!(answers < 100, "{answers} of 501 questions were answered");
}

#[actix::test]
async fn a_rebuilt_actor_goes_on_from_the_database() {
    let mut bench = bench();
    let blocks = chain(&bench.genesis, 2);
    bench.way.send(StateInput::Apply { blocks: blocks.clone(), commit: commit(&blocks[1]) }).unwrap();
    while bench.told.recv().await != Some(Input::Applied(Sequence(2))) {}
    let settings = StateSettings {
        waiting: super::Waiting::default(),
        database: Arc::clone(&bench.database),
        set: Arc::new(bench.genesis.validator_set()),
        genesis: Arc::clone(&bench.genesis),
        routes: Routes {
            consensus: Outlet::new(Some),
            mempool: Outlet::to(&bench.mempool),
            ..Routes::nowhere(ValidatorIndex(0))
        },
        links: Links::none(),
        heads: Arc::new(watch::channel(Sequence(0)).0),
        accuracy: Arc::default(),
        published: Arc::default(),
        exit: Arc::new(|_| {}),
    };
    let again = supervise(Spec::new("again"), move || StateActor::new(settings.clone()));
    assert_eq!(again.ask(LedgerNow, LONG).await.unwrap().sequence, Sequence(2));
}

/// Makes blocks final in the database, and waits until they are durable.
fn append(database: &Database, blocks: Vec<FinalBlock>) {
    let last = blocks.last().unwrap();
    let commits = vec![(last.block.header.sequence, commit(last))];
    append_batch(database, Batch { blocks, prepares: Vec::new(), commits });
}

fn append_batch(database: &Database, batch: Batch) {
    database.append(batch, Box::new(|written| written.unwrap()));
    database.settle().unwrap();
}

fn change(database: &Database, changes: Vec<Change>) {
    database.change(changes, Box::new(|written| written.unwrap()));
    database.settle().unwrap();
}

#[test]
fn a_ledger_that_is_not_the_headers_is_not_started_from() {
    let genesis = Arc::new(genesis());
    let database = Database::in_memory(&genesis.chain_id());
    let mut blocks = chain(&genesis, 2);
    blocks[1].ledger = blocks[0].ledger.clone();
    append(&database, blocks);
    let settings = StateSettings {
        waiting: super::Waiting::default(),
        database: Arc::new(database),
        set: Arc::new(genesis.validator_set()),
        genesis,
        routes: Routes::nowhere(ValidatorIndex(0)),
        links: Links::none(),
        heads: Arc::new(watch::channel(Sequence(0)).0),
        accuracy: Arc::default(),
        published: Arc::default(),
        exit: Arc::new(|_| {}),
    };
    let Err(StartError::Fatal { code: 8, reason }) = StateActor::new(settings) else { panic!("it starts") };
    assert!(reason.contains("the ledger's root is"), "{reason}");
}

fn raw(value: u8) -> Proof {
    let submitter = PublicKey([value; 32]);
    Proof { claim: Claim::Unsat, submitter, nonce: 0, script: vec![value; 5], signature: Signature([0; 64]) }
}

fn proof(value: u8) -> (Candidate, Box<Proof>) {
    let Entry { proof, statement, .. } = entry(value);
    let raw = raw(value);
    let candidate = Candidate { proof, statement, size: 5, source: Source::Submitter(raw.submitter) };
    (candidate, Box::new(raw))
}

#[test]
fn a_database_of_another_chain_or_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let open = |chain| Database::open(directory.path(), &chain, 1 << 20);
    let first = open(Hash([1; 32])).unwrap();
    assert!(matches!(open(Hash([1; 32])), Err(DatabaseError::InUse { .. })));
    drop(first);
    assert!(matches!(open(Hash([2; 32])), Err(DatabaseError::OtherChain { .. })));
    assert!(open(Hash([1; 32])).is_ok());
}
