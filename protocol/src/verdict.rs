//! Jobs and verdicts: what crosses between the node and the process that runs the solver.

use serde::{Deserialize, Serialize};

/// The answer a submitter claims: `Unsat` says the theorem holds, `Sat` that the state is reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    Unsat,
    Sat,
}
