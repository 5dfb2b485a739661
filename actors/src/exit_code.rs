//! The exit codes with which the node ends its process by itself; `docs/CONFIGURATION.md` lists them all.
//!
//! A service manager that restarts by exit code relies on the difference: damage and wrong configuration are still
//! there after the next start.

use protocol::consensus::events::Halt;
use protocol::ledger::BranchCause;
use std::sync::Arc;
use supervision::{Exit, ExitHook, is_fenced};

/// What an operator has to put right: configuration, keys, genesis, a foreign data directory, a disk that cannot be read or
/// written.
pub const CONFIGURATION: i32 = 3;
/// Another process signs with this validator's key.
pub const TWIN: i32 = 7;
/// What is on the disk cannot be what was written there, or leads to another state than the network's.
pub const DAMAGED: i32 = 8;
/// A fault of this program (`EX_SOFTWARE`), or more failures than supervision allows.
pub const INTERNAL: i32 = 70;

/// Why consensus ends the process.
pub fn of(halt: &Halt) -> i32 {
    match halt {
        Halt::OtherStateRoot { .. } | Halt::FinalBlockInvalid { .. } | Halt::TwoHistories { .. } => DAMAGED,
        Halt::Twin { .. } => TWIN,
        Halt::Database(error) => match error.cause {
            BranchCause::Damaged => DAMAGED,
            BranchCause::Disk => CONFIGURATION,
            BranchCause::Internal => INTERNAL,
        },
    }
}

/// What to do about a disk that failed.
pub const DISK_ADVICE: &str = "free space, make it writable or repair the disk, then start it again: nothing was promised or sent that is not on the disk";

/// For the actors that use the database: a replaced incarnation is not answered by it, and must not take that for the disk's
/// failure.
pub fn unless_replaced(hook: ExitHook) -> ExitHook {
    Arc::new(move |exit: &Exit| {
        if !is_fenced() {
            hook(exit);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::DatabaseError;
    use parking_lot::Mutex;
    use protocol::types::Sequence;
    use std::sync::mpsc;
    use std::time::Duration;
    use supervision::{OnBlock, Spec, Supervisor, Thread, reserve};

    const LONG: Duration = Duration::from_secs(60);

    struct Worker;

    impl actix::Actor for Worker {
        type Context = actix::Context<Self>;
    }

    #[derive(actix::Message)]
    #[rtype(result = "()")]
    struct Run(Box<dyn FnOnce() + Send>);

    impl actix::Handler<Run> for Worker {
        type Result = ();

        fn handle(&mut self, run: Run, _: &mut actix::Context<Self>) {
            (run.0)();
        }
    }

    /// Seen on a starved machine: *the database was closed*, exit code 70.
    #[test]
    fn a_replaced_incarnation_does_not_end_the_process() {
        actix::System::new().block_on(async {
            let thread = Thread::new("work", OnBlock::Replace).deadline(Duration::from_millis(100));
            let (worker, seat) = reserve::<Worker>(Spec::new("worker").on_thread(thread));
            let tree = Supervisor::new("root").child(seat.fill(|| Ok(Worker))).start(Arc::new(|_: &Exit| {})).unwrap();
            let ended = Arc::new(Mutex::new(Vec::new()));
            let seen = ended.clone();
            let end = unless_replaced(Arc::new(move |exit: &Exit| seen.lock().push(exit.code)));

            let (of_fenced, (release, held), (done, over)) = (end.clone(), mpsc::channel::<()>(), mpsc::channel());
            let blocked = Run(Box::new(move || {
                _ = held.recv();
                of_fenced(&Exit { code: 70, reason: "the database was closed".into() });
                _ = done.send(());
            }));
            assert!(worker.send(blocked).is_ok());
            // It is the next incarnation that answers.
            worker.ask(Run(Box::new(|| {})), LONG).await.unwrap();
            assert_eq!(worker.report().restarts.total(), 1);
            release.send(()).unwrap();
            over.recv_timeout(LONG).unwrap();
            assert_eq!(*ended.lock(), [] as [i32; 0]);
            worker
                .ask(Run(Box::new(move || end(&Exit { code: 4, reason: "the disk failed".into() }))), LONG)
                .await
                .unwrap();
            assert_eq!(*ended.lock(), [4], "one that serves does");
            tree.stop().await;
        });
    }

    /// Whether the node meets it at its start or while consensus asks.
    #[test]
    fn a_database_ends_the_process_with_one_code_whoever_reads_it() {
        let errors: [fn() -> DatabaseError; 4] = [
            || DatabaseError::Damaged { what: "a page".into() },
            || DatabaseError::Disk(Box::new(redb::Error::PreviousIo)),
            || DatabaseError::Internal(Box::new(redb::Error::PreviousIo)),
            || DatabaseError::Gap { head: Sequence(1), got: Sequence(3) },
        ];
        for error in errors {
            assert_eq!(of(&Halt::Database(error().into())), error().exit_code(), "{}", error());
        }
    }
}
