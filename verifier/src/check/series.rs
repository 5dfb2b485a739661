//! Several queries of a log in one context, which keeps what they have in common: `pop check --incremental`.
//!
//! The same rules make an answer as for a script alone, as far as they can be kept: the output is exactly one answer, warnings
//! are off, and a `sat` counts only where a second run without options and logic would be the same run again. Where more is
//! needed, nothing is answered here, and the query is checked alone. Each query is a job of its own, under the limits of one.
//!
//! Must never: go on with a context that did not end a query by itself, or give such a report a statement: what was asked
//! before may have led the solver, and no other node would repeat it.

use super::{Checker, Output, run_in};
use crate::form;
use crate::solver::Context;
use protocol::types::ResourceCount;
use protocol::verdict::{Answer, Job, NoVerdict, Report, Verdict};
use smtlib::SeriesQuery;

/// Queries that are still to be asked, and the context that has answered the others.
pub(super) struct Series {
    context: Context,
    queries: std::vec::IntoIter<SeriesQuery>,
    /// There are no options and no logic: a second run would only repeat a query's first.
    is_plain: bool,
    /// What Z3 has counted so far.
    count: u64,
}

impl Checker {
    /// Reads a script of several queries, and answers the first.
    pub(super) fn begin_series(&mut self, job: &Job) -> Report {
        self.series = None;
        let read = smtlib::normalise_series(&job.script, &form::limits(&job.limits));
        let series = match read {
            Ok(series) => series,
            Err(error) => {
                let (line, column, text) = (error.line, error.column, error.kind.to_string());
                return Report::of(Verdict::Rejected { line, column, text });
            }
        };
        let is_plain = series.options.is_empty() && series.logic.is_none();
        let begun = self.context(&series.options).and_then(|mut context| {
            let logic = series.logic.map_or(String::new(), |logic| format!("(set-logic {logic})\n"));
            // The limit holds for each check by itself.
            let first = format!("(set-option :rlimit {})\n{logic}", job.limits.hard.resource_count);
            match context.eval(&first) {
                Ok(output) if output.is_empty() => Ok(context),
                Ok(output) => Err(NoVerdict::SolverError { text: format!("not expected: {output:?}") }),
                Err(fault) => Err(super::solver_error(fault)),
            }
        });
        match begun {
            Ok(context) => {
                self.series = Some(Series { context, queries: series.queries.into_iter(), is_plain, count: 0 });
                self.next_of_series(job)
            }
            Err(reason) => Report::of(Verdict::NoVerdict { reason }),
        }
    }

    /// Answers the next query. The series is over with one that was not answered to its end.
    pub(super) fn next_of_series(&mut self, job: &Job) -> Report {
        let Some(mut series) = self.series.take() else {
            return Report::of(Verdict::NoVerdict { reason: NoVerdict::NothingAsked });
        };
        let report = series.ask(job);
        if report.verdict.leaves_a_series_open() {
            self.series = Some(series);
        }
        report
    }
}

impl Series {
    fn ask(&mut self, job: &Job) -> Report {
        let without = |reason| Report::of(Verdict::NoVerdict { reason });
        let Some(query) = self.queries.next() else { return without(NoVerdict::NothingAsked) };
        let mut run = match run_in(&mut self.context, &query.text) {
            Ok(run) => run,
            Err(reason) => return without(reason),
        };
        let before = std::mem::replace(&mut self.count, run.count);
        run.count = run.count.saturating_sub(before);
        let resource_count = ResourceCount(run.count);
        let counts = |answer| match answer {
            Answer::Unsat => true,
            Answer::Sat => self.is_plain && !query.assumptions.approximated,
        };
        let (answer, verdict) = match (&run.output, run.definite(&job.limits.hard)) {
            (Output::Answer(answer), _) if !counts(*answer) => {
                // What the solver says is worth a word where the query alone is answered otherwise.
                (Some(*answer), Verdict::NoVerdict { reason: NoVerdict::SatNotRepeated })
            }
            (_, Ok(answer)) if job.claim.is_none_or(|claim| claim.agrees(answer)) => {
                (Some(answer), Verdict::Confirmed { resource_count, within_soft_limits: false })
            }
            (_, Ok(answer)) => (Some(answer), Verdict::Refuted { answer, resource_count }),
            (_, Err(reason)) => (None, Verdict::NoVerdict { reason }),
        };
        Report { answer, resource_count: Some(resource_count), ..Report::of(verdict) }
    }
}

#[cfg(test)]
mod tests;
