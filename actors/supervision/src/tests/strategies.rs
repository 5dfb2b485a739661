//! Which children restart, in exactly which order.

use super::*;

/// Starts a, b and c, has one fail, and compares all that happened until the group runs again.
async fn restarts(strategy: Strategy, failed: usize, expected: &str) {
    let rig = Rig::new();
    let (handles, children) = rig.three();
    let tree = rig.start(group(strategy, children));
    rig.saw("+a +b +c").await;
    handles[2].lives(1).await;
    handles[failed].send(Do::Panic).unwrap();
    rig.saw(&format!("+a +b +c {expected}")).await;
    until(|| (0..3).all(|child| !tree.is_held(child))).await;
    assert_eq!(tree.report().root.restarts, 1);
    rig.log.lock().clear();
    tree.stop().await;
    assert_eq!(rig.log.lock().join(" "), "-c -b -a", "the last one started is the first to stop");
}

#[actix::test]
async fn one_for_one_restarts_the_one_that_failed() {
    restarts(Strategy::OneForOne, 0, "-a +a").await;
    restarts(Strategy::OneForOne, 1, "-b +b").await;
    restarts(Strategy::OneForOne, 2, "-c +c").await;
}

#[actix::test]
async fn one_for_all_stops_all_in_reverse_and_starts_all_in_order() {
    restarts(Strategy::OneForAll, 0, "-a -c -b +a +b +c").await;
    restarts(Strategy::OneForAll, 1, "-b -c -a +a +b +c").await;
    restarts(Strategy::OneForAll, 2, "-c -b -a +a +b +c").await;
}

#[actix::test]
async fn rest_for_one_restarts_the_one_that_failed_and_those_after_it() {
    restarts(Strategy::RestForOne, 0, "-a -c -b +a +b +c").await;
    restarts(Strategy::RestForOne, 1, "-b -c +b +c").await;
    restarts(Strategy::RestForOne, 2, "-c +c").await;
}

#[actix::test]
async fn children_on_threads_of_their_own_start_in_order_too() {
    let rig = Rig::new();
    let (entered, mut inside) = unbounded_channel();
    let (release, gate) = std::sync::mpsc::channel();
    let on = |name| Spec::new(name).on_thread(Thread::new(name, OnBlock::Replace));
    let (_a, a_child, a_plan) = rig.planned(on("a"));
    let (b, b_child, _) = rig.planned(on("b"));
    a_plan.lock().push_back(Start::Wait(entered, gate));
    let tree = rig.start(group(Strategy::OneForOne, [a_child, b_child]));
    inside.recv().await.unwrap();
    assert_eq!(b.report().phase, Phase::Reserved, "its turn comes when a runs");
    drop(release);
    b.lives(1).await;
    rig.saw("+a +b").await;
    tree.stop().await;
    assert_eq!(rig.log.lock().join(" "), "+a +b -b -a");
}

#[actix::test]
async fn a_supervisor_restarts_as_one_member_of_its_group() {
    let rig = Rig::new();
    let (handles, [a, b, c]) = rig.three();
    let below = Supervisor::new("below").child(b).child(c);
    let tree = rig.start(group(Strategy::RestForOne, [a]).supervisor(below));
    handles[2].lives(1).await;
    handles[0].send(Do::Panic).unwrap();
    rig.saw("+a +b +c -a -c -b +a +b +c").await;
    handles[2].lives(2).await;
    until(|| !tree.is_held(2)).await;
    handles[1].send(Do::Panic).unwrap();
    rig.saw("+a +b +c -a -c -b +a +b +c -b +b").await;
    tree.stop().await;
}

#[actix::test]
async fn a_failure_while_the_group_restarts_counts_and_all_of_it_is_done_again() {
    let rig = Rig::new();
    let (a, a_child) = rig.member("a");
    let (b, b_child, b_plan) = rig.planned(Spec::new("b"));
    let (c, c_child) = rig.member("c");
    let tree = rig.start(group(Strategy::OneForAll, [a_child, b_child, c_child]));
    c.lives(1).await;
    b_plan.lock().push_back(Start::Panic);
    a.send(Do::Panic).unwrap();
    rig.saw("+a +b +c -a -c -b +a -a +a +b +c").await;
    c.lives(2).await;
    until(|| !tree.is_held(0)).await;
    assert_eq!(tree.report().root.restarts, 2);
    assert_eq!(b.report().restarts.start_failed, 1);
    tree.stop().await;
}

#[actix::test]
async fn a_failure_of_what_the_group_is_stopping_is_no_failure_of_its_own() {
    let rig = Rig::new();
    let (handles, children) = rig.three();
    let tree = rig.start(group(Strategy::OneForAll, children));
    handles[2].lives(1).await;
    handles[0].ask(Do::PanicInStopped, LONG).await.unwrap();
    handles[1].ask(Do::PanicInDrop, LONG).await.unwrap();
    handles[2].send(Do::Panic).unwrap();
    rig.saw("+a +b +c -c -b -a +a +b +c").await;
    until(|| !tree.is_held(0)).await;
    assert_eq!(tree.report().root.restarts, 1);
    tree.stop().await;
}

#[actix::test]
async fn children_that_fail_together_are_restarted_together() {
    let rig = Rig::new();
    let (handles, children) = rig.three();
    let tree = rig.start(group(Strategy::OneForAll, children));
    for round in 1..=5 {
        for handle in &handles {
            handle.lives(round).await;
        }
        until(|| (0..3).all(|child| !tree.is_held(child))).await;
        let refused = handles.iter().filter(|handle| handle.send(Do::Panic).is_err()).count();
        assert_eq!(refused, 0);
        // What was sent to one that was stopped first waits in its mailbox, and makes its next incarnation fail.
        until(|| handles.iter().all(|handle| handle.report().waiting == 0)).await;
    }
    for handle in &handles {
        assert!(handle.ask(Which, LONG).await.is_ok() || handle.running().await);
    }
    tree.stop().await;
}
