//! The pool of worker processes: a bounded queue of jobs, a thread for each worker, and one warm spare.
//!
//! Owns the processes, so they outlive whichever actor asks. Has threads of its own and no runtime: a job may be waited
//! for from any arbiter, and a stalled arbiter stalls no worker. Decides nothing about proofs, and remembers nothing.
//! When the queue is full the job is given back: surely not checked.

use super::ending::{Consequence, Ending};
use super::pipe::encode_frame;
use super::process::{Exchange, Start, StartError, WorkerProcess};
use super::roll::{Roll, Workers};
use super::task::{Pending, Task, Work};
use crate::tap::verifier::{Observer, PoolEvent, verdict_label};
use parking_lot::{Condvar, Mutex};
use protocol::verdict::{self, Job, NoVerdict, Report, SolverPin, Verdict, VerifierParameters};
use protocol::worker::{Hello, Priority, SandboxMode};
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How often a proof is given to a worker that is then ended from outside.
pub(super) const ATTEMPTS_MAX: u32 = 3;

/// A worker makes room for a fresh one after so many proofs: what a solver leaks stays small.
const JOBS_PER_WORKER_MAX: u32 = 500;

/// After a failed start of the spare.
const SPARE_PAUSE: Duration = Duration::from_secs(1);

/// How a pool is set up.
#[derive(Clone)]
pub struct PoolConfig {
    /// `pop-verifier`.
    pub program: PathBuf,
    /// Proofs that are checked at once; at least 1.
    pub workers: usize,
    /// Jobs that may wait besides those that are worked on.
    pub waiting_max: usize,
    pub sandbox: SandboxMode,
    /// Whether everything else on the machine goes first.
    pub priority: Priority,
    /// The genesis' limits; no job gets more memory than these allow.
    pub parameters: VerifierParameters,
    /// Whether one more process is kept ready for when a worker is lost.
    pub spare: bool,
    /// Told of everything that is worth counting; called on the pool's threads, so it must be quick.
    pub observer: Observer,
}

impl PoolConfig {
    /// One worker for each core, a spare, room for 64 waiting jobs, and nobody counts.
    pub fn new(program: PathBuf, parameters: VerifierParameters) -> PoolConfig {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let observer: Observer = Arc::new(|_| {});
        PoolConfig {
            program,
            workers,
            waiting_max: 64,
            sandbox: SandboxMode::Required,
            priority: Priority::Background,
            parameters,
            spare: true,
            observer,
        }
    }
}

/// Where `pop-verifier` lies: beside the running program.
///
/// # Errors
/// If the running program's own place is not known.
pub fn program_beside_this_one() -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("pop-verifier"))
}

/// Why a job has no report.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    #[error(transparent)]
    Start(#[from] Arc<StartError>),
    #[error("cannot start a thread for the verifier pool: {0}")]
    Thread(std::io::Error),
    #[error("{waiting} jobs wait already, which is the maximum")]
    Full { waiting: usize },
    #[error("the job cannot be encoded: {0}")]
    Encode(std::io::Error),
    #[error("the solver library is another one than at the start: {now} instead of {first}")]
    PinChanged { first: SolverPin, now: SolverPin },
    #[error("a thread of the verifier pool panicked at this job")]
    Panicked,
    #[error("the verifier pool is closed")]
    Closed,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Task>,
    spare: Option<WorkerProcess>,
    closed: bool,
}

pub(super) struct Shared {
    config: PoolConfig,
    start: Start,
    roll: Arc<Roll>,
    first: Hello,
    state: Mutex<State>,
    work: Condvar,
    spare_wanted: Condvar,
}

/// The pool. Dropping the last one ends every worker.
pub struct VerifierPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl VerifierPool {
    /// Starts the first worker, and with it learns the solver pin. Blocks until that worker has said hello.
    ///
    /// # Errors
    /// If the worker cannot start, with its own reason.
    pub fn start(config: PoolConfig) -> Result<VerifierPool, PoolError> {
        let program = config.program.canonicalize().unwrap_or_else(|_| config.program.clone());
        let roll = Arc::<Roll>::default();
        let mut start = Start {
            program,
            roll: Arc::clone(&roll),
            sandbox: config.sandbox,
            priority: config.priority,
            memory_bytes_max: config.parameters.hard.memory_bytes,
            known_library: None,
        };
        let first = WorkerProcess::start(&start).map_err(Arc::new)?;
        (config.observer)(&PoolEvent::WorkerStarted { pid: first.pid() });
        start.known_library = Some(first.hello().library);
        let shared = Arc::new(Shared {
            start,
            roll,
            first: first.hello().clone(),
            state: Mutex::new(State { spare: Some(first), ..State::default() }),
            work: Condvar::new(),
            spare_wanted: Condvar::new(),
            config,
        });
        let mut pool = VerifierPool { shared, threads: Vec::new() };
        for number in 0..pool.shared.config.workers.max(1) {
            pool.thread(format!("verifier-{number}"), Shared::work_until_closed)?;
        }
        if pool.shared.config.spare {
            pool.thread("verifier-spare".to_owned(), Shared::keep_a_spare)?;
        }
        Ok(pool)
    }

