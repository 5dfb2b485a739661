//! Advice to people about a verdict: the counter-model of a refuted claim, and whether a theorem is vacuous.
//!
//! Each node finds it by itself, when somebody asks; nobody signs it, and nothing is ever decided by it. Here is what is
//! to be found out for which verdict, at what cost, and what is made of the result. Pure.

use crate::verdict::{Answer, Claim, Job, NoVerdict, Report, Task, Verdict, VerifierParameters};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A model as the solver found it, in the terms of the submitted script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    pub text: String,
    /// Something was left out, and the text says where.
    pub truncated: bool,
}

/// What can be said of a verdict besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// The theorem does not hold here.
    CounterModel(Model),
    /// The state is not reachable, and so there is no model to show.
    Unreachable,
    /// What is assumed contradicts itself: it holds with any goal.
    Vacuous,
    /// They were not found to.
    Sound,
    /// It was not found out.
    Unknown { why: String },
}

impl Explanation {
    /// What is known from the verdict alone, or the task that finds it out; neither if there is nothing to explain.
    pub fn sought(report: &Report) -> Option<Result<Explanation, Task>> {
        match (&report.verdict, report.answer) {
            (Verdict::Refuted { answer: Answer::Sat, .. }, _) => Some(Err(Task::Model)),
            (Verdict::Refuted { answer: Answer::Unsat, .. }, _) => Some(Ok(Explanation::Unreachable)),
            (Verdict::Confirmed { .. }, Some(Answer::Unsat)) => Some(Err(Task::Vacuity)),
            (Verdict::Confirmed { .. }, Some(Answer::Sat) | None) => None,
            (Verdict::NoVerdict { .. } | Verdict::Rejected { .. }, _) => None,
        }
    }

    /// The job of a task, after a check with this report. It may cost a few times what the check did, and never more than
    /// the soft limits.
    pub fn job(task: Task, script: Vec<u8>, report: &Report, parameters: &VerifierParameters) -> Job {
        let mut limits = *parameters;
        let (soft, count) = (limits.soft, report.resource_count.map_or(0, |count| count.0));
        limits.hard.resource_count = count.saturating_mul(FACTOR).max(COUNT_MIN).min(soft.resource_count);
        limits.hard.cpu_ms = report.cpu.0.saturating_mul(FACTOR).max(CPU_MS_MIN).min(soft.cpu_ms);
        limits.soft.resource_count = limits.soft.resource_count.min(limits.hard.resource_count);
        limits.soft.cpu_ms = limits.soft.cpu_ms.min(limits.hard.cpu_ms);
        Job { script, claim: None::<Claim>, limits, task, seed: None }
    }

    /// What a finished task says.
    pub fn found(task: Task, report: Report) -> Explanation {
        match (task, report.answer, report.model) {
            (Task::Model, _, Some(model)) => Explanation::CounterModel(model),
            (Task::Vacuity, Some(Answer::Unsat), _) => Explanation::Vacuous,
            (Task::Vacuity, Some(Answer::Sat), _) => Explanation::Sound,
            // What assumes nothing does not contradict itself.
            (Task::Vacuity, None, _)
                if matches!(report.verdict, Verdict::NoVerdict { reason: NoVerdict::NothingAsked }) =>
            {
                Explanation::Sound
            }
            (Task::Check | Task::Model | Task::Vacuity | Task::Core | Task::Series | Task::Next, _, _) => {
                let no_reason = || "the solver gave no model".to_owned();
                Explanation::Unknown { why: why_not(report.verdict).unwrap_or_else(no_reason) }
            }
        }
    }

    /// About how much memory it holds, in bytes.
    pub fn weight(&self) -> usize {
        size_of::<Explanation>()
            + match self {
                Explanation::CounterModel(model) => model.text.len(),
                Explanation::Unknown { why } => why.len(),
                Explanation::Unreachable | Explanation::Vacuous | Explanation::Sound => 0,
            }
    }
}

/// Why a task found nothing, if its verdict says it.
fn why_not(verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::NoVerdict { reason } => Some(reason.to_string()),
        Verdict::Rejected { line, column, text } => Some(format!("line {line}, column {column}: {text}")),
        Verdict::Confirmed { .. } | Verdict::Refuted { .. } => None,
    }
}

/// Assertions on which an answer `unsat` rests, of those in force at a script's check. Not always the fewest: what is not
/// among them was surely not needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Core {
    /// How many are in force.
    assertions: u32,
    /// Those that are needed, counted from 0 in the script's order; each greater than the one before.
    needed: Vec<u32>,
}

impl Core {
    /// More are not reported: a core this large explains nothing.
    pub const NEEDED_MAX: usize = 2_048;

    /// None if there are too many, or if they are not in order or beyond the script's assertions.
    pub fn new(assertions: u32, needed: Vec<u32>) -> Option<Core> {
        Core { assertions, needed }.bounded()
    }

    /// What a finished [`Task::Core`] says.
    ///
    /// # Errors
    /// Why it found none.
    pub fn found(report: Report) -> Result<Core, String> {
        let no_reason = || "the solver gave none, or one that is too long".to_owned();
        report.core.ok_or_else(|| why_not(report.verdict).unwrap_or_else(no_reason))
    }

    /// How many assertions are in force.
    pub fn assertions(&self) -> u32 {
        self.assertions
    }

    pub fn needs(&self, index: u32) -> bool {
        self.needed.binary_search(&index).is_ok()
    }

    /// How many assertions are not needed.
    pub fn unneeded(&self) -> u32 {
        self.assertions.saturating_sub(u32::try_from(self.needed.len()).unwrap_or(u32::MAX))
    }

