//! Fault injection: actors, workers and whole validators of a running network are killed, stopped and flooded by a
//! schedule, under load, and the invariants that must hold nevertheless are checked and reported.
//!
//! Nothing here is part of the network: faults go through what an administrator may do and through signals, and
//! everything is judged from what validators report and what is on their disks.
//!
//! | file | owns |
//! |---|---|
//! | [`target`], [`schedule`], [`draw`] | which fault happens where and when; pure |
//! | [`rules`] | whether a fault that is due may be done now; pure |
//! | [`network`], [`admin`] | the validators with their processes, and their actors |
//! | [`fleet`] | the run's own validators: started, restarted, stopped |
//! | [`watch`], [`history`], [`accounts`] | submitting proofs and following the network; what was seen of blocks and of proofs |
//! | [`inject`], [`run`] | doing one fault; the loop over all |
//! | [`checks`], [`unreported`], [`invariants`] | collecting, what was not to be had, and judging; the last is pure |
//! | [`record`], [`report`], [`screen`] | statistics, the report, what is printed meanwhile |

mod accounts;
mod admin;
mod checks;
mod draw;
mod fleet;
mod history;
mod inject;
mod invariants;
mod network;
mod record;
mod report;
mod rules;
mod run;
mod schedule;
mod screen;
mod target;
mod unreported;
mod watch;

pub use draw::Recipe;
pub use schedule::Schedule;
pub use target::{Fault, Target, fault_names};

use crate::exit::{Exit, Failure};
use crate::say;
use crate::testnet::{Spread, on_signal};
use fleet::Fleet;
use network::Network;
use protocol::types::Millis;
use report::{Blocks, Facts, NetworkPart, Report, SchedulePart};
use run::{Outcome, Run};
use screen::Screen;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use target::Part;
use watch::Seen;

/// Before throughput counts as that of an undisturbed network.
const WARM_UP: Duration = Duration::from_secs(2);

/// On which network.
#[derive(Debug, Clone)]
pub enum Place {
    /// One of the run's own, in this folder.
    Own { nodes: u16, folder: PathBuf },
    /// One that runs.
    Given { place: PathBuf, genesis: Option<PathBuf> },
}

/// Which faults.
#[derive(Debug, Clone)]
pub enum Source {
    File { path: PathBuf, schedule: Schedule },
    Drawn { seed: u64, interval: Millis, targets: Option<Vec<String>>, faults: Option<Vec<Fault>> },
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    pub place: Place,
    pub source: Source,
    /// Of faults and the quiet period; none: as long as the schedule file takes.
    pub duration: Option<Duration>,
    /// The end of it, in which everything must heal.
    pub quiet: Duration,
    /// Before it, undisturbed.
    pub baseline: Duration,
    /// Between two submissions; none: as many as are taken.
    pub interval: Option<Duration>,
    pub output: PathBuf,
    pub json: bool,
}

/// The names that a network of the run's own will have.
fn own_names(nodes: u16) -> Vec<String> {
    (1..=nodes).map(|number| format!("node_{number}")).collect()
}

impl Plan {
    /// How long faults are done.
    ///
    /// # Errors
    /// If nothing is left of the duration beside the quiet period.
    fn span(&self) -> Result<Duration, Failure> {
        let wrong = |text| Failure::new(Exit::Input, text);
        match (self.duration, &self.source) {
            (Some(duration), _) => {
                let span = duration.checked_sub(self.quiet).filter(|span| !span.is_zero());
                span.ok_or_else(|| {
                    let (duration, quiet) = (duration.as_secs_f64(), self.quiet.as_secs_f64());
                    wrong(format!(
                        "--duration is {duration:.0} s, of which --quiet takes {quiet:.0} s: no time is left for faults"
                    ))
                })
            }
            (None, Source::File { schedule, .. }) => Ok(Duration::from_millis(schedule.span().0 + 1)),
            (None, Source::Drawn { .. }) => Err(wrong("--duration is missing".into())),
        }
    }

