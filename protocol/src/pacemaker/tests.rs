//! The view timer: what it follows, what raises it and what does not, and when it stops.

use super::*;
use crate::quorum::Validator;
use crate::types::{Epoch, Hash, NodeId, PublicKey, Stake};
use alloc::format;

fn pacemaker() -> Pacemaker {
    pacemaker_of(4)
}

fn pacemaker_of(count: u16) -> Pacemaker {
    let validators = (0..count).map(|index| Validator {
        node_id: NodeId::new(&format!("node_{index}")).unwrap(),
        key: PublicKey([index as u8; 32]),
        stake: Stake(10),
    });
    let set = Arc::new(ValidatorSet::new(Hash::ZERO, Epoch(1), validators.collect()).unwrap());
    let settings = PacemakerSettings {
        timeout_max: Millis(10_000),
        view_change_timeout: Millis(5_000),
        idle_block_interval: Millis(10_000),
    };
    let mut pacemaker = Pacemaker::new(set, ValidatorIndex(0), settings, Millis(0));
    for peer in 1..count {
        pacemaker.on_session(Millis(0), ValidatorIndex(peer), Millis(0));
    }
    pacemaker
}

fn enter(pacemaker: &mut Pacemaker, now: u64, view: u64, by: VoteKind, fetched: bool, doubles: bool) {
    let leader = ValidatorIndex((view % 4) as u16);
    let notice = Notice::ViewEntered { view: View(view), leader, by: Some(by), fetched, doubles };
    pacemaker.on_notice(Millis(now), &notice);
}

fn round(pacemaker: &mut Pacemaker, now: u64, view: u64, took: u64) {
    let leader = ValidatorIndex((view % 4) as u16);
    pacemaker.on_notice(Millis(now), &Notice::Proposed { view: View(view), leader });
    pacemaker.on_notice(Millis(now + took), &Notice::Prepared { view: View(view), leader });
}

/// Seen with 64 validators that were started in six seconds: the leader was among the last.
#[test]
fn a_leader_that_starts_last_has_its_idle_interval_but_not_again_and_again() {
    let mut pacemaker = pacemaker_of(4);
    enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
    let leader = ValidatorIndex(1);
    let join = |pacemaker: &mut Pacemaker, now: u64| {
        pacemaker.on_session_closed(leader);
        pacemaker.on_session(Millis(now), leader, Millis(0));
        pacemaker.wakeup()
    };
    let first = pacemaker.wakeup();
    pacemaker.on_session(Millis(5_000), leader, Millis(0));
    assert_eq!(pacemaker.wakeup(), first, "a session that is open is measured");
    assert_eq!(join(&mut pacemaker, 6_000), first.saturating_add(Millis(6_000)));
    let last = join(&mut pacemaker, 60_000);
    assert_eq!(join(&mut pacemaker, 60_001), last, "a flapping session holds nobody up");
}

/// A hundred need a third of them, 34, to have led; at the guide's pace that takes minutes.
#[test]
fn a_crowd_learns_its_round_time_from_the_first_rounds_and_keeps_it() {
    let mut pacemaker = pacemaker_of(100);
    assert_eq!(pacemaker.timer(), Millis(2_100), "300 ms for each sixteen");
    let mut now = Millis(0);
    let mut round = |pacemaker: &mut Pacemaker, view: u64, took: u64| {
        let leader = ValidatorIndex(view as u16 % 100);
        let entered = Notice::ViewEntered { view: View(view), leader, by: None, fetched: false, doubles: false };
        pacemaker.on_notice(now, &entered);
        pacemaker.on_notice(now, &Notice::Proposed { view: View(view), leader });
        now = now.saturating_add(Millis(took));
        pacemaker.on_notice(now, &Notice::Prepared { view: View(view), leader });
        now = now.saturating_add(Millis(9_000));
    };
    round(&mut pacemaker, 1, 900);
    assert_eq!(pacemaker.timer(), Millis(7_200), "the first leader's");
    round(&mut pacemaker, 2, 5_000);
    assert_eq!(pacemaker.timer(), Millis(7_200), "a slow one does not raise it");
    for view in 3..=40 {
        round(&mut pacemaker, view, 1_000);
    }
    assert_eq!(pacemaker.timer(), Millis(8_000), "a third of them took as long, over six minutes");
}

