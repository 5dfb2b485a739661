//! What one obligation came to, and what of it may be remembered.
//!
//! Must never: call anything *holds* but a confirmed claim, or remember an end that another run may not meet.

use super::explained::{Explained, ExplainedScript};
use super::lasting::lasts;
use super::place::Place;
use super::settings::Besides;
use super::stability::{Brittle, Came, Stability};
use crate::advice::CounterModel;
use crate::node_batch::wire::Attestations;
use crate::obligation::ClaimSource;
use crate::text::excerpt;
use protocol::types::Hash;
use protocol::verdict::{Answer, Claim, NoVerdict, Report, Verdict};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a check found: all that is remembered of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The claim that was checked, and who made it when it was.
    pub claim: Claim,
    pub source: ClaimSource,
    pub verdict: Verdict,
    /// Processor time of the check, in milliseconds.
    pub cpu_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter_model: Option<CounterModel>,
    /// How far a check without verdict got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// The solver had answered other queries of the log before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incremental: bool,
    /// Of a theorem that holds, if it was asked for.
    #[serde(default, skip_serializing_if = "is_not_kept")]
    pub explained: Option<Explained>,
    /// What other seeds came to, if it was asked for. Never remembered.
    #[serde(skip)]
    pub stability: Option<Stability>,
}

fn is_not_kept(explained: &Option<Explained>) -> bool {
    explained.as_ref().is_none_or(|explained| explained.is_passing)
}

impl Finding {
    /// Of a claim that a series of queries confirmed.
    pub fn in_series(claim: Claim, source: ClaimSource, report: Report) -> Finding {
        Finding {
            claim,
            source,
            verdict: report.verdict,
            cpu_ms: report.cpu.0,
            counter_model: None,
            progress: None,
            incremental: true,
            explained: None,
            stability: None,
        }
    }

    /// Whether it says all that is asked. One without an explanation does not if there could be one.
    pub fn answers(&self, asked: Besides) -> bool {
        let is_theorem = matches!(self.verdict, Verdict::Confirmed { .. }) && self.claim == Claim::Unsat;
        asked.seeds == 0 && (!asked.explain || !is_theorem || self.explained.is_some())
    }

    /// Whether it names a line and column of the script.
    pub fn has_place(&self) -> bool {
        matches!(self.verdict, Verdict::Rejected { .. } | Verdict::NoVerdict { reason: NoVerdict::IllSorted { .. } })
    }

    /// Whether every later check under the same key ends so: what time, memory or a lost process ended does not count.
    pub fn lasts(&self) -> bool {
        // A solver that contradicts itself has said nothing.
        if self.stability.as_ref().and_then(Stability::brittle) == Some(Brittle::Contradiction) {
            return false;
        }
        match &self.verdict {
            Verdict::Confirmed { .. } | Verdict::Refuted { .. } | Verdict::Rejected { .. } => true,
            Verdict::NoVerdict { reason } => lasts(reason),
        }
    }
}

/// What an obligation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Holds,
    /// It holds with any goal, and the user lets that fail.
    Vacuous,
    Refuted {
        answer: Answer,
        counter_model: Option<CounterModel>,
    },
    NoVerdict {
        /// One fixed word for programs.
        reason: &'static str,
        message: String,
        /// How far the check got.
        progress: Option<String>,
    },
    /// The script has not the form that is let through.
    NotAccepted {
        /// Line and column, where it is about one.
        at: Option<(u32, u32)>,
        text: String,
        /// The line, and a caret under the place.
        excerpt: Option<[String; 2]>,
    },
    /// With what to give.
    NothingClaimed {
        why: String,
    },
    Unread {
        why: String,
    },
}

/// The outcomes without what they carry, in the order in which they are told: failures last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Holds,
    NoVerdict,
    NothingClaimed,
    Unread,
    NotAccepted,
    Vacuous,
    Refuted,
}

