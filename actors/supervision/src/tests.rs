//! What supervision promises, each promise with the failure that would break it: a file for each kind.
//!
//! Here is what they share: an actor that does what its messages say, and how it is started.

use super::{
    AskError, BATCH_MAX, Backoff, Child, EXIT_CODE_SUPERVISION, Exit, Fault, Fence, Handle, OnBlock, Phase, Restart,
    Spec, SpecError, StartError, Strategy, Supervisor, Thread, Tree, Unanswered, Why, ZOMBIES_MAX, fail, is_fenced,
    reserve, supervise,
};
use actix::{
    Actor, ActorContext, ActorFutureExt, Arbiter, AsyncContext, Context, Handler, Message, ResponseActFuture,
    ResponseFuture, Running, WrapFuture,
};
use parking_lot::Mutex;
use std::collections::VecDeque;
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
message!(Again, "()");
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

message!(WaitFor(oneshot::Receiver<()>), "()");

impl Handler<WaitFor> for Probe {
    type Result = ();
    fn handle(&mut self, message: WaitFor, context: &mut Context<Self>) {
        context.wait(message.0.into_actor(self).map(|_, _, _| ()));
    }
}

/// What happened to the actors of a tree, in order: `+a` when one is made, `-a` when it is dropped.
type Log = Arc<Mutex<Vec<String>>>;

/// An actor of a tree, which does what it is told.
struct Member {
    name: &'static str,
    log: Log,
    incarnation: u64,
    panic_in_stopped: bool,
    panic_in_drop: bool,
    stays: bool,
}

impl Actor for Member {
    type Context = Context<Self>;

    fn stopping(&mut self, _: &mut Context<Self>) -> Running {
        if self.stays { Running::Continue } else { Running::Stop }
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        assert!(!self.panic_in_stopped, "planted: in stopped");
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.log.lock().push(format!("-{}", self.name));
        assert!(!self.panic_in_drop, "planted: in drop");
    }
}

#[derive(Message)]
#[rtype(result = "()")]
enum Do {
    Panic,
    Fail,
    Stop,
    /// Waits for ever; its thread goes on.
    Hang,
    /// Occupies its thread until the gate is dropped, then goes on with this.
    Block(UnboundedSender<()>, std::sync::mpsc::Receiver<()>, Box<dyn FnOnce() + Send>),
    Spin(Duration),
    Run(Box<dyn FnOnce() + Send>),
    PanicInStopped,
    PanicInDrop,
    /// Does not stop when it is asked to.
    Stay,
    Nothing,
}

impl Handler<Do> for Member {
    type Result = ();
    fn handle(&mut self, message: Do, context: &mut Context<Self>) {
        match message {
            Do::Panic => panic!("planted: in a handler"),
            Do::Fail => fail(context, "planted: an error"),
            Do::Stop => context.stop(),
            Do::Hang => context.wait(std::future::pending::<()>().into_actor(self)),
            Do::Block(entered, gate, then) => {
                let _ = entered.send(());
                let _ = gate.recv();
                then();
            }
            Do::Spin(span) => {
                let began = Instant::now();
                while began.elapsed() < span {
                    std::hint::spin_loop();
                }
            }
            Do::Run(run) => run(),
            Do::PanicInStopped => self.panic_in_stopped = true,
            Do::PanicInDrop => self.panic_in_drop = true,
            Do::Stay => self.stays = true,
            Do::Nothing => {}
        }
    }
}

impl Handler<Which> for Member {
    type Result = u64;
    fn handle(&mut self, _: Which, _: &mut Context<Self>) -> u64 {
        self.incarnation
    }
}

/// What the factory of a member does instead of making it.
enum Start {
    Fail,
    Panic,
    Fatal(i32),
    /// Blocks until the gate is dropped.
    Wait(UnboundedSender<()>, std::sync::mpsc::Receiver<()>),
    Well,
}

