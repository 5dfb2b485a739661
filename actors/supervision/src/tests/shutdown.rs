//! Ends that are asked for.

use super::*;

#[actix::test]
async fn an_orderly_stop_handles_what_waits_and_then_refuses() {
    let bench = bench(|spec| spec);
    let asked = actix::spawn({
        let probe = bench.probe.clone();
        async move { probe.ask(Add(3), LONG).await }
    });
    tokio::task::yield_now().await;
    assert!(bench.probe.stop(LONG).await);
    assert_eq!(asked.await.unwrap().unwrap(), 3);
    assert_eq!(*bench.notes.lock(), ["started", "stopped"]);
    assert_eq!(bench.probe.send(Add(1)).unwrap_err().why, Why::Ended);
    assert_eq!(bench.made.load(Ordering::SeqCst), 1, "what was asked to end is not rebuilt");
}

#[actix::test]
async fn a_stop_cuts_off_at_its_deadline_what_will_not_end() {
    let bench = bench(|spec| spec);
    let (_keep, never) = oneshot::channel();
    bench.probe.send(WaitFor(never)).unwrap();
    assert!(!bench.probe.stop(Duration::from_millis(50)).await);
    assert_eq!(bench.probe.report().phase, Phase::Ended);
}

#[actix::test]
async fn a_stop_of_an_actor_that_blocks_its_thread_returns() {
    let arbiter = Arbiter::new();
    let bench = bench(|spec| spec.on(&arbiter));
    let (release, gate) = std::sync::mpsc::channel();
    let (entered, mut inside) = unbounded_channel();
    bench.probe.send(Block(gate, entered)).unwrap();
    inside.recv().await.unwrap();
    assert!(!bench.probe.stop(Duration::from_millis(20)).await);
    drop(release);
    bench.probe.ended().await;
    arbiter.stop();
}

#[actix::test]
async fn when_its_arbiter_goes_the_handle_says_so() {
    let arbiter = Arbiter::new();
    let bench = bench(|spec| spec.on(&arbiter));
    assert_eq!(bench.which().await, 1);
    arbiter.stop();
    let _ = arbiter.join();
    bench.probe.ended().await;
    assert_eq!(bench.probe.send(Add(1)).unwrap_err().why, Why::Ended);
}

#[actix::test]
async fn a_tree_handles_what_waits_and_stops_in_reverse_order() {
    let mut rig = Rig::new();
    let (handles, children) = rig.three();
    let tree = rig.start(group(Strategy::OneForOne, children));
    handles[2].lives(1).await;
    let asked = handles.clone().map(|handle| actix::spawn(async move { handle.ask(Which, LONG).await }));
    until(|| handles.iter().all(|handle| handle.report().handled + handle.report().waiting as u64 > 0)).await;
    tree.stop().await;
    for answer in asked {
        assert_eq!(answer.await.unwrap().unwrap(), 1);
    }
    assert_eq!(rig.log.lock().join(" "), "+a +b +c -c -b -a");
    assert!(rig.exits.try_recv().is_err(), "it was asked for");
    tree.stop().await;
}

#[actix::test]
async fn a_tree_cuts_off_at_its_deadline_who_hangs_or_will_not_stop() {
    let rig = Rig::new();
    let (handles, children) = rig.three();
    let tree = rig.start(group(Strategy::OneForOne, children));
    handles[2].lives(1).await;
    handles[0].ask(Do::Stay, LONG).await.unwrap();
    handles[1].ask(Do::Hang, LONG).await.unwrap();
    tree.stop().await;
    assert_eq!(rig.log.lock().join(" "), "+a +b +c -c -b -a");
    assert!(handles.iter().all(|handle| handle.report().phase == Phase::Ended));
}

/// A child that is down, and would start again in a minute.
async fn in_back_off(rig: &Rig) -> (Handle<Member>, Tree) {
    let minute = Backoff { first: LONG, max: LONG, reset_after: LONG };
    let (a, child, _) = rig.planned(Spec::new("a").backoff(minute));
    let tree = rig.start(Supervisor::new("root").intensity(9, LONG * 60).child(child));
    a.lives(1).await;
    a.send(Do::Panic).unwrap();
    a.lives(2).await;
    a.send(Do::Panic).unwrap();
    until(|| a.report().phase == Phase::Down).await;
    (a, tree)
}

#[actix::test]
async fn a_tree_in_back_off_stops_at_once() {
    let rig = Rig::new();
    let (a, tree) = in_back_off(&rig).await;
    let began = Instant::now();
    tree.stop().await;
    assert!(began.elapsed() < LONG / 2);
    assert_eq!((a.report().phase, a.report().incarnation > 2), (Phase::Ended, true));
    assert_eq!(rig.log.lock().join(" "), "+a -a +a -a");
}

#[actix::test]
async fn an_actor_in_back_off_ends_at_once_and_does_not_come_back() {
    let rig = Rig::new();
    let (a, tree) = in_back_off(&rig).await;
    assert!(a.stop(LONG).await);
    tokio::time::timeout(LONG, tree.stop()).await.unwrap();
    assert_eq!(rig.log.lock().join(" "), "+a -a +a -a");
}

