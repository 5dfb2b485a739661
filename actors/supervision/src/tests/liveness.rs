//! Actors that neither end nor go on.

use super::*;

/// Sends itself a message from every message, and counts its timer's ticks.
struct Restless {
    me: Handle<Restless>,
    ticks: Arc<AtomicUsize>,
}

impl Actor for Restless {
    type Context = Context<Self>;
    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(Duration::from_millis(1), |restless, _| {
            restless.ticks.fetch_add(1, Ordering::SeqCst);
        });
    }
}

impl Handler<Again> for Restless {
    type Result = ();
    fn handle(&mut self, _: Again, _: &mut Context<Self>) {
        let _ = self.me.send(Again);
        let _ = self.me.send(Again);
    }
}

#[actix::test]
async fn a_flood_starves_neither_timers_nor_neighbours_and_stays_bounded() {
    let ticks = Arc::<AtomicUsize>::default();
    let (restless, seat) = reserve::<Restless>(Spec::new("restless").mailbox_max(BATCH_MAX * 10));
    let (me, count) = (restless.clone(), Arc::clone(&ticks));
    seat.start(move || Ok(Restless { me: me.clone(), ticks: Arc::clone(&count) }));
    restless.send(Again).unwrap();
    let neighbour = bench(|spec| spec);
    let deadline = Instant::now() + LONG;
    while ticks.load(Ordering::SeqCst) < 20 {
        assert!(Instant::now() < deadline, "the timer starves");
        assert_eq!(neighbour.which().await, 1);
        assert!(restless.report().waiting <= BATCH_MAX * 10);
    }
    assert!(restless.stop(Duration::from_secs(1)).await || restless.report().phase == Phase::Ended);
}

#[actix::test]
async fn a_blocked_thread_is_left_behind_and_its_actors_go_on_on_a_new_one() {
    let thread = Thread::new("work", OnBlock::Replace).deadline(Duration::from_millis(200));
    let mut bench = bench(|spec| spec.on_thread(thread));
    let (release, gate) = std::sync::mpsc::channel();
    let (entered, mut inside) = unbounded_channel();
    bench.probe.send(Block(gate, entered)).unwrap();
    inside.recv().await.unwrap();
    bench.after(1).await;
    assert_eq!(bench.which().await, 2);
    assert!(bench.exits.try_recv().is_err());
    assert_eq!(bench.probe.report().restarts.blocked, 1);
    drop(release);
}

const SHORT: Duration = Duration::from_millis(300);

#[actix::test]
async fn an_actor_that_hangs_is_cut_off_at_its_deadline_and_what_waits_is_handled() {
    let rig = Rig::new();
    let (a, child, _) = rig.planned(Spec::new("a").hang_deadline(SHORT));
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    a.ask(Do::Hang, LONG).await.unwrap();
    let began = Instant::now();
    assert_eq!(a.ask(Which, LONG).await.unwrap(), 2);
    assert!(began.elapsed() >= SHORT / 2, "not before its deadline");
    assert_eq!(a.report().restarts.hung, 1);
    tree.stop().await;
}

/// A thread that its block does not take the process with.
fn replaceable(name: &'static str) -> Thread {
    Thread::new(name, OnBlock::Replace).deadline(SHORT)
}

