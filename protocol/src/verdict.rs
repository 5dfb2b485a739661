//! Jobs and verdicts: what crosses between the node and the process that runs the solver, and what of it is agreed on.
//!
//! Pure data. Nothing here trusts its sender: a report comes from a process that ran a stranger's script, so
//! [`Report::bounded`] cuts every text and list to its named maximum before anybody keeps it.

use crate::bytes::Layout;
use crate::explanation::{Core, Model, misleads};
use crate::seed::Seed;
use crate::types::{Hash, Millis, ResourceCount};
use crate::worker::exit_code;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// The answer a submitter claims: `Unsat` says the theorem holds, `Sat` that the state is reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    Unsat,
    Sat,
}

/// A definite answer of the solver. `unknown` is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Sat,
    Unsat,
}

impl Claim {
    /// Whether the solver's answer is the claimed one.
    pub fn agrees(self, answer: Answer) -> bool {
        matches!((self, answer), (Claim::Sat, Answer::Sat) | (Claim::Unsat, Answer::Unsat))
    }

    /// The byte that stands for the claim in fixed layouts.
    pub fn tag(self) -> u8 {
        match self {
            Claim::Unsat => 0,
            Claim::Sat => 1,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Claim::Unsat => "unsat",
            Claim::Sat => "sat",
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Sat => "sat",
            Answer::Unsat => "unsat",
        })
    }
}

/// Text that is neither `sat` nor `unsat`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a claim: write sat or unsat")]
pub struct ClaimError(pub String);

impl core::str::FromStr for Claim {
    type Err = ClaimError;

    fn from_str(text: &str) -> Result<Self, ClaimError> {
        match text {
            "unsat" => Ok(Claim::Unsat),
            "sat" => Ok(Claim::Sat),
            other => Err(ClaimError(other.chars().take(40).collect())),
        }
    }
}

/// What a proof says, however it is written: the normalised script's identity with the claim.
///
/// Two submissions with one statement have one verdict, and only the first final one pays.
pub fn statement_id(identity: &Hash, claim: Claim) -> Hash {
    Layout::new("pop/statement/v1").hash(identity).u8(claim.tag()).digest()
}

/// What one check may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverLimits {
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// Memory, in bytes: of address space for the hard limit, of resident memory for the soft one.
    pub memory_bytes: u64,
    /// Z3's own count of its steps.
    pub resource_count: u64,
}

impl SolverLimits {
    fn write(&self, layout: Layout) -> Layout {
        layout.u64(self.cpu_ms).u64(self.memory_bytes).u64(self.resource_count)
    }

    fn within(&self, other: &SolverLimits) -> bool {
        self.cpu_ms <= other.cpu_ms
            && self.memory_bytes <= other.memory_bytes
            && self.resource_count <= other.resource_count
    }
}

/// The verifier's part of the genesis: every validator checks under the same limits.
///
/// The limits on a script's form (tokens, nesting, expanded size, …) belong to the normaliser's version, which the
/// [`SolverPin`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerifierParameters {
    /// Longest script, in bytes. At most [`VerifierParameters::SCRIPT_BYTES_MAX`].
    pub script_bytes_max: u64,
    /// Beyond these a check ends without a verdict.
    pub hard: SolverLimits,
    /// Within these a proof may be announced Ready.
    pub soft: SolverLimits,
}

impl Default for VerifierParameters {
    fn default() -> Self {
        let hard = SolverLimits { cpu_ms: 20_000, memory_bytes: 1 << 30, resource_count: 200_000_000 };
        VerifierParameters {
            script_bytes_max: 4 << 20,
            hard,
            soft: SolverLimits {
                cpu_ms: hard.cpu_ms / 4,
                memory_bytes: hard.memory_bytes / 4,
                resource_count: hard.resource_count / 4,
            },
        }
    }
}

