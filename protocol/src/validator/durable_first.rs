//! Records before effects: what waits for which write of the vote log.
//!
//! The contract of [`crate::consensus::events`]: an output's records are durable before the first of its effects is carried out,
//! and outputs keep the order of their steps. Outputs that wait together share a write.

use crate::consensus::events::{Effect, Output, Record};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Outputs that wait, each with something of its step's.
#[derive(Debug)]
pub struct DurableFirst<T> {
    waiting: VecDeque<(T, Output)>,
    /// So many of them, the oldest, are being written.
    in_flight: usize,
}

impl<T> Default for DurableFirst<T> {
    fn default() -> Self {
        DurableFirst { waiting: VecDeque::new(), in_flight: 0 }
    }
}

impl<T> DurableFirst<T> {
    pub fn push(&mut self, step: T, output: Output) {
        if !output.is_empty() {
            self.waiting.push_back((step, output));
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether something that waits shortens the log.
    pub fn shortens(&self) -> bool {
        self.waiting.iter().any(|(_, output)| is_shortening(output))
    }

    /// Begins a batch of what waits, unless one is in flight: the records to be written, perhaps none. It ends with an output that
    /// shortens the log, which would forget what came later.
    pub fn begin(&mut self) -> Option<Vec<Record>> {
        if self.in_flight > 0 || self.waiting.is_empty() {
            return None;
        }
        let ends_at = self.waiting.iter().position(|(_, output)| is_shortening(output));
        self.in_flight = ends_at.map_or(self.waiting.len(), |last| last + 1);
        let batch = self.waiting.iter_mut().take(self.in_flight);
        Some(batch.flat_map(|(_, output)| core::mem::take(&mut output.records)).collect())
    }

    /// The batch is durable: the effects of its outputs may be carried out, in this order.
    pub fn durable(&mut self) -> impl Iterator<Item = (T, Vec<Effect>)> + '_ {
        let count = core::mem::take(&mut self.in_flight);
        self.waiting.drain(..count).map(|(step, output)| (step, output.effects))
    }
}

fn is_shortening(output: &Output) -> bool {
    output.effects.iter().any(|effect| matches!(effect, Effect::Shorten(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::View;

    fn output(record: Option<u64>, effect: Effect) -> Output {
        Output { records: record.map(|view| Record::Floor(View(view))).into_iter().collect(), effects: [effect].into() }
    }

    #[test]
    fn no_effect_goes_before_the_records_of_its_own_step_and_of_those_before() {
        let mut outputs = DurableFirst::default();
        outputs.push(1, output(Some(1), Effect::Reconnect));
        outputs.push(2, output(None, Effect::Reconnect));
        assert_eq!(outputs.begin(), Some([Record::Floor(View(1))].into()));
        outputs.push(3, output(Some(3), Effect::Reconnect));
        assert_eq!(outputs.begin(), None, "one is in flight");
        assert_eq!(outputs.durable().map(|(step, _)| step).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(outputs.durable().count(), 0, "the third is not durable");
        assert_eq!(outputs.begin(), Some([Record::Floor(View(3))].into()));
        assert_eq!(outputs.durable().map(|(step, _)| step).collect::<Vec<_>>(), [3]);
        assert!(outputs.is_empty());
    }

    #[test]
    fn what_comes_after_a_shortened_log_is_written_after_it() {
        let mut outputs = DurableFirst::default();
        outputs.push(1, output(Some(1), Effect::Shorten(Vec::new())));
        outputs.push(2, output(Some(2), Effect::Reconnect));
        assert!(outputs.shortens());
        assert_eq!(outputs.begin(), Some([Record::Floor(View(1))].into()));
        assert_eq!(outputs.durable().count(), 1);
        assert_eq!(outputs.begin(), Some([Record::Floor(View(2))].into()));
    }

    #[test]
    fn an_empty_output_waits_for_nothing() {
        let mut outputs = DurableFirst::default();
        outputs.push((), Output::default());
        assert!(outputs.is_empty() && outputs.begin().is_none());
    }
}
