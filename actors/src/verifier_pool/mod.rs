//! Checking proofs in worker processes: starting them, feeding them, ending them, and what their end means.
//!
//! The solver is not in this process, and nothing here links to it.

mod ending;
mod pool;
mod probe;
mod process;

pub use ending::{Ending, Kill};
pub use pool::{
    Observer, Pending, PoolConfig, PoolError, PoolEvent, VerifierPool, program_beside_this_one, verdict_label,
};
pub use process::StartError;
