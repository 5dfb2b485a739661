//! What counts of a silence, case by case: ready, running, asleep, on a disk, and what others waited meanwhile.

use super::*;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

const DEADLINE: Duration = ms(2_000);
const QUIET: Others = Others { waited: ms(0), on_disk: false };
const WAITED: Others = Others { waited: ms(90), on_disk: false };

/// Spans of 100 ms until the deadline is over, and what then is said; nothing, if an hour is not enough.
fn found(late: u64, did: Option<(u64, u64, Condition)>, others: Option<Others>) -> Option<(u64, Verdict)> {
    let mut account = Account::default();
    let did = did.map(|(ran, waited, condition)| Did { ran: ms(ran), waited: ms(waited), condition });
    (1..=36_000).find_map(|span| {
        account.add(Span { took: ms(100), late: ms(late) }, did, others);
        match account.verdict(DEADLINE, DISK_DEADLINE) {
            Verdict::Waits(_) => None,
            verdict => Some((span * 100, verdict)),
        }
    })
}

#[test]
fn what_a_silent_thread_did_decides_when_it_is_taken_for_blocked_and_whether() {
    use Condition::{Asleep, OnDisk, Ready, Stopped};
    use Verdict::{Blocked, DiskSilent};
    let disk = Others { waited: ms(0), on_disk: true };
    for (case, late, did, others, expected) in [
        ("it sleeps, and nobody waits", 0, Some((0, 0, Asleep)), Some(QUIET), Some((2_000, Blocked))),
        ("it sleeps, and nobody looked at the others", 0, Some((0, 0, Asleep)), None, Some((2_000, Blocked))),
        ("it spins", 0, Some((100, 0, Ready)), None, Some((2_000, Blocked))),
        ("it spins on a tenth of a processor", 90, Some((10, 90, Ready)), None, Some((20_000, Blocked))),
        ("it spins, and the watch has no processor", 90, Some((100, 0, Ready)), None, Some((2_000, Blocked))),
        ("it runs half of the time and sleeps", 0, Some((50, 0, Asleep)), Some(QUIET), Some((2_000, Blocked))),
        ("it is ready and never runs", 0, Some((0, 0, Ready)), None, None),
        ("it is ready, and was asleep before", 0, Some((0, 30, Ready)), None, None),
        ("it waits for a processor, again and again", 0, Some((0, 100, Asleep)), Some(QUIET), None),
        (
            "it sleeps, and somebody waits most of the time",
            0,
            Some((0, 0, Asleep)),
            Some(WAITED),
            Some((20_000, Blocked)),
        ),
        (
            "it sleeps, and somebody waits all the time",
            0,
            Some((0, 0, Asleep)),
            Some(Others { waited: ms(100), on_disk: false }),
            None,
        ),
        ("it sleeps on a tenth of a core", 90, Some((0, 0, Asleep)), Some(WAITED), Some((20_000, Blocked))),
        ("it sleeps, and the watch has no processor", 100, Some((0, 0, Asleep)), Some(QUIET), None),
        ("it is stopped by a debugger", 0, Some((0, 0, Stopped)), None, None),
        ("its disk does not answer", 0, Some((0, 0, OnDisk)), Some(disk), Some((30_000, DiskSilent))),
        ("another one's disk does not answer", 0, Some((0, 0, Asleep)), Some(disk), Some((30_000, DiskSilent))),
        (
            "its disk does not answer, on a tenth of a core",
            90,
            Some((0, 0, OnDisk)),
            Some(WAITED),
            Some((300_000, DiskSilent)),
        ),
        ("the system does not count", 0, None, None, Some((2_000, Blocked))),
        ("the system does not count, and the watch was late", 50, None, None, Some((4_000, Blocked))),
        ("the system does not count, and a file is being synced", 0, None, Some(disk), Some((30_000, DiskSilent))),
    ] {
        assert_eq!(found(late, did, others), expected, "{case}");
    }
}