/// A relation between the verifier's parameters that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierParametersError {
    #[error("verifier.script_bytes_max is {0}: it must be from 1 to {max}", max = VerifierParameters::SCRIPT_BYTES_MAX)]
    ScriptBytes(u64),
    #[error("verifier.soft must not exceed verifier.hard in any limit")]
    SoftAboveHard,
    #[error("verifier.{name} is {value}: it must be from {min} to {max}")]
    OutOfRange { name: &'static str, value: u64, min: u64, max: u64 },
}

impl VerifierParameters {
    /// No network may let in longer scripts: frames and queues are sized by it.
    pub const SCRIPT_BYTES_MAX: u64 = 16 << 20;
    /// Z3 needs some 160 MiB of address space before it has done anything.
    pub const MEMORY_BYTES_MIN: u64 = 256 << 20;
    pub const MEMORY_BYTES_MAX: u64 = 1 << 40;
    pub const CPU_MS_MAX: u64 = 3_600_000;
    /// Z3 takes its limit as an unsigned 32-bit number.
    pub const RESOURCE_COUNT_MAX: u64 = u32::MAX as u64;

    /// Checks ranges and relations.
    ///
    /// # Errors
    /// The first one that does not hold.
    pub fn check(&self) -> Result<(), VerifierParametersError> {
        let in_range = |name, value, min, max| {
            if (min..=max).contains(&value) {
                Ok(())
            } else {
                Err(VerifierParametersError::OutOfRange { name, value, min, max })
            }
        };
        if !(1..=Self::SCRIPT_BYTES_MAX).contains(&self.script_bytes_max) {
            return Err(VerifierParametersError::ScriptBytes(self.script_bytes_max));
        }
        in_range("hard.cpu_ms", self.hard.cpu_ms, 1, Self::CPU_MS_MAX)?;
        in_range("hard.memory_bytes", self.hard.memory_bytes, Self::MEMORY_BYTES_MIN, Self::MEMORY_BYTES_MAX)?;
        in_range("hard.resource_count", self.hard.resource_count, 1, Self::RESOURCE_COUNT_MAX)?;
        if self.soft.within(&self.hard) { Ok(()) } else { Err(VerifierParametersError::SoftAboveHard) }
    }

    /// Adds the parameters to the genesis' fixed layout.
    pub fn write(&self, layout: Layout) -> Layout {
        let layout = layout.u64(self.script_bytes_max);
        self.soft.write(self.hard.write(layout))
    }
}

/// What decides a resource count, besides the script: peers with another pin are refused at the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolverPin {
    /// BLAKE3 of the solver library's file.
    pub library: Hash,
    /// Version of the normaliser, form limits included.
    pub normaliser_version: u32,
}

impl SolverPin {
    /// Adds the pin to a fixed layout.
    pub fn write(&self, layout: Layout) -> Layout {
        layout.hash(&self.library).u32(self.normaliser_version)
    }
}

impl fmt::Display for SolverPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (normaliser {})", self.library, self.normaliser_version)
    }
}

/// One script to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    #[serde(with = "byte_string")]
    pub script: Vec<u8>,
    /// Without a claim any definite answer confirms, and the report has no statement.
    pub claim: Option<Claim>,
    pub limits: VerifierParameters,
    pub task: Task,
    /// Sends the solver's search another way. A verdict that counts is one without: no node ever sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
}