#[actix::test]
async fn what_an_abandoned_thread_does_when_it_comes_back_counts_for_nothing() {
    let rig = Rig::new();
    let work = replaceable("work");
    let (a, a_child, _) = rig.planned(Spec::new("a").on_thread(work.clone()));
    let (b, b_child, _) = rig.planned(Spec::new("b").on_thread(work));
    let (c, c_child) = rig.member("c");
    let tree = rig.start(group(Strategy::OneForOne, [a_child, b_child, c_child]));
    c.lives(1).await;
    let (tell, told) = std::sync::mpsc::channel();
    let (peer, store) = (c.clone(), Arc::<Mutex<Vec<u64>>>::default());
    let written = Arc::clone(&store);
    let release = a
        .block(move || {
            let fence = Fence::current().expect("an actor has one");
            let mut store = store.lock();
            if fence.holds() {
                store.push(1);
            }
            let sent = peer.send(Do::Panic).map_err(|refused| refused.why);
            let _ = tell.send((sent, is_fenced(), a_report(&peer)));
        })
        .await;
    assert_eq!(a.ask(Which, LONG).await.unwrap(), 2, "it goes on elsewhere");
    b.lives(2).await;
    assert_eq!(b.ask(Which, LONG).await.unwrap(), 2, "and so does its neighbour");
    assert_eq!((a.report().restarts.blocked, b.report().restarts.with_sibling, tree.zombies()), (1, 1, 1));
    // A message counts once its handler has returned, a moment after its answer.
    until(|| a.report().handled == 1).await;
    drop(release);
    let (sent, fenced, _) = told.recv_timeout(LONG).unwrap();
    assert_eq!((sent, fenced), (Err(Why::Fenced), true));
    until(|| tree.zombies() == 0).await;
    assert!(written.lock().is_empty(), "it wrote nothing");
    assert_eq!(c.ask(Which, LONG).await.unwrap(), 1);
    assert_eq!(a.ask(Which, LONG).await.unwrap(), 2);
    until(|| a.report().handled > 1).await;
    assert_eq!(a.report().handled, 2, "nor is it seen in what is told of its successor");
    assert_eq!(rig.log.lock().iter().filter(|entry| *entry == "-a").count(), 1, "the old one is dropped");
    tree.stop().await;
}

fn a_report(handle: &Handle<Member>) -> u64 {
    handle.report().incarnation
}

#[actix::test]
async fn a_block_restarts_the_group_of_who_blocked() {
    let rig = Rig::new();
    let (a, a_child, _) = rig.planned(Spec::new("a").on_thread(replaceable("a")));
    let (b, b_child) = rig.member("b");
    let tree = rig.start(group(Strategy::OneForAll, [a_child, b_child]));
    b.lives(1).await;
    let release = a.block(|| ()).await;
    b.lives(2).await;
    assert_eq!(a.ask(Which, LONG).await.unwrap(), 2);
    assert_eq!(tree.report().root.restarts, 1);
    drop(release);
    tree.stop().await;
}

#[actix::test]
async fn a_block_is_found_while_another_group_restarts() {
    let rig = Rig::new();
    let (a, a_child) = rig.member("a");
    let (_b, b_child, b_plan) = rig.planned(Spec::new("b").on_thread(Thread::new("b", OnBlock::Replace)));
    let slow = Supervisor::new("slow").strategy(Strategy::OneForAll).child(a_child).child(b_child);
    let (c, c_child, _) = rig.planned(Spec::new("c").on_thread(replaceable("c")));
    let tree = rig.start(Supervisor::new("root").intensity(9, LONG).supervisor(slow).child(c_child));
    c.lives(1).await;
    let (entered, mut inside) = unbounded_channel();
    let (let_b_start, gate) = std::sync::mpsc::channel();
    b_plan.lock().push_back(Start::Wait(entered, gate));
    a.send(Do::Panic).unwrap();
    inside.recv().await.unwrap();
    let release = c.block(|| ()).await;
    until(|| c.report().restarts.blocked == 1).await;
    c.lives(2).await;
    assert!(tree.is_held(0), "the other one is not over");
    drop(let_b_start);
    drop(release);
    tree.stop().await;
}

