//! Decisions, without an actor: the failure × policy matrix first.

use super::*;

const WINDOW: Duration = Duration::from_secs(10);
const MANY: Intensity = Intensity { restarts_max: 100, window: WINDOW };

fn tree(strategy: Strategy, restarts: &[Restart]) -> (Policy, Instant) {
    let mut policy = Policy::default();
    let root = policy.add_supervisor(None, strategy, MANY);
    for restart in restarts {
        policy.add_child(root, *restart, Backoff::NONE);
    }
    (policy, Instant::now())
}

/// | | normal end | shutdown | failure (panic, error, terminated, hung) |
/// |---|---|---|---|
/// | permanent | restart | stays | restart |
/// | transient | stays | stays | restart |
/// | temporary | stays | stays | stays |
#[test]
fn the_matrix_of_ends_and_policies() {
    use Ended::{Failed, Normal, Shutdown};
    use Restart::{Permanent, Temporary, Transient};
    let again = || Decision::Restart { after: Duration::ZERO };
    let stays = || Decision::Stays;
    for (restart, ended, expected) in [
        (Permanent, Normal, again()),
        (Permanent, Shutdown, stays()),
        (Permanent, Failed, again()),
        (Transient, Normal, stays()),
        (Transient, Shutdown, stays()),
        (Transient, Failed, again()),
        (Temporary, Normal, stays()),
        (Temporary, Shutdown, stays()),
        (Temporary, Failed, stays()),
    ] {
        let (mut policy, now) = tree(Strategy::OneForOne, &[restart]);
        assert_eq!(policy.on_ended(0, ended, now, 0.5), expected, "{restart:?} {ended:?}");
    }
}

#[test]
fn each_strategy_restarts_its_own_selection_in_start_order() {
    let three = [Restart::Permanent; 3];
    for (strategy, failed, restarted) in [
        (Strategy::OneForAll, 0, vec![0, 1, 2]),
        (Strategy::OneForAll, 1, vec![0, 1, 2]),
        (Strategy::OneForAll, 2, vec![0, 1, 2]),
        (Strategy::RestForOne, 0, vec![0, 1, 2]),
        (Strategy::RestForOne, 1, vec![1, 2]),
    ] {
        let (mut policy, now) = tree(strategy, &three);
        let decision = policy.on_ended(failed, Ended::Failed, now, 0.5);
        let Decision::RestartAll(all, _) = decision else { panic!("{strategy:?} {failed}: {decision:?}") };
        assert_eq!(all, restarted, "{strategy:?} {failed}");
    }
    let (mut policy, now) = tree(Strategy::RestForOne, &three);
    assert_eq!(policy.on_ended(2, Ended::Failed, now, 0.5), Decision::Restart { after: Duration::ZERO }, "the last");
}

#[test]
fn what_the_tree_itself_ends_is_no_failure_and_what_fails_after_its_start_is_told_at_the_release() {
    let (mut policy, now) = tree(Strategy::OneForAll, &[Restart::Permanent; 3]);
    let Decision::RestartAll(held, ticket) = policy.on_ended(1, Ended::Failed, now, 0.5) else { panic!("all restart") };
    assert_eq!(policy.on_ended(0, Ended::Normal, now, 0.5), Decision::Expected);
    assert_eq!(policy.on_ended(2, Ended::Failed, now, 0.5), Decision::Expected, "it failed while it was stopped");
    assert_eq!(policy.counts(0), (1, 0));
    assert!(held.iter().all(|&child| policy.begin_start(child, ticket)));
    assert_eq!(policy.on_ended(2, Ended::Failed, now, 0.5), Decision::Expected, "it failed once it was started");
    assert_eq!(policy.release(&held, ticket), Some(2));
    assert_eq!(policy.once_more(&held, ticket, 2, now), None);
    assert!(held.iter().all(|&child| policy.begin_start(child, ticket)));
    assert_eq!(policy.release(&held, ticket), None);
    assert!(!policy.is_held(2));
}

