//! How often is too often, and what follows.

use super::*;

#[actix::test]
async fn one_failure_more_than_the_intensity_allows_ends_the_process_with_code_70() {
    let mut bench = bench(|spec| spec.intensity(3, LONG));
    for number in 1..=3 {
        bench.probe.send(Panic).unwrap();
        bench.after(number).await;
    }
    assert!(bench.exits.try_recv().is_err());
    bench.probe.send(Panic).unwrap();
    let exit = bench.exits.recv().await.unwrap();
    assert_eq!(exit.code, EXIT_CODE_SUPERVISION);
    assert_eq!(EXIT_CODE_SUPERVISION, 70);
    assert!(exit.reason.contains("actor probe failed: it panicked: planted: in a handler"), "{}", exit.reason);
    assert!(exit.reason.contains("tests.rs:"), "the place is told: {}", exit.reason);
    assert_eq!(bench.probe.send(Panic).unwrap_err().why, Why::Ended);
}

#[actix::test]
async fn an_actor_that_may_not_be_rebuilt_ends_the_process_at_its_first_failure() {
    let mut bench = bench(|spec| spec.intensity(0, LONG));
    bench.probe.send(Panic).unwrap();
    assert_eq!(bench.exits.recv().await.unwrap().code, EXIT_CODE_SUPERVISION);
    assert_eq!(bench.made.load(Ordering::SeqCst), 1);
}

#[actix::test]
async fn a_fatal_start_ends_the_process_with_its_own_code() {
    let (sender, mut exits) = unbounded_channel();
    let spec = Spec::new("probe").exit(move |exit| drop(sender.send(exit.clone())));
    let _probe: Handle<Probe> = supervise(spec, || Err(StartError::fatal(8, "record 17 of the log is damaged")));
    let exit = exits.recv().await.unwrap();
    assert_eq!((exit.code, exit.reason.as_str()), (8, "actor probe: record 17 of the log is damaged"));
}

/// Takes its time when it is dropped.
struct SlowToDrop(std::sync::mpsc::Receiver<()>);

impl Drop for SlowToDrop {
    fn drop(&mut self) {
        let _ = self.0.recv_timeout(Duration::from_millis(300));
    }
}

#[actix::test]
async fn a_fatal_start_ends_the_process_however_long_its_factory_takes_to_go() {
    let (sender, mut exits) = unbounded_channel();
    let arbiter = Arbiter::new();
    let spec = Spec::new("probe").hang_deadline(Duration::from_millis(80)).on(&arbiter);
    let spec = spec.exit(move |exit| drop(sender.send(exit.clone())));
    let (_keep, never) = std::sync::mpsc::channel();
    let slow = SlowToDrop(never);
    let probe: Handle<Probe> = supervise(spec, move || {
        let _ = &slow;
        Err(StartError::fatal(8, "record 17 of the log is damaged"))
    });
    probe.ended().await;
    assert_eq!(exits.recv().await.map(|exit| exit.code), Some(8));
}

#[actix::test]
async fn a_supervisor_that_gives_up_is_restarted_by_its_parent_and_its_siblings_go_on() {
    let mut rig = Rig::new();
    let (handles, [a, b, c]) = rig.three();
    let below = Supervisor::new("below").intensity(1, LONG).child(b).child(c);
    let tree = rig.start(group(Strategy::OneForOne, [a]).supervisor(below));
    handles[2].lives(1).await;
    handles[1].send(Do::Panic).unwrap();
    handles[1].lives(2).await;
    handles[1].send(Do::Panic).unwrap();
    rig.saw("+a +b +c -b +b -b -c +b +c").await;
    handles[2].lives(2).await;
    until(|| !tree.is_held(2)).await;
    let root = tree.report().root;
    let crate::MemberReport::Supervisor(below) = &root.members[1] else { panic!("it is one") };
    assert_eq!((below.escalations, root.escalations), (1, 0));
    // Its count began anew.
    handles[2].send(Do::Panic).unwrap();
    handles[2].lives(3).await;
    assert!(rig.exits.try_recv().is_err());
    tree.stop().await;
}

#[actix::test]
async fn a_root_that_gives_up_stops_all_in_reverse_and_then_ends_the_process_once() {
    let mut rig = Rig::new();
    let (handles, [a, b, c]) = rig.three();
    let tree = rig.start(Supervisor::new("root").intensity(0, LONG).child(a).child(b).child(c));
    handles[2].lives(1).await;
    handles[1].send(Do::Panic).unwrap();
    let exit = rig.exited().await;
    assert_eq!(exit.code, EXIT_CODE_SUPERVISION);
    assert!(exit.reason.contains("actor b failed: it panicked: planted: in a handler"), "{}", exit.reason);
    assert!(exit.reason.contains("root gave up: more than 0 failures"), "{}", exit.reason);
    assert_eq!(rig.log.lock().join(" "), "+a +b +c -b -c -a");
    tree.stop().await;
    tree.exit_now(&exit);
    assert!(rig.exits.try_recv().is_err(), "once");
    assert_eq!(handles[0].send(Do::Nothing).unwrap_err().why, Why::Ended);
}

