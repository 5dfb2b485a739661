//! The shell on a real database: what is accepted is durable, what is bad is named, and what others need is told.

mod untaken;

use super::*;
use crate::links::Links;
use crate::network::Fault;
use crate::outlet::Outlet;
use crate::routes::{Routes, Step};
use crate::state::Database;
use crate::supervision::{Handle, Seat, Spec, reserve, supervise};
use crate::verifier_pool::VerifierPoolActor;
use ed25519_dalek::SigningKey;
use parking_lot::Mutex;
use protocol::consensus::events::{Checked, Input, To};
use protocol::mempool::{Input as MempoolStep, Judgement, Limits, Refusal, Whereabouts};
use protocol::message::{Message, Word};
use protocol::proof::Proof;
use protocol::signature::public_key;
use protocol::types::{Hash, ResourceCount, Sequence, Signature, ValidatorIndex};
use protocol::validator::route::MempoolInput;
use protocol::validator::sessions::{Session, SessionEvent, SessionNumber};
use protocol::verdict::{Claim, VerifierParameters};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(60);
const CHAIN: Hash = Hash([5; 32]);
const PEER: ValidatorIndex = ValidatorIndex(2);
const CONFIRMED: Word = Word::Confirmed(ResourceCount(7));

struct Bench {
    database: Arc<Database>,
    mempool: Handle<MempoolActor>,
    verifier: Handle<VerifierPoolActor>,
    /// Keeps the verifier's mailbox open.
    _seat: Seat<VerifierPoolActor>,
    told: UnboundedReceiver<Input>,
    /// While it is true, consensus takes nothing.
    consensus_is_down: Arc<AtomicBool>,
    sent: UnboundedReceiver<(To, Message)>,
    accused: UnboundedReceiver<(ValidatorIndex, Fault)>,
    /// The network's table.
    sessions: Arc<Mutex<Vec<Session>>>,
}

/// A session with the peer.
fn session(number: u64) -> Session {
    Session { peer: PEER, number: SessionNumber(number) }
}

fn step(input: MempoolStep) -> Step<MempoolInput> {
    Step::Input(MempoolInput::Step(input))
}

/// Said in a session.
fn heard(number: u64, input: MempoolInput) -> Step<MempoolInput> {
    Step::Heard { session: session(number), input, since: Instant::now() }
}

fn judged(proof: Hash, word: Word) -> Step<MempoolInput> {
    step(MempoolStep::Judged { proof, judgement: Judgement::Word(word) })
}

impl Bench {
    /// What consensus is told next, but for what is held after a start.
    async fn told(&mut self) -> Option<Input> {
        loop {
            match self.told.recv().await? {
                Input::MempoolRestarted { .. } => {}
                other => return Some(other),
            }
        }
    }

    /// The next word that consensus is told, if it is told of one proof; twice if the first tick, which tells all words, comes
    /// late on a loaded machine.
    async fn checked(&mut self) -> Option<Checked> {
        match self.told().await? {
            Input::Checked(checked) if checked.iter().all(|one| Some(one) == checked.first()) => {
                checked.first().copied()
            }
            _ => None,
        }
    }
}

fn bench_on(database: Arc<Database>) -> Bench {
    bench_with(database, |_| {})
}

fn bench_with(database: Arc<Database>, change: impl FnOnce(&mut MempoolSettings)) -> Bench {
    let (verifier, seat) = reserve::<VerifierPoolActor>(Spec::new("verifier"));
    let (tell, told) = unbounded_channel();
    let (send, sent) = unbounded_channel();
    let (accuse, accused) = unbounded_channel();
    let consensus_is_down = Arc::<AtomicBool>::default();
    let down = Arc::clone(&consensus_is_down);
    let sessions = Arc::new(Mutex::new(vec![session(1)]));
    let table = Arc::clone(&sessions);
    let mut settings = MempoolSettings {
        me: ValidatorIndex(0),
        chain: CHAIN,
        parameters: VerifierParameters { script_bytes_max: 1_000, ..VerifierParameters::default() },
        limits: Limits::new(10, 10_000, 4),
        store: Arc::clone(&database) as Arc<dyn ProofStore>,
        verdicts: Arc::default(),
        routes: Routes {
            consensus: Outlet::new(move |step| match step {
                Step::Input(input) if !down.load(Ordering::SeqCst) => {
                    tell.send(input).err().map(|error| Step::Input(error.0))
                }
                other => Some(other),
            }),
            verifier_pool: Outlet::to(&verifier),
            ..Routes::nowhere(ValidatorIndex(0))
        },
        links: Links {
            send: Outlet::new(move |message| send.send(message).err().map(|error| error.0)),
            sessions: Arc::new(move || table.lock().clone()),
            accuse: Arc::new(move |peer, fault| accuse.send((peer, fault.clone())).unwrap()),
            ..Links::none()
        },
        published: Arc::default(),
        exit: Arc::new(|exit| panic!("{exit:?}")),
    };
    change(&mut settings);
    let mempool = supervise(Spec::new("mempool"), move || MempoolActor::new(settings.clone()));
    Bench { database, mempool, verifier, _seat: seat, told, consensus_is_down, sent, accused, sessions }
}

