//! What a tree does with a child, whatever its actor is.
//!
//! Called on any thread; none of it waits for the actor.

use crate::child::{Core, Probe};
use crate::faults::{FLOOD_TIME, Fault};
use crate::mailbox::{Control, Deliver, Life, Phase};
use crate::report::ActorReport;
use crate::spec::Spec;
use crate::thread::{OnBlock, Thread};
use crate::tree::WeakTree;
use crate::vitals::{Kind, Look, Moments, Reason};
use actix::{Actor, Context};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What the tree does with a child, whatever its actor is.
pub(crate) trait Supervised: Send + Sync {
    fn spec(&self) -> &Spec;
    fn set_probe(&self, probe: Probe);
    fn never_start(&self);
    fn settle(&self, tree: WeakTree, child: usize);
    fn thread(&self) -> Thread;
    /// Starts a run with a new incarnation, unless it has ended; every earlier one is fenced.
    fn start(self: Arc<Self>);
    /// The same, if the current incarnation is still this one.
    fn start_after(self: Arc<Self>, number: u64);
    /// Nothing will start it again.
    fn end(&self);
    /// Fences the running incarnation, and counts its run as over: its thread is blocked.
    fn give_up(&self);
    /// Asks the running incarnation to stop, and leaves the messages to the next.
    fn ask_to_stop(&self);
    /// Refuses new messages, handles those that wait, then stops for good.
    fn ask_to_end(&self);
    /// Ends this incarnation without its help; without a failure, because the tree wants it gone.
    fn cut_off(&self, number: u64, failure: Option<(Reason, String)>);
    fn is_current(&self, number: u64) -> bool;
    /// Counts the end of an incarnation that did not say so itself.
    fn note(&self, reason: Reason, text: String);
    fn nudge(&self);
    fn active(&self) -> watch::Receiver<u64>;
    fn watch(&self) -> watch::Receiver<Life>;
    fn life(&self) -> Life;
    fn look(&self) -> Look;
    /// The part of a look that the watch needs each time.
    fn moments(&self) -> Moments;
    fn report(&self, now: Instant) -> ActorReport;
    fn inject(&self, fault: Fault);
    fn probe(&self) -> Pin<Box<dyn Future<Output = bool> + Send>>;
}

/// A message that means nothing; a flood is made of it.
struct Nothing;

impl<A: Actor<Context = Context<A>>> Deliver<A> for Nothing {
    fn deliver(self: Box<Self>, _: &mut A, _: &mut Context<A>, _: u64) {}

    fn kind(&self) -> Kind {
        || "Nothing"
    }
}

/// A question that any actor answers by handling it.
struct AreYouThere(tokio::sync::oneshot::Sender<()>);

impl<A: Actor<Context = Context<A>>> Deliver<A> for AreYouThere {
    fn deliver(self: Box<Self>, _: &mut A, _: &mut Context<A>, _: u64) {
        // Whoever asked may have gone.
        let _ = self.0.send(());
    }

    fn kind(&self) -> Kind {
        || "AreYouThere"
    }
}

impl<A: Actor<Context = Context<A>>> Supervised for Core<A> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn set_probe(&self, probe: Probe) {
        // The first one counts.
        let _ = self.probe.set(probe);
    }

    fn never_start(&self) {
        if self.place.get().is_none() {
            self.end_as(0);
        }
    }

    fn settle(&self, tree: WeakTree, child: usize) {
        let thread = || Thread::here(self.spec.name, OnBlock::ExitProcess);
        self.thread.get_or_init(|| self.spec.thread.clone().unwrap_or_else(thread));
        let _ = self.place.set((tree, child));
    }

    fn thread(&self) -> Thread {
        self.thread.get().expect("settled before anything else").clone()
    }

    fn start(self: Arc<Self>) {
        if self.mailbox.life().phase != Phase::Ended {
            let number = self.mailbox.next_incarnation();
            self.run(number);
        }
    }

    fn start_after(self: Arc<Self>, number: u64) {
        if let Some(number) = self.mailbox.next_incarnation_after(number) {
            self.run(number);
        }
    }

    fn is_current(&self, number: u64) -> bool {
        self.mailbox.is_current(number)
    }

    fn end(&self) {
        let number = self.mailbox.next_incarnation();
        self.end_as(number);
    }

    fn give_up(&self) {
        let number = self.mailbox.next_incarnation();
        self.mailbox.enter(Phase::Down, number);
        self.active.send_replace(0);
    }

    fn ask_to_stop(&self) {
        self.mailbox.tell(Control::Stop);
    }

    fn ask_to_end(&self) {
        self.begin_end();
    }

    fn cut_off(&self, number: u64, failure: Option<(Reason, String)>) {
        self.cut.send_replace((number, failure));
    }

    fn note(&self, reason: Reason, text: String) {
        self.mailbox.vitals.on_failed(reason, text, None);
    }

    fn nudge(&self) {
        self.mailbox.vitals.on_nudged(Instant::now());
        self.mailbox.nudge();
    }

    fn active(&self) -> watch::Receiver<u64> {
        self.active.subscribe()
    }

    fn watch(&self) -> watch::Receiver<Life> {
        self.mailbox.watch()
    }

    fn life(&self) -> Life {
        self.mailbox.life()
    }

    fn look(&self) -> Look {
        self.mailbox.vitals.look()
    }

    fn moments(&self) -> Moments {
        self.mailbox.vitals.moments()
    }

    fn report(&self, now: Instant) -> ActorReport {
        Core::report(self, now)
    }

    fn inject(&self, fault: Fault) {
        if fault != Fault::Flood {
            return self.mailbox.tell(Control::Fail(fault));
        }
        self.mailbox.vitals.on_injected();
        let mailbox = Arc::clone(&self.mailbox);
        std::thread::spawn(move || {
            let began = Instant::now();
            while began.elapsed() < FLOOD_TIME {
                // Refused when it is full, which is the point.
                let _ = mailbox.push(|| Box::new(Nothing));
            }
        });
    }

    fn probe(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        match self.probe.get() {
            Some(probe) => probe(),
            None => {
                let (sender, answer) = tokio::sync::oneshot::channel();
                let pushed = self.mailbox.push(|| Box::new(AreYouThere(sender)));
                Box::pin(async move {
                    pushed.is_ok() && matches!(tokio::time::timeout(Duration::from_secs(2), answer).await, Ok(Ok(())))
                })
            }
        }
    }
}
