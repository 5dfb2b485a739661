//! One run: the loop that does faults when they are due and may be done, keeps the book of what is under way, and waits until
//! everything has healed.

use super::fleet::Fleet;
use super::inject::{Done, Injection};
use super::invariants::ProcessEnd;
use super::network::Network;
use super::record::Record;
use super::rules::{Decision, UnderWay, decide};
use super::schedule::{Entry, Schedule};
use super::screen::Screen;
use super::target::{Fault, Part};
use super::watch::Seen;
use protocol::types::ValidatorIndex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(5);
/// Between two looks at whether everything has healed.
const HEAL_LOOK: Duration = Duration::from_millis(100);

/// What threads report to the loop.
enum Event {
    Done(usize, Box<Done>),
    /// A validator's process is out that was not meant to be.
    Escalated(usize),
    /// One that ended by itself serves again.
    Back(usize),
}

/// A fault that is under way.
struct Active {
    number: usize,
    entry: Entry,
    node: usize,
}

pub struct Run<'a> {
    seen: &'a Arc<Seen>,
    schedule: &'a Schedule,
    fleet: &'a mut Fleet,
    started: Instant,
    interrupted: &'a dyn Fn() -> bool,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    waiting: VecDeque<(usize, Entry)>,
    active: Vec<Active>,
    /// Validators whose process is out; once for each reason.
    out: Vec<usize>,
    finished: Vec<(Record, Option<Instant>)>,
    ends: Vec<ProcessEnd>,
}

/// The outcome of a run.
pub struct Outcome {
    pub records: Vec<Record>,
    pub ends: Vec<ProcessEnd>,
    pub from: Instant,
    /// When faults were over.
    pub to: Instant,
    /// After that, until everything served and every proof had ended.
    pub healed_after: Option<Duration>,
    pub interrupted: bool,
}

