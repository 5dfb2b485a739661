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
    model.tick(Millis(at));
}

/// Four accounts of equal stake, as each node names them.
pub fn accounts() -> Vec<Account> {
    let account = |number: u64| Account { node_id: format!("node_{number}"), stake_micro: 10_000_000_000 };
    (1..=4).map(account).collect()
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
    assert_eq!(model.primary, Some(0), "one node is no reason");
    say(&mut model, 2_000, 2, Ok(status(2, 11, &[1, 3, 4])));
    assert_eq!(model.primary, Some(1), "four blocks by two are");
    say(&mut model, 3_000, 1, Ok(status(1, 12, &[2])));
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
    assert_eq!(model.gone_since("node_3"), None, "node_2 and node_4 still have a session");
    say(&mut model, 3_000, 2, Ok(status(2, 7, &[1, 4])));
    assert_eq!(model.gone_since("node_3"), Some(Millis(1_000)), "one that says otherwise is not believed");
    say(&mut model, 3_500, 4, Ok(status(4, 7, &[1, 2])));
    assert_eq!(model.gone_since("node_3"), Some(Millis(1_000)), "its last answer was then");
    let gone = ["node_3: is not connected any more", "node_3: not running: connection refused"];
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
    model.take(Report { node: 0, at: Millis(1_000), answer: Answer::Ledger(accounts()) });
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

/// A network of four that is well, with its blocks up to this one, and a third node that lies.
fn with_blocks(head: u64) -> Model {
    let mut model = model();
    well(&mut model, 1_000, head);
    for node in 0..4 {
        model.take(Report { node, at: Millis(1_000), answer: Answer::Ledger(accounts()) });
    }
    let block = |sequence| Block { sequence, id: format!("block-{sequence}"), ..Block::default() };
    let blocks = (1..=head).map(block).collect();
    model.take(Report { node: 0, at: Millis(1_000), answer: Answer::Blocks { blocks, live: true } });
    model.tick(Millis(1_000));
    model
}

#[test]
fn one_node_that_lies_moves_no_figure_and_is_shown_as_such() {
    let true_one = with_blocks(7).agreed.unwrap();
    assert_eq!((true_one.sequence, true_one.view, true_one.leader.as_deref()), (7, 8, Some("node_2")));
    let honest = || status(1, 7, &[2, 3, 4]);
    let lies = [
        Status { sequence: 1 << 53, ..honest() },
        Status { view: 1 << 53, leader: "nobody".into(), ..honest() },
        Status { sequence: 0, view: 0, block: "none".into(), ..honest() },
        Status { total_stake: 1 << 53, reachable_stake: 1 << 53, ..honest() },
        Status { proofs_final: 1 << 53, ..honest() },
        Status { chain: "another".into(), sequence: 9, ..honest() },
        Status { has_quorum: false, peers: Vec::new(), reachable_stake: 10_000, ..honest() },
    ];
    for lie in lies {
        // The node that the user named first.
        let mut model = with_blocks(7);
        say(&mut model, 2_000, 1, Ok(lie.clone()));
        let agreed = model.agreed.clone().unwrap();
        assert_eq!(agreed, true_one, "{lie:?}");
        assert_eq!(model.figures.last_final(), Some(Millis(1_000)), "blocks stay: {lie:?}");
        assert!(model.alerts().iter().all(|alert| !alert.is_halt), "{:?}", model.alerts());
        // And a quorum of the others goes on.
        for node in 2..=4 {
            let others: Vec<usize> = (1..=4).filter(|other| *other != node).collect();
            say(&mut model, 3_000, node, Ok(status(node, 9, &others)));
        }
        assert_eq!(model.agreed.as_ref().unwrap().sequence, 9, "{lie:?}");
        assert_eq!(model.lead().sequence, 9, "{lie:?}");
    }
    let mut model = with_blocks(7);
    say(&mut model, 2_000, 3, Ok(Status { sequence: 1 << 53, ..status(3, 7, &[1, 2, 4]) }));
    let said = &model.alerts()[0].text;
    assert_eq!(
        said,
        "node_3 says that block 9,007,199,254,740,992 is final, and the others that 7 is the last: it is not believed"
    );
}

#[test]
fn one_node_that_lies_neither_halts_a_network_nor_heals_one() {
    let health = |state: &str| Some(crate::monitor::facts::Health { state: state.into(), ..Default::default() });
    let told = |states: [&str; 4]| {
        let mut model = with_blocks(7);
        for (node, state) in (1..=4).zip(states) {
            let others: Vec<usize> = (1..=4).filter(|other| *other != node).collect();
            say(&mut model, 2_000, node, Ok(Status { health: health(state), ..status(node, 7, &others) }));
        }
        let agreed = model.agreed.clone().unwrap();
        (agreed.is_halted, model.primary.unwrap())
    };
    assert_eq!(told(["halted", "ok", "ok", "ok"]), (false, 1), "and another one speaks");
    assert_eq!(told(["ok", "halted", "halted", "halted"]), (true, 1));
    assert!(!told(["waiting", "ok", "behind", "degraded"]).0);
}

#[test]
fn blocks_that_nobody_else_has_are_forgotten_and_who_told_them_is_not_asked_again() {
    let mut model = with_blocks(7);
    assert_eq!(model.lead().node, Some(0));
    let made_up = |sequence| Block { sequence, id: "made up".into(), proofs: vec![], ..Block::default() };
    let blocks = (8..=500).map(made_up).collect();
    model.take(Report { node: 0, at: Millis(2_000), answer: Answer::Blocks { blocks, live: true } });
    model.tick(Millis(2_000));
    assert_eq!(model.figures.last_sequence(), Some(500), "they may be right");
    for at in [4_000, 6_000, 8_000] {
        well(&mut model, at, 7);
    }
    assert_eq!(model.figures.last_sequence(), Some(7));
    let lead = model.lead();
    assert_eq!((lead.node, lead.sequence, lead.generation, lead.next), (Some(1), 7, 1, 8), "{lead:?}");
    assert!(model.alerts()[0].text.starts_with("node_1 told of a final block 8 that the others do not have"));
    // A block of one sequence that is another one than the others have.
    let mut model = with_blocks(7);
    model.take(Report { node: 0, at: Millis(2_000), answer: Answer::Blocks { blocks: vec![made_up(8)], live: true } });
    (2..=4).for_each(|node| say(&mut model, 2_500, node, Ok(status(node, 8, &[1, 2, 3, 4]))));
    assert_eq!((model.figures.last_sequence(), model.lead().node), (Some(7), Some(1)));
}

#[test]
fn who_gives_no_blocks_is_not_waited_for() {
    let mut model = with_blocks(7);
    for at in [2_000, 4_000, 6_000, 7_900] {
        well(&mut model, at, 9);
    }
    assert_eq!(model.lead().node, Some(1), "the next one");
    let blocks = vec![Block { sequence: 8, ..Block::default() }, Block { sequence: 9, ..Block::default() }];
    model.take(Report { node: 1, at: Millis(8_000), answer: Answer::Blocks { blocks, live: true } });
    well(&mut model, 20_000, 9);
    assert_eq!(model.lead().node, Some(1), "who gives them stays");
}

#[test]
fn a_node_has_the_name_that_the_user_gave_it() {
    let mut model = model();
    well(&mut model, 1_000, 7);
    say(&mut model, 2_000, 3, Ok(status(1, 7, &[2, 3, 4])));
    assert_eq!(model.nodes[2].name, "node_3");
    assert!(model.alerts().iter().any(|alert| alert.text.contains("it is node_1, and was given as node_3")));
    let names: Vec<_> = model.validators().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["node_1", "node_2", "node_3", "node_4"]);
}

