//! What a sender may rely on, whatever happens to the actor.

use super::*;

#[actix::test]
async fn a_message_and_a_request_reach_the_actor_in_order() {
    let bench = bench(|spec| spec);
    for _ in 0..1_000 {
        bench.probe.send(Add(1)).unwrap();
    }
    assert_eq!(bench.probe.ask(Add(0), LONG).await.unwrap(), 1_000);
}

#[actix::test]
async fn messages_sent_before_the_start_wait_for_it() {
    let (probe, seat) = reserve::<Probe>(Spec::new("probe"));
    probe.send(Add(40)).unwrap();
    assert_eq!(probe.report().phase, Phase::Reserved);
    seat.start(factory(Notes::default(), Arc::default()));
    assert_eq!(probe.ask(Add(2), LONG).await.unwrap(), 42);
}

#[actix::test]
async fn a_seat_that_is_never_taken_gives_its_messages_back() {
    let (probe, seat) = reserve::<Probe>(Spec::new("probe"));
    let asked = actix::spawn({
        let probe = probe.clone();
        async move { probe.ask(Add(7), LONG).await }
    });
    tokio::task::yield_now().await;
    drop(seat);
    match asked.await.unwrap() {
        Err(AskError::Refused(refused)) => assert_eq!((refused.message.0, refused.why), (7, Why::Ended)),
        other => panic!("{other:?}"),
    }
    let refused = probe.send(Add(8)).unwrap_err();
    assert_eq!((refused.message.0, refused.why), (8, Why::Ended));
}

#[actix::test]
async fn what_waited_behind_a_panic_is_handled_by_the_next_incarnation() {
    let bench = bench(|spec| spec);
    bench.probe.running().await;
    bench.probe.send(Panic).unwrap();
    bench.probe.send(Add(1)).unwrap();
    bench.probe.send(Add(2)).unwrap();
    assert_eq!(bench.probe.ask(Add(0), LONG).await.unwrap(), 3);
    assert_eq!(bench.which().await, 2);
}

#[actix::test]
async fn while_the_actor_is_down_a_message_is_given_back() {
    let arbiter = Arbiter::new();
    let (in_factory, mut entered) = unbounded_channel();
    let (let_go, gate) = std::sync::mpsc::channel::<()>();
    let made = Arc::<AtomicU64>::default();
    let mut make = factory(Notes::default(), Arc::clone(&made));
    let probe = supervise(Spec::new("probe").on(&arbiter), move || {
        if made.load(Ordering::SeqCst) == 1 {
            let _ = in_factory.send(());
            let _ = gate.recv();
        }
        make()
    });
    assert_eq!(probe.ask(Which, LONG).await.unwrap(), 1);
    probe.send(Panic).unwrap();
    entered.recv().await.unwrap();
    let refused = probe.send(Add(9)).unwrap_err();
    assert_eq!((refused.message.0, refused.why), (9, Why::Down));
    match probe.ask(Add(10), LONG).await {
        Err(AskError::Refused(refused)) => assert_eq!((refused.message.0, refused.why), (10, Why::Down)),
        other => panic!("{other:?}"),
    }
    let_go.send(()).unwrap();
    assert!(probe.running().await);
    assert_eq!(probe.ask(Which, LONG).await.unwrap(), 2);
    arbiter.stop();
}

