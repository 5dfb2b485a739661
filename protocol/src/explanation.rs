//! Advice to people about a verdict: the counter-model of a refuted claim, and whether a theorem is vacuous.
//!
//! Each node finds it by itself, when somebody asks; nobody signs it, and nothing is ever decided by it. Here is what is
//! to be found out for which verdict, at what cost, and what is made of the result. Pure.

use crate::verdict::{Answer, Claim, Core, Job, Model, NoVerdict, Report, Task, Verdict, VerifierParameters};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

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
                Explanation::Unknown { why: NotFound::by(report.verdict, NotFound::NoModel).to_string() }
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

/// What a finished [`Task::Core`] found.
///
/// # Errors
/// Why it found none.
pub fn found_core(report: Report) -> Result<Core, NotFound> {
    report.core.ok_or_else(|| NotFound::by(report.verdict, NotFound::NoCore))
}

/// Why a task found nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    #[error(transparent)]
    NoVerdict(NoVerdict),
    #[error("line {line}, column {column}: {text}")]
    Rejected { line: u32, column: u32, text: String },
    #[error("the solver gave no model")]
    NoModel,
    #[error("the solver gave none, or one that is too long")]
    NoCore,
}

impl NotFound {
    /// What the task's verdict says of it, if it says anything.
    fn by(verdict: Verdict, otherwise: NotFound) -> NotFound {
        match verdict {
            Verdict::NoVerdict { reason } => NotFound::NoVerdict(reason),
            Verdict::Rejected { line, column, text } => NotFound::Rejected { line, column, text },
            Verdict::Confirmed { .. } | Verdict::Refuted { .. } => otherwise,
        }
    }
}

/// An explanation may cost so many times what the check did: another way through the same search may be longer.
const FACTOR: u64 = 4;
/// And this much in any case.
const COUNT_MIN: u64 = 10_000;
const CPU_MS_MIN: u64 = 500;

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
    fn a_core_that_was_not_found_says_why() {
        let reason = NoVerdict::ResourceLimit { limit: 7 };
        let not_found = found_core(report(Verdict::NoVerdict { reason: reason.clone() }, None)).unwrap_err();
        assert_eq!(not_found.to_string(), reason.to_string());
        let refuted = Verdict::Refuted { answer: Answer::Unsat, resource_count: COUNT };
        assert_eq!(found_core(report(refuted, None)), Err(NotFound::NoCore));
    }
}