#[test]
fn the_timer_runs_from_work_else_from_the_idle_interval() {
    let mut pacemaker = pacemaker();
    enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
    assert_eq!(pacemaker.wakeup(), Millis(10_300));
    pacemaker.on_notice(Millis(50), &Notice::ClockStarted { view: View(1) });
    assert_eq!(pacemaker.wakeup(), Millis(350));
    assert_eq!(pacemaker.tick(Millis(349)), []);
    let expected = Input::GiveUp { view: View(1), reason: GiveUpReason::Timeout };
    assert_eq!(pacemaker.tick(Millis(350)), [expected]);
    assert_eq!(pacemaker.wakeup(), Millis(650), "asked again, should consensus have been away");
}

/// Seen when it asked for the view before just as that ended, and when the other follower was restarted.
#[test]
fn a_view_that_is_told_again_does_not_begin_again() {
    let mut pacemaker = pacemaker();
    let again = |pacemaker: &mut Pacemaker, now: u64, view: u64| {
        let leader = ValidatorIndex((view % 4) as u16);
        pacemaker.on_notice(Millis(now), &Notice::CurrentView { view: View(view), leader });
        pacemaker.on_notice(Millis(now), &Notice::ClockStarted { view: View(view) });
    };
    enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
    again(&mut pacemaker, 50, 1);
    again(&mut pacemaker, 250, 1);
    assert_eq!(pacemaker.wakeup(), Millis(350), "the clock runs from where it began");
    assert_eq!(pacemaker.tick(Millis(350)).len(), 1);
    pacemaker.on_notice(Millis(360), &Notice::GaveUp { view: View(1), reason: GiveUpReason::Timeout });
    assert!(pacemaker.overdue_view_change(Millis(5_360)).is_some());
    again(&mut pacemaker, 5_400, 1);
    assert_eq!(pacemaker.wakeup(), Millis(u64::MAX), "it is given up still");
    assert_eq!(pacemaker.overdue_view_change(Millis(20_000)), None, "and the operator is told once");
    again(&mut pacemaker, 20_100, 2);
    assert_eq!(pacemaker.wakeup(), Millis(20_400), "one whose beginning it missed does begin");
}

#[test]
fn the_timer_stops_when_the_work_is_gone_and_when_the_view_is_given_up() {
    let mut pacemaker = pacemaker();
    enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
    pacemaker.on_notice(Millis(50), &Notice::ClockStarted { view: View(1) });
    pacemaker.on_notice(Millis(60), &Notice::WorkGone { view: View(1) });
    assert_eq!(pacemaker.wakeup(), Millis(10_300), "as if there had been none");
    pacemaker.on_notice(Millis(500), &Notice::ClockStarted { view: View(1) });
    assert_eq!(pacemaker.wakeup(), Millis(800));
    pacemaker.on_notice(Millis(700), &Notice::GaveUp { view: View(1), reason: GiveUpReason::SilentLeader });
    assert_eq!(pacemaker.wakeup(), Millis(u64::MAX));
    assert_eq!(pacemaker.tick(Millis(900)), []);
}

#[test]
fn own_view_changes_double_and_prepare_certificates_halve() {
    let mut pacemaker = pacemaker();
    enter(&mut pacemaker, 0, 2, VoteKind::ViewChange, false, true);
    enter(&mut pacemaker, 0, 3, VoteKind::ViewChange, false, true);
    assert_eq!(pacemaker.timer(), Millis(1_200));
    enter(&mut pacemaker, 0, 4, VoteKind::ViewChange, true, true);
    enter(&mut pacemaker, 0, 5, VoteKind::ViewChange, false, false);
    assert_eq!(pacemaker.timer(), Millis(1_200), "fetched ones and those that do not count change nothing");
    round(&mut pacemaker, 0, 5, 1);
    assert_eq!(pacemaker.timer(), Millis(600));
}

#[test]
fn an_outage_does_not_ramp_the_timer() {
    let mut pacemaker = pacemaker();
    pacemaker.on_session_closed(ValidatorIndex(1));
    pacemaker.on_session_closed(ValidatorIndex(2));
    enter(&mut pacemaker, 0, 2, VoteKind::ViewChange, false, true);
    assert_eq!(pacemaker.timer(), Millis(300));
}

