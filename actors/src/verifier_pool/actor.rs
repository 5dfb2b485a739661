//! The actor in front of the worker processes: the order of jobs, one check for each statement, remembered verdicts.
//!
//! It translates a report into its one attestation by [`Judgement::of`] and decides nothing else. Workers and verdicts
//! outlive it: a restarted one has no checks under way, and is asked again.

use super::accuracy::Accuracy;
use super::explaining::Explaining;
use super::explanations::Explanations;
use super::messages::{Backlog, ReportOf, TellUnderWay, UnderWay};
use super::verdicts::Verdicts;
use super::{PoolError, VerifierPool};
use crate::delivery::{Deliver, Undelivered, deliver};
use crate::published::Published;
use crate::routes::{Check, Foresee, PoolRequest, Routes, restarted, route};
use crate::tap;
use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, SpawnHandle};
use protocol::explanation::Explanation;
use protocol::mempool::Judgement;
use protocol::types::Hash;
use protocol::validator::route::{Effect, Part, PoolEffect};
use protocol::verdict::{self, Claim, Job, NoVerdict, Report, Verdict, VerifierParameters};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Jobs that are with the pool beyond its workers: the next one is at hand when a worker is free, and what is urgent
/// waits behind no more than this.
const AHEAD: usize = 1;
/// How soon a full pool is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// What outlives the actor, and where its results go.
#[derive(Clone)]
pub struct VerifierPoolSettings {
    pub pool: Arc<VerifierPool>,
    pub verdicts: Arc<Verdicts>,
    pub explanations: Arc<Explanations>,
    /// Told of each verdict that is remembered.
    pub accuracy: Arc<Accuracy>,
    /// Where the waiting jobs are published.
    pub published: Arc<Published<Backlog>>,
    pub parameters: VerifierParameters,
    pub routes: Routes,
}

/// One statement that is to be checked, for all proofs that say it.
struct Task {
    proofs: Vec<Hash>,
    claim: Claim,
    /// Kept until the answer: who asks why is answered from it.
    script: Vec<u8>,
    since: Instant,
    running: Option<SpawnHandle>,
}

impl Task {
    fn new(proofs: Vec<Hash>, claim: Claim, script: Vec<u8>) -> Task {
        Task { proofs, claim, script, since: Instant::now(), running: None }
    }
}

pub struct VerifierPoolActor {
    pub(super) settings: VerifierPoolSettings,
    tasks: HashMap<Hash, Task>,
    /// Statements that wait for a place in the pool.
    pub(super) waiting: VecDeque<Hash>,
    pub(super) running: usize,
    pub(super) explaining: Explaining,
    /// At most one for each proof that the mempool has under check.
    undelivered: Undelivered,
}

impl VerifierPoolActor {
    pub fn new(settings: VerifierPoolSettings) -> Self {
        VerifierPoolActor {
            settings,
            tasks: HashMap::new(),
            waiting: VecDeque::new(),
            running: 0,
            explaining: Explaining::default(),
            undelivered: Undelivered::default(),
        }
    }

    fn on_check(&mut self, check: Check, context: &mut Context<Self>) {
        let Check { proof, statement, claim, script, urgent } = check;
        if let Some(report) = self.settings.verdicts.get(&statement) {
            tap::proofs::verdict_remembered();
            return self.judged(proof, Judgement::of(&report.verdict), context);
        }
        match self.tasks.get_mut(&statement) {
            Some(task) => {
                if !task.proofs.contains(&proof) {
                    task.proofs.push(proof);
                }
                if urgent && task.running.is_none() {
                    self.waiting.retain(|waiting| *waiting != statement);
                    self.waiting.push_front(statement);
                }
            }
            None => {
                self.tasks.insert(statement, Task::new(vec![proof], claim, script));
                if urgent {
                    self.waiting.push_front(statement);
                } else {
                    self.waiting.push_back(statement);
                }
            }
        }
        self.pump(context);
    }

    /// Only what a free worker can begin with: nothing that was asked for waits behind it.
    fn on_foresee(&mut self, foresee: Foresee, context: &mut Context<Self>) {
        let Foresee { statement, claim, script } = foresee;
        let is_free = self.waiting.is_empty() && self.running < self.settings.pool.workers();
        if is_free && !self.tasks.contains_key(&statement) && self.settings.verdicts.get(&statement).is_none() {
            self.tasks.insert(statement, Task::new(Vec::new(), claim, script));
            self.waiting.push_back(statement);
            self.pump(context);
        }
    }

    pub(super) fn pump(&mut self, context: &mut Context<Self>) {
        self.feed(context);
        self.explain_next(context);
        self.publish();
    }

    /// A few wait here, since the mempool hands out few at a time, and at most one in the pool.
    fn publish(&self) {
        let here = self.waiting.iter().filter_map(|statement| self.tasks.get(statement)).map(|task| task.since);
        let (in_pool, oldest) = self.settings.pool.waiting_since();
        let waiting = Backlog { statements: self.waiting.len() + in_pool, oldest: here.chain(oldest).min() };
        self.settings.published.set(waiting);
    }

