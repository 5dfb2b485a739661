//! One job to one report: what counts as an answer, and what does not.
//!
//! - The output is exactly `sat`, `unsat` or `unknown`, with the library's error code 0; nothing is searched for.
//! - A `sat` counts only if it is obtained again without options and without `set-logic`, and never with recursive
//!   definitions or where `sin`, `cos` or `exp` stands: each of these is known to make false ones. Under the logic HORN it counts
//!   if the solver's interpretation makes every assertion true (`interpretation`).
//! - The resource count of a proof is what Z3 counted over the runs that its answer needed, each in a context of its own:
//!   one run, or two for a `sat` of a script with options or a logic. Both share the one hard limit. What the check of an
//!   interpretation costs is within the hard limit too, and is no part of the count.
//!
//! Models and cores are found in jobs of their own, so that no verdict and no count can depend on them. A job with a seed sends the
//! search another way; the next one without is as if there had been none.

use crate::form::{self, Form};
use crate::place;
use crate::solver::{self, Context, SolverFault};
use protocol::seed::Seed;
use protocol::types::ResourceCount;
use protocol::verdict::{Answer, Core, Job, Model, NoVerdict, Report, SolverLimits, Task, Verdict, statement_id};
use smtlib::{Named, Vocabulary};

mod interpretation;
mod series;

/// The solver was seen to answer `sat` where the bounds it keeps of these functions allow more than the functions do.
const SAT_OF_BOUNDS: &str =
    "answered sat, which does not count with sin, cos or exp: the solver knows them by bounds only";

/// Checks one job after the other. Keeps a context ready for the next one, and nothing of the last one.
#[derive(Default)]
pub struct Checker {
    next: Option<Context>,
    /// The last script's: ending it takes time that nobody waits for.
    last: Option<Context>,
    /// What a series of queries goes on with.
    series: Option<series::Series>,
    /// Of the job that is being checked.
    seed: Option<Seed>,
}

/// An answer that counts.
struct Answered {
    answer: Answer,
    /// What Z3 counted over the runs that the answer needed.
    count: u64,
    /// That, and what checking an interpretation cost.
    spent: u64,
}

/// What one run of the solver came to.
struct Run {
    output: Output,
    count: u64,
}

/// Why there is no answer, and what had been counted until then.
struct Unanswered {
    reason: NoVerdict,
    count: Option<u64>,
}

enum Output {
    Answer(Answer),
    Unknown(String),
}

impl Checker {
    /// Ends what the last script left.
    pub fn tidy(&mut self) {
        self.last = None;
    }

    /// Makes the next context ahead of time: half of what a small script costs. A library that makes none is found
    /// out when the script comes.
    pub fn prepare(&mut self) {
        // It would take back the options that hold for a series.
        if self.next.is_none() && self.series.is_none() {
            self.next = Context::begun().ok();
        }
    }

    /// Reads, runs and judges one script. Processor time and memory are filled in by those who measure them.
    pub fn check(&mut self, job: &Job) -> Report {
        self.seed = job.seed;
        match job.task {
            Task::Series => return self.begin_series(job),
            Task::Next => return self.next_of_series(job),
            Task::Check | Task::Model | Task::Vacuity | Task::Core => self.series = None,
        }
        let form = match form::read(&job.script, &job.limits) {
            Ok(form) => form,
            Err(rejected) => return Report::of(rejected),
        };
        match job.task {
            Task::Check | Task::Series | Task::Next => self.check_form(&form, job),
            Task::Vacuity => match form.without_goal() {
                Some(form) => self.check_form(&form, job),
                None => Report::of(Verdict::NoVerdict { reason: NoVerdict::NothingAsked }),
            },
            Task::Model => self.find_model(&form, job),
            Task::Core => self.find_core(&form, job),
        }
    }

    fn check_form(&mut self, form: &Form, job: &Job) -> Report {
        let mut report = Report {
            status: form.status,
            statement: job.claim.map(|claim| statement_id(&form.identity, claim)),
            notes: form.notes.clone(),
            notes_omitted: form.notes_omitted,
            ignored: form.ignored,
            assumptions: form.assumptions,
            warnings: form.warnings(job.claim),
            ..Report::of(Verdict::NoVerdict { reason: NoVerdict::NothingAsked })
        };
        match self.answer(form, job) {
            Ok(Answered { answer, count, spent }) => {
                let resource_count = ResourceCount(count);
                let confirmed = job.claim.is_none_or(|claim| claim.agrees(answer));
                let within_soft_limits = spent <= job.limits.soft.resource_count;
                report.answer = Some(answer);
                report.resource_count = Some(resource_count);
                report.verdict = if confirmed {
                    Verdict::Confirmed { resource_count, within_soft_limits }
                } else {
                    Verdict::Refuted { answer, resource_count }
                };
            }
            Err(Unanswered { reason, count }) => {
                report.resource_count = count.map(ResourceCount);
                report.verdict = Verdict::NoVerdict { reason };
            }
        }
        report
    }