#[actix::test]
async fn two_trees_that_share_a_blocked_thread_go_on_on_one_new_thread() {
    let work = replaceable("work");
    let rigs = [Rig::new(), Rig::new()];
    let (a, a_child, _) = rigs[0].planned(Spec::new("a").on_thread(work.clone()));
    let (b, b_child, _) = rigs[1].planned(Spec::new("b").on_thread(work));
    let trees =
        [rigs[0].start(group(Strategy::OneForOne, [a_child])), rigs[1].start(group(Strategy::OneForOne, [b_child]))];
    a.lives(1).await;
    b.lives(1).await;
    let release = a.block(|| ()).await;
    assert_eq!(b.ask(Which, LONG).await.unwrap(), 2);
    assert_eq!(a.ask(Which, LONG).await.unwrap(), 2);
    assert_eq!(trees.iter().map(Tree::zombies).sum::<usize>(), 1);
    // The other one counts a failure if it finds the block first: it cannot know who is inside.
    assert_eq!(trees[0].report().root.restarts, 1);
    drop(release);
    for tree in &trees {
        tree.stop().await;
    }
}

#[actix::test]
async fn a_factory_that_does_not_come_back_blocks_one_thread_and_then_the_process_ends() {
    let mut rig = Rig::new();
    let spec = Spec::new("a").on_thread(replaceable("a")).start_deadline(SHORT);
    let (a, a_child, plan) = rig.planned(spec);
    let (entered, mut inside) = unbounded_channel();
    let (release, gate) = std::sync::mpsc::channel();
    let tree = rig.start(group(Strategy::OneForOne, [a_child]));
    a.lives(1).await;
    plan.lock().push_back(Start::Wait(entered, gate));
    a.send(Do::Panic).unwrap();
    inside.recv().await.unwrap();
    let exit = rig.exited().await;
    assert!(exit.reason.contains("its factory has not returned"), "{}", exit.reason);
    assert_eq!(tree.zombies(), 1, "only the first start blocks a thread");
    drop(release);
    until(|| Arc::strong_count(&rig.log) == 1).await;
}

#[actix::test]
async fn one_abandoned_thread_too_many_ends_the_process() {
    let mut rig = Rig::new();
    let (a, child, _) = rig.planned(Spec::new("a").on_thread(replaceable("a")));
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    let mut releases = Vec::new();
    for number in 1..=ZOMBIES_MAX + 1 {
        a.lives(number as u64).await;
        releases.push(a.block(|| ()).await);
    }
    let exit = rig.exited().await;
    assert_eq!(exit.code, EXIT_CODE_SUPERVISION);
    assert!(exit.reason.contains("4 blocked threads are left behind"), "{}", exit.reason);
    drop(releases);
    until(|| tree.zombies() == 0).await;
}

/// Tells itself to go on, past its mailbox, without end.
struct Loop {
    turns: Arc<AtomicUsize>,
    ticks: usize,
    incarnation: u64,
}

impl Actor for Loop {
    type Context = Context<Self>;
    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(Duration::from_millis(1), |looping, _| looping.ticks += 1);
    }
}

impl Handler<Again> for Loop {
    type Result = ();
    fn handle(&mut self, _: Again, context: &mut Context<Self>) {
        self.turns.fetch_add(1, Ordering::SeqCst);
        context.notify(Again);
    }
}

message!(Ticks, "(u64, usize)");

impl Handler<Ticks> for Loop {
    type Result = actix::MessageResult<Ticks>;
    fn handle(&mut self, _: Ticks, _: &mut Context<Self>) -> Self::Result {
        actix::MessageResult((self.incarnation, self.ticks))
    }
}

