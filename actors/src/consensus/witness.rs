//! What this process knows of its own vote log, whatever happens to the actor that writes it (R12).
//!
//! A process that starts cannot distinguish its log from an older copy and asks the others before it signs. An
//! incarnation that takes over within a process need not: the process remembers how far the log was durable, and no
//! vote was sent before that.

use parking_lot::Mutex;
use protocol::validator::startup::Remembered;

/// Outlives the incarnations of consensus.
#[derive(Debug, Default)]
pub struct Witness(Mutex<Seen>);

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    /// The number of the batch after the last one that was durable; 0 before the first.
    next_batch: u64,
    /// Whether signing was allowed when that was written.
    signs: bool,
    /// Whether there was an incarnation.
    begun: bool,
}

impl Witness {
    pub fn on_durable(&self, next_batch: u64) {
        self.0.lock().next_batch = next_batch;
    }

    pub fn on_signing(&self) {
        self.0.lock().signs = true;
    }

    pub fn on_doubt(&self) {
        self.0.lock().signs = false;
    }

    /// Of a log whose next batch has this number.
    pub fn remembers(&self, next_batch: u64) -> Remembered {
        match *self.0.lock() {
            Seen { next_batch: durable, .. } if next_batch < durable => Remembered::Lacks { next_batch: durable },
            Seen { signs: true, .. } => Remembered::Whole,
            Seen { signs: false, .. } => Remembered::NotSigned,
        }
    }

    /// Begins an incarnation; whether it is the first one of this process.
    pub fn begin(&self) -> bool {
        !std::mem::replace(&mut self.0.lock().begun, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_log_that_has_all_that_was_durable_is_whole_and_only_once_it_was_confirmed() {
        let witness = Witness::default();
        assert_eq!(witness.remembers(1), Remembered::NotSigned);
        witness.on_durable(4);
        assert_eq!(witness.remembers(4), Remembered::NotSigned);
        witness.on_signing();
        assert_eq!(witness.remembers(4), Remembered::Whole);
        assert_eq!(
            witness.remembers(5),
            Remembered::Whole,
            "a batch that was written when its writer died was never acted upon"
        );
        assert_eq!(witness.remembers(3), Remembered::Lacks { next_batch: 4 });
        witness.on_doubt();
        assert_eq!(witness.remembers(4), Remembered::NotSigned);
    }
}