    /// The schedule for validators of these names.
    ///
    /// # Errors
    /// Targets that are not there, or nothing to do.
    fn schedule(&self, names: &[String]) -> Result<Schedule, Failure> {
        let wrong = Failure::with(Exit::Input);
        let schedule = match &self.source {
            Source::File { path, schedule } => {
                let named = |error| Failure::new(Exit::Input, format!("{}: {error}", path.display()));
                schedule.check_targets(names).map_err(named)?;
                schedule.clone()
            }
            Source::Drawn { seed, interval, targets, faults } => {
                let targets = match targets {
                    Some(chosen) => Target::chosen(names, chosen).map_err(wrong)?,
                    None => Target::all(names),
                };
                let faults = faults.clone().unwrap_or_else(|| match self.place {
                    Place::Own { .. } => Fault::ALL.to_vec(),
                    // Whom nobody here starts again must not be asked to stop.
                    Place::Given { .. } => Fault::ALL.into_iter().filter(|fault| *fault != Fault::Restart).collect(),
                });
                let span = Millis(self.span()?.as_millis() as u64);
                draw::draw(&Recipe { seed: *seed, span, interval: *interval, targets, faults })
            }
        };
        if schedule.faults.is_empty() {
            let text = "the schedule is empty: none of --faults can be done to any of --targets in this time";
            return Err(Failure::new(Exit::Input, text));
        }
        Ok(schedule)
    }

    /// Prints the schedule, and does nothing.
    ///
    /// # Errors
    /// As [`run`], as far as it comes without a running network.
    pub fn print_schedule(&self) -> crate::exit::Outcome {
        let names = match &self.place {
            Place::Own { nodes, .. } => own_names(*nodes),
            Place::Given { place, genesis } => Network::find(place, genesis.as_deref())?.names(),
        };
        let schedule = self.schedule(&names)?;
        say!("{}", schedule.text().trim_end());
        Ok(Exit::Fine)
    }
}

/// Runs it all, from the network to the report.
///
/// # Errors
/// If it cannot begin. What happens later is in the report.
pub fn run(plan: &Plan) -> crate::exit::Outcome {
    let span = plan.span()?;
    let mut screen = Screen::new(plan.json);
    let (mut fleet, network, schedule) = place(plan, &mut screen)?;
    check_reach(&network, &schedule, fleet.is_own())?;
    let network = Arc::new(network);
    let from = first_sequence(&network)?;
    let seen = Seen::new(network.clone(), from);
    let interrupted = Arc::new(AtomicBool::new(false));
    let told = interrupted.clone();
    std::thread::spawn(move || on_signal(|| told.store(true, Ordering::Relaxed)));
    let is_interrupted = || interrupted.load(Ordering::Relaxed);

    watch::start(&seen);
    watch::submit(&seen, plan.interval)?;
    let before = checks::trees(&network);
    screen.tell(&format!(
        "Chaos: {} validators, {} faults in {:.0} s, then at most {:.0} s to heal",
        network.nodes.len(),
        schedule.faults.len(),
        span.as_secs_f64(),
        plan.quiet.as_secs_f64()
    ));
    let undisturbed = baseline(plan, &seen, &screen, &mut fleet, &is_interrupted);
    let outcome = Run::new(&seen, &schedule, &mut fleet, &is_interrupted).run(span, plan.quiet, &mut screen);
    let evidence = checks::collect(&seen, before);
    seen.end();
    fleet.stop();

    let report = report(plan, &seen, &fleet, &schedule, outcome, undisturbed, &evidence);
    report.write(&plan.output)?;
    if plan.json {
        say!("{}", report.json());
    } else {
        say!("\n{}", report.table());
        say!("The whole report, with every fault: {}", plan.output.display());
    }
    Ok(report.exit())
}

/// The network that the faults are for. What would fail anyway fails before anything is started.
fn place(plan: &Plan, screen: &mut Screen) -> Result<(Fleet, Network, Schedule), Failure> {
    match &plan.place {
        Place::Own { nodes, folder } => {
            let schedule = plan.schedule(&own_names(*nodes))?;
            screen.tell(&format!("Starting {nodes} validators; their data and logs: {}", folder.display()));
            let fleet = Fleet::start(*nodes, folder)?;
            let network = Network::find(fleet.folder().unwrap_or(folder), None)?;
            Ok((fleet, network, schedule))
        }
        Place::Given { place, genesis } => {
            let network = Network::find(place, genesis.as_deref())?;
            let schedule = plan.schedule(&network.names())?;
            Ok((Fleet::foreign(), network, schedule))
        }
    }
}

/// Proofs a second before any fault.
fn baseline(
    plan: &Plan,
    seen: &Arc<Seen>,
    screen: &Screen,
    fleet: &mut Fleet,
    interrupted: &dyn Fn() -> bool,
) -> Option<f64> {
    if plan.baseline.is_zero() {
        return None;
    }
    screen.tell(&format!("First {:.0} s undisturbed, for comparison", plan.baseline.as_secs_f64()));
    let from = Instant::now() + WARM_UP;
    let to = from + plan.baseline;
    while Instant::now() < to && !interrupted() {
        fleet.tend();
        seen.pause(Duration::from_millis(50));
    }
    Some(seen.accounts.lock().throughput(from, to))
}

