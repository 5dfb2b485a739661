//! What the tests of the verifier share: a pool that is watched, and a few scripts.
#![allow(dead_code)]

use actors::verifier_pool::{PoolConfig, PoolEvent, VerifierPool};
use protocol::verdict::{Claim, Job, Report, Task, VerifierParameters};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A contradiction.
pub const FALSE: &str = "(declare-const p Bool)\n(assert (and p (not p)))\n(check-sat)\n";
/// A tautology.
pub const TRUE: &str = "(declare-const p Bool)\n(assert (or p (not p)))\n(check-sat)\n";
/// The factors of a product of two primes of 64 bits: no solver finds them in a day.
pub const ENDLESS: &str = "(declare-const a (_ BitVec 64))
(declare-const b (_ BitVec 64))
(assert (= (bvmul (concat #x0000000000000000 a) (concat #x0000000000000000 b)) #xcfa92a1c6559dd55bb75027437309ad3))
(assert (bvugt a #x0000000000000001))
(assert (bvugt b #x0000000000000001))
(check-sat)
";
/// Needs memory without bound.
pub const BOMB: &str = "(declare-const a (_ BitVec 12000))
(declare-const b (_ BitVec 12000))
(assert (= (bvmul a b) (bvadd (bvmul b b) (bvurem a b))))
(check-sat)
";

/// The longest that any condition may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn job(script: &str, claim: Option<Claim>) -> Job {
    let limits = VerifierParameters::default();
    Job { script: script.as_bytes().to_vec(), claim, limits, task: Task::Check, seed: None }
}

pub fn config(workers: usize, program: PathBuf) -> PoolConfig {
    PoolConfig { workers, ..PoolConfig::new(program, VerifierParameters::default()) }
}

/// A pool whose events are kept.
pub struct Watched {
    pool: VerifierPool,
    events: Arc<Mutex<Vec<PoolEvent>>>,
}

impl Watched {
    pub fn pool(workers: usize) -> Watched {
        Self::with(workers, |_| {})
    }

    pub fn with(workers: usize, change: impl FnOnce(&mut PoolConfig)) -> Watched {
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let mut config = config(workers, env!("CARGO_BIN_EXE_pop-verifier").into());
        config.observer = Arc::new(move |event| sink.lock().unwrap().push(event.clone()));
        change(&mut config);
        Watched { pool: VerifierPool::start(config).unwrap(), events }
    }

    pub fn inner(&self) -> &VerifierPool {
        &self.pool
    }

    pub fn check(&self, job: &Job) -> Report {
        self.pool.check_blocking(job).unwrap()
    }

    pub fn close(self) {
        self.pool.close();
    }

    pub fn events(&self) -> Vec<PoolEvent> {
        self.events.lock().unwrap().clone()
    }

    /// Workers that were started and have not ended yet.
    pub fn living(&self) -> Vec<i32> {
        let events = self.events();
        let ended = |pid: &u32| {
            events.iter().any(|event| matches!(event, PoolEvent::WorkerEnded { pid: end, .. } if end == pid))
        };
        let started = events.iter().filter_map(|event| match event {
            PoolEvent::WorkerStarted { pid } => Some(*pid),
            _ => None,
        });
        started.filter(|pid| !ended(pid)).map(|pid| i32::try_from(pid).unwrap()).collect()
    }

    /// A worker that has used half a second of processor time, which no start takes.
    pub fn busy_worker(&self) -> Option<i32> {
        self.living().into_iter().find(|&pid| processor_ticks(pid).is_some_and(|ticks| ticks > 50))
    }

    pub fn ended(&self, wanted: &str) -> usize {
        let ended = |event: &&PoolEvent| matches!(event, PoolEvent::WorkerEnded { cause, .. } if *cause == wanted);
        self.events().iter().filter(ended).count()
    }
}

/// User and system time of a process, in hundredths of a second.
pub fn processor_ticks(pid: i32) -> Option<u64> {
    Some(field(pid, 11)? + field(pid, 12)?)
}

/// Waits for a condition, and fails by its name when it never comes.
pub fn wait_until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Prints past the test harness, which keeps what a passing test prints.
pub fn say(text: std::fmt::Arguments<'_>) {
    std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
}

/// The folder of public scripts with their expected answers. It is no part of this project.
pub fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if folder.join("manifest.json").is_file() {
        return Some(folder);
    }
    say(format_args!("NOT RUN: the corpus of public scripts is not at ../shared/corpus"));
    None
}

/// The processes that one started and that have not ended.
pub fn children(parent: u32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let numbers = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    numbers.filter(|&pid| is_running(pid) && field(pid, 1) == Some(parent.into())).collect()
}

/// Whether a process is there and has not ended: one that nobody has reaped yet has.
pub fn is_running(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

fn field(pid: i32, index: usize) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    status.rsplit_once(')')?.1.split_whitespace().nth(index)?.parse().ok()
}