#[test]
fn numbers_that_do_not_fit_into_the_span_count_for_no_more_than_it() {
    let mut account = Account::default();
    let did = Did { ran: ms(5_000), waited: ms(5_000), condition: Condition::Asleep };
    account.add(Span { took: ms(100), late: ms(7_000) }, Some(did), Some(Others { waited: ms(9_000), on_disk: false }));
    assert_eq!((account.blocked(), account.starved()), (ms(100), ms(0)));
    account.add(Span { took: ms(0), late: ms(0) }, Some(did), None);
    account.add(Span { took: ms(100), late: ms(500) }, None, None);
    assert_eq!((account.blocked(), account.starved()), (ms(100), ms(100)));
    assert_eq!(account.verdict(DEADLINE, DISK_DEADLINE), Verdict::Waits(ms(1_900)));
}

#[test]
fn a_stopped_process_or_machine_counts_as_the_pause_that_was_planned() {
    let mut account = Account::default();
    let did = Did { ran: ms(0), waited: ms(0), condition: Condition::Asleep };
    account.add(Span { took: ms(20_250), late: ms(20_000) }, Some(did), Some(QUIET));
    assert_eq!((account.blocked(), account.starved()), (ms(250), ms(20_000)));
}

#[test]
fn what_nobody_saw_counts_as_what_was_seen() {
    let asleep = Did { ran: ms(0), waited: ms(0), condition: Condition::Asleep };
    let mut account = Account::default();
    account.add(Span { took: ms(400), late: ms(0) }, Some(asleep), None);
    assert_eq!(account.blocked(), ms(400), "there is nothing to compare with yet");
    account.add(Span { took: ms(100), late: ms(0) }, Some(asleep), Some(Others { waited: ms(75), on_disk: false }));
    assert_eq!(account.blocked(), ms(125), "three quarters of what was seen were somebody's wait");
}

#[test]
fn what_keeps_a_thread_is_said_once_it_is_long_enough() {
    let mut account = Account::default();
    let add = |account: &mut Account, condition, took| {
        let did = Did { ran: ms(0), waited: ms(0), condition };
        account.add(Span { took: ms(took), late: ms(0) }, Some(did), Some(QUIET));
    };
    add(&mut account, Condition::Ready, 999);
    assert_eq!(account.waits_for(ms(1_000)), None);
    add(&mut account, Condition::Ready, 1);
    assert_eq!(account.waits_for(ms(1_000)), Some(WaitsFor::Processor));
    add(&mut account, Condition::OnDisk, 1_001);
    assert_eq!(account.waits_for(ms(1_000)), Some(WaitsFor::Disk));
    let mut asleep = Account::default();
    add(&mut asleep, Condition::Asleep, 1_999);
    assert_eq!(asleep.waits_for(ms(1)), None, "what blocks is no wait");
}

#[test]
fn a_thread_is_starved_that_waited_a_tenth_of_ten_seconds_until_it_is_less_than_a_twentieth() {
    let mut starvation = Starvation::default();
    let mut window = |ran: u64, waited: u64| {
        let did = Did { ran: ms(ran), waited: ms(waited), condition: Condition::Asleep };
        let changes: Vec<_> = (0..40).filter_map(|_| starvation.add(ms(250), Some(did))).collect();
        assert!(changes.len() <= 1);
        changes.first().map(|change| (change.is_starved, change.waited, change.of))
    };
    assert_eq!(window(0, 24), None);
    assert_eq!(window(26, 25), None, "busy: it ran for longer than it waited");
    assert_eq!(window(5, 25), Some((true, ms(1_000), ms(10_000))));
    assert_eq!(window(5, 900), None, "still, and by no more than there was");
    assert_eq!(window(5, 13), None);
    assert_eq!(window(5, 12), Some((false, ms(480), ms(10_000))));
    assert_eq!(window(0, 0), None);
    assert_eq!((0..99).find_map(|_| Starvation::default().add(ms(250), None)), None, "a system that does not count");
}