impl<'a> Run<'a> {
    pub fn new(
        seen: &'a Arc<Seen>,
        schedule: &'a Schedule,
        fleet: &'a mut Fleet,
        interrupted: &'a dyn Fn() -> bool,
    ) -> Run<'a> {
        let (events, inbox) = channel();
        Run {
            seen,
            schedule,
            fleet,
            started: Instant::now(),
            interrupted,
            events,
            inbox,
            waiting: schedule.faults.iter().cloned().enumerate().collect(),
            active: Vec::new(),
            out: Vec::new(),
            finished: Vec::new(),
            ends: Vec::new(),
        }
    }

    fn network(&self) -> &'a Network {
        &self.seen.network
    }

    /// Does every fault within the span, then submits no more and waits at most so long until all has healed.
    pub fn run(mut self, span: Duration, quiet: Duration, screen: &mut Screen) -> Outcome {
        self.started = Instant::now();
        let end = self.started + span;
        while Instant::now() < end && !(self.interrupted)() {
            self.turn(screen);
            self.inject_what_is_due(screen);
            screen.progress(self.started.elapsed(), self.finished.len(), self.schedule.faults.len(), self.seen);
        }
        let to = Instant::now();
        for (_, entry) in std::mem::take(&mut self.waiting) {
            let why = "its turn did not come before the end: what was in its way was not over".to_owned();
            self.finished.push((Record::not_injected(&entry, why), None));
        }
        self.seen.submit_no_more();
        if (self.interrupted)() {
            self.seen.hurry();
        }
        screen.healing();
        let healed_after = self.heal(to, quiet, screen);
        // A fault that is waited for longer than the network is: its thread's deadline ends it.
        while !self.active.is_empty() {
            self.turn(screen);
        }
        let interrupted = (self.interrupted)();
        let records = self.records();
        Outcome { records, ends: self.ends, from: self.started, to, healed_after, interrupted }
    }

    /// One look at everything that may have happened.
    fn turn(&mut self, screen: &mut Screen) {
        match self.inbox.recv_timeout(TICK) {
            Ok(Event::Done(number, done)) => self.on_done(number, *done, screen),
            Ok(Event::Escalated(node)) => self.out.push(node),
            Ok(Event::Back(node)) => self.is_back(node),
            // The loop holds a sender itself.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        for ended in self.fleet.tend() {
            let node = self.network().position(&ended.node);
            let asked = self.active.iter().any(|Active { entry, .. }| {
                entry.target.node == ended.node
                    && entry.target.part == Part::Process
                    && matches!(entry.fault, Fault::Kill | Fault::Restart)
            });
            let at = format!("{:.3}", self.started.elapsed().as_secs_f64());
            screen.tell(&format!("{} ended: {}", ended.node, ended.status));
            if let Some(node) = node.filter(|node| !self.out.contains(node)) {
                // Nobody waits for it yet: it gave up by itself.
                self.out.push(node);
                self.await_back(node);
            }
            self.ends.push(ProcessEnd { node: ended.node, at, status: ended.status, asked, gave_up: ended.gave_up });
        }
    }

    fn is_back(&mut self, node: usize) {
        if let Some(index) = self.out.iter().position(|out| *out == node) {
            self.out.swap_remove(index);
        }
    }

    /// Tells when a validator serves that ended by itself.
    fn await_back(&self, node: usize) {
        let (seen, events) = (self.seen.clone(), self.events.clone());
        std::thread::spawn(move || {
            while seen.network.nodes[node].standing().is_none_or(|standing| !standing.serves) && seen.pause(HEAL_LOOK) {
            }
            // Nobody listens if the run is over.
            _ = events.send(Event::Back(node));
        });
    }

    fn on_done(&mut self, number: usize, done: Done, screen: &mut Screen) {
        let Some(index) = self.active.iter().position(|active| active.number == number) else { return };
        let active = self.active.swap_remove(index);
        if done.took_the_process || active.entry.takes_the_process() {
            self.is_back(active.node);
        }
        screen.fault(&done.record);
        self.finished.push((done.record, done.injected));
    }

    fn inject_what_is_due(&mut self, screen: &mut Screen) {
        let now = self.started.elapsed().as_millis() as u64;
        let due = self.waiting.iter().take_while(|(_, entry)| entry.at.0 <= now).count();
        let due: Vec<_> = self.waiting.drain(..due).collect();
        let mut later = Vec::new();
        for (number, entry) in due {
            match self.decide(&entry) {
                (Decision::Now, Some(node)) => self.inject(number, entry, node),
                (Decision::Later, Some(_)) => later.push((number, entry)),
                (Decision::Never(why), _) => {
                    let record = Record::not_injected(&entry, why);
                    screen.fault(&record);
                    self.finished.push((record, None));
                }
                // Targets were checked before anything was started.
                (Decision::Now | Decision::Later, None) => {}
            }
        }
        later.into_iter().rev().for_each(|one| self.waiting.push_front(one));
    }

    fn decide(&self, entry: &Entry) -> (Decision, Option<usize>) {
        let network = self.network();
        let Some(node) = network.position(&entry.target.node) else {
            return (Decision::Never(format!("there is no {}", entry.target.node)), None);
        };
        let index = |node: &usize| -> ValidatorIndex { network.nodes[*node].index };
        let under_way = UnderWay {
            faults: self.active.iter().map(|active| &active.entry).collect(),
            out: self.out.iter().map(|out| (network.nodes[*out].name.as_str(), index(out))).collect(),
        };
        let beyond = self.schedule.beyond_tolerance;
        (decide(entry, &under_way, &network.set, beyond, index(&node)), Some(node))
    }

    fn inject(&mut self, number: usize, entry: Entry, node: usize) {
        if entry.takes_the_process() {
            self.out.push(node);
        }
        self.fleet.expect(&entry);
        let already_out = entry.takes_the_process();
        let (seen, events, started, injected) = (self.seen.clone(), self.events.clone(), self.started, entry.clone());
        std::thread::spawn(move || {
            let escalates = || {
                if !already_out {
                    _ = events.send(Event::Escalated(node));
                }
            };
            let nodes = &seen.network.nodes;
            let injection =
                Injection { seen: &seen, node: &nodes[node], entry: &injected, started, escalates: &escalates };
            let done = Box::new(injection.run());
            // The loop listens until the last fault is done.
            _ = events.send(Event::Done(number, done));
        });
        self.active.push(Active { number, entry, node });
    }

    fn heal(&mut self, since: Instant, quiet: Duration, screen: &mut Screen) -> Option<Duration> {
        let deadline = since + quiet;
        let mut looked = Instant::now();
        while Instant::now() < deadline {
            self.turn(screen);
            if looked.elapsed() >= HEAL_LOOK {
                looked = Instant::now();
                if self.has_healed() {
                    return Some(since.elapsed());
                }
            }
        }
        None
    }

    fn has_healed(&self) -> bool {
        self.active.is_empty()
            && self.out.is_empty()
            && self.seen.accounts.lock().unended() == 0
            && self.seen.heads_agree()
            && self.network().nodes.iter().all(|node| {
                node.standing().is_some_and(|standing| standing.serves)
                    && node.admin.actors().is_ok_and(|actors| actors.tree.not_running().is_empty())
            })
    }

    /// In the order of the schedule, each with when the next block was final after it.
    fn records(&mut self) -> Vec<Record> {
        let history = self.seen.history.lock();
        let mut records: Vec<Record> = Vec::new();
        for (mut record, injected) in std::mem::take(&mut self.finished) {
            record.times.next_final_ms = injected.and_then(|injected| {
                let next = history.next_after(injected)?.saturating_duration_since(injected);
                Some((next.as_secs_f64() * 1e6).round() / 1e3)
            });
            records.push(record);
        }
        records.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.target.cmp(&other.target)));
        records
    }
}
