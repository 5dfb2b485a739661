//! What became of each fault, and the statistics of many: pure.

use super::schedule::{Entry, seconds};
use super::target::{Fault, Target};
use crate::testnet::Spread;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// How a fault ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
pub enum Outcome {
    /// What was hit serves again.
    Recovered,
    /// An actor's fault ended its process, which serves again: legal, and counted.
    Escalated,
    /// It was never done, because what it was meant for was out already.
    NotInjected(String),
    /// It did not serve again while it was waited for.
    NotRecovered(String),
}

/// Milliseconds after the injection; none of what did not happen or cannot be seen from outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Times {
    pub detected_ms: Option<f64>,
    pub up_ms: Option<f64>,
    pub serving_ms: Option<f64>,
    pub next_final_ms: Option<f64>,
}

/// One fault of the schedule, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// When it was due, seconds after the start of the run.
    #[serde(serialize_with = "in_seconds")]
    pub at: protocol::types::Millis,
    /// When it was done.
    pub injected_at: Option<f64>,
    pub target: Target,
    pub fault: Fault,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_seconds: Option<f64>,
    #[serde(flatten)]
    pub outcome: Outcome,
    #[serde(flatten)]
    pub times: Times,
    /// Messages.
    pub lost: u64,
    pub rejected: u64,
}

fn in_seconds<S: Serializer>(at: &protocol::types::Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(seconds(*at))
}

impl Record {
    pub fn new(entry: &Entry, injected_at: Option<f64>, outcome: Outcome) -> Record {
        Record {
            at: entry.at,
            injected_at,
            target: entry.target.clone(),
            fault: entry.fault,
            hold_seconds: entry.hold.map(seconds),
            outcome,
            times: Times::default(),
            lost: 0,
            rejected: 0,
        }
    }

    pub fn not_injected(entry: &Entry, why: impl Into<String>) -> Record {
        Record::new(entry, None, Outcome::NotInjected(why.into()))
    }
}

/// Percentiles of one time, in milliseconds, by nearest rank.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Percentiles {
    pub count: usize,
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

impl Percentiles {
    fn of(samples: &[f64]) -> Option<Percentiles> {
        let Spread { count, p50, p99, max, .. } = Spread::of(samples)?;
        Some(Percentiles { count, p50, p99, max })
    }
}

/// All faults of one kind on one part, whosever it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub part: String,
    pub fault: Fault,
    /// Of those that were done.
    pub injected: usize,
    pub recovered: usize,
    pub escalated: usize,
    pub not_recovered: usize,
    pub not_injected: usize,
    pub lost: u64,
    pub rejected: u64,
    pub detected_ms: Option<Percentiles>,
    pub up_ms: Option<Percentiles>,
    pub serving_ms: Option<Percentiles>,
    pub next_final_ms: Option<Percentiles>,
}

/// A row for each part and fault, in the order of their names. Times of those that escalated are of a process' restart and
/// stand in a row of their own, `part` with `→ process`.
pub fn rows(records: &[Record]) -> Vec<Row> {
    let mut groups: BTreeMap<(String, Fault), Vec<&Record>> = BTreeMap::new();
    for record in records {
        let part = record.target.part.name();
        let part = if record.outcome == Outcome::Escalated { format!("{part} → process") } else { part.to_owned() };
        groups.entry((part, record.fault)).or_default().push(record);
    }
    groups.into_iter().map(|((part, fault), records)| row(part, fault, &records)).collect()
}

fn row(part: String, fault: Fault, records: &[&Record]) -> Row {
    let count = |is: fn(&Outcome) -> bool| records.iter().filter(|record| is(&record.outcome)).count();
    let not_injected = count(|outcome| matches!(outcome, Outcome::NotInjected(_)));
    let spread = |time: fn(&Times) -> Option<f64>| {
        Percentiles::of(&records.iter().filter_map(|record| time(&record.times)).collect::<Vec<_>>())
    };
    Row {
        part,
        fault,
        injected: records.len() - not_injected,
        recovered: count(|outcome| *outcome == Outcome::Recovered),
        escalated: count(|outcome| *outcome == Outcome::Escalated),
        not_recovered: count(|outcome| matches!(outcome, Outcome::NotRecovered(_))),
        not_injected,
        lost: records.iter().map(|record| record.lost).sum(),
        rejected: records.iter().map(|record| record.rejected).sum(),
        detected_ms: spread(|times| times.detected_ms),
        up_ms: spread(|times| times.up_ms),
        serving_ms: spread(|times| times.serving_ms),
        next_final_ms: spread(|times| times.next_final_ms),
    }
}