#[actix::test]
async fn an_actor_that_notifies_itself_without_end_starves_nobody_and_can_be_killed() {
    let mut rig = Rig::new();
    let turns = Arc::<AtomicUsize>::default();
    let thread = replaceable("looping");
    let (looping, seat) = reserve::<Loop>(Spec::new("looping").on_thread(thread.clone()).hang_deadline(SHORT));
    let (neighbour, neighbour_child, _) = rig.planned(Spec::new("neighbour").on_thread(thread));
    let (count, mut incarnation) = (Arc::clone(&turns), 0);
    let child = seat.fill(move || {
        incarnation += 1;
        Ok(Loop { turns: Arc::clone(&count), incarnation, ticks: 0 })
    });
    let tree = rig.start(group(Strategy::OneForOne, [child, neighbour_child]));
    looping.send(Again).unwrap();
    let began = Instant::now();
    while began.elapsed() < SHORT * 3 {
        assert_eq!(neighbour.ask(Which, LONG).await.unwrap(), 1, "its neighbour has its turn");
    }
    assert!(turns.load(Ordering::SeqCst) > 1_000);
    let (first, ticks) = looping.ask(Ticks, LONG).await.unwrap();
    assert!(first == 1 && ticks > 10, "its messages and timers have theirs: {first}, {ticks}");
    tree.inject("looping", Fault::Panic, LONG).await.unwrap();
    assert_eq!(looping.ask(Ticks, LONG).await.unwrap().0, 2);
    assert_eq!((looping.report().restarts.total(), tree.zombies()), (1, 0), "it was never taken for blocked");
    tree.stop().await;
    assert!(rig.exits.try_recv().is_err());
}

#[actix::test]
async fn a_kill_lands_under_a_flood_before_what_waits() {
    let rig = Rig::new();
    let arbiter = Arbiter::new();
    let spec = Spec::new("a").on(&arbiter).mailbox_max(10_000).backoff(Backoff::NONE);
    let (a, child, _) = rig.planned(spec);
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    let mut took = Vec::new();
    for number in 1..=9 {
        a.lives(number).await;
        while a.send(Do::Spin(Duration::from_micros(200))).is_ok() {}
        let came = tree.inject("a", Fault::Panic, Duration::from_millis(1)).await.unwrap();
        a.lives(number + 1).await;
        assert!(a.report().waiting > 5_000, "it overtook what waits: {came:?}");
        let told = a.core.mailbox.vitals.look();
        took.push(told.detected.unwrap().saturating_duration_since(told.injected.unwrap()));
    }
    took.sort_unstable();
    // From the fault on; the machine may hold it up, but not each time.
    assert!(took[took.len() / 2] < Duration::from_millis(50), "{took:?}");
    arbiter.stop();
    tree.stop().await;
}

#[actix::test]
async fn a_flood_grows_no_memory() {
    let rig = Rig::new();
    let arbiter = Arbiter::new();
    let (a, child, _) = rig.planned(Spec::new("a").on(&arbiter).mailbox_max(100));
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    let release = a.block(|| ()).await;
    let taken = (0..100_000).filter(|_| a.send(Do::Nothing).is_ok()).count();
    assert_eq!((taken, a.report().waiting, a.report().refused), (100, 100, 99_900));
    drop(release);
    until(|| a.report().waiting == 0).await;
    assert_eq!(a.ask(Which, LONG).await.unwrap(), 1);
    tree.stop().await;
    arbiter.stop();
}

#[actix::test]
async fn a_machine_that_is_busy_makes_nobody_seem_to_hang() {
    let mut rig = Rig::new();
    let (a, a_child, _) = rig.planned(Spec::new("a").on_thread(Thread::new("a", OnBlock::Replace)));
    let (b, b_child) = rig.member("b");
    let tree = rig.start(group(Strategy::OneForOne, [a_child, b_child]));
    b.lives(1).await;
    let until_then = Instant::now() + Duration::from_secs(3);
    let spin = move || while Instant::now() < until_then {};
    let busy: Vec<_> = (0..8).map(|_| std::thread::spawn(spin)).collect();
    until(|| busy.iter().all(std::thread::JoinHandle::is_finished)).await;
    assert_eq!((a.ask(Which, LONG).await.unwrap(), b.ask(Which, LONG).await.unwrap()), (1, 1));
    assert!(rig.exits.try_recv().is_err());
    tree.stop().await;
}

