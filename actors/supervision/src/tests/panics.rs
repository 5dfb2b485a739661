//! Places a panic can be, and what it leaves behind: nothing.

use super::*;

#[actix::test]
async fn a_panic_in_a_handler_is_answered_with_a_fresh_actor() {
    let bench = bench(|spec| spec);
    assert_eq!(bench.probe.ask(Add(5), LONG).await.unwrap(), 5);
    match bench.probe.ask(Panic, LONG).await {
        Err(AskError::MayHaveRun(Unanswered::Failed { actor: "probe" })) => {}
        other => panic!("{other:?}"),
    }
    bench.after(1).await;
    assert_eq!(bench.probe.ask(Add(1), LONG).await.unwrap(), 1, "nothing of the old incarnation is left");
    assert_eq!(*bench.notes.lock(), ["started", "started"], "stopped never runs on what a panic left");
    assert_eq!(bench.probe.report().incarnation, 2);
}

#[actix::test]
async fn a_panic_in_a_timer_a_future_or_a_destructor_is_answered_with_a_fresh_actor() {
    let bench = bench(|spec| spec);
    bench.probe.send(PanicInTimer).unwrap();
    bench.after(1).await;
    bench.probe.send(PanicInFuture).unwrap();
    bench.after(2).await;
    bench.probe.send(PanicInDrop).unwrap();
    bench.after(3).await;
    assert_eq!(bench.which().await, 4);
}

struct Unstartable {
    attempts: Arc<AtomicUsize>,
}

impl Actor for Unstartable {
    type Context = Context<Self>;
    fn started(&mut self, _: &mut Context<Self>) {
        if self.attempts.fetch_add(1, Ordering::SeqCst) < 2 {
            panic!("planted: in started");
        }
    }
}

impl Handler<Which> for Unstartable {
    type Result = u64;
    fn handle(&mut self, _: Which, _: &mut Context<Self>) -> u64 {
        self.attempts.load(Ordering::SeqCst) as u64
    }
}

#[actix::test]
async fn a_panic_in_started_loses_no_waiting_message() {
    let attempts = Arc::<AtomicUsize>::default();
    let (actor, seat) = reserve::<Unstartable>(Spec::new("unstartable"));
    let asked = actix::spawn({
        let actor = actor.clone();
        async move { actor.ask(Which, LONG).await }
    });
    tokio::task::yield_now().await;
    seat.start(move || Ok(Unstartable { attempts: Arc::clone(&attempts) }));
    assert_eq!(asked.await.unwrap().unwrap(), 3, "the third incarnation answered");
}

#[actix::test]
async fn an_actor_that_stops_unasked_is_rebuilt() {
    let bench = bench(|spec| spec);
    bench.probe.send(StopYourself).unwrap();
    bench.after(1).await;
    assert_eq!(bench.which().await, 2);
    assert_eq!(*bench.notes.lock(), ["started", "stopped", "started"]);
}

#[actix::test]
async fn a_factory_that_fails_or_panics_counts_as_a_failure() {
    let (sender, mut exits) = unbounded_channel();
    let spec = Spec::new("probe").intensity(2, LONG).exit(move |exit| drop(sender.send(exit.clone())));
    let mut attempts = 0;
    let probe: Handle<Probe> = supervise(spec, move || {
        attempts += 1;
        assert!(attempts > 1, "planted: in the factory");
        Err(StartError::failed("the durable state cannot be read"))
    });
    let exit = exits.recv().await.unwrap();
    assert_eq!(exit.code, EXIT_CODE_SUPERVISION);
    assert!(exit.reason.contains("the durable state cannot be read"), "{}", exit.reason);
    assert!(!probe.running().await);
}

#[actix::test]
async fn a_panic_in_stopped_is_a_failure_like_another() {
    let rig = Rig::new();
    let (a, child) = rig.member("a");
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    a.ask(Do::PanicInStopped, LONG).await.unwrap();
    a.send(Do::Stop).unwrap();
    a.lives(2).await;
    assert_eq!(a.report().restarts.panicked, 1);
    a.ask(Do::PanicInStopped, LONG).await.unwrap();
    tree.stop().await;
    assert_eq!(rig.log.lock().join(" "), "+a -a +a -a");
}

#[actix::test]
async fn a_panic_in_a_destructor_after_a_stop_is_a_failure_like_another() {
    let rig = Rig::new();
    let (a, child) = rig.member("a");
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    a.ask(Do::PanicInDrop, LONG).await.unwrap();
    a.send(Do::Stop).unwrap();
    a.lives(2).await;
    assert_eq!(a.report().restarts.panicked, 1);
    a.ask(Do::PanicInDrop, LONG).await.unwrap();
    tree.stop().await;
    assert_eq!(a.report().phase, Phase::Ended);
}

#[actix::test]
async fn a_panic_in_the_supervisor_itself_ends_the_process() {
    let mut rig = Rig::new();
    let (a, child) = rig.member("a");
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    a.lives(1).await;
    tree.tell(crate::tree::Event::Panic);
    let exit = rig.exited().await;
    assert_eq!(exit.code, EXIT_CODE_SUPERVISION);
    assert!(exit.reason.contains("supervision itself failed"), "{}", exit.reason);
    tokio::time::timeout(LONG, tree.stop()).await.expect("nobody waits for it");
    assert!(rig.exits.try_recv().is_err(), "once");
    assert!(a.stop(LONG).await);
}

/// Panics when it is dropped.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("planted: in a destructor");
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Carry(#[allow(dead_code)] Option<Grenade>);

impl Handler<Carry> for Member {
    type Result = ();
    fn handle(&mut self, message: Carry, _: &mut Context<Self>) {
        drop(message);
    }
}

#[actix::test]
async fn a_panic_of_what_a_factory_or_a_mailbox_holds_ends_nobody_else() {
    let mut rig = Rig::new();
    let (a, seat) = reserve::<Member>(Spec::new("a").restart(Restart::Temporary));
    let grenade = Grenade;
    let child = seat.fill(move || {
        let _ = &grenade;
        Err(StartError::failed("planted"))
    });
    a.send(Carry(Some(Grenade))).unwrap();
    a.send(Carry(None)).unwrap();
    let (b, b_child) = rig.member("b");
    let tree = rig.start(group(Strategy::OneForOne, [child, b_child]));
    a.is_over().await;
    assert_eq!(b.ask(Which, LONG).await.unwrap(), 1, "its neighbour on the arbiter");
    assert_eq!(a.report().lost, 2);
    tree.stop().await;
    assert!(rig.exits.try_recv().is_err());
}
