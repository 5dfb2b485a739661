//! The exit codes with which the node ends its process by itself; `docs/CONFIGURATION.md` lists them all.
//!
//! A service manager that restarts by exit code relies on the difference: damage and wrong configuration are still
//! there after the next start.

use protocol::consensus::events::Halt;
use protocol::ledger::BranchCause;

/// What an operator has to put right: configuration, keys, genesis, a foreign data directory, a disk that cannot be read or
/// written.
pub const CONFIGURATION: i32 = 3;
/// What is on the disk cannot be what was written there, or leads to another state than the network's.
pub const DAMAGED: i32 = 8;
/// A fault of this program (`EX_SOFTWARE`), or more failures than supervision allows.
pub const INTERNAL: i32 = 70;

/// Why consensus ends the process.
pub fn of(halt: &Halt) -> i32 {
    match halt {
        Halt::OtherStateRoot { .. } | Halt::FinalBlockInvalid { .. } | Halt::TwoHistories { .. } => DAMAGED,
        Halt::Database(error) => match error.cause {
            BranchCause::Damaged => DAMAGED,
            BranchCause::Disk => CONFIGURATION,
            BranchCause::Internal => INTERNAL,
        },
    }
}

/// What to do about a disk that failed.
pub const DISK_ADVICE: &str = "free space, make it writable or repair the disk, then start it again: nothing was promised or sent that is not on the disk";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::DatabaseError;
    use protocol::types::Sequence;

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