impl Outcome {
    /// Of a finding, with the script that it is about.
    pub fn of(finding: Finding, script: &[u8]) -> Outcome {
        match finding.verdict {
            Verdict::Confirmed { .. } => Outcome::Holds,
            Verdict::Refuted { answer, .. } => Outcome::Refuted { answer, counter_model: finding.counter_model },
            Verdict::Rejected { line, column, text }
            | Verdict::NoVerdict { reason: NoVerdict::IllSorted { line, column, text } } => {
                let excerpt = excerpt(script, line, column);
                Outcome::NotAccepted { at: Some((line, column)), text, excerpt }
            }
            Verdict::NoVerdict { reason } => {
                let (reason, message) = (reason.label(), reason.to_string());
                Outcome::NoVerdict { reason, message, progress: finding.progress }
            }
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Outcome::Holds => Kind::Holds,
            Outcome::Vacuous => Kind::Vacuous,
            Outcome::Refuted { .. } => Kind::Refuted,
            Outcome::NoVerdict { .. } => Kind::NoVerdict,
            Outcome::NotAccepted { .. } => Kind::NotAccepted,
            Outcome::NothingClaimed { .. } => Kind::NothingClaimed,
            Outcome::Unread { .. } => Kind::Unread,
        }
    }
}

impl Kind {
    /// One fixed word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Holds => "holds",
            Kind::Vacuous => "vacuous",
            Kind::Refuted => "refuted",
            Kind::NoVerdict => "no_verdict",
            Kind::NotAccepted => "not_accepted",
            Kind::NothingClaimed => "nothing_claimed",
            Kind::Unread => "unread",
        }
    }
}

/// Where an obligation stands among all: the file's number, and the query's in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub file: usize,
    pub query: u32,
}

/// Which obligation it is, for people and programs.
#[derive(Debug, Clone)]
pub struct Subject {
    pub position: Position,
    pub path: PathBuf,
    /// Of a log, which query it is.
    pub query: Option<QueryOf>,
}

/// A query of a log.
#[derive(Debug, Clone)]
pub struct QueryOf {
    /// What it is called, with the log's name.
    pub name: String,
    /// Counted from 1.
    pub number: u32,
    /// Of its check, in the log.
    pub line: u32,
    /// What the tool calls its goal.
    pub label: Option<String>,
}

impl Subject {
    /// A file as a whole.
    pub fn file(number: usize, path: &Path) -> Subject {
        Subject { position: Position { file: number, query: 0 }, path: path.to_owned(), query: None }
    }

    pub fn name(&self) -> String {
        match &self.query {
            Some(query) => query.name.clone(),
            None => self.path.display().to_string(),
        }
    }
}

/// An obligation that is done.
#[derive(Debug, Clone)]
pub struct Checked {
    pub subject: Subject,
    pub claim: Option<(Claim, ClaimSource)>,
    pub outcome: Outcome,
    /// An earlier run found it.
    pub known: bool,
    /// The solver had answered other queries of the log before.
    pub incremental: bool,
    /// What it answered then, where the query alone was answered otherwise.
    pub incremental_answer: Option<Answer>,
    /// Processor time of the check, in milliseconds; of an earlier run, if it was known.
    pub cpu_ms: Option<u64>,
    /// Where in the source, if the script says it; looked for only if something is to be told.
    pub place: Option<Place>,
    /// The log's own answer, where it is the opposite of what was found.
    pub log_says: Option<Answer>,
    pub explained: Option<ExplainedScript>,
    pub stability: Option<Stability>,
    /// What a network says, if one was asked.
    pub network: Option<OfNetwork>,
}

/// What a network's node says of an obligation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfNetwork {
    /// The proof that it is about; of a final one it is the node that knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Hash>,
    /// The block in which it is final, with the resource count that it records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_count: Option<u64>,
    /// How many validators attest what, of one that is not final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attestations: Option<Attestations>,
}

impl Checked {
    /// Something of which there is no finding.
    pub fn without(subject: Subject, outcome: Outcome) -> Checked {
        Checked {
            subject,
            claim: None,
            outcome,
            known: false,
            incremental: false,
            incremental_answer: None,
            cpu_ms: None,
            place: None,
            log_says: None,
            explained: None,
            stability: None,
            network: None,
        }
    }

    pub fn unread(subject: Subject, why: String) -> Checked {
        Checked::without(subject, Outcome::Unread { why })
    }

    /// It was found to hold with any goal.
    pub fn is_vacuous(&self) -> bool {
        self.explained.as_ref().is_some_and(ExplainedScript::is_vacuous)
    }

    /// Why it is listed as brittle, if it is.
    pub fn brittle(&self) -> Option<Brittle> {
        self.stability.as_ref()?.brittle()
    }

