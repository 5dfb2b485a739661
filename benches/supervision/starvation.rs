//! Seven actors on three threads, as in a validator, each mailbox flooded at the rate that a sender can reach: how late are
//! timers, how old heartbeats, and how long does a kill take?

use crate::print;
use actix::{Actor, AsyncContext, Context, Handler, Message};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use supervision::{Backoff, Child, Fault, Handle, OnBlock, Spec, StartError, Supervisor, Thread, Tree, reserve};

const ACTORS: [(&str, &str); 7] = [
    ("verifier_pool", "work"),
    ("mempool", "work"),
    ("state", "work"),
    ("consensus", "votes"),
    ("view_change", "votes"),
    ("leader_election", "votes"),
    ("peers", "sessions"),
];
const TICK: Duration = Duration::from_millis(10);
/// What one message of the flood costs its handler.
const WORK: Duration = Duration::from_micros(2);
const FLOOD: Duration = Duration::from_secs(5);
const KILLS: usize = 210;

type Late = Arc<Mutex<Vec<Duration>>>;

struct Busy {
    ticked: Instant,
    late: Late,
}

impl Actor for Busy {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.ticked = Instant::now();
        context.run_interval(TICK, |busy, _| {
            let now = Instant::now();
            busy.late.lock().push((now - busy.ticked).saturating_sub(TICK));
            busy.ticked = now;
        });
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Load;

impl Handler<Load> for Busy {
    type Result = ();
    fn handle(&mut self, _: Load, _: &mut Context<Self>) {
        let began = Instant::now();
        while began.elapsed() < WORK {
            std::hint::spin_loop();
        }
    }
}

pub async fn measure() {
    let late = Late::default();
    let threads = ["work", "votes", "sessions"].map(|name| Thread::new(name, OnBlock::Replace));
    let (handles, children): (Vec<Handle<Busy>>, Vec<Child>) = ACTORS
        .into_iter()
        .map(|(name, thread)| {
            let on = threads.iter().find(|on| on.name() == thread).expect("each is there");
            let spec = Spec::new(name).on_thread(on.clone()).backoff(Backoff::NONE);
            let (handle, seat) = reserve::<Busy>(spec);
            let late = Arc::clone(&late);
            let make = move || Ok::<_, StartError>(Busy { ticked: Instant::now(), late: Arc::clone(&late) });
            (handle, seat.fill(make))
        })
        .unzip();
    let root = Supervisor::new("validator").intensity(KILLS * 2, Duration::from_secs(60));
    let hook = Arc::new(|exit: &supervision::Exit| panic!("{exit:?}"));
    let tree = children.into_iter().fold(root, Supervisor::child).start(hook).expect("it can work");
    for handle in &handles {
        assert!(handle.running().await);
    }
    let over = Arc::<AtomicBool>::default();
    let floods: Vec<_> = handles
        .iter()
        .cloned()
        .map(|handle| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    // Refused when the mailbox is full, and while the actor is down.
                    if handle.send(Load).is_err() {
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    late.lock().clear();
    let beats = beats(&handles).await;
    print("flood: a timer of 10 ms, late by", std::mem::take(&mut *late.lock()));
    print("flood: age of heartbeats", beats);
    print("flood: kill to the next incarnation", kills(&tree, &handles).await);
    over.store(true, Ordering::Relaxed);
    floods.into_iter().for_each(|flood| flood.join().expect("it only sends"));
    let handled: u64 = handles.iter().map(|handle| handle.report().handled).sum();
    println!("{:<58} {handled}", "flood: messages handled meanwhile");
    tree.stop().await;
}

async fn beats(handles: &[Handle<Busy>]) -> Vec<Duration> {
    let (began, mut ages) = (Instant::now(), Vec::new());
    while began.elapsed() < FLOOD {
        tokio::time::sleep(Duration::from_millis(5)).await;
        ages.extend(handles.iter().filter_map(|handle| handle.report().heartbeat_age));
    }
    ages
}

async fn kills(tree: &Tree, handles: &[Handle<Busy>]) -> Vec<Duration> {
    let mut spans = Vec::new();
    for handle in handles.iter().cycle().take(KILLS) {
        let before = handle.report().incarnation;
        let began = Instant::now();
        // It waits for no answer: that would come through the mailbox.
        tree.inject(handle.name(), Fault::Panic, Duration::ZERO).await.expect("it runs");
        while handle.report().incarnation == before || !handle.running().await {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        spans.push(began.elapsed());
    }
    spans
}
