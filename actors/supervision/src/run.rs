//! The run of a child, from one incarnation to the next, on the child's thread.
//!
//! It makes and runs incarnations and says how each ended. What it does once another run has taken its place must count for
//! nothing.

use crate::child::Core;
use crate::incarnation::{Ending, Incarnation};
use crate::mailbox::Phase;
use crate::panics::{Panic, caught};
use crate::restart::Ended;
use crate::spec::{Exit, StartError};
use crate::tree::Next;
use crate::vitals::Reason;
use actix::{Actor, Context};
use std::sync::Arc;

/// From one incarnation to the next; dropped, it says that the run is over, however it ended.
pub(crate) struct Run<A: Actor<Context = Context<A>>> {
    pub(crate) core: Arc<Core<A>>,
    pub(crate) number: u64,
    /// Whether the phase says already what follows.
    pub(crate) told: bool,
}

impl<A: Actor<Context = Context<A>>> Drop for Run<A> {
    fn drop(&mut self) {
        if !self.told {
            self.core.end_as(self.number);
        }
        let number = self.number;
        self.core.active.send_if_modified(|active| *active == number && std::mem::replace(active, 0) != 0);
    }
}

/// What one attempt to make and run the actor came to.
enum Outcome {
    Normal,
    Shutdown,
    Failed(Reason, String, Option<String>),
    Fatal(Exit),
    Fenced,
    /// The tree had it stop.
    Stopped,
}

impl<A: Actor<Context = Context<A>>> Run<A> {
    pub(crate) async fn go(mut self) {
        loop {
            let outcome = self.live().await;
            let ended = self.judge(outcome);
            // What is followed by nothing, or by a run of its own, must not end the mailbox when this is dropped.
            self.told = true;
            let Some(ended) = ended else { return };
            if !self.core.mailbox.enter(Phase::Down, self.number) {
                return;
            }
            let ended = if self.core.mailbox.ending() { Ended::Shutdown } else { ended };
            let next = self.core.tree().map_or(Next::End, |(tree, child)| tree.on_ended(child, self.number, ended));
            match next {
                Next::Again => {
                    self.told = false;
                    // The neighbours on the arbiter have their turn between two incarnations.
                    tokio::task::yield_now().await;
                    let Some(number) = self.core.mailbox.next_incarnation_after(self.number) else {
                        self.told = true;
                        return;
                    };
                    let before = std::mem::replace(&mut self.number, number);
                    self.core.active.send_if_modified(|active| {
                        let mine = *active == before;
                        *active = if mine { number } else { *active };
                        mine
                    });
                    // Whoever holds it by now was heard by nobody.
                    if self.is_held() {
                        self.told = true;
                        return;
                    }
                }
                Next::End => {
                    self.told = false;
                    return;
                }
                Next::Wait => return,
            }
        }
    }

    /// Notes how an incarnation ended. `None` if that is nobody's business any more, or the whole tree's.
    fn judge(&mut self, outcome: Outcome) -> Option<Ended> {
        let core = &self.core;
        let vitals = &core.mailbox.vitals;
        if !core.mailbox.is_current(self.number) {
            return None;
        }
        match outcome {
            Outcome::Fenced => None,
            Outcome::Fatal(exit) => {
                vitals.on_failed(Reason::StartFailed, exit.reason.clone(), None);
                // First: a tree whose last child has ended is over, and listens to nobody.
                if let Some((tree, _)) = core.tree() {
                    tree.fatal(exit);
                }
                core.end_as(self.number);
                None
            }
            Outcome::Shutdown => Some(Ended::Shutdown),
            Outcome::Stopped | Outcome::Normal if self.is_held() => {
                vitals.on_failed(Reason::WithSibling, String::new(), None);
                Some(Ended::Normal)
            }
            Outcome::Stopped => Some(Ended::Shutdown),
            Outcome::Normal => {
                tracing::warn!(actor = core.spec.name, incarnation = self.number, "an actor stopped unasked");
                vitals.on_failed(Reason::Terminated, "it stopped unasked".to_owned(), None);
                Some(Ended::Normal)
            }
            Outcome::Failed(reason, text, place) => {
                tracing::error!(
                    actor = core.spec.name,
                    incarnation = self.number,
                    ?reason,
                    place,
                    "an actor failed: {text}"
                );
                vitals.on_failed(reason, text, place);
                Some(Ended::Failed)
            }
        }
    }

    /// Whether the tree is restarting it with others.
    fn is_held(&self) -> bool {
        self.core.tree().is_some_and(|(tree, child)| tree.is_held(child))
    }

    async fn live(&self) -> Outcome {
        let (core, mailbox) = (&self.core, &self.core.mailbox);
        let fence = mailbox.fence(self.number);
        if !fence.holds() {
            return Outcome::Fenced;
        }
        mailbox.vitals.on_starting();
        let made = {
            let _entered = crate::fence::enter(&fence);
            // It was ended while this start was under way.
            let Some(made) = core.make() else { return Outcome::Fenced };
            if !fence.holds() {
                // Within the fence, so that its destructors too are refused what they say.
                if let Err(panic) = caught(|| drop(made)) {
                    tracing::error!(actor = core.spec.name, %panic, "a panic while an actor was dropped");
                }
                return Outcome::Fenced;
            }
            made
        };
        let start_failed = |text| Outcome::Failed(Reason::StartFailed, text, None);
        let actor = match made {
            Ok(Ok(actor)) => actor,
            Ok(Err(StartError::Fatal { code, reason })) => {
                return Outcome::Fatal(Exit { code, reason: format!("actor {}: {reason}", core.spec.name) });
            }
            Ok(Err(error @ StartError::Failed(_))) => return start_failed(error.to_string()),
            Err(Panic { text, place }) => {
                return Outcome::Failed(Reason::StartFailed, format!("its factory panicked: {text}"), place);
            }
        };
        let mut incarnation = Incarnation::new(actor, Arc::clone(mailbox), self.number);
        if let Some((tree, child)) = core.tree() {
            tree.on_started(child);
        }
        if !mailbox.enter(Phase::Running, self.number) {
            incarnation.cut_off();
            return Outcome::Fenced;
        }
        let mut cut = core.cut.subscribe();
        let ending = tokio::select! {
            biased;
            // The sender is in the core, which this holds: the wait ends only by its condition.
            Ok(cut) = cut.wait_for(|(number, _)| *number == self.number) => {
                let failure = cut.1.clone();
                drop(cut);
                if let Some(panic) = incarnation.cut_off() {
                    tracing::error!(actor = core.spec.name, %panic, "a panic while an actor was cut off");
                }
                return match failure {
                    Some((reason, text)) => Outcome::Failed(reason, text, None),
                    None => Outcome::Stopped,
                };
            }
            ending = &mut incarnation => ending,
        };
        match ending {
            Ending::Stopped if mailbox.ending() => Outcome::Shutdown,
            Ending::Stopped => Outcome::Normal,
            Ending::Terminated => {
                Outcome::Failed(Reason::Terminated, "a fault was injected: terminate".to_owned(), None)
            }
            Ending::Failed { text, place } => Outcome::Failed(Reason::Failed, text, Some(place)),
            Ending::Panicked(Panic { text, place }) => {
                Outcome::Failed(Reason::Panicked, format!("it panicked: {text}"), place)
            }
            Ending::Fenced => Outcome::Fenced,
        }
    }
}