#[actix::test]
async fn failures_that_lie_far_apart_never_escalate() {
    let window = Duration::from_millis(20);
    let mut rig = Rig::new();
    let (a, child, _) = rig.planned(Spec::new("a").backoff(Backoff::NONE));
    let tree = rig.start(Supervisor::new("root").intensity(1, window).child(child));
    for incarnation in 1..=10 {
        a.lives(incarnation).await;
        let began = Instant::now();
        until(|| began.elapsed() > window).await;
        a.send(Do::Panic).unwrap();
    }
    a.lives(11).await;
    assert!(rig.exits.try_recv().is_err());
    tree.stop().await;
}

#[actix::test]
async fn a_start_that_fails_counts_alone_and_in_a_group() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll] {
        let mut rig = Rig::new();
        let (a, a_child, plan) = rig.planned(Spec::new("a"));
        let (b, b_child) = rig.member("b");
        let root = Supervisor::new("root").strategy(strategy).intensity(3, LONG);
        let _tree = rig.start(root.child(a_child).child(b_child));
        b.lives(1).await;
        plan.lock().extend([Start::Fail, Start::Panic, Start::Fail]);
        a.send(Do::Panic).unwrap();
        let exit = rig.exited().await;
        assert!(exit.reason.contains("cannot start: planted: no start"), "{}", exit.reason);
        assert_eq!(a.report().restarts.start_failed, 3);
    }
}

#[actix::test]
async fn a_fatal_start_of_one_in_a_group_ends_all_of_it_with_its_code() {
    let mut rig = Rig::new();
    let (a, a_child, plan) = rig.planned(Spec::new("a"));
    let (b, b_child) = rig.member("b");
    let _tree = rig.start(group(Strategy::OneForAll, [a_child, b_child]));
    b.lives(1).await;
    plan.lock().push_back(Start::Fatal(8));
    a.send(Do::Panic).unwrap();
    assert_eq!(rig.exited().await.code, 8);
    assert_eq!(b.report().phase, Phase::Ended);
}

/// Ways to end a real process, and the code that it must end with.
const WAYS: [(&str, i32); 4] =
    [("gives-up", 70), ("never-starts", 8), ("blocks", 70), ("hook-fails", EXIT_CODE_SUPERVISION)];
const WAY: &str = "SUPERVISION_TEST_WAY_TO_END";

#[test]
fn the_process_ends_with_the_code_that_says_why() {
    if let Ok(way) = std::env::var(WAY) {
        return end_this_process(&way);
    }
    for (way, code) in WAYS {
        let test = "tests::intensity::the_process_ends_with_the_code_that_says_why";
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        let ended = command.args(["--exact", test, "--nocapture"]).env(WAY, way).output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{way}: {told}");
        let says = told.contains(&format!("the process ends with exit code {code}"));
        assert!(says || way == "hook-fails", "{way}: {told}");
    }
}

fn end_this_process(way: &str) {
    let way = way.to_owned();
    actix::System::new().block_on(async move {
        let rig = Rig::new();
        let alone = |spec: Spec| spec.intensity(0, LONG);
        let (spec, start) = match way.as_str() {
            "never-starts" => (Spec::new("a"), Start::Fatal(8)),
            "blocks" => {
                let thread = Thread::new("a", OnBlock::ExitProcess).deadline(Duration::from_millis(200));
                let (entered, _) = unbounded_channel();
                let (release, gate) = std::sync::mpsc::channel();
                std::mem::forget(release);
                let spec = Spec::new("a").on_thread(thread).start_deadline(Duration::from_millis(200));
                (alone(spec), Start::Wait(entered, gate))
            }
            "hook-fails" => (alone(Spec::new("a")).exit(|_| panic!("planted: in the hook")), Start::Fail),
            _ => (alone(Spec::new("a")), Start::Panic),
        };
        let exit = Arc::clone(&spec.exit);
        let (a, child, plan) = rig.planned(spec);
        plan.lock().push_back(start);
        let _tree = Supervisor::new("root").intensity(0, LONG).child(child).start(exit).unwrap();
        a.ended().await;
        std::future::pending::<()>().await;
    });
}
