//! A network of real validator processes on this machine: made, given proofs, watched, stopped, reported on.
//!
//! Threads that wait (for a node's answer, for the next submission) send what they see to one loop, which keeps the
//! account, prints, and decides when the run is over. Nothing here is part of the network: it reads what any operator can.
//!
//! | file | owns |
//! |---|---|
//! | [`site`] | the folder: genesis, keys, configurations, free ports |
//! | [`validators`] | the processes |
//! | [`restart`] | whether and when one that ended is started again |
//! | [`watching`] | starts the threads: [`submitting`], following [`blocks`], polling statuses ([`looks`]), finding [`refusals`] |
//! | [`events`] | what these threads report |
//! | [`waiting`] | waiting that ends when it is told to, and Ctrl-C |
//! | [`asking`] | asking many nodes side by side |
//! | [`account`] | what was seen: proofs, blocks, uptime |
//! | [`report`] | the report, each figure with its definition |
//! | [`machine`] | whether this machine can hold it |
//! | [`variants`] | new statements to check, as many as asked for |
//! | [`usage`] | what each validator's parts used |
//! | [`counted`] | what validators count of themselves: messages, signatures |
//! | [`growth`] | how memory, disk and open files grow |
//! | [`prometheus`] | a Prometheus that looks on, if that is asked for |
//! | [`screen`] | what is printed meanwhile |
//! | [`demo`] | a small one that stays up, to look at; [`examples`] are its proofs |

mod account;
mod asking;
mod blocks;
mod counted;
pub mod demo;
mod events;
mod examples;
mod growth;
mod looks;
mod machine;
mod prometheus;
mod refusals;
mod report;
pub mod restart;
mod screen;
pub mod site;
mod submitting;
mod usage;
pub mod validators;
mod variants;
mod waiting;
mod watching;

pub use report::Spread;
pub use site::Site;
pub use validators::Validators;
pub use waiting::on_signal;

use crate::exit::{Exit, Failure, Outcome};
use crate::obligation::{self, Reader};
use crate::utf8;
use account::Account;
use events::Event;
use prometheus::Prometheus;
use protocol::types::Stake;
use protocol::verdict::Claim;
use report::Report;
use restart::RestartPolicy;
use screen::Screen;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use usage::Usage;
use watching::Watch;

/// How long validators may take to find each other, and that much for each.
const START_DEADLINE: Duration = Duration::from_secs(60);
const START_DEADLINE_EACH: Duration = Duration::from_secs(2);
/// How long proofs are waited for when the time is over and nothing is submitted any more: while one ends now and then, and
/// at most.
const DRAIN: Duration = Duration::from_secs(10);
/// The same for each validator: what a view change costs a hundred is as long as that.
const DRAIN_EACH: Duration = Duration::from_millis(200);
const DRAIN_MAX: Duration = Duration::from_secs(120);
/// How long the end of a run may take, whoever does not answer: its questions, and all of it. The rest is what validators
/// have to stop by themselves.
const LAST_QUESTIONS: Duration = Duration::from_secs(4);
const LAST_COUNTS: Duration = Duration::from_secs(1);
const END: Duration = Duration::from_secs(9);
/// Between two looks at processes and progress.
const TICK: Duration = Duration::from_millis(100);

/// A proof obligation to submit.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its file's name.
    pub name: String,
    pub script: Vec<u8>,
    /// None if neither the manifest nor the script claims an answer: such a task is told, and not submitted.
    pub claim: Option<Claim>,
}

/// Every script of a folder, a manifest or a file, with what it claims.
///
/// # Errors
/// If one cannot be read.
pub fn tasks(proofs: &Path) -> Result<Vec<Task>, Failure> {
    let mut reader = Reader::new(None);
    let mut tasks = Vec::new();
    for path in obligation::scripts(proofs).map_err(Failure::with(Exit::Input))? {
        let read = reader.read(&path).map_err(Failure::with(Exit::Input))?;
        let claim = read.claim.map(|(claim, _)| claim);
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        // One that cannot be made UTF-8 is not taken, which the run tells.
        let script = utf8::carried(&read.script).map(|carried| carried.script.into_owned());
        tasks.push(Task { name, script: script.unwrap_or(read.script), claim });
    }
    Ok(tasks)
}

