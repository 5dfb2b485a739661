//! Checking proofs in worker processes: starting them, feeding them, ending them, and what their end means.
//!
//! The solver is not in this process, and nothing here links to it.

mod accuracy;
mod actor;
mod ending;
mod explaining;
mod explanations;
mod messages;
mod pipe;
mod pool;
mod probe;
mod process;
mod roll;
mod task;
mod verdicts;

pub use crate::tap::verifier::{Observer, PoolEvent, verdict_label};
pub use accuracy::{Accuracy, Shares, WINDOW as ACCURACY_WINDOW};
pub use actor::{VerifierPoolActor, VerifierPoolSettings};
pub use ending::{Ending, Kill};
pub use explanations::{EXPLANATIONS_BYTES_MAX, EXPLANATIONS_MAX, Explanations};
pub use messages::{Backlog, Explain, Explained, ReportOf, TellUnderWay, UnderWay};
pub use pool::{PoolConfig, PoolError, VerifierPool, program_beside_this_one};
pub use process::StartError;
pub use roll::Workers;
pub use task::{Pending, PendingSeries};
pub use verdicts::{VERDICTS_BYTES_MAX, VERDICTS_MAX, Verdicts};