#[actix::test]
async fn an_actor_in_back_off_for_which_messages_wait_ends_at_the_deadline_of_its_stop() {
    let rig = Rig::new();
    let minute = Backoff { first: LONG, max: LONG, reset_after: LONG };
    let (a, child, _) = rig.planned(Spec::new("a").backoff(minute));
    let tree = rig.start(Supervisor::new("root").intensity(9, LONG * 60).child(child));
    a.lives(1).await;
    a.send(Do::Panic).unwrap();
    a.lives(2).await;
    a.send(Do::Panic).unwrap();
    let waits = actix::spawn({
        let a = a.clone();
        async move { a.ask(Which, LONG * 10).await }
    });
    until(|| a.report().phase == Phase::Down).await;
    let began = Instant::now();
    a.stop(Duration::from_millis(20)).await;
    assert!(began.elapsed() < LONG / 2);
    a.is_over().await;
    // It was sent before or after the failure: either way it was surely not delivered.
    assert!(matches!(waits.await.unwrap(), Err(AskError::Refused(_))));
    tree.stop().await;
}

#[actix::test]
async fn a_tree_stops_while_a_group_restart_hangs() {
    let rig = Rig::new();
    let (a, a_child) = rig.member("a");
    let thread = Thread::new("b", OnBlock::Replace);
    let (b, b_child, b_plan) = rig.planned(Spec::new("b").on_thread(thread).start_deadline(LONG * 10));
    let tree = rig.start(group(Strategy::OneForAll, [a_child, b_child]));
    b.lives(1).await;
    let (entered, mut inside) = unbounded_channel();
    let (release, gate) = std::sync::mpsc::channel();
    b_plan.lock().push_back(Start::Wait(entered, gate));
    a.send(Do::Panic).unwrap();
    inside.recv().await.unwrap();
    tokio::time::timeout(LONG, tree.stop()).await.expect("it waits for no start");
    assert_eq!((a.report().phase, b.report().phase), (Phase::Ended, Phase::Ended));
    drop(release);
    until(|| Arc::strong_count(&rig.log) == 1).await;
    assert_eq!(rig.log.lock().join(" "), "+a +b -a -b +a -a +b -b", "what b made then is dropped");
}

#[actix::test]
async fn a_tree_stops_whose_start_hangs() {
    let rig = Rig::new();
    let (a, a_child, a_plan) = rig.planned(Spec::new("a").on_thread(Thread::new("a", OnBlock::Replace)));
    let (b, b_child) = rig.member("b");
    let (entered, mut inside) = unbounded_channel();
    let (release, gate) = std::sync::mpsc::channel();
    a_plan.lock().push_back(Start::Wait(entered, gate));
    let tree = rig.start(group(Strategy::OneForOne, [a_child, b_child]));
    inside.recv().await.unwrap();
    tokio::time::timeout(LONG, tree.stop()).await.expect("it waits for no start");
    assert_eq!((a.report().phase, b.report().phase), (Phase::Ended, Phase::Ended));
    drop(release);
    until(|| Arc::strong_count(&rig.log) == 1).await;
    assert_eq!(rig.log.lock().join(" "), "+a -a", "b was never started");
}

/// Asks its own supervisor, from within a handler.
struct Asker {
    me: Handle<Asker>,
    tree: Arc<Mutex<Option<Tree>>>,
}

impl Actor for Asker {
    type Context = Context<Self>;
}

message!(Report, "usize");
message!(StopAll, "()");

impl Handler<Report> for Asker {
    type Result = usize;
    fn handle(&mut self, _: Report, _: &mut Context<Self>) -> usize {
        let tree = self.tree.lock().clone().expect("it was started");
        assert!(self.me.report().handling.is_some());
        tree.report().actors().len() + tree.zombies()
    }
}

impl Handler<StopAll> for Asker {
    type Result = ();
    fn handle(&mut self, _: StopAll, context: &mut Context<Self>) {
        let tree = self.tree.lock().clone().expect("it was started");
        // It handles nothing until its tree has stopped, which waits for it.
        context.wait(async move { tree.stop().await }.into_actor(self));
    }
}

#[actix::test]
async fn a_child_that_asks_its_supervisor_or_waits_for_its_end_blocks_nobody() {
    let rig = Rig::new();
    let place = Arc::<Mutex<Option<Tree>>>::default();
    let (asker, seat) = reserve::<Asker>(Spec::new("asker"));
    let (me, of) = (asker.clone(), Arc::clone(&place));
    let child = seat.fill(move || Ok(Asker { me: me.clone(), tree: Arc::clone(&of) }));
    let tree = rig.start(group(Strategy::OneForOne, [child, rig.member("a").1]));
    *place.lock() = Some(tree.clone());
    assert_eq!(asker.ask(Report, LONG).await.unwrap(), 2);
    asker.send(StopAll).unwrap();
    tokio::time::timeout(LONG, asker.ended()).await.expect("it is cut off");
    tokio::time::timeout(LONG, tree.stop()).await.expect("no deadlock");
    *place.lock() = None;
}
