//! The node's two clocks, read in one place.

use protocol::consensus::events::Time;
use protocol::types::Millis;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Local time counts from the process' start; wall time from the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    pub fn start() -> Clock {
        Clock { origin: Instant::now() }
    }

    pub fn now(&self) -> Time {
        Time { local: self.local(), wall: wall() }
    }

    pub fn local(&self) -> Millis {
        Millis(self.origin.elapsed().as_millis() as u64)
    }

    /// How long until a local instant; rounded up, so that a timer never comes just before it.
    pub fn until(&self, at: Millis) -> Duration {
        let elapsed = self.origin.elapsed();
        Duration::from_millis(at.0).saturating_sub(elapsed)
    }
}

/// A clock before 1970 reads as 1970: such a validator loses its own turns, and nothing else.
pub fn wall() -> Millis {
    Millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}