fn bench() -> Bench {
    bench_on(Arc::new(Database::in_memory(&CHAIN)))
}

fn proof(script: &str) -> Proof {
    let key = SigningKey::from_bytes(&[1; 32]);
    Proof::sign(&CHAIN, &key, public_key(&key), Claim::Unsat, 0, script.as_bytes().to_vec())
}

const GOOD: &str = "(declare-const p Bool)(assert p)(assert (not p))(check-sat)";

async fn submit(bench: &Bench, proof: Proof) -> Result<Accepted, SubmitError> {
    bench.mempool.ask(Submit(proof), LONG).await.unwrap()
}

#[actix::test]
async fn an_accepted_proof_is_durable_is_checked_and_consensus_hears_the_word() {
    let mut bench = bench();
    let good = proof(GOOD);
    let id = good.id(&CHAIN);
    assert_eq!(submit(&bench, good.clone()).await, Ok(Accepted { proof: id, known: None }));
    assert_eq!(bench.database.proof(&id).unwrap(), Some(good.clone()));
    assert_eq!(bench.verifier.report().waiting, 2, "it was foreseen, and is checked once it is durable");
    // The ids of what is held are told in every new session, a moment after it opened.
    let is_exchange = |sent: &Option<(To, Message)>| matches!(sent, Some((_, Message::Pending(_))));
    let mut sent = bench.sent.recv().await;
    while is_exchange(&sent) {
        sent = bench.sent.recv().await;
    }
    assert_eq!(sent, Some((To::Peer(PEER), Message::Proofs(vec![good.clone()]))), "peers are sent it at once");
    let again = submit(&bench, good).await.unwrap();
    assert_eq!(again.known, Some(Whereabouts::Checking), "submitting again is harmless");
    bench.mempool.send(judged(id, CONFIRMED)).unwrap();
    let Some(Checked { proof, word: CONFIRMED, statement }) = bench.checked().await else { panic!("another word") };
    assert_eq!(proof, id);
    let located = bench.mempool.ask(Locate(id), LONG).await.unwrap().unwrap();
    assert_eq!(located.statement, Some(statement));
    bench.mempool.send(step(MempoolStep::ConsensusRestarted)).unwrap();
    assert!(bench.checked().await.is_some_and(|again| again.proof == id), "it is told again");
}

#[actix::test]
async fn bad_submissions_are_refused_by_name() {
    let bench = bench();
    let long = proof(&" ".repeat(1_001));
    assert_eq!(submit(&bench, long).await, Err(SubmitError::TooLong { bytes: 1_001, max: 1_000 }));
    let forged = Proof { signature: Signature([1; 64]), ..proof(GOOD) };
    assert_eq!(submit(&bench, forged.clone()).await, Err(SubmitError::BadSignature));
    let malformed = proof("(assert true)\n(echo \"unsat\"\n");
    let id = malformed.id(&CHAIN);
    let refused = submit(&bench, malformed).await;
    let Err(SubmitError::Refused { refusal: refusal @ Refusal::Malformed { line: 2, .. }, .. }) = refused else {
        panic!("{refused:?}")
    };
    let located = bench.mempool.ask(Locate(id), LONG).await.unwrap().unwrap();
    assert_eq!(located.whereabouts, Whereabouts::Refused(refusal));
    assert_eq!(bench.database.pending().unwrap(), []);
    // A forged copy does not stand in the way of the real one.
    let id = forged.id(&CHAIN);
    assert_eq!(submit(&bench, proof(GOOD)).await, Ok(Accepted { proof: id, known: None }));
}

