//! Explaining verdicts on request: the least urgent work of the pool.
//!
//! One explanation is looked for at a time, and only while no check waits and a worker is free. A check that arrives
//! ends the search rather than wait for it, and the caller is told to ask again. Nothing here reaches a verdict.

use super::VerifierPoolActor;
use super::explanations::Entry;
use super::messages::{Explain, Explained};
use actix::fut::wrap_future;
use actix::{ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture, SpawnHandle};
use protocol::explanation::Explanation;
use protocol::types::Hash;
use protocol::verdict::{Report, Task};
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Questions that may wait.
pub const QUESTIONS_MAX: usize = 32;

/// Somebody wants to know.
struct Question {
    statement: Hash,
    task: Task,
    answer: oneshot::Sender<Explained>,
}

/// What is asked, and what is being looked for.
#[derive(Default)]
pub(super) struct Explaining {
    questions: VecDeque<Question>,
    running: Option<(Hash, SpawnHandle)>,
}

impl Explaining {
    /// Workers that are busy with it.
    pub(super) fn workers(&self) -> usize {
        usize::from(self.running.is_some())
    }

    /// Tells everybody who asked about a statement.
    fn tell(&mut self, statement: Hash, explained: &Explained) {
        let (asked, others): (VecDeque<_>, VecDeque<_>) =
            self.questions.drain(..).partition(|question| question.statement == statement);
        self.questions = others;
        // Nobody may wait any more; then nobody is told.
        asked.into_iter().for_each(|question| drop(question.answer.send(explained.clone())));
    }
}

impl VerifierPoolActor {
    /// What is known already, or the task that would find it out.
    fn known(&self, statement: Hash) -> Result<Explained, Task> {
        let Some(report) = self.settings.verdicts.get(&statement) else { return Ok(Explained::Nothing) };
        let task = match Explanation::sought(&report) {
            None => return Ok(Explained::Nothing),
            Some(Ok(explanation)) => return Ok(Explained::Found(explanation)),
            Some(Err(task)) => task,
        };
        match self.settings.explanations.get(&statement) {
            Some(Entry::Found(explanation)) => Ok(Explained::Found(explanation)),
            Some(Entry::Script(_)) => Err(task),
            None => Ok(Explained::Forgotten),
        }
    }

    /// Begins to look for the next explanation, if there is nothing better to do.
    pub(super) fn explain_next(&mut self, context: &mut Context<Self>) {
        let explaining = &mut self.explaining;
        explaining.questions.retain(|question| !question.answer.is_closed());
        let is_idle = self.waiting.is_empty() && self.running < self.settings.pool.workers();
        if explaining.running.is_some() || !is_idle {
            return;
        }
        let Some(Question { statement, task, .. }) = explaining.questions.front() else { return };
        let (statement, task) = (*statement, *task);
        let kept = (self.settings.verdicts.get(&statement), self.settings.explanations.get(&statement));
        let (Some(report), Some(Entry::Script(script))) = kept else {
            return self.explained(statement, &Explained::Forgotten, context);
        };
        let job = Explanation::job(task, script.to_vec(), &report, &self.settings.parameters);
        match self.settings.pool.submit(&job) {
            Ok(pending) => {
                let found = wrap_future::<_, Self>(pending).map(move |result, actor, context| {
                    actor.on_explanation(statement, task, result.ok().and_then(Result::ok), context);
                });
                self.explaining.running = Some((statement, context.spawn(found)));
            }
            Err(error) => {
                tracing::warn!(%statement, %error, "a verdict could not be explained");
                self.explained(statement, &Explained::Busy, context);
            }
        }
    }

    fn on_explanation(&mut self, statement: Hash, task: Task, report: Option<Report>, context: &mut Context<Self>) {
        self.explaining.running = None;
        let explained = match report {
            Some(report) => {
                let found = Explanation::found(task, report);
                self.settings.explanations.keep(statement, found.clone());
                Explained::Found(found)
            }
            None => Explained::Busy,
        };
        self.explained(statement, &explained, context);
    }

    fn explained(&mut self, statement: Hash, explained: &Explained, context: &mut Context<Self>) {
        self.explaining.tell(statement, explained);
        self.pump(context);
    }

    /// A check needs the worker: dropping the answer to come tells the pool that nobody wants it.
    pub(super) fn stop_explaining(&mut self, context: &mut Context<Self>) {
        if let Some((statement, running)) = self.explaining.running.take() {
            context.cancel_future(running);
            self.explaining.tell(statement, &Explained::Busy);
        }
    }
}

impl Handler<Explain> for VerifierPoolActor {
    type Result = ResponseFuture<Explained>;

    fn handle(&mut self, Explain(statement): Explain, context: &mut Context<Self>) -> ResponseFuture<Explained> {
        self.explaining.questions.retain(|question| !question.answer.is_closed());
        let known = match self.known(statement) {
            Err(_) if self.explaining.questions.len() >= QUESTIONS_MAX => Ok(Explained::Busy),
            known => known,
        };
        match known {
            Ok(explained) => Box::pin(std::future::ready(explained)),
            Err(task) => {
                let (answer, explained) = oneshot::channel();
                self.explaining.questions.push_back(Question { statement, task, answer });
                self.pump(context);
                Box::pin(async move { explained.await.unwrap_or(Explained::Busy) })
            }
        }
    }
}
