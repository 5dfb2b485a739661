//! A bad validator among four, each of the nine ways, or one whose clock is wrong: a sample of what `simulator --bad all --seeds 0..2000` runs.
//!
//! At loopback latencies: every rule holds among the honest ones, every proof ends, and one that everybody confirms waits at
//! most 3 s more than in the same seed without the bad one. With the usual faults: no rule is broken.
//!
//! `SIM_SEEDS` says how many seeds, `SIM_FROM` from which one on.

use simulator::bad::Bad;
use simulator::clocks::WrongClock;
use simulator::run::{self, Plan, Usual};

static USUAL: Usual = Usual::new();

const SEEDS: u64 = 30;
const SEEDS_WITH_FAULTS: u64 = 8;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn every_seed_holds(plan: Plan, count: u64) {
    let (from, count) = (number("SIM_FROM", 0), number("SIM_SEEDS", count));
    let (totals, failures) = run::run_all(plan, &USUAL, from..from + count, 1, |_| {});
    println!("{plan}, seeds {from}..{}\n{totals}", from + count);
    for failure in &failures {
        println!("seed {}: {}\n  {}", failure.seed, failure.broken, failure.command());
    }
    assert!(failures.is_empty(), "{} of {count} seeds failed; the commands above replay them", failures.len());
}

fn costs_little(bad: Bad) {
    every_seed_holds(Plan::Bad(bad), SEEDS);
    every_seed_holds(Plan::BadAndFaults(bad), SEEDS_WITH_FAULTS);
}

#[test]
fn a_silent_leader_costs_three_seconds_at_most() {
    costs_little(Bad::SilentLeader);
}

#[test]
fn who_proposes_to_one_peer_only_costs_three_seconds_at_most() {
    costs_little(Bad::OnePeer);
}

#[test]
fn two_proposals_cost_three_seconds_at_most() {
    costs_little(Bad::TwoProposals);
}

#[test]
fn two_prepares_cost_three_seconds_at_most() {
    costs_little(Bad::TwoPrepares);
}

#[test]
fn commit_and_view_change_in_one_view_cost_three_seconds_at_most() {
    costs_little(Bad::CommitAndViewChange);
}

#[test]
fn who_announces_ready_and_withholds_its_vote_costs_three_seconds_at_most() {
    costs_little(Bad::Withholds);
}

#[test]
fn who_never_announces_costs_three_seconds_at_most() {
    costs_little(Bad::NeverAnnounces);
}

#[test]
fn false_views_cost_three_seconds_at_most() {
    costs_little(Bad::FalseViews);
}

#[test]
fn old_votes_cost_three_seconds_at_most() {
    costs_little(Bad::OldVotes);
}

/// R4: an honest validator's wrong clock costs its own turns and votes.
#[test]
fn a_wall_clock_that_is_an_hour_wrong_or_jumps_costs_the_others_three_seconds_at_most() {
    WrongClock::ALL.into_iter().for_each(|clock| every_seed_holds(Plan::Clock(clock), SEEDS));
}

#[test]
fn the_same_seed_gives_the_same_digest_for_each_of_them() {
    for plan in Bad::ALL.into_iter().flat_map(|bad| [Plan::Bad(bad), Plan::BadAndFaults(bad)]) {
        let digest = || run::run(plan, &USUAL, 1, false).unwrap_or_else(|failure| panic!("{failure:?}")).digest;
        assert_eq!(digest(), digest(), "{plan}");
    }
}
