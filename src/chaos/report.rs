//! The report of a run: JSON for programs, a table for people. `docs/CHAOS.md` defines every figure; all are measured.

use super::accounts::Counts;
use super::invariants::{Invariant, ProcessEnd};
use super::record::{Percentiles, Record, Row, rows, totals};
use crate::exit::{Exit, Failure};
use crate::testnet::Spread;
use actors::storage::files::{self, Existing};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// Throughput under faults ÷ undisturbed that counts as good.
const SHARE_WANTED: f64 = 0.8;

#[derive(Debug, Serialize)]
pub struct Report {
    pub network: NetworkPart,
    pub schedule: SchedulePart,
    pub faults: FaultsPart,
    /// By part and kind.
    pub recovery: Vec<Row>,
    /// By kind, over all actors.
    pub recovery_of_actors: Vec<Row>,
    pub proofs: Counts,
    pub submit_to_final_ms: Option<Spread>,
    pub throughput: Throughput,
    pub blocks: Blocks,
    pub processes_ended: Option<Vec<ProcessEnd>>,
    pub invariants: Vec<Invariant>,
    /// No invariant is broken. One that could not be checked is not broken.
    pub held: bool,
    pub events: Vec<Record>,
}

#[derive(Debug, Serialize)]
pub struct NetworkPart {
    pub validators: Vec<String>,
    pub chain_id: String,
    /// The folder of the configurations: another run finds the network by it.
    pub configurations: String,
    /// Started for this run, and stopped after it.
    pub own: bool,
}

#[derive(Debug, Serialize)]
pub struct SchedulePart {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    pub faults: usize,
    /// In which faults were done.
    pub seconds: f64,
    pub quiet_seconds_max: f64,
    /// After the last fault, until everything served and every proof had ended.
    pub healed_after_seconds: Option<f64>,
    pub interrupted: bool,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct FaultsPart {
    pub injected: usize,
    pub recovered: usize,
    /// An actor's fault that ended its process, which served again.
    pub escalated: usize,
    pub not_recovered: usize,
    pub not_injected: usize,
    pub messages_lost: u64,
    pub messages_rejected: u64,
}

#[derive(Debug, Serialize)]
pub struct Throughput {
    /// Proofs final a second while faults were done.
    pub proofs_per_second: f64,
    pub undisturbed_proofs_per_second: Option<f64>,
    pub share: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct Blocks {
    pub r#final: usize,
    pub longest_pause_seconds: f64,
}

impl FaultsPart {
    pub fn of(rows: &[Row]) -> FaultsPart {
        rows.iter().fold(FaultsPart::default(), |sum, row| FaultsPart {
            injected: sum.injected + row.injected,
            recovered: sum.recovered + row.recovered,
            escalated: sum.escalated + row.escalated,
            not_recovered: sum.not_recovered + row.not_recovered,
            not_injected: sum.not_injected + row.not_injected,
            messages_lost: sum.messages_lost + row.lost,
            messages_rejected: sum.messages_rejected + row.rejected,
        })
    }
}

/// What a report is made of.
pub struct Facts {
    pub network: NetworkPart,
    pub schedule: SchedulePart,
    pub proofs: Counts,
    pub submit_to_final_ms: Option<Spread>,
    pub during: f64,
    pub undisturbed: Option<f64>,
    pub blocks: Blocks,
    pub processes_ended: Option<Vec<ProcessEnd>>,
    pub invariants: Vec<Invariant>,
    pub events: Vec<Record>,
}

impl Report {
    pub fn new(facts: Facts) -> Report {
        let recovery = rows(&facts.events);
        let held = facts.invariants.iter().all(|invariant| invariant.held != Some(false));
        Report {
            network: facts.network,
            schedule: facts.schedule,
            faults: FaultsPart::of(&recovery),
            recovery_of_actors: totals(&facts.events),
            recovery,
            proofs: facts.proofs,
            submit_to_final_ms: facts.submit_to_final_ms,
            throughput: Throughput {
                proofs_per_second: rounded(facts.during),
                undisturbed_proofs_per_second: facts.undisturbed.map(rounded),
                share: facts.undisturbed.filter(|rate| *rate > 0.0).map(|rate| rounded(facts.during / rate)),
            },
            blocks: facts.blocks,
            processes_ended: facts.processes_ended,
            invariants: facts.invariants,
            held,
            events: facts.events,
        }
    }

    /// Broken invariants are a fault of ours.
    pub fn exit(&self) -> Exit {
        if self.held { Exit::Fine } else { Exit::Internal }
    }

