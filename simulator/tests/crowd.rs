//! What many validators send each other, counted. Directed: nothing is lost.

use protocol::message::Message;
use protocol::types::{Millis, ValidatorIndex, View};
use protocol::vote::VoteKind;
use simulator::bad::Bad;
use simulator::run::{self, Plan, Usual};
use simulator::world::World;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const VALIDATORS: usize = 32;
const SEED: u64 = 11;

const SEEDS: u64 = 12;

/// Whose votes are collected by few, and everything goes wrong.
#[test]
fn a_crowd_keeps_every_rule_and_settles() {
    for validators in [18, 24] {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let (totals, failures) = run::run_all(Plan::Crowd(validators), &Usual::new(), 0..SEEDS, jobs, |_| {});
        println!("{validators} validators\n{totals}");
        failures
            .iter()
            .for_each(|failure| println!("seed {}: {}\n  {}", failure.seed, failure.broken, failure.command()));
        assert!(failures.is_empty(), "the commands above replay them");
    }
}

/// One of them is bad, in each of the ways that there are: what everybody confirms waits three seconds longer at most.
#[test]
fn a_bad_one_of_a_crowd_costs_three_seconds_at_most() {
    let (jobs, usual) = (std::thread::available_parallelism().map_or(1, usize::from), Usual::new());
    for bad in Bad::in_a_crowd() {
        let (totals, failures) = run::run_all(Plan::BadInCrowd(20, bad), &usual, 0..3, jobs, |_| {});
        println!("{bad}\n{totals}");
        failures
            .iter()
            .for_each(|failure| println!("seed {}: {}\n  {}", failure.seed, failure.broken, failure.command()));
        assert!(failures.is_empty(), "the commands above replay them");
    }
}

/// A certificate has O(n) bytes. If everybody relayed it to everybody, a view change would cost O(n³) bytes.
#[test]
fn a_view_change_among_thirty_two_costs_a_few_certificates_for_each() {
    let mut world = World::directed(&[10; VALIDATORS], SEED).unwrap();
    let sent = Rc::new(RefCell::new(BTreeMap::<View, usize>::new()));
    let seen = sent.clone();
    world.filter(Box::new(move |_, _, message| {
        if let Message::Certificate(certificate) = message
            && certificate.kind() == VoteKind::ViewChange
        {
            *seen.borrow_mut().entry(certificate.view()).or_default() += 1;
        }
        true
    }));
    // A third of the views that follow, but for one, have nobody who leads them.
    (0..10).for_each(|dead| world.down(ValidatorIndex(dead)));
    let mut given = Vec::new();
    for _ in 0..8 {
        given.push(world.give(ValidatorIndex(20)).unwrap());
        world.run_for(Millis(1_000)).unwrap();
    }
    world.run_for(Millis(6_000)).unwrap();
    assert!(given.iter().all(|proof| world.is_final(proof)));
    let sent = sent.borrow();
    println!("seed {SEED}, certificates by view: {sent:?}");
    assert!(sent.len() >= 3, "views failed");
    let living = VALIDATORS - 10;
    assert!(sent.values().all(|count| *count <= 8 * living), "{sent:?}");
}
