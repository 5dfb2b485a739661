//! One validator as a whole: what its parts tell each other, and how they start. Pure, and the same in the process and in the
//! simulator.
//!
//! | file | decides |
//! |---|---|
//! | [`inbound`] | which parts a peer's message is for |
//! | [`route`] | who is told what a part asks for |
//! | [`sessions`] | which session's events and messages count |
//! | [`durable_first`] | which effects wait until which records are durable |
//! | [`restart`] | what a part that was restarted, and the others, are told |
//! | [`startup`] | how the vote history stands when consensus starts (R12) |

pub mod durable_first;
pub mod inbound;
pub mod restart;
pub mod route;
pub mod sessions;
pub mod startup;
