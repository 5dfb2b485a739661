//! Makes an actor, watches it, and makes it again or ends the process.
//!
//! It owns the loop from one incarnation to the next. It must never reuse anything of an incarnation that failed.

use super::handle::Handle;
use super::incarnation::{Ending, Incarnation};
use super::mailbox::{Mailbox, Phase};
use super::panics::{caught, install_hook};
use super::spec::{EXIT_CODE_SUPERVISION, Exit, Failures, OnFailure, Spec, StartError};
use crate::metrics;
use actix::{Actor, Arbiter, Context};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// A place for an actor that is not there yet. Messages to its handle wait; if the seat is dropped they are refused.
pub struct Seat<A: Actor<Context = Context<A>>> {
    spec: Spec,
    occupant: Occupant<A>,
    kill: watch::Receiver<bool>,
}

/// Gives the handle of an actor that will be started later, so that actors can know each other.
pub fn reserve<A: Actor<Context = Context<A>>>(spec: Spec) -> (Handle<A>, Seat<A>) {
    install_hook();
    let mailbox = Arc::new(Mailbox::new(spec.name, spec.mailbox_max));
    let (kill, killed) = watch::channel(false);
    let handle = Handle { mailbox: Arc::clone(&mailbox), kill };
    (handle, Seat { spec, occupant: Occupant { mailbox, incarnation: 0 }, kill: killed })
}

/// Starts an actor and keeps it alive. The factory runs on the actor's arbiter, once for each incarnation.
///
/// # Panics
/// If the spec names no arbiter and none runs on this thread.
pub fn supervise<A, F>(spec: Spec, factory: F) -> Handle<A>
where
    A: Actor<Context = Context<A>>,
    F: FnMut() -> Result<A, StartError> + Send + 'static,
{
    let (handle, seat) = reserve(spec);
    seat.start(factory);
    handle
}

impl<A: Actor<Context = Context<A>>> Seat<A> {
    /// Starts the actor; see [`supervise`].
    ///
    /// # Panics
    /// If the spec names no arbiter and none runs on this thread.
    pub fn start<F>(self, factory: F)
    where
        F: FnMut() -> Result<A, StartError> + Send + 'static,
    {
        let arbiter = self.spec.arbiter.clone().unwrap_or_else(Arbiter::current);
        // If the arbiter is gone the closure is dropped, and with it the occupant, which ends the mailbox.
        arbiter.spawn_fn(move || {
            actix::spawn(keep_alive(self.spec, self.occupant, self.kill, factory));
        });
    }
}

/// The supervisor's side of the mailbox. Whatever ends the supervisor, senders are told.
struct Occupant<A: Actor<Context = Context<A>>> {
    mailbox: Arc<Mailbox<A>>,
    incarnation: u64,
}

impl<A: Actor<Context = Context<A>>> Occupant<A> {
    fn enter(&self, phase: Phase) {
        let dropped = self.mailbox.enter(phase, self.incarnation);
        if dropped > 0 {
            tracing::warn!(actor = self.mailbox.name, messages = dropped, "dropped with the actor's end");
        }
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Occupant<A> {
    fn drop(&mut self) {
        if self.mailbox.life().phase != Phase::Ended {
            self.enter(Phase::Ended);
        }
    }
}

/// What one attempt to make and run the actor came to.
enum Outcome {
    Ended,
    Failed(String),
    Fatal(Exit),
}

async fn keep_alive<A, F>(spec: Spec, mut occupant: Occupant<A>, mut kill: watch::Receiver<bool>, mut factory: F)
where
    A: Actor<Context = Context<A>>,
    F: FnMut() -> Result<A, StartError> + 'static,
{
    let mut failures = Failures::new(spec.intensity);
    let exit = loop {
        occupant.incarnation += 1;
        let reason = match live(&occupant, &mut kill, &mut factory).await {
            Outcome::Ended => break None,
            Outcome::Fatal(exit) => break Some(exit),
            Outcome::Failed(reason) => reason,
        };
        metrics::actor_failed(spec.name);
        tracing::error!(actor = spec.name, incarnation = occupant.incarnation, %reason, "an actor failed");
        if occupant.mailbox.ending() {
            break None;
        }
        let reason = format!("actor {} failed: {reason}", spec.name);
        match spec.on_failure {
            OnFailure::ExitProcess => break Some(Exit { code: EXIT_CODE_SUPERVISION, reason }),
            OnFailure::Rebuild if !failures.may_rebuild(Instant::now()) => {
                let limit = format!("more than {} times in {:?}", spec.intensity.rebuilds_max, spec.intensity.window);
                break Some(Exit { code: EXIT_CODE_SUPERVISION, reason: format!("{reason} ({limit})") });
            }
            OnFailure::Rebuild => {}
        }
        // The neighbours on the arbiter have their turn between two incarnations.
        tokio::task::yield_now().await;
    };
    occupant.enter(Phase::Ended);
    if let Some(exit) = exit {
        (spec.exit)(&exit);
    }
}

async fn live<A, F>(occupant: &Occupant<A>, kill: &mut watch::Receiver<bool>, factory: &mut F) -> Outcome
where
    A: Actor<Context = Context<A>>,
    F: FnMut() -> Result<A, StartError>,
{
    let actor = match caught(factory) {
        Ok(Ok(actor)) => actor,
        Ok(Err(StartError::Fatal { code, reason })) => {
            return Outcome::Fatal(Exit { code, reason: format!("actor {}: {reason}", occupant.mailbox.name) });
        }
        Ok(Err(error @ StartError::Failed(_))) => {
            occupant.enter(Phase::Down);
            return Outcome::Failed(error.to_string());
        }
        Err(panic) => {
            occupant.enter(Phase::Down);
            return Outcome::Failed(format!("its factory panicked: {panic}"));
        }
    };
    let mut incarnation = Incarnation::new(actor, Arc::clone(&occupant.mailbox), occupant.incarnation);
    occupant.enter(Phase::Running);
    let ending = tokio::select! {
        biased;
        // Without any handle nobody can kill it; it lives on.
        Ok(_) = kill.wait_for(|killed| *killed) => {
            incarnation.cut_off();
            return Outcome::Ended;
        }
        ending = &mut incarnation => ending,
    };
    match ending {
        Ending::Stopped if occupant.mailbox.ending() => Outcome::Ended,
        Ending::Stopped => {
            occupant.enter(Phase::Down);
            Outcome::Failed("it stopped unasked".into())
        }
        Ending::Panicked(panic) => {
            occupant.enter(Phase::Down);
            Outcome::Failed(format!("it panicked: {panic}"))
        }
    }
}
