//! What each way to end means for each kind of child, with real actors (`policy/tests.rs` has the decisions alone).
//!
//! | | normal end | asked to end | panic | error | terminated | hung |
//! |---|---|---|---|---|---|---|
//! | permanent | restart | stays ended | restart | restart | restart | restart |
//! | transient | stays ended | stays ended | restart | restart | restart | restart |
//! | temporary | stays ended | stays ended | stays ended | stays ended | stays ended | stays ended |

use super::*;

#[derive(Debug, Clone, Copy)]
enum End {
    Normal,
    Shutdown,
    Panic,
    Error,
    Terminated,
    Hung,
}

/// Whether the child was started again.
async fn restarts(restart: Restart, end: End) -> bool {
    let rig = Rig::new();
    let spec = Spec::new("child").restart(restart).hang_deadline(Duration::from_millis(200));
    let (child, one, _) = rig.planned(spec);
    let (bystander, another) = rig.member("bystander");
    let tree = rig.start(group(Strategy::OneForOne, [one, another]));
    bystander.lives(1).await;
    match end {
        End::Normal => child.send(Do::Stop).unwrap(),
        End::Shutdown => assert!(child.stop(LONG).await),
        End::Panic => child.send(Do::Panic).unwrap(),
        End::Error => child.send(Do::Fail).unwrap(),
        // Answered when it serves again, which it may never do.
        End::Terminated => drop(tree.inject("child", Fault::Terminate, Duration::from_millis(1)).await.unwrap()),
        End::Hung => child.send(Do::Hang).unwrap(),
    }
    let mut life = child.core.mailbox.watch();
    let settled =
        life.wait_for(|life| life.phase == Phase::Ended || (life.incarnation == 2 && life.phase == Phase::Running));
    let phase = tokio::time::timeout(LONG, settled).await.expect("in time").unwrap().phase;
    assert_eq!(bystander.ask(Which, LONG).await.unwrap(), 1, "it went on");
    tree.stop().await;
    phase == Phase::Running
}

#[actix::test]
async fn the_matrix_of_ends_and_policies_with_real_actors() {
    use End::{Error, Hung, Normal, Panic, Shutdown, Terminated};
    for (restart, again) in [
        (Restart::Permanent, [true, false, true, true, true, true]),
        (Restart::Transient, [false, false, true, true, true, true]),
        (Restart::Temporary, [false; 6]),
    ] {
        for (end, expected) in [Normal, Shutdown, Panic, Error, Terminated, Hung].into_iter().zip(again) {
            assert_eq!(restarts(restart, end).await, expected, "{restart:?} {end:?}");
        }
    }
}

#[actix::test]
async fn an_error_says_what_and_where_and_runs_stopped() {
    let rig = Rig::new();
    let (child, one) = rig.member("child");
    let tree = rig.start(group(Strategy::OneForOne, [one]));
    child.send(Do::Fail).unwrap();
    child.lives(2).await;
    let report = child.report();
    let failure = report.last_failure.unwrap();
    assert_eq!((failure.text.as_str(), report.restarts.failed), ("planted: an error", 1));
    assert!(failure.place.unwrap().contains("tests.rs:"));
    tree.stop().await;
}

#[actix::test]
async fn a_temporary_bystander_that_a_group_restart_ends_is_not_restarted() {
    let rig = Rig::new();
    let (a, a_child) = rig.member("a");
    let (passing, passing_child, _) = rig.planned(Spec::new("passing").restart(Restart::Temporary));
    let tree = rig.start(group(Strategy::OneForAll, [passing_child, a_child]));
    a.lives(1).await;
    a.send(Do::Panic).unwrap();
    a.lives(2).await;
    rig.saw("+passing +a -a -passing +a").await;
    passing.is_over().await;
    tree.stop().await;
}

#[actix::test]
async fn a_transient_child_that_has_ended_stays_so_when_its_group_restarts() {
    let mut rig = Rig::new();
    let (a, a_child) = rig.member("a");
    let (done, done_child, _) = rig.planned(Spec::new("done").restart(Restart::Transient));
    let (stopped, stopped_child) = rig.member("stopped");
    let tree = rig.start(group(Strategy::OneForAll, [done_child, a_child, stopped_child]));
    stopped.lives(1).await;
    done.send(Do::Stop).unwrap();
    done.is_over().await;
    assert!(stopped.stop(LONG).await);
    a.send(Do::Panic).unwrap();
    a.lives(2).await;
    until(|| !tree.is_held(1)).await;
    assert_eq!(tree.report().root.restarts, 1, "no start of theirs failed");
    assert!(rig.exits.try_recv().is_err());
    tree.stop().await;
    assert_eq!(rig.log.lock().join(" "), "+done +a +stopped -done -stopped -a +a -a");
}

#[actix::test]
async fn a_child_that_ends_for_good_while_its_group_restarts_is_over() {
    let rig = Rig::new();
    let (a, a_child) = rig.member("a");
    let (b, b_child, b_plan) = rig.planned(Spec::new("b").on_thread(Thread::new("b", OnBlock::Replace)));
    let tree = rig.start(group(Strategy::OneForAll, [a_child, b_child]));
    b.lives(1).await;
    let (entered, mut inside) = unbounded_channel();
    let (release, gate) = std::sync::mpsc::channel();
    b_plan.lock().push_back(Start::Wait(entered, gate));
    b.send(Do::Panic).unwrap();
    inside.recv().await.unwrap();
    // The group waits for b; a, which was started again, ends.
    a.lives(2).await;
    assert!(tree.is_held(0));
    assert!(a.stop(LONG).await, "its handle says so at once");
    drop(release);
    b.lives(2).await;
    until(|| !tree.is_held(1)).await;
    assert_eq!((a.report().phase, tree.report().root.restarts), (Phase::Ended, 1));
    tree.stop().await;
}