#[test]
fn a_held_child_that_ends_for_good_stays_ended() {
    let (mut policy, now) = tree(Strategy::OneForAll, &[Restart::Permanent, Restart::Transient, Restart::Permanent]);
    let Decision::RestartAll(held, ticket) = policy.on_ended(0, Ended::Failed, now, 0.5) else { panic!("all restart") };
    assert_eq!(policy.on_ended(1, Ended::Normal, now, 0.5), Decision::Expected, "the tree stopped it");
    assert_eq!(policy.on_ended(2, Ended::Shutdown, now, 0.5), Decision::Stays, "somebody else wants it gone");
    assert!(policy.begin_start(1, ticket));
    assert_eq!(policy.on_ended(1, Ended::Normal, now, 0.5), Decision::Stays, "it stopped itself");
    assert_eq!(policy.release(&held, ticket), None);
}

#[test]
fn the_last_restart_that_takes_a_child_has_the_say_over_it() {
    let mut policy = Policy::default();
    let root = policy.add_supervisor(None, Strategy::OneForAll, MANY);
    let outer = policy.add_child(root, Restart::Permanent, Backoff::NONE);
    let below = policy.add_supervisor(Some(root), Strategy::OneForAll, MANY);
    let inner = [0, 1].map(|_| policy.add_child(below, Restart::Permanent, Backoff::NONE));
    let now = Instant::now();
    let Decision::RestartAll(first, old) = policy.on_ended(inner[0], Ended::Failed, now, 0.5) else { panic!() };
    let Decision::RestartAll(second, new) = policy.on_ended(outer, Ended::Failed, now, 0.5) else { panic!() };
    assert_eq!((&first[..], &second[..]), (&inner[..], &[outer, inner[0], inner[1]][..]));
    assert!(!policy.begin_start(inner[0], old), "the larger restart does it");
    assert_eq!(policy.release(&first, old), None);
    assert!(policy.is_held_by(inner[0], new));
    assert_eq!(policy.release(&second, new), None);
    assert!(!policy.is_held(inner[0]));
}

#[test]
fn two_failures_at_once_make_a_supervisor_give_up_once() {
    let mut policy = Policy::default();
    let root = policy.add_supervisor(None, Strategy::OneForOne, MANY);
    let below = policy.add_supervisor(Some(root), Strategy::OneForOne, Intensity { restarts_max: 0, window: WINDOW });
    let two = [0, 1].map(|_| policy.add_child(below, Restart::Permanent, Backoff::NONE));
    let now = Instant::now();
    assert!(matches!(policy.on_ended(two[0], Ended::Failed, now, 0.5), Decision::Escalate(_, _)));
    assert_eq!(policy.on_ended(two[1], Ended::Failed, now, 0.5), Decision::Expected);
    policy.escalate(below, now);
    assert_eq!(policy.counts(below).1, 1);
}

#[test]
fn failures_that_lie_far_apart_never_escalate_and_one_more_within_the_window_does() {
    let mut policy = Policy::default();
    let root = policy.add_supervisor(None, Strategy::OneForOne, Intensity { restarts_max: 1, window: WINDOW });
    let child = policy.add_child(root, Restart::Permanent, Backoff::NONE);
    let start = Instant::now();
    for number in 0..100 {
        let decision = policy.on_ended(child, Ended::Failed, start + WINDOW * number, 0.5);
        assert_eq!(decision, Decision::Restart { after: Duration::ZERO });
    }
    let soon = start + WINDOW * 99 + Duration::from_secs(1);
    assert!(matches!(policy.on_ended(child, Ended::Failed, soon, 0.5), Decision::Escalate(id, _) if id == root));
    let escalation = policy.escalate(root, soon);
    assert_eq!(escalation, Escalation { restart: None, gave_up: vec![root] });
    assert_eq!(policy.on_ended(child, Ended::Failed, soon, 0.5), Decision::Expected, "the tree ends");
}

#[test]
fn a_supervisor_that_gives_up_is_restarted_by_its_parent_with_fresh_counts() {
    let mut policy = Policy::default();
    let root = policy.add_supervisor(None, Strategy::OneForOne, MANY);
    let bystander = policy.add_child(root, Restart::Permanent, Backoff::NONE);
    let below = policy.add_supervisor(Some(root), Strategy::OneForOne, Intensity { restarts_max: 1, window: WINDOW });
    let first = policy.add_child(below, Restart::Permanent, Backoff::NONE);
    let second = policy.add_child(below, Restart::Temporary, Backoff::NONE);
    let now = Instant::now();
    assert_eq!(policy.on_ended(first, Ended::Failed, now, 0.5), Decision::Restart { after: Duration::ZERO });
    assert!(matches!(policy.on_ended(first, Ended::Failed, now, 0.5), Decision::Escalate(id, _) if id == below));
    let escalation = policy.escalate(below, now);
    let (restarted, ticket) = escalation.restart.unwrap();
    assert_eq!(restarted, vec![first, second], "not the bystander {bystander}");
    assert!(!policy.restarts_with_siblings(second), "a temporary child does not come back with its group");
    assert_eq!(policy.release(&restarted, ticket), None);
    assert_eq!(policy.counts(below), (2, 1));
    assert_eq!(policy.on_ended(first, Ended::Failed, now, 0.5), Decision::Restart { after: Duration::ZERO });
}

