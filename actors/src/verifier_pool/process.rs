//! One worker process, seen from the node: start it, give it a job, take its report, or learn how it ended.
//!
//! Blocking: it runs on the pool's own threads. Trusts nothing that comes back: reads are bounded, the node's own
//! clocks measure, and what a worker says about its limits is only a claim. Must never block on a worker that neither
//! reads nor answers: every wait has an end.

use super::ending::{Ending, Kill};
use super::pipe::{Incoming, Progress, do_not_block, encode_frame, is_transient, wait_for};
use super::probe::{self, Usage};
use super::roll::{Entry, Roll};
use protocol::types::Millis;
use protocol::verdict::{Report, VerifierParameters};
use protocol::worker::{Hello, Library, Priority, SandboxMode, Settings, WORKER_VERSION};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A worker that has not said hello by then never will; reading and hashing the library takes a fraction of it. Time in which it was
/// ready to run and got no processor does not count.
const START_MAX: Duration = Duration::from_secs(60);

/// However loaded the machine is, nobody waits longer than this multiple for a worker's hello.
const START_FACTOR_MAX: u32 = 10;

/// How often a running job is looked at. Its end is noticed at once, by the pipe.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// And at one that has run for a while: a tenth of its time, up to this.
const LOOK_INTERVAL_MAX: Duration = Duration::from_millis(250);

/// A worker that closed its pipe has this long to be gone.
const END_MAX: Duration = Duration::from_secs(2);

/// What of a failed start's standard error is kept.
const START_ERROR_BYTES_MAX: usize = 2048;

/// The worker ends itself at its limit of processor time, to the millisecond; only if it does not, the node does.
const CPU_SLACK: Duration = Duration::from_millis(1500);

/// Real time for a job, in multiples of its processor time, not counting the time in which the worker was ready to run
/// and got no processor. Only a backstop, for a solver that waits for something that never comes.
const WALL_FACTOR: u32 = 4;

/// However loaded the machine is, no job holds a worker for more real time than this multiple.
const WALL_FACTOR_MAX: u32 = 40;

/// How a worker is started.
#[derive(Debug, Clone)]
pub struct Start {
    /// `pop-verifier`, by absolute path.
    pub program: PathBuf,
    pub sandbox: SandboxMode,
    pub priority: Priority,
    pub memory_bytes_max: u64,
    /// What an earlier worker hashed.
    pub known_library: Option<Library>,
    /// Where it is listed while it lives.
    pub roll: Arc<Roll>,
}

/// Why a worker did not start. Permanent until somebody repairs the installation.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot run {}: {error}", program.display())]
    Spawn { program: PathBuf, error: io::Error },
    #[error("{} did not start ({status}): {said}", program.display())]
    Ended { program: PathBuf, status: String, said: String },
    #[error("{} sent nothing for {seconds} s after its start", program.display())]
    Silent { program: PathBuf, seconds: u64 },
    #[error("{} is of another build: it speaks version {got}, and this program {expected}", program.display())]
    Version { program: PathBuf, expected: u32, got: u32 },
}

/// The outcome of an exchange with a worker.
#[derive(Debug)]
pub enum Exchange {
    /// The worker lives, and this is its answer, measured and cut to its bounds.
    Answered(Box<Report>),
    /// The worker is gone.
    Ended(Ending),
}

/// A running worker. Dropping it ends and reaps the process.
pub struct WorkerProcess {
    pid: libc::pid_t,
    requests: File,
    reports: File,
    /// Never written to: its end is the worker's sign that the node is gone.
    _control: OwnedFd,
    hello: Hello,
    jobs_done: u32,
    reaped: bool,
    entry: Entry,
}

impl WorkerProcess {
    /// Starts a worker and waits for its hello. Costs some 50 ms.
    ///
    /// # Errors
    /// If the program cannot be run, refuses to start, or is of another build.
    pub fn start(start: &Start) -> Result<WorkerProcess, StartError> {
        let spawn = |error| StartError::Spawn { program: start.program.clone(), error };
        let (mut worker, errors) = Self::spawn(start).map_err(spawn)?;
        let settings = Settings {
            version: WORKER_VERSION,
            sandbox: start.sandbox,
            priority: start.priority,
            memory_bytes_max: start.memory_bytes_max,
            known_library: start.known_library,
        };
        let frame = encode_frame(&settings).map_err(spawn)?;
        let (begun, pid) = (Instant::now(), worker.pid);
        let is_late = || begun.elapsed().saturating_sub(probe::time_in_line(pid)) >= START_MAX;
        let look = || if is_late() { Look::Stop(Kill::Deadline) } else { Look::GoOn };
        match worker.converse(&frame, begun + START_MAX * START_FACTOR_MAX, look) {
            Conversation::Frame(bytes) => match rmp_serde::from_slice::<Hello>(&bytes) {
                Ok(hello) if hello.version == WORKER_VERSION => {
                    worker.hello = hello;
                    Ok(worker)
                }
                Ok(hello) => Err(StartError::Version {
                    program: start.program.clone(),
                    expected: WORKER_VERSION,
                    got: hello.version,
                }),
                Err(_) => Err(StartError::Version { program: start.program.clone(), expected: WORKER_VERSION, got: 0 }),
            },
            Conversation::Stopped(_) => {
                Err(StartError::Silent { program: start.program.clone(), seconds: START_MAX.as_secs() })
            }
            Conversation::Closed | Conversation::Nonsense => {
                let status = worker.reap().0;
                let program = start.program.clone();
                Err(StartError::Ended { program, status: status.to_string(), said: read_start_error(errors) })
            }
        }
    }