/// What is to be done with a job's script. Verdicts are made by checks alone; the others are advice for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Check,
    /// Find a model of the script, as the solver has it without the script's options and logic.
    Model,
    /// Check the script without its goal: `unsat` then says that what is assumed is contradictory, and that an answer to
    /// the whole script proves nothing. What the goal is, `smtlib::without_goal` says.
    Vacuity,
    /// Find assertions on which an answer `unsat` rests.
    Core,
    /// The script is several queries of a log: answer the first, and keep the solver for the others. Such a report has no
    /// statement, and nothing but this machine's own user may rely on it.
    Series,
    /// Answer the next query of the series that came last; the job's script is empty.
    Next,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub verdict: Verdict,
    /// The solver's answer, where it counts.
    pub answer: Option<Answer>,
    /// What Z3 counted, over all the runs that the answer needed: exactly repeatable under one pin. Without an answer,
    /// how far it got, where the solver survived to report it.
    pub resource_count: Option<ResourceCount>,
    /// Processor time of the check.
    pub cpu: Millis,
    /// Highest resident memory of the worker during the check; 0 where the system does not report it.
    pub peak_memory_bytes: u64,
    /// [`statement_id`] of the script, if it has the right form and there is a claim.
    pub statement: Option<Hash>,
    /// What the script says of itself in `(set-info :status …)`.
    pub status: Option<Claim>,
    /// What the normaliser dropped or changed, in the script's order; at most [`Report::NOTES_MAX`].
    pub notes: Vec<Note>,
    /// Further notes that were cut off.
    pub notes_omitted: u32,
    /// How much of the script was ignored.
    #[serde(default)]
    pub ignored: Ignored,
    pub assumptions: Assumptions,
    /// What a reader of the verdict should know; at most [`Report::WARNINGS_MAX`].
    pub warnings: Vec<String>,
    /// What [`Task::Model`] found; no check has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// What [`Task::Core`] found; no check has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<Core>,
}

/// One thing that the normaliser dropped or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub line: u32,
    pub column: u32,
    pub text: String,
}

/// How much of a script the solver was not shown, and nothing else read either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    pub commands: u32,
    pub options: u32,
}

/// What a script takes for granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumptions {
    pub assertions: u32,
    pub quantifiers: u32,
    pub uninterpreted_symbols: u32,
    pub recursive_definitions: u32,
}

/// The verdict on a proof. Only the first two are definite: they alone may be signed or held against a validator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// The solver gave the claimed answer.
    Confirmed { resource_count: ResourceCount, within_soft_limits: bool },
    /// The solver gave the other answer.
    Refuted { answer: Answer, resource_count: ResourceCount },
    /// Nothing that counts was answered.
    NoVerdict { reason: NoVerdict },
    /// The script does not have an accepted form. Lines and columns start at 1.
    Rejected { line: u32, column: u32, text: String },
}

impl Verdict {
    /// Whether the next query of a series can be asked: the solver finished this one by itself.
    pub fn leaves_a_series_open(&self) -> bool {
        match self {
            Verdict::Confirmed { .. } | Verdict::Refuted { .. } => true,
            Verdict::NoVerdict { reason } => matches!(reason, NoVerdict::Unknown { .. } | NoVerdict::SatNotRepeated),
            Verdict::Rejected { .. } => false,
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NoVerdict {
    #[error("the solver answered unknown ({why})")]
    Unknown { why: String },
    #[error("the resource limit of {limit} was reached")]
    ResourceLimit { limit: u64 },
    #[error("the limit of {limit_ms} ms of processor time was reached")]
    ProcessorTime { limit_ms: u64 },
    #[error("{wall_ms} ms passed, and the processor time for it never came")]
    Deadline { wall_ms: u64 },
    #[error("the limit of {limit_bytes} bytes of memory was reached")]
    Memory { limit_bytes: u64 },
    #[error(
        "the limit of {limit_bytes} bytes of stack was reached: the script's terms are nested too deeply for the solver"
    )]
    Stack { limit_bytes: u64 },
    #[error("the solver ended its process ({})", ending(*signal, *code))]
    Crashed { signal: Option<i32>, code: Option<i32> },
    #[error("the solver reported an error: {text}")]
    SolverError { text: String },
    /// The solver refuses a part of the script that has the right form. Lines and columns start at 1.
    #[error("line {line}, column {column}: {text}")]
    IllSorted { line: u32, column: u32, text: String },
    #[error("sat was not obtained again without the script's options and logic")]
    SatNotRepeated,
    #[error("answered sat, could not be checked ({why})")]
    SatNotChecked { why: String },
    #[error("sat with recursive definitions is not relied upon")]
    SatWithRecursion,
    #[error("the script asks nothing: it has no check-sat")]
    NothingAsked,
    #[error("the worker was ended from outside {attempts} times")]
    EndedFromOutside { attempts: u32 },
}

fn ending(signal: Option<i32>, code: Option<i32>) -> String {
    match (signal, code) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(exit_code::SOLVER_EXIT)) => String::from("by a call of exit"),
        (None, Some(exit_code::PANIC)) => String::from("by a panic of the worker's own code"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => String::from("for no known reason"),
    }
}