/// Where following begins: after what was final before this run.
fn first_sequence(network: &Network) -> Result<u64, Failure> {
    let mut first = 0;
    for node in &network.nodes {
        let standing = node.standing().ok_or_else(|| {
            let text = format!(
                "{} does not answer at {}: every validator must run before it is disturbed",
                node.name, node.http
            );
            Failure::new(Exit::Unreachable, text)
        })?;
        first = first.max(standing.sequence);
    }
    Ok(first + 1)
}

/// Every fault must be possible from here: a run that finds out later has disturbed a network for nothing.
fn check_reach(network: &Network, schedule: &Schedule, own: bool) -> Result<(), Failure> {
    for node in &network.nodes {
        let of_node = || schedule.faults.iter().filter(|entry| entry.target.node == node.name);
        let failure = |why: String| Failure::new(Exit::Configuration, why);
        if of_node().any(|entry| matches!(entry.target.part, Part::Actor(_))) {
            let instead = "--faults kill,stop leaves its actors alone";
            if !node.is_here {
                return Err(failure(format!(
                    "{} is at {}: actors are reached from their own machine only; {instead}",
                    node.name, node.http
                )));
            }
            if !node.has_admin {
                return Err(failure(format!(
                    "{} has its administrator's routes off: set \"admin\": {{\"enabled\": true}} in {} and start it again; {instead}",
                    node.name,
                    node.config.display()
                )));
            }
            node.admin.token().map_err(|error| failure(format!("{}: {error}", node.name)))?;
            check_actors(node, of_node().map(|entry| &entry.target))?;
        }
        if of_node().any(|entry| matches!(entry.target.part, Part::Process | Part::Worker)) {
            node.process().map_err(|error| failure(error.to_string()))?;
        }
        if !own && of_node().any(|entry| entry.fault == Fault::Restart) {
            return Err(failure(format!(
                "{} is asked to stop by restart, and nobody here starts it again: restart is for a network of the run's own, kill \
                 for one whose supervisor starts what dies",
                node.name
            )));
        }
    }
    Ok(())
}

/// The actors that are to be hit are in the validator's own tree.
fn check_actors<'a>(node: &network::Node, targets: impl Iterator<Item = &'a Target>) -> Result<(), Failure> {
    let actors = node.admin.actors().map_err(|why| Failure::new(Exit::Unreachable, format!("{}: {why}", node.name)))?;
    let names = actors.tree.actors();
    for target in targets {
        if let Part::Actor(name) = &target.part
            && !names.contains(name)
        {
            let text = format!("{} has no actor {name}: it has {}", node.name, names.join(", "));
            return Err(Failure::new(Exit::Input, text));
        }
    }
    Ok(())
}

fn report(
    plan: &Plan,
    seen: &Seen,
    fleet: &Fleet,
    schedule: &Schedule,
    outcome: Outcome,
    undisturbed: Option<f64>,
    evidence: &checks::Evidence,
) -> Report {
    let network = &seen.network;
    let ends = fleet.is_own().then_some(outcome.ends);
    let healed = checks::Healed { after: outcome.healed_after, quiet: plan.quiet };
    let invariants = checks::judge(seen, evidence, healed, ends.as_deref());
    let (seed, file) = match &plan.source {
        Source::File { path, .. } => (None, Some(path.display().to_string())),
        Source::Drawn { seed, .. } => (Some(*seed), None),
    };
    let (accounts, history) = (seen.accounts.lock(), seen.history.lock());
    Report::new(Facts {
        network: NetworkPart {
            validators: network.names(),
            chain_id: network.genesis.chain_id().to_string(),
            configurations: network.configs.display().to_string(),
            own: fleet.is_own(),
        },
        schedule: SchedulePart {
            seed,
            file,
            faults: schedule.faults.len(),
            seconds: outcome.to.saturating_duration_since(outcome.from).as_secs_f64(),
            quiet_seconds_max: plan.quiet.as_secs_f64(),
            healed_after_seconds: outcome.healed_after.map(|after| after.as_secs_f64()),
            interrupted: outcome.interrupted,
        },
        proofs: accounts.counts(),
        submit_to_final_ms: Spread::of(accounts.latencies_ms()),
        during: accounts.throughput(outcome.from, outcome.to),
        undisturbed,
        blocks: Blocks {
            r#final: history.blocks(),
            longest_pause_seconds: history.longest_pause(outcome.from, outcome.to).as_secs_f64(),
        },
        processes_ended: ends,
        invariants,
        events: outcome.records,
    })
}
