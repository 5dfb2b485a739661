//! Supervision: how an actor is reached, and what happens when it fails.
//!
//! It owns each actor's mailbox, its restarts and the decision that the process must end. It must never know what an
//! actor is for: nothing of consensus, proofs or the network is named here.
//!
//! An actor stays an ordinary actix actor with ordinary handlers. It is reached through a [`Handle`], which outlives
//! every incarnation of it, so no address goes stale:
//!
//! ```
//! use actix::{Actor, Context, Handler, Message};
//! use supervision::{Spec, StartError, supervise};
//! use std::time::Duration;
//!
//! struct Counter(u64);
//! impl Actor for Counter {
//!     type Context = Context<Self>;
//! }
//!
//! #[derive(Message)]
//! #[rtype(result = "u64")]
//! struct Add(u64);
//! impl Handler<Add> for Counter {
//!     type Result = u64;
//!     fn handle(&mut self, message: Add, _: &mut Context<Self>) -> u64 {
//!         self.0 += message.0;
//!         self.0
//!     }
//! }
//!
//! actix::System::new().block_on(async {
//!     let counter = supervise(Spec::new("counter"), || Ok::<_, StartError>(Counter(40)));
//!     assert!(counter.send(Add(1)).is_ok());
//!     assert_eq!(counter.ask(Add(1), Duration::from_secs(5)).await.ok(), Some(42));
//! });
//! ```
//!
//! Actors that know each other are wired before any of them runs: [`reserve`] gives the handle at once and a [`Seat`]
//! that is started later.
//!
//! # What a sender may rely on
//!
//! - A message is either in the mailbox or given back ([`Refused`]): nothing is dropped without a word.
//! - What is in the mailbox when the actor panics stays there, in order, and the next incarnation handles it; the message
//!   whose handler panicked is not handled again. While no incarnation runs after a failure, new messages are refused.
//! - A request ends at its deadline. If its message was still waiting, it is given back; if its handler had begun, the
//!   answer is [`Unanswered`], which says "this may have run".
//! - A reply comes from the incarnation that is running. What an incarnation that panicked still answers is discarded.
//!
//! # What an actor may rely on
//!
//! - Every incarnation is made by the factory, from durable state; nothing of the old one is used again, and neither
//!   `stopping` nor `stopped` runs on an actor that panicked.
//! - Timers and neighbours on the arbiter get their turn after every [`BATCH_MAX`] messages, however full the mailbox.
//! - A future given back as actix' `ResponseFuture` runs beside the actor, and its panic is not the actor's: what touches
//!   state belongs in `ResponseActFuture` or `AtomicResponse`.

#[cfg(panic = "abort")]
compile_error!("supervision rebuilds an actor that panicked, which needs panic = \"unwind\"");

mod child;
mod fault_injection;
mod faults;
mod fence;
mod handle;
mod incarnation;
mod keeper;
mod mailbox;
mod panics;
mod policy;
mod report;
mod spec;
mod supervisor;
#[cfg(test)]
mod tests;
mod thread;
mod tree;
mod vitals;
mod watch;
mod work;

pub use child::{Child, Seat, reserve};
pub use faults::{BLOCK_TIME_MAX, Consequences, FLOOD_TIME, Fault, InjectError, UnknownFault};
pub use fence::{Fence, is_fenced};
pub use handle::{AskError, Handle, Refused, Unanswered};
pub use incarnation::{BATCH_MAX, fail};
pub use mailbox::{Phase, Why};
pub use panics::{Panic, caught};
pub use policy::{Backoff, Intensity, Restart, Strategy};
pub use report::{ActorReport, MemberReport, SupervisorReport, TreeReport};
pub use spec::{DEADLINE_MIN, EXIT_CODE_SUPERVISION, Exit, ExitHook, Spec, SpecError, StartError};
pub use supervisor::{Supervisor, supervise};
pub use thread::{BLOCK_DEADLINE, OnBlock, Thread};
pub use tree::{Tree, ZOMBIES_MAX};
pub use vitals::{Failure, Reason, Restarts};
