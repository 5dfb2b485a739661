//! One run: files go to the reading threads, what is not known to the workers, and every outcome to the account.
//!
//! One task on one thread decides everything here; reading and checking are elsewhere. At most [`QUEUE_MAX`] scripts wait in
//! memory: when the workers are behind, the readers wait.

use super::account::Account;
use super::cache::{Cache, Known};
use super::interrupt::Interrupt;
use super::keys::{Key, Keys};
use super::local::Local;
use super::node;
use super::outcome::Finding;
use super::paths;
use super::progress::{Progress, REDRAW};
use super::reader::{Asked, Reading};
use super::series::{self, Next, Parts};
use super::settings::Settings;
use super::steps::{Missing, Step};
use crate::exit::{Exit, Failure};
use crate::solver_pin;
use actors::verifier_pool::PoolError;
use protocol::types::Hash;
use protocol::verdict::Report;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinHandle, JoinSet};

/// Scripts that were read and wait for a worker, beside those that the readers hold in their hands.
const QUEUE_MAX: usize = 16;
/// Steps that wait to be taken, as the readers put them together.
const STEPS_MAX: usize = 64;

/// Runs everything and gives the account.
///
/// # Errors
/// If the workers cannot be started, or fail by a fault of our own.
pub fn run(settings: &Settings) -> Result<Account, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::with(Exit::Internal))?;
    let account = runtime.block_on(begin(settings));
    // A thread that reads the standard input may wait forever; nothing is lost with it.
    runtime.shutdown_background();
    account
}

async fn begin(settings: &Settings) -> Result<Account, Failure> {
    let interrupt = Interrupt::new().map_err(Failure::with(Exit::Internal))?;
    if let Some(by) = &settings.node {
        return node::run(settings, by, interrupt).await;
    }
    let (cache, known) = Cache::open();
    // Each takes some hundredths of a second where there is much.
    let (files, pin) = std::thread::scope(|scope| {
        let pin = scope.spawn(|| pin_of(&known));
        (paths::find(&settings.paths, &settings.filter), pin.join().unwrap_or_default())
    });
    if files.is_empty() {
        return Err(Failure::new(Exit::Input, paths::NONE_LEFT));
    }
    let mut account = Account::new(files.len());
    account.vacuous = settings.vacuous;
    account.is_checked_again = settings.besides.seeds > 0;
    let nothing_known = known.is_empty();
    let (steps, receiver) = channel(STEPS_MAX);
    let (report_sender, reports) = channel(STEPS_MAX);
    let asked = Asked::ThisMachine(known, settings.besides);
    let reading = Arc::new(Reading::new(files, settings, asked));
    let mut run = Run {
        settings,
        account,
        cache,
        reading,
        keys: None,
        starting: None,
        workers: None,
        queue: VecDeque::new(),
        checks: JoinSet::new(),
        under_way: HashMap::new(),
        found: HashMap::new(),
        parts: Parts::default(),
        reports: report_sender,
        progress: Progress::new(),
    };
    if nothing_known || pin.is_none() {
        run.start_workers();
    }
    if let Some(pin) = pin {
        run.set_keys(Keys::new(pin, settings.limits));
    }
    run.reading.start(settings.jobs, &steps).map_err(Failure::with(Exit::Internal))?;
    drop(steps);
    let result = run.work(receiver, reports, interrupt).await;
    run.end(result).await
}

/// The pin of the solver that the workers will load, without starting one: for a run in which everything is known. With
/// another library path in the environment only a worker knows.
fn pin_of(known: &Known) -> Option<protocol::verdict::SolverPin> {
    let is_elsewhere = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"].iter().any(|name| std::env::var_os(name).is_some());
    if known.is_empty() || is_elsewhere { None } else { solver_pin::installed().ok() }
}

type Check = Result<(Finding, Option<Hash>), PoolError>;

/// A check that has ended, or none for a part, whose reports came by themselves.
type Ended = Option<(Key, Check)>;

/// The next report of a part of a log, or none at its end.
type PartReport = (u64, Option<Result<Report, PoolError>>);