#[test]
fn a_supervisors_limit_bounds_its_whole_subtree() {
    let mut policy = Policy::default();
    let root = policy.add_supervisor(None, Strategy::OneForOne, Intensity { restarts_max: 3, window: WINDOW });
    let groups: Vec<usize> = (0..4)
        .map(|_| policy.add_supervisor(Some(root), Strategy::OneForOne, Intensity { restarts_max: 3, window: WINDOW }))
        .collect();
    let children: Vec<usize> =
        groups.iter().map(|group| policy.add_child(*group, Restart::Permanent, Backoff::NONE)).collect();
    let now = Instant::now();
    for child in &children[..3] {
        assert_eq!(policy.on_ended(*child, Ended::Failed, now, 0.5), Decision::Restart { after: Duration::ZERO });
    }
    assert!(matches!(policy.on_ended(children[3], Ended::Failed, now, 0.5), Decision::Escalate(id, _) if id == root));
}

#[test]
fn a_back_off_starts_at_once_then_doubles_up_to_its_maximum_and_ends_after_a_good_run() {
    let backoff = Backoff {
        first: Duration::from_millis(10),
        max: Duration::from_millis(35),
        reset_after: Duration::from_secs(1),
    };
    let mut policy = Policy::default();
    let root = policy.add_supervisor(None, Strategy::OneForOne, MANY);
    let child = policy.add_child(root, Restart::Permanent, backoff);
    let now = Instant::now();
    let mut fail = |at: Duration, chance| match policy.on_ended(child, Ended::Failed, now + at, chance) {
        Decision::Restart { after } => {
            policy.on_started(child, now + at);
            after.as_millis()
        }
        other => panic!("{other:?}"),
    };
    let soon = Duration::from_millis(5);
    let delays: Vec<u128> = (0..5).map(|number| fail(soon * number, 0.5)).collect();
    assert_eq!(delays, [0, 10, 20, 35, 35]);
    assert_eq!((fail(soon * 6, 0.0), fail(soon * 7, 1.0)), (28, 42), "a fifth less and more");
    assert_eq!(fail(soon * 7 + Duration::from_secs(1), 0.5), 0, "it had run well");
}

#[test]
fn a_start_that_fails_waits_longer_each_time_however_long_the_last_incarnation_ran() {
    let mut policy = Policy::default();
    let root = policy.add_supervisor(None, Strategy::OneForOne, MANY);
    let child = policy.add_child(root, Restart::Permanent, Backoff::default());
    let now = Instant::now();
    policy.on_started(child, now);
    let later = now + Duration::from_secs(3_600);
    let delays: Vec<Decision> = (0..3).map(|_| policy.on_ended(child, Ended::Failed, later, 0.5)).collect();
    let restart = |millis| Decision::Restart { after: Duration::from_millis(millis) };
    assert_eq!(delays, [restart(0), restart(5), restart(10)]);
}

#[test]
fn a_back_off_that_can_never_exceed_the_intensity_is_known() {
    let slow = Backoff { first: Duration::from_secs(3), max: Duration::from_secs(60), ..Backoff::default() };
    assert!(slow.reaches(Intensity { restarts_max: 2, window: WINDOW }));
    assert!(!slow.reaches(Intensity { restarts_max: 3, window: WINDOW }));
    assert!(Backoff::default().reaches(Intensity { restarts_max: 20, window: WINDOW }));
    assert!(
        !Backoff::default().reaches(Intensity { restarts_max: 1_000_000, window: WINDOW }),
        "and it is known quickly"
    );
    assert!(Backoff::NONE.reaches(Intensity { restarts_max: 1_000_000, window: Duration::from_millis(1) }));
}
