//! R12: how the vote history stands when consensus starts, from what its log says and what the process remembers.
//!
//! A process that starts cannot tell its log from an older copy, so it asks the others before it signs. An incarnation that
//! takes over within a process need not ask, if the log has every batch that the process made durable: no vote was sent
//! before its batch was.

use crate::consensus::events::{Effect, Notice, Output, Record, UnknownHistory};

/// How much of the past the log is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogState {
    /// No log and no watermark: nothing was ever signed with this key on this chain, as far as this machine knows.
    New,
    /// Everything that was sent is here.
    Whole,
    /// The last batch was damaged and is dropped. Surely sent is only what is here.
    Torn,
    /// The watermark but no log: what was signed is unknown.
    Lost,
    /// A log that is older than its watermark says, or whose watermark is damaged: what was signed since is unknown.
    Outdated,
}

/// What the process remembers of its own log, whatever happened to the actor that writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// It has not signed yet: its start was never confirmed.
    NotSigned,
    /// Everything that it made durable is there, so every vote that was sent is.
    Whole,
    /// Something that it made durable is gone: the log should go on with this batch.
    Lacks { next_batch: u64 },
}

/// What a process remembers of its vote log while incarnations of consensus come and go.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// The number of the batch after the last one that was durable; 0 before the first.
    next_batch: u64,
    /// Whether the vote history was confirmed, and no loss was noticed since.
    signs: bool,
    begun: bool,
}

impl Memory {
    /// The log is durable up to the batch before this one.
    pub fn on_durable(&mut self, next_batch: u64) {
        self.next_batch = next_batch;
    }

    /// What a step decided about the vote history, when it decided it. Outputs that share a write must not be taken later, with
    /// their effects: a confirmation would then hide a loss that was noticed after it.
    pub fn on_output(&mut self, output: &Output) {
        if output.effects.contains(&Effect::Notice(Notice::Signing)) {
            self.signs = true;
        }
        if output.records.contains(&Record::Unknown(UnknownHistory::Lost)) {
            self.signs = false;
        }
    }

    /// Of a log whose next batch has this number. One that was written when its writer died was never acted upon.
    pub fn remembers(&self, next_batch: u64) -> Remembered {
        match *self {
            Memory { next_batch: durable, .. } if next_batch < durable => Remembered::Lacks { next_batch: durable },
            Memory { signs: true, .. } => Remembered::Whole,
            Memory { signs: false, .. } => Remembered::NotSigned,
        }
    }

    /// Begins an incarnation; whether it is the first one of this process.
    pub fn begin(&mut self) -> bool {
        !core::mem::replace(&mut self.begun, true)
    }
}

/// What consensus starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Startup {
    /// Why nothing may be signed yet; nothing if signing goes on.
    pub unknown: Option<UnknownHistory>,
    /// Whether that is made durable before anything else. What holds for every start is not.
    pub recorded: bool,
    /// Whether every session is closed, so that peers report in new ones what they hold of this validator (ADR 3). The
    /// sessions of a process' first incarnation are all new.
    pub reconnect: bool,
}

/// The table; `records` is the log, `is_first` of the process' first incarnation.
pub fn startup(log: LogState, remembered: Remembered, records: &[Record], is_first: bool) -> Startup {
    let unknown = match (log, remembered) {
        // An earlier incarnation in this process wrote it. A torn end is a batch whose effects never happened.
        (LogState::Whole | LogState::Torn, Remembered::Whole) => None,
        (_, Remembered::Lacks { .. }) => Some(UnknownHistory::Lost),
        (LogState::Whole, Remembered::NotSigned) => Some(UnknownHistory::Unconfirmed),
        (LogState::New, _) => Some(UnknownHistory::New),
        (LogState::Torn, Remembered::NotSigned) => Some(UnknownHistory::Torn),
        (LogState::Lost | LogState::Outdated, _) => Some(UnknownHistory::Lost),
    };
    let recorded = unknown.is_some_and(|unknown| unknown != UnknownHistory::Unconfirmed);
    // An incarnation that recorded a loss may have died before it closed the sessions.
    let waits = unknown.is_some() || ends_unknown(records);
    Startup { unknown, recorded, reconnect: waits && !is_first }
}

