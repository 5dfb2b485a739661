//! Checking on this machine: worker processes, started when the first script needs them.
//!
//! Decides nothing: the verdict is the verifier's.

use super::outcome::Finding;
use super::settings::Settings;
use crate::advice::{self, Advice, Ended};
use crate::exit::{Exit, Failure};
use crate::obligation::ClaimSource;
use actors::verifier_pool::{Explained, PendingSeries, PoolConfig, PoolError, VerifierPool, program_beside_this_one};
use protocol::explanation::Explanation;
use protocol::types::Hash;
use protocol::verdict::{Claim, Job, Report, SolverPin, Task, VerifierParameters};
use protocol::worker::{Hello, SandboxState};
use serde_json::json;

/// Running workers.
pub struct Local {
    pool: VerifierPool,
    limits: VerifierParameters,
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
        Ok(Local { pool, limits: settings.limits })
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
        let job = Job { script, claim: Some(claim), limits: self.limits, task: Task::Check };
        let report = self.pool.check(&job).await?;
        let explained = match Explanation::sought(&report) {
            Some(Ok(explanation)) => Explained::Found(explanation),
            Some(Err(Task::Model)) => Explained::Found(self.find_model(job.script, &report).await),
            Some(Err(Task::Check | Task::Vacuity | Task::Series | Task::Next)) | None => Explained::Nothing,
        };
        let counter_model = Advice::of(&report, explained).counter_model;
        let ended = Ended::of(&report, &self.limits);
        let progress = ended.and_then(|ended| advice::progress(&json!(report), &json!(ended)));
        let statement = report.statement;
        let (cpu_ms, verdict) = (report.cpu.0, report.verdict);
        let incremental = false;
        Ok((Finding { claim, source, verdict, cpu_ms, counter_model, progress, incremental }, statement))
    }

    /// Checks several queries one after the other in one solver, the first of them with the script of all.
    ///
    /// # Errors
    /// If no worker could take them.
    pub fn series(&self, script: Vec<u8>, claims: &[Claim]) -> Result<PendingSeries, PoolError> {
        let job = |script, claim, task| Job { script, claim: Some(claim), limits: self.limits, task };
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

    /// Ends the workers, and waits until they are gone.
    pub fn close(self) {
        self.pool.close();
    }
}