    /// Gives the pool what it has a worker for, and one job more.
    fn feed(&mut self, context: &mut Context<Self>) {
        while self.running < self.settings.pool.workers() + AHEAD {
            let Some(statement) = self.waiting.pop_front() else { return };
            let Some(task) = self.tasks.get_mut(&statement) else { continue };
            let job = Job {
                script: std::mem::take(&mut task.script),
                claim: Some(task.claim),
                limits: self.settings.parameters,
                task: verdict::Task::Check,
                seed: None,
            };
            let submitted = self.settings.pool.submit(&job);
            task.script = job.script;
            match submitted {
                Ok(pending) => {
                    let answered = wrap_future::<_, Self>(pending).map(move |result, actor, context| {
                        actor.on_answer(statement, result.unwrap_or(Err(PoolError::Closed)), context);
                    });
                    task.running = Some(context.spawn(answered));
                    self.running += 1;
                    if self.running + self.explaining.workers() > self.settings.pool.workers() {
                        self.stop_explaining(context);
                    }
                }
                Err(PoolError::Full { .. }) => {
                    self.waiting.push_front(statement);
                    context.run_later(RETRY, |actor, context| actor.pump(context));
                    return;
                }
                Err(error) => self.fail(statement, &error, context),
            }
        }
    }

    fn on_answer(&mut self, statement: Hash, result: Result<Report, PoolError>, context: &mut Context<Self>) {
        self.running = self.running.saturating_sub(1);
        match result {
            Ok(report) => {
                let report = checked_against(statement, report);
                let judgement = Judgement::of(&report.verdict);
                if let (Some(Err(_)), Some(task)) = (Explanation::sought(&report), self.tasks.get_mut(&statement)) {
                    self.settings.explanations.keep_script(statement, std::mem::take(&mut task.script));
                }
                self.settings.verdicts.keep(statement, report);
                self.settings.accuracy.on_checked(&statement);
                self.finish(statement, judgement, context);
            }
            Err(error) => self.fail(statement, &error, context),
        }
        self.pump(context);
    }

    /// The pool could not check at all: nothing is said about the proof, and it is tried again later.
    fn fail(&mut self, statement: Hash, error: &PoolError, context: &mut Context<Self>) {
        tracing::error!(%statement, %error, "a proof could not be checked");
        self.finish(statement, Judgement::Again, context);
    }

    fn finish(&mut self, statement: Hash, judgement: Judgement, context: &mut Context<Self>) {
        for proof in self.tasks.remove(&statement).into_iter().flat_map(|task| task.proofs) {
            self.judged(proof, judgement, context);
        }
    }

    /// A verdict must not be lost, or its proof would count as being checked for ever.
    fn judged(&mut self, proof: Hash, judgement: Judgement, context: &mut Context<Self>) {
        let effect = Effect::VerifierPool(PoolEffect::Judged { proof, judgement });
        route(self.settings.routes.me, effect, &mut |delivery| deliver(self, delivery, context));
    }

    fn on_cancel(&mut self, proof: Hash, context: &mut Context<Self>) {
        let Some((statement, task)) = self.tasks.iter_mut().find(|(_, task)| task.proofs.contains(&proof)) else {
            return;
        };
        let statement = *statement;
        task.proofs.retain(|waiting| *waiting != proof);
        if !task.proofs.is_empty() {
            return;
        }
        if let Some(running) = task.running {
            // Dropping the answer to come tells the pool that nobody wants it.
            context.cancel_future(running);
            self.running = self.running.saturating_sub(1);
        }
        self.tasks.remove(&statement);
        self.waiting.retain(|waiting| *waiting != statement);
        self.pump(context);
    }
}

/// A worker whose normaliser reads another statement than the node's own did says nothing that may be relied on.
fn checked_against(statement: Hash, report: Report) -> Report {
    match report.statement {
        Some(other) if other != statement => {
            tracing::error!(%statement, worker = %other, "the worker normalises a script otherwise than this node");
            let text = format!("the worker read statement {other}, the node {statement}");
            Report::of(Verdict::NoVerdict { reason: NoVerdict::SolverError { text } })
        }
        Some(_) | None => report,
    }
}

impl Deliver for VerifierPoolActor {
    fn routes(&self) -> &Routes {
        &self.settings.routes
    }

    fn undelivered(&mut self) -> &mut Undelivered {
        &mut self.undelivered
    }
}

impl Actor for VerifierPoolActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        restarted(Part::VerifierPool).for_each(|delivery| deliver(self, delivery, context));
    }
}

impl Handler<PoolRequest> for VerifierPoolActor {
    type Result = ();

    fn handle(&mut self, request: PoolRequest, context: &mut Context<Self>) {
        match request {
            PoolRequest::Check(check) => self.on_check(check, context),
            PoolRequest::Foresee(foresee) => self.on_foresee(foresee, context),
            PoolRequest::Cancel(proof) => self.on_cancel(proof, context),
        }
    }
}

impl Handler<ReportOf> for VerifierPoolActor {
    type Result = Option<Report>;

    fn handle(&mut self, statement: ReportOf, _: &mut Context<Self>) -> Option<Report> {
        self.settings.verdicts.get(&statement.0)
    }
}

impl Handler<TellUnderWay> for VerifierPoolActor {
    type Result = Vec<UnderWay>;

    fn handle(&mut self, TellUnderWay(max): TellUnderWay, _: &mut Context<Self>) -> Vec<UnderWay> {
        let mut tasks: Vec<&Task> = self.tasks.values().collect();
        tasks.sort_by_key(|task| task.since);
        let told = |task: &Task, proof: &Hash| UnderWay {
            proof: *proof,
            since: task.since.elapsed(),
            is_running: task.running.is_some(),
        };
        let all = tasks.into_iter().flat_map(|task| task.proofs.iter().map(move |proof| told(task, proof)));
        all.take(max).collect()
    }
}