    /// The answer that counts, with what it cost.
    fn answer(&mut self, form: &Form, job: &Job) -> Result<Answered, Unanswered> {
        let limits = &job.limits.hard;
        let limit = limits.resource_count;
        let ran = self.run_on(&form.text, &form.options, limit);
        let located = |reason| Unanswered { reason: place::located(reason, form, job), count: None };
        let (first, context) = ran.map_err(located)?;
        let counted = |answer, count| Ok(Answered { answer, count, spent: count });
        let after_first = |reason| Unanswered { reason, count: Some(first.count) };
        let answer = first.definite(limits).map_err(after_first)?;
        if answer == Answer::Sat && form.assumptions.recursive_definitions > 0 {
            return Err(after_first(NoVerdict::SatWithRecursion));
        }
        if answer == Answer::Sat && form.approximated {
            return Err(after_first(NoVerdict::Unknown { why: SAT_OF_BOUNDS.to_owned() }));
        }
        if answer == Answer::Sat && form.is_horn {
            return self.check_interpretation(form, first.count, context, limits);
        }
        self.last = Some(context);
        if answer == Answer::Unsat || form.is_plain() {
            return counted(answer, first.count);
        }
        let left = limit.saturating_sub(first.count);
        if left == 0 {
            return Err(after_first(NoVerdict::ResourceLimit { limit }));
        }
        let again = self.run(form.text_without_logic(), &[], left)?;
        let count = first.count.saturating_add(again.count);
        match again.output {
            Output::Answer(Answer::Sat) => counted(Answer::Sat, count),
            Output::Answer(Answer::Unsat) | Output::Unknown(_) => {
                Err(Unanswered { reason: NoVerdict::SatNotRepeated, count: Some(count) })
            }
        }
    }

    /// A model of the script, from the run on which a `sat` rests: the one without options and logic, but under HORN the
    /// first and only one.
    fn find_model(&mut self, form: &Form, job: &Job) -> Report {
        match self.model(form, &job.limits.hard) {
            Ok((model, count)) => {
                let resource_count = ResourceCount(count);
                let verdict = Verdict::Confirmed { resource_count, within_soft_limits: true };
                Report {
                    answer: Some(Answer::Sat),
                    resource_count: Some(resource_count),
                    model: Some(model),
                    ..Report::of(verdict)
                }
            }
            Err(reason) => Report::of(Verdict::NoVerdict { reason }),
        }
    }

    fn model(&mut self, form: &Form, limits: &SolverLimits) -> Result<(Model, u64), NoVerdict> {
        // What the script defines is asked for by value: written out, a chain of definitions has no end.
        let mut options = vec![("model.user_functions".to_owned(), "false".to_owned())];
        let text = if form.is_horn {
            options.extend_from_slice(&form.options);
            &form.text
        } else {
            form.text_without_logic()
        };
        let (run, mut context) = self.run_on(text, &options, limits.resource_count)?;
        if run.definite(limits)? == Answer::Unsat {
            return Err(NoVerdict::SatNotRepeated);
        }
        let vocabulary = Vocabulary::of(&form.text, &form.renamed).map_err(unreadable)?;
        let model = context.eval("(get-model)").map_err(solver_error)?;
        // The model stands without these values.
        let values = vocabulary.question().and_then(|question| context.eval(&question).ok()).unwrap_or_default();
        let (text, truncated) = vocabulary.print(&model, &values, Model::TEXT_BYTES_MAX).map_err(unreadable)?;
        Ok((Model { text, truncated }, run.count))
    }

    /// Assertions on which an answer `unsat` rests, from a run of its own under the script's options and logic.
    fn find_core(&mut self, form: &Form, job: &Job) -> Report {
        match self.core(form, &job.limits.hard) {
            Ok((core, count)) => {
                let resource_count = ResourceCount(count);
                let verdict = Verdict::Confirmed { resource_count, within_soft_limits: true };
                Report {
                    answer: Some(Answer::Unsat),
                    resource_count: Some(resource_count),
                    core,
                    ..Report::of(verdict)
                }
            }
            Err(reason) => Report::of(Verdict::NoVerdict { reason }),
        }
    }