    fn thread(&mut self, name: String, run: fn(&Shared)) -> Result<(), PoolError> {
        let shared = Arc::clone(&self.shared);
        let builder = std::thread::Builder::new().name(name);
        self.threads.push(builder.spawn(move || run(&shared)).map_err(PoolError::Thread)?);
        Ok(())
    }

    pub fn pin(&self) -> SolverPin {
        self.shared.first.pin
    }

    /// What the first worker said of itself: solver, sandbox, library.
    pub fn hello(&self) -> &Hello {
        &self.shared.first
    }

    pub fn workers(&self) -> usize {
        self.shared.config.workers.max(1)
    }

    /// Jobs that wait for a worker.
    pub fn waiting(&self) -> usize {
        self.shared.state.lock().waiting.len()
    }

    /// The same, and since when the one that has waited longest does.
    pub fn waiting_since(&self) -> (usize, Option<Instant>) {
        let state = self.shared.state.lock();
        (state.waiting.len(), state.waiting.front().map(|task| task.since))
    }

    /// The worker processes as they are now. Reads a file of the system for each.
    pub fn report(&self) -> Workers {
        let spare = self.shared.state.lock().spare.as_ref().map(WorkerProcess::pid);
        self.shared.roll.look(spare)
    }

    /// Puts a job into the queue. Dropping what comes back takes it out again, or ends the worker that is at it.
    ///
    /// # Errors
    /// If the queue is full or the pool closed: the job surely was not checked.
    pub fn submit(&self, job: &Job) -> Result<Pending, PoolError> {
        let frame = encode_frame(job).map_err(PoolError::Encode)?;
        let (reply, pending) = oneshot::channel();
        let is_check = job.task == verdict::Task::Check;
        self.enqueue(job.limits, Work::Single { frame, is_check, reply })?;
        Ok(pending)
    }

    pub(super) fn enqueue(&self, limits: VerifierParameters, work: Work) -> Result<(), PoolError> {
        let mut state = self.shared.state.lock();
        if state.closed {
            return Err(PoolError::Closed);
        }
        state.waiting.retain(Task::is_wanted);
        if state.waiting.len() >= self.shared.config.waiting_max {
            return Err(PoolError::Full { waiting: state.waiting.len() });
        }
        state.waiting.push_back(Task { limits, since: Instant::now(), work });
        self.shared.work.notify_one();
        Ok(())
    }

    /// Checks one job.
    ///
    /// # Errors
    /// If it could not be checked at all; the outcome of the check itself is in the report.
    pub async fn check(&self, job: &Job) -> Result<Report, PoolError> {
        self.submit(job)?.await.unwrap_or(Err(PoolError::Closed))
    }

    /// Checks one job, and blocks meanwhile.
    ///
    /// # Errors
    /// As [`VerifierPool::check`].
    pub fn check_blocking(&self, job: &Job) -> Result<Report, PoolError> {
        self.submit(job)?.blocking_recv().unwrap_or(Err(PoolError::Closed))
    }

    /// Ends every worker, and waits until all are gone. Blocks for some milliseconds.
    pub fn close(mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A panic of a pool thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for VerifierPool {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.waiting.clear();
        let spare = state.spare.take();
        self.work.notify_all();
        self.spare_wanted.notify_all();
        drop(state);
        drop(spare);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    fn tell(&self, event: PoolEvent) {
        (self.config.observer)(&event);
    }

    /// The life of a worker's thread. It keeps its process from job to job.
    fn work_until_closed(&self) {
        let mut worker = None;
        while let Some(Task { limits, work, .. }) = self.next_task() {
            // A fault of ours costs this job and its worker, never the thread: the pool must not shrink unseen. Nobody may
            // wait any more; then nobody is told.
            match work {
                Work::Single { frame, is_check, reply } => {
                    let wanted = || !reply.is_closed() && !self.is_closed();
                    let attempt = AssertUnwindSafe(|| self.run(&mut worker, &frame, &limits, is_check, &wanted));
                    let result = std::panic::catch_unwind(attempt).unwrap_or_else(|_| {
                        worker = None;
                        Err(PoolError::Panicked)
                    });
                    let _ = reply.send(result);
                }
                Work::Series { frames, replies } => {
                    let attempt = AssertUnwindSafe(|| self.run_series(&mut worker, &frames, &limits, &replies));
                    let result = std::panic::catch_unwind(attempt).unwrap_or_else(|_| {
                        worker = None;
                        Err(PoolError::Panicked)
                    });
                    if let Err(error) = result {
                        let _ = replies.send(Err(error));
                    }
                }
            }
        }
    }

    fn next_task(&self) -> Option<Task> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            match state.waiting.pop_front() {
                Some(task) if !task.is_wanted() => {}
                Some(task) => return Some(task),
                None => self.work.wait(&mut state),
            }
        }
    }

