//! Peers: where each is, what it lacks of mine, and what I lack of theirs. Nothing is sent once and forgotten.

mod collecting;
mod peers;
mod relaying;
mod resolver;
mod retransmission;
mod statuses;

pub use collecting::{COLLECTORS, Collectors, Uncertified};
pub use peers::Peers;
pub use relaying::{Givers, Relays, crowds, phase_of};
pub use resolver::{Resolver, Want};
pub use retransmission::Supply;
pub use statuses::{Here, Statuses};

#[cfg(test)]
pub use relaying::{GIVERS, gives};
