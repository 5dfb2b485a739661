//! Checking on this machine: worker processes, started when the first script needs them.
//!
//! Decides nothing: the verdict is the verifier's.

use super::explained::Explained;
use super::outcome::Finding;
use super::settings::{Besides, Settings};
use super::stability::{Came, Run, Stability};
use crate::advice::{self, Advice, Ended};
use crate::exit::{Exit, Failure};
use crate::obligation::ClaimSource;
use actors::verifier_pool::{
    Explained as Advised, PendingSeries, PoolConfig, PoolError, VerifierPool, program_beside_this_one,
};
use protocol::explanation::Explanation;
use protocol::seed::Seed;
use protocol::types::Hash;
use protocol::verdict::{Claim, Job, Report, SolverPin, Task, VerifierParameters};
use protocol::worker::{Hello, SandboxState};
use serde_json::json;

/// What an explanation may cost in any case: about a second's steps, and more time than these take, so that it ends at the same
/// place everywhere.
const STEPS_MIN: u64 = 2_000_000;
const CPU_MS_MIN: u64 = 5_000;

/// Running workers.
pub struct Local {
    pool: VerifierPool,
    limits: VerifierParameters,
    besides: Besides,
}

impl Local {
    /// Starts the first worker, which takes some 50 ms; the others start as they are needed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(settings: &Settings) -> Result<Local, Failure> {
        let program = program_beside_this_one().map_err(Failure::with(Exit::Internal))?;
        let mut config = PoolConfig::new(program, settings.limits);
        config.workers = settings.jobs;
        config.sandbox = settings.sandbox;
        // Its start would take the processor from the first checks; a worker is rarely lost.
        config.spare = false;
        let pool = VerifierPool::start(config).map_err(Failure::with(Exit::Configuration))?;
        Ok(Local { pool, limits: settings.limits, besides: settings.besides })
    }

    pub fn pin(&self) -> SolverPin {
        self.pool.pin()
    }

    pub fn hello(&self) -> &Hello {
        self.pool.hello()
    }

    pub fn is_sandboxed(&self) -> bool {
        self.pool.hello().sandbox == SandboxState::Enforced
    }

    /// Checks one script; with the statement that it makes, if it makes one.
    ///
    /// # Errors
    /// If no worker could check it at all.
    pub async fn check(
        &self,
        script: Vec<u8>,
        claim: (Claim, ClaimSource),
    ) -> Result<(Finding, Option<Hash>), PoolError> {
        let (claim, source) = claim;
        let job = Job { script, claim: Some(claim), limits: self.limits, task: Task::Check, seed: None };
        let report = self.pool.check(&job).await?;
        let stability = self.stability(&job, &report).await?;
        let explained = self.explain(&job, &report).await?;
        let advice = match Explanation::sought(&report) {
            Some(Ok(explanation)) => Advised::Found(explanation),
            Some(Err(Task::Model)) => Advised::Found(self.find_model(job.script, &report).await),
            Some(Err(Task::Check | Task::Vacuity | Task::Core | Task::Series | Task::Next)) | None => Advised::Nothing,
        };
        let counter_model = Advice::of(&report, advice).counter_model;
        let ended = Ended::of(&report, &self.limits);
        let progress = ended.and_then(|ended| advice::progress(&json!(report), &json!(ended)));
        let statement = report.statement;
        let (cpu_ms, verdict) = (report.cpu.0, report.verdict);
        let incremental = false;
        let finding =
            Finding { claim, source, verdict, cpu_ms, counter_model, progress, incremental, explained, stability };
        Ok((finding, statement))
    }

    /// Checks several queries one after the other in one solver, the first of them with the script of all.
    ///
    /// # Errors
    /// If no worker could take them.
    pub fn series(&self, script: Vec<u8>, claims: &[Claim]) -> Result<PendingSeries, PoolError> {
        let job = |script, claim, task| Job { script, claim: Some(claim), limits: self.limits, task, seed: None };
        let mut script = Some(script);
        let jobs: Vec<Job> = claims
            .iter()
            .map(|claim| match script.take() {
                Some(script) => job(script, *claim, Task::Series),
                None => job(Vec::new(), *claim, Task::Next),
            })
            .collect();
        self.pool.submit_series(&jobs)
    }

    /// The longest script that a worker takes, in bytes.
    pub fn script_bytes_max(&self) -> u64 {
        self.limits.script_bytes_max
    }

    async fn find_model(&self, script: Vec<u8>, report: &Report) -> Explanation {
        let job = Explanation::job(Task::Model, script, report, &self.limits);
        match self.pool.check(&job).await {
            Ok(found) => Explanation::found(Task::Model, found),
            Err(error) => Explanation::Unknown { why: error.to_string() },
        }
    }

    /// Why a theorem holds, if that is asked: two more jobs.
    async fn explain(&self, job: &Job, report: &Report) -> Result<Option<Explained>, PoolError> {
        if !self.besides.explain || !Explained::is_sought(report) {
            return Ok(None);
        }
        let core = self.pool.check(&self.ask(Task::Core, job, report)).await?;
        let vacuity = self.pool.check(&self.ask(Task::Vacuity, job, report)).await?;
        Ok(Some(Explained::of(core, vacuity)))
    }

    /// A job that explains. Somebody waits for it, so that it may cost more than a node would give for it, and still no more
    /// than the check itself.
    fn ask(&self, task: Task, job: &Job, report: &Report) -> Job {
        let mut job = Explanation::job(task, job.script.clone(), report, &self.limits);
        let (most, hard) = (&self.limits.hard, &mut job.limits.hard);
        hard.resource_count = hard.resource_count.max(STEPS_MIN).min(most.resource_count);
        hard.cpu_ms = hard.cpu_ms.max(CPU_MS_MIN).min(most.cpu_ms);
        job
    }

    /// What it comes to with other seeds, if that is asked. One after the other: each has a processor to itself as far as
    /// there are some.
    async fn stability(&self, job: &Job, report: &Report) -> Result<Option<Stability>, PoolError> {
        let Some(first) = Came::of(&report.verdict).filter(|_| self.besides.seeds > 0) else { return Ok(None) };
        let mut runs = Vec::new();
        for seed in Seed::first(self.besides.seeds) {
            let report = self.pool.check(&Job { seed: Some(seed), ..job.clone() }).await?;
            runs.push(Run::of(seed, &report));
        }
        Ok(Some(Stability::new(first, runs)))
    }

    /// Ends the workers, and waits until they are gone.
    pub fn close(self) {
        self.pool.close();
    }
}
