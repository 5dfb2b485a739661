//! The same small actor, a counter, in each of the five worlds.

use actix::{Actor, Arbiter, Context, Handler, Message};
use std::future::Future;
use std::time::Duration;
use supervision::{Handle, Spec, StartError, supervise};
use tokio::sync::{mpsc, oneshot};

/// Messages that may wait, where a bound can be set.
const MAILBOX_MAX: usize = 4_096;
const DEADLINE: Duration = Duration::from_secs(60);

/// How an actor is reached.
pub trait Target {
    /// Returns once the message is taken.
    fn tell(&self) -> impl Future<Output = ()>;
    /// The number of messages that were handled.
    fn ask(&self) -> impl Future<Output = u64>;
}

#[derive(Default)]
pub struct Counter(pub u64);

impl Actor for Counter {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "u64")]
pub struct Add(pub u64);

impl Handler<Add> for Counter {
    type Result = u64;
    fn handle(&mut self, message: Add, _: &mut Context<Self>) -> u64 {
        self.0 += message.0;
        self.0
    }
}

pub struct Ours(Handle<Counter>);

impl Ours {
    pub fn start(arbiter: &actix::ArbiterHandle) -> Ours {
        let spec = Spec::new("counter").mailbox_max(MAILBOX_MAX).on_handle(arbiter.clone());
        Ours(supervise(spec, || Ok::<_, StartError>(Counter::default())))
    }
}

impl Target for Ours {
    async fn tell(&self) {
        while self.0.send(Add(1)).is_err() {
            tokio::task::yield_now().await;
        }
    }

    async fn ask(&self) -> u64 {
        self.0.ask(Add(0), DEADLINE).await.expect("it runs")
    }
}

/// Without a bound: actix has none that holds.
pub struct Plain(pub actix::Addr<Counter>);

impl Target for Plain {
    async fn tell(&self) {
        self.0.do_send(Add(1));
    }

    async fn ask(&self) -> u64 {
        self.0.send(Add(0)).await.expect("it runs")
    }
}

pub struct Channel(mpsc::Sender<(u64, Option<oneshot::Sender<u64>>)>);

impl Channel {
    pub fn start(arbiter: &actix::ArbiterHandle) -> Channel {
        let (sender, mut messages) = mpsc::channel::<(u64, Option<oneshot::Sender<u64>>)>(MAILBOX_MAX);
        arbiter.spawn(async move {
            let mut count = 0;
            while let Some((more, reply)) = messages.recv().await {
                count += more;
                if let Some(reply) = reply {
                    let _ = reply.send(count);
                }
            }
        });
        Channel(sender)
    }
}

impl Target for Channel {
    async fn tell(&self) {
        self.0.send((1, None)).await.expect("it runs");
    }

    async fn ask(&self) -> u64 {
        let (reply, answer) = oneshot::channel();
        self.0.send((0, Some(reply))).await.expect("it runs");
        answer.await.expect("it answers")
    }
}

pub struct RactorCounter;

pub enum RactorMessage {
    Add(u64),
    Ask(ractor::RpcReplyPort<u64>),
    Panic,
}

impl ractor::Actor for RactorCounter {
    type Msg = RactorMessage;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<RactorMessage>, (): ()) -> Result<u64, ractor::ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ractor::ActorRef<RactorMessage>,
        message: RactorMessage,
        count: &mut u64,
    ) -> Result<(), ractor::ActorProcessingErr> {
        match message {
            RactorMessage::Add(more) => *count += more,
            RactorMessage::Ask(reply) => drop(reply.send(*count)),
            RactorMessage::Panic => panic!("planted"),
        }
        Ok(())
    }
}

/// Without a bound: ractor's mailboxes have none.
pub struct Ractor(ractor::ActorRef<RactorMessage>);

impl Ractor {
    pub async fn start(arbiter: &actix::ArbiterHandle) -> Ractor {
        let (sender, started) = oneshot::channel();
        arbiter.spawn(async move {
            let (actor, _) = ractor::Actor::spawn(None, RactorCounter, ()).await.expect("it starts");
            let _ = sender.send(actor);
        });
        Ractor(started.await.expect("it starts"))
    }
}

impl Target for Ractor {
    async fn tell(&self) {
        self.0.cast(RactorMessage::Add(1)).expect("it runs");
    }

    async fn ask(&self) -> u64 {
        self.0.call(RactorMessage::Ask, Some(DEADLINE)).await.expect("it runs").expect("it answers")
    }
}

#[derive(Clone)]
pub struct KameoCounter(u64);

impl kameo::Actor for KameoCounter {
    type Args = Self;
    type Error = kameo::error::Infallible;

    async fn on_start(counter: Self, _: kameo::actor::ActorRef<Self>) -> Result<Self, Self::Error> {
        Ok(counter)
    }
}

impl KameoCounter {
    pub fn new() -> KameoCounter {
        KameoCounter(0)
    }
}

pub struct KameoAdd(pub u64);

impl kameo::message::Message<KameoAdd> for KameoCounter {
    type Reply = u64;

    async fn handle(&mut self, message: KameoAdd, _: &mut kameo::message::Context<Self, u64>) -> u64 {
        self.0 += message.0;
        self.0
    }
}

pub struct Kameo(kameo::actor::ActorRef<KameoCounter>);

impl Kameo {
    pub async fn start(arbiter: &actix::ArbiterHandle) -> Kameo {
        let (sender, started) = oneshot::channel();
        arbiter.spawn(async move {
            let mailbox = kameo::mailbox::bounded(MAILBOX_MAX);
            let actor = <KameoCounter as kameo::actor::Spawn>::spawn_with_mailbox(KameoCounter::new(), mailbox);
            let _ = sender.send(actor);
        });
        Kameo(started.await.expect("it starts"))
    }
}

impl Target for Kameo {
    async fn tell(&self) {
        self.0.tell(KameoAdd(1)).await.expect("it runs");
    }

    async fn ask(&self) -> u64 {
        self.0.ask(KameoAdd(0)).reply_timeout(DEADLINE).await.expect("it answers")
    }
}

pub fn plain(arbiter: &actix::ArbiterHandle) -> Plain {
    Plain(Counter::start_in_arbiter(arbiter, |_| Counter::default()))
}

/// The arbiter that this runs on, or a new one.
pub fn arbiter(elsewhere: bool) -> actix::ArbiterHandle {
    if elsewhere { Arbiter::new().handle() } else { Arbiter::current() }
}