impl NoVerdict {
    /// Whether it says something about the proof; otherwise a later try may well answer, and it must not be remembered.
    pub fn concerns_the_proof(&self) -> bool {
        !matches!(self, NoVerdict::EndedFromOutside { .. })
    }

    /// A short fixed label for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            NoVerdict::Unknown { .. } => "unknown",
            NoVerdict::ResourceLimit { .. } => "resource_limit",
            NoVerdict::ProcessorTime { .. } => "processor_time",
            NoVerdict::Deadline { .. } => "deadline",
            NoVerdict::Memory { .. } => "memory",
            NoVerdict::Stack { .. } => "stack",
            NoVerdict::Crashed { .. } => "crashed",
            NoVerdict::SolverError { .. } => "solver_error",
            NoVerdict::IllSorted { .. } => "ill_sorted",
            NoVerdict::SatNotRepeated => "sat_not_repeated",
            NoVerdict::SatNotChecked { .. } => "sat_not_checked",
            NoVerdict::SatWithRecursion => "sat_with_recursion",
            NoVerdict::NothingAsked => "nothing_asked",
            NoVerdict::EndedFromOutside { .. } => "ended_from_outside",
        }
    }
}

impl Report {
    pub const NOTES_MAX: usize = 32;
    pub const WARNINGS_MAX: usize = 8;
    /// Longest text in a report, in bytes.
    pub const TEXT_BYTES_MAX: usize = 300;
    /// No report is longer than this on the wire.
    pub const ENCODED_BYTES_MAX: usize = 64 << 10;

    /// A report that says nothing but its verdict.
    pub fn of(verdict: Verdict) -> Report {
        Report {
            verdict,
            answer: None,
            resource_count: None,
            cpu: Millis(0),
            peak_memory_bytes: 0,
            statement: None,
            status: None,
            notes: Vec::new(),
            notes_omitted: 0,
            ignored: Ignored::default(),
            assumptions: Assumptions::default(),
            warnings: Vec::new(),
            model: None,
            core: None,
        }
    }

    /// Takes readiness from a confirmation that cost more than the soft limits; nothing ever gives it back.
    pub fn withdraw_readiness_unless(&mut self, within: bool) {
        if let Verdict::Confirmed { within_soft_limits, .. } = &mut self.verdict {
            *within_soft_limits &= within;
        }
    }

    /// Cuts every text and list to its maximum, and takes control characters out of texts that reach a terminal.
    pub fn bounded(mut self) -> Report {
        let omitted = u32::try_from(self.notes.len().saturating_sub(Self::NOTES_MAX)).unwrap_or(u32::MAX);
        self.notes_omitted = self.notes_omitted.saturating_add(omitted);
        self.notes.truncate(Self::NOTES_MAX);
        self.notes.iter_mut().for_each(|note| bound_text(&mut note.text));
        self.warnings.truncate(Self::WARNINGS_MAX);
        self.warnings.iter_mut().for_each(bound_text);
        self.model = self.model.map(Model::bounded);
        self.core = self.core.and_then(Core::bounded);
        match &mut self.verdict {
            Verdict::Rejected { text, .. }
            | Verdict::NoVerdict {
                reason:
                    NoVerdict::SolverError { text }
                    | NoVerdict::IllSorted { text, .. }
                    | NoVerdict::Unknown { why: text }
                    | NoVerdict::SatNotChecked { why: text },
            } => bound_text(text),
            Verdict::Confirmed { .. } | Verdict::Refuted { .. } | Verdict::NoVerdict { .. } => {}
        }
        self
    }
}