/// Which ports the validators take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Any that are free.
    Free,
    /// The guide's: 8001, 8002, … for peers, and HTTP 1000 above.
    Guide,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    pub nodes: u16,
    pub stake: Stake,
    pub duration: Duration,
    /// Submit each task once and end with the last of them.
    pub until_done: bool,
    /// Whether validators that end unasked are started again.
    pub restart: bool,
    /// Between two submissions; none: as fast as they are taken.
    pub interval: Option<Duration>,
    pub tasks: Vec<Task>,
    /// Whether each submission is a new statement, a variant of a task, and of which seed.
    pub variants: Option<u64>,
    pub folder: PathBuf,
    pub ports: Ports,
    /// Whether actors may be made to fail.
    pub admin: bool,
    /// The port of a Prometheus beside the network.
    pub prometheus: Option<u16>,
    pub output: PathBuf,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Done,
    TimeOver,
    Interrupted,
    /// No validator runs any more.
    Dead,
}

/// Runs a testnet from its first file to its report.
///
/// # Errors
/// If it cannot be made or does not start. What happens later is in the report.
pub fn run(plan: &Plan) -> Outcome {
    let prometheus = plan.prometheus.map(prometheus::Wanted::look).transpose()?;
    check_machine(plan.nodes)?;
    let interrupted = waiting::interruption();
    let site = Site::make(plan)?;
    let mut screen = Screen::new(plan);
    screen.starting(plan, &site);
    let prometheus = prometheus.map(|wanted| wanted.start(&site)).transpose()?;
    let mut processes = Processes { validators: Validators::start(&site, RestartPolicy::default())?, prometheus };
    let Processes { validators, prometheus } = &mut processes;
    let goes_on = || !interrupted.load(Ordering::Relaxed);
    let took = validators.await_quorum(&site, start_deadline(plan.nodes), |started, able| {
        screen.coming_up(plan.nodes, started, able);
        goes_on()
    })?;
    let looks_on = prometheus.as_mut().map(|prometheus| prometheus.await_ready(goes_on)).transpose()?;
    screen.started(&site, took, looks_on.as_deref());
    if plan.restart {
        validators.release(|_| true);
    }

    let mut account = Account::new(&site);
    // Before the first submission: what it costs counts.
    let mut usage = Usage::start(&processes.validators.running());
    let (watch, inbox) = Watch::start(plan, &site, account.pending());
    let mut sights = Sights { account: &mut account, usage: &mut usage, screen: &mut screen };
    let ending = follow(plan, &mut processes, &mut sights, &inbox, &watch, &interrupted);
    let ended = Instant::now();
    watch.stop();
    account.end(&site, ended + LAST_QUESTIONS);
    let running = processes.validators.running();
    usage.end(&running, account.proofs(), |node_id| !account.is_silent(node_id), Instant::now() + LAST_COUNTS);
    processes.stop(ended + END);
    drop(processes);

    let report = Report::new(plan, &account, &usage, ending);
    report.write(&plan.output)?;
    screen.report(plan, &site, &report);
    Ok(exit_of(plan, &account, ending))
}

/// Whether this machine can hold so many validators; takes as much of its limits as this process may.
///
/// # Errors
/// What is missing, and what to do about it.
pub fn check_machine(nodes: u16) -> Result<(), Failure> {
    let missing = machine::missing(&machine::Needed::by(nodes), &machine::Machine::look(), nodes);
    if missing.is_empty() { Ok(()) } else { Err(failure(missing.join("\n       "))) }
}

/// How long so many may take to find each other.
pub fn start_deadline(nodes: u16) -> Duration {
    START_DEADLINE + START_DEADLINE_EACH * u32::from(nodes)
}

/// What runs beside this program. Dropped, all of it is stopped, side by side.
struct Processes {
    validators: Validators,
    prometheus: Option<Prometheus>,
}