    /// What it comes to where the solver contradicts itself: there is no verdict then, whatever it says.
    pub fn contradiction(&self) -> Option<Outcome> {
        let (seed, came) = self.stability.as_ref()?.contradicts()?;
        let came = if came == Came::Holds { "holds" } else { "is refuted" };
        let message = format!("the solver contradicts itself: with seed {} it {came}", u32::from(seed));
        Some(Outcome::NoVerdict { reason: "contradiction", message, progress: None })
    }

    /// With the log's own answer, where that is another one.
    pub fn with_log(self, logged: Option<Answer>) -> Checked {
        let log_says = logged.filter(|says| self.answer().is_some_and(|answer| answer != *says));
        Checked { log_says, ..self }
    }

    /// The solver's answer, if there is one.
    pub fn answer(&self) -> Option<Answer> {
        match (&self.outcome, self.claim) {
            (Outcome::Refuted { answer, .. }, _) => Some(*answer),
            (Outcome::Holds, Some((Claim::Sat, _))) => Some(Answer::Sat),
            (Outcome::Holds | Outcome::Vacuous, Some((Claim::Unsat, _))) => Some(Answer::Unsat),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::explained::{Sought, Vacuity};
    use protocol::types::ResourceCount;
    use protocol::verdict::Core;

    fn finding(verdict: Verdict) -> Finding {
        Finding {
            claim: Claim::Unsat,
            source: ClaimSource::Script,
            verdict,
            cpu_ms: 1,
            counter_model: None,
            progress: None,
            incremental: false,
            explained: None,
            stability: None,
        }
    }

    #[test]
    fn an_explanation_is_asked_for_where_there_could_be_one_and_kept_where_it_lasts() {
        let explain = Besides { explain: true, seeds: 0 };
        let mut holds = finding(Verdict::Confirmed { resource_count: ResourceCount(1), within_soft_limits: true });
        assert!(holds.answers(Besides::default()) && !holds.answers(explain));
        assert!(!holds.answers(Besides { explain: false, seeds: 1 }), "nothing that is remembered was checked again");
        for is_passing in [false, true] {
            let core = Core::new(3, vec![0, 2]).unwrap();
            let explained = Explained { vacuity: Vacuity::Sound, core: Sought::Found(core), is_passing };
            holds.explained = Some(explained);
            assert!(holds.answers(explain));
            let kept: Finding = serde_json::from_slice(&serde_json::to_vec(&holds).unwrap()).unwrap();
            assert_eq!(kept.answers(explain), !is_passing, "{kept:?}");
            assert!(is_passing || kept == holds);
        }
        let refuted = finding(Verdict::Refuted { answer: Answer::Sat, resource_count: ResourceCount(1) });
        assert!(refuted.answers(explain), "there is nothing to explain");
        assert!(Finding { claim: Claim::Sat, explained: None, ..holds }.answers(explain));
    }

    #[test]
    fn what_time_memory_or_chance_ended_is_not_remembered() {
        let unknown = |why: &str| NoVerdict::Unknown { why: why.into() };
        for (reason, lasts) in [
            (unknown("(incomplete quantifiers)"), true),
            (unknown("timeout"), false),
            (unknown("max. memory exceeded"), false),
            (unknown("canceled"), false),
            (NoVerdict::ResourceLimit { limit: 1 }, true),
            (NoVerdict::ProcessorTime { limit_ms: 1 }, false),
            (NoVerdict::Deadline { wall_ms: 1 }, false),
            (NoVerdict::Memory { limit_bytes: 1 }, false),
            (NoVerdict::Stack { limit_bytes: 1 }, false),
            (NoVerdict::Crashed { signal: None, code: None }, false),
            (NoVerdict::EndedFromOutside { attempts: 3 }, false),
        ] {
            assert_eq!(finding(Verdict::NoVerdict { reason: reason.clone() }).lasts(), lasts, "{reason}");
        }
        let refuted = Verdict::Refuted { answer: Answer::Sat, resource_count: ResourceCount(1) };
        assert!(finding(refuted).lasts());
    }

    #[test]
    fn a_finding_reads_back_as_it_was_written() {
        let mut finding = finding(Verdict::Rejected { line: 1, column: 2, text: "x".into() });
        for counter_model in [None, Some(CounterModel { text: Some("(x)".into()), truncated: false, note: "n".into() })]
        {
            finding.counter_model = counter_model;
            let bytes = serde_json::to_vec(&finding).unwrap();
            assert_eq!(serde_json::from_slice::<Finding>(&bytes).unwrap(), finding);
        }
    }
}
