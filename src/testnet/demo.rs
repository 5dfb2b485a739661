//! A network of four validators to look at: it stays up, is given an example proof every now and then, reports when its
//! health changes, and restarts a validator that somebody ended, after a while in which the effect can be seen. Ctrl-C
//! ends it and removes it.
//!
//! Must never: leave a process or its folder behind, or touch a folder that it did not make.

use super::account::Account;
use super::events::{Event, Look};
use super::restart::RestartPolicy;
use super::screen::Screen;
use super::site::Site;
use super::validators::{Happened, Running, Validators};
use super::waiting;
use super::watching::Watch;
use super::{Plan, Ports, TICK, examples, failure};
use crate::args::program;
use crate::exit::{Exit, Failure, Outcome};
use crate::say;
use crate::text::{counted, span};
use crate::why::{self, NoHealth, NodeHealth, State};
use protocol::types::{NodeId, Stake};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

const NODES: u16 = 4;
const STAKE: Stake = Stake(10_000);
/// Between two submissions: slow enough to read what comes of each.
const PACE: Duration = Duration::from_secs(2);
/// How long a validator that somebody ended stays away.
const AWAY: Duration = Duration::from_secs(20);
const START_DEADLINE: Duration = Duration::from_secs(60);
/// One of the examples that are false.
const FALSE_EXAMPLE: &str = "midpoint-overflow.smt2";

/// Runs until it is interrupted.
///
/// # Errors
/// If it cannot be made or does not start.
pub fn run(ports: Ports) -> Outcome {
    // Caught from here on: what is made from here on is removed.
    let interrupted = waiting::interruption();
    let folder = Folder::make().map_err(failure)?;
    let mut plan = plan(&folder.0, ports);
    let site = Site::make(&plan)?;
    let proofs = folder.0.join("proofs");
    std::fs::create_dir(&proofs).and_then(|()| examples::write(&proofs)).map_err(failure)?;
    plan.tasks = super::tasks(&proofs)?;
    say!("Demo: {NODES} validators on this machine; an example proof every {} s", PACE.as_secs());
    say!("Folder: {} (removed at the end)", folder.0.display());
    let validators = Validators::start(&site, RestartPolicy::default())?;
    let mut demo = Demo {
        validators,
        account: Account::new(&site),
        screen: Screen::new(&plan),
        state: None,
        away: Vec::new(),
        interrupted,
    };
    let took = demo.validators.await_quorum(&site, START_DEADLINE, |_, _| !demo.interrupted.load(Ordering::Relaxed))?;
    say!("Up after {} ms.", took.as_millis());
    to_try(&site, ports, &demo.validators.running()).iter().for_each(|line| say!("{line}"));
    let (watch, inbox) = Watch::start(&plan, &site, demo.account.pending());
    let ended = demo.follow(&site, &inbox);
    watch.stop();
    demo.farewell();
    drop(demo);
    drop(folder);
    say!("The network is stopped, and its folder removed.");
    ended.map(|()| Exit::Fine)
}

fn plan(folder: &Path, ports: Ports) -> Plan {
    Plan {
        nodes: NODES,
        stake: STAKE,
        duration: Duration::MAX,
        until_done: false,
        restart: true,
        interval: Some(PACE),
        tasks: Vec::new(),
        variants: None,
        folder: folder.to_owned(),
        ports,
        admin: true,
        prometheus: None,
        output: folder.join("report.json"),
    }
}

/// A folder of our own, gone with this.
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Folder> {
        let path = std::env::temp_dir().join(format!("pop-demo-{}", std::process::id()));
        // One that is there already is somebody else's.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| io::Error::new(error.kind(), format!("cannot make {}: {error}", path.display())))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("error: {} is left behind: {error}", self.0.display());
        }
    }
}

struct Demo {
    validators: Validators,
    account: Account,
    screen: Screen,
    /// Of the network's health, as it was told last.
    state: Option<State>,
    /// Validators that ended, and when they are started again.
    away: Vec<(NodeId, Instant)>,
    interrupted: Arc<AtomicBool>,
}

