//! The exit codes with which the node ends its process by itself; `docs/CONFIGURATION.md` lists them all.
//!
//! A service manager that restarts by exit code relies on the difference: damage and wrong configuration are still
//! there after the next start.

/// What an operator has to put right: configuration, keys, genesis, a foreign data directory, a disk that cannot be read or
/// written.
pub const CONFIGURATION: i32 = 3;
/// What is on the disk cannot be what was written there, or leads to another state than the network's.
pub const DAMAGED: i32 = 8;
/// A fault of this program (`EX_SOFTWARE`), or more failures than supervision allows.
pub const INTERNAL: i32 = 70;

/// What to do about a disk that failed.
pub const DISK_ADVICE: &str = "free space, make it writable or repair the disk, then start it again: nothing was promised or sent that is not on the disk";