#[actix::test]
async fn of_several_submissions_each_has_its_own_answer() {
    let bench = bench();
    let forged = Proof { signature: Signature([1; 64]), nonce: 1, ..proof(GOOD) };
    let (good, long, malformed) = (proof(GOOD), proof(&" ".repeat(1_001)), proof("(assert"));
    let (id, bad) = (good.id(&CHAIN), malformed.id(&CHAIN));
    let all = vec![long, good.clone(), forged, good, malformed];
    let answers = bench.mempool.ask(SubmitAll(all), LONG).await.unwrap();
    assert_eq!(answers[0], Err(SubmitError::TooLong { bytes: 1_001, max: 1_000 }));
    assert_eq!(answers[1], Ok(Accepted { proof: id, known: None }));
    assert_eq!(answers[2], Err(SubmitError::BadSignature));
    assert!(matches!(&answers[3], Ok(Accepted { proof, .. }) if *proof == id), "{:?}", answers[3]);
    assert!(matches!(answers[4], Err(SubmitError::Refused { refusal: Refusal::Malformed { .. }, .. })));
    let statement = bench.mempool.ask(Locate(id), LONG).await.unwrap().unwrap().statement.unwrap();
    let asked = LookUp { proofs: vec![bad, id, Hash([9; 32])], statements: vec![statement, Hash([9; 32])] };
    let found = bench.mempool.ask(asked, LONG).await.unwrap();
    let states: Vec<_> = found.proofs.iter().map(|located| &located.whereabouts).collect();
    assert!(matches!(states[..], [Whereabouts::Refused(_), Whereabouts::Checking, Whereabouts::Unknown]), "{states:?}");
    assert_eq!(found.statements, [Some((id, Whereabouts::Checking)), None]);
}

#[actix::test]
async fn what_was_accepted_is_checked_again_after_a_restart() {
    let first = bench();
    let id = submit(&first, proof(GOOD)).await.unwrap().proof;
    assert!(first.mempool.stop(LONG).await);
    let second = bench_on(Arc::clone(&first.database));
    let located = second.mempool.ask(Locate(id), LONG).await.unwrap().unwrap();
    assert_eq!(located.whereabouts, Whereabouts::Checking);
    assert_eq!(second.verifier.report().waiting, 1);
}

#[actix::test]
async fn a_new_consensus_hears_what_was_refused_while_there_was_none() {
    let mut bench = bench();
    let id = submit(&bench, proof(GOOD)).await.unwrap().proof;
    bench.consensus_is_down.store(true, Ordering::SeqCst);
    bench.mempool.send(judged(id, Word::Refuted)).unwrap();
    bench.mempool.ask(TellFigures, LONG).await.unwrap();
    bench.mempool.send(step(MempoolStep::Refused { proof: id, words: vec![(PEER, Word::Refuted)] })).unwrap();
    bench.mempool.send(step(MempoolStep::ConsensusRestarted)).unwrap();
    bench.mempool.ask(TellFigures, LONG).await.unwrap();
    bench.consensus_is_down.store(false, Ordering::SeqCst);
    // Its word, which the incarnation before may have handed on, is not told again: it is held no longer.
    assert_eq!(bench.told().await, Some(Input::Forgotten(id)));
}

#[actix::test]
async fn a_new_mempool_tells_what_it_holds_should_the_one_before_not_have_come_to_say_what_it_dropped() {
    let mut first = bench();
    let id = submit(&first, proof(GOOD)).await.unwrap().proof;
    first.mempool.send(judged(id, CONFIRMED)).unwrap();
    assert!(first.checked().await.is_some());
    first.consensus_is_down.store(true, Ordering::SeqCst);
    first.mempool.send(step(MempoolStep::Refused { proof: id, words: vec![(PEER, Word::Refuted)] })).unwrap();
    // A stop overtakes what waits.
    first.mempool.ask(TellFigures, LONG).await.unwrap();
    assert!(first.mempool.stop(LONG).await);
    let mut second = bench_on(Arc::clone(&first.database));
    assert_eq!(second.told.recv().await, Some(Input::MempoolRestarted { held: Vec::new() }));
}

#[actix::test]
async fn what_was_checked_is_told_and_not_checked_again_after_a_restart() {
    let mut first = bench();
    let id = submit(&first, proof(GOOD)).await.unwrap().proof;
    first.mempool.send(judged(id, CONFIRMED)).unwrap();
    let told = first.checked().await.unwrap();
    assert!(first.mempool.stop(LONG).await);
    let mut second = bench_on(Arc::clone(&first.database));
    assert_eq!(second.checked().await, Some(told));
    assert_eq!(second.verifier.report().waiting, 0);
}

