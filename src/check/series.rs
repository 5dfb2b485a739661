//! `--incremental`: which queries of a log one solver is asked together, and what their answers are worth.
//!
//! Once all queries of a log were looked up, those that are not known are handed out in parts: large ones first, so that what
//! they have in common is asserted a few times only, and small ones last, so that all workers end at about the same time. Only
//! a claim that is confirmed counts. Whatever else comes of a query, it is checked alone, as without the option, and that is
//! what is told; where the two differ, that is told, too.
//!
//! Must never: lose a query, whatever ends a part before its end, or try a part again that led to nothing.

use super::outcome::{Checked, Finding};
use super::steps::{Missing, Remarks};
use protocol::verdict::{Claim, Report, Verdict};
use smtlib::LogSeries;
use std::collections::{HashMap, VecDeque};

/// Smaller parts are not made of what is left: each asserts once what its queries have in common.
const PART_MIN: usize = 16;

/// The queries of this run that may be asked together.
#[derive(Default)]
pub struct Parts {
    /// By the number of the log's file, those that are not all looked up yet.
    reading: HashMap<usize, Reading>,
    /// Those that are.
    ready: Ready,
    running: HashMap<u64, Running>,
    number: u64,
    /// How many queries were looked at to make parts.
    #[cfg(test)]
    looks: usize,
}

/// Queries that wait, of one log each, in its order; and how many there are.
#[derive(Default)]
struct Ready {
    queries: VecDeque<VecDeque<Missing>>,
    count: usize,
}

impl Ready {
    fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    fn add_last(&mut self, queries: VecDeque<Missing>) {
        self.count += queries.len();
        self.queries.extend((!queries.is_empty()).then_some(queries));
    }

    fn add_first(&mut self, queries: VecDeque<Missing>) {
        self.count += queries.len();
        if !queries.is_empty() {
            self.queries.push_front(queries);
        }
    }

    fn take(&mut self) -> Option<VecDeque<Missing>> {
        let queries = self.queries.pop_front()?;
        self.count -= queries.len();
        Some(queries)
    }
}

struct Reading {
    /// Steps that are still to come.
    left: usize,
    missing: VecDeque<Missing>,
}

struct Running {
    queries: VecDeque<Missing>,
    series: LogSeries,
    confirmed: bool,
}

/// A part for a worker.
pub struct Part {
    pub number: u64,
    pub script: Vec<u8>,
    pub claims: Vec<Claim>,
}

/// What is to be done next.
pub enum Next {
    Part(Part),
    /// One that has nothing in common with the next.
    Alone(Missing),
}

/// What follows from a report.
#[derive(Default)]
pub struct Consequences {
    pub holds: Option<(Missing, Finding)>,
    /// To be checked by themselves.
    pub alone: Vec<Missing>,
}

impl Parts {
    /// A log's queries are about to be looked up.
    pub fn open(&mut self, log: &Remarks) {
        if log.queries > 1 {
            self.reading.insert(log.number, Reading { left: log.queries, missing: VecDeque::new() });
        }
    }

    /// One was looked up, and is done or checked by itself.
    pub fn done(&mut self, file: usize) {
        self.looked_up(file, None);
    }

    /// One was looked up, and may be asked together with others.
    pub fn add(&mut self, missing: Missing) {
        self.looked_up(missing.subject.position.file, Some(missing));
    }

    fn looked_up(&mut self, file: usize, missing: Option<Missing>) {
        let Some(reading) = self.reading.get_mut(&file) else { return };
        reading.left = reading.left.saturating_sub(1);
        reading.missing.extend(missing);
        if reading.left == 0
            && let Some(mut reading) = self.reading.remove(&file)
            && !reading.missing.is_empty()
        {
            // Several threads looked them up.
            reading.missing.make_contiguous().sort_by_key(|missing| missing.subject.position);
            self.ready.add_last(reading.missing);
        }
    }

    /// Nothing is left, and nothing is being done.
    pub fn is_empty(&self) -> bool {
        self.reading.is_empty() && self.ready.is_empty() && self.running.is_empty()
    }

    /// The next part for one of so many workers, whose script has at most so many bytes.
    pub fn next(&mut self, workers: usize, bytes_max: u64) -> Option<Next> {
        let wanted = (self.ready.count * 3).div_ceil(4 * workers.max(1)).max(PART_MIN);
        let mut rest = self.ready.take()?;
        let (log, _) = rest.front()?.log.as_ref()?;
        let indices = rest.iter().take(wanted).filter_map(|missing| missing.log.as_ref().map(|(_, index)| *index));
        #[cfg(test)]
        let indices = indices.inspect(|_| self.looks += 1);
        let series = log.file.series(indices, bytes_max);
        let mut queries: VecDeque<Missing> = rest.drain(..series.len().clamp(1, rest.len())).collect();
        self.ready.add_first(rest);
        if queries.len() == 1 {
            return queries.pop_front().map(Next::Alone);
        }
        self.number += 1;
        let claims = queries.iter().map(|missing| missing.claim.0).collect();
        let LogSeries { text: script, lines } = series;
        let series = LogSeries { text: Vec::new(), lines };
        self.running.insert(self.number, Running { queries, series, confirmed: false });
        Some(Next::Part(Part { number: self.number, script, claims }))
    }

    /// The query that a part is at.
    pub fn current(&self, number: u64) -> Option<&Missing> {
        self.running.get(&number)?.queries.front()
    }

    /// A part's next query has its report.
    pub fn on_report(&mut self, number: u64, report: Report) -> Consequences {
        let mut consequences = Consequences::default();
        let Some(running) = self.running.get_mut(&number) else { return consequences };
        if let Verdict::Rejected { line, .. } = report.verdict {
            let at = running.series.query_at(line);
            let mut queries = std::mem::take(&mut running.queries);
            if at == 0 || at >= queries.len() {
                // What they have in common is not let through, or it is not known which of them is not.
                consequences.alone.extend(queries);
            } else {
                let behind = queries.split_off(at + 1);
                consequences.alone.extend(queries.pop_back());
                running.confirmed = true;
                [behind, queries].into_iter().for_each(|part| self.ready.add_first(part));
            }
            return consequences;
        }
        let Some(mut missing) = running.queries.pop_front() else { return consequences };
        if matches!(report.verdict, Verdict::Confirmed { .. }) {
            running.confirmed = true;
            let finding = Finding::in_series(missing.claim.0, missing.claim.1, report);
            consequences.holds = Some((missing, finding));
        } else {
            missing.incremental_answer = report.answer;
            consequences.alone.push(missing);
        }
        consequences
    }

    /// A part is over. Gives back what is to be checked by itself.
    pub fn on_end(&mut self, number: u64) -> Vec<Missing> {
        let Some(Running { queries, confirmed, .. }) = self.running.remove(&number) else { return Vec::new() };
        if confirmed && !queries.is_empty() {
            self.ready.add_first(queries);
            return Vec::new();
        }
        queries.into()
    }
}

/// Of which log's query an obligation is, if it is one.
pub fn log_of(checked: &Checked) -> Option<usize> {
    checked.subject.query.as_ref().map(|_| checked.subject.position.file)
}

#[cfg(test)]
mod tests;
