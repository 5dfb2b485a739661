//! A schedule of faults: read from a file with every mistake named, or drawn (`draw`), and written back as it is read.

use super::target::{Fault, Target, fault_names};
use protocol::types::Millis;
use serde::{Deserialize, Serialize};

/// A schedule that is longer is a mistake: a week.
const AT_MAX: Millis = Millis(7 * 24 * 3_600_000);
/// How long a process may be stopped.
const HOLD_MAX: Millis = Millis(600_000);
/// A stop without a hold.
pub const HOLD_DEFAULT: Millis = Millis(2_000);

/// One fault that is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// After the start of the run.
    pub at: Millis,
    pub target: Target,
    pub fault: Fault,
    /// How long a stopped process stays stopped.
    pub hold: Option<Millis>,
}

/// Faults in the order in which they are due.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    /// More processes may be down at a time than a quorum can spare: the author wants the network to halt.
    pub beyond_tolerance: bool,
    pub faults: Vec<Entry>,
}

/// The forms of the file: seconds where a person reads them, and nothing unknown.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleFile {
    #[serde(default)]
    beyond_tolerance: bool,
    faults: Vec<EntryFile>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryFile {
    at: f64,
    target: Target,
    fault: Fault,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold: Option<f64>,
}

/// Why a text is not a schedule.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    #[error(
        "{0}; a schedule is a list of {{\"at\": SECONDS, \"target\": \"node_1/mempool\", \"fault\": \"panic\"}}, or \
         {{\"beyond_tolerance\": true, \"faults\": […]}} with such a list"
    )]
    Form(String),
    #[error("it has no fault in it")]
    Empty,
    #[error("fault {number} (of {target} at {at} s): {why}")]
    Entry { number: usize, target: Target, at: f64, why: String },
}

impl Schedule {
    /// # Errors
    /// The first mistake, with its line, or with the fault's number where the form is right.
    pub fn parse(text: &str) -> Result<Schedule, ScheduleError> {
        let form = |error: serde_json::Error| ScheduleError::Form(actors::storage::files::json_fault(&error));
        let file = if text.trim_start().starts_with('[') {
            ScheduleFile { beyond_tolerance: false, faults: serde_json::from_str(text).map_err(form)? }
        } else {
            serde_json::from_str(text).map_err(form)?
        };
        if file.faults.is_empty() {
            return Err(ScheduleError::Empty);
        }
        let entries = file.faults.into_iter().enumerate();
        let faults = entries.map(|(index, entry)| entry.checked(index + 1)).collect::<Result<Vec<_>, _>>()?;
        Ok(Schedule::new(file.beyond_tolerance, faults))
    }

    pub fn new(beyond_tolerance: bool, mut faults: Vec<Entry>) -> Schedule {
        // Stable: those of one instant stay in the file's order.
        faults.sort_by_key(|entry| entry.at);
        Schedule { beyond_tolerance, faults }
    }

    /// Every target must be of this network.
    ///
    /// # Errors
    /// The first that is not, with those that are.
    pub fn check_targets(&self, nodes: &[String]) -> Result<(), ScheduleError> {
        match self.faults.iter().enumerate().find(|(_, entry)| !nodes.contains(&entry.target.node)) {
            None => Ok(()),
            Some((index, entry)) => {
                let why = format!("there is no validator {}: there are {}", entry.target.node, nodes.join(", "));
                Err(entry.wrong(index + 1, why))
            }
        }
    }

    /// When the last fault is over, as far as the schedule itself says.
    pub fn span(&self) -> Millis {
        let ends = self.faults.iter().map(|entry| entry.at.0 + entry.hold.unwrap_or_default().0);
        Millis(ends.max().unwrap_or_default())
    }

    /// As a file that [`Schedule::parse`] reads: a line for each fault.
    pub fn text(&self) -> String {
        let line = |entry: &Entry| {
            let file = EntryFile {
                at: seconds(entry.at),
                target: entry.target.clone(),
                fault: entry.fault,
                hold: entry.hold.map(seconds),
            };
            format!("    {}", serde_json::to_string(&file).expect("every field has a JSON form"))
        };
        let lines: Vec<String> = self.faults.iter().map(line).collect();
        format!(
            "{{\n  \"beyond_tolerance\": {},\n  \"faults\": [\n{}\n  ]\n}}\n",
            self.beyond_tolerance,
            lines.join(",\n")
        )
    }
}