#[actix::test]
async fn what_a_peer_offers_is_fetched_stored_and_served_to_others() {
    let mut bench = bench();
    let good = proof(GOOD);
    let id = good.id(&CHAIN);
    bench.mempool.ask(TellFigures, LONG).await.unwrap();
    bench.mempool.send(heard(1, MempoolInput::Step(MempoolStep::Offered { from: PEER, proofs: vec![id] }))).unwrap();
    assert_eq!(bench.sent.recv().await, Some((To::Peer(PEER), Message::ProofRequest(vec![id]))));
    bench.mempool.send(heard(1, MempoolInput::Scripts { from: PEER, proofs: vec![good.clone()] })).unwrap();
    assert_eq!(
        bench.sent.recv().await,
        Some((To::Peer(PEER), Message::Pending(vec![id]))),
        "its sender learns that it came"
    );
    assert_eq!(bench.database.proof(&id).unwrap(), Some(good.clone()));
    let asked = MempoolStep::Asked { from: PEER, proofs: vec![Hash([1; 32]), id] };
    bench.mempool.send(heard(1, MempoolInput::Step(asked))).unwrap();
    assert_eq!(bench.sent.recv().await, Some((To::Peer(PEER), Message::Proofs(vec![good]))));
}

#[actix::test]
async fn a_peer_that_sends_unsigned_or_too_long_proofs_is_accused() {
    let mut bench = bench();
    let good = proof(GOOD);
    let forged = Proof { signature: Signature([1; 64]), nonce: 1, ..good.clone() };
    let long = proof(&" ".repeat(1_001));
    let malformed = proof("(assert true)\n(echo \"unsat\"\n");
    let proofs = vec![malformed, good.clone(), long, forged.clone()];
    bench.mempool.send(heard(1, MempoolInput::Scripts { from: PEER, proofs })).unwrap();
    assert_eq!(bench.accused.recv().await, Some((PEER, Fault::ScriptTooLong { got: 1_001, max: 1_000 })));
    assert_eq!(bench.accused.recv().await, Some((PEER, Fault::UnsignedProof(forged.id(&CHAIN)))));
    // The good one beside them is taken, and a bad form is its submitter's, whom nobody can ban.
    assert_eq!(bench.sent.recv().await, Some((To::Peer(PEER), Message::Pending(vec![good.id(&CHAIN)]))));
    assert!(bench.accused.try_recv().is_err());
}

#[actix::test]
async fn a_final_proof_is_found_and_a_refused_one_leaves_the_disk() {
    let bench = bench();
    let id = submit(&bench, proof(GOOD)).await.unwrap().proof;
    bench.mempool.send(judged(id, Word::Refuted)).unwrap();
    let words = vec![(PEER, Word::Refuted)];
    bench.mempool.send(step(MempoolStep::Refused { proof: id, words: words.clone() })).unwrap();
    let located = bench.mempool.ask(Locate(id), LONG).await.unwrap().unwrap();
    assert_eq!(located.whereabouts, Whereabouts::Refused(Refusal::Words { words }));
    let deadline = std::time::Instant::now() + LONG;
    while !bench.database.pending().unwrap().is_empty() {
        assert!(std::time::Instant::now() < deadline, "it is still on the disk");
        tokio::task::yield_now().await;
    }
    bench.mempool.send(step(MempoolStep::Final { sequence: Sequence(4), proofs: vec![id] })).unwrap();
    let located = bench.mempool.ask(Locate(id), LONG).await.unwrap().unwrap();
    assert_eq!(located.whereabouts, Whereabouts::Final(Sequence(4)), "final overrides a node's own word");
}

/// F5: what is lost or late of a session's events leaves no honest peer unheard.
#[actix::test]
async fn a_stale_closing_leaves_the_peer_heard_and_what_is_of_a_session_that_is_over_is_not() {
    let mut bench = bench();
    let offer = |value| MempoolInput::Step(MempoolStep::Offered { from: PEER, proofs: vec![Hash([value; 32])] });
    let asks = |value| Some((To::Peer(PEER), Message::ProofRequest(vec![Hash([value; 32])])));
    *bench.sessions.lock() = vec![session(2)];
    // The end of the first session comes after the beginning of the second.
    for event in [SessionEvent::Opened(session(2)), SessionEvent::Closed(session(1))] {
        bench.mempool.send(Step::Session(event)).unwrap();
    }
    bench.mempool.send(heard(1, offer(8))).unwrap();
    bench.mempool.send(heard(2, offer(7))).unwrap();
    assert_eq!(bench.sent.recv().await, asks(7), "the first session is over, and the second is not");
}

#[actix::test]
async fn a_session_whose_opening_was_lost_is_found_in_the_networks_table() {
    let mut bench = bench();
    let good = proof(GOOD);
    let id = submit(&bench, good).await.unwrap().proof;
    let other = Session { peer: ValidatorIndex(3), number: SessionNumber(2) };
    bench.sessions.lock().push(other);
    let hears =
        |sent: &(To, Message)| matches!(sent, (To::Peer(ValidatorIndex(3)), Message::Pending(ids)) if *ids == [id]);
    while !hears(&tokio::time::timeout(LONG, bench.sent.recv()).await.unwrap().unwrap()) {}
}
