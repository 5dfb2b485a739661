//! What is reported once is on the page of metrics and in the statistics.

use super::super::network::GateTap;
use super::*;
use crate::metrics::{describe, recorder};
use ed25519_dalek::SigningKey;
use protocol::quorum::{Validator, ValidatorSet};
use protocol::schedule::Schedule;
use protocol::signature::{Ed25519, public_key};
use protocol::types::{Epoch, Hash, NodeId, Stake};
use protocol::verify::Checker;
use protocol::vote::{Ballot, Choice, Vote};

const ME: ValidatorIndex = ValidatorIndex(0);
const PEER: ValidatorIndex = ValidatorIndex(1);
const SECOND: Duration = Duration::from_secs(1);

fn key(index: u16) -> SigningKey {
    SigningKey::from_bytes(&[index as u8 + 1; 32])
}

/// Four validators, of which the first reports.
fn world() -> (Arc<ValidatorSet>, Arc<Schedule>) {
    let validator = |index: u16| Validator {
        node_id: NodeId::new(&format!("node_{}", index + 1)).unwrap(),
        key: public_key(&key(index)),
        stake: Stake(10),
    };
    let set = ValidatorSet::new(Hash([1; 32]), Epoch(1), (0..4).map(validator).collect()).unwrap();
    let schedule = Schedule::new(&set, &Hash([2; 32]));
    (Arc::new(set), Arc::new(schedule))
}

fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not on\n{page}")).parse().unwrap()
}

#[test]
fn a_peers_vote_and_the_own_one_that_follows_are_counted_and_seen() {
    let (set, schedule) = world();
    let ballot = Ballot { epoch: Epoch(1), view: View(1), choice: Choice::Prepare(Hash::ZERO) };
    let vote = |voter: ValidatorIndex| Vote::sign(&set, &key(voter.0), voter, ballot);
    let message = Message::Vote { vote: vote(PEER), reason: None };
    let recorder = recorder().unwrap().build_recorder();
    let observed = ::metrics::with_local_recorder(&recorder, || {
        describe();
        let observed = Arc::new(Observed::new(set.clone(), schedule.clone(), ME, Millis(1_000)));
        let (gate, tap) = (GateTap::default(), ConsensusTap::new(ME, observed.clone()));
        let verifying = gate.begins(PEER, &message);
        let checker = Checker { set: &set, schedule: &schedule, genesis: Hash::ZERO, signatures: &Ed25519 };
        let input = Input::Peer(PEER, checker.message(message.clone()).unwrap());
        gate.calculated(&verifying, 1);
        gate.verified(&verifying, &message);
        tap.waited(&input, SECOND);
        let step = tap.begins(Instant::now() + 10 * SECOND, &input);
        tap.decided(&step);
        tap.recorded(Instant::now() + 20 * SECOND, &[Record::Vote(vote(ME))]);
        tap.durable(1, SECOND);
        tap.sends(To::All, &message);
        tap.sends(To::Peer(PEER), &message);
        tap.event(Instant::now(), &Notice::Proposed { view: View(1), leader: PEER });
        tap.carried_out(Instant::now());
        observed
    });
    let page = recorder.handle().render();
    for step in ["verify", "queue", "decide", "log", "send"] {
        assert_eq!(value(&page, &format!("pop_consensus_step_seconds_count{{step=\"{step}\"}}")), 1.0, "{step}");
    }
    let counted = [
        "pop_signatures_checked_total{kind=\"vote\"}",
        "pop_storage_vote_log_records_total{record=\"vote\"}",
        "pop_consensus_votes_total{kind=\"prepare\"}",
        "pop_consensus_retransmissions_total{kind=\"vote\"}",
        "pop_storage_sync_seconds_count{file=\"vote_log\"}",
    ];
    counted.into_iter().for_each(|series| assert_eq!(value(&page, series), 1.0, "{series}"));
    assert_eq!(observed.counts().proposals, 1);
    let age = |voter| observed.last_vote_age(voter, Instant::now() + 20 * SECOND);
    assert!(age(ME) < SECOND, "its own vote was seen: {:?}", age(ME));
    assert!((9 * SECOND..11 * SECOND).contains(&age(PEER)), "the peer's vote was seen: {:?}", age(PEER));
}

#[test]
fn a_lost_record_ends_signing_and_a_view_given_up_wants_a_snapshot() {
    let (set, schedule) = world();
    let observed = Arc::new(Observed::new(set, schedule, ME, Millis(1_000)));
    let tap = ConsensusTap::new(ME, observed.clone());
    let signs = || observed.look(Instant::now()).signing;
    tap.event(Instant::now(), &Notice::Signing);
    assert!(signs());
    tap.recorded(Instant::now(), &[Record::Unknown(UnknownHistory::Lost)]);
    assert!(!signs());
    assert!(!tap.wants_snapshot());
    tap.event(Instant::now(), &Notice::GaveUp { view: View(1), reason: protocol::message::GiveUpReason::Timeout });
    assert!(tap.wants_snapshot());
}