    /// Runs one job, in up to [`ATTEMPTS_MAX`] workers.
    fn run(
        &self,
        worker: &mut Option<WorkerProcess>,
        frame: &[u8],
        limits: &VerifierParameters,
        is_check: bool,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Report, PoolError> {
        let begun = Instant::now();
        let mut attempts = 0;
        let report = loop {
            attempts += 1;
            let process = self.worker(worker.take())?;
            match self.exchange(worker, process, frame, limits, wanted) {
                Ok(report) => break report,
                Err(ending) => {
                    if let Some(report) = after(&ending, limits, attempts)? {
                        break report;
                    }
                }
            }
        };
        if is_check {
            self.tell(PoolEvent::Checked {
                verdict: verdict_label(&report.verdict),
                cpu: Duration::from_millis(report.cpu.0),
                wall: begun.elapsed(),
                resource_count: report.resource_count.filter(|_| report.answer.is_some()),
                attempts,
            });
        }
        Ok(report)
    }

    /// Gives one job to a worker, which is kept if it is still good afterwards; how it ended, if it did.
    pub(super) fn exchange(
        &self,
        kept: &mut Option<WorkerProcess>,
        mut process: WorkerProcess,
        frame: &[u8],
        limits: &VerifierParameters,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Report, Ending> {
        match process.check(frame, limits, wanted) {
            Exchange::Answered(report) => {
                // A solver that has run out of memory once is in no state to be trusted with the next proof.
                if matches!(report.verdict, Verdict::NoVerdict { reason: NoVerdict::Memory { .. } }) {
                    self.tell(PoolEvent::WorkerEnded { pid: process.pid(), cause: "memory" });
                } else {
                    *kept = Some(process);
                }
                Ok(*report)
            }
            Exchange::Ended(ending) => {
                self.tell(PoolEvent::WorkerEnded { pid: process.pid(), cause: ending.label() });
                Err(ending)
            }
        }
    }

    /// A worker for the next job: the last one if it is still good, else the spare, else a new one.
    pub(super) fn worker(&self, last: Option<WorkerProcess>) -> Result<WorkerProcess, PoolError> {
        if let Some(worker) = last {
            if self.is_good(&worker) {
                return Ok(worker);
            }
            self.tell(PoolEvent::WorkerEnded { pid: worker.pid(), cause: "recycled" });
        }
        let spare = self.state.lock().spare.take();
        self.spare_wanted.notify_one();
        spare.map_or_else(|| self.new_worker(), Ok)
    }

    fn is_good(&self, worker: &WorkerProcess) -> bool {
        // What an earlier proof left behind would count against the next one's soft limit.
        let grown_bytes = self.config.parameters.soft.memory_bytes / 2;
        worker.jobs_done() < JOBS_PER_WORKER_MAX && worker.resident_bytes().is_none_or(|bytes| bytes < grown_bytes)
    }

    fn new_worker(&self) -> Result<WorkerProcess, PoolError> {
        match WorkerProcess::start(&self.start) {
            Ok(worker) if worker.hello().pin != self.first.pin => {
                Err(PoolError::PinChanged { first: self.first.pin, now: worker.hello().pin })
            }
            Ok(worker) => {
                self.tell(PoolEvent::WorkerStarted { pid: worker.pid() });
                Ok(worker)
            }
            Err(error) => {
                self.tell(PoolEvent::WorkerNotStarted { error: error.to_string() });
                Err(Arc::new(error).into())
            }
        }
    }

    /// The life of the spare's thread.
    fn keep_a_spare(&self) {
        let mut state = self.state.lock();
        while !state.closed {
            if state.spare.is_some() {
                self.spare_wanted.wait(&mut state);
                continue;
            }
            drop(state);
            let worker = self.new_worker();
            state = self.state.lock();
            match worker {
                Ok(worker) if state.spare.is_none() && !state.closed => state.spare = Some(worker),
                // Not needed any more: it ends here.
                Ok(worker) => self.tell(PoolEvent::WorkerEnded { pid: worker.pid(), cause: "not_needed" }),
                // Whoever needs a worker finds out by itself, and says why.
                Err(_) => {
                    self.spare_wanted.wait_for(&mut state, SPARE_PAUSE);
                }
            }
        }
    }
}

/// The report that follows from a worker's end, or `None` if the job is to be tried again.
pub(super) fn after(ending: &Ending, limits: &VerifierParameters, attempts: u32) -> Result<Option<Report>, PoolError> {
    match ending.consequence(limits) {
        Consequence::NoVerdict(reason) => Ok(Some(ending.report(reason))),
        Consequence::TryAgain if attempts < ATTEMPTS_MAX => Ok(None),
        Consequence::TryAgain => Ok(Some(ending.report(NoVerdict::EndedFromOutside { attempts }))),
        Consequence::NotWanted => Err(PoolError::Closed),
    }
}