#[test]
fn refused_proofs_are_listed_with_their_reasons_among_the_final_ones() {
    let mut model = with_blocks(7);
    let id = |byte: u8| Hash([byte; 32]);
    let entry = crate::monitor::facts::Entry { proof: id(1), difficulty: 5 };
    let blocks = vec![Block { sequence: 8, proofs: vec![entry], ..Block::default() }];
    model.take(Report { node: 0, at: Millis(5_000), answer: Answer::Blocks { blocks, live: true } });
    let ended = |proof, why: Option<&str>| Ended { proof, refusal: why.map(str::to_owned) };
    let list =
        |model: &mut Model, at, ended| model.take(Report { node: 0, at: Millis(at), answer: Answer::Ended(ended) });
    list(&mut model, 9_000, vec![ended(id(1), None), ended(id(2), Some("false"))]);
    assert_eq!(
        (model.refused[0].at, model.refused.len()),
        (Millis(5_000), 1),
        "before the one that is final since then"
    );
    list(&mut model, 11_000, vec![ended(id(3), Some("no verdict")), ended(id(1), None), ended(id(2), Some("false"))]);
    assert_eq!((model.refused[0].proof, model.refused[0].at), (id(3), Millis(11_000)));
    assert!(texts(&model)[0].starts_with("proof 030303030303 is refused: no verdict"), "{:?}", texts(&model));
    let answer = Answer::Explained { proof: id(2), why: "false: x = 0".into() };
    model.take(Report { node: 0, at: Millis(12_000), answer });
    assert_eq!(model.refused[1].why, "false: x = 0");
    let lie = Answer::Explained { proof: id(2), why: "nothing".into() };
    model.take(Report { node: 2, at: Millis(12_000), answer: lie });
    assert_eq!(model.refused[1].why, "false: x = 0", "who was not asked does not answer");
}