type Plan = Arc<Mutex<VecDeque<Start>>>;

/// A tree's actors, what happened to them, and whether the process would have ended.
struct Rig {
    log: Log,
    exit: UnboundedSender<Exit>,
    exits: UnboundedReceiver<Exit>,
}

impl Rig {
    fn new() -> Rig {
        let (exit, exits) = unbounded_channel();
        Rig { log: Log::default(), exit, exits }
    }

    fn member(&self, name: &'static str) -> (Handle<Member>, Child) {
        let (handle, child, _) = self.planned(Spec::new(name));
        (handle, child)
    }

    fn planned(&self, spec: Spec) -> (Handle<Member>, Child, Plan) {
        let (log, plan, name) = (Arc::clone(&self.log), Plan::default(), spec.name);
        let (handle, seat) = reserve::<Member>(spec);
        let planned = Arc::clone(&plan);
        let mut incarnation = 0;
        let child = seat.fill(move || {
            let start = planned.lock().pop_front().unwrap_or(Start::Well);
            match start {
                Start::Fail => return Err(StartError::failed("planted: no start")),
                Start::Panic => panic!("planted: in a factory"),
                Start::Fatal(code) => return Err(StartError::fatal(code, "planted: never")),
                Start::Wait(entered, gate) => {
                    let _ = entered.send(());
                    let _ = gate.recv();
                }
                Start::Well => {}
            }
            incarnation += 1;
            log.lock().push(format!("+{name}"));
            let log = Arc::clone(&log);
            Ok(Member { name, log, incarnation, panic_in_stopped: false, panic_in_drop: false, stays: false })
        });
        (handle, child, plan)
    }

    fn three(&self) -> ([Handle<Member>; 3], [Child; 3]) {
        let [(a, a_child), (b, b_child), (c, c_child)] = ["a", "b", "c"].map(|name| self.member(name));
        ([a, b, c], [a_child, b_child, c_child])
    }

    fn start(&self, supervisor: Supervisor) -> Tree {
        let exit = self.exit.clone();
        supervisor.start(Arc::new(move |code| drop(exit.send(code.clone())))).expect("it can work")
    }

    async fn exited(&mut self) -> Exit {
        tokio::time::timeout(LONG, self.exits.recv()).await.expect("in time").expect("the rig holds a sender")
    }

    /// Waits until this has happened, and nothing else.
    async fn saw(&self, expected: &str) {
        let seen = || self.log.lock().join(" ");
        until(|| seen().len() >= expected.len()).await;
        assert_eq!(seen(), expected);
    }
}

fn group(strategy: Strategy, children: impl IntoIterator<Item = Child>) -> Supervisor {
    let all = Supervisor::new("root").strategy(strategy).intensity(20, LONG);
    children.into_iter().fold(all, Supervisor::child)
}

/// Waits for what nobody tells.
async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "it does not happen");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

impl Handle<Member> {
    /// Waits until this incarnation runs.
    async fn lives(&self, incarnation: u64) {
        let mut life = self.core.mailbox.watch();
        let reached = life.wait_for(|life| life.incarnation >= incarnation && life.phase == Phase::Running);
        tokio::time::timeout(LONG, reached).await.expect("in time").expect("the handle holds the sender");
    }

    async fn is_over(&self) {
        tokio::time::timeout(LONG, self.ended()).await.expect("in time");
    }

    /// Has it occupy its thread; what is given back lets it go on.
    async fn block(&self, then: impl FnOnce() + Send + 'static) -> std::sync::mpsc::Sender<()> {
        let (entered, mut inside) = unbounded_channel();
        let (release, gate) = std::sync::mpsc::channel();
        self.send(Do::Block(entered, gate, Box::new(then))).unwrap();
        inside.recv().await.unwrap();
        release
    }
}

mod handles;
mod intensity;
mod liveness;
mod matrix;
mod panics;
mod shutdown;
mod specs;
mod strategies;
