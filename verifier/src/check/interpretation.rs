//! The check of a `sat` under the logic HORN: the solver's interpretation of the predicates, put into every assertion.
//!
//! Tools that write Horn clauses mean *safe* by `sat`, and a second run without the logic, which all other `sat` must
//! stand, has no answer to most of them. What is asked of the interpretation instead, and why it is enough, is in
//! `docs/adr/0008`; the texts are `smtlib`'s, and each is run in a context of its own, without options and without a logic.
//!
//! Must never: count as checked what was not answered `unsat`, or let what the checks cost into the resource count that is
//! agreed on.

use super::{Answered, Checker, Output, Run, Unanswered};
use crate::form::Form;
use crate::solver::{Context, SolverFault};
use protocol::verdict::{Answer, NoVerdict, SolverLimits};
use smtlib::{Interpretation, InterpretationError};

/// What all checks of one script may cost together: so many times what the answer did, and this much in any case. Both in
/// resource count, and never more than the hard limit leaves.
const FACTOR: u64 = 4;
const COUNT_MIN: u64 = 10_000_000;
/// A run costs this much, and the length of its text, besides what the solver counts: a new context takes a millisecond
/// of which it counts nothing.
const RUN_COUNT: u64 = 5_000;

/// Switched off, these leave the solver every predicate as it is written. Otherwise it solves a system without those that it
/// took out, and the interpretation that it makes up for them afterwards is none, or needs quantifiers.
const PREPROCESSING: [&str; 3] = ["fp.xform.slice", "fp.xform.inline_linear", "fp.xform.inline_eager"];

/// What may be spent, and what was.
struct Budget {
    max: u64,
    spent: u64,
}

/// Where an interpretation comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The run that answered.
    Answer(&'a str),
    /// A run without preprocessing.
    Unprocessed,
}

/// Why an interpretation does not stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Unchecked {
    #[error("there is no interpretation: {0}")]
    NotGiven(SolverFault),
    #[error("no interpretation was found: {0}")]
    NotFound(NoVerdict),
    #[error("no interpretation was found: unknown, {why}")]
    NotFoundUnknown { why: String },
    #[error("without preprocessing the solver answers unsat")]
    Unsat,
    #[error(transparent)]
    Interpretation(#[from] InterpretationError),
    #[error("assertion {number}: {reason}")]
    NotAnswered { number: usize, reason: NoVerdict },
    #[error("assertion {number}: unknown, {why}")]
    Unknown { number: usize, why: String },
    #[error("assertion {number} does not hold in the solver's own interpretation")]
    DoesNotHold { number: usize },
    #[error("the checks would cost more than a resource count of {max}")]
    TooCostly { max: u64 },
}

impl Checker {
    /// Checks an interpretation: that which a context found together with its `sat`, or one that is found without
    /// preprocessing.
    pub(super) fn check_interpretation(
        &mut self,
        form: &Form,
        count: u64,
        context: Context,
        limits: &SolverLimits,
    ) -> Result<Answered, Unanswered> {
        let left = limits.resource_count.saturating_sub(count);
        let mut budget = Budget { max: count.saturating_mul(FACTOR).max(COUNT_MIN).min(left), spent: 0 };
        match model_of(context).and_then(|model| self.check_either(form, &model, &mut budget)) {
            Ok(()) => Ok(Answered { answer: Answer::Sat, count, spent: count.saturating_add(budget.spent) }),
            Err(why) => {
                let reason = NoVerdict::SatNotChecked { why: why.to_string() };
                Err(Unanswered { reason, count: Some(count) })
            }
        }
    }

    /// The answer's interpretation costs nothing, and without quantifiers it nearly always passes, with them hardly ever.
    fn check_either(&mut self, form: &Form, model: &str, budget: &mut Budget) -> Result<(), Unchecked> {
        let (first, second) = match model.contains("(exists ") || model.contains("(forall ") {
            true => (Source::Unprocessed, Source::Answer(model)),
            false => (Source::Answer(model), Source::Unprocessed),
        };
        // The second has half of the budget in any case.
        let mut half = Budget { max: budget.max / 2, spent: 0 };
        let checked = self.check_source(form, first, &mut half);
        budget.spent = half.spent;
        checked.or_else(|_| self.check_source(form, second, budget))
    }

    fn check_source(&mut self, form: &Form, source: Source<'_>, budget: &mut Budget) -> Result<(), Unchecked> {
        match source {
            Source::Answer(model) => self.contradict_negations(form, model, budget),
            Source::Unprocessed => {
                let model = self.interpretation_without_preprocessing(form, budget)?;
                self.contradict_negations(form, &model, budget)
            }
        }
    }

    fn interpretation_without_preprocessing(&mut self, form: &Form, budget: &mut Budget) -> Result<String, Unchecked> {
        let mut options = form.options.clone();
        options.extend(PREPROCESSING.map(|name| (name.to_owned(), "false".to_owned())));
        let left = budget.begin(&form.text)?;
        let ran = self.run_on(&form.text, &options, left);
        let (run, context) = ran.map_err(Unchecked::NotFound)?;
        budget.spend(run.count)?;
        match run.output {
            Output::Answer(Answer::Sat) => model_of(context),
            Output::Answer(Answer::Unsat) => Err(Unchecked::Unsat),
            Output::Unknown(why) => Err(Unchecked::NotFoundUnknown { why }),
        }
    }

    /// Succeeds if the negation of every assertion is contradictory under an interpretation; else says why not.
    fn contradict_negations(&mut self, form: &Form, model: &str, budget: &mut Budget) -> Result<(), Unchecked> {
        let interpretation = Interpretation::new(&form.text, model)?;
        for index in 0..interpretation.assertions() {
            let number = index + 1;
            let text = interpretation.negation(index)?;
            let left = budget.begin(&text)?;
            let Run { output, count } = self
                .run(&text, &[], left)
                .map_err(|unanswered| Unchecked::NotAnswered { number, reason: unanswered.reason })?;
            budget.spend(count)?;
            match output {
                Output::Answer(Answer::Unsat) => {}
                Output::Answer(Answer::Sat) => {
                    return Err(Unchecked::DoesNotHold { number });
                }
                Output::Unknown(why) => return Err(Unchecked::Unknown { number, why }),
            }
        }
        Ok(())
    }
}

impl Budget {
    /// Pays for the making of a run, and gives the limit for what it counts.
    fn begin(&mut self, text: &str) -> Result<u64, Unchecked> {
        self.spend(RUN_COUNT.saturating_add(text.len() as u64))?;
        Ok(self.max - self.spent)
    }

    /// A run may pass its limit by a little; nothing follows that would.
    fn spend(&mut self, count: u64) -> Result<(), Unchecked> {
        self.spent = self.spent.saturating_add(count);
        if self.spent < self.max {
            return Ok(());
        }
        Err(Unchecked::TooCostly { max: self.max })
    }
}

/// The interpretation that a context holds after `sat`.
fn model_of(mut context: Context) -> Result<String, Unchecked> {
    // What the script defines is not asked for: written out, a chain of definitions has no end.
    context
        .eval("(set-option :model.user_functions false)")
        .and_then(|_| context.eval("(get-model)"))
        .map_err(Unchecked::NotGiven)
}

#[cfg(test)]
mod tests;
