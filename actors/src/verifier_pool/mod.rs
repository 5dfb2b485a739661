//! Checking proofs in worker processes: starting them, feeding them, ending them, and what their end means.
//!
//! The solver is not in this process, and nothing here links to it.

mod actor;
mod ending;
mod messages;
mod pool;
mod probe;
mod process;
mod verdicts;

pub use actor::{VerifierPoolActor, VerifierPoolSettings};
pub use ending::{Ending, Kill};
pub use messages::{Cancel, Check, Foresee, Judged, Rebuilt, ReportOf};
pub use pool::{
    Observer, Pending, PoolConfig, PoolError, PoolEvent, VerifierPool, program_beside_this_one, verdict_label,
};
pub use process::StartError;
pub use verdicts::{VERDICTS_BYTES_MAX, VERDICTS_MAX, Verdicts};