struct Run<'a> {
    settings: &'a Settings,
    account: Account,
    cache: Cache,
    reading: Arc<Reading>,
    keys: Option<Keys>,
    starting: Option<JoinHandle<Result<Local, Failure>>>,
    workers: Option<Arc<Local>>,
    queue: VecDeque<Missing>,
    checks: JoinSet<Ended>,
    /// Whom a running check is for: all of the same bytes and claim.
    under_way: HashMap<Key, Vec<Missing>>,
    /// What this run found.
    found: HashMap<Key, Finding>,
    /// Queries that are asked together.
    parts: Parts,
    reports: Sender<PartReport>,
    progress: Progress,
}

impl Run<'_> {
    fn start_workers(&mut self) {
        let settings = self.settings.clone();
        self.starting = Some(tokio::task::spawn_blocking(move || Local::start(&settings)));
    }

    fn start_workers_if_none(&mut self) {
        if self.workers.is_none() && self.starting.is_none() {
            self.start_workers();
        }
    }

    fn set_keys(&mut self, keys: Keys) {
        self.keys = Some(keys);
        self.reading.set_keys(keys);
    }

    async fn work(
        &mut self,
        mut steps: Receiver<Vec<Step>>,
        mut reports: Receiver<PartReport>,
        mut interrupt: Interrupt,
    ) -> Result<(), Failure> {
        let mut redraw = tokio::time::interval(REDRAW);
        redraw.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut batch, mut is_read) = (Vec::with_capacity(STEPS_MAX), false);
        loop {
            self.begin_parts()?;
            self.begin_checks();
            if is_read && self.queue.is_empty() && self.checks.is_empty() && self.parts.is_empty() {
                return Ok(());
            }
            tokio::select! {
                count = steps.recv_many(&mut batch, STEPS_MAX), if !is_read && self.queue.len() < QUEUE_MAX => {
                    is_read = count == 0;
                    batch.drain(..).flatten().for_each(|step| self.on_step(step));
                }
                Some(checked) = self.checks.join_next(), if !self.checks.is_empty() => {
                    if let Some((key, check)) = checked.map_err(Failure::with(Exit::Internal))? {
                        self.on_checked(key, check)?;
                    }
                }
                Some((number, report)) = reports.recv() => self.on_report(number, report)?,
                started = started(&mut self.starting), if self.starting.is_some() => self.on_started(started)?,
                _ = redraw.tick(), if self.progress.is_shown() => self.progress.draw(&self.account),
                () = interrupt.wait() => {
                    self.account.interrupted = true;
                    return Ok(());
                }
            }
        }
    }

    fn on_step(&mut self, step: Step) {
        let missing = match step {
            Step::Log(remarks) => {
                self.parts.open(&remarks);
                return self.account.open(remarks);
            }
            Step::Done(checked) => {
                series::log_of(&checked).into_iter().for_each(|log| self.parts.done(log));
                return self.account.add(*checked);
            }
            Step::Missing(missing) if missing.in_series.is_some() => {
                self.start_workers_if_none();
                return self.parts.add(*missing);
            }
            Step::Missing(missing) => *missing,
            // Of the other way of checking.
            Step::ForNode(_) => return,
        };
        self.parts.done(missing.subject.position.file);
        self.enqueue(missing);
    }

    /// Puts one into the queue of those that are checked by themselves, unless it is known by now.
    fn enqueue(&mut self, missing: Missing) {
        if let Some(finding) = self.found.get(&missing.key) {
            return self.account.add(missing.done(finding.clone()));
        }
        if let Some(others) = self.under_way.get_mut(&missing.key) {
            return others.push(missing);
        }
        self.start_workers_if_none();
        self.under_way.insert(missing.key, Vec::new());
        self.queue.push_back(missing);
    }

    fn on_started(&mut self, started: Result<Local, Failure>) -> Result<(), Failure> {
        self.starting = None;
        let workers = started?;
        let keys = Keys::new(workers.pin(), self.settings.limits);
        match self.keys {
            None => self.set_keys(keys),
            Some(looked_up) if looked_up.pin() == workers.pin() => {}
            Some(looked_up) => {
                let message = format!(
                    "the workers load another solver than lies beside this program: {} instead of {}",
                    keys.pin(),
                    looked_up.pin()
                );
                return Err(Failure::new(Exit::Configuration, message));
            }
        }
        self.account.solver = Some(workers.hello().clone());
        if !workers.is_sandboxed() {
            self.progress.clear();
            eprintln!("warning: the solver runs without a sandbox ({:?})", workers.hello().sandbox);
        }
        self.workers = Some(Arc::new(workers));
        Ok(())
    }

    /// Gives the workers what they can do now, and one script more than there are workers, so that none waits for us.
    fn begin_checks(&mut self) {
        let Some(workers) = &self.workers else { return };
        while self.checks.len() <= self.settings.jobs {
            let Some(missing) = self.queue.pop_front() else { return };
            let (key, claim, script) = (missing.key, missing.claim, missing.script().into_owned());
            let workers = Arc::clone(workers);
            self.checks.spawn(async move { Some((key, workers.check(script, claim).await)) });
            self.account.begin(&missing.subject);
            // First of those that it is for; what is told of it needs the script again.
            self.under_way.entry(key).or_default().insert(0, missing);
        }
    }

    /// Gives each worker that is free a part of a log.
    fn begin_parts(&mut self) -> Result<(), Failure> {
        let Some(workers) = self.workers.clone() else { return Ok(()) };
        while self.checks.len() < self.settings.jobs && self.queue.len() < self.settings.jobs {
            let part = match self.parts.next(self.settings.jobs, workers.script_bytes_max()) {
                Some(Next::Part(part)) => part,
                Some(Next::Alone(missing)) => {
                    self.enqueue(missing);
                    continue;
                }
                None => return Ok(()),
            };
            let mut pending = workers.series(part.script, &part.claims).map_err(Failure::with(Exit::Internal))?;
            let (number, reports) = (part.number, self.reports.clone());
            self.checks.spawn(async move {
                while let Some(report) = pending.recv().await {
                    // Nobody listens after an interrupt.
                    let _ = reports.send((number, Some(report))).await;
                }
                let _ = reports.send((number, None)).await;
                None
            });
            self.parts.current(number).into_iter().for_each(|missing| self.account.begin(&missing.subject));
        }
        Ok(())
    }

    fn on_report(&mut self, number: u64, report: Option<Result<Report, PoolError>>) -> Result<(), Failure> {
        let Some(report) = report else {
            self.parts.on_end(number).into_iter().for_each(|missing| self.enqueue(missing));
            return Ok(());
        };
        let told = self.parts.on_report(number, report.map_err(Failure::with(Exit::Internal))?);
        if let Some((missing, finding)) = told.holds {
            self.cache.put(missing.in_series.unwrap_or(missing.key), None, &finding);
            self.account.add(missing.done(finding));
        }
        told.alone.into_iter().for_each(|missing| self.enqueue(missing));
        self.parts.current(number).into_iter().for_each(|missing| self.account.begin(&missing.subject));
        Ok(())
    }

    fn on_checked(&mut self, key: Key, check: Check) -> Result<(), Failure> {
        let (finding, statement) = check.map_err(Failure::with(Exit::Internal))?;
        // A line and column are one script's, and not those of others that say the same.
        let statement = statement.filter(|_| !finding.has_place());
        let statement = statement.zip(self.keys).map(|(statement, keys)| keys.of_statement(&statement));
        self.cache.put(key, statement, &finding);
        for missing in self.under_way.remove(&key).into_iter().flatten() {
            self.account.add(missing.done(finding.clone()));
        }
        self.found.insert(key, finding);
        Ok(())
    }

    /// Ends the workers and the cache. What was found stands, whatever went wrong afterwards.
    async fn end(mut self, result: Result<(), Failure>) -> Result<Account, Failure> {
        self.progress.clear();
        self.reading.end();
        self.checks.shutdown().await;
        self.account.pin = self.keys.map(|keys| keys.pin());
        self.account.trouble = self.cache.trouble.take();
        self.account.elapsed = self.account.begun.elapsed();
        if let Some(workers) = self.workers.take().and_then(Arc::into_inner) {
            workers.close();
        }
        self.cache.close();
        result.map(|()| self.account)
    }
}

async fn started(starting: &mut Option<JoinHandle<Result<Local, Failure>>>) -> Result<Local, Failure> {
    match starting {
        Some(starting) => starting.await.unwrap_or_else(|error| Err(Failure::new(Exit::Internal, error))),
        None => std::future::pending().await,
    }
}