impl Demo {
    /// Until somebody interrupts it.
    fn follow(&mut self, site: &Site, inbox: &Receiver<Event>) -> Result<(), Failure> {
        while !self.interrupted.load(Ordering::Relaxed) {
            match inbox.recv_timeout(TICK) {
                Ok(event) => self.on(site, event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(Exit::Internal, "every thread of the demo has ended"));
                }
            }
            self.look(Instant::now());
            self.screen.progress(&self.account.progress(self.validators.running().len()));
        }
        Ok(())
    }

    fn on(&mut self, site: &Site, event: Event) {
        if let Event::Looked(looks, _) = &event {
            self.on_health(&healths(site, looks));
        }
        let lines = self.account.on(event);
        self.screen.tell(&lines);
    }

    fn on_health(&mut self, nodes: &[NodeHealth]) {
        let health = why::network(nodes);
        if self.state.replace(health.state) != Some(health.state) {
            self.screen.tell(&[health.sentence]);
        }
    }

    fn look(&mut self, now: Instant) {
        for happened in self.validators.look() {
            match &happened {
                Happened::Ended(ended) => self.away.push((ended.node_id.clone(), now + AWAY)),
                // Held again: its next end, too, is to be seen for a while.
                Happened::Started(running) => self.validators.hold(|node_id| *node_id == running.place.node_id),
            }
            let mut lines = self.account.on_process(happened.clone());
            if matches!(happened, Happened::Ended(_)) {
                lines.push(format!("  it is started again in {} s; `pop why` meanwhile", AWAY.as_secs()));
            }
            self.screen.tell(&lines);
        }
        let due: Vec<NodeId> =
            self.away.iter().filter(|(_, at)| *at <= now).map(|(node_id, _)| node_id.clone()).collect();
        self.away.retain(|(_, at)| *at > now);
        self.validators.release(|node_id| due.contains(node_id));
    }

    fn farewell(&mut self) {
        let proofs = self.account.proofs();
        let elapsed = u64::try_from(self.account.elapsed().as_millis()).unwrap_or(u64::MAX);
        let line = format!(
            "{} final, {} refused in {}; stopping",
            counted(proofs.fin, "proof", "proofs"),
            proofs.refused + proofs.not_taken,
            span(elapsed)
        );
        self.screen.tell(&[String::new(), line]);
    }
}

fn healths(site: &Site, looks: &[Look]) -> Vec<NodeHealth> {
    let health = |(place, look): (&super::site::Place, &Look)| NodeHealth {
        name: place.node_id.to_string(),
        health: look.health.clone().ok_or_else(|| NoHealth::Silent { name: place.node_id.to_string() }),
    };
    site.places.iter().zip(looks).map(health).collect()
}

/// Where the page is, and three things to try.
fn to_try(site: &Site, ports: Ports, running: &[Running]) -> Vec<String> {
    let folder = site.folder.display();
    // With the guide's ports node_1 is found by its name.
    let at = match ports {
        Ports::Guide => String::new(),
        Ports::Free => format!(" --network {folder}"),
    };
    let node = site.places.first().map_or("", |place| place.http.as_str());
    let asked = match ports {
        Ports::Guide => String::new(),
        Ports::Free => format!(" --node {node}"),
    };
    let pids: Vec<String> = running.iter().rev().take(2).map(|running| running.pid.to_string()).collect();
    let pages: Vec<String> = site.places.iter().map(|place| format!("http://{}/", place.http)).collect();
    let pop = program();
    vec![
        String::new(),
        format!("  Pages: {}", pages.join("  ")),
        format!("  On a terminal: {pop} monitor-network --network {folder}"),
        String::new(),
        "Three things to try in another terminal:".into(),
        format!("  1. {pop} submit-proof {folder}/proofs/{FALSE_EXAMPLE} --wait{at}"),
        "       a false theorem: every validator finds it out, and it is refused".into(),
        format!("  2. kill {}, and then: {pop} why{at}", pids.join(" ")),
        format!(
            "       two validators of four are no quorum: it halts, and says why; after {} s they are started again",
            AWAY.as_secs()
        ),
        format!("  3. {pop} kill-actor --actor mempool --token {folder}/node_1/admin_token{asked}"),
        format!("       an actor fails, and its supervisor restarts it; `{pop} actors --watch{at}` shows all of them"),
        String::new(),
        "Ctrl-C ends it and removes the folder.".into(),
        String::new(),
    ]
}