#[actix::test]
async fn a_supervisor_that_was_not_run_for_a_while_takes_nobody_for_silent() {
    let rig = Rig::new();
    let (a, child, _) = rig.planned(Spec::new("a").hang_deadline(SHORT).on_thread(replaceable("a")));
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    a.lives(1).await;
    // All trees of a process are watched by one thread; the hook of another one holds it up.
    let (late, on_time) = unbounded_channel();
    let other: Handle<Member> = supervise(
        Spec::new("other").exit(move |_| {
            let until = Instant::now() + SHORT * 4;
            while Instant::now() < until {
                std::thread::park_timeout(SHORT);
            }
            let _ = late.send(());
        }),
        || Err(StartError::fatal(1, "planted")),
    );
    let mut on_time = on_time;
    on_time.recv().await.unwrap();
    other.is_over().await;
    let look = a.core.mailbox.vitals.look().beat;
    until(|| a.core.mailbox.vitals.look().beat > look).await;
    assert_eq!((a.report().restarts.total(), a.report().incarnation), (0, 1));
    tree.stop().await;
}

#[actix::test]
async fn an_actor_that_was_busy_when_it_was_asked_and_idle_since_does_not_hang() {
    let rig = Rig::new();
    // Its thread may be busy for longer than the actor may be silent.
    let thread = Thread::new("a", OnBlock::Replace);
    let (a, child, _) = rig.planned(Spec::new("a").hang_deadline(SHORT).on_thread(thread));
    let tree = rig.start(group(Strategy::OneForOne, [child]));
    a.ask(Do::Spin(SHORT / 2), LONG).await.unwrap();
    let began = Instant::now();
    until(|| began.elapsed() > SHORT * 4).await;
    assert_eq!((a.report().restarts.total(), a.ask(Which, LONG).await.unwrap()), (0, 1));
    tree.stop().await;
}

#[actix::test]
async fn a_disk_that_is_slow_is_waited_for_and_one_that_does_not_answer_is_named() {
    let rig = Rig::new();
    let slow = Thread::new("slow", OnBlock::Replace).deadline(SHORT);
    let dead = Thread::new("dead", OnBlock::Replace).deadline(SHORT).disk_deadline(SHORT * 4);
    let (a, a_child, _) = rig.planned(Spec::new("a").on_thread(slow));
    let (b, b_child, _) = rig.planned(Spec::new("b").on_thread(dead));
    let tree = rig.start(group(Strategy::OneForOne, [a_child, b_child]));
    b.lives(1).await;
    let on_disk = |file: &'static str| {
        let (entered, inside) = std::sync::mpsc::channel();
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let waits = move || {
            let _ = entered.send(());
            let _ = gate.recv();
        };
        (inside, release, move || crate::on_disk(std::path::Path::new(file), waits))
    };
    let (inside, release_a, wait) = on_disk("/data/of a");
    a.send(Do::Run(Box::new(wait))).unwrap();
    inside.recv_timeout(LONG).unwrap();
    until(|| a.report().waits_for == Some(crate::WaitsFor::Disk)).await;
    assert!(a.report().is_alive(Duration::ZERO), "the service manager does not end it");
    let (inside, release_b, wait) = on_disk("/data/of b");
    let began = Instant::now();
    b.send(Do::Run(Box::new(wait))).unwrap();
    inside.recv_timeout(LONG).unwrap();
    until(|| b.report().restarts.blocked == 1).await;
    assert!(began.elapsed() >= SHORT * 3, "the disk has a deadline of its own");
    let failure = b.report().last_failure.unwrap().text;
    assert!(failure.contains("for the disk (/data/of b) while it handled"), "{failure}");
    assert_eq!(a.report().restarts.total(), 0, "it is waited for yet");
    drop(release_a);
    assert_eq!(a.ask(Which, LONG).await.unwrap(), 1);
    drop(release_b);
    until(|| tree.zombies() == 0).await;
    tree.stop().await;
}
