//! What is said of an obligation that holds, besides that it does: whether it is vacuous, and which assertions it needs.
//!
//! As it is remembered it holds numbers and no places: two scripts that make one statement may have their assertions in
//! different lines. Must never: call anything vacuous or unneeded that the solver did not show to be.

use super::lasting;
use crate::logs::LogObligation;
use protocol::explanation::{Explanation, found_core};
use protocol::verdict::{Core, NoVerdict, Report, Task, Verdict, VerifierParameters};
use serde::{Deserialize, Serialize};

/// As it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    pub vacuity: Vacuity,
    pub core: Sought<Core>,
    /// Time or memory ended a part of it, so that another run may find out more: it is not remembered.
    #[serde(skip)]
    pub is_passing: bool,
}

/// Whether it would hold with any goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vacuity {
    /// What is assumed contradicts itself.
    Vacuous,
    /// It does not.
    Sound,
    Unknown {
        why: String,
    },
}

/// Something that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sought<T> {
    Found(T),
    Unknown { why: String },
}

impl Explained {
    /// Whether a report leaves anything to explain: a theorem that holds.
    pub fn is_sought(report: &Report) -> bool {
        Explanation::sought(report) == Some(Err(Task::Vacuity))
    }

    /// Of what the two jobs came to. Where the one without the goal was not answered, a core without the last assertion
    /// answers it.
    pub fn of(core: Report, vacuity: Report) -> Explained {
        let is_passing = !lasts(&core) || !lasts(&vacuity);
        let core = found_core(core).map_or_else(|why| Sought::Unknown { why: why.to_string() }, Sought::Found);
        let vacuity = match Vacuity::found(vacuity) {
            Vacuity::Unknown { .. } if is_without_goal(&core) => Vacuity::Vacuous,
            vacuity => vacuity,
        };
        Explained { vacuity, core, is_passing }
    }
}

fn is_without_goal(core: &Sought<Core>) -> bool {
    match core {
        Sought::Found(core) => core.assertions().checked_sub(1).is_some_and(|goal| !core.needs(goal)),
        Sought::Unknown { .. } => false,
    }
}

impl Vacuity {
    /// What a finished [`Task::Vacuity`] says.
    fn found(report: Report) -> Vacuity {
        match Explanation::found(Task::Vacuity, report) {
            Explanation::Vacuous => Vacuity::Vacuous,
            Explanation::Sound => Vacuity::Sound,
            Explanation::Unknown { why } => Vacuity::Unknown { why },
            // No report of this task is made into one of these.
            Explanation::CounterModel(_) | Explanation::Unreachable => Vacuity::Unknown { why: "no answer".to_owned() },
        }
    }
}

/// As it is told of one script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedScript {
    pub vacuity: Vacuity,
    pub assertions: Sought<Assertions>,
}

/// A script's assertions that are in force at its check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertions {
    pub total: u32,
    /// Those that are not needed, in the script's order.
    pub unneeded: Vec<Assertion>,
    /// If it is vacuous without any part of the last assertion: those that contradict one another.
    pub contradictory: Vec<Assertion>,
}

/// One assertion, as its author finds it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assertion {
    /// Of the file, counted from 1.
    pub line: u32,
    /// Its `:named`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// It stands in the scope of the goal, and not in the tool's background.
    #[serde(skip)]
    pub is_beside_goal: bool,
}

impl ExplainedScript {
    /// Of a script, and where that stands in its log.
    pub fn of(explained: Explained, script: &[u8], log: Option<LogObligation<'_>>) -> ExplainedScript {
        let is_vacuous = explained.vacuity == Vacuity::Vacuous && is_without_goal(&explained.core);
        let assertions = match explained.core {
            Sought::Found(core) => Sought::Found(Assertions::of(&core, script, log, is_vacuous)),
            Sought::Unknown { why } => Sought::Unknown { why },
        };
        ExplainedScript { vacuity: explained.vacuity, assertions }
    }

    pub fn is_vacuous(&self) -> bool {
        self.vacuity == Vacuity::Vacuous
    }
}

impl Assertions {
    fn of(core: &Core, script: &[u8], log: Option<LogObligation<'_>>, is_vacuous: bool) -> Assertions {
        let mut assertions = Assertions { total: core.assertions(), unneeded: Vec::new(), contradictory: Vec::new() };
        if core.unneeded() == 0 {
            return assertions;
        }
        let limits = smtlib::Limits { bytes_max: VerifierParameters::SCRIPT_BYTES_MAX, ..smtlib::Limits::default() };
        // The worker has read the very same script, or one that makes the same statement.
        let found = smtlib::assertions(script, &limits).unwrap_or_default();
        let lines: Vec<u32> = found.iter().map(|assertion| assertion.line).collect();
        let lines = log.map_or_else(|| lines.clone(), |log| log.lines(&lines));
        for ((index, line), smtlib::Assertion { name, is_innermost, .. }) in (0..).zip(lines).zip(found) {
            let assertion = Assertion { line, name, is_beside_goal: is_innermost };
            if !core.needs(index) {
                assertions.unneeded.push(assertion);
            } else if is_vacuous {
                assertions.contradictory.push(assertion);
            }
        }
        assertions
    }
}

/// Whether a report of one of these tasks comes out so each time.
fn lasts(report: &Report) -> bool {
    match &report.verdict {
        Verdict::NoVerdict { reason: NoVerdict::SolverError { .. } } => true,
        Verdict::NoVerdict { reason } => lasting::lasts(reason),
        Verdict::Confirmed { .. } | Verdict::Refuted { .. } | Verdict::Rejected { .. } => true,
    }
}