#[actix::test]
async fn a_full_mailbox_gives_the_message_back_and_keeps_what_it_took() {
    let (probe, seat) = reserve::<Probe>(Spec::new("probe").mailbox_max(3));
    for _ in 0..3 {
        probe.clone().send(Add(1)).unwrap();
    }
    let refused = probe.clone().send(Add(1)).unwrap_err();
    assert_eq!((refused.message.0, refused.why), (1, Why::Full { mailbox_max: 3 }));
    assert_eq!(probe.report().waiting, 3);
    seat.start(factory(Notes::default(), Arc::default()));
    let deadline = Instant::now() + LONG;
    let sum = loop {
        match probe.ask(Add(0), LONG).await {
            Ok(sum) => break sum,
            Err(AskError::Refused(_)) if Instant::now() < deadline => tokio::task::yield_now().await,
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(sum, 3);
}

#[actix::test]
async fn at_its_deadline_a_waiting_request_is_given_back_and_never_runs() {
    let (probe, seat) = reserve::<Probe>(Spec::new("probe"));
    match probe.ask(Add(100), Duration::from_millis(5)).await {
        Err(AskError::Refused(refused)) => assert_eq!((refused.message.0, refused.why), (100, Why::Deadline)),
        other => panic!("{other:?}"),
    }
    seat.start(factory(Notes::default(), Arc::default()));
    assert_eq!(probe.ask(Add(1), LONG).await.unwrap(), 1);
}

#[actix::test]
async fn at_its_deadline_a_request_that_runs_may_have_run() {
    let bench = bench(|spec| spec);
    let (_keep, held) = oneshot::channel();
    match bench.probe.ask(Hold(held), Duration::from_millis(5)).await {
        Err(AskError::MayHaveRun(Unanswered::Deadline { actor: "probe", .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[actix::test]
async fn a_request_that_nobody_waits_for_any_more_does_not_run() {
    let (probe, seat) = reserve::<Probe>(Spec::new("probe"));
    let asked = actix::spawn({
        let probe = probe.clone();
        async move { probe.ask(Add(100), LONG).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(probe.report().waiting, 1);
    asked.abort();
    assert!(asked.await.is_err());
    seat.start(factory(Notes::default(), Arc::default()));
    assert_eq!(probe.ask(Add(1), LONG).await.unwrap(), 1);
}

#[actix::test]
async fn an_incarnation_that_failed_answers_nobody() {
    let bench = bench(|spec| spec);
    let (release, gate) = oneshot::channel();
    let asked = actix::spawn({
        let probe = bench.probe.clone();
        // Its future runs beside the actor and outlives it.
        async move { probe.ask(AnswerBeside(gate), LONG).await }
    });
    assert_eq!(bench.which().await, 1);
    tokio::task::yield_now().await;
    bench.probe.send(Panic).unwrap();
    match asked.await.unwrap() {
        Err(AskError::MayHaveRun(Unanswered::Failed { .. })) => {}
        other => panic!("{other:?}"),
    }
    bench.after(1).await;
    drop(release);
    assert_eq!(bench.which().await, 2);
}

#[actix::test]
async fn no_message_is_handled_while_the_actor_waits() {
    let bench = bench(|spec| spec);
    let (release, gate) = oneshot::channel();
    bench.probe.send(WaitFor(gate)).unwrap();
    match bench.probe.ask(Which, Duration::from_millis(20)).await {
        Err(AskError::Refused(refused)) => assert_eq!(refused.why, Why::Deadline),
        other => panic!("{other:?}"),
    }
    release.send(()).unwrap();
    assert_eq!(bench.which().await, 1);
}

#[actix::test]
async fn what_was_never_delivered_never_may_have_run() {
    let rig = Rig::new();
    let (a, child, plan) = rig.planned(Spec::new("a").restart(Restart::Temporary));
    plan.lock().push_back(Start::Panic);
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let a = a.clone();
            actix::spawn(async move { a.ask(Do::Nothing, LONG).await })
        })
        .collect();
    until(|| a.report().waiting == 100).await;
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    for answer in asked {
        match answer.await.unwrap() {
            Err(AskError::Refused(refused)) => {
                assert!(matches!((refused.message, refused.why), (Do::Nothing, Why::Ended)));
            }
            other => panic!("{other:?}"),
        }
    }
    tree.stop().await;
}

#[actix::test]
async fn a_full_mailbox_gives_the_message_back_and_forgets_none() {
    let (probe, seat) = reserve::<Probe>(Spec::new("probe").mailbox_max(3));
    for number in 1..=3 {
        probe.send(Add(number)).unwrap();
    }
    let refused = probe.send(Add(4)).unwrap_err();
    assert_eq!((refused.message.0, refused.why), (4, Why::Full { mailbox_max: 3 }));
    assert_eq!(probe.report().refused, 1);
    seat.start(factory(Notes::default(), Arc::default()));
    until(|| probe.report().waiting == 0).await;
    assert_eq!(probe.ask(Add(0), LONG).await.unwrap(), 6);
}

#[actix::test]
async fn through_a_hundred_failures_every_message_is_handled_once_or_given_back() {
    let rig = Rig::new();
    let spec = Spec::new("probe").backoff(Backoff::NONE);
    let (handled, gone) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let (probe, seat) = reserve::<Tally>(spec);
    let count = Arc::clone(&handled);
    let child = seat.fill(move || Ok(Tally(Arc::clone(&count))));
    let tree = rig.start(Supervisor::new("root").intensity(1_000, LONG).child(child));
    let senders: Vec<_> = (0..2)
        .map(|_| {
            let (probe, gone) = (probe.clone(), Arc::clone(&gone));
            std::thread::spawn(move || {
                for number in 0..5_000u32 {
                    let sent = probe.send(Count { fail: number % 100 == 99 });
                    gone.fetch_add(u64::from(sent.is_err()), Ordering::SeqCst);
                }
            })
        })
        .collect();
    until(|| senders.iter().all(std::thread::JoinHandle::is_finished)).await;
    until(|| probe.report().waiting == 0 && probe.report().phase == Phase::Running).await;
    assert!(probe.stop(LONG).await);
    assert_eq!(handled.load(Ordering::SeqCst) + gone.load(Ordering::SeqCst), 10_000);
    tree.stop().await;
}

/// Counts every message that reaches it, also those at which it fails.
struct Tally(Arc<AtomicU64>);

impl Actor for Tally {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Count {
    fail: bool,
}

impl Handler<Count> for Tally {
    type Result = ();
    fn handle(&mut self, message: Count, _: &mut Context<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        assert!(!message.fail, "planted: while it counts");
    }
}
