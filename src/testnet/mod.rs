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
//! | [`watching`] | the threads: submitting, following blocks, looking at statuses |
//! | [`account`] | what was seen: proofs, blocks, uptime |
//! | [`report`] | the report, each figure with its definition |
//! | [`machine`] | whether this machine can hold it |
//! | [`variants`] | new statements to check, as many as asked for |
//! | [`usage`] | what each validator's parts used |
//! | [`prometheus`] | a Prometheus that looks on, if that is asked for |
//! | [`screen`] | what is printed meanwhile |
//! | [`demo`] | a small one that stays up, to look at; [`examples`] are its proofs |

mod account;
pub mod demo;
mod examples;
mod machine;
mod prometheus;
mod report;
pub mod restart;
mod screen;
pub mod site;
mod usage;
pub mod validators;
mod variants;
mod watching;

pub use report::Spread;
pub use site::Site;
pub use validators::Validators;
pub use watching::on_signal;

use crate::exit::{Exit, Failure, Outcome};
use crate::obligation::{self, Reader};
use crate::utf8;
use account::Account;
use prometheus::Prometheus;
use protocol::types::Stake;
use protocol::verdict::Claim;
use report::Report;
use restart::RestartPolicy;
use screen::Screen;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use usage::Usage;
use watching::{Event, Watch};

/// How long validators may take to find each other, and that much for each.
const START_DEADLINE: Duration = Duration::from_secs(60);
const START_DEADLINE_EACH: Duration = Duration::from_secs(2);
/// How long proofs may take to end when the time is over and nothing is submitted any more.
const DRAIN: Duration = Duration::from_secs(10);
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
    let missing = machine::missing(&machine::Needed::by(plan.nodes), &machine::Machine::look(), plan.nodes);
    if !missing.is_empty() {
        return Err(failure(missing.join("\n       ")));
    }
    let site = Site::make(plan)?;
    let mut screen = Screen::new(plan);
    screen.starting(plan, &site);
    let mut prometheus = prometheus.map(|wanted| wanted.start(&site)).transpose()?;
    let mut validators = Validators::start(&site, RestartPolicy::default())?;
    let deadline = START_DEADLINE + START_DEADLINE_EACH * u32::from(plan.nodes);
    let took = validators.await_quorum(&site, deadline, |started, able| screen.coming_up(plan.nodes, started, able))?;
    let looks_on = prometheus.as_mut().map(Prometheus::await_ready).transpose()?;
    screen.started(&site, took, looks_on.as_deref());
    if plan.restart {
        validators.release(|_| true);
    }

    let mut account = Account::new(&site);
    let mut processes = Processes { validators, prometheus };
    // Before the first submission: what it costs counts.
    let mut usage = Usage::start(&processes.validators.running());
    let (watch, inbox) = Watch::start(plan, &site, account.pending());
    let ending = follow(plan, &mut processes, &mut account, &mut usage, &mut screen, &inbox, &watch);
    watch.stop();
    usage.end(&processes.validators.running());
    account.end(&site);
    drop(processes);

    let report = Report::new(plan, &account, &usage, ending);
    report.write(&plan.output)?;
    screen.report(plan, &site, &report);
    Ok(exit_of(plan, &account, ending))
}

/// What runs beside this program. Dropped, all of it is stopped.
struct Processes {
    validators: Validators,
    prometheus: Option<Prometheus>,
}

/// The loop: everything that is seen, until the run is over.
fn follow(
    plan: &Plan,
    processes: &mut Processes,
    account: &mut Account,
    usage: &mut Usage,
    screen: &mut Screen,
    inbox: &Receiver<Event>,
    watch: &Watch,
) -> Ending {
    let Processes { validators, prometheus } = processes;
    let end = Instant::now() + plan.duration;
    let mut drained = None;
    loop {
        match inbox.recv_timeout(TICK) {
            Ok(Event::Interrupted) => return Ending::Interrupted,
            Ok(event) => screen.tell(&account.on(event)),
            Err(RecvTimeoutError::Timeout) => {}
            // Every thread has ended, which none does by itself.
            Err(RecvTimeoutError::Disconnected) => return Ending::Dead,
        }
        for happened in validators.look() {
            screen.tell(&account.on_process(happened));
        }
        screen.tell(prometheus.as_mut().and_then(Prometheus::look).as_slice());
        if validators.is_over() {
            return Ending::Dead;
        }
        let running = validators.running();
        usage.look(&running);
        screen.progress(&account.progress(running.len()));
        let now = Instant::now();
        if plan.until_done && account.is_done() {
            return Ending::Done;
        }
        if now >= end && drained.is_none() {
            watch.submit_no_more();
            drained = Some(now + DRAIN);
        }
        if drained.is_some_and(|until| now >= until || account.unended() == 0) {
            return Ending::TimeOver;
        }
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
