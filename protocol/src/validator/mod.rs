//! One validator as a whole: what its parts tell each other, and how it starts. Pure, and the same in the process and in the
//! simulator.
//!
//! | file | decides |
//! |---|---|
//! | [`inbound`] | which parts a peer's message is for |
//! | [`startup`] | how the vote history stands when consensus starts (R12) |

pub mod inbound;
pub mod startup;