    fn core(&mut self, form: &Form, limits: &SolverLimits) -> Result<(Option<Core>, u64), NoVerdict> {
        let Some(named) = Named::of(&form.text) else { return Err(NoVerdict::NothingAsked) };
        let text = format!("(set-option :produce-unsat-cores true)\n{}", named.text);
        let (run, mut context) = self.run_on(&text, &form.options, limits.resource_count)?;
        if run.definite(limits)? == Answer::Sat {
            return Err(NoVerdict::SolverError { text: "with names for its assertions it is answered sat".to_owned() });
        }
        let answer = context.eval("(get-unsat-core)").map_err(solver_error)?;
        let count = u32::try_from(named.names.len()).unwrap_or(u32::MAX);
        Ok((named.needed(&answer).and_then(|needed| Core::new(count, needed)), run.count))
    }

    /// Runs one text in a fresh context.
    fn run(&mut self, text: &str, options: &[(String, String)], limit: u64) -> Result<Run, Unanswered> {
        let ran = self.run_on(text, options, limit);
        let (run, context) = ran.map_err(|reason| Unanswered { reason, count: None })?;
        self.last = Some(context);
        Ok(run)
    }

    /// Runs one text in a fresh context, and gives that back.
    fn run_on(&mut self, text: &str, options: &[(String, String)], limit: u64) -> Result<(Run, Context), NoVerdict> {
        let mut context = self.context(options)?;
        // In front of the text: a limit in the context's configuration would not bind a script.
        let run = run_in(&mut context, &format!("(set-option :rlimit {limit})\n{text}"))?;
        Ok((run, context))
    }

    /// A fresh context, under these options and no others.
    fn context(&mut self, options: &[(String, String)]) -> Result<Context, NoVerdict> {
        self.tidy();
        // The next one was begun under no options.
        let context = match self.next.take().filter(|_| options.is_empty() && self.seed.is_none()) {
            Some(context) => context,
            None => Context::fresh().map_err(solver_error)?,
        };
        solver::reset_options();
        if let Some(seed) = self.seed {
            solver::set_seed(seed.into());
        }
        options.iter().for_each(|(name, value)| solver::set_option(name, value));
        Ok(context)
    }
}

/// Runs a text with one check in a context, and counts what was ever run in that.
fn run_in(context: &mut Context, text: &str) -> Result<Run, NoVerdict> {
    let output = context.eval(text).map_err(solver_error)?;
    let output = match output.as_str() {
        "sat\n" => Output::Answer(Answer::Sat),
        "unsat\n" => Output::Answer(Answer::Unsat),
        "unknown\n" => Output::Unknown(reason_unknown(context)),
        other => return Err(NoVerdict::SolverError { text: format!("not an answer: {other:?}") }),
    };
    let count = resource_count(context)?;
    Ok(Run { output, count })
}

impl Run {
    fn definite(&self, limits: &SolverLimits) -> Result<Answer, NoVerdict> {
        match &self.output {
            Output::Answer(answer) => Ok(*answer),
            Output::Unknown(why) => Err(match why.as_str() {
                // Some of the solver's parts say only "canceled" at the limit.
                "max. resource limit exceeded" => NoVerdict::ResourceLimit { limit: limits.resource_count },
                _ if self.count >= limits.resource_count => NoVerdict::ResourceLimit { limit: limits.resource_count },
                "out of memory" => NoVerdict::Memory { limit_bytes: limits.memory_bytes },
                _ => NoVerdict::Unknown { why: why.clone() },
            }),
        }
    }
}

fn unreadable(error: smtlib::Error) -> NoVerdict {
    NoVerdict::SolverError { text: format!("the solver's model cannot be read: {error}") }
}

fn solver_error(fault: SolverFault) -> NoVerdict {
    NoVerdict::SolverError { text: fault.to_string() }
}

/// Asks for the count in a second call on the same context, so that the first one's output stays the answer alone.
fn resource_count(context: &mut Context) -> Result<u64, NoVerdict> {
    let output = context.eval("(get-info :rlimit)").map_err(solver_error)?;
    let digits = output.trim().strip_prefix("(:rlimit ").and_then(|rest| rest.strip_suffix(')'));
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| NoVerdict::SolverError { text: format!("not a resource count: {output:?}") })
}

/// The solver's own word on why it does not know; for people only.
fn reason_unknown(context: &mut Context) -> String {
    let output = context.eval("(get-info :reason-unknown)").unwrap_or_default();
    let quoted = output.trim().strip_prefix("(:reason-unknown ").and_then(|rest| rest.strip_suffix(')'));
    quoted.unwrap_or("no reason given").trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests;
