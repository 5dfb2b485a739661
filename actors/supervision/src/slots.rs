//! When a timer that need not be exact costs one wake-up instead of two.
//!
//! Tokio keeps a timer that is further away than a slot in the slot that it falls into, wakes up when that begins, and then once more when the
//! timer is due. A timer that is due when a slot begins needs the first wake-up only. Nothing but the cost depends on this.

use std::time::{Duration, Instant};

/// The length of a slot.
const SLOT: Duration = Duration::from_millis(64);

/// Where the slots of one runtime begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slots(Instant);

impl Slots {
    /// Of a runtime that is made just after this call: it counts from then, and rounds timers up to a millisecond.
    pub(crate) fn of_a_runtime_made_now() -> Slots {
        Slots(Instant::now())
    }

    /// About as long as `pause`, which is more than a slot: until a slot begins.
    pub(crate) fn near(self, now: Instant, pause: Duration) -> Duration {
        let passed = now.saturating_duration_since(self.0);
        let slots = (passed + pause + SLOT / 2).as_millis() / SLOT.as_millis();
        let until = SLOT.saturating_mul(u32::try_from(slots).unwrap_or(u32::MAX));
        // After eight years, what is left of the range.
        let until = until.saturating_sub(passed);
        if until.is_zero() { pause } else { until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_when_a_slot_begins_and_differs_by_half_of_one_at_most() {
        let slots = Slots::of_a_runtime_made_now();
        let millis = Duration::from_millis;
        for (passed, pause, expected) in [(0, 256, 256), (1, 256, 255), (1, 250, 255), (31, 256, 225), (33, 256, 287)] {
            assert_eq!(slots.near(slots.0 + millis(passed), millis(pause)), millis(expected));
        }
        let years = slots.0 + Duration::from_secs(10 * 365 * 24 * 3_600);
        assert_eq!(slots.near(years, millis(250)), millis(250));
    }
}
