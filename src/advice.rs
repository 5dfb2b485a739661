//! What a node reports besides a verdict: a counter-model, a warning, how far a check without a verdict got.
//!
//! The texts are here, once for every screen and for the API. It is unsigned advice from one node: nothing here may
//! read as if the network stood behind it.

use crate::text::{grouped, plain, word};
use actors::verifier_pool::Explained;
use protocol::explanation::Explanation;
use protocol::verdict::{Report, SolverLimits, Verdict, VerifierParameters};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The counter-model of a refuted claim, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CounterModel {
    /// In the words of the submitted script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Something was left out, and the text says where.
    pub truncated: bool,
    pub note: String,
}

/// [`SolverLimits`], for the API's document alone: what one check may use.
#[derive(ToSchema)]
#[allow(dead_code)]
struct LimitsSchema {
    /// Processor time.
    cpu_ms: u64,
    memory_bytes: u64,
    resource_count: u64,
}

/// Which limit ended a check without a verdict, and under which limits it ran; how far it got is in its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ended {
    /// The reason in one fixed word.
    pub reason: &'static str,
    pub message: String,
    #[schema(value_type = LimitsSchema)]
    pub limits: SolverLimits,
}

/// What is said besides a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    pub counter_model: Option<CounterModel>,
    pub warning: Option<String>,
}

const UNSIGNED: &str = "unsigned advice: the solver of this one node found it, and no validator signs it";
const UNREACHABLE: &str = "there is none: the solver found that nothing satisfies the script, so the state that is claimed to \
     be reachable is not";
const VACUOUS: &str = "what is assumed contradicts itself: it would hold with any goal, and so proves nothing";

impl Advice {
    /// Of what was found out about a verdict.
    pub fn of(report: &Report, explained: Explained) -> Advice {
        let is_refuted = matches!(report.verdict, Verdict::Refuted { .. });
        let without = |note: String| Advice {
            counter_model: is_refuted.then_some(CounterModel { text: None, truncated: false, note }),
            warning: None,
        };
        match explained {
            Explained::Found(Explanation::CounterModel(model)) => {
                let note = UNSIGNED.to_owned();
                let counter_model = CounterModel { text: Some(model.text), truncated: model.truncated, note };
                Advice { counter_model: Some(counter_model), warning: None }
            }
            Explained::Found(Explanation::Unreachable) => without(UNREACHABLE.to_owned()),
            Explained::Found(Explanation::Vacuous) => Advice { counter_model: None, warning: Some(VACUOUS.to_owned()) },
            Explained::Found(Explanation::Sound) | Explained::Nothing => Advice::default(),
            Explained::Found(Explanation::Unknown { why }) => without(format!("none was found: {why}")),
            Explained::Forgotten => {
                without("none: this node does not remember the script any more; pop check-proof finds one".to_owned())
            }
            Explained::Busy => without("none yet: this node checks other proofs first; ask again".to_owned()),
        }
    }
}

impl Ended {
    /// Of a report without a verdict.
    pub fn of(report: &Report, parameters: &VerifierParameters) -> Option<Ended> {
        match &report.verdict {
            Verdict::NoVerdict { reason } => {
                Some(Ended { reason: reason.label(), message: reason.to_string(), limits: parameters.hard })
            }
            Verdict::Confirmed { .. } | Verdict::Refuted { .. } | Verdict::Rejected { .. } => None,
        }
    }
}

/// The lines that show a counter-model, from the API's JSON.
pub fn counter_model(view: &Value) -> Vec<String> {
    let counter_model = &view["counter_model"];
    if counter_model.is_null() {
        return Vec::new();
    }
    let note = plain(word(&counter_model["note"], "no note"));
    let Some(text) = counter_model["text"].as_str() else { return vec![format!("counter-model: {note}")] };
    let mut lines = vec![format!("counter-model ({note}):")];
    lines.extend(text.lines().map(|line| format!("  {}", plain(line))));
    lines
}

