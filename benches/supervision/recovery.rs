//! From the kill of an actor without durable state to the first request that its next incarnation answers.

use crate::print;
use crate::targets::{KameoAdd, KameoCounter, RactorCounter, RactorMessage, arbiter};
use actix::{Actor, ActorContext, Context, Handler, Message};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use supervision::{Backoff, Spec, StartError, supervise};

const KILLS: usize = 500;
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two kills, so that a thread has gone to sleep, as it has where nothing happens.
const PAUSE: Duration = Duration::from_millis(2);

pub async fn measure() {
    for (elsewhere, place) in [(false, "one thread"), (true, "two threads")] {
        ours(place, elsewhere, "panic").await;
        ours(place, elsewhere, "terminate").await;
        ractor(place, elsewhere, "panic").await;
        ractor(place, elsewhere, "kill").await;
        kameo(place, elsewhere, "panic").await;
        kameo(place, elsewhere, "kill").await;
    }
}

struct Mortal(u64);

impl Actor for Mortal {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Die {
    by_panic: bool,
}

impl Handler<Die> for Mortal {
    type Result = ();
    fn handle(&mut self, message: Die, context: &mut Context<Self>) {
        assert!(!message.by_panic, "planted");
        context.terminate();
    }
}

#[derive(Message)]
#[rtype(result = "u64")]
struct Which;

impl Handler<Which> for Mortal {
    type Result = u64;
    fn handle(&mut self, _: Which, _: &mut Context<Self>) -> u64 {
        self.0
    }
}

async fn ours(place: &str, elsewhere: bool, how: &str) {
    let mut lives = 0;
    // Without a back-off: it is the restart that is measured, and not a second one soon after a first.
    let spec = Spec::new("mortal").intensity(KILLS * 2, DEADLINE).backoff(Backoff::NONE);
    let mortal = supervise(spec.on_handle(arbiter(elsewhere)), move || {
        lives += 1;
        Ok::<_, StartError>(Mortal(lives))
    });
    let mut spans = Vec::new();
    for life in 1..=KILLS as u64 {
        assert_eq!(mortal.ask(Which, DEADLINE).await.expect("it runs"), life);
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        mortal.send(Die { by_panic: how == "panic" }).expect("it runs");
        // What is refused while it is down is asked again; what waits behind the kill is answered by the next life.
        while mortal.ask(Which, DEADLINE).await.ok() != Some(life + 1) {
            tokio::task::yield_now().await;
        }
        spans.push(began.elapsed());
    }
    mortal.stop(DEADLINE).await;
    print(&format!("{how} to serving, {place}, supervision"), spans);
}

/// Starts its child again, as ractor leaves to the supervisor.
struct Parent;

type Place = Arc<Mutex<Option<ractor::ActorRef<RactorMessage>>>>;

impl ractor::Actor for Parent {
    type Msg = ();
    type State = Place;
    type Arguments = Place;

    async fn pre_start(&self, me: ractor::ActorRef<()>, place: Place) -> Result<Place, ractor::ActorProcessingErr> {
        let (child, _) = ractor::Actor::spawn_linked(None, RactorCounter, (), me.get_cell()).await?;
        *place.lock() = Some(child);
        Ok(place)
    }

    async fn handle_supervisor_evt(
        &self,
        me: ractor::ActorRef<()>,
        event: ractor::SupervisionEvent,
        place: &mut Place,
    ) -> Result<(), ractor::ActorProcessingErr> {
        use ractor::SupervisionEvent::{ActorFailed, ActorTerminated};
        if let ActorFailed(..) | ActorTerminated(..) = event {
            let (child, _) = ractor::Actor::spawn_linked(None, RactorCounter, (), me.get_cell()).await?;
            *place.lock() = Some(child);
        }
        Ok(())
    }
}

async fn ractor(place: &str, elsewhere: bool, how: &str) {
    let at = Place::default();
    let given = Arc::clone(&at);
    arbiter(elsewhere).spawn(async move {
        ractor::Actor::spawn(None, Parent, given).await.expect("it starts");
    });
    let child = || at.lock().clone();
    while child().is_none() {
        tokio::task::yield_now().await;
    }
    let mut spans = Vec::new();
    for _ in 0..KILLS {
        let old = child().expect("it runs");
        old.call(RactorMessage::Ask, Some(DEADLINE)).await.expect("it runs");
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        match how {
            "panic" => old.cast(RactorMessage::Panic).expect("it runs"),
            _ => old.kill(),
        }
        loop {
            let now = child().expect("there is always one");
            if now.get_id() != old.get_id() {
                let asked = now.call(RactorMessage::Ask, Some(DEADLINE)).await;
                if asked.is_ok_and(|answer| answer.is_success()) {
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
        spans.push(began.elapsed());
    }
    print(&format!("{how} to serving, {place}, ractor"), spans);
}

#[derive(Clone)]
struct KameoParent;

impl kameo::Actor for KameoParent {
    type Args = Self;
    type Error = kameo::error::Infallible;

    async fn on_start(parent: Self, _: kameo::actor::ActorRef<Self>) -> Result<Self, Self::Error> {
        Ok(parent)
    }
}

struct KameoPanic;

impl kameo::message::Message<KameoPanic> for KameoCounter {
    type Reply = ();

    async fn handle(&mut self, _: KameoPanic, _: &mut kameo::message::Context<Self, ()>) {
        panic!("planted");
    }
}

async fn kameo(place: &str, elsewhere: bool, how: &str) {
    use kameo::actor::Spawn;
    let (sender, started) = tokio::sync::oneshot::channel();
    arbiter(elsewhere).spawn(async move {
        let parent = KameoParent::spawn(KameoParent);
        let child = KameoCounter::supervise(&parent, KameoCounter::new()).restart_limit(u32::MAX, DEADLINE);
        let _ = sender.send((child.spawn().await, parent));
    });
    let (child, _parent) = started.await.expect("it starts");
    let mut spans = Vec::new();
    for _ in 0..KILLS {
        // Its count tells whether it is a new one.
        child.ask(KameoAdd(1)).await.expect("it runs");
        tokio::time::sleep(PAUSE).await;
        let began = Instant::now();
        match how {
            "panic" => child.tell(KameoPanic).await.expect("it runs"),
            _ => child.kill(),
        }
        while child.ask(KameoAdd(0)).reply_timeout(DEADLINE).await.ok() != Some(0) {
            tokio::task::yield_now().await;
        }
        spans.push(began.elapsed());
    }
    print(&format!("{how} to serving, {place}, kameo"), spans);
}
