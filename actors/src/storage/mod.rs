//! What survives the process: the vote log, the database, and files that are written whole or not at all.
//!
//! Nothing here decides anything; it stores bytes and says truthfully whether they are on the disk. A failed write or
//! fsync is never retried or ignored: after it nobody knows what the disk holds, so the process ends.

pub mod beside_key;
pub mod files;
pub mod genesis_file;
pub mod last_exit;
pub mod vote_log;