#[test]
fn one_slow_leader_of_four_does_not_set_the_timer_and_two_do() {
    let mut pacemaker = pacemaker();
    for view in 1..=4 {
        round(&mut pacemaker, 0, view, if view == 3 { 2_000 } else { 100 });
    }
    assert_eq!(pacemaker.timer(), Millis(400));
    round(&mut pacemaker, 0, 6, 1_000);
    assert_eq!(pacemaker.timer(), Millis(4_000));
}

#[test]
fn the_timer_grows_with_the_round_trip_and_stops_at_its_maximum() {
    let mut pacemaker = pacemaker();
    enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
    pacemaker.on_session(Millis(0), ValidatorIndex(1), Millis(140));
    assert_eq!(pacemaker.timer(), Millis(860));
    pacemaker.on_session(Millis(0), ValidatorIndex(1), Millis(60_000));
    assert_eq!(pacemaker.timer(), Millis(2_300));
    for view in 2..20 {
        enter(&mut pacemaker, 0, view, VoteKind::ViewChange, false, true);
    }
    assert_eq!(pacemaker.timer(), Millis(10_000));
}

#[test]
fn the_first_clock_starts_with_the_first_quorum() {
    let mut pacemaker = pacemaker();
    pacemaker.on_session_closed(ValidatorIndex(1));
    pacemaker.on_session_closed(ValidatorIndex(2));
    enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
    pacemaker.on_notice(Millis(5), &Notice::ClockStarted { view: View(1) });
    assert!(!pacemaker.look_for_quorum(Millis(10)));
    assert_eq!(pacemaker.wakeup(), Millis(60_000), "others may need its vote at last");
    pacemaker.on_session(Millis(0), ValidatorIndex(1), Millis(0));
    assert!(pacemaker.look_for_quorum(Millis(30_000)) && !pacemaker.look_for_quorum(Millis(30_001)));
    assert_eq!(pacemaker.wakeup(), Millis(30_000).saturating_add(pacemaker.timer()));
    pacemaker.on_session_closed(ValidatorIndex(1));
    assert_eq!(pacemaker.wakeup(), Millis(30_000).saturating_add(pacemaker.timer()), "only the first is waited for");
}

#[test]
fn a_lost_quorum_and_its_return_are_told_once_each() {
    let mut pacemaker = pacemaker();
    assert_eq!(pacemaker.quorum_change(), None, "there is one, as it should be");
    pacemaker.on_session_closed(ValidatorIndex(1));
    assert_eq!(pacemaker.quorum_change(), None, "three of four are one");
    pacemaker.on_session_closed(ValidatorIndex(2));
    assert_eq!(pacemaker.quorum_change(), Some(false));
    assert_eq!(pacemaker.quorum_change(), None);
    pacemaker.on_session(Millis(0), ValidatorIndex(1), Millis(0));
    assert_eq!(pacemaker.quorum_change(), Some(true));
    assert_eq!(pacemaker.quorum_change(), None);
}

#[test]
fn a_view_change_that_stays_open_is_told_once() {
    let mut pacemaker = pacemaker();
    enter(&mut pacemaker, 0, 1, VoteKind::Prepare, false, false);
    let gave_up = Notice::GaveUp { view: View(1), reason: GiveUpReason::Timeout };
    pacemaker.on_notice(Millis(100), &gave_up);
    assert_eq!(pacemaker.overdue_view_change(Millis(5_099)), None);
    assert_eq!(pacemaker.overdue_view_change(Millis(5_100)), Some((View(1), Millis(5_000))));
    assert_eq!(pacemaker.overdue_view_change(Millis(9_000)), None);
}

/// It has nothing to give up, and must not ask for being woken in every millisecond until it has.
#[test]
fn one_that_does_not_know_its_view_waits_to_be_told() {
    let mut pacemaker = pacemaker();
    assert!(!pacemaker.knows_its_view());
    assert_eq!((pacemaker.tick(Millis(100_000)), pacemaker.wakeup()), (Vec::new(), Millis(u64::MAX)));
    enter(&mut pacemaker, 100_000, 7, VoteKind::Prepare, false, false);
    assert!(pacemaker.knows_its_view() && pacemaker.wakeup() < Millis(u64::MAX));
}