/// Shortens a text at a character boundary and replaces control characters.
fn bound_text(text: &mut String) {
    if text.len() > Report::TEXT_BYTES_MAX {
        let end = (0..=Report::TEXT_BYTES_MAX - '…'.len_utf8()).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    if text.chars().any(misleads) {
        *text = text.chars().map(|c| if misleads(c) { ' ' } else { c }).collect();
    }
}

/// A byte string on the wire: serde alone would write a list of numbers, half as long again.
mod byte_string {
    use alloc::vec::Vec;
    use serde::{Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a byte string")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn the_default_limits_are_the_documented_ones_and_hold_together() {
        let defaults = VerifierParameters::default();
        assert_eq!(defaults.hard, SolverLimits { cpu_ms: 20_000, memory_bytes: 1 << 30, resource_count: 200_000_000 });
        assert_eq!(defaults.soft, SolverLimits { cpu_ms: 5_000, memory_bytes: 1 << 28, resource_count: 50_000_000 });
        assert_eq!(defaults.check(), Ok(()));
    }

    #[test]
    fn soft_limits_above_the_hard_ones_are_refused() {
        let mut parameters = VerifierParameters::default();
        parameters.soft.cpu_ms = parameters.hard.cpu_ms + 1;
        assert_eq!(parameters.check(), Err(VerifierParametersError::SoftAboveHard));
    }

    #[test]
    fn unknown_keys_of_the_genesis_are_refused() {
        assert!(serde_json::from_str::<VerifierParameters>(r#"{"script_bytes_max": 10}"#).is_ok());
        assert!(serde_json::from_str::<VerifierParameters>(r#"{"scripts": 10}"#).is_err());
    }

    #[test]
    fn one_script_with_two_claims_makes_two_statements() {
        let identity = Hash([7; 32]);
        assert_ne!(statement_id(&identity, Claim::Sat), statement_id(&identity, Claim::Unsat));
        assert_ne!(statement_id(&identity, Claim::Sat), statement_id(&Hash([8; 32]), Claim::Sat));
    }

    #[test]
    fn a_claim_reads_back_as_it_is_written() {
        for claim in [Claim::Sat, Claim::Unsat] {
            assert_eq!(claim.to_string().parse(), Ok(claim));
        }
        assert!("UNSAT".parse::<Claim>().is_err());
    }

    #[test]
    fn an_oversized_report_is_cut_to_its_bounds() {
        let long: String = "ä\u{1b}".repeat(4000);
        let mut report = Report::of(Verdict::Rejected { line: 1, column: 1, text: long.clone() });
        report.notes = vec![Note { line: 1, column: 1, text: long.clone() }; 1000];
        report.warnings = vec![long.clone(); 1000];
        report.model = Some(Model { text: long.repeat(10), truncated: false });
        report.core = Core::new(u32::MAX, (0..Core::NEEDED_MAX as u32).map(|index| u32::MAX - index).rev().collect());
        let report = report.bounded();
        assert_eq!((report.notes.len(), report.notes_omitted), (Report::NOTES_MAX, 1000 - Report::NOTES_MAX as u32));
        assert_eq!(report.warnings.len(), Report::WARNINGS_MAX);
        let Verdict::Rejected { text, .. } = &report.verdict else { panic!("the verdict's kind changed") };
        assert!(text.len() <= Report::TEXT_BYTES_MAX && !text.contains('\u{1b}'));
        let model = report.model.as_ref().unwrap();
        assert!(model.text.len() <= Model::TEXT_BYTES_MAX && model.truncated && !model.text.contains('\u{1b}'));
        assert!(serde_json::to_vec(&report).unwrap().len() <= Report::ENCODED_BYTES_MAX);
    }
}