impl Processes {
    /// Stops all of it side by side, and ends by then what does not.
    fn stop(&mut self, until: Instant) {
        let Processes { validators, prometheus } = self;
        std::thread::scope(|scope| {
            scope.spawn(|| prometheus.as_mut().map(|prometheus| prometheus.stop(until)));
            validators.stop(until);
        });
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop(Instant::now() + END);
    }
}

/// Where what is seen of a run is kept and shown.
struct Sights<'a> {
    account: &'a mut Account,
    usage: &'a mut Usage,
    screen: &'a mut Screen,
}

/// The loop: everything that is seen, until the run is over.
fn follow(
    plan: &Plan,
    processes: &mut Processes,
    sights: &mut Sights<'_>,
    inbox: &Receiver<Event>,
    watch: &Watch,
    interrupted: &AtomicBool,
) -> Ending {
    let Processes { validators, prometheus } = processes;
    let Sights { account, usage, screen } = sights;
    let end = Instant::now() + plan.duration;
    let mut drain: Option<Drain> = None;
    // The time was over before everything was submitted.
    let mut is_cut_short = false;
    loop {
        match inbox.recv_timeout(TICK) {
            Ok(event) => screen.tell(&account.on(event)),
            Err(RecvTimeoutError::Timeout) => {}
            // Every thread has ended, which none does by itself.
            Err(RecvTimeoutError::Disconnected) => return Ending::Dead,
        }
        if interrupted.load(Ordering::Relaxed) {
            return Ending::Interrupted;
        }
        for happened in validators.look() {
            screen.tell(&account.on_process(happened));
        }
        screen.tell(prometheus.as_mut().and_then(Prometheus::look).as_slice());
        if validators.is_over() {
            return Ending::Dead;
        }
        let running = validators.running();
        usage.look(&running, account.proofs());
        screen.progress(&account.progress(running.len()));
        let now = Instant::now();
        if plan.until_done && account.is_done() && !is_cut_short {
            return Ending::Done;
        }
        if now >= end && drain.is_none() {
            is_cut_short = !account.are_all_submitted();
            watch.submit_no_more();
        }
        if now >= end && drain.get_or_insert_with(|| Drain::new(now, plan.nodes)).is_over(now, account.unended()) {
            return Ending::TimeOver;
        }
    }
}

/// The time after the last submission, in which proofs end.
struct Drain {
    began: Instant,
    /// How long none may end.
    patience: Duration,
    /// When one ended last, and how many were left.
    last: Instant,
    left: usize,
}

impl Drain {
    fn new(now: Instant, nodes: u16) -> Drain {
        Drain { began: now, patience: DRAIN + DRAIN_EACH * u32::from(nodes), last: now, left: usize::MAX }
    }

    /// Whether it is no use to wait any longer for so many.
    fn is_over(&mut self, now: Instant, left: usize) -> bool {
        if left < self.left {
            (self.last, self.left) = (now, left);
        }
        left == 0 || now.duration_since(self.last) >= self.patience || now.duration_since(self.began) >= DRAIN_MAX
    }
}

fn exit_of(plan: &Plan, account: &Account, ending: Ending) -> Exit {
    if account.disagreement().is_some() || ending == Ending::Dead {
        Exit::Internal
    } else if plan.until_done && ending == Ending::TimeOver {
        Exit::NoVerdict
    } else {
        Exit::Fine
    }
}

/// A failure to make or start the network.
fn failure(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Configuration, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_waited_for_while_they_end_and_not_for_ever() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert!(Drain::new(begun, 4).is_over(begun, 0));
        let mut stuck = Drain::new(begun, 5);
        assert!(!stuck.is_over(at(0), 3) && !stuck.is_over(at(10), 3) && stuck.is_over(at(11), 3));
        let mut slow = Drain::new(begun, 4);
        let over = (0..).find(|second| slow.is_over(at(*second), 1_000 - *second as usize / 9));
        assert_eq!(over, Some(DRAIN_MAX.as_secs()), "one each nine seconds");
    }
}
