//! The validator processes: started, watched, restarted, stopped. None outlives this one, however it ends.
//!
//! Nothing happens by itself: the owner of [`Validators`] calls [`Validators::look`] as often as it wants to notice
//! things. Restarting is held for all at first, and for any of them at any time; [`restart`](super::restart) decides
//! the rest.

use super::restart::{RestartPolicy, Restarts, Stays, Then};
use super::site::{Place, Site};
use super::{failure, looks};
use crate::exit::{Exit, Failure};
use actors::config::CROWD_MIN;
use protocol::types::NodeId;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Between the request to stop and SIGKILL, unless somebody has less time.
const GRACE: Duration = Duration::from_secs(9);
const LOOK: Duration = Duration::from_millis(20);
/// Between two first starts in a crowd: each takes some hundred milliseconds of a processor, and shakes hands with all.
const START_INTERVAL: Duration = Duration::from_millis(100);
const LOG_LEVEL: &str = "RUST_LOG";
/// Lines of a log that are shown when its validator does not start.
const LOG_LINES: usize = 8;

/// A validator's process that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// Name, HTTP address and folders.
    pub place: Place,
    pub pid: u32,
    /// How often it was started again.
    pub restarts: u32,
}

/// What [`Validators::look`] noticed.
#[derive(Debug, Clone)]
pub enum Happened {
    Ended(Ended),
    /// One was started again.
    Started(Running),
}

/// A process that ended although this program did not ask it to.
#[derive(Debug, Clone)]
pub struct Ended {
    pub node_id: NodeId,
    pub how: How,
    pub then: Then,
}

/// How a process ended.
#[derive(Debug, Clone)]
pub enum How {
    Status(ExitStatus),
    /// It could not even be made.
    NotMade(String),
}

impl fmt::Display for How {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Status(status) => write!(out, "{status}"),
            How::NotMade(why) => write!(out, "it does not start: {why}"),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "validator {} has ended: {}", self.node_id, self.how)?;
        match &self.then {
            Then::Again(delay) => write!(out, "; started again in {} ms", delay.as_millis()),
            Then::Held => Ok(()),
            Then::Stays(stays) => write!(out, "; {stays}"),
        }
    }
}

enum State {
    /// It is started for the first time then.
    Planned(Instant),
    Runs {
        process: Child,
        since: Instant,
    },
    /// It ended while restarting was held.
    Down,
    /// It is started again then.
    Due(Instant),
    Stays,
}

struct Validator {
    place: Place,
    state: State,
    restarts: Restarts,
    is_held: bool,
}

impl Validator {
    fn running(&self) -> Option<Running> {
        let State::Runs { process, .. } = &self.state else { return None };
        Some(Running { place: self.place.clone(), pid: process.id(), restarts: self.restarts.total() })
    }

    fn on_ended(&mut self, policy: &RestartPolicy, now: Instant, ran: Duration, how: How) -> Happened {
        let status = match &how {
            How::Status(status) => Some(*status),
            How::NotMade(_) => None,
        };
        let mut then = self.restarts.on_ended(policy, now, ran, status, chance());
        // Who holds it has a reason to end it, and says when it is to come back.
        if self.is_held && !matches!(then, Then::Stays(Stays::CannotMend(_))) {
            then = Then::Held;
        }
        self.state = match then {
            Then::Again(delay) => State::Due(now + delay),
            Then::Held => State::Down,
            Then::Stays(_) => State::Stays,
        };
        let ended = Ended { node_id: self.place.node_id.clone(), how, then };
        self.note(&ended.to_string());
        Happened::Ended(ended)
    }

    fn on_made(&mut self, policy: &RestartPolicy, now: Instant, made: io::Result<Child>) -> Happened {
        // One that could not be made counts, too: a machine without a process to spare is not asked for ever.
        self.restarts.on_started(now);
        match made {
            Ok(process) => {
                let pid = process.id();
                self.note(&format!("started again as process {pid}, restart {}", self.restarts.total()));
                self.state = State::Runs { process, since: now };
                Happened::Started(Running { place: self.place.clone(), pid, restarts: self.restarts.total() })
            }
            Err(error) => self.on_ended(policy, now, Duration::ZERO, How::NotMade(error.to_string())),
        }
    }

    /// Writes a line of ours between those of the validator's log: there an operator looks first.
    fn note(&self, text: &str) {
        let log = File::options().append(true).open(&self.place.log);
        // The screen and the report say it, too.
        _ = log.and_then(|mut log| log.write_all(format!("--- {text}\n").as_bytes()));
    }

    /// Notices an end that was asked for, and says nothing.
    fn reap(&mut self) {
        if let State::Runs { process, .. } = &mut self.state
            && matches!(process.try_wait(), Ok(Some(_)))
        {
            self.state = State::Stays;
        }
    }

    fn release(&mut self) {
        self.is_held = false;
        if let State::Down = self.state {
            self.state = State::Due(Instant::now());
        }
    }