    /// The same, if it is within its bounds: it comes from a process that ran a stranger's script.
    pub fn bounded(self) -> Option<Core> {
        let is_sorted = self.needed.windows(2).all(|pair| pair[0] < pair[1]);
        let is_within = self.needed.last().is_none_or(|last| *last < self.assertions);
        (self.needed.len() <= Self::NEEDED_MAX && is_sorted && is_within).then_some(self)
    }
}

/// An explanation may cost so many times what the check did: another way through the same search may be longer.
const FACTOR: u64 = 4;
/// And this much in any case.
const COUNT_MIN: u64 = 10_000;
const CPU_MS_MIN: u64 = 500;

impl Model {
    /// Longest text of a model, in bytes.
    pub const TEXT_BYTES_MAX: usize = 16 << 10;
    /// The last line of a text that was cut.
    pub const CUT: &str = "; cut here: the model is longer\n";

    /// Cuts a text that is too long at the end of a line, and writes out what could mislead on a terminal.
    pub fn bounded(mut self) -> Model {
        if self.text.chars().any(|c| c != '\n' && misleads(c)) {
            let harmless = |c| if c != '\n' && misleads(c) { '\u{fffd}' } else { c };
            self.text = self.text.chars().map(harmless).collect();
        }
        if self.text.len() > Self::TEXT_BYTES_MAX {
            let room = Self::TEXT_BYTES_MAX - Self::CUT.len();
            let end = self.text.as_bytes()[..room].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            self.text.truncate(end);
            self.text.push_str(Self::CUT);
            self.truncated = true;
        }
        self
    }
}

/// Characters that a terminal obeys or does not show: what a stranger wrote must neither move a cursor nor turn a line
/// round.
pub fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Millis, ResourceCount};

    const COUNT: ResourceCount = ResourceCount(5_000);

    fn report(verdict: Verdict, answer: Option<Answer>) -> Report {
        Report { answer, resource_count: Some(COUNT), cpu: Millis(1_000), ..Report::of(verdict) }
    }

    #[test]
    fn each_verdict_is_explained_by_what_it_leaves_open() {
        let refuted = |answer| report(Verdict::Refuted { answer, resource_count: COUNT }, Some(answer));
        let confirmed =
            |answer| report(Verdict::Confirmed { resource_count: COUNT, within_soft_limits: true }, Some(answer));
        assert_eq!(Explanation::sought(&refuted(Answer::Sat)), Some(Err(Task::Model)));
        assert_eq!(Explanation::sought(&refuted(Answer::Unsat)), Some(Ok(Explanation::Unreachable)));
        assert_eq!(Explanation::sought(&confirmed(Answer::Unsat)), Some(Err(Task::Vacuity)));
        assert_eq!(Explanation::sought(&confirmed(Answer::Sat)), None);
        assert_eq!(Explanation::sought(&report(Verdict::NoVerdict { reason: NoVerdict::NothingAsked }, None)), None);
    }

    #[test]
    fn an_explanation_costs_a_few_times_its_check_and_never_more_than_the_soft_limits() {
        let parameters = VerifierParameters::default();
        let mut report = report(Verdict::Refuted { answer: Answer::Sat, resource_count: COUNT }, Some(Answer::Sat));
        let limits = |report: &Report| Explanation::job(Task::Model, Vec::new(), report, &parameters).limits;
        assert_eq!((limits(&report).hard.resource_count, limits(&report).hard.cpu_ms), (20_000, 4_000));
        assert_eq!(limits(&report).check(), Ok(()));
        report.resource_count = Some(ResourceCount(1));
        report.cpu = Millis(0);
        assert_eq!((limits(&report).hard.resource_count, limits(&report).hard.cpu_ms), (COUNT_MIN, CPU_MS_MIN));
        report.resource_count = Some(ResourceCount(u64::MAX));
        report.cpu = Millis(u64::MAX);
        let most = limits(&report).hard;
        assert_eq!((most.resource_count, most.cpu_ms), (parameters.soft.resource_count, parameters.soft.cpu_ms));
    }

    #[test]
    fn a_failed_search_says_why() {
        let reason = NoVerdict::ResourceLimit { limit: 7 };
        let found = Explanation::found(Task::Model, report(Verdict::NoVerdict { reason: reason.clone() }, None));
        assert_eq!(found, Explanation::Unknown { why: reason.to_string() });
    }

    #[test]
    fn a_core_that_is_out_of_bounds_is_none() {
        let core = Core::new(4, alloc::vec![0, 3]).unwrap();
        assert_eq!((core.needs(0), core.needs(1), core.needs(3), core.unneeded()), (true, false, true, 2));
        for needed in [alloc::vec![3, 0], alloc::vec![1, 1], alloc::vec![4], (0..4_096).collect()] {
            assert_eq!(Core::new(4, needed), None);
        }
        let reason = NoVerdict::ResourceLimit { limit: 7 };
        let report = report(Verdict::NoVerdict { reason: reason.clone() }, None);
        assert_eq!(Core::found(report), Err(reason.to_string()));
    }

    #[test]
    fn a_long_model_is_cut_at_a_line_and_says_so() {
        let model = Model { text: "(define-fun x () Int 0)\n".repeat(2_000), truncated: false }.bounded();
        assert!(model.truncated && model.text.len() <= Model::TEXT_BYTES_MAX);
        assert!(model.text.ends_with(&format!("(define-fun x () Int 0)\n{}", Model::CUT)));
        let short = Model { text: "; \u{1b}[31m\u{202e}x\n".into(), truncated: false }.bounded();
        assert_eq!((short.text.as_str(), short.truncated), ("; \u{fffd}[31m\u{fffd}x\n", false));
    }
}