    /// Writes it whole.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            files::make_directory(folder, 0o755).map_err(Failure::with(Exit::Configuration))?;
        }
        let mut text = self.json();
        text.push('\n');
        files::write_whole(path, text.as_bytes(), 0o644, Existing::Replace).map_err(Failure::with(Exit::Configuration))
    }

    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("every field has a JSON form")
    }

    /// The same for people.
    pub fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        _ = self.write_recovery(&mut text).and_then(|()| self.write_sums(&mut text));
        text
    }

    fn write_recovery(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "{:<31} {:>5} {:>5} {:>5} {:>8}  {:>20}  {:>20}  {:>20}",
            "", "", "", "", "", "detected, ms", "serving, ms", "next block, ms"
        )?;
        writeln!(
            text,
            "{:<31} {:>5} {:>5} {:>5} {:>8}  {:>20}  {:>20}  {:>20}",
            "fault", "done", "back", "lost", "rejected", "p50 / p99 / max", "p50 / p99 / max", "p50 / p99 / max"
        )?;
        for row in self.recovery.iter().chain(&self.recovery_of_actors) {
            // Workers and processes serve when they are up.
            let serving = row.serving_ms.as_ref().or(row.up_ms.as_ref());
            writeln!(
                text,
                "{:<31} {:>5} {:>5} {:>5} {:>8}  {:>20}  {:>20}  {:>20}",
                format!("{} {}", row.part, row.fault),
                row.injected,
                row.recovered + row.escalated,
                short(row.lost),
                short(row.rejected),
                cell(row.detected_ms.as_ref()),
                cell(serving),
                cell(row.next_final_ms.as_ref()),
            )?;
        }
        writeln!(text, "Times count from the fault (from SIGCONT for stopped processes).")
    }

    fn write_sums(&self, text: &mut String) -> std::fmt::Result {
        let FaultsPart { injected, recovered, escalated, not_recovered, not_injected, .. } = self.faults;
        writeln!(
            text,
            "\nFaults: {injected} done, {recovered} recovered, {escalated} ended their process, which serves again, \
             {not_recovered} NOT recovered; {not_injected} not done"
        )?;
        let proofs = &self.proofs;
        writeln!(
            text,
            "Proofs: {} accepted, {} final, {} refused by name, {} not ended; {:.1} a second{}",
            proofs.accepted,
            proofs.r#final,
            proofs.refused,
            proofs.unended,
            self.throughput.proofs_per_second,
            self.share_in_words(),
        )?;
        writeln!(
            text,
            "Blocks: {}, the longest pause {:.2} s{}",
            self.blocks.r#final,
            self.blocks.longest_pause_seconds,
            match self.schedule.healed_after_seconds {
                Some(after) => format!("; everything healed {after:.1} s after the last fault"),
                None => "; not everything healed".into(),
            }
        )?;
        writeln!(text, "\nInvariants")?;
        self.invariants.iter().try_for_each(|invariant| {
            writeln!(text, "  {:<7}  {}: {}", invariant.word(), invariant.name, invariant.detail)
        })
    }

    fn share_in_words(&self) -> String {
        let Throughput { undisturbed_proofs_per_second: undisturbed, share, .. } = self.throughput;
        let Some((undisturbed, share)) = undisturbed.zip(share) else { return String::new() };
        let verdict = if share >= SHARE_WANTED { "" } else { ", which is less than 80%" };
        format!(", {:.0}% of the {undisturbed:.1} undisturbed{verdict}", share * 100.0)
    }
}

fn cell(times: Option<&Percentiles>) -> String {
    let number = |ms: f64| if ms < 10.0 { format!("{ms:.2}") } else { format!("{ms:.0}") };
    times.map_or("-".into(), |times| format!("{} / {} / {}", number(times.p50), number(times.p99), number(times.max)))
}

/// A count in a narrow column.
fn short(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..10_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::record::{Outcome, Times};
    use crate::chaos::schedule::Entry;
    use crate::chaos::target::{Fault, Target};
    use protocol::types::Millis;

    fn facts(invariants: Vec<Invariant>, undisturbed: Option<f64>) -> Facts {
        let target = Target::try_from("node_1/mempool".to_owned()).unwrap();
        let entry = Entry { at: Millis(5), target, fault: Fault::Panic, hold: None };
        let mut record = Record::new(&entry, Some(0.005), Outcome::Recovered);
        record.times = Times { detected_ms: Some(0.1), up_ms: Some(0.2), serving_ms: Some(12.3), next_final_ms: None };
        Facts {
            network: NetworkPart {
                validators: vec![],
                chain_id: String::new(),
                configurations: String::new(),
                own: true,
            },
            schedule: SchedulePart {
                seed: Some(1),
                file: None,
                faults: 2,
                seconds: 1.0,
                quiet_seconds_max: 1.0,
                healed_after_seconds: Some(0.5),
                interrupted: false,
            },
            proofs: Counts::default(),
            submit_to_final_ms: None,
            during: 60.0,
            undisturbed,
            blocks: Blocks { r#final: 3, longest_pause_seconds: 0.2 },
            processes_ended: None,
            invariants,
            events: vec![record, Record::not_injected(&entry, "out")],
        }
    }

    fn invariant(held: Option<bool>) -> Invariant {
        Invariant { name: "every actor back", held, detail: "so it is".into() }
    }

    #[test]
    fn one_broken_invariant_is_the_exit_code_and_one_that_was_not_checked_is_not() {
        let exit = |invariants| Report::new(facts(invariants, None)).exit();
        assert_eq!(exit(vec![invariant(Some(true)), invariant(None)]), Exit::Fine);
        assert_eq!(exit(vec![invariant(Some(true)), invariant(Some(false))]), Exit::Internal);
    }

    #[test]
    fn the_table_has_what_a_reader_looks_for() {
        let table = Report::new(facts(vec![invariant(Some(false))], Some(80.0))).table();
        for words in [
            "mempool panic",
            "every actor panic",
            "0.10 / 0.10 / 0.10",
            "12 / 12 / 12",
            "75% of the 80.0",
            "less than 80%",
        ] {
            assert!(table.contains(words), "{words:?} is not in:\n{table}");
        }
        assert!(table.contains("BROKEN   every actor back: so it is") && table.contains("1 not done"), "{table}");
    }
}
