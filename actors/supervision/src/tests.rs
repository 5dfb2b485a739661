//! What supervision promises, each promise with the failure that would break it.

use super::{
    AskError, BATCH_MAX, EXIT_CODE_SUPERVISION, Exit, Handle, Phase, Spec, StartError, Unanswered, Why, reserve,
    supervise,
};
use actix::{
    Actor, ActorContext, ActorFutureExt, Arbiter, AsyncContext, Context, Handler, Message, ResponseActFuture,
    ResponseFuture, WrapFuture,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Wide: a loaded machine must not fail a test.
const LONG: Duration = Duration::from_secs(60);

/// Does what its messages say, and notes what happened to it.
struct Probe {
    incarnation: u64,
    value: u64,
    notes: Notes,
    panic_when_dropped: bool,
}

type Notes = Arc<Mutex<Vec<&'static str>>>;

impl Actor for Probe {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.notes.lock().push("started");
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.notes.lock().push("stopped");
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        assert!(!self.panic_when_dropped, "planted: in drop");
    }
}

macro_rules! message {
    ($name:ident $(($($field:ty),*))?, $result:literal) => {
        #[derive(Message)]
        #[rtype(result = $result)]
        struct $name $(($($field),*))?;
    };
}
message!(Add(u64), "u64");
message!(Which, "u64");
message!(Panic, "()");
message!(PanicInTimer, "()");
message!(PanicInFuture, "()");
message!(PanicInDrop, "()");
message!(StopYourself, "()");
message!(Hold(oneshot::Receiver<()>), "u64");
message!(AnswerBeside(oneshot::Receiver<()>), "u64");
message!(Block(std::sync::mpsc::Receiver<()>, UnboundedSender<()>), "()");

impl Handler<Add> for Probe {
    type Result = u64;
    fn handle(&mut self, message: Add, _: &mut Context<Self>) -> u64 {
        self.value += message.0;
        self.value
    }
}

impl Handler<Which> for Probe {
    type Result = u64;
    fn handle(&mut self, _: Which, _: &mut Context<Self>) -> u64 {
        self.incarnation
    }
}

impl Handler<Panic> for Probe {
    type Result = ();
    fn handle(&mut self, _: Panic, _: &mut Context<Self>) {
        panic!("planted: in a handler");
    }
}

impl Handler<PanicInTimer> for Probe {
    type Result = ();
    fn handle(&mut self, _: PanicInTimer, context: &mut Context<Self>) {
        context.run_later(Duration::from_millis(1), |_, _| panic!("planted: in a timer"));
    }
}

impl Handler<PanicInFuture> for Probe {
    type Result = ();
    fn handle(&mut self, _: PanicInFuture, context: &mut Context<Self>) {
        context.spawn(async { panic!("planted: in a future") }.into_actor(self));
    }
}

impl Handler<PanicInDrop> for Probe {
    type Result = ();
    fn handle(&mut self, _: PanicInDrop, _: &mut Context<Self>) {
        self.panic_when_dropped = true;
        panic!("planted: before the drop");
    }
}

impl Handler<StopYourself> for Probe {
    type Result = ();
    fn handle(&mut self, _: StopYourself, context: &mut Context<Self>) {
        context.stop();
    }
}

impl Handler<Hold> for Probe {
    type Result = ResponseActFuture<Self, u64>;
    fn handle(&mut self, message: Hold, _: &mut Context<Self>) -> Self::Result {
        Box::pin(message.0.into_actor(self).map(|_, probe, _| probe.incarnation))
    }
}

impl Handler<AnswerBeside> for Probe {
    type Result = ResponseFuture<u64>;
    fn handle(&mut self, message: AnswerBeside, _: &mut Context<Self>) -> Self::Result {
        let incarnation = self.incarnation;
        Box::pin(async move {
            let _ = message.0.await;
            incarnation
        })
    }
}

impl Handler<Block> for Probe {
    type Result = ();
    fn handle(&mut self, message: Block, _: &mut Context<Self>) {
        let _ = message.1.send(());
        let _ = message.0.recv();
    }
}

struct Bench {
    probe: Handle<Probe>,
    notes: Notes,
    made: Arc<AtomicU64>,
    exits: UnboundedReceiver<Exit>,
}

fn bench(adjust: impl FnOnce(Spec) -> Spec) -> Bench {
    let (sender, exits) = unbounded_channel();
    let notes = Notes::default();
    let made = Arc::new(AtomicU64::new(0));
    let spec = adjust(Spec::new("probe").exit(move |exit| drop(sender.send(exit.clone()))));
    let probe = supervise(spec, factory(Arc::clone(&notes), Arc::clone(&made)));
    Bench { probe, notes, made, exits }
}

fn factory(notes: Notes, made: Arc<AtomicU64>) -> impl FnMut() -> Result<Probe, StartError> + Send {
    move || {
        let incarnation = made.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Probe { incarnation, value: 0, notes: Arc::clone(&notes), panic_when_dropped: false })
    }
}

impl Bench {
    async fn which(&self) -> u64 {
        self.probe.ask(Which, LONG).await.expect("it runs")
    }

    /// Waits until an incarnation after `number` runs.
    async fn after(&self, number: u64) {
        let wait = self.probe.reaches_for_test(number);
        tokio::time::timeout(LONG, wait).await.expect("it is rebuilt");
    }
}

impl Handle<Probe> {
    async fn reaches_for_test(&self, number: u64) {
        let mut life = self.core.mailbox.watch();
        let reached = life.wait_for(|life| life.incarnation > number && life.phase == Phase::Running).await;
        assert!(reached.is_ok());
    }
}

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
async fn a_fatal_start_ends_the_process_with_its_own_code() {
    let (sender, mut exits) = unbounded_channel();
    let spec = Spec::new("probe").exit(move |exit| drop(sender.send(exit.clone())));
    let _probe: Handle<Probe> = supervise(spec, || Err(StartError::fatal(8, "record 17 of the log is damaged")));
    let exit = exits.recv().await.unwrap();
    assert_eq!((exit.code, exit.reason.as_str()), (8, "actor probe: record 17 of the log is damaged"));
}

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

message!(WaitFor(oneshot::Receiver<()>), "()");

impl Handler<WaitFor> for Probe {
    type Result = ();
    fn handle(&mut self, message: WaitFor, context: &mut Context<Self>) {
        context.wait(message.0.into_actor(self).map(|_, _, _| ()));
    }
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

message!(Again, "()");

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
