//! What must hold at every step, whatever goes wrong. Nothing here trusts `protocol/`'s own judgement: quorums are counted
//! and tokens are added up anew.
//!
//! | file | what it watches |
//! |---|---|
//! | `votes` | everything that is sent: R1, R3, R5, R6, R11, and that a vote is durable before it is sent |
//! | `log` | every record that becomes durable: R4, R5, R6, R12, and that a vote's justification comes before it |
//! | `chain` | every block that becomes final: R9, prefix order, one block for each sequence, verdicts, conservation |

mod chain;
mod log;
mod votes;

pub use chain::Chain;
pub use log::LogView;
pub use votes::Votes;

/// A rule that was broken, in words.
pub type Broken = String;