/// The line that says how far a check without verdict got, from the API's JSON.
pub fn progress(report: &Value, ended: &Value) -> Option<String> {
    let limits = &ended["limits"];
    let of = |used: &Value, limit: &str, unit: u64| {
        let used = used.as_u64().map(|used| grouped(used.div_ceil(unit)));
        Some((used, grouped(limits[limit].as_u64()? / unit)))
    };
    let (count, count_max) = of(&report["resource_count"], "resource_count", 1)?;
    let (cpu, cpu_max) = of(&report["cpu"], "cpu_ms", 1)?;
    let (memory, memory_max) = of(&report["peak_memory_bytes"], "memory_bytes", 1 << 20)?;
    let count = count.map_or_else(
        || format!("an unknown resource count of at most {count_max}"),
        |count| format!("resource count {count} of {count_max}"),
    );
    let (cpu, memory) = (cpu.unwrap_or_default(), memory.unwrap_or_default());
    Some(format!("got as far as {count}, {cpu} of {cpu_max} ms of processor time, {memory} of {memory_max} MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::types::{Millis, ResourceCount};
    use protocol::verdict::{Answer, Model, NoVerdict};
    use serde_json::json;

    fn refuted(answer: Answer) -> Report {
        Report::of(Verdict::Refuted { answer, resource_count: ResourceCount(7) })
    }

    #[test]
    fn a_counter_model_is_marked_as_one_nodes_unsigned_word() {
        let model = Model { text: "(define-fun x () Int 1)\n".into(), truncated: false };
        let explained = Explained::Found(Explanation::CounterModel(model));
        let advice = Advice::of(&refuted(Answer::Sat), explained);
        let lines = counter_model(&json!({ "counter_model": advice.counter_model }));
        assert_eq!(lines, [format!("counter-model ({UNSIGNED}):"), "  (define-fun x () Int 1)".into()]);
        assert!(UNSIGNED.starts_with("unsigned advice"));
    }

    #[test]
    fn a_refuted_claim_without_a_counter_model_says_why() {
        for (explained, words) in [
            (Explained::Busy, "ask again"),
            (Explained::Forgotten, "pop check-proof"),
            (Explained::Found(Explanation::Unknown { why: "too long".into() }), "too long"),
            (Explained::Found(Explanation::Unreachable), "nothing satisfies the script"),
        ] {
            let advice = Advice::of(&refuted(Answer::Sat), explained);
            assert!(advice.counter_model.as_ref().is_some_and(|model| model.note.contains(words)), "{advice:?}");
        }
        let confirmed = Report::of(Verdict::Confirmed { resource_count: ResourceCount(7), within_soft_limits: true });
        assert_eq!(Advice::of(&confirmed, Explained::Busy), Advice::default(), "there is none to be expected");
    }

    #[test]
    fn what_a_hostile_node_sends_moves_no_cursor() {
        let view = json!({"counter_model": {"note": "\u{1b}[2J", "text": "a\u{202e}b\r\nc\u{7}"}});
        let lines = counter_model(&view);
        assert!(lines.iter().all(|line| !line.chars().any(protocol::text::misleads)), "{lines:?}");
    }

    #[test]
    fn how_far_a_check_got_is_told_against_its_limits() {
        let reason = NoVerdict::ResourceLimit { limit: 200_000_000 };
        let mut report = Report { cpu: Millis(3_012), ..Report::of(Verdict::NoVerdict { reason }) };
        report.peak_memory_bytes = 80 << 20;
        report.resource_count = Some(ResourceCount(200_000_098));
        let line = |report: &Report| {
            progress(&json!(report), &json!(Ended::of(report, &VerifierParameters::default()))).unwrap()
        };
        let rest = "3,012 of 20,000 ms of processor time, 80 of 1,024 MiB";
        assert_eq!(line(&report), format!("got as far as resource count 200,000,098 of 200,000,000, {rest}"));
        report.resource_count = None;
        assert_eq!(line(&report), format!("got as far as an unknown resource count of at most 200,000,000, {rest}"));
    }
}
