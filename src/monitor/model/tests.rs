//! What follows from answers: who speaks for all, who is gone, which blocks count.

use super::*;
use crate::monitor::facts::Peer;

pub fn status(number: usize, sequence: u64, connected: &[usize]) -> Status {
    let peer = |other: usize| Peer {
        node_id: format!("node_{other}"),
        connected: connected.contains(&other),
        ..Peer::default()
    };
    let reachable = 10_000 * (1 + connected.len() as u64);
    Status {
        node_id: format!("node_{number}"),
        stake: 10_000,
        chain: "11a2".into(),
        sequence,
        view: sequence + 1,
        block: format!("block-{sequence}"),
        leader: "node_2".into(),
        reachable_stake: reachable,
        total_stake: 40_000,
        has_quorum: reachable > 26_666,
        peers: (1..=4).filter(|other| *other != number).map(peer).collect(),
        ..Status::default()
    }
}

pub fn model() -> Model {
    Model::new((1..=4).map(|number| (format!("node_{number}"), format!("127.0.0.1:900{number}"))).collect(), Millis(0))
}

pub fn say(model: &mut Model, at: u64, node: usize, answer: Result<Status, Trouble>) {
    model.take(Report { node: node - 1, at: Millis(at), answer: Answer::Status(Box::new(answer)) });
}

/// Four nodes that are well, at a time.
pub fn well(model: &mut Model, at: u64, sequence: u64) {
    for node in 1..=4 {
        let others: Vec<usize> = (1..=4).filter(|other| *other != node).collect();
        say(model, at, node, Ok(status(node, sequence, &others)));
    }
}

fn texts(model: &Model) -> Vec<&str> {
    model.events.newest().map(|event| event.text.as_str()).collect()
}

#[test]
fn one_node_speaks_for_all_as_long_as_it_keeps_up() {
    let mut model = model();
    assert_eq!(model.primary, None);
    well(&mut model, 1_000, 7);
    assert_eq!(model.primary, Some(0));
    say(&mut model, 2_000, 2, Ok(status(2, 9, &[1, 3, 4])));
    assert_eq!(model.primary, Some(0), "two blocks are no reason");
    say(&mut model, 2_000, 3, Ok(status(3, 11, &[1, 2, 4])));
    assert_eq!(model.primary, Some(1), "four are");
    say(&mut model, 3_000, 3, Ok(status(3, 12, &[1])));
    say(&mut model, 3_000, 1, Ok(status(1, 99, &[2])));
    assert_eq!(model.primary, Some(1), "without a quorum it does not know");
    say(&mut model, 4_000, 1, Ok(status(1, 9, &[2, 3, 4])));
    assert_eq!(model.primary, Some(0), "it has come back");
}

#[test]
fn who_is_gone_and_back_is_told_once_whoever_notices() {
    let mut model = model();
    well(&mut model, 1_000, 7);
    assert!(texts(&model).is_empty(), "{:?}", texts(&model));
    say(&mut model, 2_000, 3, Err(Trouble::Refused));
    say(&mut model, 3_000, 3, Err(Trouble::Refused));
    say(&mut model, 3_000, 1, Ok(status(1, 7, &[2, 4])));
    say(&mut model, 3_000, 2, Ok(status(2, 7, &[1, 4])));
    assert_eq!(model.gone_since("node_3"), None, "node_4 still has a session");
    say(&mut model, 3_500, 4, Ok(status(4, 7, &[1, 2])));
    assert_eq!(model.gone_since("node_3"), Some(Millis(1_000)), "its last answer was then");
    let gone = ["node_3: no answering node has a session with it", "node_3: not running: connection refused"];
    assert_eq!(texts(&model), gone);
    well(&mut model, 9_000, 8);
    assert_eq!(texts(&model)[..2], ["node_3: answers again", "node_3: has sessions again"]);
    assert_eq!(model.gone_since("node_3"), None);
}

#[test]
fn blocks_of_the_past_make_figures_and_no_events() {
    let mut model = model();
    well(&mut model, 100_000, 7);
    let entry = crate::monitor::facts::Entry { proof: Hash::ZERO, difficulty: 5 };
    let block = |sequence, time| Block {
        sequence,
        time: Millis(time),
        proofs: vec![entry],
        latency_ms: Some(9.0),
        ..Block::default()
    };
    let blocks = |model: &mut Model, at, live, blocks| {
        model.take(Report { node: 1, at: Millis(at), answer: Answer::Blocks { blocks, live } });
    };
    blocks(&mut model, 100_000, false, vec![block(6, 50_000), block(7, 999_000)]);
    assert!(texts(&model).is_empty());
    assert_eq!(model.figures.last_final(), Some(Millis(100_000)), "a clock that is ahead makes no block of the future");
    blocks(&mut model, 101_000, true, vec![block(7, 1), block(8, 1)]);
    assert_eq!(texts(&model), ["block 8 is final: 1 proof, 9 ms after its proposal"]);
    assert_eq!((model.proofs.len(), model.proofs[0].block, model.proofs[0].at), (3, 8, Millis(101_000)));
}

#[test]
fn another_genesis_begins_anew() {
    let mut model = model();
    well(&mut model, 1_000, 7);
    model.take(Report {
        node: 0,
        at: Millis(1_000),
        answer: Answer::Blocks { blocks: vec![Block { sequence: 7, ..Block::default() }], live: false },
    });
    for node in 1..=4 {
        say(&mut model, 2_000, node, Err(Trouble::Refused));
    }
    let other = Status { chain: "77".into(), ..status(1, 1, &[2, 3, 4]) };
    say(&mut model, 9_000, 1, Ok(other));
    assert_eq!(model.figures.last_final(), None);
    assert!(texts(&model)[0].contains("another network"), "{:?}", texts(&model));
}

#[test]
fn a_node_that_is_known_by_its_address_only_is_shown_beside_the_validators() {
    let nodes = [("node_1", "127.0.0.1:9001"), ("127.0.0.1:9009", "127.0.0.1:9009")];
    let mut model = Model::new(nodes.map(|(name, address)| (name.into(), address.into())).into(), Millis(0));
    say(&mut model, 1_000, 1, Ok(status(1, 7, &[2, 3, 4])));
    let account = |number: u64| Account { node_id: format!("node_{number}"), stake_micro: 10_000_000_000 };
    model.take(Report { node: 0, at: Millis(1_000), answer: Answer::Ledger((1..=4).map(account).collect()) });
    say(&mut model, 2_000, 2, Err(Trouble::Refused));
    let members: Vec<_> = model.validators().into_iter().map(|one| (one.name, one.stake, one.is_member)).collect();
    assert_eq!(members[3], ("node_4".into(), 10_000, true));
    assert_eq!(members[4..], [("127.0.0.1:9009".into(), 0, false)]);
    model.tick(Millis(2_000));
    assert_eq!(model.alerts()[0].text, "127.0.0.1:9009 is missing: not running: connection refused");
    // It was node_1 all the time.
    say(&mut model, 3_000, 2, Ok(status(1, 7, &[2, 3, 4])));
    model.tick(Millis(3_000));
    assert!(model.alerts()[0].text.contains("both say that they are node_1"), "{:?}", model.alerts());
}
