//! The validator processes: started, watched, stopped. None outlives this one, however it ends.

use super::site::{Place, Site};
use super::{failure, watching};
use crate::exit::{Exit, Failure};
use protocol::types::NodeId;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// Lines of a log that are shown when its validator does not start.
const LOG_LINES: usize = 8;

struct Validator {
    place: Place,
    /// None once it has ended.
    process: Option<Child>,
}

/// A process that ended although nobody asked it to.
#[derive(Debug, Clone)]
pub struct Ended {
    pub node_id: NodeId,
    pub status: ExitStatus,
}

pub struct Validators(Vec<Validator>);

impl Validators {
    /// Starts one process for each place.
    ///
    /// # Errors
    /// If one cannot be started; those before it are stopped.
    pub fn start(site: &Site) -> Result<Validators, Failure> {
        let program = std::env::current_exe().map_err(failure)?;
        let mut validators = Validators(Vec::new());
        for place in &site.places {
            let log = File::create(&place.log).map_err(failure)?;
            let mut command = Command::new(&program);
            command.args(["start-validator", "--until-stdin-ends", "--node-id", place.node_id.as_str()]);
            command.arg("--config").arg(&place.config).arg("--genesis").arg(&site.genesis);
            command.stdin(Stdio::piped()).stdout(log.try_clone().map_err(failure)?).stderr(log);
            // A Ctrl-C in the terminal is for this process, which then stops them.
            command.process_group(0);
            let process =
                command.spawn().map_err(|error| failure(format!("{} does not start: {error}", place.node_id)))?;
            validators.0.push(Validator { place: place.clone(), process: Some(process) });
        }
        Ok(validators)
    }

    /// Waits until validators that are a quorum say that they are connected to one and sign. Tells how long it took.
    ///
    /// # Errors
    /// If one ends meanwhile (with the end of its log), or the deadline passes.
    pub fn await_quorum(&mut self, site: &Site, deadline: Duration) -> Result<Duration, Failure> {
        let started = Instant::now();
        loop {
            if let Some(ended) = self.ended().first() {
                return Err(self.did_not_start(ended));
            }
            let looks = watching::look(site);
            let able = watching::able(&looks).count();
            let is_quorum = site.set.is_quorum(site.set.stake_of(watching::able(&looks)));
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
        let place = self.0.iter().map(|validator| &validator.place).find(|place| place.node_id == ended.node_id);
        let log = place.and_then(|place| std::fs::read_to_string(&place.log).ok()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n  ");
        let exit = ended.status.code().and_then(Exit::from_code).unwrap_or(Exit::Internal);
        Failure::new(exit, format!("{} ended at its start ({}):\n  {tail}", ended.node_id, ended.status))
    }

    /// Those that have ended since the last call.
    pub fn ended(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        for validator in &mut self.0 {
            let status = validator.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
            if let Some(status) = status {
                validator.process = None;
                ended.push(Ended { node_id: validator.place.node_id.clone(), status });
            }
        }
        ended
    }

    pub fn running(&self) -> usize {
        self.0.iter().filter(|validator| validator.process.is_some()).count()
    }

    /// Asks all to stop, and ends those that do not.
    pub fn stop(&mut self) {
        for process in self.0.iter_mut().filter_map(|validator| validator.process.as_mut()) {
            // The end of its input is the request to stop.
            drop(process.stdin.take());
        }
        let deadline = Instant::now() + GRACE;
        while self.running() > 0 && Instant::now() < deadline {
            self.ended();
            std::thread::sleep(LOOK);
        }
        for validator in &mut self.0 {
            if let Some(mut process) = validator.process.take() {
                // It may have ended just now.
                _ = process.kill();
                _ = process.wait();
            }
        }
    }
}

impl Drop for Validators {
    fn drop(&mut self) {
        self.stop();
    }
}