    /// None runs and none is about to.
    fn is_over(&self) -> bool {
        match self.state {
            State::Stays | State::Down => true,
            State::Planned(_) | State::Runs { .. } | State::Due(_) => false,
        }
    }
}

pub struct Validators {
    launcher: Launcher,
    policy: RestartPolicy,
    all: Vec<Validator>,
}

impl Validators {
    /// Starts one process for each place; a crowd one after the other, by [`Validators::look`]. Restarting is held until
    /// [`Validators::release`]: what ends before the network is there is better shown than repeated.
    ///
    /// # Errors
    /// If one cannot be started; those before it are stopped.
    pub fn start(site: &Site, policy: RestartPolicy) -> Result<Validators, Failure> {
        let program = std::env::current_exe().map_err(failure)?;
        let is_crowd = site.places.len() >= CROWD_MIN;
        let launcher = Launcher { program, genesis: site.genesis.clone(), is_crowd };
        let mut validators = Validators { launcher, policy, all: Vec::new() };
        let begun = Instant::now();
        for (count, place) in (0..).zip(&site.places) {
            let state = if is_crowd {
                State::Planned(begun + START_INTERVAL * count)
            } else {
                let process = validators
                    .launcher
                    .start(place)
                    .map_err(|error| failure(format!("{} does not start: {error}", place.node_id)))?;
                State::Runs { process, since: Instant::now() }
            };
            let (place, restarts) = (place.clone(), Restarts::default());
            validators.all.push(Validator { place, state, restarts, is_held: true });
        }
        Ok(validators)
    }