/// Whether the log itself says that nothing is to be signed yet.
fn ends_unknown(records: &[Record]) -> bool {
    let last = records.iter().rfind(|record| matches!(record, Record::Unknown(_) | Record::Floor(_)));
    matches!(last, Some(Record::Unknown(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::View;

    #[test]
    fn only_a_log_that_has_all_that_was_durable_is_whole_and_only_once_it_was_confirmed() {
        let mut memory = Memory::default();
        assert!(memory.begin() && !memory.begin());
        assert_eq!(memory.remembers(1), Remembered::NotSigned);
        memory.on_durable(4);
        assert_eq!(memory.remembers(4), Remembered::NotSigned);
        memory.on_output(&output([], [Notice::Signing]));
        assert_eq!(memory.remembers(4), Remembered::Whole);
        assert_eq!(memory.remembers(5), Remembered::Whole);
        assert_eq!(memory.remembers(3), Remembered::Lacks { next_batch: 4 });
        memory.on_output(&output([Record::Unknown(UnknownHistory::Lost)], []));
        assert_eq!(memory.remembers(4), Remembered::NotSigned);
        memory.on_output(&output([Record::Floor(View(3))], []));
        assert_eq!(memory.remembers(4), Remembered::NotSigned, "its effect says when it is confirmed");
    }

    fn output<const R: usize, const N: usize>(records: [Record; R], notices: [Notice; N]) -> Output {
        Output { records: records.into(), effects: notices.into_iter().map(Effect::Notice).collect() }
    }

    /// A loss in the batch of the confirmation before it; the incarnation died before it closed the sessions.
    #[test]
    fn a_loss_that_was_recorded_and_not_asked_about_is_asked_about_by_the_next_incarnation() {
        let lost = Record::Unknown(UnknownHistory::Lost);
        let ended = [lost.clone(), Record::Floor(View(9))];
        let shortened = [Record::Floor(View(9))];
        for (records, waits) in [(&[][..], false), (&[lost][..], true), (&ended[..], false), (&shortened[..], false)] {
            let startup = |is_first| startup(LogState::Whole, Remembered::Whole, records, is_first);
            let expected = Startup { unknown: None, recorded: false, reconnect: waits };
            assert_eq!(startup(false), expected, "{records:?}");
            assert_eq!(
                startup(true),
                Startup { reconnect: false, ..expected },
                "all sessions of a new process are new"
            );
        }
    }

    /// Every row, R12's table in docs/CONSENSUS_PROTOCOL.md.
    #[test]
    fn each_state_of_the_log_and_of_the_process_has_its_recovery_state() {
        use LogState::{Lost, New, Outdated, Torn, Whole};
        const NOT_SIGNED: Remembered = Remembered::NotSigned;
        const WHOLE: Remembered = Remembered::Whole;
        const LACKS: Remembered = Remembered::Lacks { next_batch: 7 };
        let rows = [
            (New, NOT_SIGNED, Some(UnknownHistory::New)),
            (New, WHOLE, Some(UnknownHistory::New)),
            (New, LACKS, Some(UnknownHistory::Lost)),
            (Whole, NOT_SIGNED, Some(UnknownHistory::Unconfirmed)),
            (Whole, WHOLE, None),
            (Whole, LACKS, Some(UnknownHistory::Lost)),
            (Torn, NOT_SIGNED, Some(UnknownHistory::Torn)),
            (Torn, WHOLE, None),
            (Torn, LACKS, Some(UnknownHistory::Lost)),
            (Lost, NOT_SIGNED, Some(UnknownHistory::Lost)),
            (Lost, WHOLE, Some(UnknownHistory::Lost)),
            (Lost, LACKS, Some(UnknownHistory::Lost)),
            (Outdated, NOT_SIGNED, Some(UnknownHistory::Lost)),
            (Outdated, WHOLE, Some(UnknownHistory::Lost)),
            (Outdated, LACKS, Some(UnknownHistory::Lost)),
        ];
        for (log, remembered, unknown) in rows {
            for is_first in [true, false] {
                let begun = startup(log, remembered, &[], is_first);
                let recorded = !matches!(unknown, None | Some(UnknownHistory::Unconfirmed));
                let expected = Startup { unknown, recorded, reconnect: unknown.is_some() && !is_first };
                assert_eq!(begun, expected, "{log:?}, {remembered:?}, first: {is_first}");
            }
        }
    }
}
