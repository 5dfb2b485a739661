//! Supervision trees for actix actors: an actor that fails is made anew within a fraction of a millisecond, from what is
//! durable, and its mailbox outlives it; what cannot be mended so ends the process, with an exit code that says so.
//!
//! This crate owns each actor's mailbox, its restarts and the decision that the process must end. It must never know what an
//! actor is for: nothing of consensus, proofs or the network is named here.
//!
//! An actor stays an ordinary actix actor with ordinary handlers. It is reached through a [`Handle`], which outlives every
//! incarnation of it, so no address goes stale. One alone:
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
//! # A tree
//!
//! Actors that know each other are wired before any of them runs: [`reserve`] gives the handle at once, and a [`Seat`] that is
//! filled with a factory. A [`Supervisor`] starts its children in order, stops them in reverse, and restarts them by its
//! [`Strategy`]; one that has seen too many failures gives up and fails as a child of its own supervisor, and the root ends the
//! process with [`EXIT_CODE_SUPERVISION`].
//!
//! ```
//! # use actix::{Actor, Context, Handler, Message};
//! use supervision::{Fault, OnBlock, Spec, Strategy, Supervisor, Thread, reserve};
//! use std::{sync::Arc, time::Duration};
//! # struct Reader(supervision::Handle<Index>);
//! # impl Actor for Reader { type Context = Context<Self>; }
//! # #[derive(Message)]
//! # #[rtype(result = "u64")]
//! # struct Line;
//! # struct Index(u64);
//! # impl Actor for Index { type Context = Context<Self>; }
//! # impl Handler<Line> for Index {
//! #     type Result = u64;
//! #     fn handle(&mut self, _: Line, _: &mut Context<Self>) -> u64 { self.0 += 1; self.0 }
//! # }
//! # impl Reader {
//! #     fn open(index: supervision::Handle<Index>) -> Result<Reader, supervision::StartError> { Ok(Reader(index)) }
//! # }
//!
//! actix::System::new().block_on(async {
//!     // A thread of their own: if one of them blocks it, both go on on another.
//!     let work = Thread::new("work", OnBlock::Replace);
//!     let (index, index_seat) = reserve::<Index>(Spec::new("index").on_thread(work.clone()));
//!     let (_reader, reader_seat) = reserve::<Reader>(Spec::new("reader").on_thread(work));
//!
//!     let of = index.clone();
//!     let tree = Supervisor::new("files")
//!         .strategy(Strategy::RestForOne)
//!         .intensity(5, Duration::from_secs(10))
//!         .child(index_seat.fill(|| Ok(Index(0))))
//!         .child(reader_seat.fill(move || Reader::open(of.clone())))
//!         .start(Arc::new(|exit| std::process::exit(exit.code)))
//!         .expect("the specs can work");
//!
//!     assert_eq!(index.ask(Line, Duration::from_secs(5)).await.ok(), Some(1));
//!     // As an operator would try it: kill one, and see what came of it.
//!     let came = tree.inject("index", Fault::Panic, Duration::from_secs(5)).await.expect("it runs");
//!     assert_eq!((came.incarnation, came.lost), (2, 0));
//!     assert_eq!(index.ask(Line, Duration::from_secs(5)).await.ok(), Some(1), "a new one, made by its factory");
//!     tree.stop().await;
//! });
//! ```
//!
//! # What a sender may rely on
//!
//! - A message is either in the mailbox or given back ([`Refused`]): nothing is dropped without a word.
//! - What is in the mailbox when the actor fails stays there, in order, and the next incarnation handles it; the message
//!   whose handler failed is not handled again. While no incarnation runs after a failure, new messages are refused.
//! - A request ends at its deadline. If its message was still waiting, it is given back; if its handler had begun, the
//!   answer is [`Unanswered`], which says "this may have run".
//! - A reply comes from the incarnation that is running. What an incarnation that failed still answers is discarded.
//! - What an incarnation that was given up says is refused ([`Why::Fenced`]), and its [`Fence`] does not hold.
//! - A handle that says that its actor has ended ([`Phase::Ended`]) never says anything else again.
//!
//! # What an actor may rely on
//!
//! - Every incarnation is made by the factory, from durable state; nothing of the old one is used again, and neither
//!   `stopping` nor `stopped` runs on an actor that panicked. Two incarnations of one actor never run at once, but for one
//!   whose thread was left behind, and that one is fenced.
//! - Timers and neighbours on the arbiter get their turn after every [`BATCH_MAX`] messages, however full the mailbox, and
//!   also while an actor notifies itself without end (`ctx.notify`).
//! - A stop and a kill overtake what waits in the mailbox.
//! - It is taken for hung, or its thread for blocked, by the time in which it could have gone on: time without a processor does not
//!   count, and a wait for the disk ([`on_disk`]) has a deadline of its own. Where the system does not say what threads do (it is no
//!   Linux), only the delay of the watching thread is taken off.
//! - It may ask its own tree for a report or an end from within a handler: no lock is held while an actor runs.
//! - A future given back as actix' `ResponseFuture` runs beside the actor, and its panic is not the actor's: what touches
//!   state belongs in `ResponseActFuture` or `AtomicResponse`.
//!
//! # What it does not do
//!
//! - It keeps no messages beyond the process, and sends none between processes.
//! - It adds no children to a running tree. Who needs many short-lived actors has one of the tree's own them.
//! - A thread that blocks cannot be killed. It is left behind ([`OnBlock::Replace`], [`ZOMBIES_MAX`] at most) or the process
//!   ends ([`OnBlock::ExitProcess`]), and what it holds meanwhile (a lock, a file) stays held: let no lock be held across what may block.
//! - An actor that sends to its own `ctx.address()` without end never leaves actix' own loop: that is a block of its thread.
//! - When an arbiter is stopped under its actors, they have ended; that is how a process ends, and no failure.
//! - With `panic = "abort"` it does not compile.
//!
//! How it compares with Erlang/OTP, ractor and kameo, point by point, is in `docs/SUPERVISION.md` of its repository.

#[cfg(panic = "abort")]
compile_error!("supervision rebuilds an actor that panicked, which needs panic = \"unwind\"");

mod abandon;
mod account;
mod child;
mod disk;
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
mod restart;
mod run;
mod scheduling;
mod slots;
mod spec;
mod supervised;
mod supervisor;
#[cfg(test)]
mod tests;
mod thread;
mod tree;
mod vitals;
mod watch;
mod work;

pub use account::{DISK_DEADLINE, WaitsFor};
pub use child::{Child, Seat, reserve};
pub use disk::on_disk;
pub use faults::{BLOCK_TIME_MAX, Consequences, FLOOD_TIME, Fault, InjectError, UnknownFault};
pub use fence::{Fence, is_fenced};
pub use handle::{AskError, Handle, Refused, Unanswered};
pub use incarnation::{BATCH_MAX, fail};
pub use mailbox::{Phase, Why};
pub use panics::{Panic, caught};
pub use report::{ActorReport, MemberReport, SupervisorReport, ThreadReport, TreeReport};
pub use restart::{Backoff, Intensity, Restart, Strategy};
pub use spec::{DEADLINE_MIN, EXIT_CODE_SUPERVISION, Exit, ExitHook, Spec, SpecError, StartError};
pub use supervisor::{Supervisor, supervise};
pub use thread::{BLOCK_DEADLINE, OnBlock, Thread, name_this_thread};
pub use tree::{Tree, ZOMBIES_MAX};
pub use vitals::{Failure, Reason, Restarts};
