//! What this process knows of its own vote log, whatever happens to the actor that writes it (R12).
//!
//! A process that starts cannot distinguish its log from an older copy and asks the others before it signs. An
//! incarnation that takes over within a process need not: the process remembers how far the log was durable, and no
//! vote was sent before that.

use parking_lot::Mutex;

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

/// What a log that was opened again is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Testimony {
    /// This process has not signed yet: its start was never confirmed.
    NotYet,
    /// Everything that was durable is there, so every vote that was sent is.
    Whole,
    /// Something that was durable is gone.
    Lacks { next_batch: u64 },
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
    pub fn testify(&self, next_batch: u64) -> Testimony {
        match *self.0.lock() {
            Seen { next_batch: durable, .. } if next_batch < durable => Testimony::Lacks { next_batch: durable },
            Seen { signs: true, .. } => Testimony::Whole,
            Seen { signs: false, .. } => Testimony::NotYet,
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
        assert_eq!(witness.testify(1), Testimony::NotYet);
        witness.on_durable(4);
        assert_eq!(witness.testify(4), Testimony::NotYet);
        witness.on_signing();
        assert_eq!(witness.testify(4), Testimony::Whole);
        assert_eq!(
            witness.testify(5),
            Testimony::Whole,
            "a batch that was written when its writer died was never acted upon"
        );
        assert_eq!(witness.testify(3), Testimony::Lacks { next_batch: 4 });
        witness.on_doubt();
        assert_eq!(witness.testify(4), Testimony::NotYet);
    }
}