impl EntryFile {
    fn checked(self, number: usize) -> Result<Entry, ScheduleError> {
        let EntryFile { at, target, fault, hold } = self;
        let wrong = |why: String| ScheduleError::Entry { number, target: target.clone(), at, why };
        let possible = Fault::of(&target.part);
        if !possible.contains(&fault) {
            let what = target.part.name();
            return Err(wrong(format!("{fault} cannot be done to it: for {what} there are {}", fault_names(possible))));
        }
        let span = |name: &str, value: f64, max: Millis| {
            let inside = (0.0..=seconds(max)).contains(&value);
            inside
                .then(|| Millis((value * 1e3).round() as u64))
                .ok_or_else(|| wrong(format!("{name} is {value}: it must be 0 to {} seconds", seconds(max))))
        };
        let at = span("at", at, AT_MAX)?;
        let hold = match (fault, hold) {
            (Fault::Stop, hold) => Some(hold.map_or(Ok(HOLD_DEFAULT), |hold| span("hold", hold, HOLD_MAX))?),
            (_, None) => None,
            (_, Some(_)) => return Err(wrong(format!("hold is for stop, and {fault} has none"))),
        };
        Ok(Entry { at, target, fault, hold })
    }
}

impl Entry {
    fn wrong(&self, number: usize, why: String) -> ScheduleError {
        ScheduleError::Entry { number, target: self.target.clone(), at: seconds(self.at), why }
    }

    pub fn takes_the_process(&self) -> bool {
        self.fault.takes_the_process(&self.target.part)
    }
}

pub fn seconds(span: Millis) -> f64 {
    span.0 as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"[
  {"at": 2.5, "target": "node_2", "fault": "stop", "hold": 1},
  {"at": 1, "target": "node_1/mempool", "fault": "panic"},
  {"at": 3, "target": "node_1/worker", "fault": "stop"}
]"#;

    fn error(text: &str) -> String {
        Schedule::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_list_is_a_schedule_in_the_order_of_its_times_and_is_written_as_it_is_read() {
        let schedule = Schedule::parse(GOOD).unwrap();
        let times: Vec<u64> = schedule.faults.iter().map(|entry| entry.at.0).collect();
        assert_eq!(times, [1_000, 2_500, 3_000]);
        assert_eq!(schedule.faults[2].hold, Some(HOLD_DEFAULT));
        assert_eq!(schedule.span(), Millis(5_000));
        assert!(!schedule.beyond_tolerance);
        assert_eq!(Schedule::parse(&schedule.text()).unwrap(), schedule);
        let beyond = Schedule { beyond_tolerance: true, ..schedule };
        assert_eq!(Schedule::parse(&beyond.text()).unwrap(), beyond);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_line_and_reason() {
        let second = |entry: &str| error(&GOOD.replace(r#""target": "node_1/mempool""#, entry));
        let unknown = second(r#""colour": 1, "target": "node_1/mempool""#);
        assert!(unknown.contains("unknown field `colour`") && unknown.contains("line 3"), "{unknown}");
        let part = second(r#""target": "node_1/kitchen""#);
        assert!(part.contains("consensus, mempool") && part.contains("line 3"), "{part}");
        let fault = error(&GOOD.replace("panic", "explode"));
        assert!(fault.contains("unknown variant `explode`") && fault.contains("line 3"), "{fault}");
        assert!(error("{").contains("EOF"));
        assert!(error("hello").contains("a schedule is a list of"));
        assert_eq!(error("[]"), "it has no fault in it");
        let more = error(r#"{"faults": [], "more": 1}"#);
        assert!(more.contains("unknown field `more`"), "{more}");
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_what_can() {
        for (from, to, words) in [
            ("panic", "kill", &["fault 2", "node_1/mempool", "kill cannot be done", "panic, terminate, hang"][..]),
            ("\"stop\", \"hold\": 1", "\"panic\"", &["fault 1", "for process there are kill, stop, restart"]),
            ("\"panic\"", "\"panic\", \"hold\": 2", &["fault 2", "hold is for stop"]),
            ("\"hold\": 1", "\"hold\": 1e9", &["hold is 1000000000", "0 to 600 seconds"]),
            ("2.5", "-1", &["at is -1", "0 to 604800 seconds"]),
        ] {
            let error = error(&GOOD.replacen(from, to, 1));
            words.iter().for_each(|word| assert!(error.contains(word), "{word:?} is not in: {error}"));
        }
    }

    #[test]
    fn a_validator_that_is_not_there_is_refused_with_those_that_are() {
        let schedule = Schedule::parse(GOOD).unwrap();
        let nodes = ["node_1".to_owned(), "node_3".to_owned()];
        let error = schedule.check_targets(&nodes).unwrap_err().to_string();
        assert!(error.contains("no validator node_2") && error.contains("node_1, node_3"), "{error}");
        assert_eq!(schedule.check_targets(&["node_1".to_owned(), "node_2".to_owned()]), Ok(()));
    }
}