/// The same for all of one fault on actors, and for all panics and terminations together.
pub fn totals(records: &[Record]) -> Vec<Row> {
    let of_actors = |faults: &[Fault]| -> Vec<&Record> {
        let is_actor = |record: &&Record| matches!(record.target.part, super::target::Part::Actor(_));
        let counts = |record: &&Record| faults.contains(&record.fault) && record.outcome != Outcome::Escalated;
        records.iter().filter(is_actor).filter(counts).collect()
    };
    let faults = [Fault::Panic, Fault::Terminate, Fault::Hang, Fault::Block, Fault::Flood];
    let rows = faults.map(|fault| row("every actor".into(), fault, &of_actors(&[fault])));
    rows.into_iter().filter(|row| row.injected > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::target::Part;
    use protocol::types::Millis;

    fn record(part: Part, fault: Fault, outcome: Outcome, serving: Option<f64>) -> Record {
        let target = Target { node: "node_1".into(), part };
        let entry = Entry { at: Millis(1_500), target, fault, hold: None };
        let mut record = Record::new(&entry, Some(1.6), outcome);
        record.times.serving_ms = serving;
        record
    }

    fn mempool() -> Part {
        Part::Actor("mempool".into())
    }

    #[test]
    fn times_are_told_by_part_and_fault_and_escalations_apart() {
        let mut records: Vec<Record> =
            (1..=100).map(|ms| record(mempool(), Fault::Panic, Outcome::Recovered, Some(f64::from(ms)))).collect();
        records[0].lost = 3;
        records[1].rejected = 4;
        records.push(record(mempool(), Fault::Panic, Outcome::Escalated, Some(2_000.0)));
        records.push(record(mempool(), Fault::Panic, Outcome::NotInjected("out".into()), None));
        records.push(record(mempool(), Fault::Panic, Outcome::NotRecovered("silent".into()), None));
        records.push(record(Part::Worker, Fault::Kill, Outcome::Recovered, None));
        let rows = rows(&records);
        let names: Vec<_> = rows.iter().map(|row| (row.part.as_str(), row.fault)).collect();
        assert_eq!(names, [("mempool", Fault::Panic), ("mempool → process", Fault::Panic), ("worker", Fault::Kill)]);
        let first = &rows[0];
        assert_eq!((first.injected, first.recovered, first.not_recovered, first.not_injected), (101, 100, 1, 1));
        assert_eq!((first.lost, first.rejected), (3, 4));
        let serving = first.serving_ms.as_ref().unwrap();
        assert_eq!((serving.count, serving.p50, serving.p99, serving.max), (100, 50.0, 99.0, 100.0));
        assert_eq!(rows[1].serving_ms.as_ref().unwrap().max, 2_000.0);
        assert_eq!(rows[2].serving_ms, None, "what nobody saw is not a time");
    }

    #[test]
    fn totals_are_of_actors_that_did_not_take_their_process() {
        let records = [
            record(mempool(), Fault::Panic, Outcome::Recovered, Some(1.0)),
            record(Part::Actor("state".into()), Fault::Panic, Outcome::Recovered, Some(3.0)),
            record(mempool(), Fault::Panic, Outcome::Escalated, Some(2_000.0)),
            record(Part::Process, Fault::Kill, Outcome::Recovered, Some(500.0)),
        ];
        let totals = totals(&records);
        assert_eq!(totals.len(), 1);
        assert_eq!((totals[0].injected, totals[0].serving_ms.as_ref().unwrap().max), (2, 3.0));
    }

    #[test]
    fn a_record_in_json_has_its_times_beside_its_outcome() {
        let record = record(mempool(), Fault::Hang, Outcome::NotRecovered("silent".into()), None);
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(
            (&json["at"], &json["injected_at"], &json["target"]),
            (&1.5.into(), &1.6.into(), &"node_1/mempool".into())
        );
        assert_eq!(
            (&json["outcome"], &json["why"], &json["fault"]),
            (&"not_recovered".into(), &"silent".into(), &"hang".into())
        );
        assert!(json["serving_ms"].is_null() && json.get("hold_seconds").is_none());
    }
}
