//! Trees that cannot work are refused, and leave nothing started.

use super::*;

/// What is wrong, and the tree that has it.
fn refused(faulty: impl FnOnce(&Rig, Child) -> Supervisor) -> SpecError {
    let rig = Rig::new();
    let (good, child) = rig.member("good");
    let error = faulty(&rig, child).start(Arc::new(|_| {})).unwrap_err();
    assert_eq!(good.report().phase, Phase::Ended, "its handle says that it will never run");
    assert_eq!(good.send(Do::Nothing).unwrap_err().why, Why::Ended);
    assert!(rig.log.lock().is_empty(), "nothing was started");
    assert_eq!(Arc::strong_count(&rig.log), 1, "and the factories are gone");
    error
}

#[actix::test]
async fn two_of_one_name_are_refused_wherever_they_are() {
    let error = refused(|rig, good| group(Strategy::OneForOne, [good, rig.member("good").1]));
    assert_eq!(error, SpecError::DuplicateName { name: "good" });
    let error = refused(|rig, good| {
        group(Strategy::OneForOne, [good]).supervisor(Supervisor::new("below").child(rig.member("good").1))
    });
    assert_eq!(error, SpecError::DuplicateName { name: "good" });
    let error = refused(|_, good| group(Strategy::OneForOne, [good]).supervisor(Supervisor::new("good")));
    assert_eq!(error, SpecError::DuplicateName { name: "good" });
}

#[actix::test]
async fn a_window_of_no_length_is_refused() {
    let error = refused(|_, good| Supervisor::new("root").intensity(3, Duration::ZERO).child(good));
    assert_eq!(error, SpecError::EmptyWindow { name: "root" });
}

#[actix::test]
async fn a_mailbox_without_room_is_refused() {
    let error = refused(|rig, good| {
        let (_, child, _) = rig.planned(Spec::new("full").mailbox_max(0));
        group(Strategy::OneForOne, [good, child])
    });
    assert_eq!(error, SpecError::EmptyMailbox { name: "full" });
}

#[actix::test]
async fn deadlines_that_a_well_actor_misses_are_refused() {
    let short = Duration::from_millis(1);
    let thread = Thread::new("short", OnBlock::Replace).deadline(short);
    for spec in [
        Spec::new("hasty").hang_deadline(short),
        Spec::new("hasty").start_deadline(short),
        Spec::new("hasty").on_thread(thread),
    ] {
        let error = refused(|rig, good| group(Strategy::OneForOne, [good, rig.planned(spec).1]));
        assert_eq!(error, SpecError::ShortDeadline { name: "hasty", deadline: short });
    }
}

#[actix::test]
async fn a_back_off_that_can_never_exhaust_its_supervisor_is_refused() {
    let slow = Backoff { first: LONG, max: Duration::MAX, reset_after: LONG };
    let spec = |restart| Spec::new("slow").backoff(slow).restart(restart);
    let error = refused(|rig, good| {
        let (_, child, _) = rig.planned(spec(Restart::Permanent));
        Supervisor::new("root").intensity(3, LONG).child(good).child(child)
    });
    let expected = SpecError::UnreachableIntensity { name: "slow", supervisor: "root", restarts_max: 3, window: LONG };
    assert_eq!(error, expected);
    // One that never restarts needs no back-off.
    let rig = Rig::new();
    let (_, child, _) = rig.planned(spec(Restart::Temporary));
    rig.start(Supervisor::new("root").intensity(3, LONG).child(child)).stop().await;
}