    fn spawn(start: &Start) -> io::Result<(WorkerProcess, File)> {
        let (control_read, control_write) = io::pipe()?;
        // Only this end is inherited. Should another child get it too, nothing is lost: what counts is the other end.
        // SAFETY: a plain system call on a descriptor that we own.
        if unsafe { libc::fcntl(control_read.as_raw_fd(), libc::F_SETFD, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut command = Command::new(&start.program);
        command.arg("--control").arg(control_read.as_raw_fd().to_string());
        // Nothing of the environment may change what the solver does; where its library lies may be told by it.
        command.env_clear();
        for name in ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // A group of its own: Ctrl-C in the operator's terminal is for the node, which then ends its workers.
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let taken = || io::Error::other("a pipe of the worker is missing");
        let requests = File::from(OwnedFd::from(child.stdin.take().ok_or_else(taken)?));
        let reports = File::from(OwnedFd::from(child.stdout.take().ok_or_else(taken)?));
        let errors = File::from(OwnedFd::from(child.stderr.take().ok_or_else(taken)?));
        let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
        let worker = WorkerProcess {
            pid,
            requests,
            reports,
            _control: OwnedFd::from(control_write),
            hello: no_hello(),
            jobs_done: 0,
            reaped: false,
            entry: start.roll.enter(pid),
        };
        for descriptor in [worker.requests.as_raw_fd(), worker.reports.as_raw_fd(), errors.as_raw_fd()] {
            do_not_block(descriptor)?;
        }
        Ok((worker, errors))
    }

    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Jobs answered so far.
    pub fn jobs_done(&self) -> u32 {
        self.jobs_done
    }

    /// Resident memory now, where the system reports it.
    pub fn resident_bytes(&self) -> Option<u64> {
        probe::memory(self.pid).map(|memory| memory.resident_bytes)
    }

    /// Gives the worker one job, as an encoded frame, and waits for its report. `wanted` is asked now and then whether
    /// somebody still waits for it.
    pub fn check(&mut self, frame: &[u8], limits: &VerifierParameters, wanted: impl Fn() -> bool) -> Exchange {
        let _busy = self.entry.busy();
        probe::forget_peak(self.pid);
        let pid = self.pid;
        let cpu_before = probe::processor_time(pid);
        let cpu_used = || probe::processor_time(pid).zip(cpu_before).map(|(now, before)| now.saturating_sub(before));
        let cpu_max = Duration::from_millis(limits.hard.cpu_ms);
        let begun = Instant::now();
        let in_line_before = probe::time_in_line(pid);
        let (mut peak, mut cpu_seen) = (0, Duration::ZERO);
        let conversation = self.converse(frame, begun + cpu_max * WALL_FACTOR_MAX, || {
            let in_line = probe::time_in_line(pid).saturating_sub(in_line_before);
            peak = peak.max(probe::memory(pid).map_or(0, |memory| memory.peak_bytes));
            cpu_seen = cpu_used().unwrap_or(cpu_seen);
            if !wanted() {
                Look::Stop(Kill::NotWanted)
            } else if cpu_seen > cpu_max + CPU_SLACK {
                Look::Stop(Kill::ProcessorTime)
            } else if begun.elapsed().saturating_sub(in_line) >= cpu_max * WALL_FACTOR {
                Look::Stop(Kill::Deadline)
            } else {
                Look::GoOn
            }
        });
        let kill = match conversation {
            Conversation::Frame(bytes) => match rmp_serde::from_slice::<Report>(&bytes) {
                Ok(report) => {
                    let peak = probe::memory(pid).map_or(peak, |memory| memory.peak_bytes.max(peak));
                    self.jobs_done = self.jobs_done.saturating_add(1);
                    return Exchange::Answered(Box::new(measured(report, cpu_used(), peak, limits)));
                }
                Err(_) => Some(Kill::Nonsense),
            },
            Conversation::Nonsense => Some(Kill::Nonsense),
            Conversation::Stopped(kill) => Some(kill),
            Conversation::Closed => None,
        };
        if kill.is_some() {
            self.kill();
        }
        let (status, usage) = self.reap();
        let inherited = self.hello.peak_memory_bytes;
        let peak_memory_bytes = if usage.peak_bytes > inherited { usage.peak_bytes.max(peak) } else { peak };
        // The usage is of the whole life; the last look is a little too early. Together they bound the job.
        let cpu = cpu_before.map_or(cpu_seen, |before| usage.processor_time.saturating_sub(before).max(cpu_seen));
        Exchange::Ended(Ending { status, kill, cpu, wall: begun.elapsed(), peak_memory_bytes })
    }

    /// Sends one frame and waits for one, looking up every now and then ([`LOOK_INTERVAL`]).
    fn converse(&mut self, frame: &[u8], deadline: Instant, mut look: impl FnMut() -> Look) -> Conversation {
        let mut unsent = frame;
        let mut incoming = Incoming::default();
        let begun = Instant::now();
        let mut look_next = begun + LOOK_INTERVAL;
        loop {
            let now = Instant::now();
            if now >= look_next {
                match look() {
                    Look::Stop(kill) => return Conversation::Stopped(kill),
                    Look::GoOn if now >= deadline => return Conversation::Stopped(Kill::Deadline),
                    Look::GoOn => {
                        let share = now.saturating_duration_since(begun) / 10;
                        look_next = now + share.clamp(LOOK_INTERVAL, LOOK_INTERVAL_MAX);
                    }
                }
            }
            let span = look_next.saturating_duration_since(Instant::now());
            wait_for(self.reports.as_raw_fd(), (!unsent.is_empty()).then(|| self.requests.as_raw_fd()), span);
            if !unsent.is_empty() {
                match self.requests.write(unsent) {
                    Ok(count) => unsent = &unsent[count..],
                    Err(error) if is_transient(&error) => {}
                    // The worker is ending; its report pipe says so next.
                    Err(_) => unsent = &[],
                }
            }
            match incoming.read(&mut self.reports) {
                Progress::Waiting => {}
                Progress::Frame(bytes) => return Conversation::Frame(bytes),
                Progress::Closed => return Conversation::Closed,
                Progress::TooLong => return Conversation::Nonsense,
            }
        }
    }

    fn kill(&mut self) {
        if !self.reaped {
            // SAFETY: the process is not reaped yet, so the number is still its own.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
        }
    }

    /// Waits for the end, and forces it if it does not come.
    fn reap(&mut self) -> (ExitStatus, Usage) {
        let deadline = Instant::now() + END_MAX;
        loop {
            // SAFETY: both structures are plain data that the call fills; the process is a child that nobody else reaps.
            let (result, status, usage) = unsafe {
                let (mut status, mut usage) = (0, std::mem::zeroed::<libc::rusage>());
                (libc::wait4(self.pid, &mut status, libc::WNOHANG, &mut usage), status, usage)
            };
            if result == self.pid {
                self.reaped = true;
                return (ExitStatus::from_raw(status), Usage::from(&usage));
            }
            let interrupted = io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
            if result < 0 && !interrupted {
                // Somebody else reaped it: nothing is known of its end.
                self.reaped = true;
                return (ExitStatus::from_raw(libc::SIGKILL), Usage::default());
            }
            if Instant::now() >= deadline {
                self.kill();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            self.reap();
        }
    }
}

/// What a look at a running job decides.
enum Look {
    GoOn,
    Stop(Kill),
}

enum Conversation {
    Frame(Vec<u8>),
    /// The worker's end of the pipe is closed.
    Closed,
    /// More than any report can be.
    Nonsense,
    Stopped(Kill),
}

/// Puts the node's own measurements over the worker's, where the system gives them.
fn measured(report: Report, cpu: Option<Duration>, peak_bytes: u64, limits: &VerifierParameters) -> Report {
    let mut report = report.bounded();
    if let Some(cpu) = cpu {
        report.cpu = Millis(u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX));
    }
    report.peak_memory_bytes = peak_bytes;
    let soft = &limits.soft;
    let within = report.cpu.0 <= soft.cpu_ms && peak_bytes <= soft.memory_bytes;
    report.withdraw_readiness_unless(within);
    report
}

fn read_start_error(errors: File) -> String {
    let mut text = Vec::new();
    // The process is gone, so what it said is there; an error means that there is no more of it.
    let _ = errors.take(START_ERROR_BYTES_MAX as u64).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let text = text.trim().trim_start_matches("pop-verifier: ").replace('\n', " ");
    if text.is_empty() {
        "it gave no reason".to_owned()
    } else if text.contains("libz3") {
        format!("{text} (`make setup` fetches the solver, `make install` puts it beside the programs)")
    } else {
        text
    }
}

/// Stands in until the worker has said its own.
fn no_hello() -> Hello {
    use protocol::types::Hash;
    use protocol::verdict::SolverPin;
    use protocol::worker::{FileIdentity, SandboxState};
    let file = FileIdentity { device: 0, inode: 0, bytes: 0, modified_ns: 0 };
    Hello {
        version: 0,
        pin: SolverPin { library: Hash::ZERO, normaliser_version: 0 },
        library: Library { file, hash: Hash::ZERO },
        solver: String::new(),
        sandbox: SandboxState::Unavailable,
        peak_memory_bytes: 0,
    }
}