    /// Waits until validators that are a quorum say that they are connected to one and sign; all of them, if that does not
    /// take too long. Tells how long it took, and meanwhile how many were started and how many said so, for as long as the
    /// answer is to go on.
    ///
    /// # Errors
    /// If one ends meanwhile (with the end of its log), the deadline passes, or it is not to go on.
    pub fn await_quorum(
        &mut self,
        site: &Site,
        deadline: Duration,
        mut goes_on: impl FnMut(usize, usize) -> bool,
    ) -> Result<Duration, Failure> {
        let started = Instant::now();
        let mut looks = looks::Looks::new(site);
        loop {
            if let Some(Happened::Ended(ended)) = self.look().first() {
                return Err(self.did_not_start(ended));
            }
            looks.look_at_unable();
            let able = looks::able(looks.seen()).count();
            let is_quorum = site.set.is_quorum(site.set.stake_of(looks::able(looks.seen())));
            if !goes_on(self.running().len(), able) {
                return Err(Failure::new(Exit::Interrupted, "interrupted before the network was up; it is stopped"));
            }
            // The others are about to join: a run that starts without them would begin with a pause.
            if able == site.places.len() || (is_quorum && started.elapsed() > deadline / 4) {
                return Ok(started.elapsed());
            }
            if started.elapsed() > deadline {
                let text = format!(
                    "only {able} of {} validators found a quorum within {} s; their logs are in {}",
                    site.places.len(),
                    deadline.as_secs(),
                    site.folder.join("logs").display()
                );
                return Err(Failure::new(Exit::Unreachable, text));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn did_not_start(&self, ended: &Ended) -> Failure {
        let place = self.all.iter().map(|validator| &validator.place).find(|place| place.node_id == ended.node_id);
        let log = place.and_then(|place| std::fs::read_to_string(&place.log).ok()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        let code = match &ended.how {
            How::Status(status) => status.code(),
            How::NotMade(_) => None,
        };
        let exit = code.and_then(Exit::from_code).unwrap_or(Exit::Internal);
        Failure::new(exit, format!("{} ended at its start ({}):\n  {tail}", ended.node_id, ended.how))
    }

    /// Notices those that ended, and starts again those whose time has come.
    pub fn look(&mut self) -> Vec<Happened> {
        let mut happened = Vec::new();
        let now = Instant::now();
        // One at a time: who was looked for elsewhere for a while does not start all that are overdue at once.
        let mut may_start = true;
        for validator in &mut self.all {
            match &mut validator.state {
                State::Planned(at) if *at <= now && std::mem::take(&mut may_start) => {
                    match self.launcher.start(&validator.place) {
                        Ok(process) => validator.state = State::Runs { process, since: now },
                        Err(error) => {
                            let how = How::NotMade(error.to_string());
                            happened.push(validator.on_ended(&self.policy, now, Duration::ZERO, how));
                        }
                    }
                }
                State::Runs { process, since } => {
                    let Ok(Some(status)) = process.try_wait() else { continue };
                    let ran = now.saturating_duration_since(*since);
                    happened.push(validator.on_ended(&self.policy, now, ran, How::Status(status)));
                }
                State::Due(at) if *at <= now => {
                    let made = self.launcher.start(&validator.place);
                    happened.push(validator.on_made(&self.policy, now, made));
                }
                State::Planned(_) | State::Due(_) | State::Down | State::Stays => {}
            }
        }
        happened
    }

    /// Those that run, in the genesis' order.
    pub fn running(&self) -> Vec<Running> {
        self.all.iter().filter_map(Validator::running).collect()
    }

    /// None runs, and none is about to.
    pub fn is_over(&self) -> bool {
        self.all.iter().all(Validator::is_over)
    }

    /// These are not started again when they end, nor if they just wait for it, until they are released.
    pub fn hold(&mut self, is_meant: impl Fn(&NodeId) -> bool) {
        for validator in self.all.iter_mut().filter(|validator| is_meant(&validator.place.node_id)) {
            validator.is_held = true;
            if let State::Planned(_) | State::Due(_) = validator.state {
                validator.state = State::Down;
            }
        }
    }

    /// These are started again when they end. Those that ended meanwhile are due at once, also if they were asked to stop, but
    /// for what a restart cannot mend.
    pub fn release(&mut self, is_meant: impl Fn(&NodeId) -> bool) {
        self.all.iter_mut().filter(|validator| is_meant(&validator.place.node_id)).for_each(Validator::release);
    }

    /// Asks all to stop, and ends those that have not by then. None is started again.
    pub fn stop(&mut self, until: Instant) {
        self.hold(|_| true);
        for validator in &mut self.all {
            if let State::Runs { process, .. } = &mut validator.state {
                ask_to_stop(process);
            }
        }
        while !self.is_over() && Instant::now() < until {
            self.all.iter_mut().for_each(Validator::reap);
            std::thread::sleep(LOOK);
        }
        self.kill();
    }

    /// Ends all at once: the system takes a while to clear up after each.
    fn kill(&mut self) {
        for validator in &mut self.all {
            if let State::Runs { process, .. } = &mut validator.state {
                // It may have ended just now.
                _ = process.kill();
            }
        }
        for validator in &mut self.all {
            if let State::Runs { process, .. } = &mut validator.state {
                _ = process.wait();
                validator.state = State::Stays;
            }
        }
    }
}

impl Drop for Validators {
    fn drop(&mut self) {
        self.stop(Instant::now() + GRACE);
    }
}

fn ask_to_stop(process: &mut Child) {
    // The end of its input is the request.
    drop(process.stdin.take());
    // One that somebody has stopped cannot obey.
    if let Ok(pid) = i32::try_from(process.id()) {
        // SAFETY: a plain system call; the process is our child and not reaped yet, so the number is still its own.
        unsafe { libc::kill(pid, libc::SIGCONT) };
    }
}

/// How a validator's process is made.
struct Launcher {
    program: PathBuf,
    genesis: PathBuf,
    is_crowd: bool,
}

impl Launcher {
    /// Its log is its standard output and error.
    fn start(&self, place: &Place) -> io::Result<Child> {
        let log = File::options().create(true).append(true).open(&place.log)?;
        let mut command = Command::new(&self.program);
        command.args(["start-validator", "--until-stdin-ends", "--node-id", place.node_id.as_str()]);
        command.arg("--config").arg(&place.config).arg("--genesis").arg(&self.genesis);
        // A hundred sessions at each of a hundred validators are ten thousand lines before anything has happened.
        if self.is_crowd && std::env::var_os(LOG_LEVEL).is_none() {
            command.env(LOG_LEVEL, "warn");
        }
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        // A Ctrl-C in the terminal is for this process, which then stops them.
        command.process_group(0).spawn()
    }
}

/// From 0 to 1. Nothing but the pacing of restarts depends on it: the keys of hash maps are random enough.
fn chance() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// A process that is no validator: it says that it is there and does not care about its input.
    fn deaf(name: &str) -> Validator {
        let place = Place {
            node_id: NodeId::new(name).unwrap(),
            config: PathBuf::new(),
            data_dir: PathBuf::new(),
            log: PathBuf::new(),
            http: String::new(),
        };
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' TERM; echo up; exec sleep 600"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        process.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        let state = State::Runs { process, since: Instant::now() };
        Validator { place, state, restarts: Restarts::default(), is_held: true }
    }

    #[test]
    fn those_that_do_not_stop_are_ended_together_when_the_time_is_over() {
        let launcher = Launcher { program: PathBuf::new(), genesis: PathBuf::new(), is_crowd: false };
        let all: Vec<Validator> = ["node_1", "node_2", "node_3", "node_4"].map(deaf).into();
        let mut validators = Validators { launcher, policy: RestartPolicy::default(), all };
        let begun = Instant::now();
        validators.stop(begun + Duration::from_millis(300));
        let took = begun.elapsed();
        assert!(validators.is_over() && validators.running().is_empty());
        assert!(took >= Duration::from_millis(300), "they were given {took:?}");
        // One after the other they would have had as much time each; a loaded machine takes some, too.
        assert!(took < Duration::from_secs(60), "{took:?}");
    }
}
